#include "alerting/notification_templates.h"

#include "alerting/template_data.h"
#include "alerting/time_zone.h"
#include "config/glob.h"
#include "templates/functions.h"

namespace strata::alerting {
namespace {

using templates::Functions;
using templates::Time;
using templates::Value;
using Arguments = std::span<const Value>;

constexpr int64_t kNanosecondsAMilli = 1'000'000;
constexpr int kMaxRouteLabelDepth = 10;

std::unexpected<Error> failed(std::string message) {
  return fail(ErrorCode::kExecution, std::move(message));
}

// The functions that need the time of the notification, or time zones.
Functions own_functions(Fs& fs, TimestampMs now) {
  Functions f;
  f["now"] = {[now](Arguments) -> Result<Value> { return Value(Time{now * kNanosecondsAMilli}); },
              0, 0};
  f["since"] = {[now](Arguments a) -> Result<Value> {
                  const auto* time = a[0].as<Time>();
                  if (time == nullptr) return failed("since takes a time");
                  return Value(templates::Duration{now * kNanosecondsAMilli - time->nanoseconds});
                },
                1, 1};
  f["tz"] = {[&fs](Arguments a) -> Result<Value> {
               const auto zone = TimeZone::load(TRY(templates::text_argument(a[0])), fs);
               const auto* time = a[1].as<Time>();
               if (!zone) return failed(zone.error().message);
               if (time == nullptr) return failed("tz takes a name and a time");
               Time out = *time;
               if (!out.zero) out.offset = zone->offset_at(out.nanoseconds / kNanosecondsAMilli);
               return Value(out);
             },
             2, 2};
  return f;
}

std::string base_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

}  // namespace

NotificationTemplates::NotificationTemplates() : set_(templates::notification_functions()) {}

Result<std::shared_ptr<const NotificationTemplates>> NotificationTemplates::load(
    const std::vector<std::string>& globs, Fs& fs) {
  std::shared_ptr<NotificationTemplates> out(new NotificationTemplates());
  TRY(out->set_.parse("default.tmpl", default_templates()));
  for (const std::string& glob : globs) {
    for (const std::string& path : config::glob(fs, glob)) {
      const auto parsed = out->set_.parse(base_name(path), TRY(fs.read_file(path)));
      if (!parsed) return bad_data(fmt::format("{}: {}", path, parsed.error().message));
    }
  }
  return out;
}

Result<std::string> NotificationTemplates::render(std::string_view text, const Value& data, As as,
                                                  Fs& fs, TimestampMs now) const {
  if (!text.contains("{{")) return std::string(text);
  Functions own = own_functions(fs, now);
  int depth = 0;
  const auto render_with = [&](std::string_view what) -> Result<std::string> {
    templates::TemplateSet set(set_);
    TRY(set.parse("", what));
    return as == As::kHtml ? set.execute_html("", data, own, kLimits)
                           : set.execute("", data, own, kLimits);
  };
  // A route's label may be a template, which may ask for other labels.
  own["routeLabels"] = {[&](Arguments a) -> Result<Value> {
                          const auto* object = data.as<Value::ObjectPtr>();
                          const Value labels = TRY((*object)->member("RouteLabels", {}));
                          const auto& entries = labels.map()->entries;
                          const auto found = entries.find(TRY(templates::text_argument(a[0])));
                          if (found == entries.end()) return Value("");
                          const std::string label = *found->second.as<std::string>();
                          if (!label.contains("{{")) return Value(label);
                          if (++depth > kMaxRouteLabelDepth) {
                            return failed("route labels that name one another in a circle");
                          }
                          auto rendered = render_with(label);
                          --depth;
                          if (!rendered) return failed(rendered.error().message);
                          return Value(*std::move(rendered));
                        },
                        1, 1};
  return render_with(text);
}

Wording::Wording(const std::string& external_url, const Notification& notification,
                 const Destination& to, Fs& fs)
    : templates_(*to.templates),
      settings_(to.integration->settings),
      now_(notification.at),
      fs_(fs),
      data_(template_data(external_url, notification)) {}

std::string Wording::render(std::string_view text, NotificationTemplates::As as) {
  if (!result_) return "";
  auto rendered = templates_.render(text, data_, as, fs_, now_);
  if (rendered) return *std::move(rendered);
  result_ = std::unexpected(rendered.error());
  return "";
}

std::string Wording::text(std::string_view text) {
  return render(text, NotificationTemplates::As::kText);
}

std::string Wording::html(std::string_view text) {
  return render(text, NotificationTemplates::As::kHtml);
}

std::string Wording::setting(std::string_view key) { return text(settings_.text(key)); }

std::string Wording::field(const config::YamlNode& record, std::string_view key) {
  const auto* entry = record.find(key);
  return entry == nullptr || config::is_null(entry->value) ? "" : text(entry->value.text);
}

Result<> Wording::result() const { return result_; }

}  // namespace strata::alerting
