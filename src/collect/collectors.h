// The table of host collectors: what each is called, whether it is on, and how it is made.
//
// A collector is a function over a Host that remembers what it must between collections (compiled
// filters, the last CPU times). It fills host.out and returns an error when its numbers are not to
// be trusted or there are none; what it added before the error stays, as in node_exporter.
#pragma once
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/clock.h"
#include "base/regex.h"
#include "base/result.h"
#include "collect/families.h"
#include "collect/host.h"
#include "collect/tree.h"
#include "model/duration.h"

namespace strata::collect {

/// What collectors read and where they write. One thread at a time.
struct Host {
  explicit Host(const HostOptions& options)
      : proc(options.procfs),
        sys(options.sysfs),
        root(options.rootfs),
        udev(options.udev_data),
        clock(*options.clock) {}

  Tree proc;
  Tree sys;
  Tree root;
  Tree udev;
  const Clock& clock;
  Families out;
};

/// The values of the settings table, defaults filled in.
class Settings {
 public:
  /// kBadData for a name that the table does not have, or a value that does not parse.
  static Result<Settings> from(const HostOptions& options);

  const std::string& text(std::string_view name) const;
  bool flag(std::string_view name) const { return text(name) == "true"; }
  Millis duration(std::string_view name) const;
  /// Empty when there is no pattern.
  std::optional<Regex> regex(std::string_view name) const;
  bool collector_is_on(std::string_view name) const;

 private:
  std::map<std::string, std::string, std::less<>> values_;
  std::map<std::string, bool, std::less<>> on_;
};

/// Keeps the names that `include` matches and `exclude` does not, either missing meaning no
/// restriction. Matches are unanchored, as node_exporter's are.
class NameFilter {
 public:
  NameFilter(std::optional<Regex> include, std::optional<Regex> exclude)
      : include_(std::move(include)), exclude_(std::move(exclude)) {}
  /// From "<prefix>-include" and "<prefix>-exclude".
  NameFilter(const Settings& settings, const std::string& prefix)
      : NameFilter(settings.regex(prefix + "-include"), settings.regex(prefix + "-exclude")) {}

  bool keeps(std::string_view name) const {
    return (!exclude_ || !exclude_->partial_match(name)) &&
           (!include_ || include_->partial_match(name));
  }

 private:
  std::optional<Regex> include_;
  std::optional<Regex> exclude_;
};

/// A pattern over names that come again in every collection: each is matched once and remembered
/// (up to kMaxKnown names), which spares the hundreds of lines of /proc/net/netstat most of the
/// cost.
class FieldFilter {
 public:
  static constexpr size_t kMaxKnown = 8192;
  explicit FieldFilter(std::optional<Regex> pattern) : pattern_(std::move(pattern)) {}

  bool keeps(std::string_view name) {
    if (!pattern_) return true;
    if (const auto known = known_.find(name); known != known_.end()) return known->second;
    const bool kept = pattern_->partial_match(name);
    if (known_.size() < kMaxKnown) known_.emplace(name, kept);
    return kept;
  }

 private:
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  std::optional<Regex> pattern_;
  std::unordered_map<std::string, bool, Hash, std::equal_to<>> known_;
};

using Collector = std::move_only_function<Result<>(Host&)>;

/// "no data": the machine has nothing of what a collector reads. Its success is 0 without a
/// warning in the log.
inline std::unexpected<Error> no_data(std::string message) {
  return fail(ErrorCode::kNotFound, std::move(message));
}

struct CollectorRow {
  HostCollectorInfo info;
  Collector (*make)(const Settings& settings);
};
std::span<const CollectorRow> collector_rows();

// cpu.cc
Collector make_cpu(const Settings& settings);
Result<> collect_cpufreq(Host& host);
// memory.cc
Result<> collect_meminfo(Host& host);
Collector make_vmstat(const Settings& settings);
// kernel.cc
Result<> collect_loadavg(Host& host);
Result<> collect_uname(Host& host);
Collector make_stat(const Settings& settings);
Result<> collect_filefd(Host& host);
Result<> collect_pressure(Host& host);
Result<> collect_entropy(Host& host);
Result<> collect_kernel_hung(Host& host);
Result<> collect_schedstat(Host& host);
Result<> collect_selinux(Host& host);
// time.cc
Result<> collect_time(Host& host);
Result<> collect_timex(Host& host);
// disk.cc
Collector make_diskstats(const Settings& settings);
// filesystem.cc
Collector make_filesystem(const Settings& settings);
// netdev.cc
Collector make_netdev(const Settings& settings);
// network.cc
Collector make_arp(const Settings& settings);
Result<> collect_softnet(Host& host);
Result<> collect_sockstat(Host& host);
Collector make_netstat(const Settings& settings);
Result<> collect_udp_queues(Host& host);
Result<> collect_conntrack(Host& host);
// netclass.cc
Collector make_netclass(const Settings& settings);
Result<> collect_bonding(Host& host);
// hardware.cc
Result<> collect_thermal_zone(Host& host);
Result<> collect_dmi(Host& host);
Collector make_rapl(const Settings& settings);
Result<> collect_watchdog(Host& host);
Result<> collect_edac(Host& host);
Result<> collect_nvme(Host& host);
// one file each, named as the collector
Collector make_hwmon(const Settings& settings);
Collector make_infiniband(const Settings& settings);
Collector make_powersupplyclass(const Settings& settings);
Result<> collect_os(Host& host);
Result<> collect_mdadm(Host& host);
Result<> collect_zfs(Host& host);
Result<> collect_xfs(Host& host);
Result<> collect_btrfs(Host& host);
Collector make_bcache(const Settings& settings);
Result<> collect_ipvs(Host& host);
Collector make_textfile(const Settings& settings);
// nfs.cc
Result<> collect_nfs(Host& host);
Result<> collect_nfsd(Host& host);
// scsi.cc
Result<> collect_fibrechannel(Host& host);
Collector make_tapestats(const Settings& settings);

}  // namespace strata::collect
