#include "discover/oauth2.h"

#include <algorithm>

#include "base/number.h"
#include "config/url.h"
#include "discover/json_reader.h"
#include "discover/peer_client.h"
#include "net/basic_auth.h"

namespace strata::discover {
namespace {

/// What a token endpoint says (RFC 6749, 5.1 and 5.2).
struct Answer {
  std::string access_token;
  std::string token_type;
  int64_t expires_in = 0;  // seconds; 0: does not say
  std::string error;
  std::string error_description;
};

Result<Answer> answer_from_json(std::string_view body) {
  Answer answer;
  JsonReader reader(body);
  reader.object([&](std::string_view key) {
    if (key == "access_token") {
      reader.string(answer.access_token);
    } else if (key == "token_type") {
      reader.string(answer.token_type);
    } else if (key == "error") {
      reader.string(answer.error);
    } else if (key == "error_description") {
      reader.string(answer.error_description);
    } else if (key == "expires_in") {
      // A number; some servers put it in quotes.
      std::string_view text = reader.skip();
      if (text.starts_with('"') && text.ends_with('"')) text = text.substr(1, text.size() - 2);
      answer.expires_in = static_cast<int64_t>(parse_double(text).value_or(0));
    } else {
      reader.skip();
    }
  });
  TRY(reader.finish());
  return answer;
}

Result<Answer> answer_from_form(std::string_view body) {
  net::FormValues form;
  TRY(net::parse_form(body, form));
  return Answer{.access_token = std::string(form.get("access_token").value_or("")),
                .token_type = std::string(form.get("token_type").value_or("")),
                .expires_in = parse_int(form.get("expires_in").value_or("")).value_or(0),
                .error = std::string(form.get("error").value_or("")),
                .error_description = std::string(form.get("error_description").value_or(""))};
}

Result<Answer> answer_of(const net::ClientResponse& response) {
  const std::string_view type = response.headers.value("Content-Type");
  const bool is_form =
      type.starts_with("application/x-www-form-urlencoded") || type.starts_with("text/plain");
  return is_form ? answer_from_form(response.body) : answer_from_json(response.body);
}

/// The header's scheme for a token_type: the usual ones in their usual spelling.
std::string scheme_of(const std::string& token_type) {
  if (token_type.empty() || net::equals_ignoring_case(token_type, "bearer")) return "Bearer";
  if (net::equals_ignoring_case(token_type, "mac")) return "MAC";
  if (net::equals_ignoring_case(token_type, "basic")) return "Basic";
  return token_type;
}

}  // namespace

OAuth2Tokens::OAuth2Tokens(HttpFetch fetch, config::OAuth2 config, Fs& fs, const Clock& clock)
    : fetch_(std::move(fetch)), config_(std::move(config)), fs_(fs), clock_(clock) {}

Result<std::string> OAuth2Tokens::secret() const {
  if (config_.client_secret_file.empty()) return config_.client_secret.reveal();
  return read_credential(fs_, config_.client_secret_file);
}

void OAuth2Tokens::get(std::chrono::nanoseconds timeout, std::stop_token stop, Done done) {
  if (!config_.grant_type.empty() && config_.grant_type != "client_credentials") {
    return done(bad_data("oauth2: grant_type " + config_.grant_type + " is not supported"));
  }
  const auto current_secret = secret();
  if (!current_secret) return done(std::unexpected(current_secret.error().within("oauth2")));
  std::string authorization;
  bool ask = false;
  bool in_body = false;
  {
    MutexLock lock(mutex_);
    if (token_secret_ != *current_secret) token_ = {};
    token_secret_ = *current_secret;
    if (!token_.authorization.empty() && clock_.steady() < token_.good_until) {
      authorization = token_.authorization;
    } else {
      waiting_.push_back({timeout, stop, std::move(done)});
      ask = !std::exchange(asking_, true);
      in_body = secret_in_body_;
    }
  }
  if (!authorization.empty()) return done(std::move(authorization));
  if (ask) request(timeout, std::move(stop), in_body);
}

void OAuth2Tokens::forget(const std::string& authorization) {
  MutexLock lock(mutex_);
  if (token_.authorization == authorization) token_ = {};
}

void OAuth2Tokens::request(std::chrono::nanoseconds timeout, std::stop_token stop,
                           bool secret_in_body) {
  const auto current_secret = secret();
  if (!current_secret) {
    return settle(std::unexpected(current_secret.error().within("oauth2")), stop);
  }
  net::FormValues form;
  form.add("grant_type", "client_credentials");
  std::string scopes;
  for (const std::string& scope : config_.scopes) scopes += (scopes.empty() ? "" : " ") + scope;
  if (!scopes.empty()) form.add("scope", scopes);
  for (const auto& [name, value] : config_.endpoint_params) form.add(name, value);

  net::ClientRequest request;
  request.method = "POST";
  request.url = config_.token_url;
  request.headers = {{"Content-Type", "application/x-www-form-urlencoded"},
                     {"Accept", "application/json"}};
  if (secret_in_body) {
    form.add("client_id", config_.client_id);
    if (!current_secret->empty()) form.add("client_secret", *current_secret);
  } else {
    const std::string credentials =
        net::percent_encode(config_.client_id) + ":" + net::percent_encode(*current_secret);
    request.headers.set("Authorization", net::basic_authorization(credentials));
  }
  request.body = form.encode();
  request.timeout = timeout;
  request.max_body_bytes = kMaxAnswer;
  request.stop = stop;
  request.tls = tls_options(config_.tls_config);
  set_proxy(config_.proxy, request);
  const auto asked_at = clock_.steady();
  fetch_(std::move(request), [self = shared_from_this(), asked_at, timeout, stop,
                              secret_in_body](Result<net::ClientResponse> response) {
    self->answered(std::move(response), asked_at, timeout, stop, secret_in_body);
  });
}

void OAuth2Tokens::answered(Result<net::ClientResponse> response, std::chrono::nanoseconds asked_at,
                            std::chrono::nanoseconds timeout, std::stop_token stop,
                            bool secret_in_body) {
  if (!response) return settle(std::unexpected(response.error().within("oauth2 token")), stop);
  auto token = token_of(*response, asked_at);
  // Servers differ in how they want the secret (RFC 6749, 2.3.1): the other way is tried once.
  const auto left = timeout - (clock_.steady() - asked_at);
  if (!token && !secret_in_body && left.count() > 0) return request(left, std::move(stop), true);
  if (token && secret_in_body) {
    MutexLock lock(mutex_);
    secret_in_body_ = true;
  }
  settle(std::move(token), stop);
}

Result<OAuth2Tokens::Token> OAuth2Tokens::token_of(const net::ClientResponse& response,
                                                   std::chrono::nanoseconds asked_at) const {
  const std::string from = "oauth2 token from " + config::redact_url(config_.token_url);
  const auto answer = answer_of(response);
  if (response.status / 100 != 2) {
    std::string why =
        fmt::format("{}: status {} {}", from, response.status, net::reason_phrase(response.status));
    if (answer && !answer->error.empty()) why += ": " + answer->error;
    if (answer && !answer->error_description.empty()) why += ": " + answer->error_description;
    return fail(ErrorCode::kUnauthorized, std::move(why));
  }
  if (!answer) return std::unexpected(answer.error().within(from));
  if (answer->access_token.empty()) return bad_data(from + ": the answer has no access_token");
  Token token{.authorization = scheme_of(answer->token_type) + " " + answer->access_token,
              .good_until = std::chrono::nanoseconds::max()};
  constexpr int64_t kCentury = 100LL * 365 * 86'400;
  if (answer->expires_in > 0 && answer->expires_in < kCentury) {
    token.good_until = asked_at + std::chrono::seconds(answer->expires_in) - kMargin;
  }
  return token;
}

void OAuth2Tokens::settle(Result<Token> token, const std::stop_token& asker) {
  std::vector<Waiter> waiters;
  std::optional<Waiter> next;  // whose patience the next request for a token has
  {
    MutexLock lock(mutex_);
    asking_ = false;
    if (token) token_ = *token;
    waiters.swap(waiting_);
    // The one on whose behalf it was asked gave up; the others have not.
    if (!token && asker.stop_requested()) {
      const auto alive = std::ranges::stable_partition(
          waiters, [](const Waiter& waiter) { return waiter.stop.stop_requested(); });
      waiting_.assign(std::make_move_iterator(alive.begin()), std::make_move_iterator(alive.end()));
      waiters.erase(alive.begin(), alive.end());
      if (!waiting_.empty()) {
        asking_ = true;
        next = Waiter{waiting_[0].timeout, waiting_[0].stop, {}};
      }
    }
  }
  for (Waiter& waiter : waiters) {
    if (token) {
      waiter.done(token->authorization);
    } else {
      waiter.done(std::unexpected(token.error()));
    }
  }
  if (next) request(next->timeout, next->stop, false);
}

}  // namespace strata::discover
