// What goes wrong, where and when: a YAML file, and the ground truth that it is.
//
//   description: A node gets hot, then one of its engines hangs.
//   requests_per_second: 3        # of each engine; optional
//   faults:
//     - fault: thermal-throttle   # strata sim --list
//       at: 5m                    # after the start
//       for: 10m
//       severity: 0.8             # 0 to 1; 1 when not given
//       node: 3                   # a number, or all; 0 when not given
//       gpu: all
//       engine: 0
//
// A value; made once, read by every node. Bounds: kMaxFaults, and those of YAML.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sim/faults.h"

namespace strata::sim {

struct Fault {
  const FaultKind* kind = nullptr;
  Place place;
  double onset = 0;     // seconds
  double duration = 0;  // seconds
  double severity = 1;

  bool active(double now) const { return now >= onset && (kind->lasts || now < onset + duration); }
};

class Scenario {
 public:
  static constexpr size_t kMaxFaults = 1000;

  Scenario() = default;
  /// Error: kBadData as "file:line:column: what".
  static Result<Scenario> parse(std::string_view text, std::string_view file_name);

  void add(const Fault& fault) { faults_.push_back(fault); }
  /// Moves every onset: the fleet may have run a while before the scenario begins.
  void delay(double seconds);
  /// What the faults make of a node that is well.
  void apply(uint32_t node, double now, NodeConditions& conditions) const;

  const std::vector<Fault>& faults() const { return faults_; }
  const std::string& description() const { return description_; }
  /// 0: not said.
  double requests_per_second() const { return requests_per_second_; }

 private:
  std::string description_;
  double requests_per_second_ = 0;
  std::vector<Fault> faults_;
};

}  // namespace strata::sim
