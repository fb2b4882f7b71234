// Host metrics, read in-process from /proc and /sys under node_exporter's names, labels, types and
// help texts, so that dashboards and rules written for node_exporter work unchanged.
//
// A table of collectors (host_collectors) and one of settings (host_settings) say what there is;
// flags and reference docs are made from them. Each collector stands alone: one that fails reports
// node_scrape_collector_success 0 and the others go on. Every file read is bounded (tree.h), and a
// mount that does not answer costs one deadline, once (filesystem.h).
//
// Owned by app/; used by one thread at a time.
#pragma once
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "collect/selection.h"
#include "model/metric_family.h"

namespace strata::collect {

/// One row of the collector table: node_exporter's name for it ("cpu", "meminfo").
struct HostCollectorInfo {
  std::string_view name;
  bool on_by_default = true;
  std::string_view summary;
};

/// One setting of a collector, named as node_exporter's flag without "--collector."
/// ("netdev.device-exclude"). A kRegex matches anywhere in the text, as node_exporter's do; empty
/// means no filter. A kBool is "true" or "false", a kDuration "5s".
struct HostSetting {
  enum class Kind : uint8_t { kRegex, kBool, kText, kDuration };
  std::string_view name;
  Kind kind;
  std::string_view default_value;
  std::string_view summary;
};

std::span<const HostCollectorInfo> host_collectors();
std::span<const HostSetting> host_settings();

struct HostOptions {
  std::string procfs = "/proc";
  std::string sysfs = "/sys";
  /// Where the host's file systems are mounted; stripped from the mount points that are reported.
  std::string rootfs = "/";
  std::string udev_data = "/run/udev/data";
  /// Collectors to turn on or off against the table's default; the last of a name counts.
  std::vector<std::pair<std::string, bool>> collectors;
  /// Values that replace the settings' defaults; the last of a name counts.
  std::vector<std::pair<std::string, std::string>> settings;
  const Clock* clock = &real_clock();
};

class HostCollector {
 public:
  /// kBadData for a collector or setting that does not exist, or a value that does not parse.
  static Result<std::unique_ptr<HostCollector>> create(HostOptions options);
  ~HostCollector();
  HostCollector(const HostCollector&) = delete;
  HostCollector& operator=(const HostCollector&) = delete;

  /// Appends what all collectors that are on see now, in an order that only changes when the
  /// machine's devices do. Families are unique by name among those appended.
  void collect(std::vector<MetricFamily>& out) { collect(out, Selection()); }
  /// The same of those collectors that `wanted` has.
  void collect(std::vector<MetricFamily>& out, const Selection& wanted);

 private:
  struct Impl;
  explicit HostCollector(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace strata::collect
