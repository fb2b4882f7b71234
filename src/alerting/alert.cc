#include "alerting/alert.h"

#include <algorithm>

#include "base/utf8.h"

namespace strata::alerting {

std::string fingerprint_text(uint64_t fingerprint) { return fmt::format("{:016x}", fingerprint); }

Result<> validate(const Alert& alert) {
  if (alert.starts_at == 0) return bad_data("start time missing");
  if (alert.ends_at != 0 && alert.ends_at < alert.starts_at) {
    return bad_data("start time must be before end time");
  }
  if (alert.labels.empty()) return bad_data("at least one label pair required");
  for (const Label& label : alert.labels) {
    if (!is_utf8(label.name)) return bad_data("invalid label set: a name is not UTF-8");
    if (!is_utf8(label.value)) return bad_data("invalid label set: a value is not UTF-8");
  }
  for (const auto& [name, value] : alert.annotations) {
    if (name.empty() || !is_utf8(name)) return bad_data("invalid annotations: a name is no name");
    if (!is_utf8(value)) return bad_data("invalid annotations: a value is not UTF-8");
  }
  return {};
}

Alert merge(const Alert& older, Alert newer) {
  if (newer.updated_at < older.updated_at) return merge(newer, older);
  newer.starts_at = std::min(newer.starts_at, older.starts_at);
  if (newer.resolved_at(newer.updated_at)) {
    // Both are over: the later end. The newer one only: its end is news.
    if (older.resolved_at(newer.updated_at)) {
      newer.ends_at = std::max(newer.ends_at, older.ends_at);
    }
  } else if (older.ends_at > newer.ends_at && !older.timeout) {
    newer.ends_at = older.ends_at;
  }
  return newer;
}

}  // namespace strata::alerting
