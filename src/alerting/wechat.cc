#include "alerting/wechat.h"

#include "alerting/notification_templates.h"
#include "base/json.h"
#include "discover/json_reader.h"
#include "net/url.h"

namespace strata::alerting {
namespace {

constexpr size_t kMaxText = 2048;  // bytes, of the application's text and markdown
constexpr int64_t kTokenIsOver = 42001;
constexpr int64_t kTokenIsBad = 40014;

struct Answer {
  int64_t errcode = -1;
  std::string errmsg;
  std::string access_token;
};

Result<Answer> read_answer(std::string_view body) {
  Answer out;
  discover::JsonReader reader(body);
  reader.object([&](std::string_view key) {
    if (key == "errcode")
      reader.integer(out.errcode);
    else if (key == "errmsg")
      reader.string(out.errmsg);
    else if (key == "access_token")
      reader.string(out.access_token);
    else
      reader.skip();
  });
  TRY(reader.finish());
  return out;
}

void send_with_token(const SendContext& context, const std::string& account,
                     const std::string& body, const std::string& token, Sent sent) {
  net::FormValues query;
  query.add("access_token", token);
  auto request = post_json(
      context.integration->settings.text("api_url") + "message/send?" + query.encode(), body);
  send_request(context, std::move(request),
               [context, account, sent = std::move(sent)](Result<net::ClientResponse> response) {
                 if (!response) return sent(unanswered(response.error()));
                 if (const auto answer = read_answer(response->body)) {
                   const bool over =
                       answer->errcode == kTokenIsOver || answer->errcode == kTokenIsBad;
                   if (over) context.tokens->forget(account);
                 }
                 sent(judge_errcode(*response));
               });
}

}  // namespace

std::string AccessTokens::find(const std::string& account) const {
  MutexLock lock(mutex_);
  const auto at = tokens_.find(account);
  if (at == tokens_.end() || clock_.steady() - at->second.got_at > kGoodFor) return "";
  return at->second.text;
}

void AccessTokens::keep(const std::string& account, std::string token) {
  MutexLock lock(mutex_);
  if (tokens_.size() >= kMaxTokens) tokens_.clear();
  tokens_.insert_or_assign(account, Token{std::move(token), clock_.steady()});
}

void AccessTokens::forget(const std::string& account) {
  MutexLock lock(mutex_);
  tokens_.erase(account);
}

Verdict judge_errcode(const net::ClientResponse& response) {
  constexpr int64_t kBusy = -1;
  constexpr int64_t kTooFast = 45009;
  Verdict verdict = judge_by_status(response);
  if (!verdict.delivered) return verdict;
  const auto answer = read_answer(response.body);
  if (!answer) return refused(response, "the answer is not JSON", true);
  if (answer->errcode == 0) return verdict;
  const bool again = answer->errcode == kBusy || answer->errcode == kTooFast ||
                     answer->errcode == kTokenIsOver || answer->errcode == kTokenIsBad;
  Verdict out = refused(response, fmt::format("{} {}", answer->errcode, answer->errmsg), again);
  if (answer->errcode == kTooFast) out.reason = "rateLimited";
  return out;
}

Result<MessageParts> render_wechat(const RenderContext& context, const Notification& notification,
                                   const Destination& to) {
  const Settings& settings = to.integration->settings;
  Wording wording(context.external_url, notification, to);
  const std::string& type = settings.text("message_type");
  const std::string message = cut_bytes(wording.setting("message"), kMaxText);
  std::string body;
  JsonWriter json(body);
  json.begin_object();
  // The other of the two is there and empty, as Alertmanager sends it.
  for (const auto kind : {"text", "markdown"}) {
    json.key(kind).begin_object().key("content").string(kind == type ? message : "").end_object();
  }
  for (const auto& [key, setting] :
       {std::pair("touser", "to_user"), std::pair("toparty", "to_party"),
        std::pair("totag", "to_tag"), std::pair("agentid", "agent_id")}) {
    const std::string value = wording.setting(setting);
    if (!value.empty()) json.key(key).string(value);
  }
  json.key("safe").string("0").key("msgtype").string(type).end_object();
  MessageParts parts = {{"body", std::move(body)}, {"corp_id", wording.setting("corp_id")}};
  TRY(wording.result());
  return parts;
}

void send_wechat(const SendContext& context, const MessageParts& parts, Sent sent) {
  const Settings& settings = context.integration->settings;
  const auto secret = inline_or_file(settings, "api_secret", *context.fs);
  if (!secret) return sent(unanswered(secret.error()));
  const std::string corp(part(parts, "corp_id"));
  const std::string account = fmt::format("{} {} {}", settings.text("api_url"), corp, *secret);
  const std::string body(part(parts, "body"));
  if (const std::string token = context.tokens->find(account); !token.empty()) {
    return send_with_token(context, account, body, token, std::move(sent));
  }
  net::FormValues query;
  query.add("corpid", corp);
  query.add("corpsecret", *secret);
  net::ClientRequest request;
  request.url = settings.text("api_url") + "gettoken?" + query.encode();
  send_request(context, std::move(request),
               [context, account, body,
                sent = std::move(sent)](Result<net::ClientResponse> response) mutable {
                 if (!response) return sent(unanswered(response.error()));
                 const auto answer = read_answer(response->body);
                 if (!answer || answer->access_token.empty()) {
                   Verdict verdict = judge_by_status(*response);
                   if (verdict.delivered) {
                     verdict = refused(*response, "no token: " + (answer ? answer->errmsg : ""));
                   }
                   return sent(std::move(verdict));
                 }
                 context.tokens->keep(account, answer->access_token);
                 send_with_token(context, account, body, answer->access_token, std::move(sent));
               });
}

}  // namespace strata::alerting
