// Rules in the server: their files, the store that they write into, and the timer that calls them.
//
// Made by Server; load() and apply() by the thread that loads the configuration, stop() by the main
// thread, before the pool and the store go.
#pragma once
#include <atomic>
#include <memory>
#include <vector>

#include "app/flags.h"
#include "base/mutex.h"
#include "config/config.h"
#include "config/rules_config.h"
#include "net/loop.h"
#include "promql/engine.h"
#include "rules/manager.h"
#include "tsdb/db.h"

namespace strata::app {

/// What recording rules and alerts write: samples with times of their own. Thread-safe.
class StoreWriter final : public rules::SeriesWriter {
 public:
  explicit StoreWriter(tsdb::Db& db) : db_(db) {}
  Result<Series> series(const Labels& labels) override;
  Result<Counts> append(TimestampMs t, std::span<const Series> series,
                        std::span<const double> values) override;

 private:
  tsdb::Db& db_;
};

struct RuleEngineDeps {
  tsdb::Db& db;                // what is recorded is written to
  const SeriesSource& source;  // and read from
  promql::EngineOptions engine;
  ThreadPool& work;
  net::Loop& loop;
  const Clock& clock;
  rules::Sink* sink = nullptr;  // who is told of alerts; outlives this
};

class RuleEngine {
 public:
  /// Alert states are kept in `directory`. Error: kIo.
  static Result<std::unique_ptr<RuleEngine>> open(const std::string& directory,
                                                  const RuleEngineDeps& deps);

  /// The rule files that `config` names, and those that come with Strata where `shipped` wants
  /// them. Error: the first thing that is wrong in one of them.
  static Result<std::vector<rules::RuleFile>> load(const config::Config& config,
                                                   const promql::ParserOptions& syntax,
                                                   ServeOptions::ShippedRules shipped);

  void apply(std::vector<rules::RuleFile> files, const config::Config& config,
             const ServeOptions& options, const config::RulesConfig& own,
             const std::string& external_url);
  /// Something was scraped. Any thread; many calls make one evaluation.
  void scrape_ended();
  void stop();
  rules::Manager& manager() { return manager_; }

 private:
  RuleEngine(const RuleEngineDeps& deps, std::unique_ptr<rules::StateLog> state);
  void tick();

  net::Loop& loop_;
  /// Without the pool: a rule runs on the one worker that it has, so that rules never take more
  /// workers than Manager gives them.
  promql::Engine engine_;
  StoreWriter writer_;
  std::unique_ptr<rules::StateLog> state_;
  rules::Manager manager_;

  std::atomic<bool> scraped_ = false;  // the loop has been asked to look, and has not yet

  Mutex mutex_;  // held while a tick runs
  bool stopped_ GUARDED_BY(mutex_) = false;
  std::optional<net::TimerId> timer_ GUARDED_BY(mutex_);
};

}  // namespace strata::app
