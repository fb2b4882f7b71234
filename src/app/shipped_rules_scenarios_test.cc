// The rules that come with Strata over the simulated fleet: for each fault which alerts fire, how
// soon, and that nobody else is called. In process, without clocks: the fleet is scraped into a
// store as `strata serve` would, and the rules are replayed over it.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "base/fs.h"
#include "base/temp_dir.h"
#include "catalog/catalog.h"
#include "rules/replay.h"
#include "rules/shipped.h"
#include "scrape/target_ingest.h"
#include "sim/expositions.h"

namespace strata::app {
namespace {

constexpr TimestampMs kStart = 1'700'000'000'000;
constexpr double kStep = 5;         // seconds between scrapes
constexpr double kOnset = 20 * 60;  // of the fault; until then all is well
constexpr double kEnd = 35 * 60;

/// One target of the fleet: what it would answer, "" when it does not.
struct SimTarget {
  std::function<std::string(double now)> answer;
  std::unique_ptr<scrape::TargetIngest> ingest;
};

/// A store with what was scraped of one node with two engines on eight GPUs, and of the gateway.
class FleetHistory {
 public:
  explicit FleetHistory(std::string_view faults) {
    clock_.jump_to(kStart);
    tsdb::Options options;
    options.path = dir_.file("data");
    db_ = std::move(*tsdb::Db::open(options, real_fs(), clock_));
    sim::FleetOptions fleet;
    fleet.nodes = 1;
    fleet.engine = "vllm";
    fleet.speculative = true;
    fleet.start_unix = kStart / 1000.0;
    auto scenario = sim::Scenario::parse(faults, "scenario");
    EXPECT_TRUE(scenario) << scenario.error().message;
    fleet_ = std::move(*sim::Fleet::create(fleet, std::move(*scenario)));
    add_targets();
    for (double now = kStep; now <= kEnd; now += kStep) scrape(now);
  }

  rules::ReplayReport replay() {
    const promql::Engine engine({}, nullptr, clock_);
    rules::RuleSettings settings;
    settings.evaluation_interval = Millis(15'000);
    auto report = rules::replay(*rules::load_shipped_rules(), settings, *db_, engine,
                                TimeRange{kStart, kStart + static_cast<int64_t>(kEnd * 1000)});
    EXPECT_TRUE(report) << report.error().message;
    EXPECT_EQ(report->failures, 0u) << report->first_failure;
    return std::move(*report);
  }

 private:
  void add(std::string job, std::string instance, std::function<std::string(double)> answer) {
    config::ScrapeConfig config;
    config.job_name = job;
    config.honor_labels = job == "topology";
    discover::Target target;
    target.labels = Labels{{"job", job}, {"instance", instance}};
    target.url = "http://" + instance + "/metrics";
    target.interval = target.timeout = Millis(static_cast<int64_t>(kStep * 1000));
    auto ingest = std::make_unique<scrape::TargetIngest>(
        *db_, metrics_, std::make_shared<const config::ScrapeConfig>(config), target);
    ingest->translate_by({.catalog = catalog_, .keep_raw = true});
    targets_.push_back({std::move(answer), std::move(ingest)});
  }

  void add_targets() {
    const sim::Node& node = *fleet_->node(0);
    const auto text = [](auto append) {
      return [append](double now) {
        std::string out;
        append(out, now);
        return out;
      };
    };
    for (size_t i = 0; i < node.engines().size(); ++i) {
      add("engines", fmt::format("node-0:{}", 8000 + i), text([&node, i](std::string& out, double) {
            if (!node.conditions().targets.engine_hangs) sim::append_engine(out, node, i);
          }));
    }
    add("dcgm", "node-0:9400", text([&node](std::string& out, double) {
          const auto& targets = node.conditions().targets;
          if (!targets.gpu_down && !targets.gpu_hangs) sim::append_dcgm(out, node);
        }));
    add("topology", "node-0:9700",
        text([&node](std::string& out, double) { sim::append_topology(out, node); }));
    add("node", "node-0:9100", text([this, &node](std::string& out, double now) {
          sim::append_node(out, node, fleet_->unix_time(now));
        }));
    add("gateway", "gateway:9600",
        text([this](std::string& out, double) { sim::append_gateway(out, *fleet_); }));
  }

  void scrape(double now) {
    fleet_->advance_to(now);
    clock_.jump_to(kStart + static_cast<TimestampMs>(now * 1000));
    for (SimTarget& target : targets_) {
      const std::string body = target.answer(now);
      scrape::Report report;
      const auto stored =
          body.empty()
              ? target.ingest->fail(clock_.now_ms(), report)
              : target.ingest->ingest(clock_.now_ms(), body, wire::ExpositionFormat::kText, report);
      ASSERT_TRUE(stored) << stored.error().message;
    }
  }

  TempDir dir_;
  ManualClock clock_;
  metrics::Registry registry_;
  scrape::Metrics metrics_{registry_};
  std::shared_ptr<const catalog::Catalog> catalog_{&catalog::Catalog::builtin(), [](auto*) {}};
  std::unique_ptr<tsdb::Db> db_;
  std::unique_ptr<sim::Fleet> fleet_;
  std::vector<SimTarget> targets_;
};

/// By "ALERT SEVERITY": seconds from the onset (or, all being well, from the start) to the first.
std::map<std::string, double> fired(std::string_view fault, std::string_view place) {
  const std::string scenario =
      fault.empty() ? "faults: []"
                    : fmt::format("faults: [{{fault: {}, at: {}s, for: {}s{}{}}}]", fault, kOnset,
                                  kEnd - kOnset, place.empty() ? "" : ", ", place);
  std::map<std::string, double> out;
  for (const rules::Episode& episode : FleetHistory(scenario).replay().episodes) {
    if (episode.alert == "Watchdog") continue;
    const std::string key =
        fmt::format("{} {}", episode.alert, episode.labels.get("severity").value_or(""));
    const double since = static_cast<double>(episode.fired_at - kStart) / 1000 - kOnset;
    if (!out.contains(key)) out[key] = since;
  }
  return out;
}

struct Expected {
  std::string_view alert;  // and severity
  double within;           // seconds of the onset
};

struct ScenarioCase {
  std::string_view fault;
  std::string_view place;
  std::vector<Expected> alerts;             // fire in time
  std::vector<std::string_view> also = {};  // may fire
};

class ShippedRulesScenario : public ::testing::TestWithParam<ScenarioCase> {};

TEST_P(ShippedRulesScenario, FiresInTimeAndCallsForNothingElse) {
  const ScenarioCase& scenario = GetParam();
  const auto alerts = fired(scenario.fault, scenario.place);
  std::set<std::string_view> allowed(scenario.also.begin(), scenario.also.end());
  for (const Expected& expected : scenario.alerts) {
    allowed.insert(expected.alert);
    const auto found = alerts.find(std::string(expected.alert));
    if (found == alerts.end()) {
      ADD_FAILURE() << expected.alert << " did not fire";
      continue;
    }
    EXPECT_GT(found->second, 0) << expected.alert << " fired before the fault";
    EXPECT_LE(found->second, expected.within) << expected.alert;
  }
  for (const auto& [alert, since] : alerts) {
    EXPECT_TRUE(allowed.contains(alert)) << alert << " fired " << since << " s after the onset";
  }
}

INSTANTIATE_TEST_SUITE_P(
    Fleet, ShippedRulesScenario,
    ::testing::Values(
        ScenarioCase{"", "", {}},  // all is well
        ScenarioCase{"engine-hang", "", {{"LLMEngineHung P0", 30}}},
        ScenarioCase{"engine-crash", "", {{"InferenceServiceDown P0", 15}}},
        ScenarioCase{"traffic-surge", "engine: all", {{"HighTTFT P0", 600}}},
        ScenarioCase{"kv-saturation", "engine: all", {{"KVCacheSaturated P1", 600}}},
        ScenarioCase{"prefix-cache-collapse", "engine: all", {{"PrefixCacheCollapse P2", 900}}},
        ScenarioCase{"speculation-collapse", "engine: all", {}},
        ScenarioCase{"thermal-throttle", "", {{"GPUThermalThrottling P2", 600}}},
        ScenarioCase{"power-brake", "", {{"GPUPowerBrake P2", 300}}},
        ScenarioCase{"straggler-gpu", "", {{"GPUStraggler P2", 600}}},
        ScenarioCase{"gpu-lost", "", {{"GPUXidFatal P1", 60}, {"GPULost P1", 120}}},
        ScenarioCase{"application-xid", "", {{"GPUXidApplication P3", 60}}},
        ScenarioCase{"memory-degradation", "", {{"GPURowRemapFailed P1", 900}}},
        ScenarioCase{"nvlink-errors", "", {{"NVLinkErrors P2", 180}}},
        ScenarioCase{"pcie-degradation", "", {{"PCIeReplays P3", 900}}},
        ScenarioCase{"host-cpu", "", {{"HostCPUPressure P3", 900}}},
        ScenarioCase{"host-memory", "", {{"HostMemoryPressure P2", 900}}},
        ScenarioCase{"disk-filling", "", {}},
        ScenarioCase{"client-errors", "engine: all", {{"LLMAbortRatio P2", 900}}},
        ScenarioCase{"exporter-down", "", {{"TargetDown P2", 240}}},
        ScenarioCase{"idle-fleet", "engine: all", {}},
        ScenarioCase{"long-prompts", "engine: all", {}},
        ScenarioCase{"clock-skew", "", {{"HostClockSkew P3", 700}}}),
    [](const auto& param) {
      std::string name(param.param.fault.empty() ? "well" : param.param.fault);
      std::ranges::replace(name, '-', '_');
      return name;
    });

}  // namespace
}  // namespace strata::app
