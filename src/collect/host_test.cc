#include "collect/host.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "base/fs.h"
#include "base/number.h"
#include "base/temp_dir.h"
#include "collect/families.h"
#include "collect/self.h"

namespace strata::collect {
namespace {

constexpr const char* kTree = "src/collect/testdata/host";

HostOptions over(const std::string& tree) {
  HostOptions options;
  options.procfs = tree + "/proc";
  options.sysfs = tree + "/sys";
  options.rootfs = tree;
  options.udev_data = tree + "/udev";
  options.settings = {{"netdev.netlink", "false"}};
  return options;
}

// Only these collectors.
HostOptions only(HostOptions options, const std::vector<std::string>& names) {
  for (const HostCollectorInfo& info : host_collectors()) {
    options.collectors.emplace_back(info.name, std::ranges::find(names, info.name) != names.end());
  }
  return options;
}

std::vector<MetricFamily> collect(HostOptions options) {
  auto host = HostCollector::create(std::move(options));
  EXPECT_TRUE(host.has_value()) << host.error().message;
  std::vector<MetricFamily> families;
  if (host) (*host)->collect(families);
  return families;
}

// "name{labels} value", one line a sample, in the order of the collection.
std::string lines_of(const std::vector<MetricFamily>& families) {
  std::string out;
  for (const MetricFamily& family : families) {
    if (family.name == "node_scrape_collector_duration_seconds") continue;
    for (const auto& sample : family.samples) {
      out += family.name + sample.suffix + sample.labels.to_string() + " ";
      append_double_g(out, sample.value);
      out += '\n';
    }
  }
  return out;
}

std::optional<double> value_of(const std::vector<MetricFamily>& families, std::string_view name,
                               const Labels& labels = {}) {
  for (const MetricFamily& family : families) {
    for (const auto& sample : family.samples) {
      if (family.name == name && sample.labels == labels) return sample.value;
    }
  }
  return std::nullopt;
}

std::optional<double> success(const std::vector<MetricFamily>& families, std::string_view name) {
  return value_of(families, "node_scrape_collector_success", Labels{{"collector", name}});
}

// A copy of the tree that a test may break.
class BrokenTree {
 public:
  BrokenTree() {
    std::filesystem::copy(kTree, dir_.file("host"), std::filesystem::copy_options::recursive);
  }
  std::string path() const { return dir_.file("host"); }
  void write(const std::string& file, std::string_view text) {
    const std::filesystem::path full = path() + "/" + file;
    std::filesystem::create_directories(full.parent_path());
    std::ofstream(full) << text;
  }
  void remove(const std::string& file) { std::filesystem::remove_all(path() + "/" + file); }

 private:
  TempDir dir_;
};

TEST(Host, CollectsTheTestTreeAsItsTextSays) {
  HostOptions options = over(kTree);
  options.settings.emplace_back("textfile.directory", std::string(kTree) + "/textfile");
  options.settings.emplace_back("stat.softirq", "true");
  for (const char* live : {"filesystem", "selinux", "time", "timex", "uname"}) {
    options.collectors.emplace_back(live, false);
  }
  std::string text = lines_of(collect(std::move(options)));
  std::string wanted = *real_fs().read_file("src/collect/testdata/host.txt");
  // When the file was written is not of the test.
  const auto drop_line = [](std::string& lines, std::string_view start) {
    const size_t at = lines.find(start);
    if (at != std::string::npos) lines.erase(at, lines.find('\n', at) + 1 - at);
  };
  drop_line(text, "node_textfile_mtime_seconds");
  EXPECT_EQ(text, wanted);
}

TEST(Host, TwoCollectionsOfOneMachineHaveTheSameLines) {
  auto host = *HostCollector::create(over(kTree));
  std::vector<MetricFamily> first, second;
  host->collect(first);
  host->collect(second);
  ASSERT_EQ(first.size(), second.size());
  for (size_t i = 0; i < first.size(); ++i) {
    EXPECT_EQ(first[i].name, second[i].name);
    EXPECT_EQ(first[i].samples.size(), second[i].samples.size());
  }
}

TEST(Host, AppendsToWhatIsThere) {
  auto host = *HostCollector::create(only(over(kTree), {"loadavg"}));
  std::vector<MetricFamily> families(1);
  families[0].name = "mine";
  host->collect(families);
  EXPECT_EQ(families[0].name, "mine");
  EXPECT_EQ(families[1].name, "node_load1");
}

TEST(Host, ACollectorThatFailsLeavesTheOthersAlone) {
  BrokenTree tree;
  tree.write("proc/loadavg", "high higher highest\n");
  tree.remove("proc/meminfo");
  const auto families = collect(only(over(tree.path()), {"loadavg", "meminfo", "stat"}));
  EXPECT_EQ(success(families, "loadavg"), 0);
  EXPECT_EQ(success(families, "meminfo"), 0);
  EXPECT_EQ(success(families, "stat"), 1);
  EXPECT_EQ(value_of(families, "node_forks_total"), 4321);
  EXPECT_TRUE(value_of(families, "node_scrape_collector_duration_seconds",
                       Labels{{"collector", "loadavg"}}));
}

struct BadInput {
  const char* collector;
  const char* file;
  const char* text;
};

class HostWithBadInput : public testing::TestWithParam<BadInput> {};

TEST_P(HostWithBadInput, ReportsNoSuccess) {
  const BadInput& bad = GetParam();
  BrokenTree tree;
  tree.write(bad.file, bad.text);
  EXPECT_EQ(success(collect(only(over(tree.path()), {bad.collector})), bad.collector), 0)
      << bad.collector << ": " << bad.text;
}

INSTANTIATE_TEST_SUITE_P(
    Files, HostWithBadInput,
    testing::Values(
        BadInput{"cpu", "proc/stat", "cpu0 1 2 x\n"}, BadInput{"cpu", "proc/stat", "cpuX 1 2 3\n"},
        BadInput{"stat", "proc/stat", "intr many\n"}, BadInput{"stat", "proc/stat", "ctxt\n"},
        BadInput{"meminfo", "proc/meminfo", "MemTotal:\n"},
        BadInput{"meminfo", "proc/meminfo", "MemTotal: 5 MB\n"},
        BadInput{"vmstat", "proc/vmstat", "pgfault\n"},
        BadInput{"vmstat", "proc/vmstat", "pgfault lots\n"},
        BadInput{"loadavg", "proc/loadavg", "0.1 0.2\n"},
        BadInput{"filefd", "proc/sys/fs/file-nr", "1\t2\n"},
        BadInput{"diskstats", "proc/diskstats", "8 0 sda 1 2 3\n"},
        BadInput{"diskstats", "proc/diskstats", "8 0 sda 1 2 3 4 5 6 7 8 9 10 -11\n"},
        BadInput{"diskstats", "proc/diskstats",
                 "8 0 sda 1 2 3 4 5 6 7 8 9 10 99999999999999999999999\n"},
        BadInput{"netdev", "proc/net/dev", "a\nb\neth0 1 2 3\n"},
        BadInput{"netdev", "proc/net/dev", "a\nb\neth0: 1 2 3\n"},
        BadInput{"pressure", "proc/pressure/io", "some total=x\n"},
        BadInput{"pressure", "proc/pressure/io", "nothing\n"},
        BadInput{"filesystem", "proc/1/mountinfo", "no mounts here\n"},
        BadInput{"filesystem", "proc/1/mountinfo", "1 2 a:b / / rw - ext4 /dev/sda rw\n"},
        BadInput{"softnet", "proc/net/softnet_stat", "00 01\n"},
        BadInput{"sockstat", "proc/net/sockstat", "TCP: inuse\n"},
        BadInput{"netstat", "proc/net/netstat", "TcpExt: TCPTimeouts\n"},
        BadInput{"arp", "proc/net/arp", "header\n10.0.0.1 0x1\n"},
        BadInput{"mdadm", "proc/mdstat", "md0 : active raid1 sda[0]\n what [2/2]\n"},
        BadInput{"ipvs", "proc/net/ip_vs_stats", "\n"},
        BadInput{"nfsd", "proc/net/rpc/nfsd", "proc3 22 1 2\n"},
        BadInput{"zfs", "proc/spl/kstat/zfs/arcstats", "no table\n"},
        BadInput{"udp_queues", "proc/net/udp", "header\n0: 1 2\n"}));

TEST(Host, AFileWithoutEndIsRefused) {
  BrokenTree tree;
  tree.write("proc/vmstat", std::string(17 << 20, 'x'));
  EXPECT_EQ(success(collect(only(over(tree.path()), {"vmstat"})), "vmstat"), 0);
}

TEST(Host, UnknownNamesAndBadValuesAreRefusedAtCreation) {
  const auto message = [](HostOptions options) {
    const auto host = HostCollector::create(std::move(options));
    return host ? std::string() : host.error().message;
  };
  HostOptions options;
  options.collectors = {{"cpus", true}};
  EXPECT_EQ(message(options), "no such collector: cpus");
  options = {};
  options.settings = {{"netdev.devices", "lo"}};
  EXPECT_EQ(message(options), "no such setting: collector.netdev.devices");
  options.settings = {{"netdev.device-include", "("}};
  EXPECT_NE(message(options).find("collector.netdev.device-include: "), std::string::npos);
  options.settings = {{"cpu.info", "yes"}};
  EXPECT_EQ(message(options), "collector.cpu.info: must be true or false");
  options.settings = {{"filesystem.mount-timeout", "0s"}};
  EXPECT_NE(message(options).find("above 0"), std::string::npos);
}

TEST(Host, TablesAreSortedAndTheirDefaultsHold) {
  EXPECT_TRUE(std::ranges::is_sorted(host_collectors(), {}, &HostCollectorInfo::name));
  EXPECT_TRUE(std::ranges::is_sorted(host_settings(), {}, &HostSetting::name));
  HostOptions options;
  for (const HostSetting& setting : host_settings()) {
    options.settings.emplace_back(setting.name, setting.default_value);
  }
  EXPECT_TRUE(HostCollector::create(options).has_value());
}

std::string stat_with_idle(int idle) {
  return "cpu0 100 0 50 " + std::to_string(idle) + " 0 0 0 0 0 0\n";
}

TEST(Cpu, TimeThatGoesBackALittleStays) {
  BrokenTree tree;
  auto host = *HostCollector::create(only(over(tree.path()), {"cpu"}));
  const auto idle = [&](int ticks) {
    tree.write("proc/stat", stat_with_idle(ticks));
    std::vector<MetricFamily> families;
    host->collect(families);
    return value_of(families, "node_cpu_seconds_total", Labels{{"cpu", "0"}, {"mode", "idle"}});
  };
  EXPECT_EQ(idle(100'000), 1000);
  EXPECT_EQ(idle(99'900), 1000);  // a second less: an estimate was corrected
  EXPECT_EQ(idle(100'100), 1001);
  EXPECT_EQ(idle(500), 5);  // the CPU went and came back
}

TEST(Cpu, OneThatGoesOfflineIsNotReported) {
  BrokenTree tree;
  auto host = *HostCollector::create(only(over(tree.path()), {"cpu"}));
  std::vector<MetricFamily> families;
  host->collect(families);
  const Labels labels{{"cpu", "1"}, {"mode", "user"}};
  EXPECT_EQ(value_of(families, "node_cpu_seconds_total", labels), 2);
  tree.write("proc/stat", stat_with_idle(100));
  families.clear();
  host->collect(families);
  EXPECT_FALSE(value_of(families, "node_cpu_seconds_total", labels));
}

TEST(Filesystem, ReportsMountsUnescapedWithoutTheRootsPrefix) {
  const auto families = collect(only(over(kTree), {"filesystem"}));
  const Labels blank{{"device", "server:/export\\a"},
                     {"mountpoint", "/mnt/with blank"},
                     {"fstype", "nfs4"},
                     {"device_error", "no such file or directory"}};
  EXPECT_EQ(value_of(families, "node_filesystem_device_error", blank), 1);
  EXPECT_EQ(value_of(families, "node_filesystem_readonly", blank), 1);
  EXPECT_FALSE(value_of(families, "node_filesystem_size_bytes", blank));
  const Labels root{{"device", "/dev/vda1"}, {"mountpoint", "/"}, {"fstype", "ext4"}};
  EXPECT_EQ(value_of(families, "node_filesystem_readonly", root), 0);
  EXPECT_GT(value_of(families, "node_filesystem_size_bytes", root).value_or(0), 0);
  EXPECT_EQ(
      value_of(
          families, "node_filesystem_mount_info",
          Labels{{"device", "/dev/vda1"}, {"mountpoint", "/"}, {"major", "252"}, {"minor", "1"}}),
      1);
  EXPECT_FALSE(value_of(families, "node_filesystem_readonly",
                        Labels{{"device", "proc"}, {"mountpoint", "/proc"}, {"fstype", "proc"}}));
}

TEST(Time, IsTheClocks) {
  ManualClock clock(1'700'000'000'250);
  HostOptions options = only(over(kTree), {"time"});
  options.clock = &clock;
  EXPECT_EQ(value_of(collect(options), "node_time_seconds"), 1'700'000'000.25);
}

TEST(Host, ThisMachineIsCollected) {
  const auto families = collect(HostOptions());
  EXPECT_GT(value_of(families, "node_memory_MemTotal_bytes").value_or(0), 0);
  EXPECT_GT(value_of(families, "node_boot_time_seconds").value_or(0), 0);
  EXPECT_EQ(success(families, "cpu"), 1);
  EXPECT_EQ(success(families, "netdev"), 1);
}

TEST(Families, NamesAndValuesFromOutsideAreMadeValid) {
  Families families;
  std::vector<MetricFamily> out;
  families.begin(out);
  families.gauge("node_odd-name", "").add(1, {{"b", "\xff\x41"}, {"a", ""}});
  families.gauge("node_odd.name", "").add(2);  // made the same name, so the same family
  families.gauge("node_empty", "");
  families.gauge("9", "").add(3);
  families.finish();
  ASSERT_EQ(out.size(), 2u);
  EXPECT_EQ(out[0].samples.size(), 2u);
  EXPECT_EQ(out[1].name, "_9");
  EXPECT_EQ(out[0].name, "node_odd_name");
  EXPECT_EQ(out[0].samples[0].labels, (Labels{{"b", "\xEF\xBF\xBD\x41"}}));
}

TEST(Self, ReportsThisProcess) {
  std::vector<MetricFamily> families;
  collect_self(families);
  for (const char* name :
       {"process_resident_memory_bytes", "process_virtual_memory_bytes", "process_open_fds",
        "process_max_fds", "process_threads", "strata_process_rss_anon_bytes"}) {
    EXPECT_GT(value_of(families, name).value_or(0), 0) << name;
  }
  EXPECT_GE(value_of(families, "process_cpu_seconds_total").value_or(-1), 0);
  const auto now = static_cast<double>(real_clock().now_ms()) / 1000;
  const double start = value_of(families, "process_start_time_seconds").value_or(0);
  EXPECT_LE(start, now + 1);
  EXPECT_GT(start, now - 3600);
}

TEST(Self, ANameWithParenthesesIsNoMatter) {
  TempDir dir;
  std::filesystem::create_directories(dir.file("self"));
  std::ofstream(dir.file("stat")) << "btime 1000\n";
  std::ofstream(dir.file("self/stat"))
      << "7 (a) b (c) R 1 7 7 0 -1 0 0 0 0 0 250 150 0 0 20 0 12 0 500 1048576 3 18446744\n";
  std::ofstream(dir.file("self/limits"))
      << "Max open files            1024                 4096                 files     \n"
         "Max address space         unlimited            unlimited            bytes     \n";
  std::vector<MetricFamily> families;
  collect_self(families, dir.path());
  EXPECT_EQ(value_of(families, "process_cpu_seconds_total"), 4);
  EXPECT_EQ(value_of(families, "process_threads"), 12);
  EXPECT_EQ(value_of(families, "process_start_time_seconds"), 1005);
  EXPECT_EQ(value_of(families, "process_virtual_memory_bytes"), 1048576);
  EXPECT_EQ(value_of(families, "process_max_fds"), 1024);
  EXPECT_EQ(value_of(families, "process_virtual_memory_max_bytes"), 18446744073709551615.0);
}

}  // namespace
}  // namespace strata::collect
