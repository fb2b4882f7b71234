// Names of enum values, and what a label name is.
#include "base/utf8.h"
#include "config/config.h"
#include "config/fields.h"

namespace strata::config {

std::string_view to_string(RelabelAction action) { return name_of(action); }
std::string_view to_string(ScrapeProtocol protocol) { return name_of(protocol); }
std::string_view to_string(NameEscaping escaping) { return name_of(escaping); }
std::string_view to_string(KubernetesRole role) { return name_of(role); }

std::vector<ScrapeProtocol> default_scrape_protocols(bool native_histograms) {
  std::vector<ScrapeProtocol> protocols;
  if (native_histograms) protocols.push_back(ScrapeProtocol::kPrometheusProto);
  protocols.insert(protocols.end(),
                   {ScrapeProtocol::kOpenMetricsText100, ScrapeProtocol::kOpenMetricsText001,
                    ScrapeProtocol::kPrometheusText100, ScrapeProtocol::kPrometheusText004});
  return protocols;
}

const Regex& match_all() {
  static const Regex regex = *Regex::compile("(.*)");
  return regex;
}

bool is_label_name(NameValidation validation, std::string_view name) {
  if (validation == NameValidation::kLegacy) return is_classic_label_name(name);
  return !name.empty() && is_utf8(name);
}

}  // namespace strata::config
