// Files of /proc and /sys with any content: each collector reports success or not, and what it
// reports is valid. The first byte picks the file, the rest is its text.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string_view>

#include "base/check.h"
#include "base/log.h"
#include "base/temp_dir.h"
#include "base/utf8.h"
#include "collect/host.h"

namespace {

using strata::collect::HostCollector;

struct Target {
  const char* collector;
  const char* file;
};

constexpr Target kTargets[] = {
    {"cpu", "stat"},
    {"cpu", "cpuinfo"},
    {"cpu", "devices/system/cpu/isolated"},
    {"stat", "stat"},
    {"meminfo", "meminfo"},
    {"vmstat", "vmstat"},
    {"loadavg", "loadavg"},
    {"filefd", "sys/fs/file-nr"},
    {"pressure", "pressure/io"},
    {"diskstats", "diskstats"},
    {"diskstats", "b8:0"},
    {"filesystem", "1/mountinfo"},
    {"netdev", "net/dev"},
    {"arp", "net/arp"},
    {"softnet", "net/softnet_stat"},
    {"sockstat", "net/sockstat"},
    {"netstat", "net/netstat"},
    {"netstat", "net/snmp6"},
    {"udp_queues", "net/udp"},
    {"conntrack", "net/stat/nf_conntrack"},
    {"schedstat", "schedstat"},
    {"mdadm", "mdstat"},
    {"ipvs", "net/ip_vs"},
    {"ipvs", "net/ip_vs_stats"},
    {"nfs", "net/rpc/nfs"},
    {"nfsd", "net/rpc/nfsd"},
    {"zfs", "spl/kstat/zfs/arcstats"},
    {"zfs", "spl/kstat/zfs/tank/io"},
    {"zfs", "spl/kstat/zfs/tank/objset-1"},
    {"xfs", "fs/xfs/sda/stats/stats"},
    {"bcache", "fs/bcache/a-b/bdev0/writeback_rate_debug"},
    {"hwmon", "class/hwmon/hwmon0/temp1_input"},
    {"netclass", "class/net/eth0/flags"},
    {"infiniband", "class/infiniband/mlx5_0/ports/1/rate"},
    {"os", "etc/os-release"},
};

// One tree serves as /proc, /sys, / and udev's data.
class Tree {
 public:
  Tree() {
    strata::configure_logging(strata::LogLevel::kError, strata::LogFormat::kLogfmt);
    write("stat", "cpu0 1 2 3\n");
    write("diskstats", "8 0 sda 1 2 3 4 5 6 7 8 9 10 11\n");
    write("net/netstat", "");
    write("net/snmp", "");
    write("net/ip_vs_stats", "\n\n 1 1 1 1 1\n");
    write("sys/net/netfilter/nf_conntrack_count", "1");
    write("sys/net/netfilter/nf_conntrack_max", "1");
    write("class/infiniband/mlx5_0/ports/1/state", "4: ACTIVE");
    write("class/infiniband/mlx5_0/ports/1/phys_state", "5: LinkUp");
    for (const strata::collect::HostCollectorInfo& info : strata::collect::host_collectors()) {
      collectors_.emplace_back(info.name);
    }
  }

  void write(const std::string& file, std::string_view text) {
    const std::filesystem::path path = dir_.file(file);
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary).write(text.data(), std::ssize(text));
  }

  std::vector<strata::MetricFamily> collect(std::string_view name) const {
    strata::collect::HostOptions options;
    options.procfs = options.sysfs = options.rootfs = options.udev_data = dir_.path();
    options.settings = {{"netdev.netlink", "false"}, {"cpu.info", "true"}};
    for (const std::string& collector : collectors_) {
      options.collectors.emplace_back(collector, collector == name);
    }
    auto host = *HostCollector::create(std::move(options));
    std::vector<strata::MetricFamily> families;
    host->collect(families);
    return families;
  }

 private:
  strata::TempDir dir_;
  std::vector<std::string> collectors_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static Tree& tree = *new Tree;
  if (size == 0) return 0;
  const Target& target = kTargets[data[0] % std::size(kTargets)];
  tree.write(target.file, {reinterpret_cast<const char*>(data) + 1, size - 1});
  const auto families = tree.collect(target.collector);
  CHECK(!families.empty());
  for (const auto& family : families) {
    CHECK(strata::is_classic_metric_name(family.name));
    CHECK(!family.samples.empty());
    for (const auto& sample : family.samples) {
      for (const strata::Label& label : sample.labels) CHECK(strata::is_utf8(label.value));
    }
  }
  return 0;
}
