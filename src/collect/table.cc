// The tables of collectors and settings. What they hold is what flags and reference docs say.
#include <algorithm>
#include <vector>

#include "base/check.h"
#include "base/number.h"
#include "collect/collectors.h"

namespace strata::collect {
namespace {

template <Result<> (*function)(Host&)>
Collector plain(const Settings&) {
  return function;
}

constexpr CollectorRow kCollectors[] = {
    {{"cpu", true, "CPU time by mode, throttling, online and isolated CPUs."}, make_cpu},
    {{"cpufreq", true, "CPU frequencies and governors."}, plain<collect_cpufreq>},
    {{"diskstats", true, "Disk I/O."}, make_diskstats},
    {{"entropy", true, "Available entropy."}, plain<collect_entropy>},
    {{"filefd", true, "Open and allowed file descriptors."}, plain<collect_filefd>},
    {{"filesystem", true, "Space and inodes of mounted file systems."}, make_filesystem},
    {{"kernel_hung", true, "Tasks that the kernel found hung."}, plain<collect_kernel_hung>},
    {{"loadavg", true, "Load averages."}, plain<collect_loadavg>},
    {{"meminfo", true, "Memory."}, plain<collect_meminfo>},
    {{"netdev", true, "Traffic and errors of network devices."}, make_netdev},
    {{"pressure", true, "Time lost waiting for CPU, memory and I/O."}, plain<collect_pressure>},
    {{"schedstat", true, "Time that CPUs ran tasks and tasks waited."}, plain<collect_schedstat>},
    {{"selinux", true, "SELinux mode."}, plain<collect_selinux>},
    {{"stat", true, "Interrupts, context switches, forks, boot time."}, make_stat},
    {{"time", true, "Time, zone and clock sources."}, plain<collect_time>},
    {{"timex", true, "How well the clock is kept, from adjtimex(2)."}, plain<collect_timex>},
    {{"uname", true, "Kernel and host name."}, plain<collect_uname>},
    {{"vmstat", true, "Paging, faults and OOM kills."}, make_vmstat},
};

using enum HostSetting::Kind;
constexpr HostSetting kSettings[] = {
    {"cpu.guest", kBool, "true", "Report time in guests."},
    {"cpu.info", kBool, "false", "Report model and features of each CPU."},
    {"cpu.info.flags-include", kRegex, "", "CPU flags to report."},
    {"cpu.info.bugs-include", kRegex, "", "CPU bugs to report."},
    {"diskstats.device-exclude", kRegex, R"(^(z?ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\d+n\d+p)\d+$)",
     "Disks to leave out."},
    {"diskstats.device-include", kRegex, "", "Disks to report."},
    {"filesystem.mount-points-exclude", kRegex,
     "^/(dev|proc|run/credentials/.+|sys|var/lib/docker/.+|var/lib/containers/storage/.+)($|/)",
     "Mount points to leave out."},
    {"filesystem.mount-points-include", kRegex, "", "Mount points to report."},
    {"filesystem.fs-types-exclude", kRegex,
     "^(autofs|binfmt_misc|bpf|cgroup2?|configfs|debugfs|devpts|devtmpfs|fusectl|hugetlbfs|iso9660|"
     "mqueue|nsfs|overlay|proc|procfs|pstore|rpc_pipefs|securityfs|selinuxfs|squashfs|erofs|sysfs|"
     "tracefs)$",
     "File system types to leave out."},
    {"filesystem.fs-types-include", kRegex, "", "File system types to report."},
    {"filesystem.mount-timeout", kSeconds, "5", "How long mounts may take to answer."},
    {"netdev.device-exclude", kRegex, "", "Network devices to leave out."},
    {"netdev.device-include", kRegex, "", "Network devices to report."},
    {"netdev.netlink", kBool, "true", "Ask the routing socket instead of /proc/net/dev."},
    {"stat.softirq", kBool, "false", "Report soft interrupts by vector."},
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
    case kSeconds: {
      constexpr double kMaxSeconds = 3600;
      const auto seconds = parse_double(value);
      if (!seconds || !(*seconds > 0 && *seconds <= kMaxSeconds)) {
        return wrong("must be a number of seconds above 0 and up to 3600");
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

double Settings::seconds(std::string_view name) const {
  return parse_double(text(name)).value_or(0);
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
