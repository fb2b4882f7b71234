#include "fleet/fleet_history.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/log.h"
#include "catalog/catalog.h"
#include "rules/shipped.h"

namespace strata {
namespace {

constexpr int kMaintained = 64;  // rounds between two calls of what the store's thread does
const sim::FleetTarget kScripted{"/scripted", "strata", "strata:9090", {}, {}};

std::unique_ptr<tsdb::Db> open_store(const std::string& path, const Clock& clock) {
  configure_logging(LogLevel::kError, LogFormat::kLogfmt);
  tsdb::Options options;
  options.path = path;
  options.wal_sync = {};
  auto db = tsdb::Db::open(options, real_fs(), clock);
  EXPECT_TRUE(db) << db.error().message;
  return std::move(*db);
}

std::unique_ptr<sim::Fleet> make_fleet(const FleetHistoryOptions& options) {
  auto scenario = sim::Scenario::parse(options.scenario, "scenario");
  EXPECT_TRUE(scenario) << scenario.error().message;
  sim::FleetOptions wanted = options.fleet;
  wanted.start_unix = static_cast<double>(FleetHistory::kStart) / 1000;
  auto fleet = sim::Fleet::create(std::move(wanted), std::move(*scenario));
  EXPECT_TRUE(fleet) << fleet.error().message;
  return std::move(*fleet);
}

}  // namespace

struct FleetHistory::Target {
  std::unique_ptr<scrape::TargetIngest> ingest;
  bool is_listed = false;
};

FleetHistory::FleetHistory(FleetHistoryOptions options)
    : options_(std::move(options)),
      clock_(kStart),
      metrics_(registry_),
      db_(open_store(dir_.file("data"), clock_)),
      fleet_(make_fleet(options_)),
      engine_({}, nullptr, clock_) {
  int rounds = 0;
  for (double at = options_.step; at <= options_.end; at += options_.step) {
    if (at < options_.first) continue;
    scrape_round(at);
    if (++rounds % kMaintained == 0) db_->maintain();
  }
}

FleetHistory::~FleetHistory() = default;

// Targets are asked one after the other within the first half of the interval, as they are spread
// in the server, too.
void FleetHistory::scrape_round(double seconds) {
  fleet_->advance_to(seconds - options_.step / 2);
  auto found = sim::fleet_targets(*fleet_);
  if (!options_.scripted.empty()) found.push_back(kScripted);
  for (auto& [path, target] : targets_) target->is_listed = false;
  for (size_t i = 0; i < found.size(); ++i) {
    const double at =
        seconds -
        options_.step / 2 * (1 - static_cast<double>(i) / static_cast<double>(found.size()));
    Target& target = this->target(found[i]);
    target.is_listed = true;
    clock_.jump_to(time_of(at));
    scrape(target,
           found[i].path == kScripted.path ? scripted_answer(at)
                                           : sim::metrics_answer(*fleet_, found[i].path, at),
           at);
  }
  std::erase_if(targets_, [this](const auto& entry) {
    if (entry.second->is_listed) return false;
    EXPECT_TRUE(entry.second->ingest->end(clock_.now_ms()));
    return true;
  });
}

FleetHistory::Target& FleetHistory::target(const sim::FleetTarget& found) {
  auto& target = targets_[found.path];
  if (target != nullptr) return *target;
  auto config = std::make_shared<config::ScrapeConfig>();
  config->job_name = "sim";
  config->honor_labels = true;  // strata_topology_info's instance is the engine's
  discover::Target described;
  LabelsBuilder labels;
  labels.set("job", found.job);
  labels.set("instance", found.instance);
  if (!found.node.empty()) labels.set("node", found.node);
  if (!found.model.empty()) labels.set("model", found.model);
  described.labels = labels.build();
  described.url = "http://" + found.instance + "/metrics";
  described.interval = described.timeout = Millis(static_cast<int64_t>(options_.step * 1000));
  target = std::make_unique<Target>();
  target->ingest =
      std::make_unique<scrape::TargetIngest>(*db_, metrics_, std::move(config), described);
  const std::shared_ptr<const catalog::Catalog> builtin(std::shared_ptr<const void>(),
                                                        &catalog::Catalog::builtin());
  target->ingest->translate_by({.catalog = builtin, .keep_raw = true});
  return *target;
}

void FleetHistory::scrape(Target& target, const sim::Answer& answer, double seconds) {
  const TimestampMs t = time_of(seconds);
  scrape::Report report;
  report.body_bytes = answer.body.size();
  const double took = answer.hangs ? options_.step : std::max(0.004, answer.seconds);
  report.duration = std::chrono::nanoseconds(static_cast<int64_t>(took * 1e9));
  const auto stored =
      answer.hangs || answer.status != 200
          ? target.ingest->fail(t, report)
          : target.ingest->ingest(t, answer.body, wire::ExpositionFormat::kText, report);
  ASSERT_TRUE(stored) << stored.error().message;
}

sim::Answer FleetHistory::scripted_answer(double seconds) const {
  sim::Answer answer;
  for (const ScriptedSeries& one : options_.scripted) {
    answer.body += fmt::format("{} {}\n", one.series, one.value(seconds));
  }
  return answer;
}

double FleetHistory::value(std::string_view expression, double seconds) const {
  const auto result = engine_.instant(*db_, expression, time_of(seconds));
  EXPECT_TRUE(result) << expression << ": " << result.error().message;
  if (!result) return std::numeric_limits<double>::quiet_NaN();
  const auto* vector = std::get_if<Vector>(&result->value);
  EXPECT_NE(vector, nullptr) << expression << " is no instant vector";
  if (vector == nullptr || vector->empty()) return std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(vector->size(), 1u) << expression;
  return vector->front().point.v;
}

rules::ReplayReport FleetHistory::replay_shipped_rules() const {
  rules::RuleSettings settings;
  settings.evaluation_interval = Millis(15'000);
  settings.external_url = "http://strata:9090";
  const auto files = rules::load_shipped_rules();
  EXPECT_TRUE(files) << files.error().message;
  auto report =
      rules::replay(*files, settings, *db_, engine_, TimeRange{kStart, time_of(options_.end)});
  EXPECT_TRUE(report) << report.error().message;
  if (!report) return {};
  EXPECT_EQ(report->failures, 0u) << report->first_failure;
  return std::move(*report);
}

}  // namespace strata
