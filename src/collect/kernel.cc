// What the kernel says about itself: load, /proc/stat, file handles, pressure stalls, entropy, hung
// tasks, scheduler statistics, SELinux, uname.
#include <fmt/format.h>
#include <sys/utsname.h>

#include <array>

#include "base/number.h"
#include "collect/collectors.h"
#include "collect/fields.h"

namespace strata::collect {

Result<> collect_loadavg(Host& host) {
  std::string_view text = TRY(host.proc.read("loadavg"));
  double load[3];
  for (double& value : load) value = TRY(to_double(next_field(text), "/proc/loadavg"));
  host.out.gauge("node_load1", "1m load average.").add(load[0]);
  host.out.gauge("node_load5", "5m load average.").add(load[1]);
  host.out.gauge("node_load15", "15m load average.").add(load[2]);
  return {};
}

Result<> collect_uname(Host& host) {
  utsname name{};
  if (::uname(&name) != 0) return fail(ErrorCode::kIo, "uname failed");
  host.out
      .gauge("node_uname_info", "Labeled system information as provided by the uname system call.")
      .add(1, {{"sysname", name.sysname},
               {"release", name.release},
               {"version", name.version},
               {"machine", name.machine},
               {"nodename", name.nodename},
               {"domainname", name.domainname}});
  return {};
}

namespace {

constexpr std::array<std::string_view, 10> kSoftirqs = {
    "hi",           "timer",   "net_tx", "net_rx",  "block",
    "block_iopoll", "tasklet", "sched",  "hrtimer", "rcu"};

struct KernelStat {
  uint64_t interrupts = 0, switches = 0, forks = 0, boot = 0, running = 0, blocked = 0;
  std::array<uint64_t, kSoftirqs.size()> softirqs{};
};

Result<KernelStat> parse_stat(std::string_view text) {
  static constexpr std::pair<std::string_view, uint64_t KernelStat::*> kLines[] = {
      {"intr", &KernelStat::interrupts},       {"ctxt", &KernelStat::switches},
      {"processes", &KernelStat::forks},       {"btime", &KernelStat::boot},
      {"procs_running", &KernelStat::running}, {"procs_blocked", &KernelStat::blocked}};
  KernelStat stat;
  for (Lines lines(text); lines.next();) {
    std::string_view rest = lines.line();
    const std::string_view name = next_field(rest);
    for (const auto& [line, member] : kLines) {
      if (line == name) stat.*member = TRY(to_uint(next_field(rest), "/proc/stat"));
    }
    if (name != "softirq") continue;
    next_field(rest);  // the total
    for (uint64_t& count : stat.softirqs) count = TRY(to_uint(next_field(rest), "/proc/stat"));
  }
  return stat;
}

}  // namespace

Collector make_stat(const Settings& settings) {
  return [softirq = settings.flag("stat.softirq")](Host& host) -> Result<> {
    const std::string_view text = TRY(host.proc.read("stat"));
    const KernelStat stat = TRY(parse_stat(text));
    const auto number = [](uint64_t value) { return static_cast<double>(value); };
    Families& out = host.out;
    out.counter("node_intr_total", "Total number of interrupts serviced.")
        .add(number(stat.interrupts));
    out.counter("node_context_switches_total", "Total number of context switches.")
        .add(number(stat.switches));
    out.counter("node_forks_total", "Total number of forks.").add(number(stat.forks));
    out.gauge("node_boot_time_seconds", "Node boot time, in unixtime.").add(number(stat.boot));
    out.gauge("node_procs_running", "Number of processes in runnable state.")
        .add(number(stat.running));
    out.gauge("node_procs_blocked", "Number of processes blocked waiting for I/O to complete.")
        .add(number(stat.blocked));
    if (!softirq) return {};
    const auto softirqs = out.counter("node_softirqs_total", "Number of softirq calls.");
    for (size_t i = 0; i < kSoftirqs.size(); ++i) {
      softirqs.add(number(stat.softirqs[i]), {{"vector", kSoftirqs[i]}});
    }
    return {};
  };
}

Result<> collect_filefd(Host& host) {
  std::string_view text = trim(TRY(host.proc.read("sys/fs/file-nr")));
  const double allocated = TRY(to_double(next_field(text), "/proc/sys/fs/file-nr"));
  next_field(text);  // free handles: always 0 since Linux 2.6
  const double maximum = TRY(to_double(next_field(text), "/proc/sys/fs/file-nr"));
  host.out.gauge("node_filefd_allocated", "File descriptor statistics: allocated.").add(allocated);
  host.out.gauge("node_filefd_maximum", "File descriptor statistics: maximum.").add(maximum);
  return {};
}

namespace {

struct Pressure {
  std::string_view resource;
  std::string_view line;  // of /proc/pressure/<resource>
  std::string_view name;
  std::string_view help;
};

constexpr Pressure kPressures[] = {
    {"cpu", "some", "node_pressure_cpu_waiting_seconds_total",
     "Total time in seconds that processes have waited for CPU time"},
    {"io", "some", "node_pressure_io_waiting_seconds_total",
     "Total time in seconds that processes have waited due to IO congestion"},
    {"io", "full", "node_pressure_io_stalled_seconds_total",
     "Total time in seconds no process could make progress due to IO congestion"},
    {"memory", "some", "node_pressure_memory_waiting_seconds_total",
     "Total time in seconds that processes have waited for memory"},
    {"memory", "full", "node_pressure_memory_stalled_seconds_total",
     "Total time in seconds no process could make progress due to memory congestion"},
    {"irq", "full", "node_pressure_irq_stalled_seconds_total",
     "Total time in seconds no process could make progress due to IRQ congestion"}};

// "some avg10=0.00 avg60=0.00 avg300=0.00 total=14036781", in microseconds.
Result<double> stalled_seconds(std::string_view text, std::string_view wanted) {
  for (Lines lines(text); lines.next();) {
    std::string_view rest = lines.line();
    if (next_field(rest) != wanted) continue;
    for (auto field = next_field(rest); !field.empty(); field = next_field(rest)) {
      if (!field.starts_with("total=")) continue;
      const uint64_t total = TRY(to_uint(field.substr(6), "/proc/pressure"));
      return static_cast<double>(total) / 1000.0 / 1000.0;
    }
  }
  return no_data(fmt::format("/proc/pressure has no '{}' line", wanted));
}

}  // namespace

Result<> collect_pressure(Host& host) {
  bool any = false;
  for (const Pressure& pressure : kPressures) {
    const auto text = host.proc.read(join("pressure", pressure.resource));
    // Linux before 4.20 has none, before 6.1 none for interrupts; psi=0 makes reading fail.
    if (!text && text.error().code == ErrorCode::kNotFound) continue;
    if (!text) return no_data(text.error().message);
    const double seconds = TRY(stalled_seconds(*text, pressure.line));
    host.out.counter(pressure.name, pressure.help).add(seconds);
    any = true;
  }
  if (!any) return no_data("no /proc/pressure: the kernel is older than 4.20 or was built without");
  return {};
}

Result<> collect_entropy(Host& host) {
  const auto available = host.proc.attribute_uint("sys/kernel/random/entropy_avail");
  const auto size = host.proc.attribute_uint("sys/kernel/random/poolsize");
  if (!available) return malformed("/proc/sys/kernel/random/entropy_avail", "no number");
  host.out.gauge("node_entropy_available_bits", "Bits of available entropy.")
      .add(static_cast<double>(*available));
  if (!size) return malformed("/proc/sys/kernel/random/poolsize", "no number");
  host.out.gauge("node_entropy_pool_size_bits", "Bits of entropy pool.")
      .add(static_cast<double>(*size));
  return {};
}

Result<> collect_kernel_hung(Host& host) {
  const std::string_view text = TRY(host.proc.read("sys/kernel/hung_task_detect_count"));
  const uint64_t tasks = TRY(to_uint(trim(text), "/proc/sys/kernel/hung_task_detect_count"));
  host.out
      .counter("node_kernel_hung_tasks_total",
               "Total number of tasks that have been detected as hung since the system booted.")
      .add(static_cast<double>(tasks));
  return {};
}

Result<> collect_schedstat(Host& host) {
  const std::string_view text = TRY(host.proc.read("schedstat"));
  const auto running = host.out.counter("node_schedstat_running_seconds_total",
                                        "Number of seconds CPU spent running a process.");
  const auto waiting =
      host.out.counter("node_schedstat_waiting_seconds_total",
                       "Number of seconds spent by processing waiting for this CPU.");
  const auto slices =
      host.out.counter("node_schedstat_timeslices_total", "Number of timeslices executed by CPU.");
  std::vector<std::string_view> fields;
  for (Lines lines(text); lines.next();) {
    split_fields(lines.line(), fields);
    // cpuN and nine numbers; the last three are these (sched-stats.rst, version 15).
    if (fields.size() < 10 || !fields[0].starts_with("cpu")) continue;
    const auto ran = parse_uint(fields[7]);
    const auto waited = parse_uint(fields[8]);
    const auto count = parse_uint(fields[9]);
    if (!ran || !waited || !count) continue;
    const std::string_view cpu = fields[0].substr(3);
    running.add(static_cast<double>(*ran) / 1e9, {{"cpu", cpu}});
    waiting.add(static_cast<double>(*waited) / 1e9, {{"cpu", cpu}});
    slices.add(static_cast<double>(*count), {{"cpu", cpu}});
  }
  return {};
}

Result<> collect_selinux(Host& host) {
  const auto mode = host.sys.attribute_uint("fs/selinux/enforce");
  host.out.gauge("node_selinux_enabled", "SELinux is enabled, 1 is true, 0 is false")
      .add(mode ? 1 : 0);
  if (!mode) return {};
  // 1 enforcing, 0 permissive, -1 disabled: what the machine is set to come up with.
  double configured = -1;
  if (const auto config = host.root.read("etc/selinux/config")) {
    for (Lines lines(*config); lines.next();) {
      const auto [key, value] = cut(lines.line(), '=');
      if (trim(key) != "SELINUX") continue;
      configured = trim(value) == "enforcing" ? 1 : trim(value) == "permissive" ? 0 : -1;
    }
  }
  host.out.gauge("node_selinux_config_mode", "Configured SELinux enforcement mode").add(configured);
  host.out.gauge("node_selinux_current_mode", "Current SELinux enforcement mode")
      .add(static_cast<double>(*mode));
  return {};
}

}  // namespace strata::collect
