// Alertmanager's API v2, for amtool, karma, Grafana and every Prometheus that sends its alerts
// here. Errors are a bare JSON string, as there.
#include <algorithm>

#include "alerting/engine.h"
#include "api/alertmanager_json.h"
#include "api/api.h"
#include "api/handlers.h"
#include "base/build_info.h"

namespace strata::api {
namespace {

using alerting::Alert;
using alerting::AlertStatus;
using alerting::Matchers;
using alerting::Silence;

Reply json_reply(int status, std::string body) {
  net::HttpResponse response;
  response.status = status;
  response.headers.set("Content-Type", "application/json");
  response.body = std::move(body);
  return response;
}

Reply refusal(const Error& error) {
  std::string body;
  append_json_string(body, error.message);
  return json_reply(http_status(error.code), std::move(body));
}

Result<alerting::Engine*> engine(const Services& services) {
  if (services.alerting != nullptr) return services.alerting;
  return fail(ErrorCode::kUnavailable, "alerts are not routed by this process");
}

// `filter=a="b"`, each one matcher.
Result<Matchers> read_filter(const Call& call, std::string_view name) {
  Matchers out;
  for (const std::string_view text : call.parameters(name)) {
    auto parsed = TRY(alerting::parse_matchers(text));
    if (text.starts_with('{') || parsed.matchers.size() != 1) {
      return bad_data(fmt::format("bad matcher format: {}", text));
    }
    out.push_back(std::move(parsed.matchers[0]));
  }
  return out;
}

// A matcher for "" asks whether the label is there.
bool passes(const Matchers& filter, const Labels& labels) {
  return std::ranges::all_of(filter, [&](const Matcher& m) { return m.matches(labels); });
}

// What a request for alerts or groups wants of them.
struct AlertFilter {
  Matchers matchers;
  std::optional<Regex> receiver;
  Matchers receiver_matchers;
  bool active = true;
  bool silenced = true;
  bool inhibited = true;
  bool muted = true;

  bool wants(const AlertStatus& status) const {
    const bool suppressed = !status.silenced_by.empty() || !status.inhibited_by.empty();
    return (active || suppressed) && (silenced || status.silenced_by.empty()) &&
           (inhibited || status.inhibited_by.empty());
  }
  bool wants_receiver(const alerting::AlertmanagerFile& file, const std::string& name) const {
    if (receiver && !receiver->full_match(name)) return false;
    if (receiver_matchers.empty()) return true;
    const auto* known = file.receiver(name);
    if (known == nullptr) return false;
    std::vector<Label> labels = {{"name", name}};
    for (const auto& [label, value] : known->labels) labels.push_back({label, value});
    return passes(receiver_matchers, Labels::from(std::move(labels)));
  }
};

Result<AlertFilter> read_alert_filter(const Call& call) {
  AlertFilter out;
  out.matchers = TRY(read_filter(call, "filter"));
  out.receiver_matchers = TRY(read_filter(call, "receiver_matchers"));
  if (const auto text = call.parameter("receiver"); !text.empty()) {
    out.receiver = TRY(Regex::compile(text));
  }
  out.active = TRY(call.boolean("active", true));
  out.silenced = TRY(call.boolean("silenced", true));
  out.inhibited = TRY(call.boolean("inhibited", true));
  out.muted = TRY(call.boolean("muted", true));
  return out;
}

Result<Reply> read_status(const Services& services, Call&) {
  auto* am = TRY(engine(services));
  const auto& build = build_info();
  std::string out;
  JsonWriter json(out);
  json.begin_object().key("cluster").begin_object().key("peers").begin_array().end_array();
  json.key("status").string("disabled").end_object();
  json.key("config").begin_object().key("original").string(am->router().config()->original);
  json.end_object().key("uptime").string(api_time(services.started_at));
  json.key("versionInfo").begin_object().key("branch").string(build.branch);
  json.key("buildDate").string("").key("buildUser").string("").key("goVersion").string("");
  json.key("revision").string(build.revision).key("version").string(build.version).end_object();
  json.end_object();
  return json_reply(200, std::move(out));
}

Result<Reply> read_receivers(const Services& services, Call& call) {
  auto* am = TRY(engine(services));
  const auto filter = TRY(read_alert_filter(call));
  const auto file = am->router().config();
  std::string out;
  JsonWriter json(out);
  json.begin_array();
  for (const auto& receiver : file->receivers) {
    if (!filter.wants_receiver(*file, receiver.name)) continue;
    json.begin_object().key("labels").begin_object().key("name").string(receiver.name);
    for (const auto& [name, value] : receiver.labels) {
      if (name != "name") json.key(name).string(value);
    }
    json.end_object().key("name").string(receiver.name).end_object();
  }
  json.end_array();
  return json_reply(200, std::move(out));
}

Result<Reply> read_alerts_list(const Services& services, Call& call) {
  auto* am = TRY(engine(services));
  const auto filter = TRY(read_alert_filter(call));
  const auto now = services.clock.now_ms();
  const auto file = am->router().config();
  std::string out;
  JsonWriter json(out);
  json.begin_array();
  for (const Alert& alert : am->router().alerts(now)) {
    if (!passes(filter.matchers, alert.labels)) continue;
    const auto receivers = am->router().receivers_of(alert.labels);
    const bool wanted = std::ranges::any_of(
        receivers, [&](const auto& name) { return filter.wants_receiver(*file, name); });
    const AlertStatus status = am->router().status(alert.labels, now);
    if (wanted && filter.wants(status)) write_alert(json, alert, status, receivers);
  }
  json.end_array();
  return json_reply(200, std::move(out));
}

Result<Reply> read_groups(const Services& services, Call& call) {
  auto* am = TRY(engine(services));
  const auto filter = TRY(read_alert_filter(call));
  const auto now = services.clock.now_ms();
  const auto file = am->router().config();
  auto groups = am->router().groups();
  std::ranges::sort(groups, {}, [](const auto& group) {
    return std::pair(group.labels.to_string(), group.route->receiver);
  });
  std::string out;
  JsonWriter json(out);
  json.begin_array();
  for (const auto& group : groups) {
    if (!filter.wants_receiver(*file, group.route->receiver)) continue;
    const auto muted_by = am->router().muting(*group.route, now);
    if (!filter.muted && !muted_by.empty()) continue;
    std::string alerts;
    JsonWriter list(alerts);
    list.begin_array();
    for (const Alert& alert : group.alerts) {
      if (alert.resolved_at(now) || !passes(filter.matchers, alert.labels)) continue;
      AlertStatus status = am->router().status(alert.labels, now);
      status.muted_by = muted_by;
      if (filter.wants(status)) {
        write_alert(list, alert, status, am->router().receivers_of(alert.labels));
      }
    }
    list.end_array();
    if (alerts == "[]") continue;
    json.begin_object().key("alerts").raw(alerts).key("labels");
    write_labels(json, group.labels);
    json.key("receiver").begin_object().key("name").string(group.route->receiver).end_object();
    json.key("routeLabels").begin_object();
    for (const auto& [name, value] : group.route->labels) json.key(name).string(value);
    json.end_object().end_object();
  }
  json.end_array();
  return json_reply(200, std::move(out));
}

Result<Reply> add_alerts(const Services& services, Call& call) {
  auto* am = TRY(engine(services));
  auto alerts = TRY(read_alerts(call.request().body));
  TRY(am->put(std::move(alerts)));
  return json_reply(200, "");
}

// Active ones by their end, then pending ones by their start, then ended ones, the last first.
bool listed_before(const Silence& a, const Silence& b, TimestampMs now) {
  const auto rank = [&](const Silence& silence) {
    switch (silence.state_at(now)) {
      case Silence::State::kActive: return std::pair(1, silence.ends_at);
      case Silence::State::kPending: return std::pair(2, silence.starts_at);
      case Silence::State::kExpired: return std::pair(3, -silence.ends_at);
    }
    return std::pair(4, TimestampMs{0});
  };
  return rank(a) < rank(b);
}

// A silence passes when one of its sets has every matcher of the filter.
bool passes(const Matchers& filter, const Silence& silence) {
  return std::ranges::any_of(silence.matcher_sets, [&](const Matchers& set) {
    return std::ranges::all_of(
        filter, [&](const Matcher& wanted) { return std::ranges::find(set, wanted) != set.end(); });
  });
}

Result<Reply> read_silences(const Services& services, Call& call) {
  auto* am = TRY(engine(services));
  const auto filter = TRY(read_filter(call, "filter"));
  const bool active = TRY(call.boolean("active", true));
  const bool pending = TRY(call.boolean("pending", true));
  const bool expired = TRY(call.boolean("expired", true));
  const auto now = services.clock.now_ms();
  auto silences = am->silences().all();
  std::ranges::sort(silences,
                    [&](const Silence& a, const Silence& b) { return listed_before(a, b, now); });
  std::string out;
  JsonWriter json(out);
  json.begin_array();
  for (const Silence& silence : silences) {
    const auto state = silence.state_at(now);
    const bool wanted = state == Silence::State::kActive    ? active
                        : state == Silence::State::kPending ? pending
                                                            : expired;
    if (wanted && passes(filter, silence)) write_silence(json, silence, now);
  }
  json.end_array();
  return json_reply(200, std::move(out));
}

Result<Reply> add_silence(const Services& services, Call& call) {
  auto* am = TRY(engine(services));
  auto silence = TRY(read_silence(call.request().body));
  const auto id = TRY(am->silences().set(std::move(silence), services.clock.now_ms()));
  std::string out;
  JsonWriter(out).begin_object().key("silenceID").string(id).end_object();
  return json_reply(200, std::move(out));
}

Result<Reply> read_silence_by_id(const Services& services, Call& call) {
  auto* am = TRY(engine(services));
  const auto silence = am->silences().find(call.path_parameter);
  if (!silence) return json_reply(404, "");
  std::string out;
  JsonWriter json(out);
  write_silence(json, *silence, services.clock.now_ms());
  return json_reply(200, std::move(out));
}

Result<Reply> end_silence(const Services& services, Call& call) {
  auto* am = TRY(engine(services));
  TRY(am->silences().expire(call.path_parameter, services.clock.now_ms()));
  return json_reply(200, "");
}

using Part = Result<Reply> (*)(const Services&, Call&);

Result<Reply> by_method(const Services& services, Call& call, Part reading, Part acting) {
  const auto& method = call.request().method;
  auto reply = (method == "GET" || method == "HEAD" ? reading : acting)(services, call);
  if (reply) return reply;
  return refusal(reply.error());
}

}  // namespace

Result<Reply> am_status(const Services& services, Call& call) {
  return by_method(services, call, read_status, nullptr);
}
Result<Reply> am_receivers(const Services& services, Call& call) {
  return by_method(services, call, read_receivers, nullptr);
}
Result<Reply> am_alerts(const Services& services, Call& call) {
  return by_method(services, call, read_alerts_list, add_alerts);
}
Result<Reply> am_groups(const Services& services, Call& call) {
  return by_method(services, call, read_groups, nullptr);
}
Result<Reply> am_silences(const Services& services, Call& call) {
  return by_method(services, call, read_silences, add_silence);
}
Result<Reply> am_silence(const Services& services, Call& call) {
  return by_method(services, call, read_silence_by_id, end_silence);
}

}  // namespace strata::api
