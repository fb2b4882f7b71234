#include "alerting/phone_providers.h"

#include "alerting/notification_templates.h"
#include "base/json.h"
#include "base/markup.h"
#include "base/regex.h"
#include "net/basic_auth.h"
#include "net/hmac.h"
#include "net/url.h"

namespace strata::alerting {
namespace {

constexpr size_t kMaxSpeech = 1000;  // code points; a TwiML document is at most 4000 bytes
constexpr size_t kMaxSms = 1600;

std::string twiml(const std::string& text, const std::string& language,
                  const std::string& acknowledge) {
  const std::string say =
      fmt::format(R"(<Say language="{}">{}</Say>)", markup_escaped(language), markup_escaped(text));
  const std::string twice = say + R"(<Pause length="1"/>)" + say;
  if (acknowledge.empty()) return "<Response>" + twice + "</Response>";
  return fmt::format(
      R"(<Response><Gather numDigits="1" method="POST" action="{}">{}</Gather></Response>)",
      markup_escaped(acknowledge), twice);
}

// The same for every attempt at this message, and for no other message.
std::string message_id(const Notification& notification) {
  return net::hex(net::sha256(fmt::format("{} {}", notification.group_key, notification.at)))
      .substr(0, 32);
}

}  // namespace

Result<MessageParts> render_twilio_voice(const RenderContext& context,
                                         const Notification& notification, const Destination& to) {
  Wording wording(context.external_url, notification, to);
  const std::string text = cut_runes(wording.setting("text"), kMaxSpeech);
  const std::string acknowledge = wording.text("{{ .CommonAnnotations.ack_url }}");
  MessageParts parts = {
      {"path", "Calls.json"},
      {"From", wording.setting("from")},
      {"Timeout",
       fmt::format("{}", to.integration->settings.duration("ring_timeout").count() / 1000)},
      {"To", wording.setting("to")},
      {"Twiml", twiml(text, wording.setting("language"), acknowledge)}};
  TRY(wording.result());
  return parts;
}

Result<MessageParts> render_twilio_sms(const RenderContext& context,
                                       const Notification& notification, const Destination& to) {
  Wording wording(context.external_url, notification, to);
  MessageParts parts = {{"path", "Messages.json"},
                        {"Body", cut_runes(wording.setting("text"), kMaxSms)},
                        {"From", wording.setting("from")},
                        {"To", wording.setting("to")}};
  TRY(wording.result());
  return parts;
}

Result<net::ClientRequest> twilio_request(const Integration& integration, const MessageParts& parts,
                                          Fs& fs) {
  const Settings& settings = integration.settings;
  const std::string& account = settings.text("account_sid");
  const std::string token = TRY(inline_or_file(settings, "auth_token", fs));
  std::string base = settings.text("api_url");
  while (base.ends_with('/')) base.pop_back();
  net::FormValues form;
  for (const auto& [name, value] : parts) {
    if (name != "path") form.add(name, value);
  }
  net::ClientRequest request;
  request.method = "POST";
  request.url = fmt::format("{}/2010-04-01/Accounts/{}/{}", base, net::percent_encode(account),
                            part(parts, "path"));
  request.headers.set("Content-Type", "application/x-www-form-urlencoded");
  request.headers.set("Authorization", net::basic_authorization(account + ":" + token));
  request.body = form.encode();
  return request;
}

Result<MessageParts> render_phone(const RenderContext& context, const Notification& notification,
                                  const Destination& to) {
  const Settings& settings = to.integration->settings;
  Wording wording(context.external_url, notification, to);
  const std::string id = message_id(notification);
  std::string body;
  if (settings.has("body")) {
    body = wording.setting("body");
  } else {
    JsonWriter json(body);
    json.begin_object().key("to").string(wording.setting("to"));
    json.key("text").string(cut_runes(wording.setting("text"), kMaxSpeech));
    const std::string acknowledge = wording.text("{{ .CommonAnnotations.ack_url }}");
    if (!acknowledge.empty()) json.key("ack_url").string(acknowledge);
    json.key("id").string(id).end_object();
  }
  MessageParts parts = {{"body", std::move(body)}, {"id", id}};
  if (settings.text("url").contains("{{")) parts.emplace_back("url", wording.setting("url"));
  TRY(wording.result());
  return parts;
}

void send_phone(const SendContext& context, const MessageParts& parts, Sent sent) {
  const Settings& settings = context.integration->settings;
  net::ClientRequest request;
  request.method = settings.text("method");
  request.url = part(parts, "url");
  if (request.url.empty()) {
    auto url = inline_or_file(settings, "url", *context.fs);
    if (!url) return sent(unanswered(url.error()));
    request.url = *std::move(url);
  }
  request.headers.set("Content-Type", settings.text("content_type"));
  request.headers.set("Idempotency-Key", std::string(part(parts, "id")));
  if (const config::YamlNode* headers = settings.node("headers")) {
    for (const config::YamlEntry& header : headers->entries) {
      request.headers.set(header.key, header.value.text);
    }
  }
  if (request.method != "GET") request.body = part(parts, "body");
  const std::string success = settings.text("success");
  send_request(context, std::move(request),
               [success, sent = std::move(sent)](Result<net::ClientResponse> response) {
                 if (!response) return sent(unanswered(response.error()));
                 Verdict verdict = judge_by_status(*response);
                 const auto wanted = Regex::compile(success);
                 if (verdict.delivered && !success.empty() &&
                     !(wanted && wanted->partial_match(response->body))) {
                   verdict = refused(*response, response->body);
                 }
                 sent(std::move(verdict));
               });
}

}  // namespace strata::alerting
