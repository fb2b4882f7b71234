#include "api/alertmanager_json.h"

#include <algorithm>

#include "alerting/time_zone.h"
#include "api/call.h"
#include "discover/json_reader.h"
#include "model/fingerprint.h"

namespace strata::api {
namespace {

using discover::JsonReader;

using Pairs = std::vector<std::pair<std::string, std::string>>;

void read_pairs(JsonReader& reader, Pairs& out) {
  reader.object([&](std::string_view name) {
    auto& pair = out.emplace_back(std::string(name), "");
    reader.string(pair.second);
  });
  std::ranges::sort(out);
}

Labels labels_of(const Pairs& pairs) {
  std::vector<Label> labels;
  for (const auto& [name, value] : pairs) labels.push_back({name, value});
  return Labels::from(std::move(labels));
}

// RFC 3339; Go's zero time and what is before 1970 mean "not set".
Result<TimestampMs> time_of(std::string_view key, const std::string& text) {
  if (text.empty()) return TimestampMs{0};
  const auto t = parse_time(text);
  if (!t)
    return bad_data(fmt::format("{}: \"{}\" is no time such as 2026-01-02T15:04:05Z", key, text));
  return std::max<TimestampMs>(*t, 0);
}

void write_pairs(JsonWriter& json, const Pairs& pairs) {
  json.begin_object();
  for (const auto& [name, value] : pairs) json.key(name).string(value);
  json.end_object();
}

void write_texts(JsonWriter& json, const std::vector<std::string>& texts) {
  json.begin_array();
  for (const auto& text : texts) json.string(text);
  json.end_array();
}

void write_matcher(JsonWriter& json, const Matcher& matcher) {
  const bool regex = matcher.op() == Matcher::Op::kRegex || matcher.op() == Matcher::Op::kNotRegex;
  const bool equal = matcher.op() == Matcher::Op::kEqual || matcher.op() == Matcher::Op::kRegex;
  json.begin_object().key("isEqual").boolean(equal).key("isRegex").boolean(regex);
  json.key("name").string(matcher.name()).key("value").string(matcher.value()).end_object();
}

Result<Matcher> read_matcher(JsonReader& reader) {
  std::string name;
  std::string value;
  bool regex = false;
  bool equal = true;
  reader.object([&](std::string_view key) {
    if (key == "name") {
      reader.string(name);
    } else if (key == "value") {
      reader.string(value);
    } else if (key == "isRegex") {
      reader.boolean(regex);
    } else if (key == "isEqual") {
      reader.boolean(equal);
    } else {
      reader.skip();
    }
  });
  const auto op = regex ? (equal ? Matcher::Op::kRegex : Matcher::Op::kNotRegex)
                        : (equal ? Matcher::Op::kEqual : Matcher::Op::kNotEqual);
  return Matcher::make(op, std::move(name), std::move(value));
}

}  // namespace

Result<std::vector<alerting::Alert>> read_alerts(std::string_view text) {
  struct Times {
    std::string starts_at;
    std::string ends_at;
  };
  std::vector<alerting::Alert> out;
  std::vector<Times> times;
  JsonReader reader(text);
  reader.array([&] {
    auto& alert = out.emplace_back();
    auto& when = times.emplace_back();
    Pairs labels;
    reader.object([&](std::string_view key) {
      if (key == "labels") {
        read_pairs(reader, labels);
      } else if (key == "annotations") {
        read_pairs(reader, alert.annotations);
      } else if (key == "startsAt") {
        reader.string(when.starts_at);
      } else if (key == "endsAt") {
        reader.string(when.ends_at);
      } else if (key == "generatorURL") {
        reader.string(alert.generator_url);
      } else {
        reader.skip();
      }
    });
    alert.labels = labels_of(labels);
  });
  TRY(reader.finish());
  for (size_t i = 0; i < out.size(); ++i) {
    out[i].starts_at = TRY(time_of("startsAt", times[i].starts_at));
    out[i].ends_at = TRY(time_of("endsAt", times[i].ends_at));
  }
  return out;
}

Result<alerting::Silence> read_silence(std::string_view text) {
  alerting::Silence out;
  std::string starts_at;
  std::string ends_at;
  alerting::Matchers matchers;
  Result<> wrong;
  JsonReader reader(text);
  reader.object([&](std::string_view key) {
    if (key == "id") {
      reader.string(out.id);
    } else if (key == "matchers") {
      reader.array([&] {
        auto matcher = read_matcher(reader);
        if (matcher) matchers.push_back(*std::move(matcher));
        if (!matcher && wrong) wrong = std::unexpected(matcher.error());
      });
    } else if (key == "startsAt") {
      reader.string(starts_at);
    } else if (key == "endsAt") {
      reader.string(ends_at);
    } else if (key == "createdBy") {
      reader.string(out.created_by);
    } else if (key == "comment") {
      reader.string(out.comment);
    } else if (key == "annotations") {
      read_pairs(reader, out.annotations);
    } else {
      reader.skip();
    }
  });
  TRY(reader.finish());
  TRY(wrong);
  out.matcher_sets.push_back(std::move(matchers));
  out.starts_at = TRY(time_of("startsAt", starts_at));
  out.ends_at = TRY(time_of("endsAt", ends_at));
  return out;
}

std::string api_time(TimestampMs t) {
  if (t == 0) return "0001-01-01T00:00:00.000Z";
  const auto time = alerting::utc_time(t);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", time.year, time.month, time.day,
                     time.hour, time.minute, time.second, (t % 1000 + 1000) % 1000);
}

void write_labels(JsonWriter& json, const Labels& labels) {
  json.begin_object();
  for (const Label& label : labels) json.key(label.name).string(label.value);
  json.end_object();
}

void write_alert(JsonWriter& json, const alerting::Alert& alert,
                 const alerting::AlertStatus& status, const std::vector<std::string>& receivers) {
  std::vector<std::string> inhibited_by;
  for (const uint64_t fingerprint : status.inhibited_by) {
    inhibited_by.push_back(alerting::fingerprint_text(fingerprint));
  }
  json.begin_object().key("annotations");
  write_pairs(json, alert.annotations);
  json.key("endsAt").string(api_time(alert.ends_at));
  json.key("fingerprint").string(alerting::fingerprint_text(fingerprint(alert.labels)));
  json.key("receivers").begin_array();
  for (const auto& name : receivers) json.begin_object().key("name").string(name).end_object();
  json.end_array().key("startsAt").string(api_time(alert.starts_at));
  json.key("status").begin_object().key("inhibitedBy");
  write_texts(json, inhibited_by);
  json.key("mutedBy");
  write_texts(json, status.muted_by);
  json.key("silencedBy");
  write_texts(json, status.silenced_by);
  const bool suppressed = !status.silenced_by.empty() || !status.inhibited_by.empty();
  json.key("state").string(suppressed ? "suppressed" : "active").end_object();
  json.key("updatedAt").string(api_time(alert.updated_at));
  json.key("generatorURL").string(alert.generator_url).key("labels");
  write_labels(json, alert.labels);
  json.end_object();
}

void write_silence(JsonWriter& json, const alerting::Silence& silence, TimestampMs now) {
  json.begin_object().key("id").string(silence.id).key("status").begin_object();
  json.key("state").string(to_string(silence.state_at(now))).end_object();
  json.key("updatedAt").string(api_time(silence.updated_at)).key("annotations");
  write_pairs(json, silence.annotations);
  json.key("comment").string(silence.comment).key("createdBy").string(silence.created_by);
  json.key("endsAt").string(api_time(silence.ends_at)).key("matchers").begin_array();
  for (const auto& matchers : silence.matcher_sets) {
    for (const Matcher& matcher : matchers) write_matcher(json, matcher);
  }
  json.end_array().key("startsAt").string(api_time(silence.starts_at)).end_object();
}

}  // namespace strata::api
