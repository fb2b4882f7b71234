// The texts of notifications: Alertmanager's default templates under their names, and the files of
// `templates:` on top of them.
//
// Immutable once loaded; any thread may render. Bounds: kLimits for one text.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "alerting/notification.h"
#include "base/fs.h"
#include "templates/template.h"

namespace strata::alerting {

class NotificationTemplates {
 public:
  /// A storm's text is long; receivers get what fits into their messages.
  static constexpr templates::ExecuteLimits kLimits{
      .max_output = 16 << 20, .max_steps = 20'000'000, .max_depth = 100};

  /// The files that `globs` name; one that matches nothing is fine. Errors: kIo, kBadData with the
  /// file, its line and what Go would say.
  static Result<std::shared_ptr<const NotificationTemplates>> load(
      const std::vector<std::string>& globs, Fs& fs);

  enum class As : bool { kText, kHtml };
  /// `text`, which may call templates, with `data` as its dot. Errors: kBadData, kExecution,
  /// kLimit.
  Result<std::string> render(std::string_view text, const templates::Value& data, As as, Fs& fs,
                             TimestampMs now) const;

 private:
  NotificationTemplates();
  templates::TemplateSet set_;
};

/// The templates that are there without any file.
std::string_view default_templates();

/// The texts of one message. Remembers the first error and renders nothing after it, so that a
/// message is put together without a check at each text.
class Wording {
 public:
  Wording(const std::string& external_url, const Notification& notification, const Destination& to,
          Fs& fs = real_fs());

  /// `text` rendered; "" after an error.
  std::string text(std::string_view text);
  std::string html(std::string_view text);
  /// What the integration's `key` renders to.
  std::string setting(std::string_view key);
  /// What `key` of a record in the settings renders to; "" when it is not there.
  std::string field(const config::YamlNode& record, std::string_view key);
  /// Of a list's texts, or a map's values.
  Result<> result() const;

 private:
  std::string render(std::string_view text, NotificationTemplates::As as);

  const NotificationTemplates& templates_;
  const Settings& settings_;
  const TimestampMs now_;
  Fs& fs_;
  const templates::Value data_;
  Result<> result_;
};

}  // namespace strata::alerting
