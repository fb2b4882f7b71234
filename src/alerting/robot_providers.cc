#include "alerting/robot_providers.h"

#include "alerting/notification_templates.h"
#include "alerting/wechat.h"
#include "base/base64.h"
#include "base/json.h"
#include "discover/json_reader.h"
#include "net/hmac.h"
#include "net/url.h"

namespace strata::alerting {
namespace {

constexpr size_t kMaxFeishuText = 18 << 10;  // bytes; a request is at most 20 KB
constexpr size_t kMaxDingtalkText = 18 << 10;
constexpr size_t kMaxWecomMarkdown = 4096;
constexpr size_t kMaxWecomText = 2048;
constexpr size_t kMaxTitle = 100;  // code points

void put_texts(JsonWriter& json, std::string_view key, const Settings& settings,
               std::string_view setting) {
  const config::YamlNode* node = settings.node(setting);
  if (node == nullptr || node->items.empty()) return;
  json.key(key).begin_array();
  for (const config::YamlNode& item : node->items) json.string(item.text);
  json.end_array();
}

bool any(const Settings& settings, std::string_view key) {
  const config::YamlNode* node = settings.node(key);
  return node != nullptr && !node->items.empty();
}

// {"code":0,"msg":"success"}.
Verdict judge_feishu(const net::ClientResponse& response) {
  constexpr int64_t kTooFast = 11232;
  constexpr int64_t kTooMany = 9499;
  Verdict verdict = judge_by_status(response);
  if (!verdict.delivered) return verdict;
  int64_t code = 0;
  std::string message;
  discover::JsonReader reader(response.body);
  reader.object([&](std::string_view key) {
    if (key == "code" || key == "StatusCode")
      reader.integer(code);
    else if (key == "msg")
      reader.string(message);
    else
      reader.skip();
  });
  if (!reader.finish()) return refused(response, "the answer is not JSON", true);
  if (code == 0) return verdict;
  const bool fast = code == kTooFast || code == kTooMany;
  Verdict out = refused(response, fmt::format("{} {}", code, message), fast);
  if (fast) out.reason = "rateLimited";
  return out;
}

// DingTalk's own word for "too fast", besides those of WeChat.
Verdict judge_dingtalk(const net::ClientResponse& response) {
  Verdict verdict = judge_errcode(response);
  if (verdict.detail.contains(" 130101 ")) {
    verdict.retriable = true;
    verdict.reason = "rateLimited";
    // It blocks a robot for ten minutes.
    verdict.retry_after = std::chrono::minutes(10);
  }
  return verdict;
}

void send_signed(const SendContext& context, Result<net::ClientRequest> request,
                 Verdict (*judge)(const net::ClientResponse&), Sent sent) {
  if (!request) return sent(unanswered(request.error()));
  send_request(context, *std::move(request),
               [judge, sent = std::move(sent)](Result<net::ClientResponse> response) {
                 sent(response ? judge(*response) : unanswered(response.error()));
               });
}

Result<net::ClientRequest> feishu_request(const SendContext& context, const MessageParts& parts) {
  const Settings& settings = context.integration->settings;
  const std::string secret = TRY(inline_or_file(settings, "secret", *context.fs));
  std::string body(part(parts, "body"));
  if (!secret.empty()) {
    // The signature is of nothing, with time and secret as its key.
    const std::string seconds = fmt::format("{}", context.clock->now_ms() / 1000);
    body = fmt::format(R"({{"timestamp":"{}","sign":"{}",{})", seconds,
                       signature(seconds + "\n" + secret, ""), body.substr(1));
  }
  return post_json(TRY(inline_or_file(settings, "url", *context.fs)), std::move(body));
}

Result<net::ClientRequest> dingtalk_request(const SendContext& context, const MessageParts& parts) {
  const Settings& settings = context.integration->settings;
  std::string url = TRY(inline_or_file(settings, "url", *context.fs));
  const std::string secret = TRY(inline_or_file(settings, "secret", *context.fs));
  if (!secret.empty()) {
    const std::string millis = fmt::format("{}", context.clock->now_ms());
    url += fmt::format("{}timestamp={}&sign={}", url.contains('?') ? '&' : '?', millis,
                       net::percent_encode(signature(secret, millis + "\n" + secret)));
  }
  return post_json(std::move(url), std::string(part(parts, "body")));
}

}  // namespace

std::string signature(std::string_view key, std::string_view text) {
  return base64_encode(net::as_text(net::hmac_sha256(key, text)));
}

Result<MessageParts> render_feishu(const RenderContext& context, const Notification& notification,
                                   const Destination& to) {
  Wording wording(context.external_url, notification, to);
  std::string body;
  JsonWriter json(body);
  json.begin_object().key("msg_type").string("interactive").key("card").begin_object();
  json.key("header").begin_object().key("title").begin_object().key("tag").string("plain_text");
  json.key("content").string(cut_runes(wording.setting("title"), kMaxTitle)).end_object();
  json.key("template").string(notification.firing() ? "red" : "green").end_object();
  json.key("elements").begin_array().begin_object().key("tag").string("markdown");
  json.key("content").string(cut_bytes(wording.setting("text"), kMaxFeishuText));
  json.end_object().end_array().end_object().end_object();
  TRY(wording.result());
  return MessageParts{{"body", std::move(body)}};
}

void send_feishu(const SendContext& context, const MessageParts& parts, Sent sent) {
  send_signed(context, feishu_request(context, parts), judge_feishu, std::move(sent));
}

Result<MessageParts> render_dingtalk(const RenderContext& context, const Notification& notification,
                                     const Destination& to) {
  const Settings& settings = to.integration->settings;
  Wording wording(context.external_url, notification, to);
  std::string text = cut_bytes(wording.setting("text"), kMaxDingtalkText);
  // Who is called upon has to stand in the text too.
  if (const config::YamlNode* mobiles = settings.node("at_mobiles")) {
    for (const config::YamlNode& mobile : mobiles->items) text += " @" + mobile.text;
  }
  std::string body;
  JsonWriter json(body);
  json.begin_object().key("msgtype").string("markdown").key("markdown").begin_object();
  json.key("title").string(cut_runes(wording.setting("title"), kMaxTitle));
  json.key("text").string(text).end_object().key("at").begin_object();
  put_texts(json, "atMobiles", settings, "at_mobiles");
  json.key("isAtAll").boolean(settings.flag("at_all")).end_object().end_object();
  TRY(wording.result());
  return MessageParts{{"body", std::move(body)}};
}

void send_dingtalk(const SendContext& context, const MessageParts& parts, Sent sent) {
  send_signed(context, dingtalk_request(context, parts), judge_dingtalk, std::move(sent));
}

Result<MessageParts> render_wecom(const RenderContext& context, const Notification& notification,
                                  const Destination& to) {
  const Settings& settings = to.integration->settings;
  Wording wording(context.external_url, notification, to);
  const bool mentions = any(settings, "mentioned_mobiles") || any(settings, "mentioned_users");
  const std::string_view type = mentions ? "text" : "markdown";
  std::string body;
  JsonWriter json(body);
  json.begin_object().key("msgtype").string(type).key(type).begin_object().key("content");
  json.string(cut_bytes(wording.setting("text"), mentions ? kMaxWecomText : kMaxWecomMarkdown));
  put_texts(json, "mentioned_list", settings, "mentioned_users");
  put_texts(json, "mentioned_mobile_list", settings, "mentioned_mobiles");
  json.end_object().end_object();
  TRY(wording.result());
  return MessageParts{{"body", std::move(body)}};
}

Result<net::ClientRequest> wecom_request(const Integration& integration, const MessageParts& parts,
                                         Fs& fs) {
  return post_json(TRY(inline_or_file(integration.settings, "url", fs)),
                   std::string(part(parts, "body")));
}

}  // namespace strata::alerting
