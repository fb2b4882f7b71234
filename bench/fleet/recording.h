// A stretch of a fleet's time, step by step: what write() and store() both take in.
#pragma once
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "fleet/commands.h"

namespace strata::bench {

/// One target's kept lines. Not thread-safe; owned by the command.
class RecordedTarget {
 public:
  /// `member` outlives this.
  RecordedTarget(const Fleet::Member& member, const std::optional<Regex>& keep);

  /// `name{labels,job="…",instance="…"}`
  const std::vector<std::string>& series() const { return series_; }
  /// The kept lines' values now, in the order of series(). Lives until the next call.
  std::span<const double> values();

 private:
  const Fleet::Member& member_;
  std::vector<std::string> series_;
  std::vector<uint32_t> lines_;
  std::vector<double> values_;
};

class Recording {
 public:
  explicit Recording(const RecordingOptions& options);

  int64_t steps() const { return steps_; }
  std::vector<RecordedTarget>& targets() { return targets_; }
  const std::string& instance(size_t target) const { return fleet_.member(target).instance; }
  size_t series() const;
  /// Steps count from 1.
  TimestampMs time_of(int64_t step) const;
  /// Moves every target to `step`.
  void advance(int64_t step);

 private:
  FleetOptions options_;
  int64_t steps_;
  Fleet fleet_;
  std::vector<RecordedTarget> targets_;
};

}  // namespace strata::bench
