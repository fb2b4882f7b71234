#include "collect/self.h"

#include <unistd.h>

#include <limits>

#include "base/number.h"
#include "collect/families.h"
#include "collect/fields.h"
#include "collect/tree.h"

namespace strata::collect {
namespace {

constexpr double kUserHz = 100;

// The fields after the name, which is in parentheses and may hold any character: proc(5) counts
// them from 3 ("state").
double stat_field(std::string_view stat, size_t number) {
  const size_t end = stat.rfind(')');
  if (end == std::string_view::npos) return 0;
  std::string_view rest = stat.substr(end + 1);
  std::string_view field;
  for (size_t i = 3; i <= number; ++i) field = next_field(rest);
  return parse_double(field).value_or(0);
}

// "Max open files            1024                 4096                 files": the soft limit.
double soft_limit(std::string_view limits, std::string_view name) {
  for (Lines lines(limits); lines.next();) {
    if (!lines.line().starts_with(name)) continue;
    std::string_view rest = lines.line().substr(name.size());
    const std::string_view value = next_field(rest);
    return value == "unlimited" ? static_cast<double>(std::numeric_limits<uint64_t>::max())
                                : parse_double(value).value_or(0);
  }
  return 0;
}

// "RssAnon:     1234 kB", of /proc/<pid>/status.
double status_bytes(std::string_view status, std::string_view name) {
  for (Lines lines(status); lines.next();) {
    auto [key, rest] = cut(lines.line(), ':');
    if (key == name) return parse_double(next_field(rest)).value_or(0) * 1024;
  }
  return 0;
}

double boot_time(Tree& proc) {
  const auto stat = proc.read("stat");
  if (!stat) return 0;
  for (Lines lines(*stat); lines.next();) {
    std::string_view rest = lines.line();
    if (next_field(rest) == "btime") return parse_double(next_field(rest)).value_or(0);
  }
  return 0;
}

void add_stat(Tree& proc, Families& out) {
  const double boot = boot_time(proc);
  const auto text = proc.read("self/stat");
  if (!text) return;
  const auto field = [&](size_t number) { return stat_field(*text, number); };
  out.counter("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.")
      .add((field(14) + field(15)) / kUserHz);
  out.gauge("process_virtual_memory_bytes", "Virtual memory size in bytes.").add(field(23));
  out.gauge("process_resident_memory_bytes", "Resident memory size in bytes.")
      .add(field(24) * static_cast<double>(::sysconf(_SC_PAGESIZE)));
  out.gauge("process_start_time_seconds", "Start time of the process since unix epoch in seconds.")
      .add(boot + field(22) / kUserHz);
  out.gauge("process_threads", "Number of operating system threads of the process.").add(field(20));
}

}  // namespace

void collect_self(std::vector<MetricFamily>& out, const std::string& procfs) {
  Tree proc(procfs);
  Families families;
  families.begin(out);
  add_stat(proc, families);
  if (const auto status = proc.read("self/status")) {
    families
        .gauge("strata_process_rss_anon_bytes",
               "Resident memory that belongs to the process alone, without mapped files, in bytes.")
        .add(status_bytes(*status, "RssAnon"));
  }
  if (const auto limits = proc.read("self/limits")) {
    families
        .gauge("process_virtual_memory_max_bytes",
               "Maximum amount of virtual memory available in bytes.")
        .add(soft_limit(*limits, "Max address space"));
    families.gauge("process_max_fds", "Maximum number of open file descriptors.")
        .add(soft_limit(*limits, "Max open files"));
  }
  if (const auto fds = proc.list("self/fd")) {
    families.gauge("process_open_fds", "Number of open file descriptors.")
        .add(static_cast<double>(fds->size()));
  }
  families.finish();
}

}  // namespace strata::collect
