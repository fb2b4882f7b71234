#include "scrape/manager.h"

#include "base/check.h"
#include "base/log.h"

namespace strata::scrape {
namespace {

// Whether a loop for `a` serves `b` too.
bool same(const discover::Target& a, const discover::Target& b) {
  return a.labels == b.labels && a.url == b.url && a.unix_socket == b.unix_socket &&
         a.interval == b.interval && a.timeout == b.timeout &&
         a.discovered_labels == b.discovered_labels;
}

using TargetKey = std::pair<std::string, Labels>;
TargetKey key_of(const discover::Target& target) { return {target.url, target.labels}; }

// For a job whose discovery found more than target_limit: every scrape fails, as in Prometheus.
class RefusingFetcher final : public Fetcher {
 public:
  explicit RefusingFetcher(uint64_t limit) : limit_(limit) {}
  void fetch(std::string, std::stop_token, Done done) override {
    done(bad_data(fmt::format("target_limit exceeded (limit: {})", limit_)));
  }

 private:
  const uint64_t limit_;
};

}  // namespace

namespace {

using Seconds = std::chrono::duration<double>;

// A job's own series, for as long as there is the job.
struct JobMetrics {
  JobMetrics(Metrics& all, const std::string& name)
      : targets(all.targets.with(name)),
        target_limit(all.target_limit.with(name)),
        syncs(all.syncs.with(name)),
        failed_targets(all.failed_targets.with(name)),
        sync_length(all.sync_length.with(name)) {}

  metrics::Held<metrics::Gauge> targets;
  metrics::Held<metrics::Gauge> target_limit;
  metrics::Held<metrics::Counter> syncs;
  metrics::Held<metrics::Counter> failed_targets;
  metrics::Summary& sync_length;
};

}  // namespace

struct Manager::Job {
  explicit Job(JobMetrics own) : metrics(std::move(own)) {}

  const JobMetrics metrics;
  std::shared_ptr<const config::ScrapeConfig> config;
  Translation translation;
  std::shared_ptr<const discover::PeerClient> peer;  // made from config->http
  bool over_limit = false;
  std::map<TargetKey, std::shared_ptr<ScrapeLoop>> loops;
  std::vector<Labels> dropped;
  size_t dropped_count = 0;
  std::vector<std::string> errors;
};

Manager::Manager(ManagerDeps deps)
    : deps_(std::move(deps)), metrics_(deps_.metrics), guard_(deps_.metrics) {}

Manager::~Manager() { stop(); }

std::shared_ptr<ScrapeLoop> Manager::make_loop(const Job& job, const discover::Target& target,
                                               std::unique_ptr<TargetIngest> ingest) {
  const auto& config = job.config;
  if (ingest) {
    ingest->reconfigure(config, target);
  } else {
    ingest = std::make_unique<TargetIngest>(deps_.db, metrics_, config, target,
                                            guard_.job(config->job_name), deps_.features);
  }
  ingest->translate_by(job.translation);
  std::unique_ptr<Fetcher> fetcher;
  if (job.over_limit) {
    fetcher = std::make_unique<RefusingFetcher>(config->target_limit);
  } else if (config->in_process.empty()) {
    fetcher = make_http_fetcher(job.peer, config, target);
  } else {
    const auto source = deps_.sources.find(config->in_process);
    CHECK(source != deps_.sources.end());
    fetcher = make_in_process_fetcher(source->second, deps_.collect);
  }
  const LoopDeps loop_deps{deps_.loop, deps_.work, deps_.clock,        metrics_,
                           gate_,      buffers_,   deps_.on_scrape_end};
  return std::make_shared<ScrapeLoop>(loop_deps, std::move(ingest), std::move(fetcher));
}

void Manager::set_catalog(std::shared_ptr<const catalog::Catalog> catalog,
                          const config::CatalogConfig& config) {
  MutexLock lock(mutex_);
  catalog_ = std::move(catalog);
  catalog_config_ = config;
}

Translation Manager::translation_of(const std::string& job) const {
  const auto& rules = catalog_config_.of(job);
  return {.catalog = rules.translate ? catalog_ : nullptr, .keep_raw = rules.keep_raw};
}

void Manager::set_job(const std::string& name, std::shared_ptr<const config::ScrapeConfig> config,
                      std::span<const discover::TargetGroup> groups) {
  discover::TargetSet targets;
  if (config) targets = discover::make_targets(*config, groups);
  for (const auto& error : targets.errors) {
    log_warn("a target cannot be scraped", {{"job", name}, {"error", error}});
  }

  MutexLock lock(mutex_);
  if (stopped_) return;
  const auto began = deps_.clock.steady();
  auto& job = jobs_[name];
  if (!job) {
    job = std::make_unique<Job>(JobMetrics(metrics_, name));
    metrics_.jobs_made.inc();
  } else if (job->config != config) {
    metrics_.jobs_reconfigured.inc();
  }
  count_sync(*job, config.get(), targets);
  const Translation translation = translation_of(name);
  const bool reconfigured = job->config != config || job->over_limit != targets.over_target_limit ||
                            job->translation != translation;
  job->translation = translation;
  // A token that was got for the same credentials stays good.
  const bool same_peer = job->peer && config && job->config->http == config->http;
  if (config && !same_peer) {
    const auto fetch = [&client = deps_.client](auto request, auto done) {
      client.fetch(std::move(request), std::move(done));
    };
    job->peer =
        std::make_shared<const discover::PeerClient>(fetch, config->http, real_fs(), deps_.clock);
  }
  job->config = config;
  job->over_limit = targets.over_target_limit;
  job->dropped = std::move(targets.dropped);
  job->dropped_count = targets.dropped_count;
  job->errors = std::move(targets.errors);

  auto before = std::move(job->loops);
  job->loops.clear();
  for (const auto& target : targets.active) {
    const auto key = key_of(target);
    const auto known = before.find(key);
    if (known != before.end() && !reconfigured && same(known->second->target(), target)) {
      job->loops.insert(before.extract(known));
      continue;
    }
    std::unique_ptr<TargetIngest> ingest;
    if (known != before.end()) {
      known->second->stop(false);
      ingest = known->second->take_ingest();
      before.erase(known);
    }
    auto loop = make_loop(*job, target, std::move(ingest));
    loop->start();
    job->loops.emplace(key, std::move(loop));
  }
  for (const auto& [key, loop] : before) loop->stop(true);
  job->metrics.sync_length.observe(Seconds(deps_.clock.steady() - began).count());
  if (!config) {
    jobs_.erase(name);
    guard_.remove_job(name);
  }
}

void Manager::count_sync(const Job& job, const config::ScrapeConfig* config,
                         const discover::TargetSet& targets) {
  job.metrics.targets->set(static_cast<double>(targets.active.size()));
  job.metrics.target_limit->set(config ? static_cast<double>(config->target_limit) : 0);
  job.metrics.syncs->inc();
  job.metrics.failed_targets->inc(targets.errors.size());
  if (targets.over_target_limit) metrics_.exceeded_target_limit.inc();
}

void Manager::stop() {
  {
    MutexLock lock(mutex_);
    if (stopped_) return;
    stopped_ = true;
    for (const auto& [name, job] : jobs_) {
      for (const auto& [key, loop] : job->loops) loop->stop(false);
    }
  }
  gate_.close();
}

std::vector<JobStatus> Manager::status() const {
  std::vector<JobStatus> all;
  MutexLock lock(mutex_);
  for (const auto& [name, job] : jobs_) {
    JobStatus status{name, job->config, {}, job->dropped, job->dropped_count, job->errors};
    for (const auto& [key, loop] : job->loops) status.active.push_back(loop->status());
    all.push_back(std::move(status));
  }
  return all;
}

}  // namespace strata::scrape
