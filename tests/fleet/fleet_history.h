// What a store holds after it has watched a simulated fleet for a while: every target of the fleet
// is scraped as `strata serve` would scrape it, canonical series included, but in process and
// without clocks. The ground for tests of faults (what do they leave behind?) and of rules (who is
// called?). Two histories of one seed differ by their faults alone.
//
// What the simulator has no program for is scripted: series that one more target, "strata:9090",
// exposes.
//
// One thread. A node with two engines is about 2,800 samples a round.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/temp_dir.h"
#include "promql/engine.h"
#include "rules/replay.h"
#include "scrape/target_ingest.h"
#include "sim/targets.h"

namespace strata {

/// Of a target that the simulator does not have.
struct ScriptedSeries {
  std::string series;  // as an exposition spells it
  std::function<double(double seconds)> value;
};

struct FleetHistoryOptions {
  /// A scenario file's text; times count from the history's beginning.
  std::string scenario = "faults: []";
  /// One node of eight GPUs and two engines, unless told otherwise.
  sim::FleetOptions fleet = {.nodes = 1, .engine = "vllm"};
  std::vector<ScriptedSeries> scripted;
  double step = 5;    // seconds between scrapes
  double first = 0;   // no scrape before
  double end = 1800;  // seconds
};

class FleetHistory {
 public:
  static constexpr TimestampMs kStart = 1'700'000'000'000;

  explicit FleetHistory(FleetHistoryOptions options);
  ~FleetHistory();

  /// The one value of a PromQL expression as of `seconds`; NaN when it has none.
  double value(std::string_view expression, double seconds) const;
  /// The same at the history's end.
  double value(std::string_view expression) const { return value(expression, options_.end); }

  /// What the shipped rules would have done.
  rules::ReplayReport replay_shipped_rules() const;

  /// Seconds from the history's beginning.
  static double seconds_of(TimestampMs t) { return static_cast<double>(t - kStart) / 1000; }
  static TimestampMs time_of(double seconds) {
    return kStart + static_cast<TimestampMs>(seconds * 1000);
  }
  const FleetHistoryOptions& options() const { return options_; }

 private:
  struct Target;

  void scrape_round(double seconds);
  Target& target(const sim::FleetTarget& found);
  void scrape(Target& target, const sim::Answer& answer, double seconds);
  sim::Answer scripted_answer(double seconds) const;

  const FleetHistoryOptions options_;
  const TempDir dir_;
  ManualClock clock_;
  metrics::Registry registry_;
  scrape::Metrics metrics_;
  std::unique_ptr<tsdb::Db> db_;
  std::unique_ptr<sim::Fleet> fleet_;
  std::map<std::string, std::unique_ptr<Target>> targets_;  // by path
  promql::Engine engine_;
};

}  // namespace strata
