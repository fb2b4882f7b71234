// Where alerts go: alerting's router, a sender to an Alertmanager, a test.
#pragma once
#include <string>
#include <vector>

#include "rules/alert.h"

namespace strata::rules {

/// What ended an alert.
enum class Ending : uint8_t {
  kNone,       // it fires
  kCondition,  // the expression does not hold any more
  kNoData,     // the series that it compares is gone
};

/// An alert as a receiver should know it. Told when it begins to fire, when it ends, and again
/// every resend delay while it fires and for 15 minutes after it ended.
struct AlertNotice {
  uint64_t fingerprint = 0;  // of `labels`
  Labels labels;             // with alertname, without external labels
  StringPairs annotations;
  TimestampMs starts_at = 0;  // when it began to fire
  /// When it ended; while it fires, when to take it for ended unless told again.
  TimestampMs ends_at = 0;
  Ending ending = Ending::kNone;
  double value = 0;
  std::string generator_url;
};

class Sink {
 public:
  virtual ~Sink() = default;
  /// All that one rule has to tell, as of `at`. Called on the work pool, for one rule at a time of
  /// a group, from several threads for several groups; must not block.
  virtual void send(TimestampMs at, std::vector<AlertNotice> alerts) = 0;
};

}  // namespace strata::rules
