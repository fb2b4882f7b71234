#include "alerting/chat_providers.h"

#include "alerting/notification_templates.h"
#include "base/json.h"
#include "base/number.h"
#include "discover/json_reader.h"

namespace strata::alerting {
namespace {

using config::YamlNode;

constexpr size_t kMaxAttachmentTitle = 1024;  // Slack's and Rocket.Chat's; code points
constexpr std::string_view kSlackPost = "chat.postMessage";
constexpr size_t kMaxMattermostText = 16'383;
constexpr size_t kMaxDiscordTitle = 256;
constexpr size_t kMaxDiscordContent = 2000;
constexpr size_t kMaxDiscordDescription = 4096;
constexpr size_t kMaxTelegramMessage = 4096;
constexpr size_t kMaxWebexMessage = 7439;   // bytes
constexpr size_t kMaxTeamsText = 24 << 10;  // bytes; a webhook takes 28 KB in all

void put(JsonWriter& json, std::string_view key, const std::string& value) {
  if (!value.empty()) json.key(key).string(value);
}

const std::vector<YamlNode>& records(const Settings& settings, std::string_view key) {
  static const std::vector<YamlNode> kNone;
  const YamlNode* node = settings.node(key);
  return node == nullptr ? kNone : node->items;
}

bool flag_of(const YamlNode& record, std::string_view key, bool fallback) {
  const auto* entry = record.find(key);
  return entry == nullptr ? fallback : config::as_bool(entry->value).value_or(fallback);
}

// The short facts of an attachment, as a table of two columns.
void put_fields(JsonWriter& json, const YamlNode& fields, Wording& wording,
                bool short_by_default = false) {
  if (fields.items.empty()) return;
  json.key("fields").begin_array();
  for (const YamlNode& field : fields.items) {
    json.begin_object();
    put(json, "title", wording.field(field, "title"));
    put(json, "value", wording.field(field, "value"));
    json.key("short").boolean(flag_of(field, "short", short_by_default)).end_object();
  }
  json.end_array();
}

void put_fields(JsonWriter& json, const Settings& settings, Wording& wording) {
  const YamlNode* fields = settings.node("fields");
  if (fields != nullptr) put_fields(json, *fields, wording, settings.flag("short_fields"));
}

void put_slack_actions(JsonWriter& json, const Settings& settings, Wording& wording) {
  const auto& actions = records(settings, "actions");
  if (actions.empty()) return;
  json.key("actions").begin_array();
  for (const YamlNode& action : actions) {
    json.begin_object();
    for (const auto key : {"type", "text", "url", "style", "name", "value"}) {
      put(json, key, wording.field(action, key));
    }
    if (const auto* confirm = action.find("confirm")) {
      json.key("confirm").begin_object();
      for (const auto key : {"text", "title", "ok_text", "dismiss_text"}) {
        put(json, key, wording.field(confirm->value, key));
      }
      json.end_object();
    }
    json.end_object();
  }
  json.end_array();
}

void put_slack_attachment(JsonWriter& json, const Settings& settings, Wording& wording) {
  json.begin_object();
  put(json, "title", cut_runes(wording.setting("title"), kMaxAttachmentTitle));
  put(json, "title_link", wording.setting("title_link"));
  put(json, "pretext", wording.setting("pretext"));
  for (const auto key : {"text", "fallback", "callback_id"}) {
    json.key(key).string(wording.setting(key));
  }
  put_fields(json, settings, wording);
  put_slack_actions(json, settings, wording);
  put(json, "image_url", wording.setting("image_url"));
  put(json, "thumb_url", wording.setting("thumb_url"));
  json.key("footer").string(wording.setting("footer"));
  put(json, "color", wording.setting("color"));
  json.key("mrkdwn_in").begin_array();
  const auto& markdown = records(settings, "mrkdwn_in");
  for (const YamlNode& part : markdown) json.string(part.text);
  if (markdown.empty()) json.string("fallback").string("pretext").string("text");
  json.end_array().end_object();
}

void put_slack_message(JsonWriter& json, const Settings& settings, Wording& wording) {
  put(json, "text", wording.setting("message_text"));
  json.key("attachments").begin_array();
  put_slack_attachment(json, settings, wording);
  json.end_array();
}

Result<MessageParts> body_of(const Wording& wording, std::string body) {
  TRY(wording.result());
  return MessageParts{{"body", std::move(body)}};
}

// An API's "ok" or "success" of a JSON answer, and what it says is wrong.
struct Answer {
  bool ok = false;
  std::string error;
  int64_t retry_after = 0;  // seconds
  std::string channel;      // Slack's, of the message that it made
  std::string ts;
};

// The text of a JSON string; "" for anything else.
std::string text_of(std::string_view json) {
  std::string out;
  if (json.starts_with('"')) discover::JsonReader(json).string(out);
  return out;
}

std::optional<Answer> read_answer(std::string_view body, std::string_view ok_key) {
  Answer out;
  discover::JsonReader reader(body);
  reader.object([&](std::string_view key) {
    if (key == ok_key)
      reader.boolean(out.ok);
    else if (key == "error" || key == "description")
      reader.string(out.error);
    else if (key == "ts")
      reader.string(out.ts);
    else if (key == "channel")
      out.channel = text_of(reader.skip());
    else if (key == "parameters")
      reader.object([&](std::string_view name) {
        if (name == "retry_after")
          reader.integer(out.retry_after);
        else
          reader.skip();
      });
    else
      reader.skip();
  });
  if (!reader.finish()) return std::nullopt;
  return out;
}

}  // namespace

Result<MessageParts> render_slack(const RenderContext& context, const Notification& notification,
                                  const Destination& to) {
  const Settings& settings = to.integration->settings;
  Wording wording(context.external_url, notification, to);
  std::string body;
  JsonWriter json(body);
  json.begin_object();
  for (const auto key : {"channel", "username", "icon_emoji", "icon_url"}) {
    put(json, key, wording.setting(key));
  }
  if (settings.flag("link_names")) json.key("link_names").boolean(true);
  put_slack_message(json, settings, wording);
  json.end_object();
  MessageParts parts = TRY(body_of(wording, std::move(body)));
  if (!settings.flag("update_message") || notification.reason == Reason::kFirst) return parts;
  std::string update;
  JsonWriter members(update);
  members.begin_object();
  put_slack_message(members, settings, wording);
  members.end_object();
  parts.emplace_back("update", std::move(update));
  return parts;
}

Result<net::ClientRequest> slack_request(const Integration& integration, const MessageParts& parts,
                                         Fs& fs) {
  auto url = TRY(inline_or_file(integration.settings, "api_url", fs));
  const auto update = part(parts, "update");
  const auto reference = part(parts, "reference");  // "CHANNEL TS"
  const size_t space = reference.find(' ');
  if (update.empty() || space == std::string_view::npos || !url.ends_with(kSlackPost)) {
    return post_json(std::move(url), std::string(part(parts, "body")));
  }
  url.replace(url.size() - kSlackPost.size(), kSlackPost.size(), "chat.update");
  std::string body;
  JsonWriter json(body);
  json.begin_object().key("channel").string(reference.substr(0, space));
  json.key("ts").string(reference.substr(space + 1)).end_object();
  body.back() = ',';
  return post_json(std::move(url), body.append(update.substr(1)));
}

Verdict judge_slack(const net::ClientResponse& response) {
  Verdict verdict = judge_by_status(response);
  if (!verdict.delivered) return verdict;
  if (!response.headers.value("Content-Type").starts_with("application/json")) {
    return response.body == "ok" ? verdict : refused(response, response.body);
  }
  const auto answer = read_answer(response.body, "ok");
  if (!answer) return refused(response, "the answer is not JSON", true);
  if (answer->ok) {
    const bool placed = !answer->channel.empty() && !answer->ts.empty();
    if (placed) verdict.reference = answer->channel + " " + answer->ts;
    return verdict;
  }
  // The message that this one was to take the place of is gone or too old: the next attempt posts.
  const bool anew = answer->error == "message_not_found" ||
                    answer->error == "cant_update_message" || answer->error == "edit_window_closed";
  // Slack's words for "too fast" and "our fault" also come under status 200.
  const bool later = anew || answer->error == "ratelimited" || answer->error == "rate_limited" ||
                     answer->error == "internal_error" || answer->error == "fatal_error" ||
                     answer->error == "service_unavailable";
  return refused(response, answer->error, later);
}

Result<MessageParts> render_mattermost(const RenderContext& context,
                                       const Notification& notification, const Destination& to) {
  static constexpr std::string_view kAttachment[] = {
      "fallback", "color",      "pretext",   "text",   "author_name", "author_link", "author_icon",
      "title",    "title_link", "thumb_url", "footer", "footer_icon", "image_url"};
  const Settings& settings = to.integration->settings;
  Wording wording(context.external_url, notification, to);
  std::string body;
  JsonWriter json(body);
  json.begin_object();
  const std::string text = cut_runes(wording.setting("text"), kMaxMattermostText);
  const auto& attachments = records(settings, "attachments");
  if (!attachments.empty()) put(json, "text", text);
  for (const auto key : {"channel", "username", "icon_url", "icon_emoji", "type"}) {
    put(json, key, wording.setting(key));
  }
  json.key("attachments").begin_array();
  for (const YamlNode& attachment : attachments) {
    json.begin_object();
    for (const auto key : kAttachment) put(json, key, wording.field(attachment, key));
    if (const auto* fields = attachment.find("fields")) put_fields(json, fields->value, wording);
    json.end_object();
  }
  if (attachments.empty()) {  // the message itself is the one attachment
    json.begin_object();
    for (const auto key : kAttachment) put(json, key, key == "text" ? text : wording.setting(key));
    if (const YamlNode* fields = settings.node("fields")) put_fields(json, *fields, wording);
    json.end_object();
  }
  json.end_array();
  if (const YamlNode* props = settings.node("props"); props != nullptr) {
    json.key("props").begin_object();
    put(json, "card", wording.field(*props, "card"));
    json.end_object();
  }
  if (const YamlNode* priority = settings.node("priority"); priority != nullptr) {
    json.key("priority").begin_object();
    put(json, "priority", wording.field(*priority, "priority"));
    for (const auto key : {"requested_ack", "persistent_notifications"}) {
      if (flag_of(*priority, key, false)) json.key(key).boolean(true);
    }
    json.end_object();
  }
  json.end_object();
  return body_of(wording, std::move(body));
}

Result<MessageParts> render_rocketchat(const RenderContext& context,
                                       const Notification& notification, const Destination& to) {
  const Settings& settings = to.integration->settings;
  Wording wording(context.external_url, notification, to);
  std::string body;
  JsonWriter json(body);
  json.begin_object();
  put(json, "channel", wording.setting("channel"));
  put(json, "emoji", wording.setting("emoji"));
  put(json, "avatar", wording.setting("icon_url"));
  json.key("attachments").begin_array().begin_object();
  put(json, "title", cut_runes(wording.setting("title"), kMaxAttachmentTitle));
  for (const auto key : {"title_link", "text", "image_url", "thumb_url", "color"}) {
    put(json, key, wording.setting(key));
  }
  put_fields(json, settings, wording);
  const auto& actions = records(settings, "actions");
  if (!actions.empty()) json.key("actions").begin_array();
  for (const YamlNode& action : actions) {
    json.begin_object().key("type").string("button");
    for (const auto key : {"text", "url", "msg"}) put(json, key, wording.field(action, key));
    json.end_object();
  }
  if (!actions.empty()) json.end_array();
  json.end_object().end_array().end_object();
  return body_of(wording, std::move(body));
}

Result<net::ClientRequest> rocketchat_request(const Integration& integration,
                                              const MessageParts& parts, Fs& fs) {
  const Settings& settings = integration.settings;
  std::string url = settings.text("api_url");
  if (!url.ends_with('/')) url += '/';
  auto request = post_json(url + "api/v1/chat.postMessage", std::string(part(parts, "body")));
  request.headers.set("X-Auth-Token", TRY(inline_or_file(settings, "token", fs)));
  request.headers.set("X-User-Id", TRY(inline_or_file(settings, "token_id", fs)));
  return request;
}

Verdict judge_rocketchat(const net::ClientResponse& response) {
  Verdict verdict = judge_by_status(response);
  if (!verdict.delivered) return verdict;
  const auto answer = read_answer(response.body, "success");
  if (!answer) return refused(response, "the answer is not JSON", true);
  return answer->ok ? verdict : refused(response, answer->error);
}

Result<MessageParts> render_discord(const RenderContext& context, const Notification& notification,
                                    const Destination& to) {
  constexpr int64_t kRed = 0x992d22;
  constexpr int64_t kGreen = 0x2ecc71;
  Wording wording(context.external_url, notification, to);
  std::string body;
  JsonWriter json(body);
  json.begin_object().key("content");
  json.string(cut_runes(wording.setting("content"), kMaxDiscordContent));
  json.key("embeds").begin_array().begin_object();
  json.key("title").string(cut_runes(wording.setting("title"), kMaxDiscordTitle));
  json.key("description");
  json.string(cut_runes(wording.setting("message"), kMaxDiscordDescription));
  json.key("color").integer(notification.firing() ? kRed : kGreen).end_object().end_array();
  put(json, "username", to.integration->settings.text("username"));
  put(json, "avatar_url", to.integration->settings.text("avatar_url"));
  json.end_object();
  return body_of(wording, std::move(body));
}

// The MessageCard of Office 365 connectors.
Result<MessageParts> render_msteams(const RenderContext& context, const Notification& notification,
                                    const Destination& to) {
  Wording wording(context.external_url, notification, to);
  std::string body;
  JsonWriter json(body);
  json.begin_object().key("@context").string("http://schema.org/extensions");
  json.key("type").string("MessageCard").key("title").string(wording.setting("title"));
  json.key("summary").string(wording.setting("summary"));
  json.key("text").string(cut_bytes(wording.setting("text"), kMaxTeamsText));
  json.key("themeColor").string(notification.firing() ? "8C1A1A" : "2DC72D").end_object();
  return body_of(wording, std::move(body));
}

// An adaptive card, as the workflows of Power Automate take it.
Result<MessageParts> render_msteamsv2(const RenderContext& context,
                                      const Notification& notification, const Destination& to) {
  Wording wording(context.external_url, notification, to);
  std::string body;
  JsonWriter json(body);
  json.begin_object().key("type").string("message").key("attachments").begin_array();
  json.begin_object().key("contentType").string("application/vnd.microsoft.card.adaptive");
  json.key("contentUrl").null().key("content").begin_object();
  json.key("$schema").string("http://adaptivecards.io/schemas/adaptive-card.json");
  json.key("type").string("AdaptiveCard").key("version").string("1.2");
  json.key("body").begin_array().begin_object().key("type").string("TextBlock");
  json.key("text").string(wording.setting("title")).key("weight").string("Bolder");
  json.key("size").string("Medium").key("wrap").boolean(true).key("style").string("heading");
  json.key("color").string(notification.firing() ? "Attention" : "Good").end_object();
  json.begin_object().key("type").string("TextBlock").key("text");
  json.string(cut_bytes(wording.setting("text"), kMaxTeamsText)).key("wrap").boolean(true);
  json.end_object().end_array().key("msteams").begin_object().key("width").string("full");
  json.end_object().end_object().end_object().end_array().end_object();
  return body_of(wording, std::move(body));
}

Result<net::ClientRequest> webhook_url_request(const Integration& integration,
                                               const MessageParts& parts, Fs& fs) {
  return post_json(TRY(inline_or_file(integration.settings, "webhook_url", fs)),
                   std::string(part(parts, "body")));
}

Result<MessageParts> render_webex(const RenderContext& context, const Notification& notification,
                                  const Destination& to) {
  Wording wording(context.external_url, notification, to);
  std::string body;
  JsonWriter json(body);
  json.begin_object().key("markdown");
  json.string(cut_bytes(wording.setting("message"), kMaxWebexMessage));
  put(json, "roomId", wording.setting("room_id"));
  json.end_object();
  return body_of(wording, std::move(body));
}

Result<net::ClientRequest> webex_request(const Integration& integration, const MessageParts& parts,
                                         Fs&) {
  return post_json(integration.settings.text("api_url"), std::string(part(parts, "body")));
}

Result<MessageParts> render_telegram(const RenderContext& context, const Notification& notification,
                                     const Destination& to) {
  const Settings& settings = to.integration->settings;
  Wording wording(context.external_url, notification, to);
  std::string text;
  if (settings.text("parse_mode") == "HTML") {
    text = wording.html(settings.text("message"));
    // Cutting could leave a tag open, which Telegram refuses: what fits is said without markup.
    if (cut_runes(text, kMaxTelegramMessage) != text) {
      text = cut_runes(
          wording.html(R"({{ template "__subject" . }} {{ template "__alertmanagerURL" . }})"),
          kMaxTelegramMessage);
    }
  } else {
    text = cut_runes(wording.setting("message"), kMaxTelegramMessage);
  }
  TRY(wording.result());
  return MessageParts{{"text", std::move(text)}};
}

Result<net::ClientRequest> telegram_request(const Integration& integration,
                                            const MessageParts& parts, Fs& fs) {
  const Settings& settings = integration.settings;
  std::string chat = settings.text("chat_id");
  if (chat == "0" || chat.empty()) chat = TRY(inline_or_file(settings, "chat_id", fs));
  if (settings.has("chat_id_file")) {
    chat = TRY(discover::read_credential(fs, settings.text("chat_id_file")));
  }
  std::string body;
  JsonWriter json(body);
  // Everything is text, as the library that Alertmanager uses sends it.
  json.begin_object().key("chat_id").string(chat).key("text").string(part(parts, "text"));
  json.key("disable_web_page_preview").string("true");
  put(json, "parse_mode", settings.text("parse_mode"));
  if (settings.flag("disable_notifications")) json.key("disable_notification").string("true");
  if (const auto thread = settings.integer("message_thread_id"); thread != 0) {
    json.key("message_thread_id").string(fmt::format("{}", thread));
  }
  json.end_object();
  std::string url = settings.text("api_url");
  while (url.ends_with('/')) url.pop_back();
  const std::string token = TRY(inline_or_file(settings, "bot_token", fs));
  return post_json(fmt::format("{}/bot{}/sendMessage", url, token), std::move(body));
}

Verdict judge_telegram(const net::ClientResponse& response) {
  Verdict verdict = judge_by_status(response);
  const auto answer = read_answer(response.body, "ok");
  if (answer && answer->retry_after > 0) {
    verdict.retry_after = std::chrono::seconds(std::min<int64_t>(answer->retry_after, 86'400));
  }
  if (!verdict.delivered) return verdict;
  if (!answer) return refused(response, "the answer is not JSON", true);
  return answer->ok ? verdict : refused(response, answer->error);
}

}  // namespace strata::alerting
