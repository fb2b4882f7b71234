// The tables of collectors and settings. What they hold is what flags and reference docs say.
#include <algorithm>
#include <vector>

#include "base/check.h"
#include "collect/collectors.h"

namespace strata::collect {
namespace {

template <Result<> (*function)(Host&)>
Collector plain(const Settings&) {
  return function;
}

constexpr CollectorRow kCollectors[] = {
    {{"arp", true, "Entries of the ARP table by device."}, make_arp},
    {{"bcache", true, "Block caches of bcache."}, make_bcache},
    {{"bonding", true, "Configured and active members of bonded devices."}, plain<collect_bonding>},
    {{"btrfs", true, "Space and commits of btrfs file systems."}, plain<collect_btrfs>},
    {{"conntrack", true, "Connection tracking."}, plain<collect_conntrack>},
    {{"cpu", true, "CPU time by mode, throttling, online and isolated CPUs."}, make_cpu},
    {{"cpufreq", true, "CPU frequencies and governors."}, plain<collect_cpufreq>},
    {{"diskstats", true, "Disk I/O."}, make_diskstats},
    {{"dmi", true, "Vendor, product and firmware of the machine."}, plain<collect_dmi>},
    {{"edac", true, "Memory errors, corrected and not."}, plain<collect_edac>},
    {{"entropy", true, "Available entropy."}, plain<collect_entropy>},
    {{"fibrechannel", true, "Fibre Channel ports."}, plain<collect_fibrechannel>},
    {{"filefd", true, "Open and allowed file descriptors."}, plain<collect_filefd>},
    {{"filesystem", true, "Space and inodes of mounted file systems."}, make_filesystem},
    {{"hwmon", true, "Temperatures, fans, voltages and power from sensors."}, make_hwmon},
    {{"infiniband", true, "InfiniBand and RoCE ports."}, make_infiniband},
    {{"ipvs", true, "The kernel's load balancer."}, plain<collect_ipvs>},
    {{"kernel_hung", true, "Tasks that the kernel found hung."}, plain<collect_kernel_hung>},
    {{"loadavg", true, "Load averages."}, plain<collect_loadavg>},
    {{"mdadm", true, "Software RAID."}, plain<collect_mdadm>},
    {{"meminfo", true, "Memory."}, plain<collect_meminfo>},
    {{"netclass", true, "State, speed and settings of network devices."}, make_netclass},
    {{"netdev", true, "Traffic and errors of network devices."}, make_netdev},
    {{"netstat", true, "TCP, UDP, IP and ICMP."}, make_netstat},
    {{"nfs", true, "Calls of the NFS client."}, plain<collect_nfs>},
    {{"nfsd", true, "Calls of the NFS server."}, plain<collect_nfsd>},
    {{"nvme", true, "NVMe drives."}, plain<collect_nvme>},
    {{"os", true, "Operating system name and version."}, plain<collect_os>},
    {{"powersupplyclass", true, "Batteries and mains adapters."}, make_powersupplyclass},
    {{"pressure", true, "Time lost waiting for CPU, memory and I/O."}, plain<collect_pressure>},
    {{"rapl", true, "Energy used by CPU packages."}, make_rapl},
    {{"schedstat", true, "Time that CPUs ran tasks and tasks waited."}, plain<collect_schedstat>},
    {{"selinux", true, "SELinux mode."}, plain<collect_selinux>},
    {{"sockstat", true, "Sockets in use."}, plain<collect_sockstat>},
    {{"softnet", true, "Packets handled by soft interrupts, by CPU."}, plain<collect_softnet>},
    {{"stat", true, "Interrupts, context switches, forks, boot time."}, make_stat},
    {{"tapestats", true, "Tape drives."}, make_tapestats},
    {{"textfile", true, "Metrics that other programs leave in *.prom files."}, make_textfile},
    {{"thermal_zone", true, "Thermal zones and cooling devices."}, plain<collect_thermal_zone>},
    {{"time", true, "Time, zone and clock sources."}, plain<collect_time>},
    {{"timex", true, "How well the clock is kept, from adjtimex(2)."}, plain<collect_timex>},
    {{"udp_queues", true, "Bytes in UDP queues."}, plain<collect_udp_queues>},
    {{"uname", true, "Kernel and host name."}, plain<collect_uname>},
    {{"vmstat", true, "Paging, faults and OOM kills."}, make_vmstat},
    {{"watchdog", true, "Watchdog timers."}, plain<collect_watchdog>},
    {{"xfs", true, "XFS file systems."}, plain<collect_xfs>},
    {{"zfs", true, "ZFS caches and pools."}, plain<collect_zfs>},
};

using enum HostSetting::Kind;
constexpr HostSetting kSettings[] = {
    {"arp.device-exclude", kRegex, "", "Devices to leave out."},
    {"arp.device-include", kRegex, "", "Devices to report."},
    {"bcache.priorityStats", kBool, "false", "Report priority_stats, which is slow to read."},
    {"cpu.guest", kBool, "true", "Report time in guests."},
    {"cpu.info", kBool, "false", "Report model and features of each CPU."},
    {"cpu.info.bugs-include", kRegex, "", "CPU bugs to report."},
    {"cpu.info.flags-include", kRegex, "", "CPU flags to report."},
    {"diskstats.device-exclude", kRegex, R"(^(z?ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\d+n\d+p)\d+$)",
     "Disks to leave out."},
    {"diskstats.device-include", kRegex, "", "Disks to report."},
    {"filesystem.fs-types-exclude", kRegex,
     "^(autofs|binfmt_misc|bpf|cgroup2?|configfs|debugfs|devpts|devtmpfs|fusectl|hugetlbfs|iso9660|"
     "mqueue|nsfs|overlay|proc|procfs|pstore|rpc_pipefs|securityfs|selinuxfs|squashfs|erofs|sysfs|"
     "tracefs)$",
     "File system types to leave out."},
    {"filesystem.fs-types-include", kRegex, "", "File system types to report."},
    {"filesystem.mount-points-exclude", kRegex,
     "^/(dev|proc|run/credentials/.+|sys|var/lib/docker/.+|var/lib/containers/storage/.+)($|/)",
     "Mount points to leave out."},
    {"filesystem.mount-points-include", kRegex, "", "Mount points to report."},
    {"filesystem.mount-timeout", kDuration, "5s", "How long mounts may take to answer."},
    {"hwmon.chip-exclude", kRegex, "", "Chips to leave out."},
    {"hwmon.chip-include", kRegex, "", "Chips to report."},
    {"hwmon.sensor-exclude", kRegex, "", "Sensors to leave out, as chip;sensor."},
    {"hwmon.sensor-include", kRegex, "", "Sensors to report, as chip;sensor."},
    {"infiniband.device-exclude", kRegex, "", "Devices to leave out."},
    {"infiniband.device-include", kRegex, "", "Devices to report."},
    {"netclass.ignore-invalid-speed", kBool, "false", "Leave out speeds that devices do not know."},
    {"netclass.ignored-devices", kRegex, "^$", "Network devices to leave out."},
    {"netdev.device-exclude", kRegex, "", "Network devices to leave out."},
    {"netdev.device-include", kRegex, "", "Network devices to report."},
    {"netdev.netlink", kBool, "true", "Ask the routing socket instead of /proc/net/dev."},
    {"netstat.fields", kRegex,
     "^(.*_(InErrors|InErrs)|Ip_Forwarding|Ip(6|Ext)_(InOctets|OutOctets)|Icmp6?_(InMsgs|OutMsgs)|"
     "TcpExt_(Listen.*|Syncookies.*|TCPSynRetrans|TCPTimeouts|TCPOFOQueue|TCPRcvQDrop)|Tcp_("
     "ActiveOpens|InSegs|OutSegs|OutRsts|PassiveOpens|RetransSegs|CurrEstab)|Udp6?_(InDatagrams|"
     "OutDatagrams|NoPorts|RcvbufErrors|SndbufErrors))$",
     "Counters to report, as protocol_name."},
    {"powersupply.ignored-supplies", kRegex, "^$", "Power supplies to leave out."},
    {"rapl.enable-zone-label", kBool, "false", "One metric with the zone as a label."},
    {"stat.softirq", kBool, "false", "Report soft interrupts by vector."},
    {"tapestats.ignored-devices", kRegex, "^$", "Tape drives to leave out."},
    {"textfile.directory", kText, "", "Directories of *.prom files, with commas; * and ? match."},
    {"vmstat.fields", kRegex, "^(oom_kill|pgpg|pswp|pg.*fault).*", "Fields of /proc/vmstat."},
};

Result<> check_value(const HostSetting& setting, const std::string& value) {
  const auto wrong = [&](std::string_view why) {
    return bad_data(std::string("collector.").append(setting.name).append(": ").append(why));
  };
  switch (setting.kind) {
    case kText: break;
    case kBool:
      if (value != "true" && value != "false") return wrong("must be true or false");
      break;
    case kRegex:
      if (const auto regex = Regex::compile(value); !regex) return wrong(regex.error().message);
      break;
    case kDuration: {
      constexpr Millis kLongest = std::chrono::hours(1);
      const auto duration = parse_duration(value);
      if (!duration || *duration <= Millis::zero() || *duration > kLongest) {
        return wrong("must be a duration above 0 and up to 1h, such as 5s");
      }
    }
  }
  return {};
}

}  // namespace

std::span<const CollectorRow> collector_rows() { return kCollectors; }

std::span<const HostCollectorInfo> host_collectors() {
  static const auto infos = [] {
    std::vector<HostCollectorInfo> list;
    for (const CollectorRow& row : kCollectors) list.push_back(row.info);
    return list;
  }();
  return infos;
}

std::span<const HostSetting> host_settings() { return kSettings; }

Result<Settings> Settings::from(const HostOptions& options) {
  Settings settings;
  for (const HostSetting& setting : kSettings) {
    settings.values_.emplace(setting.name, setting.default_value);
  }
  for (const auto& [name, value] : options.settings) {
    const auto setting = std::ranges::find(kSettings, name, &HostSetting::name);
    if (setting == std::end(kSettings)) return bad_data("no such setting: collector." + name);
    TRY(check_value(*setting, value));
    settings.values_[name] = value;
  }
  for (const CollectorRow& row : kCollectors) {
    settings.on_.emplace(row.info.name, row.info.on_by_default);
  }
  for (const auto& [name, on] : options.collectors) {
    const auto found = settings.on_.find(name);
    if (found == settings.on_.end()) return bad_data("no such collector: " + name);
    found->second = on;
  }
  return settings;
}

const std::string& Settings::text(std::string_view name) const {
  const auto found = values_.find(name);
  CHECK(found != values_.end());  // a collector asked for what is not in the table
  return found->second;
}

Millis Settings::duration(std::string_view name) const {
  return parse_duration(text(name)).value_or(Millis::zero());
}

std::optional<Regex> Settings::regex(std::string_view name) const {
  const std::string& pattern = text(name);
  if (pattern.empty()) return std::nullopt;
  auto regex = Regex::compile(pattern);
  CHECK(regex.has_value());  // from() has checked it
  return *std::move(regex);
}

bool Settings::collector_is_on(std::string_view name) const {
  const auto found = on_.find(name);
  return found != on_.end() && found->second;
}

}  // namespace strata::collect
