// Which alerts are muted because another one explains them (`inhibit_rules`).
//
// For each rule, the firing alerts that match its source side, by the values of the labels that
// must be equal, in the order in which they end: so questions and changes cost a lookup a rule,
// also where twenty thousand alerts are sources of one place. Not thread-safe: the Router's lock
// guards it.
#pragma once
#include <optional>
#include <set>
#include <unordered_map>
#include <vector>

#include "alerting/alert.h"
#include "alerting/config.h"

namespace strata::alerting {

class Inhibitor {
 public:
  explicit Inhibitor(std::vector<InhibitRule> rules);

  /// An alert as it is now: begins, changes or ends.
  void update(const Alert& alert);
  void forget(const Alert& alert);
  /// The fingerprint of an alert that inhibits these labels at `now`. An alert that matches both
  /// sides of a rule is not inhibited by one that does the same, and so never by itself.
  std::optional<uint64_t> inhibiting(const Labels& labels, TimestampMs now) const;

 private:
  using ByEnd = std::set<std::pair<TimestampMs, uint64_t>>;  // fingerprints
  struct Sources {
    std::unordered_map<uint64_t, TimestampMs> ends_at;  // of each
    ByEnd plain;
    ByEnd targets_too;  // of the same rule
  };
  struct Rule {
    InhibitRule config;
    std::unordered_map<std::string, Sources> sources;  // by the values of `equal`
  };
  static std::string equal_values(const InhibitRule& rule, const Labels& labels);

  std::vector<Rule> rules_;
};

}  // namespace strata::alerting
