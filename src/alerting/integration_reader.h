// Reads the keys of `global` and of receivers by the table of integration.h. Private to alerting/.
#pragma once
#include <string>

#include "alerting/integration.h"
#include "config/decode.h"

namespace strata::alerting {

/// What `global` says to receivers.
struct GlobalSection {
  config::HttpClientConfig http;
  config::TlsConfig smtp_tls;
  Settings settings;
};

/// The keys of `node` that `settings` names, checked for their types; the rest are errors.
/// `directory` is what paths are relative to.
class IntegrationReader {
 public:
  IntegrationReader(config::Decoder& decoder, std::string directory)
      : decoder_(decoder), directory_(std::move(directory)) {}

  GlobalSection read_global(const config::YamlNode& node);
  Integration read(const IntegrationKind& kind, size_t index, const config::YamlNode& node,
                   const GlobalSection& global);

 private:
  void read_setting(const Setting& setting, const config::YamlNode& value, Settings& out);
  void read_record(const Setting& setting, const config::YamlNode& value);
  void check_url(const Setting& setting, const config::YamlNode& value);
  void check_required(const IntegrationKind& kind, const config::YamlNode& node,
                      const Settings& settings);
  void apply_pair(const IntegrationKind& kind, const Pair& pair, const config::YamlNode& node,
                  Settings& settings, const GlobalSection& global);
  void at_most_one(const config::YamlNode& node, std::string_view a, std::string_view b,
                   const Settings& settings);
  config::HttpClientConfig read_http(const config::YamlNode& section);

  config::Decoder& decoder_;
  const std::string directory_;
};

/// What holds for one kind only (integration_checks.cc).
void check_integration(config::Decoder& d, const config::YamlNode& node, Integration& integration,
                       const GlobalSection& global);

}  // namespace strata::alerting
