// Whether one label of one metric of a job grows without end: guard.h says what that means.
//
// A value type of the JobGuard, under its lock. Memory: 5 to 11 bytes a value, at most
// Guard::kMaxValues, and about 200 bytes once something grew.
#pragma once
#include <boost/unordered/unordered_flat_set.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/sample.h"
#include "scrape/distinct_estimate.h"

namespace strata::scrape {

/// A value of the label on a new series.
struct LabelArrival {
  std::string_view value;
  std::string_view target;
  TimestampMs t = 0;
  int64_t round = 0;  // which of the target's intervals t lies in
};

class LabelWatch {
 public:
  enum class Outcome : uint8_t { kKnown, kNew, kStray };  // stray: unknown, and without end

  struct Limits {
    uint64_t new_values = 0;
    int64_t window_ms = 0;
    size_t room = 0;  // values that may still be remembered
  };

  /// A value that a target had from the beginning. True when it was new to the label.
  bool learn(std::string_view value, size_t room);
  /// A value that came later.
  Outcome arrive(const LabelArrival& arrival, const Limits& limits);
  /// Ends the window when it is over. True when the label has become free again.
  bool settle(TimestampMs now, int64_t window_ms);

  /// What came later, or null when nothing has, within the last two windows.
  struct Rise {
    TimestampMs window_began = 0;
    boost::unordered_flat_set<uint32_t> young;  // values that came in this window
    uint64_t new_values = 0;                    // in this window
    uint64_t new_values_before = 0;             // in the one before
    uint64_t new_series = 0;                    // in this window
    uint64_t young_series = 0;                  // of them, with a young value
    int rounds = 0;                             // that brought new values
    int64_t last_round = 0;
    bool without_end = false;
    TimestampMs since = 0;
    uint64_t refused = 0;
    DistinctEstimate strays;
    uint64_t strays_at_window = 0;  // their count when the window began
    std::vector<std::string> examples;
    std::vector<std::pair<std::string, uint64_t>> targets;  // most first, nearly

    /// New values within this window and the one before.
    uint64_t lately() const;
  };
  const Rise* rise() const { return rise_.get(); }
  Rise* rise() { return rise_.get(); }
  uint64_t values() const;
  /// Values that are remembered: what the room is for.
  size_t remembered() const { return known_.size() + (rise_ ? rise_->young.size() : 0); }
  uint64_t untracked() const { return untracked_; }

 private:
  void note_new(const LabelArrival& arrival);
  bool grows(const Limits& limits) const;

  boost::unordered_flat_set<uint32_t> known_;
  std::unique_ptr<Rise> rise_;
  uint64_t untracked_ = 0;
};

}  // namespace strata::scrape
