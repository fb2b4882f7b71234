// node_memory_* and node_vmstat_*: /proc/meminfo and /proc/vmstat.
#include <fmt/format.h>

#include <algorithm>

#include "collect/collectors.h"
#include "collect/fields.h"

namespace strata::collect {

// Every field that the kernel prints, as node_exporter did up to 1.8; later ones know them one by
// one and leave out what dashboards ask for (KReclaimable, FileHugePages, Hugetlb).
Result<> collect_meminfo(Host& host) {
  const std::string_view text = TRY(host.proc.read("meminfo"));
  std::string name;
  for (Lines lines(text); lines.next();) {
    auto [field, rest] = cut(lines.line(), ':');
    if (trim(lines.line()).empty()) continue;
    const std::string_view number = next_field(rest);
    const std::string_view unit = next_field(rest);
    if (number.empty()) return malformed("/proc/meminfo", "a line without a value");
    double value = TRY(to_double(number, "/proc/meminfo"));
    if (!unit.empty() && unit != "kB") return malformed("/proc/meminfo", "a unit other than kB");

    // Active(anon) is node_memory_Active_anon_bytes; a count of pages has no unit.
    name.assign(field);
    std::erase(name, ')');
    std::ranges::replace(name, '(', '_');
    if (!unit.empty()) {
      value *= 1024;
      name += "_bytes";
    }
    const auto help = fmt::format("Memory information field {}.", name);
    host.out.gauge("node_memory_" + name, help).add(value);
  }
  return {};
}

Collector make_vmstat(const Settings& settings) {
  return [fields = FieldFilter(settings.regex("vmstat.fields"))](Host& host) mutable -> Result<> {
    const std::string_view text = TRY(host.proc.read("vmstat"));
    for (Lines lines(text); lines.next();) {
      std::string_view rest = lines.line();
      const std::string_view name = next_field(rest);
      if (name.empty()) continue;
      const std::string_view number = next_field(rest);
      if (number.empty()) return malformed("/proc/vmstat", "a line without a value");
      if (!fields.keeps(name)) continue;
      const double value = TRY(to_double(number, "/proc/vmstat"));
      host.out
          .untyped(fmt::format("node_vmstat_{}", name),
                   fmt::format("/proc/vmstat information field {}.", name))
          .add(value);
    }
    return {};
  };
}

}  // namespace strata::collect
