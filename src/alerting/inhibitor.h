// Which alerts are muted because another one explains them (`inhibit_rules`).
//
// For each rule, the firing alerts that match its source side, by the values of the labels that
// must be equal: so a question costs one lookup a rule. Not thread-safe: the Router's lock guards
// it.
#pragma once
#include <optional>
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
  struct Source {
    uint64_t fingerprint = 0;
    TimestampMs ends_at = 0;
    bool is_target = false;  // of the same rule
  };
  struct Rule {
    InhibitRule config;
    std::unordered_map<std::string, std::vector<Source>> sources;
  };
  static std::string equal_values(const InhibitRule& rule, const Labels& labels);

  std::vector<Rule> rules_;
};

}  // namespace strata::alerting
