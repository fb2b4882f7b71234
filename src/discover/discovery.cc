#include "discover/discovery.h"

#include <algorithm>
#include <array>
#include <variant>

#include "base/log.h"

namespace strata::discover {
namespace {

/// So that poll() sees an apply() soon, whoever calls it.
constexpr std::chrono::nanoseconds kMaxWait = std::chrono::seconds(5);

/// What a provider is made from: an equal one goes on over a reload. Static groups are made anew.
using Origin =
    std::variant<std::monostate, config::FileSdConfig, config::HttpSdConfig, config::DnsSdConfig,
                 config::KubernetesSdConfig, config::LocalProbeConfig>;

/// `mechanism` of Prometheus' series, by the place in Origin.
constexpr std::array<std::string_view, 6> kMechanisms = {"static", "file",       "http",
                                                         "dns",    "kubernetes", "local"};
static_assert(kMechanisms.size() == std::variant_size_v<Origin>);

}  // namespace

/// A provider and what it said last.
struct DiscoveryManager::Source {
  Origin origin;
  std::unique_ptr<Provider> provider;
  std::chrono::nanoseconds due{0};
  std::vector<TargetGroup> groups;
  std::vector<std::string> errors;

  std::string_view mechanism() const { return kMechanisms[origin.index()]; }
};

struct DiscoveryManager::Job {
  DiscoveryJob config;
  std::vector<Source> sources;
  bool fresh = true;  // to be reported whether or not its groups changed

  /// The source of `before` that is made from the same, with what it knows; else a new one.
  template <class Make>
  void add(Job* before, Origin origin, Make make_provider) {
    if (before != nullptr && origin.index() != 0) {
      const auto same = std::ranges::find(before->sources, origin, &Source::origin);
      if (same != before->sources.end()) {
        sources.push_back(std::move(*same));
        before->sources.erase(same);
        return;
      }
    }
    Source& source = sources.emplace_back();
    source.origin = std::move(origin);
    source.provider = make_provider();
  }
};

std::vector<DiscoveryJob> scrape_jobs(const config::Config& config) {
  std::vector<DiscoveryJob> jobs;
  for (const config::ScrapeConfig& scrape : config.scrape_configs) {
    jobs.push_back({scrape.job_name, scrape.discovery, scrape.local_probe});
  }
  return jobs;
}

std::vector<DiscoveryJob> alertmanager_jobs(const config::Config& config) {
  std::vector<DiscoveryJob> jobs;
  for (const config::AlertmanagerConfig& set : config.alerting.alertmanagers) {
    jobs.push_back({fmt::format("config-{}", jobs.size()), set.discovery});
  }
  return jobs;
}

DiscoveryManager::DiscoveryManager(std::string_view name, DiscoveryDeps deps, OnUpdate on_update)
    : deps_(std::move(deps)), metrics_(deps_.registry, name), on_update_(std::move(on_update)) {}
DiscoveryManager::~DiscoveryManager() = default;

void DiscoveryManager::apply(std::vector<DiscoveryJob> jobs) {
  MutexLock lock(mutex_);
  pending_ = std::move(jobs);
}

DiscoveryManager::Stats DiscoveryManager::stats() const {
  MutexLock lock(mutex_);
  return stats_;
}

std::chrono::nanoseconds DiscoveryManager::poll(std::chrono::nanoseconds now) {
  std::optional<std::vector<DiscoveryJob>> pending;
  {
    MutexLock lock(mutex_);
    pending.swap(pending_);
  }
  if (pending) replace_jobs(*std::move(pending));
  std::chrono::nanoseconds next = now + kMaxWait;
  for (const auto& [name, job] : jobs_) {
    const bool changed = refresh_due(*job, now);
    if (changed || job->fresh) report(*job);
    job->fresh = false;
    for (const Source& source : job->sources) next = std::min(next, source.due);
  }
  return next;
}

void DiscoveryManager::replace_jobs(std::vector<DiscoveryJob> wanted) {
  std::map<std::string, std::unique_ptr<Job>> jobs;
  for (DiscoveryJob& config : wanted) {
    const auto before = jobs_.find(config.name);
    const std::string name = config.name;
    jobs.emplace(name,
                 std::make_unique<Job>(make_job(
                     std::move(config), before == jobs_.end() ? nullptr : before->second.get())));
  }
  jobs_.swap(jobs);
  for (const auto& [name, job] : jobs) {
    if (jobs_.contains(name)) continue;
    metrics_.discovered_targets.with(metrics_.name, name).set(0);
    on_update_({.job = name, .gone = true, .groups = {}});
  }
}

/// Providers that the configuration leaves as they were go on with what they know.
DiscoveryManager::Job DiscoveryManager::make_job(DiscoveryJob config, Job* before) {
  Job job{.config = std::move(config), .sources = {}};
  const config::DiscoveryConfigs& sources = job.config.sources;
  if (!sources.static_configs.empty()) {
    job.add(before, {}, [&] { return make_static_provider(sources.static_configs); });
  }
  for (const config::FileSdConfig& file : sources.file_sd_configs) {
    job.add(before, file, [&] { return make_file_provider(file, deps_.fs, metrics_); });
  }
  add_network_sources(job, before);
  if (const auto& local = job.config.local_probe) {
    job.add(before, *local,
            [&] { return make_local_provider(*local, deps_.probe, deps_.own_ports); });
  }
  return job;
}

void DiscoveryManager::add_network_sources(Job& job, Job* before) {
  const config::DiscoveryConfigs& sources = job.config.sources;
  if (deps_.http) {
    for (const config::HttpSdConfig& http : sources.http_sd_configs) {
      job.add(before, http, [&] { return make_http_provider(http, deps_, metrics_); });
    }
    for (const config::KubernetesSdConfig& kubernetes : sources.kubernetes_sd_configs) {
      job.add(before, kubernetes,
              [&] { return make_kubernetes_provider(kubernetes, deps_, metrics_); });
    }
  } else if (!sources.http_sd_configs.empty() || !sources.kubernetes_sd_configs.empty()) {
    log_error("nothing here can speak HTTP: http_sd_configs and kubernetes_sd_configs find nothing",
              {{"job", job.config.name}});
  }
  if (deps_.dns) {
    for (const config::DnsSdConfig& dns : sources.dns_sd_configs) {
      job.add(before, dns, [&] { return make_dns_provider(dns, deps_.dns, metrics_); });
    }
  } else if (!sources.dns_sd_configs.empty()) {
    log_error("nothing here can ask name servers: dns_sd_configs find nothing",
              {{"job", job.config.name}});
  }
}

bool DiscoveryManager::refresh_due(Job& job, std::chrono::nanoseconds now) {
  bool changed = false;
  for (Source& source : job.sources) {
    if (source.due > now) continue;
    changed = refresh(job, source) || changed;
    const Millis interval = source.provider->refresh_interval();
    source.due = interval == Millis{0} ? std::chrono::nanoseconds::max() : now + interval;
  }
  return changed;
}

bool DiscoveryManager::refresh(const Job& job, Source& source) {
  std::vector<std::string> errors;
  Provider::Groups groups = source.provider->refresh(errors);
  if (!groups) return false;
  count_refresh(!errors.empty());
  metrics_.received_updates.with(metrics_.name).inc();
  const std::string& name = job.config.name;
  if (!errors.empty()) metrics_.refresh_failures.with(source.mechanism(), name).inc();
  if (errors != source.errors) {
    for (const std::string& error : errors) {
      log_warn("service discovery has trouble", {{"job", name}, {"error", error}});
    }
    source.errors = std::move(errors);
  }
  if (*groups == source.groups) return false;
  source.groups = *std::move(groups);
  return true;
}

void DiscoveryManager::report(const Job& job) {
  Update update{.job = job.config.name, .groups = {}};
  for (size_t i = 0; i < job.sources.size(); ++i) {
    for (const TargetGroup& group : job.sources[i].groups) {
      update.groups.push_back(group);
      update.groups.back().source = fmt::format("{}/{}", i, group.source);
    }
  }
  size_t targets = 0;
  for (const TargetGroup& group : update.groups) targets += group.targets.size();
  metrics_.discovered_targets.with(metrics_.name, job.config.name)
      .set(static_cast<double>(targets));
  metrics_.updates.with(metrics_.name).inc();
  on_update_(update);
}

void DiscoveryManager::count_refresh(bool failed) {
  MutexLock lock(mutex_);
  ++stats_.refreshes;
  if (failed) ++stats_.refresh_failures;
}

}  // namespace strata::discover
