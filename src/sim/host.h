// The machine around the GPUs: CPUs, memory, disks, network, from what its engines do and what
// faults take away. Advanced in ticks by the node. One thread.
#pragma once
#include <array>
#include <cstdint>

#include "sim/conditions.h"
#include "sim/random.h"

namespace strata::sim {

inline constexpr uint32_t kCpus = 32;
inline constexpr double kHostMemoryBytes = 1024.0 * (1ULL << 30);
inline constexpr double kDiskBytes = 7e12;
inline constexpr double kInodes = 4.6e8;
inline constexpr double kNicBytesPerSecond = 25e9 / 8;

/// What engines on the host did in a tick.
struct HostLoad {
  double cpu_seconds = 0;
  double tokens = 0;  // streamed to clients
  double requests = 0;
  uint32_t engines = 0;  // with their memory
};

/// /proc/stat's modes, in its order; seconds of all CPUs together.
struct CpuSeconds {
  double user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0;
};

struct HostReadings {
  CpuSeconds cpu;
  double load1 = 0.5, load5 = 0.5, load15 = 0.5;
  double running = 1;
  double memory_available = kHostMemoryBytes * 0.95;
  double cached = kHostMemoryBytes * 0.1;
  double context_switches = 0;
  double interrupts = 0;
  double forks = 1000;
  double major_faults = 0;
  double page_faults = 0;
  double swapped_out = 0;
  double oom_kills = 0;
  double pressure_cpu = 0, pressure_io = 0, pressure_io_full = 0;
  double pressure_memory = 0, pressure_memory_full = 0;
  double disk_read = 0, disk_written = 0, disk_io_seconds = 0;
  double disk_reads = 0, disk_writes = 0;
  double disk_available = kDiskBytes * 0.6;
  double inodes_free = kInodes * 0.98;
  bool read_only = false;
  double received = 0, sent = 0;  // bytes
  double packets_in = 0, packets_out = 0, drops = 0;
  double retransmitted = 0;
  double fabric_bytes = 0, fabric_errors = 0, fabric_down = 0;
  double clock_offset = 0;
};

class Host {
 public:
  explicit Host(uint64_t seed) : noise_(seed) {}

  void advance(double seconds, const HostConditions& conditions, const HostLoad& load);

  const HostReadings& readings() const { return now_; }
  const HostConditions& conditions() const { return conditions_; }

 private:
  void cpu(double seconds, const HostLoad& load);
  void memory(double seconds, const HostLoad& load);
  void input_output(double seconds, const HostLoad& load);

  HostConditions conditions_;
  HostReadings now_;
  Random noise_;
  bool killed_ = false;
};

}  // namespace strata::sim
