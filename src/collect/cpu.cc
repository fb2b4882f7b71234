// node_cpu_*: /proc/stat, /proc/cpuinfo and /sys/devices/system/cpu.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "base/number.h"
#include "collect/collectors.h"
#include "collect/fields.h"

namespace strata::collect {
namespace {

constexpr std::string_view kCpuDir = "devices/system/cpu";
constexpr double kUserHz = 100;  // what the kernel scales /proc/stat to on every Linux
constexpr double kJumpBackSeconds = 3;
constexpr size_t kModes = 10;
constexpr size_t kIdle = 3;
constexpr std::array<std::string_view, kModes> kModeNames = {
    "user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal", "user", "nice"};
constexpr size_t kFirstGuest = 8;  // the last two are time in guests, part of user and nice too

using CpuTimes = std::array<double, kModes>;

Result<CpuTimes> parse_times(std::string_view rest) {
  CpuTimes times{};
  for (double& time : times) {
    const std::string_view field = next_field(rest);
    if (field.empty()) break;  // old kernels have fewer columns
    time = TRY(to_double(field, "/proc/stat"))
    / kUserHz;
  }
  return times;
}

// Counters of a CPU may go back by a tick (idle and iowait are estimates), which would read as a
// counter reset: keep the larger. An idle time that goes back by seconds is a CPU that came back.
void keep_monotonic(CpuTimes& seen, const CpuTimes& now) {
  if (seen[kIdle] - now[kIdle] >= kJumpBackSeconds) seen = {};
  for (size_t i = 0; i < kModes; ++i) seen[i] = std::max(seen[i], now[i]);
}

// "0-3,8": the list format of the kernel (cpulist_parse).
std::vector<uint64_t> parse_cpu_list(std::string_view list) {
  constexpr uint64_t kMaxCpus = 65536;
  std::vector<uint64_t> cpus;
  while (!list.empty()) {
    const auto [range, rest] = cut(list, ',');
    list = rest;
    const auto [first, last] = cut(trim(range), '-');
    const auto from = parse_uint(first);
    const auto to = last.empty() ? from : parse_uint(last);
    if (!from || !to || *to > kMaxCpus) break;
    for (uint64_t cpu = *from; cpu <= *to; ++cpu) cpus.push_back(cpu);
  }
  return cpus;
}

struct CpuInfo {
  std::string processor, package, core, vendor, family, model, model_name, microcode, stepping;
  std::string cache_size, mhz, flags, bugs;
};

std::string* field_of(CpuInfo& info, std::string_view key) {
  static constexpr std::pair<std::string_view, std::string CpuInfo::*> kFields[] = {
      {"physical id", &CpuInfo::package},   {"core id", &CpuInfo::core},
      {"vendor_id", &CpuInfo::vendor},      {"cpu family", &CpuInfo::family},
      {"model", &CpuInfo::model},           {"model name", &CpuInfo::model_name},
      {"microcode", &CpuInfo::microcode},   {"stepping", &CpuInfo::stepping},
      {"cache size", &CpuInfo::cache_size}, {"cpu MHz", &CpuInfo::mhz},
      {"flags", &CpuInfo::flags},           {"bugs", &CpuInfo::bugs}};
  for (const auto& [name, member] : kFields) {
    if (name == key) return &(info.*member);
  }
  return nullptr;
}

std::vector<CpuInfo> parse_cpuinfo(std::string_view text) {
  std::vector<CpuInfo> cpus;
  for (Lines lines(text); lines.next();) {
    const auto [raw_key, value] = cut(lines.line(), ':');
    const std::string_view key = trim(raw_key);
    if (key == "processor") {
      cpus.emplace_back().processor = trim(value);
    } else if (!cpus.empty()) {
      if (std::string* field = field_of(cpus.back(), key)) *field = trim(value);
    }
  }
  return cpus;
}

class CpuCollector {
 public:
  explicit CpuCollector(const Settings& settings)
      : flags_(settings.regex("cpu.info.flags-include")),
        bugs_(settings.regex("cpu.info.bugs-include")),
        info_(settings.flag("cpu.info") || flags_ || bugs_),
        guest_(settings.flag("cpu.guest")),
        frequency_(settings.collector_is_on("cpufreq")) {}

  Result<> operator()(Host& host) {
    if (info_) TRY(add_info(host));
    TRY(read_times(host));
    add_times(host.out);
    add_isolated(host);
    add_throttles(host);
    add_online(host);
    return {};
  }

 private:
  Result<> read_times(Host& host) {
    const std::string_view text = TRY(host.proc.read("stat"));
    std::set<int64_t> online;
    for (Lines lines(text); lines.next();) {
      std::string_view rest = lines.line();
      const std::string_view name = next_field(rest);
      if (!name.starts_with("cpu") || name == "cpu") continue;
      const auto number = parse_int(name.substr(3));
      if (!number) return malformed("/proc/stat", "a CPU without a number");
      keep_monotonic(times_[*number], TRY(parse_times(rest)));
      online.insert(*number);
    }
    std::erase_if(times_, [&](const auto& cpu) { return !online.contains(cpu.first); });
    return {};
  }

  void add_times(Families& out) {
    const auto time = out.counter("node_cpu_seconds_total", "Seconds the CPUs spent in each mode.");
    const auto guest = out.counter("node_cpu_guest_seconds_total",
                                   "Seconds the CPUs spent in guests (VMs) for each mode.");
    for (const auto& [cpu, times] : times_) {
      const std::string number = std::to_string(cpu);
      for (size_t i = 0; i < kModes; ++i) {
        if (i >= kFirstGuest && !guest_) break;
        const auto& family = i < kFirstGuest ? time : guest;
        family.add(times[i], {{"cpu", number}, {"mode", kModeNames[i]}});
      }
    }
  }

  Result<> add_info(Host& host) {
    const auto cpus = parse_cpuinfo(TRY(host.proc.read("cpuinfo")));
    const auto info = host.out.gauge("node_cpu_info", "CPU information from /proc/cpuinfo.");
    for (const CpuInfo& cpu : cpus) {
      info.add(1, {{"package", cpu.package},
                   {"core", cpu.core},
                   {"cpu", cpu.processor},
                   {"vendor", cpu.vendor},
                   {"family", cpu.family},
                   {"model", cpu.model},
                   {"model_name", cpu.model_name},
                   {"microcode", cpu.microcode},
                   {"stepping", cpu.stepping},
                   {"cachesize", cpu.cache_size}});
    }
    if (frequency_) {
      const auto hertz =
          host.out.gauge("node_cpu_frequency_hertz", "CPU frequency in hertz from /proc/cpuinfo.");
      for (const CpuInfo& cpu : cpus) {
        hertz.add(parse_double(cpu.mhz).value_or(0) * 1e6,
                  {{"package", cpu.package}, {"core", cpu.core}, {"cpu", cpu.processor}});
      }
    }
    if (cpus.empty()) return {};
    add_words(host.out, cpus[0].flags, flags_, "flag");
    add_words(host.out, cpus[0].bugs, bugs_, "bug");
    return {};
  }

  static void add_words(Families& out, std::string_view words, const std::optional<Regex>& filter,
                        std::string_view what) {
    if (!filter) return;
    const auto family = out.gauge(
        fmt::format("node_cpu_{}_info", what),
        fmt::format(
            "The `{}s` field of CPU information from /proc/cpuinfo taken from the first core.",
            what));
    for (std::string_view word = next_field(words); !word.empty(); word = next_field(words)) {
      if (filter->partial_match(word)) family.add(1, {{what, word}});
    }
  }

  static void add_isolated(Host& host) {
    const auto list = host.sys.attribute(join(kCpuDir, "isolated"));
    if (!list) return;
    const auto isolated = host.out.gauge(
        "node_cpu_isolated",
        "Whether each core is isolated, information from /sys/devices/system/cpu/isolated.");
    for (const uint64_t cpu : parse_cpu_list(*list))
      isolated.add(1, {{"cpu", std::to_string(cpu)}});
  }

  // Threads of a core share its count, and all of a package the package's: each is read once.
  static void add_throttles(Host& host) {
    const auto core_throttles = host.out.counter(
        "node_cpu_core_throttles_total", "Number of times this CPU core has been throttled.");
    const auto package_throttles = host.out.counter(
        "node_cpu_package_throttles_total", "Number of times this CPU package has been throttled.");
    std::set<std::pair<uint64_t, uint64_t>> cores;
    std::set<uint64_t> packages;
    for (const std::string& cpu : host.sys.numbered(kCpuDir, "cpu")) {
      const std::string dir = join(kCpuDir, cpu);
      if (!host.sys.exists(join(dir, "thermal_throttle"))) continue;
      const auto package = host.sys.attribute_uint(join(dir, "topology/physical_package_id"));
      const auto core = host.sys.attribute_uint(join(dir, "topology/core_id"));
      if (!package || !core) continue;
      const std::string package_text = std::to_string(*package);
      if (!cores.contains({*package, *core})) {
        if (const auto count =
                host.sys.attribute_uint(join(dir, "thermal_throttle/core_throttle_count"))) {
          core_throttles.add(static_cast<double>(*count),
                             {{"package", package_text}, {"core", std::to_string(*core)}});
          cores.emplace(*package, *core);
        }
      }
      if (!packages.contains(*package)) {
        if (const auto count =
                host.sys.attribute_uint(join(dir, "thermal_throttle/package_throttle_count"))) {
          package_throttles.add(static_cast<double>(*count), {{"package", package_text}});
          packages.insert(*package);
        }
      }
    }
  }

  static void add_online(Host& host) {
    const auto cpus = host.sys.numbered(kCpuDir, "cpu");
    // A kernel that cannot take its first CPU offline (CPU hotplug off) has no such file at all.
    if (cpus.empty() || !host.sys.exists(join(join(kCpuDir, cpus[0]), "online"))) return;
    const auto online =
        host.out.gauge("node_cpu_online", "CPUs that are online and being scheduled.");
    for (const std::string& cpu : cpus) {
      const auto state = host.sys.attribute(join(join(kCpuDir, cpu), "online"));
      online.add(state == "1" ? 1 : 0, {{"cpu", std::string_view(cpu).substr(3)}});
    }
  }

  std::optional<Regex> flags_;
  std::optional<Regex> bugs_;
  bool info_;
  bool guest_;
  bool frequency_;
  std::map<int64_t, CpuTimes> times_;
};

}  // namespace

Collector make_cpu(const Settings& settings) { return CpuCollector(settings); }

Result<> collect_cpufreq(Host& host) {
  static constexpr struct {
    std::string_view file, name, help;
  } kFrequencies[] = {
      {"cpuinfo_cur_freq", "node_cpu_frequency_hertz", "Current CPU thread frequency in hertz."},
      {"cpuinfo_avg_freq", "node_cpu_frequency_avg_hertz",
       "Average CPU thread frequency in hertz."},
      {"cpuinfo_min_freq", "node_cpu_frequency_min_hertz",
       "Minimum CPU thread frequency in hertz."},
      {"cpuinfo_max_freq", "node_cpu_frequency_max_hertz",
       "Maximum CPU thread frequency in hertz."},
      {"scaling_cur_freq", "node_cpu_scaling_frequency_hertz",
       "Current scaled CPU thread frequency in hertz."},
      {"scaling_min_freq", "node_cpu_scaling_frequency_min_hertz",
       "Minimum scaled CPU thread frequency in hertz."},
      {"scaling_max_freq", "node_cpu_scaling_frequency_max_hertz",
       "Maximum scaled CPU thread frequency in hertz."}};
  std::vector<uint64_t> offline;
  if (const auto list = host.sys.attribute(join(kCpuDir, "offline"))) {
    offline = parse_cpu_list(*list);
  }
  for (const std::string& cpu : host.sys.numbered(kCpuDir, "cpu")) {
    const std::string_view number = std::string_view(cpu).substr(3);
    const std::string dir = join(join(kCpuDir, cpu), "cpufreq");
    if (std::ranges::find(offline, parse_uint(number)) != offline.end()) continue;
    if (!host.sys.is_directory(dir)) continue;
    for (const auto& frequency : kFrequencies) {
      if (const auto kilohertz = host.sys.attribute_uint(join(dir, frequency.file))) {
        host.out.gauge(frequency.name, frequency.help)
            .add(static_cast<double>(*kilohertz) * 1000, {{"cpu", number}});
      }
    }
    const auto governor = host.sys.attribute(join(dir, "scaling_governor"));
    const auto governors = host.sys.attribute(join(dir, "scaling_available_governors"));
    if (!governor || governor->empty() || !governors) continue;
    const auto family =
        host.out.gauge("node_cpu_scaling_governor", "Current enabled CPU frequency governor.");
    std::string_view rest = *governors;
    for (auto name = next_field(rest); !name.empty(); name = next_field(rest)) {
      family.add(name == *governor ? 1 : 0, {{"cpu", number}, {"governor", name}});
    }
  }
  return {};
}

}  // namespace strata::collect
