#include "alerting/paging_providers.h"

#include <algorithm>

#include "alerting/webhook.h"
#include "discover/json_reader.h"
#include "net/url.h"

namespace strata::alerting {
namespace {

using config::YamlNode;

constexpr size_t kMaxPagerdutySummary = 1024;   // code points
constexpr size_t kMaxPagerdutyEvent = 512'000;  // bytes
constexpr size_t kMaxOpsgenieMessage = 130;
constexpr size_t kMaxVictoropsMessage = 20'480;
constexpr size_t kMaxPushoverTitle = 250;
constexpr size_t kMaxPushoverMessage = 1024;
constexpr size_t kMaxPushoverUrl = 512;
constexpr size_t kMaxIncidentioBody = 512 << 10;
constexpr std::string_view kPagerdutyV1 =
    "https://events.pagerduty.com/generic/2010-04-15/create_event.json";

void put(JsonWriter& json, std::string_view key, const std::string& value) {
  if (!value.empty()) json.key(key).string(value);
}

// A key may be a template of the group's labels: then what it renders to goes with the message.
void keep_rendered_key(const Settings& settings, std::string_view key, Wording& wording,
                       MessageParts& parts) {
  if (settings.text(key).contains("{{")) parts.emplace_back(key, wording.setting(key));
}

Result<std::string> secret(const Settings& settings, const std::string& key,
                           const MessageParts& parts, Fs& fs) {
  const auto rendered = part(parts, key);
  std::string value = rendered.empty() ? TRY(inline_or_file(settings, key, fs))
                                       : std::string(rendered);
                                       if (value.empty())
                                         return bad_data(fmt::format("{} is empty", key));
                                       return value;
}

// `{"a":1}` with a member before the others.
std::string with_member(std::string_view object, std::string_view key, std::string_view value) {
  std::string out = "{";
  append_json_string(out, key);
  out += ':';
  append_json_string(out, value);
  out += object == "{}" ? "" : ",";
  out += object.substr(1);
  return out;
}

std::string details_json(const Settings& settings, Wording& wording) {
  // What Alertmanager gives unless the file says otherwise under the same name.
  static constexpr std::pair<std::string_view, std::string_view> kDefaults[] = {
      {"firing", R"({{ .Alerts.Firing | toJson }})"},
      {"resolved", R"({{ .Alerts.Resolved | toJson }})"},
      {"num_firing", R"({{ .Alerts.Firing | len }})"},
      {"num_resolved", R"({{ .Alerts.Resolved | len }})"}};
  const YamlNode* own = settings.node("details");
  std::string out;
  JsonWriter json(out);
  json.begin_object();
  for (const auto& [key, text] : kDefaults) {
    if (own != nullptr && own->find(key) != nullptr) continue;
    json.key(key);
    write_text(json, wording.text(text));
  }
  if (own != nullptr) {
    for (const config::YamlEntry& entry : own->entries) {
      json.key(entry.key);
      write_templated(json, entry.value, wording);
    }
  }
  json.end_object();
  return out;
}

void put_pagerduty_extras(JsonWriter& json, const Settings& settings, Wording& wording) {
  const auto list = [&](std::string_view key, std::string_view must,
                        std::initializer_list<std::string_view> fields) {
    const YamlNode* node = settings.node(key);
    if (node == nullptr) return;
    bool open = false;
    for (const YamlNode& item : node->items) {
      if (wording.field(item, must).empty()) continue;
      if (!open) json.key(key).begin_array();
      open = true;
      json.begin_object();
      for (const auto field : fields) json.key(field).string(wording.field(item, field));
      json.end_object();
    }
    if (open) json.end_array();
  };
  list("images", "src", {"src", "alt", "href"});
  list("links", "href", {"href", "text"});
}

std::string pagerduty_v1(const Settings&, const Notification& notification, Wording& wording,
                         const std::string& details) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().key("incident_key").string(group_hash(notification));
  json.key("event_type").string(notification.firing() ? "trigger" : "resolve");
  put(json, "description", cut_runes(wording.setting("description"), kMaxPagerdutySummary));
  json.key("event_action").string("").key("payload").null();
  if (notification.firing()) {
    put(json, "client", wording.setting("client"));
    put(json, "client_url", wording.setting("client_url"));
  }
  json.key("details").raw(details).end_object();
  return out;
}

std::string pagerduty_v2(const Settings& settings, const Notification& notification,
                         Wording& wording, const std::string& details) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().key("dedup_key").string(group_hash(notification));
  json.key("event_action").string(notification.firing() ? "trigger" : "resolve");
  json.key("payload").begin_object().key("summary");
  json.string(cut_runes(wording.setting("description"), kMaxPagerdutySummary));
  json.key("source").string(wording.setting("source"));
  json.key("severity").string(settings.has("severity") ? wording.setting("severity") : "error");
  for (const auto key : {"class", "component", "group"}) put(json, key, wording.setting(key));
  json.key("custom_details").raw(details).end_object();
  put(json, "client", wording.setting("client"));
  put(json, "client_url", wording.setting("client_url"));
  put_pagerduty_extras(json, settings, wording);
  json.end_object();
  return out;
}

bool is_v1(const Settings& settings) {
  return settings.has("service_key") || settings.has("service_key_file");
}

// "a, b" at its commas; empty ones are left out.
std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    if (comma > 0) out.emplace_back(text.substr(0, comma));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return out;
}

void put_list(JsonWriter& json, std::string_view key, const std::string& text) {
  const auto items = split_list(text);
  if (items.empty()) return;
  json.key(key).begin_array();
  for (const std::string& item : items) json.string(item);
  json.end_array();
}

void put_responders(JsonWriter& json, const Settings& settings, Wording& wording) {
  const YamlNode* responders = settings.node("responders");
  if (responders == nullptr) return;
  bool open = false;
  const auto put_one = [&](std::initializer_list<std::pair<std::string_view, std::string>> fields) {
    if (!open) json.key("responders").begin_array();
    open = true;
    json.begin_object();
    for (const auto& [key, value] : fields) {
      if (!value.empty() || key == "type") json.key(key).string(value);
    }
    json.end_object();
  };
  for (const YamlNode& responder : responders->items) {
    const std::string id = wording.field(responder, "id");
    const std::string name = wording.field(responder, "name");
    const std::string username = wording.field(responder, "username");
    const std::string type = wording.field(responder, "type");
    if (id.empty() && name.empty() && username.empty() && type.empty()) continue;
    if (type == "teams") {
      for (const std::string& team : split_list(name)) put_one({{"name", team}, {"type", "team"}});
    } else {
      put_one({{"id", id}, {"name", name}, {"username", username}, {"type", type}});
    }
  }
  if (open) json.end_array();
}

std::string opsgenie_alert(const Settings& settings, const Notification& notification,
                           Wording& wording, const std::string& message,
                           const std::string& description) {
  StringPairs details;
  for (const Label& label : notification.common_labels()) {
    details.emplace_back(label.name, label.value);
  }
  if (const YamlNode* own = settings.node("details")) {
    for (const config::YamlEntry& entry : own->entries) {
      std::erase_if(details, [&](const auto& pair) { return pair.first == entry.key; });
      details.emplace_back(entry.key, wording.text(entry.value.text));
    }
  }
  std::string out;
  JsonWriter json(out);
  json.begin_object().key("alias").string(group_hash(notification));
  json.key("message").string(message);
  put(json, "description", description);
  json.key("details").begin_object();
  for (const auto& [name, value] : details) json.key(name).string(value);
  json.end_object().key("source").string(wording.setting("source"));
  put_responders(json, settings, wording);
  put_list(json, "tags", wording.setting("tags"));
  for (const auto key : {"note", "priority", "entity"}) put(json, key, wording.setting(key));
  put_list(json, "actions", wording.setting("actions"));
  json.end_object();
  return out;
}

std::string one_member(std::string_view key, const std::string& value) {
  std::string out;
  JsonWriter json(out);
  json.begin_object();
  put(json, key, value);
  json.end_object();
  return out;
}

// The requests of one notification, one after another until one fails.
void send_in_turn(const SendContext& context, std::vector<net::ClientRequest> requests, Sent sent) {
  net::ClientRequest first = std::move(requests.front());
  requests.erase(requests.begin());
  send_request(context, std::move(first),
               [context, requests = std::move(requests),
                sent = std::move(sent)](Result<net::ClientResponse> response) mutable {
                 if (!response) return sent(unanswered(response.error()));
                 Verdict verdict = judge_by_status(*response);
                 if (!verdict.delivered || requests.empty()) return sent(std::move(verdict));
                 send_in_turn(context, std::move(requests), std::move(sent));
               });
}

}  // namespace

Result<MessageParts> render_pagerduty(const RenderContext& context,
                                      const Notification& notification, const Destination& to) {
  const Settings& settings = to.integration->settings;
  Wording wording(context.external_url, notification, to);
  const auto event = is_v1(settings) ? pagerduty_v1 : pagerduty_v2;
  std::string body = event(settings, notification, wording, details_json(settings, wording));
  if (body.size() > kMaxPagerdutyEvent) {
    body = event(settings, notification, wording,
                 one_member("error", fmt::format("The details are left out: with them the event is "
                                                 "{} bytes long, and at most {} are taken",
                                                 body.size(), kMaxPagerdutyEvent)));
  }
  MessageParts parts = {{"body", std::move(body)}};
  keep_rendered_key(settings, is_v1(settings) ? "service_key" : "routing_key", wording, parts);
  TRY(wording.result());
  return parts;
}

Result<net::ClientRequest> pagerduty_request(const Integration& integration,
                                             const MessageParts& parts, Fs& fs) {
  const Settings& settings = integration.settings;
  const bool v1 = is_v1(settings);
  const std::string name = v1 ? "service_key" : "routing_key";
  const std::string key = TRY(secret(settings, name, parts, fs));
  // v1 has one address; what stands in `url` is v2's unless a file says otherwise.
  const std::string& url = settings.text("url");
  const bool own = url != "https://events.pagerduty.com/v2/enqueue";
  return post_json(v1 && !own ? std::string(kPagerdutyV1) : url,
                   with_member(part(parts, "body"), name, key));
}

Verdict judge_pagerduty(const net::ClientResponse& response) {
  Verdict verdict = judge_by_status(response);
  if (response.status == 403) verdict.retriable = true;
  return verdict;
}

Result<MessageParts> render_opsgenie(const RenderContext& context, const Notification& notification,
                                     const Destination& to) {
  const Settings& settings = to.integration->settings;
  Wording wording(context.external_url, notification, to);
  MessageParts parts = {{"alias", group_hash(notification)}};
  if (notification.firing()) {
    const std::string message = cut_runes(wording.setting("message"), kMaxOpsgenieMessage);
    const std::string description = wording.setting("description");
    parts.emplace_back("create",
                       opsgenie_alert(settings, notification, wording, message, description));
    if (settings.flag("update_alerts")) {
      parts.emplace_back("message", one_member("message", message));
      parts.emplace_back("description", one_member("description", description));
    }
  } else {
    std::string close;
    JsonWriter(close).begin_object().key("source").string(wording.setting("source")).end_object();
    parts.emplace_back("close", std::move(close));
  }
  keep_rendered_key(settings, "api_key", wording, parts);
  TRY(wording.result());
  return parts;
}

void send_opsgenie(const SendContext& context, const MessageParts& parts, Sent sent) {
  const Settings& settings = context.integration->settings;
  const auto key = secret(settings, "api_key", parts, *context.fs);
  if (!key) return sent(unanswered(key.error()));
  const std::string alerts = settings.text("api_url") + "v2/alerts";
  std::vector<net::ClientRequest> requests;
  for (const auto& [name, body] : parts) {
    if (name == "alias" || name == "api_key") continue;
    std::string url = alerts;
    if (name != "create") {
      url += fmt::format("/{}/{}?identifierType=alias", part(parts, "alias"), name);
    }
    auto request = post_json(std::move(url), body);
    if (name == "message" || name == "description") request.method = "PUT";
    request.headers.set("Authorization", "GenieKey " + *key);
    // The alert comes first: the others change it.
    requests.insert(name == "create" ? requests.begin() : requests.end(), std::move(request));
  }
  if (requests.empty()) {
    return sent(
        {.delivered = false, .retriable = false, .retry_after = {}, .detail = "no request"});
  }
  send_in_turn(context, std::move(requests), std::move(sent));
}

Result<MessageParts> render_victorops(const RenderContext& context,
                                      const Notification& notification, const Destination& to) {
  const Settings& settings = to.integration->settings;
  Wording wording(context.external_url, notification, to);
  std::string type = wording.setting("message_type");
  if (!notification.firing()) {
    type = "RECOVERY";
  } else if (type != "INFO" && type != "WARNING" && type != "CRITICAL") {
    type = "CRITICAL";
  }
  std::string body;
  JsonWriter json(body);
  json.begin_object().key("message_type").string(type);
  json.key("entity_id").string(group_hash(notification));
  json.key("entity_display_name").string(wording.setting("entity_display_name"));
  json.key("state_message");
  json.string(cut_runes(wording.setting("state_message"), kMaxVictoropsMessage));
  json.key("monitoring_tool").string(wording.setting("monitoring_tool"));
  if (const YamlNode* fields = settings.node("custom_fields")) {
    for (const config::YamlEntry& entry : fields->entries) {
      json.key(entry.key).string(wording.text(entry.value.text));
    }
  }
  json.end_object();
  MessageParts parts = {{"body", std::move(body)}, {"routing_key", wording.setting("routing_key")}};
  TRY(wording.result());
  return parts;
}

Result<net::ClientRequest> victorops_request(const Integration& integration,
                                             const MessageParts& parts, Fs& fs) {
  const std::string key = TRY(inline_or_file(integration.settings, "api_key", fs));
  return post_json(fmt::format("{}{}/{}", integration.settings.text("api_url"), key,
                               net::percent_encode(part(parts, "routing_key"))),
                   std::string(part(parts, "body")));
}

Result<MessageParts> render_pushover(const RenderContext& context, const Notification& notification,
                                     const Destination& to) {
  const Settings& settings = to.integration->settings;
  Wording wording(context.external_url, notification, to);
  MessageParts parts;
  keep_rendered_key(settings, "token", wording, parts);
  keep_rendered_key(settings, "user_key", wording, parts);
  parts.emplace_back("title", cut_runes(wording.setting("title"), kMaxPushoverTitle));
  const bool html = settings.flag("html");
  if (html) parts.emplace_back("html", "1");
  if (settings.flag("monospace")) parts.emplace_back("monospace", "1");
  std::string message =
      cut_runes(html ? wording.html(settings.text("message")) : wording.setting("message"),
                kMaxPushoverMessage);
  const size_t begin = message.find_first_not_of(" \t\r\n");
  const size_t end = message.find_last_not_of(" \t\r\n");
  // An empty message is refused.
  parts.emplace_back("message", begin == std::string::npos
                                    ? "(no details)"
                                    : message.substr(begin, end - begin + 1));
  parts.emplace_back("url", cut_runes(wording.setting("url"), kMaxPushoverUrl));
  for (const auto key : {"url_title", "priority", "device", "sound"}) {
    parts.emplace_back(key, wording.setting(key));
  }
  for (const auto key : {"retry", "expire", "ttl"}) {
    const auto seconds = settings.duration(key).count() / 1000;
    if (key != std::string_view("ttl") || seconds > 0) {
      parts.emplace_back(key, fmt::format("{}", seconds));
    }
  }
  TRY(wording.result());
  return parts;
}

Result<net::ClientRequest> pushover_request(const Integration& integration,
                                            const MessageParts& parts, Fs& fs) {
  net::FormValues form;
  form.add("token", TRY(secret(integration.settings, "token", parts, fs)));
  form.add("user", TRY(secret(integration.settings, "user_key", parts, fs)));
  for (const auto& [name, value] : parts) {
    if (name != "token" && name != "user_key") form.add(name, value);
  }
  net::ClientRequest request;
  request.method = "POST";
  request.url = "https://api.pushover.net/1/messages.json";
  request.headers.set("Content-Type", "application/x-www-form-urlencoded");
  request.body = form.encode();
  return request;
}

Result<MessageParts> render_incidentio(const RenderContext& context,
                                       const Notification& notification, const Destination& to) {
  const auto most = static_cast<size_t>(to.integration->settings.integer("max_alerts"));
  Notification cut = notification;
  if (most > 0 && cut.alerts.size() > most) {
    cut.truncated = cut.alerts.size() - most;
    cut.alerts.resize(most);
  }
  std::string body = webhook_body(context, cut, "1");
  // What is too long is said with one alert, as Alertmanager says it.
  if (body.size() > kMaxIncidentioBody && cut.alerts.size() > 1) {
    cut.alerts.resize(1);
    body = webhook_body(context, cut, "1");
  }
  return MessageParts{{"body", std::move(body)}};
}

Result<net::ClientRequest> incidentio_request(const Integration& integration,
                                              const MessageParts& parts, Fs& fs) {
  const Settings& settings = integration.settings;
  auto request =
      post_json(TRY(inline_or_file(settings, "url", fs)), std::string(part(parts, "body")));
  const std::string token = TRY(inline_or_file(settings, "alert_source_token", fs));
  if (!token.empty()) request.headers.set("Authorization", "Bearer " + token);
  return request;
}

}  // namespace strata::alerting
