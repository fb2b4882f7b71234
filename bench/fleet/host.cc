// node_exporter's default collectors on a GPU host. Most families repeat over the host's CPUs,
// disks, interfaces and file systems; kTables says over which, and how each moves.
#include <algorithm>
#include <span>

#include "fleet/fleet.h"

namespace strata::bench {
namespace {

using Kind = Motion::Kind;

constexpr int kCpus = 24;

struct Family {
  std::string_view name;
  std::string_view type;
  Motion motion;
};

constexpr Motion kZero = {Kind::kConstant, 0};
constexpr Motion kOne = {Kind::kConstant, 1};

constexpr Family kPerCpu[] = {
    {"node_schedstat_running_seconds_total", "counter", {Kind::kNanos, 0.4}},
    {"node_schedstat_waiting_seconds_total", "counter", {Kind::kNanos, 0.004}},
    {"node_schedstat_timeslices_total", "counter", {Kind::kEvents, 900}},
    {"node_softnet_processed_total", "counter", {Kind::kEvents, 700}},
    {"node_softnet_dropped_total", "counter", kZero},
    {"node_softnet_times_squeezed_total", "counter", {Kind::kEvents, 0.002}},
    {"node_softnet_received_rps_total", "counter", kZero},
    {"node_softnet_flow_limit_count_total", "counter", kZero},
};
constexpr Family kPerDisk[] = {
    {"node_disk_reads_completed_total", "counter", {Kind::kEvents, 12}},
    {"node_disk_reads_merged_total", "counter", {Kind::kEvents, 0.4}},
    {"node_disk_read_bytes_total", "counter", {Kind::kBlocks, 40}},
    {"node_disk_read_time_seconds_total", "counter", {Kind::kMillis, 0.006}},
    {"node_disk_writes_completed_total", "counter", {Kind::kEvents, 60}},
    {"node_disk_writes_merged_total", "counter", {Kind::kEvents, 30}},
    {"node_disk_written_bytes_total", "counter", {Kind::kBlocks, 250}},
    {"node_disk_write_time_seconds_total", "counter", {Kind::kMillis, 0.07}},
    {"node_disk_io_now", "gauge", {Kind::kWhole, 0.4, 0.6}},
    {"node_disk_io_time_seconds_total", "counter", {Kind::kMillis, 0.05}},
    {"node_disk_io_time_weighted_seconds_total", "counter", {Kind::kMillis, 0.08}},
    {"node_disk_discards_completed_total", "counter", kZero},
    {"node_disk_discards_merged_total", "counter", kZero},
    {"node_disk_discarded_sectors_total", "counter", kZero},
    {"node_disk_discard_time_seconds_total", "counter", kZero},
    {"node_disk_flush_requests_total", "counter", {Kind::kEvents, 2}},
    {"node_disk_flush_requests_time_seconds_total", "counter", {Kind::kMillis, 0.003}},
};
constexpr Family kPerInterface[] = {
    {"node_network_receive_bytes_total", "counter", {Kind::kBytes, 9e6}},
    {"node_network_receive_packets_total", "counter", {Kind::kEvents, 8000}},
    {"node_network_transmit_bytes_total", "counter", {Kind::kBytes, 1.4e7}},
    {"node_network_transmit_packets_total", "counter", {Kind::kEvents, 9500}},
    {"node_network_receive_drop_total", "counter", {Kind::kEvents, 0.05}},
    {"node_network_receive_multicast_total", "counter", {Kind::kEvents, 0.3}},
    {"node_network_receive_errs_total", "counter", kZero},
    {"node_network_receive_fifo_total", "counter", kZero},
    {"node_network_receive_frame_total", "counter", kZero},
    {"node_network_receive_compressed_total", "counter", kZero},
    {"node_network_receive_nohandler_total", "counter", kZero},
    {"node_network_transmit_drop_total", "counter", kZero},
    {"node_network_transmit_errs_total", "counter", kZero},
    {"node_network_transmit_fifo_total", "counter", kZero},
    {"node_network_transmit_colls_total", "counter", kZero},
    {"node_network_transmit_carrier_total", "counter", kZero},
    {"node_network_transmit_compressed_total", "counter", kZero},
    {"node_network_carrier", "gauge", kOne},
    {"node_network_carrier_changes_total", "counter", {Kind::kConstant, 2}},
    {"node_network_carrier_up_changes_total", "counter", kOne},
    {"node_network_carrier_down_changes_total", "counter", kOne},
    {"node_network_flags", "gauge", {Kind::kConstant, 4099}},
    {"node_network_mtu_bytes", "gauge", {Kind::kConstant, 9000}},
    {"node_network_speed_bytes", "gauge", {Kind::kConstant, 1.25e10}},
    {"node_network_transmit_queue_length", "gauge", {Kind::kConstant, 1000}},
    {"node_network_up", "gauge", kOne},
};
constexpr Family kPerFileSystem[] = {
    {"node_filesystem_size_bytes", "gauge", {Kind::kConstant, 3.84e12}},
    {"node_filesystem_free_bytes", "gauge", {Kind::kPages, 1.9e12, 1e-7}},
    {"node_filesystem_avail_bytes", "gauge", {Kind::kPages, 1.7e12, 1e-7}},
    {"node_filesystem_files", "gauge", {Kind::kConstant, 2.4e8}},
    {"node_filesystem_files_free", "gauge", {Kind::kWhole, 2.38e8, 6}},
    {"node_filesystem_readonly", "gauge", kZero},
    {"node_filesystem_device_error", "gauge", kZero},
};
constexpr Family kPerSensor[] = {
    {"node_hwmon_temp_celsius", "gauge", {Kind::kWhole, 51, 2}},
    {"node_hwmon_temp_crit_celsius", "gauge", {Kind::kConstant, 100}},
    {"node_hwmon_temp_max_celsius", "gauge", {Kind::kConstant, 90}},
    {"node_hwmon_temp_crit_alarm_celsius", "gauge", kZero},
};
constexpr Family kPerCollector[] = {
    {"node_scrape_collector_duration_seconds", "gauge", {Kind::kDuration, 0.0004, 0.0001}},
    {"node_scrape_collector_success", "gauge", kOne},
};
constexpr Family kOnce[] = {
    {"node_boot_time_seconds", "gauge", {Kind::kConstant, 1.7488e9}},
    {"node_context_switches_total", "counter", {Kind::kEvents, 42'000}},
    {"node_intr_total", "counter", {Kind::kEvents, 31'000}},
    {"node_forks_total", "counter", {Kind::kEvents, 6}},
    {"node_entropy_available_bits", "gauge", {Kind::kConstant, 256}},
    {"node_entropy_pool_size_bits", "gauge", {Kind::kConstant, 256}},
    {"node_filefd_allocated", "gauge", {Kind::kWhole, 14'000, 40}},
    {"node_filefd_maximum", "gauge", {Kind::kConstant, 9.223372036854776e18}},
    {"node_procs_running", "gauge", {Kind::kWhole, 5, 2}},
    {"node_procs_blocked", "gauge", {Kind::kWhole, 0.1, 0.3}},
    {"node_time_seconds", "gauge", {Kind::kClock}},
    {"node_timex_offset_seconds", "gauge", {Kind::kNoise, 1e-6, 4e-6}},
    {"node_timex_maxerror_seconds", "gauge", {Kind::kDecimal, 0.25, 0.1}},
    {"node_timex_estimated_error_seconds", "gauge", kZero},
    {"node_timex_frequency_adjustment_ratio", "gauge", {Kind::kNoise, 1.00001, 1e-9}},
    {"node_timex_sync_status", "gauge", kOne},
    {"node_timex_tai_offset_seconds", "gauge", {Kind::kConstant, 37}},
    {"node_pressure_cpu_waiting_seconds_total", "counter", {Kind::kNanos, 0.02}},
    {"node_pressure_io_waiting_seconds_total", "counter", {Kind::kNanos, 0.01}},
    {"node_pressure_io_stalled_seconds_total", "counter", {Kind::kNanos, 0.006}},
    {"node_pressure_memory_waiting_seconds_total", "counter", kZero},
    {"node_pressure_memory_stalled_seconds_total", "counter", kZero},
    {"node_vmstat_oom_kill", "untyped", kZero},
    {"node_vmstat_pgfault", "untyped", {Kind::kEvents, 24'000}},
    {"node_vmstat_pgmajfault", "untyped", {Kind::kEvents, 0.02}},
    {"node_vmstat_pgpgin", "untyped", {Kind::kEvents, 300}},
    {"node_vmstat_pgpgout", "untyped", {Kind::kEvents, 2200}},
    {"node_vmstat_pswpin", "untyped", kZero},
    {"node_vmstat_pswpout", "untyped", kZero},
    {"node_nf_conntrack_entries", "gauge", {Kind::kWhole, 812, 30}},
    {"node_nf_conntrack_entries_limit", "gauge", {Kind::kConstant, 262'144}},
};
constexpr std::string_view kMoving[] = {
    "Active_anon",   "Active",   "Active_file",   "AnonHugePages", "AnonPages",
    "Buffers",       "Cached",   "Committed_AS",  "DirectMap4k",   "Dirty",
    "Inactive_anon", "Inactive", "Inactive_file", "KernelStack",   "Mapped",
    "MemAvailable",  "MemFree",  "PageTables",    "Percpu",        "SReclaimable",
    "SUnreclaim",    "Shmem",    "Slab",          "VmallocUsed"};
constexpr std::string_view kStill[] = {
    "Bounce",          "CmaFree",           "CmaTotal",       "CommitLimit",    "DirectMap1G",
    "DirectMap2M",     "HardwareCorrupted", "HugePages_Free", "HugePages_Rsvd", "HugePages_Surp",
    "HugePages_Total", "Hugepagesize",      "MemTotal",       "Mlocked",        "NFS_Unstable",
    "SwapCached",      "SwapFree",          "SwapTotal",      "Unevictable",    "VmallocChunk",
    "VmallocTotal",    "Writeback",         "WritebackTmp"};
constexpr std::string_view kBusyNet[] = {
    "Icmp_InMsgs",        "Icmp_OutMsgs",         "IpExt_InOctets",   "IpExt_OutOctets",
    "TcpExt_TCPTimeouts", "TcpExt_TCPSynRetrans", "Tcp_ActiveOpens",  "Tcp_InSegs",
    "Tcp_OutRsts",        "Tcp_OutSegs",          "Tcp_PassiveOpens", "Tcp_RetransSegs",
    "Udp_InDatagrams",    "Udp_OutDatagrams",     "Udp_NoPorts",      "TcpExt_TCPOFOQueue"};
constexpr std::string_view kQuietNet[] = {"Icmp6_InErrors",         "Icmp6_InMsgs",
                                          "Icmp6_OutMsgs",          "Icmp_InErrors",
                                          "Ip6_InOctets",           "Ip6_OutOctets",
                                          "Ip_Forwarding",          "TcpExt_ListenDrops",
                                          "TcpExt_ListenOverflows", "TcpExt_SyncookiesFailed",
                                          "TcpExt_SyncookiesRecv",  "TcpExt_SyncookiesSent",
                                          "TcpExt_TCPRcvQDrop",     "Tcp_InErrs",
                                          "Udp6_InDatagrams",       "Udp6_InErrors",
                                          "Udp6_NoPorts",           "Udp6_OutDatagrams",
                                          "Udp6_RcvbufErrors",      "Udp6_SndbufErrors",
                                          "UdpLite6_InErrors",      "UdpLite_InErrors",
                                          "Udp_InErrors",           "Udp_RcvbufErrors",
                                          "Udp_SndbufErrors"};
constexpr std::string_view kSockets[] = {
    "FRAG6_inuse",   "FRAG6_memory", "FRAG_inuse", "FRAG_memory",   "RAW6_inuse",
    "RAW_inuse",     "TCP6_inuse",   "TCP_alloc",  "TCP_inuse",     "TCP_mem",
    "TCP_mem_bytes", "TCP_orphan",   "TCP_tw",     "UDP6_inuse",    "UDPLITE6_inuse",
    "UDPLITE_inuse", "UDP_inuse",    "UDP_mem",    "UDP_mem_bytes", "sockets_used"};
constexpr std::string_view kCollectors[] = {
    "arp",        "bcache",       "bonding",          "btrfs",      "conntrack",
    "cpu",        "cpufreq",      "diskstats",        "dmi",        "edac",
    "entropy",    "fibrechannel", "filefd",           "filesystem", "hwmon",
    "infiniband", "ipvs",         "loadavg",          "mdadm",      "meminfo",
    "netclass",   "netdev",       "netstat",          "nfs",        "nfsd",
    "nvme",       "os",           "powersupplyclass", "pressure",   "rapl",
    "schedstat",  "selinux",      "sockstat",         "softnet",    "stat",
    "tapestats",  "textfile",     "thermal_zone",     "time",       "timex",
    "udp_queues", "uname",        "vmstat",           "xfs",        "zfs"};

struct ModeShare {
  std::string_view mode;
  Motion motion;
};
constexpr ModeShare kModes[] = {
    {"idle", {.kind = Kind::kJiffies, .a = 1, .idle = true}},
    {"iowait", {Kind::kJiffies, 0.002}},
    {"irq", kZero},
    {"nice", {Kind::kJiffies, 0.0002}},
    {"softirq", {Kind::kJiffies, 0.008}},
    {"steal", kZero},
    {"system", {Kind::kJiffies, 0.06}},
    {"user", {Kind::kJiffies, 0.5}},
};

std::vector<std::string> labels_of(std::string_view name,
                                   std::span<const std::string_view> values) {
  std::vector<std::string> labels;
  for (const auto value : values) labels.push_back(fmt::format("{}=\"{}\"", name, value));
  return labels;
}

class Host final : public Target {
 public:
  Host(uint64_t seed, std::string_view host) : Target(NumberStyle::kGo), motions_(seed) {
    add_cpus();
    repeat(kPerDisk, labels_of("device", std::array<std::string_view, 5>{
                                             "dm-0", "nvme0n1", "nvme1n1", "nvme2n1", "nvme3n1"}));
    repeat(kPerInterface, labels_of("device", std::array<std::string_view, 6>{
                                                  "eth0", "eth1", "ib0", "ib1", "lo", "docker0"}));
    repeat(kPerFileSystem, {"device=\"/dev/dm-0\",fstype=\"ext4\",mountpoint=\"/\"",
                            "device=\"/dev/nvme0n1p1\",fstype=\"vfat\",mountpoint=\"/boot/efi\"",
                            "device=\"/dev/nvme1n1\",fstype=\"xfs\",mountpoint=\"/models\"",
                            "device=\"tmpfs\",fstype=\"tmpfs\",mountpoint=\"/run\"",
                            "device=\"/dev/nvme2n1\",fstype=\"xfs\",mountpoint=\"/scratch\""});
    add_sensors();
    repeat(kOnce, {""});
    add_load();
    each("node_memory_", "_bytes", "gauge", kMoving, {Kind::kPages, 2.1e10, 0.004});
    each("node_memory_", "_bytes", "gauge", kStill, {Kind::kConstant, 2048 * 1024.0});
    each("node_netstat_", "", "untyped", kBusyNet, {Kind::kEvents, 300});
    each("node_netstat_", "", "untyped", kQuietNet, kZero);
    each("node_sockstat_", "", "gauge", kSockets, {Kind::kWhole, 3, 0.7});
    repeat(kPerCollector, labels_of("collector", kCollectors));
    page_.family("node_uname_info", "gauge", "Labeled system information.");
    page_.line("node_uname_info",
               fmt::format("domainname=\"(none)\",machine=\"x86_64\",nodename=\"{}\",release=\""
                           "6.8.0-60-generic\",sysname=\"Linux\",version=\"#63-Ubuntu SMP\"",
                           host),
               1);
  }
  void advance(double now, double seconds, double load) override {
    motions_.advance(page_, now, seconds, load);
    // The kernel's own averages: what runs, forgotten over 1, 5 and 15 minutes.
    const double running = kCpus * load;
    for (size_t i = 0; i < loads_.size(); ++i) {
      static constexpr double kMinutes[] = {1, 5, 15};
      average_[i] += (running - average_[i]) * (1 - std::exp(-seconds / (60 * kMinutes[i])));
      page_[loads_[i]] = std::round(average_[i] * 100) / 100;
    }
  }

 private:
  void family(std::string_view name, std::string_view type) {
    page_.family(name, type, "As node_exporter describes it.");
  }
  void repeat(std::span<const Family> families, const std::vector<std::string>& labels) {
    for (const Family& f : families) {
      family(f.name, f.type);
      for (const auto& one : labels) motions_.add(page_, f.name, one, f.motion);
    }
  }
  void each(std::string_view prefix, std::string_view suffix, std::string_view type,
            std::span<const std::string_view> names, const Motion& motion) {
    for (const auto name : names) {
      const auto whole = fmt::format("{}{}{}", prefix, name, suffix);
      family(whole, type);
      motions_.add(page_, whole, "", motion);
    }
  }
  void add_cpus() {
    std::vector<std::string> cpus;
    for (int cpu = 0; cpu < kCpus; ++cpu) cpus.push_back(fmt::format("cpu=\"{}\"", cpu));
    family("node_cpu_seconds_total", "counter");
    for (const auto& cpu : cpus) {
      for (const auto& [mode, motion] : kModes) {
        motions_.add(page_, "node_cpu_seconds_total", fmt::format("{},mode=\"{}\"", cpu, mode),
                     motion);
      }
    }
    family("node_cpu_guest_seconds_total", "counter");
    for (const auto& cpu : cpus) {
      for (const auto mode : {"nice", "user"}) {
        page_.line("node_cpu_guest_seconds_total", fmt::format("{},mode=\"{}\"", cpu, mode));
      }
    }
    repeat(kPerCpu, cpus);
  }
  void add_sensors() {
    std::vector<std::string> sensors;
    for (int sensor = 1; sensor <= 10; ++sensor) {
      sensors.push_back(fmt::format("chip=\"platform_coretemp_0\",sensor=\"temp{}\"", sensor));
    }
    repeat(kPerSensor, sensors);
  }
  void add_load() {
    for (size_t i = 0; i < loads_.size(); ++i) {
      static constexpr std::string_view kNames[] = {"node_load1", "node_load5", "node_load15"};
      family(kNames[i], "gauge");
      loads_[i] = page_.line(kNames[i], "");
    }
  }

  Motions motions_;
  std::array<uint32_t, 3> loads_{};
  std::array<double, 3> average_{};
};

}  // namespace

std::unique_ptr<Target> make_host(uint64_t seed, std::string_view host) {
  return std::make_unique<Host>(seed, host);
}

}  // namespace strata::bench
