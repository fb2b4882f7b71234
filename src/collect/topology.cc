#include "collect/topology.h"

#include <algorithm>

#include "base/number.h"
#include "collect/fields.h"

namespace strata::collect {
namespace {

constexpr std::string_view kListen = "0A";  // TCP_LISTEN, include/net/tcp_states.h
constexpr size_t kIdDigits = 64;
constexpr size_t kShownDigits = 12;

bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

std::string of(uint32_t pid, std::string_view file) {
  return std::to_string(pid).append("/").append(file);
}

// The path of the unified hierarchy, or of the first one that there is.
std::string cgroup_path(std::string_view text) {
  std::string_view path;
  for (Lines lines(text); lines.next();) {
    const auto [hierarchy, rest] = cut(lines.line(), ':');
    const std::string_view candidate = cut(rest, ':').second;
    if (path.empty() || hierarchy == "0") path = candidate;
    if (hierarchy == "0" && candidate.size() > 1) break;
  }
  return std::string(path);
}

}  // namespace

std::string container_id(std::string_view cgroup) {
  size_t digits = 0;
  // The last one: a container of a container of a pod is what the process runs in.
  for (size_t i = cgroup.size(); i-- > 0;) {
    digits = is_hex(cgroup[i]) ? digits + 1 : 0;
    const bool begins = i == 0 || !is_hex(cgroup[i - 1]);
    if (digits == kIdDigits && begins) return std::string(cgroup.substr(i, kShownDigits));
  }
  return {};
}

void parse_listening(std::string_view table, std::map<uint64_t, uint16_t>& ports) {
  // sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode
  for (Lines lines(table); lines.next();) {
    std::string_view rest = lines.line();
    next_field(rest);
    const std::string_view local = next_field(rest);
    next_field(rest);
    if (next_field(rest) != kListen) continue;
    for (int skip = 0; skip < 5; ++skip) next_field(rest);
    const auto inode = parse_uint(next_field(rest));
    const auto port = parse_hex(cut(local, ':').second);
    if (inode && *inode != 0 && port && *port <= UINT16_MAX) {
      ports[*inode] = static_cast<uint16_t>(*port);
    }
  }
}

std::string first_address(std::string_view fib_trie) {
  // "|-- 10.0.0.7" and below it "/32 host LOCAL"
  std::string_view address;
  for (Lines lines(fib_trie); lines.next();) {
    const std::string_view line = trim(lines.line());
    if (line.starts_with("|-- ")) {
      address = line.substr(4);
    } else if (line == "/32 host LOCAL" && !address.starts_with("127.")) {
      return std::string(address);
    }
  }
  return {};
}

Topology::Process Topology::look_at(uint32_t pid) {
  Process process;
  if (const auto status = proc_.read(of(pid, "status"))) {
    for (Lines lines(*status); lines.next();) {
      auto [key, rest] = cut(lines.line(), ':');
      if (key == "PPid") {
        process.parent = static_cast<uint32_t>(parse_uint(next_field(rest)).value_or(0));
      } else if (key == "Uid") {
        process.user = next_field(rest);
      }
    }
  }
  if (const auto cgroup = proc_.read(of(pid, "cgroup"))) process.cgroup = cgroup_path(*cgroup);
  process.network = proc_.link(of(pid, "ns/net"));
  return process;
}

std::set<uint32_t> Topology::of_the_cgroup(std::string_view cgroup) {
  std::set<uint32_t> pids;
  for (const std::string_view root : {"fs/cgroup", "fs/cgroup/pids", "fs/cgroup/systemd"}) {
    const auto text = sys_.read(std::string(root).append(cgroup).append("/cgroup.procs"));
    if (!text) continue;
    for (Lines lines(*text); lines.next() && pids.size() < kMaxProcesses;) {
      const auto pid = parse_uint(lines.line());
      // 0: a process that our namespace does not show.
      if (pid && *pid != 0 && *pid <= UINT32_MAX) pids.insert(static_cast<uint32_t>(*pid));
    }
    break;
  }
  return pids;
}

std::set<uint32_t> Topology::of_the_same_engine(uint32_t pid, const Process& process) {
  std::set<uint32_t> pids;
  if (!container_id(process.cgroup).empty()) pids = of_the_cgroup(process.cgroup);
  pids.insert(pid);
  uint32_t ancestor = process.parent;
  for (size_t i = 0; i < kMaxAncestors && ancestor > 1; ++i) {
    const Process found = look_at(ancestor);
    if (found.user != process.user || found.cgroup != process.cgroup) break;
    pids.insert(ancestor);
    ancestor = found.parent;
  }
  return pids;
}

const std::map<uint64_t, uint16_t>& Topology::listening(uint32_t pid, const std::string& network) {
  const auto [found, is_new] = listening_.try_emplace(network);
  if (is_new) {
    for (const std::string_view table : {"net/tcp", "net/tcp6"}) {
      const auto text = proc_.read_head(of(pid, table), kTableBytes);
      if (text) parse_listening(*text, found->second);
    }
  }
  return found->second;
}

std::set<uint16_t> Topology::ports(const std::set<uint32_t>& pids, uint32_t pid,
                                   const Process& process) {
  const auto& listening = this->listening(pid, process.network);
  std::set<uint16_t> all;
  if (listening.empty()) return all;
  for (const uint32_t candidate : pids) {
    const auto [known, is_new] = ports_of_.try_emplace(candidate);
    if (is_new) {
      constexpr std::string_view kSocket = "socket:[";
      const auto descriptors = proc_.names(of(candidate, "fd"));
      for (size_t i = 0; i < std::min(descriptors.size(), kMaxDescriptors); ++i) {
        const std::string target = proc_.link(of(candidate, "fd/") + descriptors[i]);
        if (!target.starts_with(kSocket)) continue;
        const auto inode = parse_uint(
            std::string_view(target).substr(kSocket.size(), target.size() - kSocket.size() - 1));
        const auto port = inode ? listening.find(*inode) : listening.end();
        if (port != listening.end()) known->second.insert(port->second);
      }
    }
    all.insert(known->second.begin(), known->second.end());
  }
  return all;
}

std::vector<std::string> Topology::instances(uint32_t pid, const Process& process) {
  std::set<uint16_t> all = ports(of_the_same_engine(pid, process), pid, process);
  uint64_t first_picked = 32768;
  if (const auto range = proc_.read("sys/net/ipv4/ip_local_port_range")) {
    std::string_view rest = *range;
    first_picked = parse_uint(trim(next_field(rest))).value_or(first_picked);
  }
  if (!all.empty() && *all.begin() < first_picked) {
    std::erase_if(all, [&](uint16_t port) { return port >= first_picked; });
  }
  std::string host = node_;
  std::string ours = proc_.link("1/ns/net");
  if (ours.empty()) ours = proc_.link("self/ns/net");
  if (!process.network.empty() && !ours.empty() && process.network != ours) {
    const auto routes = proc_.read(of(pid, "net/fib_trie"));
    const std::string address = routes ? first_address(*routes) : std::string();
    if (!address.empty()) host = address;
  }
  std::vector<std::string> found;
  for (const uint16_t port : all) {
    if (found.size() == kMaxPorts) break;
    found.push_back(host + ":" + std::to_string(port));
  }
  if (found.empty()) found.emplace_back();
  return found;
}

std::vector<Topology::Row> Topology::find(std::span<const GpuReading> gpus,
                                          const PodsByDevice& pods) {
  listening_.clear();
  ports_of_.clear();
  std::vector<Row> rows;
  std::map<uint32_t, std::pair<std::string, std::vector<std::string>>> known;
  for (const GpuReading& gpu : gpus) {
    for (const GpuProcess& user : gpu.processes) {
      auto found = known.find(user.pid);
      if (found == known.end()) {
        const Process process = look_at(user.pid);
        found = known
                    .emplace(user.pid,
                             std::pair(container_id(process.cgroup), instances(user.pid, process)))
                    .first;
      }
      const auto pod = pods.find(gpu.uuid);
      for (const std::string& instance : found->second.second) {
        if (rows.size() == kMaxRows) return rows;
        rows.push_back({gpu.uuid, user.pid, found->second.first, instance,
                        pod == pods.end() ? PodContainer() : pod->second});
      }
    }
  }
  return rows;
}

void Topology::add(std::span<const GpuReading> gpus, const PodsByDevice& pods, Families& out) {
  const auto family = out.gauge("strata_topology_info",
                                "Which engine (instance) runs on which GPU (uuid); always 1.");
  for (const Row& row : find(gpus, pods)) {
    const std::string& container = row.pod.container.empty() ? row.container : row.pod.container;
    family.add(1, {{"node", node_},
                   {"instance", row.instance},
                   {"uuid", row.uuid},
                   {"pid", std::to_string(row.pid)},
                   {"container", container},
                   {"pod", row.pod.pod},
                   {"namespace", row.pod.namespace_}});
  }
}

}  // namespace strata::collect
