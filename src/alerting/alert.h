// An alert as routing sees it, however it came: from our rules, or posted by a Prometheus.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "model/labels.h"

namespace strata::alerting {

using StringPairs = std::vector<std::pair<std::string, std::string>>;  // sorted by name

struct Alert {
  Labels labels;
  StringPairs annotations;
  TimestampMs starts_at = 0;
  /// When it ends or ended. One that the sender gave no end for ends unless it is sent again.
  TimestampMs ends_at = 0;
  TimestampMs updated_at = 0;
  bool timeout = false;  // ends_at was made up
  std::string generator_url;

  bool resolved_at(TimestampMs t) const { return ends_at <= t; }
  std::string_view name() const { return labels.get("alertname"); }
};

/// 16 hexadecimal digits.
std::string fingerprint_text(uint64_t fingerprint);

/// Alertmanager's rules: at least one label, names and values UTF-8, an end that is not before the
/// start. Error: kBadData.
Result<> validate(const Alert& alert);

/// Of two reports of one alert whose times overlap: the later one, from the earlier start, until
/// the end that counts (a real end beats a made-up one; else the later of the two).
Alert merge(const Alert& older, Alert newer);

}  // namespace strata::alerting
