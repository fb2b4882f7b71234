#include "alerting/webhook.h"

#include <algorithm>

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

}  // namespace

std::string webhook_body(const RenderContext& context, const Notification& notification) {
  const auto state = [](bool firing) { return firing ? "firing" : "resolved"; };
  std::string out;
  JsonWriter json(out);
  json.begin_object().key("receiver").string(notification.receiver);
  json.key("status").string(state(notification.firing())).key("alerts").begin_array();
  for (const Alert& alert : notification.alerts) {
    const bool resolved = alert.resolved_at(notification.at);
    json.begin_object().key("status").string(state(!resolved)).key("labels");
    write(json, alert.labels);
    json.key("annotations");
    write(json, alert.annotations);
    json.key("startsAt").string(go_time(alert.starts_at));
    json.key("endsAt").string(go_time(resolved ? alert.ends_at : 0));
    json.key("generatorURL").string(alert.generator_url);
    json.key("fingerprint").string(fingerprint_text(fingerprint(alert.labels))).end_object();
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
  json.key("externalURL").string(context.external_url).key("version").string("4");
  json.key("groupKey").string(notification.group_key);
  json.key("truncatedAlerts").integer(static_cast<int64_t>(notification.truncated)).end_object();
  return out;
}

Result<MessageParts> render_webhook(const RenderContext& context, const Notification& notification,
                                    const Destination& to) {
  const auto most = static_cast<size_t>(to.integration->settings.integer("max_alerts"));
  if (most == 0 || notification.alerts.size() <= most) {
    return MessageParts{{"body", webhook_body(context, notification)}};
  }
  Notification cut = notification;
  cut.truncated = cut.alerts.size() - most;
  cut.alerts.resize(most);
  return MessageParts{{"body", webhook_body(context, cut)}};
}

Result<net::ClientRequest> webhook_request(const Integration& integration,
                                           const MessageParts& parts, Fs& fs) {
  net::ClientRequest request;
  request.method = "POST";
  request.url = TRY(inline_or_file(integration.settings, "url", fs));
  request.headers.set("Content-Type", "application/json");
  request.body = part(parts, "body");
  return request;
}

}  // namespace strata::alerting
