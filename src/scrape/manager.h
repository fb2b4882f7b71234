// All targets of all jobs: starts, keeps and stops their loops as discovery finds and loses them.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/gate.h"
#include "base/mutex.h"
#include "catalog/catalog.h"
#include "config/catalog_config.h"
#include "config/guard_config.h"
#include "discover/target_group.h"
#include "scrape/guard.h"
#include "scrape/loop.h"

namespace strata::scrape {

/// All of it outlives the Manager.
struct ManagerDeps {
  tsdb::Db& db;
  net::Loop& loop;
  net::HttpClient& client;
  ThreadPool& work;     // ingests bodies
  ThreadPool& collect;  // runs in-process collectors
  const Clock& clock;
  metrics::Registry& metrics;
  /// In-process collectors by ScrapeConfig::in_process.
  std::map<std::string, Source> sources;
  IngestFeatures features = {};
  /// Called when a scrape has been stored, or its failure has, by the thread that did: quick.
  std::function<void()> on_scrape_end = {};
};

struct JobStatus {
  std::string job;
  std::shared_ptr<const config::ScrapeConfig> config;
  std::vector<TargetStatus> active;
  std::vector<Labels> dropped;  // discovered labels
  size_t dropped_count = 0;
  std::vector<std::string> errors;
};

/// Owned by app/. Thread-safe.
class Manager {
 public:
  explicit Manager(ManagerDeps deps);
  ~Manager();  // stop()
  Manager(const Manager&) = delete;
  Manager& operator=(const Manager&) = delete;

  /// The job's targets are now these. A target that was there already, by labels and URL, keeps its
  /// place in time and in the store; series of targets that are gone end. `config` null: the job is
  /// gone.
  void set_job(const std::string& job, std::shared_ptr<const config::ScrapeConfig> config,
               std::span<const discover::TargetGroup> groups);

  /// The guard's rules; those of `guard`'s defaults until then.
  void set_guard(const config::GuardConfig& config) { guard_.configure(config); }

  /// What canonical names series get, and in which jobs; none until it is called. Jobs that run
  /// follow at their next set_job().
  void set_catalog(std::shared_ptr<const catalog::Catalog> catalog,
                   const config::CatalogConfig& config);

  /// Begins no more scrapes, gives up those that wait for a target, and waits for those that are
  /// being stored. Series do not end: the next start goes on with them.
  void stop();

  /// By job; targets by URL.
  std::vector<JobStatus> status() const;
  /// What the series of the targets are, and which labels grow; at most `limit` entries a list.
  GuardReport cardinality(size_t limit) const { return guard_.report(limit); }

 private:
  struct Job;
  std::shared_ptr<ScrapeLoop> make_loop(const Job& job, const discover::Target& target,
                                        std::unique_ptr<TargetIngest> ingest);
  void count_sync(const Job& job, const config::ScrapeConfig* config,
                  const discover::TargetSet& targets);
  Translation translation_of(const std::string& job) const REQUIRES(mutex_);

  const ManagerDeps deps_;
  Metrics metrics_;
  Guard guard_;
  mutable Mutex mutex_;
  std::map<std::string, std::unique_ptr<Job>> jobs_ GUARDED_BY(mutex_);
  std::shared_ptr<const catalog::Catalog> catalog_ GUARDED_BY(mutex_);
  config::CatalogConfig catalog_config_ GUARDED_BY(mutex_);
  bool stopped_ GUARDED_BY(mutex_) = false;
  Gate gate_;
  BodyBuffers buffers_;
};

}  // namespace strata::scrape
