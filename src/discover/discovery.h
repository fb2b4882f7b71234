// Keeps the target groups of jobs current: static ones, files, HTTP, DNS, Kubernetes, and this
// machine's usual ports. A job is one of scraping's, or one list of Alertmanagers. No thread of its
// own, and none that waits: the owner calls poll(), and what comes over the network is asked for in
// one poll and taken in a later one.
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/fs.h"
#include "base/mutex.h"
#include "base/result.h"
#include "config/config.h"
#include "discover/metrics.h"
#include "discover/peer_client.h"
#include "discover/target_group.h"
#include "net/dns_client.h"

namespace strata::discover {

/// The answer to a GET: what local discovery looks at.
struct ProbeResponse {
  int status = 0;
  std::string content_type;
  std::string body;  // its first kibibytes are enough
};
/// GETs a URL; blocks for at most a second or so. A refused connection is an Error like any other.
using Probe = std::function<Result<ProbeResponse>(const std::string& url)>;

/// Whether that is metrics: status 200, and an exposition's content type or first lines.
bool looks_like_exposition(const ProbeResponse& response);

/// Asks for records; net::DnsClient::lookup, or a test's stand-in. May call back at once.
using DnsLookup =
    std::function<void(std::string name, net::DnsType type, net::DnsClient::Callback)>;

/// While an answer is awaited.
inline constexpr Millis kLookAgain{100};

/// One source of groups of one job. Used by one thread; what it asked for over the network may be
/// answered on another, into memory that outlives it.
class Provider {
 public:
  /// What there is now, or nothing: answers are awaited, or all is as it was.
  using Groups = std::optional<std::vector<TargetGroup>>;

  virtual ~Provider() = default;
  /// Of what cannot be had now, what was had last; one line a trouble is added to `errors`.
  virtual Groups refresh(std::vector<std::string>& errors) = 0;
  /// Time until the next refresh; zero: never again.
  virtual Millis refresh_interval() const = 0;
};

/// What the providers need from outside.
struct DiscoveryDeps {
  Fs& fs;
  Probe probe = {};                      // empty: local probing finds nothing
  std::vector<uint16_t> own_ports = {};  // never probed: we listen there
  HttpFetch http = {};                   // empty: http_sd and kubernetes_sd are refused
  DnsLookup dns = {};                    // empty: dns_sd is refused
  const Clock& clock = real_clock();
  metrics::Registry& registry = metrics::default_registry();
};

/// Whose targets are looked for, and where.
struct DiscoveryJob {
  std::string name;  // no other job's
  config::DiscoveryConfigs sources;
  std::optional<config::LocalProbeConfig> local_probe = {};
};
/// scrape_configs, by their job names.
std::vector<DiscoveryJob> scrape_jobs(const config::Config& config);
/// alerting.alertmanagers, as "config-0", "config-1", …: Prometheus' names of them.
std::vector<DiscoveryJob> alertmanager_jobs(const config::Config& config);

/// Owned by app/. apply() may be called by any thread; poll() by one at a time.
class DiscoveryManager {
 public:
  /// A job's groups changed (all of them are given), or the job is gone.
  struct Update {
    std::string job;
    bool gone = false;
    std::vector<TargetGroup> groups;
  };
  using OnUpdate = std::function<void(const Update&)>;

  /// `name` is whose discovery it is, in its series: "scrape" or "notify" (Prometheus').
  DiscoveryManager(std::string_view name, DiscoveryDeps deps, OnUpdate on_update);
  ~DiscoveryManager();

  /// Each job is reported anew at the next poll(), which the caller may want to make at once.
  void apply(std::vector<DiscoveryJob> jobs);

  /// Refreshes what is due and calls on_update for the jobs that changed, from this thread. `now`
  /// is a clock that never goes back (Clock::steady). Returns when it wants to be called next, at
  /// most five seconds later.
  std::chrono::nanoseconds poll(std::chrono::nanoseconds now);

  struct Stats {
    uint64_t refreshes = 0;
    uint64_t refresh_failures = 0;
  };
  Stats stats() const;

 private:
  struct Source;
  struct Job;

  void replace_jobs(std::vector<DiscoveryJob> jobs);
  Job make_job(DiscoveryJob config, Job* before);
  void add_network_sources(Job& job, Job* before);
  /// Whether its groups changed.
  bool refresh_due(Job& job, std::chrono::nanoseconds now);
  bool refresh(const Job& job, Source& source);
  void report(const Job& job);
  void count_refresh(bool failed);

  const DiscoveryDeps deps_;
  Metrics metrics_;
  const OnUpdate on_update_;
  std::map<std::string, std::unique_ptr<Job>> jobs_;  // poll()'s thread only

  mutable Mutex mutex_;
  std::optional<std::vector<DiscoveryJob>> pending_ GUARDED_BY(mutex_);
  Stats stats_ GUARDED_BY(mutex_);
};

// The providers by themselves, for tests and for check commands.

/// static_configs.
std::unique_ptr<Provider> make_static_provider(std::vector<config::StaticConfig> groups);
/// file_sd_configs: reads the files anew every five seconds (or refresh_interval, if that is less);
/// a file that cannot be read or parsed keeps its last groups, one that is gone loses them.
std::unique_ptr<Provider> make_file_provider(const config::FileSdConfig& config, Fs& fs,
                                             Metrics& metrics);
/// http_sd_configs: a list of groups in JSON. An answer that is none, or none in time, keeps the
/// last groups.
std::unique_ptr<Provider> make_http_provider(const config::HttpSdConfig& config,
                                             const DiscoveryDeps& deps, Metrics& metrics);
/// dns_sd_configs: a group for each name, with a target for each record. A name whose servers do
/// not say keeps its last targets; one that does not exist has none.
std::unique_ptr<Provider> make_dns_provider(const config::DnsSdConfig& config, DnsLookup lookup,
                                            Metrics& metrics);
/// kubernetes_sd_configs: a group for each object of the role's kind (kube_targets.h), kept current
/// by watches. While the API server is away, what was known last.
std::unique_ptr<Provider> make_kubernetes_provider(const config::KubernetesSdConfig& config,
                                                   const DiscoveryDeps& deps, Metrics& metrics);
/// A port that answered with metrics is a target from then on, so that its silence is seen, and is
/// forgotten after an hour without an answer. The group has __meta_local_software.
std::unique_ptr<Provider> make_local_provider(const config::LocalProbeConfig& config, Probe probe,
                                              std::vector<uint16_t> own_ports);

}  // namespace strata::discover
