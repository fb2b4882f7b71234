#include "sim/host.h"

#include <algorithm>
#include <cmath>

namespace strata::sim {
namespace {

constexpr double kEngineCores = 1.2;    // busy loops of an engine and its API server
constexpr double kEngineMemory = 14e9;  // bytes
constexpr double kBytesPerToken = 500;  // an event of a stream
constexpr double kBytesPerRequest = 6000;
constexpr double kDiskBytesPerSecond = 6e9;
constexpr double kPacket = 1200;

}  // namespace

void Host::advance(double seconds, const HostConditions& conditions, const HostLoad& load) {
  conditions_ = conditions;
  cpu(seconds, load);
  memory(seconds, load);
  input_output(seconds, load);
  now_.clock_offset = conditions_.clock_skew + noise_.normal(0, 2e-5);
}

void Host::cpu(double seconds, const HostLoad& load) {
  const double engines = kEngineCores * load.engines + load.cpu_seconds / seconds;
  const double background = 0.4 * noise_.lognormal(1, 0.2);
  const double wanted = engines + background + conditions_.busy * kCpus;
  const double there = kCpus * (1 - conditions_.steal);
  const double used = std::min(wanted, there);
  const double waiting = std::max(0.0, wanted - there) / kCpus;
  const double disk = std::min(1.0, conditions_.disk_read / kDiskBytesPerSecond);
  const double iowait = std::min(kCpus - used, disk * 2 + conditions_.memory * 2);
  const double steal = std::min(conditions_.steal * kCpus, kCpus - used);
  now_.cpu.user += used * 0.82 * seconds;
  now_.cpu.system += used * 0.16 * seconds;
  now_.cpu.softirq += used * 0.02 * seconds;
  now_.cpu.iowait += iowait * seconds;
  now_.cpu.steal += steal * seconds;
  now_.cpu.idle += std::max(0.0, kCpus - used - iowait - steal) * seconds;
  now_.running = std::max(1.0, std::round(wanted));
  const auto follow = [&](double& average, double minutes) {
    average = wanted + (average - wanted) * std::exp(-seconds / (60 * minutes));
  };
  follow(now_.load1, 1);
  follow(now_.load5, 5);
  follow(now_.load15, 15);
  now_.context_switches += (4000 + 900 * used) * seconds;
  now_.interrupts += (2500 + 500 * used) * seconds;
  now_.forks += 0.5 * seconds;
  // Something waits for a CPU as soon as nearly all are taken, and all the time when all are.
  const double crowded = std::clamp((used / there - 0.85) / 0.15, 0.0, 1.0);
  now_.pressure_cpu += std::min(1.0, 0.004 + 0.4 * crowded + waiting) * seconds;
}

void Host::memory(double seconds, const HostLoad& load) {
  const double taken = kEngineMemory * load.engines + conditions_.memory * kHostMemoryBytes;
  now_.memory_available = std::max(kHostMemoryBytes * 0.004, kHostMemoryBytes * 0.96 - taken);
  now_.cached = std::min(kHostMemoryBytes * 0.1, now_.memory_available * 0.8);
  const double share = now_.memory_available / kHostMemoryBytes;
  const double pressure = std::clamp((0.08 - share) / 0.08, 0.0, 1.0);
  now_.pressure_memory += (0.6 * pressure) * seconds;
  now_.pressure_memory_full += (0.35 * pressure) * seconds;
  now_.major_faults += (1 + 2500 * pressure) * seconds;
  now_.page_faults += (3000 + 20000 * pressure) * seconds;
  now_.swapped_out += 4000 * pressure * seconds;
  if (conditions_.oom && !killed_) now_.oom_kills += 1;
  killed_ = conditions_.oom;
}

void Host::input_output(double seconds, const HostLoad& load) {
  const double read = std::min(kDiskBytesPerSecond, 2e5 + conditions_.disk_read);
  now_.disk_read += read * seconds;
  now_.disk_written += (1.5e6 + conditions_.download) * seconds;
  now_.disk_reads += read / 65536 * seconds;
  now_.disk_writes += 1.5e6 / 16384 * seconds;
  const double busy = std::min(1.0, read / kDiskBytesPerSecond + 0.004);
  now_.disk_io_seconds += busy * seconds;
  const double stalled = conditions_.io_stall;
  now_.pressure_io += std::min(1.0, std::clamp(busy - 0.5, 0.0, 0.5) + stalled) * seconds;
  now_.pressure_io_full += std::min(1.0, std::clamp(busy - 0.8, 0.0, 0.2) + stalled) * seconds;
  now_.disk_available = kDiskBytes * 0.6 * (1 - std::clamp(conditions_.disk_fill, 0.0, 0.999));
  now_.inodes_free = kInodes * 0.98 * (1 - std::clamp(conditions_.inodes_gone, 0.0, 0.999));
  now_.read_only = conditions_.read_only;
  const double received = kBytesPerRequest * load.requests + 2e4 * seconds;
  const double download = std::min(conditions_.download, kNicBytesPerSecond) * seconds;
  const double sent = kBytesPerToken * load.tokens + 3e4 * seconds;
  now_.received += received + download;
  now_.sent += sent;
  now_.packets_in += (received + download) / kPacket;
  now_.packets_out += sent / kPacket;
  now_.drops += conditions_.packet_loss * (received + download) / kPacket;
  now_.retransmitted += (0.0002 + conditions_.packet_loss) * sent / kPacket;
  now_.fabric_bytes += 4e6 * seconds;
  now_.fabric_errors += conditions_.fabric_errors * seconds;
  if (conditions_.fabric_errors > 100) now_.fabric_down += seconds / 300;
}

}  // namespace strata::sim
