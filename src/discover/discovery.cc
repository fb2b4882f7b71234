#include "discover/discovery.h"

#include <algorithm>

#include "base/log.h"

namespace strata::discover {
namespace {

/// So that poll() sees an apply() soon, whoever calls it.
constexpr std::chrono::nanoseconds kMaxWait = std::chrono::seconds(5);

/// What a file provider is made from, as one string: equal ones are the same provider.
std::string key_of(const config::FileSdConfig& config) {
  std::string key = "file " + format_duration(config.refresh_interval);
  for (const std::string& file : config.files) key.append("\n").append(file);
  return key;
}

std::string key_of(const config::LocalProbeConfig& config) {
  std::string key = "local " + format_duration(config.refresh_interval);
  for (const config::LocalEndpoint& endpoint : config.endpoints) {
    key.append("\n").append(std::to_string(endpoint.port));
  }
  return key;
}

}  // namespace

/// A provider and what it said last.
struct DiscoveryManager::Source {
  std::string key;  // of what it was made from; empty: made anew with each config
  std::unique_ptr<Provider> provider;
  std::chrono::nanoseconds due{0};
  std::vector<TargetGroup> groups;
  std::vector<std::string> errors;
};

struct DiscoveryManager::Job {
  std::shared_ptr<const config::ScrapeConfig> config;
  std::vector<Source> sources;
  bool fresh = true;  // to be reported whether or not its groups changed
};

DiscoveryManager::DiscoveryManager(DiscoveryDeps deps, OnUpdate on_update)
    : deps_(std::move(deps)), on_update_(std::move(on_update)) {}
DiscoveryManager::~DiscoveryManager() = default;

void DiscoveryManager::apply(std::shared_ptr<const config::Config> config) {
  MutexLock lock(mutex_);
  pending_ = std::move(config);
}

DiscoveryManager::Stats DiscoveryManager::stats() const {
  MutexLock lock(mutex_);
  return stats_;
}

std::chrono::nanoseconds DiscoveryManager::poll(std::chrono::nanoseconds now) {
  std::shared_ptr<const config::Config> config;
  {
    MutexLock lock(mutex_);
    config.swap(pending_);
  }
  if (config != nullptr) replace_jobs(config);
  std::chrono::nanoseconds next = now + kMaxWait;
  for (const auto& [name, job] : jobs_) {
    const bool changed = refresh_due(*job, now);
    if (changed || job->fresh) report(*job);
    job->fresh = false;
    for (const Source& source : job->sources) next = std::min(next, source.due);
  }
  return next;
}

void DiscoveryManager::replace_jobs(const std::shared_ptr<const config::Config>& config) {
  std::map<std::string, std::unique_ptr<Job>> jobs;
  for (const config::ScrapeConfig& scrape : config->scrape_configs) {
    const auto before = jobs_.find(scrape.job_name);
    // Shares ownership with the whole configuration.
    const std::shared_ptr<const config::ScrapeConfig> own(config, &scrape);
    jobs.emplace(scrape.job_name,
                 std::make_unique<Job>(
                     make_job(own, before == jobs_.end() ? nullptr : before->second.get())));
  }
  jobs_.swap(jobs);
  for (const auto& [name, job] : jobs) {
    if (!jobs_.contains(name)) on_update_({.job = name, .config = nullptr, .groups = {}});
  }
}

/// Providers that the configuration leaves as they were go on with what they know.
DiscoveryManager::Job DiscoveryManager::make_job(std::shared_ptr<const config::ScrapeConfig> config,
                                                 Job* before) const {
  Job job{.config = config, .sources = {}};
  const auto add = [&](std::string key, auto make_provider) {
    if (before != nullptr && !key.empty()) {
      const auto same = std::ranges::find(before->sources, key, &Source::key);
      if (same != before->sources.end()) {
        job.sources.push_back(std::move(*same));
        before->sources.erase(same);
        return;
      }
    }
    Source& source = job.sources.emplace_back();
    source.key = std::move(key);
    source.provider = make_provider();
  };
  const config::DiscoveryConfigs& discovery = config->discovery;
  if (!discovery.static_configs.empty()) {
    add("", [&] { return make_static_provider(discovery.static_configs); });
  }
  for (const config::FileSdConfig& file : discovery.file_sd_configs) {
    add(key_of(file), [&] { return make_file_provider(file, deps_.fs); });
  }
  if (config->local_probe) {
    add(key_of(*config->local_probe),
        [&] { return make_local_provider(*config->local_probe, deps_.probe, deps_.own_ports); });
  }
  return job;
}

bool DiscoveryManager::refresh_due(Job& job, std::chrono::nanoseconds now) {
  bool changed = false;
  for (Source& source : job.sources) {
    if (source.due > now) continue;
    std::vector<std::string> errors;
    std::vector<TargetGroup> groups = source.provider->refresh(errors);
    count_refresh(!errors.empty());
    if (errors != source.errors) {
      for (const std::string& error : errors) {
        log_warn("service discovery has trouble",
                 {{"job", job.config->job_name}, {"error", error}});
      }
      source.errors = std::move(errors);
    }
    if (groups != source.groups) {
      source.groups = std::move(groups);
      changed = true;
    }
    const Millis interval = source.provider->refresh_interval();
    source.due = interval == Millis{0} ? std::chrono::nanoseconds::max() : now + interval;
  }
  return changed;
}

void DiscoveryManager::report(const Job& job) {
  Update update{.job = job.config->job_name, .config = job.config, .groups = {}};
  for (size_t i = 0; i < job.sources.size(); ++i) {
    for (const TargetGroup& group : job.sources[i].groups) {
      update.groups.push_back(group);
      update.groups.back().source = fmt::format("{}/{}", i, group.source);
    }
  }
  on_update_(update);
}

void DiscoveryManager::count_refresh(bool failed) {
  MutexLock lock(mutex_);
  ++stats_.refreshes;
  if (failed) ++stats_.refresh_failures;
}

}  // namespace strata::discover
