#include "app/memory_limit.h"

#include <algorithm>
#include <string>

#include "base/number.h"

namespace strata::app {
namespace {

uint64_t machine_memory(Fs& fs, const std::string& proc) {
  const auto text = fs.read_file(proc + "/meminfo");
  if (!text) return 0;
  constexpr std::string_view kTotal = "MemTotal:";
  std::string_view rest = *text;
  const size_t at = rest.find(kTotal);
  if (at == std::string_view::npos) return 0;
  rest.remove_prefix(at + kTotal.size());
  rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
  return parse_uint(rest.substr(0, rest.find(' '))).value_or(0) << 10;
}

/// UINT64_MAX: no limit ("max"), or there is no such file.
uint64_t limit_in(Fs& fs, const std::string& path) {
  auto text = fs.read_file(path);
  if (!text) return UINT64_MAX;
  while (text->ends_with('\n')) text->pop_back();
  return parse_uint(*text).value_or(UINT64_MAX);
}

/// Of the group and of those above it.
uint64_t group_limit(Fs& fs, const std::string& root, std::string group, const std::string& file) {
  uint64_t limit = UINT64_MAX;
  while (true) {
    limit = std::min(limit, limit_in(fs, root + group + "/" + file));
    const size_t parent = group.rfind('/');
    if (parent == std::string::npos || group == "/") return limit;
    group.erase(parent);
  }
}

}  // namespace

uint64_t memory_limit(Fs& fs, const std::string& proc, const std::string& groups) {
  uint64_t limit = UINT64_MAX;
  // Lines are "hierarchy:controllers:group"; v2's hierarchy is 0 and names no controllers.
  const std::string own = fs.read_file(proc + "/self/cgroup").value_or("");
  for (std::string_view rest = own; !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    const size_t first = line.find(':');
    const size_t second = line.find(':', first + 1);
    if (first == std::string_view::npos || second == std::string_view::npos) continue;
    const std::string_view controllers = line.substr(first + 1, second - first - 1);
    const std::string group(line.substr(second + 1));
    if (controllers.empty()) {
      limit = std::min(limit, group_limit(fs, groups, group, "memory.max"));
    } else if (controllers.find("memory") != std::string_view::npos) {
      limit = std::min(limit, group_limit(fs, groups + "/memory", group, "memory.limit_in_bytes"));
    }
  }
  const uint64_t machine = machine_memory(fs, proc);
  return machine == 0 && limit == UINT64_MAX ? 0 : std::min(limit, machine == 0 ? limit : machine);
}

}  // namespace strata::app
