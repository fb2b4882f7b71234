#include "alerting/webhook.h"

#include <algorithm>

#include "alerting/notification_templates.h"
#include "alerting/template_data.h"
#include "alerting/time_zone.h"
#include "base/json.h"
#include "model/fingerprint.h"

namespace strata::alerting {
namespace {

// As Go prints a time.Time in UTC as JSON; the zero time for 0.
std::string go_time(TimestampMs t) {
  if (t == 0) return "0001-01-01T00:00:00Z";
  const LocalTime time = utc_time(t);
  std::string out = fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", time.year, time.month,
                                time.day, time.hour, time.minute, time.second);
  if (int64_t fraction = (t % 1000 + 1000) % 1000; fraction != 0) {
    int width = 3;
    for (; fraction % 10 == 0; fraction /= 10) --width;
    out += fmt::format(".{:0{}}", fraction, width);
  }
  return out + "Z";
}

void write(JsonWriter& json, const Labels& labels) {
  json.begin_object();
  for (const Label& label : labels) json.key(label.name).string(label.value);
  json.end_object();
}

void write(JsonWriter& json, const StringPairs& pairs) {
  json.begin_object();
  for (const auto& [name, value] : pairs) json.key(name).string(value);
  json.end_object();
}

// A scalar that stands for something else than its text.
bool means_more(const config::YamlNode& node) {
  return config::is_null(node) ||
         (node.plain && (config::as_bool(node) || config::as_int(node) || config::as_float(node)));
}

std::string_view state(bool firing) { return firing ? "firing" : "resolved"; }

// A payload of the author's own: texts are templates, and one that renders to what YAML takes for
// something else than text becomes that.
void write_payload(JsonWriter& json, const config::YamlNode& node, Wording* wording) {
  using Kind = config::YamlNode::Kind;
  if (node.kind == Kind::kSequence) {
    json.begin_array();
    for (const config::YamlNode& item : node.items) write_payload(json, item, wording);
    json.end_array();
  } else if (node.kind == Kind::kMapping) {
    json.begin_object();
    for (const config::YamlEntry& entry : node.entries) {
      json.key(wording == nullptr ? entry.key : wording->text(entry.key));
      write_payload(json, entry.value, wording);
    }
    json.end_object();
  } else if (config::is_null(node)) {
    json.null();
  } else if (const auto flag = config::as_bool(node); flag && node.plain) {
    json.boolean(*flag);
  } else if (const auto integer = config::as_int(node); integer && node.plain) {
    json.integer(*integer);
  } else if (const auto number = config::as_float(node); number && node.plain) {
    json.number(*number);
  } else if (wording == nullptr) {
    json.string(node.text);
  } else {
    write_text(json, wording->text(node.text));
  }
}

}  // namespace

void write_text(JsonWriter& json, const std::string& rendered) {
  const auto parsed = config::parse_yaml(rendered, "");
  const bool is_text = !parsed || rendered.empty() ||
                       (parsed->kind == config::YamlNode::Kind::kScalar && !means_more(*parsed));
  if (is_text) {
    json.string(rendered);
  } else {
    write_payload(json, *parsed, nullptr);
  }
}

void write_templated(JsonWriter& json, const config::YamlNode& node, Wording& wording) {
  write_payload(json, node, &wording);
}

void write_alert(JsonWriter& json, const Alert& alert, TimestampMs at) {
  const bool resolved = alert.resolved_at(at);
  json.begin_object().key("status").string(state(!resolved)).key("labels");
  write(json, alert.labels);
  json.key("annotations");
  write(json, alert.annotations);
  json.key("startsAt").string(go_time(alert.starts_at));
  json.key("endsAt").string(go_time(resolved ? alert.ends_at : 0));
  json.key("generatorURL").string(alert.generator_url);
  json.key("fingerprint").string(fingerprint_text(fingerprint(alert.labels))).end_object();
}

std::string webhook_body(const RenderContext& context, const Notification& notification,
                         std::string_view version) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().key("receiver").string(quoted_meta(notification.receiver));
  json.key("status").string(state(notification.firing())).key("alerts").begin_array();
  for (const Alert& alert : notification.alerts) {
    write_alert(json, alert, notification.at);
  }
  json.end_array().key("notification_reason").string(to_string(notification.reason));
  json.key("groupLabels");
  write(json, notification.group_labels);
  json.key("commonLabels");
  write(json, notification.common_labels());
  json.key("commonAnnotations");
  write(json, notification.common_annotations());
  json.key("routeLabels");
  write(json, notification.route_labels);
  json.key("externalURL").string(context.external_url).key("version").string(version);
  json.key("groupKey").string(notification.group_key);
  json.key("truncatedAlerts").integer(static_cast<int64_t>(notification.truncated)).end_object();
  return out;
}

Result<MessageParts> render_webhook(const RenderContext& context, const Notification& notification,
                                    const Destination& to) {
  const Settings& settings = to.integration->settings;
  const auto most = static_cast<size_t>(settings.integer("max_alerts"));
  if (most > 0 && notification.alerts.size() > most) {
    Notification cut = notification;
    cut.truncated = cut.alerts.size() - most;
    cut.alerts.resize(most);
    return render_webhook(context, cut, to);
  }
  Wording wording(context.external_url, notification, to);
  MessageParts parts;
  if (const auto* payload = settings.node("payload"); settings.has("payload")) {
    std::string body;
    JsonWriter json(body);
    write_templated(json, *payload, wording);
    parts.emplace_back("body", std::move(body));
  } else {
    parts.emplace_back("body", webhook_body(context, notification));
  }
  if (settings.text("url").contains("{{")) parts.emplace_back("url", wording.setting("url"));
  TRY(wording.result());
  return parts;
}

Result<net::ClientRequest> webhook_request(const Integration& integration,
                                           const MessageParts& parts, Fs& fs) {
  auto request = post_json("", std::string(part(parts, "body")));
  request.url = part(parts, "url");
  if (request.url.empty()) request.url = TRY(inline_or_file(integration.settings, "url", fs));
  if (request.url.empty()) return bad_data("the webhook's URL is empty");
  return request;
}

}  // namespace strata::alerting
