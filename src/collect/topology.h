// Which engine runs on which GPU: from the driver's list of processes to the address at which the
// engine is scraped, and the container that it runs in.
//
//   GPU -> pid              the driver's list of processes
//   pid -> container        the container's id in /proc/<pid>/cgroup; in Kubernetes the kubelet's
//   names pid -> processes        an engine's workers use the GPU and another process of it
//   listens: all of
//                           the container's, or the process and its ancestors of the same user and
//                           cgroup
//   processes -> ports      sockets in /proc/<pid>/fd that listen by /proc/<pid>/net/tcp{,6}
//   port -> instance        NODE:PORT, or ADDRESS:PORT in a network namespace of its own
//
// Ports that the kernel picked (ip_local_port_range: of torch, NCCL, ZeroMQ) are left out when
// there are others. Needs CAP_SYS_PTRACE (or root) to see other users' sockets; what cannot be seen
// is left out, the rest stays.
//
// Owned by NodeCollector; one thread. Bounds: kMaxProcesses looked at for one GPU process,
// kMaxPorts of it reported, kMaxRows in all.
#pragma once
#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "collect/families.h"
#include "collect/gpu_metrics.h"
#include "collect/gpu_reading.h"
#include "collect/tree.h"

namespace strata::collect {

/// The id in a line of /proc/<pid>/cgroup: 64 hexadecimal digits, as Docker, containerd, CRI-O and
/// Podman have it, cut to the 12 that their tools print. Empty: no container.
std::string container_id(std::string_view cgroup);

/// Listening sockets of /proc/net/tcp or tcp6, inode -> port. Lines that do not read so are
/// skipped.
void parse_listening(std::string_view table, std::map<uint64_t, uint16_t>& ports);

/// The first address of a network namespace that is not a loopback one, from /proc/net/fib_trie.
std::string first_address(std::string_view fib_trie);

class Topology {
 public:
  static constexpr size_t kMaxProcesses = 64;
  static constexpr size_t kMaxDescriptors = 8192;
  static constexpr size_t kMaxPorts = 8;
  static constexpr size_t kMaxRows = 4096;
  static constexpr size_t kMaxAncestors = 16;
  static constexpr size_t kTableBytes = size_t{1} << 20;  // of /proc/net/tcp: listeners come first

  Topology(const std::string& procfs, const std::string& sysfs, std::string node)
      : proc_(procfs), sys_(sysfs), node_(std::move(node)) {}

  struct Row {
    std::string uuid;
    uint32_t pid = 0;
    std::string container;
    std::string instance;  // empty: nothing was found to listen
    PodContainer pod;
    friend bool operator==(const Row&, const Row&) = default;
  };
  std::vector<Row> find(std::span<const GpuReading> gpus, const PodsByDevice& pods);
  /// find(), as strata_topology_info.
  void add(std::span<const GpuReading> gpus, const PodsByDevice& pods, Families& out);

 private:
  struct Process {
    uint32_t parent = 0;
    std::string user;
    std::string cgroup;
    std::string network;  // which network namespace
  };
  Process look_at(uint32_t pid);
  std::set<uint32_t> of_the_same_engine(uint32_t pid, const Process& process);
  std::set<uint32_t> of_the_cgroup(std::string_view cgroup);
  std::vector<std::string> instances(uint32_t pid, const Process& process);
  std::set<uint16_t> ports(const std::set<uint32_t>& pids, uint32_t pid, const Process& process);
  const std::map<uint64_t, uint16_t>& listening(uint32_t pid, const std::string& network);

  Tree proc_;
  Tree sys_;
  const std::string node_;
  // Of the search that runs.
  std::map<std::string, std::map<uint64_t, uint16_t>> listening_;  // by network namespace
  std::map<uint32_t, std::set<uint16_t>> ports_of_;
};

}  // namespace strata::collect
