#include "alerting/template_data.h"

#include <algorithm>
#include <memory>

#include "alerting/webhook.h"
#include "base/json.h"
#include "model/fingerprint.h"
#include "templates/functions.h"

namespace strata::alerting {
namespace {

using templates::List;
using templates::Map;
using templates::Object;
using templates::Value;
using Arguments = std::span<const Value>;

std::unexpected<Error> no_member() { return fail(ErrorCode::kNotFound, ""); }

Value strings(std::vector<std::string> items);

// A list of texts that can be joined.
class Strings final : public Object {
 public:
  explicit Strings(std::vector<std::string> items) {
    for (std::string& item : items) items_.emplace_back(std::move(item));
  }
  Result<Value> member(std::string_view name, Arguments arguments) const override {
    if (name != "Join" || arguments.size() != 1) return no_member();
    const std::string separator = TRY(templates::text_argument(arguments[0]));
    std::string out;
    for (const Value& item : items_) {
      if (&item != &items_.front()) out += separator;
      out += *item.as<std::string>();
    }
    return Value(std::move(out));
  }
  std::string text() const override {
    std::string out = "[";
    for (const Value& item : items_) {
      if (out.size() > 1) out += ' ';
      out += *item.as<std::string>();
    }
    return out + ']';
  }
  std::string json() const override {
    std::string out;
    templates::append_json(out, Value(items_));
    return out;
  }
  std::string_view type_name() const override { return "template.Strings"; }
  const List* elements() const override { return &items_; }

 private:
  List items_;
};

Value strings(std::vector<std::string> items) {
  return Value(std::make_shared<const Strings>(std::move(items)));
}

class Pair final : public Object {
 public:
  Pair(std::string name, std::string value) : name_(std::move(name)), value_(std::move(value)) {}
  Result<Value> member(std::string_view name, Arguments) const override {
    if (name == "Name") return Value(name_);
    if (name == "Value") return Value(value_);
    return no_member();
  }
  std::string text() const override { return fmt::format("{{{} {}}}", name_, value_); }
  std::string json() const override {
    std::string out;
    JsonWriter(out)
        .begin_object()
        .key("Name")
        .string(name_)
        .key("Value")
        .string(value_)
        .end_object();
    return out;
  }
  std::string_view type_name() const override { return "template.Pair"; }

 private:
  const std::string name_;
  const std::string value_;
};

class Pairs final : public Object {
 public:
  explicit Pairs(StringPairs pairs) : pairs_(std::move(pairs)) {
    for (const auto& [name, value] : pairs_) {
      items_.emplace_back(std::make_shared<const Pair>(name, value));
    }
  }
  Result<Value> member(std::string_view name, Arguments) const override {
    if (name != "Names" && name != "Values") return no_member();
    std::vector<std::string> out;
    for (const auto& [key, value] : pairs_) out.push_back(name == "Names" ? key : value);
    return strings(std::move(out));
  }
  std::string text() const override {
    std::string out;
    for (const auto& [name, value] : pairs_) {
      if (!out.empty()) out += ", ";
      out += name + "=" + value;
    }
    return out;
  }
  std::string_view type_name() const override { return "template.Pairs"; }
  const List* elements() const override { return &items_; }

 private:
  const StringPairs pairs_;
  List items_;
};

// A set of labels or annotations.
class KeyValues final : public Object {
 public:
  explicit KeyValues(Map map) : map_(std::move(map)) { map_.absent = Value(""); }

  Result<Value> member(std::string_view name, Arguments arguments) const override {
    if (name == "SortedPairs") return Value(sorted());
    if (name == "Names" || name == "Values") return sorted()->member(name, {});
    if (name == "Remove" && arguments.size() == 1) return without(arguments[0]);
    return no_member();
  }
  std::string text() const override { return sorted()->text(); }
  std::string json() const override {
    std::string out;
    templates::append_json(out, Value(map_));
    return out;
  }
  std::string_view type_name() const override { return "template.KV"; }
  const Map* mapping() const override { return &map_; }

 private:
  // By name; the alert's own name first.
  std::shared_ptr<const Pairs> sorted() const {
    StringPairs out;
    for (const auto& [name, value] : map_.entries) {
      const auto at = name == "alertname" ? out.begin() : out.end();
      out.emplace(at, name, *value.as<std::string>());
    }
    return std::make_shared<const Pairs>(std::move(out));
  }
  Result<Value> without(const Value& names) const {
    const List* list = names.list();
    if (list == nullptr) return bad_data("wrong type for value; expected []string");
    Map out = map_;
    for (const Value& name : *list) {
      if (const auto* text = name.as<std::string>()) out.entries.erase(*text);
    }
    return Value(std::make_shared<const KeyValues>(std::move(out)));
  }

  Map map_;
};

Value key_values(const Labels& labels) {
  Map map;
  for (const Label& label : labels) {
    map.entries.emplace_hint(map.entries.end(), std::string(label.name), Value(label.value));
  }
  return Value(std::make_shared<const KeyValues>(std::move(map)));
}

Value key_values(const StringPairs& pairs) {
  Map map;
  for (const auto& [name, value] : pairs) map.entries.emplace(name, Value(value));
  return Value(std::make_shared<const KeyValues>(std::move(map)));
}

std::string_view status(bool firing) { return firing ? "firing" : "resolved"; }

// 0 is Go's zero time.
Value instant(TimestampMs t) {
  if (t == 0) return Value(templates::Time{.nanoseconds = INT64_MIN, .offset = 0, .zero = true});
  return Value(templates::Time{.nanoseconds = t * 1'000'000});
}

class AlertData final : public Object {
 public:
  AlertData(const Alert& alert, TimestampMs at) : alert_(alert), at_(at) {}
  bool firing() const { return !alert_.resolved_at(at_); }
  Result<Value> member(std::string_view name, Arguments) const override {
    if (name == "Status") return Value(status(firing()));
    if (name == "Labels") return key_values(alert_.labels);
    if (name == "Annotations") return key_values(alert_.annotations);
    if (name == "StartsAt") return instant(alert_.starts_at);
    if (name == "EndsAt") return instant(firing() ? 0 : alert_.ends_at);
    if (name == "GeneratorURL") return Value(alert_.generator_url);
    if (name == "Fingerprint") return Value(fingerprint_text(fingerprint(alert_.labels)));
    return no_member();
  }
  std::string text() const override { return json(); }
  std::string json() const override {
    std::string out;
    JsonWriter writer(out);
    write_alert(writer, alert_, at_);
    return out;
  }
  std::string_view type_name() const override { return "template.Alert"; }

 private:
  const Alert& alert_;
  const TimestampMs at_;
};

class AlertList final : public Object {
 public:
  explicit AlertList(const Notification& notification) {
    for (const Alert& alert : notification.alerts) {
      auto data = std::make_shared<const AlertData>(alert, notification.at);
      (data->firing() ? firing_ : resolved_).emplace_back(data);
      all_.emplace_back(std::move(data));
    }
  }
  Result<Value> member(std::string_view name, Arguments) const override {
    if (name == "Firing") return Value(firing_);
    if (name == "Resolved") return Value(resolved_);
    return no_member();
  }
  std::string text() const override { return json(); }
  std::string json() const override {
    std::string out;
    templates::append_json(out, Value(all_));
    return out;
  }
  std::string_view type_name() const override { return "template.Alerts"; }
  const List* elements() const override { return &all_; }

 private:
  List all_, firing_, resolved_;
};

class NotificationData final : public Object {
 public:
  NotificationData(std::string external_url, const Notification& notification)
      : external_url_(std::move(external_url)),
        notification_(notification),
        alerts_(std::make_shared<const AlertList>(notification)),
        common_labels_(key_values(notification.common_labels())),
        common_annotations_(key_values(notification.common_annotations())) {}

  Result<Value> member(std::string_view name, Arguments) const override {
    const Notification& n = notification_;
    if (name == "Receiver") return Value(quoted_meta(n.receiver));
    if (name == "Status") return Value(status(n.firing()));
    if (name == "Alerts") return Value(alerts_);
    if (name == "NotificationReason") return Value(to_string(n.reason));
    if (name == "GroupLabels") return key_values(n.group_labels);
    if (name == "CommonLabels") return common_labels_;
    if (name == "CommonAnnotations") return common_annotations_;
    if (name == "RouteLabels") return key_values(n.route_labels);
    if (name == "ExternalURL") return Value(external_url_);
    return no_member();
  }
  std::string text() const override { return json(); }
  std::string json() const override {
    return webhook_body({.external_url = external_url_}, notification_);
  }
  std::string_view type_name() const override { return "*template.Data"; }

 private:
  const std::string external_url_;
  const Notification& notification_;
  const std::shared_ptr<const AlertList> alerts_;
  const Value common_labels_;
  const Value common_annotations_;
};

}  // namespace

Value template_data(const std::string& external_url, const Notification& notification) {
  return Value(std::make_shared<const NotificationData>(external_url, notification));
}

std::string quoted_meta(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (std::string_view(R"(\.+*?()|[]{}^$)").contains(c)) out += '\\';
    out += c;
  }
  return out;
}

}  // namespace strata::alerting
