#include "discover/peer_client.h"

#include "net/basic_auth.h"

namespace strata::discover {
namespace {

Result<std::string> value_or_file(Fs& fs, std::string value, const std::string& file) {
  if (file.empty()) return value;
  return read_credential(fs, file);
}

net::TlsVersion tls_version(config::TlsVersion version, net::TlsVersion fallback) {
  switch (version) {
    case config::TlsVersion::kUnset: return fallback;
    case config::TlsVersion::kTls10: return net::TlsVersion::kTls10;
    case config::TlsVersion::kTls11: return net::TlsVersion::kTls11;
    case config::TlsVersion::kTls12: return net::TlsVersion::kTls12;
    case config::TlsVersion::kTls13: return net::TlsVersion::kTls13;
  }
  return fallback;
}

}  // namespace

Result<std::string> read_credential(Fs& fs, const std::string& path) {
  static constexpr std::string_view kBlank = " \t\r\n\v\f";
  const std::string text = TRY(fs.read_file(path));
  const size_t start = text.find_first_not_of(kBlank);
  if (start == std::string::npos) return std::string();
  return text.substr(start, text.find_last_not_of(kBlank) - start + 1);
}

net::TlsOptions tls_options(const config::TlsConfig& config) {
  return {.ca_file = config.ca_file,
          .ca_pem = config.ca,
          .cert_file = config.cert_file,
          .cert_pem = config.cert,
          .key_file = config.key_file,
          .key_pem = config.key.reveal(),
          .server_name = config.server_name,
          .insecure_skip_verify = config.insecure_skip_verify,
          .min_version = tls_version(config.min_version, net::TlsVersion::kTls12),
          .max_version = tls_version(config.max_version, net::TlsVersion::kTls13)};
}

void set_proxy(const config::ProxyConfig& config, net::ClientRequest& request) {
  request.proxy_url = config.proxy_url;
  request.no_proxy = config.no_proxy;
  request.proxy_from_environment = config.proxy_from_environment;
  for (const config::ProxyHeader& header : config.proxy_connect_header) {
    for (const config::Secret& value : header.values) {
      request.proxy_connect_headers.add(header.name, value.reveal());
    }
  }
}

PeerClient::PeerClient(HttpFetch fetch, config::HttpClientConfig config, Fs& fs, const Clock& clock)
    : fetch_(std::move(fetch)), config_(std::move(config)), fs_(fs), clock_(clock) {
  if (config_.oauth2) {
    tokens_ = std::make_shared<OAuth2Tokens>(fetch_, *config_.oauth2, fs, clock);
  }
}

void PeerClient::prepare(net::ClientRequest& request) const {
  request.follow_redirects = config_.follow_redirects;
  request.tls = tls_options(config_.tls_config);
  set_proxy(config_.proxy, request);
}

Result<> PeerClient::add_headers(net::Headers& headers) const {
  for (const config::HttpHeader& header : config_.http_headers) {
    for (const std::string& value : header.values) headers.add(header.name, value);
    for (const config::Secret& secret : header.secrets) headers.add(header.name, secret.reveal());
    for (const std::string& file : header.files) {
      headers.add(header.name, TRY(read_credential(fs_, file)));
    }
  }
  if (const auto& basic = config_.basic_auth) {
    const std::string user = TRY(value_or_file(fs_, basic->username, basic->username_file));
    const std::string password =
        TRY(value_or_file(fs_, basic->password.reveal(), basic->password_file));
    headers.set("Authorization", net::basic_authorization(user + ":" + password));
  }
  if (const auto& own = config_.authorization) {
    const std::string credentials =
        TRY(value_or_file(fs_, own->credentials.reveal(), own->credentials_file));
    headers.set("Authorization", own->type + " " + credentials);
  }
  return {};
}

void PeerClient::fetch(net::ClientRequest request, net::HttpClient::Callback done) const {
  if (auto added = add_headers(request.headers); !added) {
    return done(std::unexpected(added.error().within("credentials")));
  }
  if (tokens_) return fetch_with_token(std::move(request), std::move(done));
  fetch_(std::move(request), std::move(done));
}

void PeerClient::fetch_with_token(net::ClientRequest request,
                                  net::HttpClient::Callback done) const {
  const auto asked_at = clock_.steady();
  const auto timeout = request.timeout;
  const std::stop_token stop = request.stop;
  // This may be gone when the token comes: all that is needed goes along. Weakly, for the tokens
  // keep what waits for them.
  tokens_->get(timeout, stop,
               [fetch = fetch_, weak = std::weak_ptr(tokens_), &clock = clock_, asked_at,
                request = std::move(request),
                done = std::move(done)](Result<std::string> authorization) mutable {
                 if (!authorization) return done(std::unexpected(authorization.error()));
                 request.timeout -= clock.steady() - asked_at;
                 request.headers.set("Authorization", *authorization);
                 fetch(std::move(request), [weak, used = *std::move(authorization),
                                            done = std::move(done)](auto response) mutable {
                   const auto tokens = weak.lock();
                   if (tokens && response && response->status == 401) tokens->forget(used);
                   done(std::move(response));
                 });
               });
}

}  // namespace strata::discover
