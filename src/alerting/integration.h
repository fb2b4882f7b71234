// The kinds of receivers that alertmanager.yml knows and the keys that each has, as one table:
// reading a file, filling in defaults and `global`, checking, and printing all walk it.
//
// An Integration is one entry of a receiver (`slack_configs[0]`): its kind, what is common to all
// kinds, and its keys' values. Values; immutable after loading. Private to alerting/.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/http_client_config.h"
#include "config/yaml.h"
#include "model/duration.h"

namespace strata::alerting {

enum class SettingType : uint8_t {
  kText,         // may be a template
  kSecret,       // text that is never shown
  kUrl,          // http or https
  kSecretUrl,    // the same, never shown
  kTemplateUrl,  // a URL unless it has {{
  kFile,         // a path; relative ones are to the configuration's directory
  kFlag,
  kInteger,
  kCount,       // from 0
  kDuration,    // Prometheus' syntax
  kGoDuration,  // "1.5s", "1m30s"
  kHostPort,
  kTextMap,
  kTexts,
  kRecord,   // a mapping with the keys of `fields`
  kRecords,  // a list of them
  kAny,      // kept as it is written
};

struct Setting {
  std::string_view key;
  SettingType type = SettingType::kText;
  std::string_view fallback = "";  // the value when the key is absent; text as a file would have it
  std::string_view global = "";    // the key of `global` that counts when this one is absent
  bool required = false;
  std::span<const Setting> fields = {};
};

/// Two keys for one thing, inline and in a file: at most one of a section may be set.
struct Pair {
  std::string_view inline_key;
  std::string_view file_key;
  std::string_view global = "";  // inline key of `global`; its file key has "_file" appended
  bool required = false;
};

struct IntegrationKind {
  std::string_view name;  // "slack"; the list is at slack_configs
  bool send_resolved = true;
  bool empty_is_fine = false;  // `- ` without keys stands for the defaults
  std::span<const Setting> settings;
  std::span<const Pair> pairs = {};
};

/// Alertmanager's 18, by name.
std::span<const IntegrationKind> integration_kinds();
/// Keys of `global` beside resolve_timeout, http_config and smtp_tls_config.
std::span<const Setting> global_settings();
std::span<const Pair> global_pairs();

/// Values by key: what the file says, then `global`, then the table's fallback.
class Settings {
 public:
  bool has(std::string_view key) const;
  /// "" when absent.
  const std::string& text(std::string_view key) const;
  bool flag(std::string_view key) const;
  int64_t integer(std::string_view key) const;
  Millis duration(std::string_view key) const;
  /// Null when absent.
  const config::YamlNode* node(std::string_view key) const;

  void set(std::string_view key, config::YamlNode value);
  void set_text(std::string_view key, std::string value);
  const std::map<std::string, config::YamlNode, std::less<>>& all() const { return values_; }

 private:
  std::map<std::string, config::YamlNode, std::less<>> values_;
};

struct Integration {
  const IntegrationKind* kind = nullptr;
  size_t index = 0;  // among those of its kind in the receiver
  bool send_resolved = true;
  config::HttpClientConfig http;
  config::TlsConfig smtp_tls;  // of email
  Settings settings;
};

/// Go's durations, "1h2m3.5s"; a number without unit is nanoseconds, as yaml.v2 reads them.
std::optional<Millis> parse_go_duration(std::string_view text);

}  // namespace strata::alerting
