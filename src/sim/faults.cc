#include "sim/faults.h"

#include <algorithm>

namespace strata::sim {
namespace {

using C = NodeConditions;

// The parts that a place names; an index that the node does not have names none.
template <class T>
std::span<T> picked(std::vector<T>& parts, int index) {
  if (index < 0) return parts;
  if (static_cast<size_t>(index) >= parts.size()) return {};
  return {&parts[static_cast<size_t>(index)], 1};
}
std::span<EngineConditions> engines(const Moment& m, C& c) {
  return picked(c.engines, m.place.engine);
}
std::span<GpuConditions> gpus(const Moment& m, C& c) { return picked(c.gpus, m.place.gpu); }

template <auto Member, class V>
void set_engines(const Moment& m, C& c, V value) {
  for (auto& e : engines(m, c)) e.*Member = value;
}
template <auto Member, class V>
void set_gpus(const Moment& m, C& c, V value) {
  for (auto& g : gpus(m, c)) g.*Member = value;
}
template <auto Member>
void scale_engines(const Moment& m, C& c, double factor) {
  for (auto& e : engines(m, c)) e.*Member *= factor;
}

using E = EngineConditions;
using G = GpuConditions;

void traffic_surge(const Moment& m, C& c) {
  // Sequences are what runs out, not the cache: as on a server with a small --max-num-seqs.
  scale_engines<&E::arrivals>(m, c, 1 + 5 * m.severity);
  set_engines<&E::max_seqs>(m, c, 0.125);
}
void kv_saturation(const Moment& m, C& c) {
  scale_engines<&E::kv>(m, c, 1 - 0.85 * m.severity);
  scale_engines<&E::output>(m, c, 1 + 3 * m.severity);
  scale_engines<&E::arrivals>(m, c, 1 + m.severity);
}
void long_prompts(const Moment& m, C& c) { scale_engines<&E::prompt>(m, c, 1 + 2 * m.severity); }
void prefix_cache_collapse(const Moment& m, C& c) { set_engines<&E::hit>(m, c, 1 - m.severity); }
void batch_growth(const Moment& m, C& c) { scale_engines<&E::output>(m, c, 1 + 5 * m.severity); }
void chunk_interference(const Moment& m, C& c) {
  set_engines<&E::giant_share>(m, c, 0.02 + 0.04 * m.severity);
  set_engines<&E::giant_tokens>(m, c, 16000.0);
}
void speculation_collapse(const Moment& m, C& c) {
  set_engines<&E::acceptance>(m, c, 1 - 0.85 * m.severity);
}
void head_of_line(const Moment& m, C& c) {
  set_engines<&E::deferred>(m, c, 2 + 10 * m.severity);
  set_engines<&E::frontend>(m, c, 0.4 * m.severity);
}
void frontend_bound(const Moment& m, C& c) {
  set_engines<&E::proxy>(m, c, 1.5 * m.severity);
  set_engines<&E::stall>(m, c, 0.004 * m.severity);
  c.host.busy = std::max(c.host.busy, 0.75 + 0.15 * m.severity);
}
void thermal_throttle(const Moment& m, C& c) { set_gpus<&G::cooling>(m, c, 1 + 4.5 * m.severity); }
void power_cap(const Moment& m, C& c) { set_gpus<&G::power_cap>(m, c, 500 - 340 * m.severity); }
void straggler_gpu(const Moment& m, C& c) { set_gpus<&G::clock_limit>(m, c, 1 - 0.6 * m.severity); }
void gpu_lost(const Moment& m, C& c) {
  set_gpus<&G::xid>(m, c, 79U);
  set_gpus<&G::lost>(m, c, true);
}
void memory_degradation(const Moment& m, C& c) {
  set_gpus<&G::correctable>(m, c, 0.5 + 5 * m.severity);
  set_gpus<&G::remapped>(m, c, 0.004 + 0.02 * m.severity);
  set_gpus<&G::remap_pending>(m, c, true);
  set_engines<&E::communication>(m, c, 0.002 * m.severity);
  // Towards its end the rows run out, and the driver says so.
  if (m.left > 180 || m.severity < 0.7) return;
  set_gpus<&G::remap_failed>(m, c, true);
  set_gpus<&G::xid>(m, c, 64U);
}
void nvlink_errors(const Moment& m, C& c) {
  set_gpus<&G::nvlink_errors>(m, c, 20 + 400 * m.severity);
  set_gpus<&G::nvlink>(m, c, 1 - 0.6 * m.severity);
  // Collectives are repeated until the link has them through.
  set_engines<&E::communication>(m, c, 0.35 * m.severity);
  if (m.severity > 0.7) set_gpus<&G::xid>(m, c, 74U);
}
void pcie_degradation(const Moment& m, C& c) {
  set_gpus<&G::pcie_width>(m, c, m.severity > 0.7 ? 1 : m.severity > 0.3 ? 4 : 8);
  set_gpus<&G::pcie_replays>(m, c, 1 + 30 * m.severity);
}
void kv_transfer(const Moment& m, C& c) {
  set_engines<&E::kv_transfer>(m, c, 1.5 * m.severity);
  c.host.fabric_errors = 200 * m.severity;
}
void host_cpu(const Moment& m, C& c) {
  c.host.busy = std::max(c.host.busy, 0.95 + 1.3 * m.severity);
  c.host.steal = 0.15 * m.severity;
  for (auto& e : c.engines) e.stall = 0.02 * m.severity, e.frontend = 0.25 * m.severity;
}
void host_memory(const Moment& m, C& c) {
  c.host.memory = 0.90 + 0.07 * m.severity;
  c.host.oom = m.severity > 0.8 && m.age > 60;
  for (auto& e : c.engines) e.stall = 0.015 * m.severity, e.frontend = 0.15 * m.severity;
}
void slow_start(const Moment& m, C& c) {
  for (auto& e : engines(m, c)) e.loading = true, e.restarts = 1;
  c.host.disk_read = 5.5e9 * m.severity;
  c.host.download = 2.5e9 * m.severity;
}
void noisy_tenant(const Moment& m, C& c) {
  const double more = 1 + 3 * m.severity;
  scale_engines<&E::arrivals>(m, c, more);
  set_engines<&E::noisy_share>(m, c, 1 - 1 / more);
  set_engines<&E::max_seqs>(m, c, 0.125);
}
void deploy(const Moment& m, C& c) {
  for (auto& e : engines(m, c)) {
    e.version = 1, e.restarts = 1;
    e.down = m.age < 20;
    e.output = 1 + 0.8 * m.severity;
  }
}
void replica_imbalance(const Moment& m, C& c) {
  // Replicas that are not in the place keep what is left of the traffic.
  for (size_t i = 0; i < c.engines.size(); ++i) {
    const bool hot = m.place.engine < 0 || static_cast<size_t>(m.place.engine) == i;
    c.engines[i].arrivals *= hot ? 1 + 4 * m.severity : 1 - 0.8 * m.severity;
    if (hot) c.engines[i].max_seqs = 0.125;
  }
}
void output_growth(const Moment& m, C& c) {
  scale_engines<&E::output>(m, c, 1 + 2 * m.severity);
  set_engines<&E::length_share>(m, c, 0.4 * m.severity);
}
void client_errors(const Moment& m, C& c) {
  set_engines<&E::abort_share>(m, c, 0.4 * m.severity);
  set_engines<&E::refused_share>(m, c, 0.2 * m.severity);
}
void engine_hang(const Moment& m, C& c) { set_engines<&E::hung>(m, c, true); }
void exporter_down(const Moment&, C& c) { c.targets.gpu_down = true; }
void profiling_gone(const Moment& m, C& c) { set_gpus<&G::no_profiling>(m, c, true); }
void idle_fleet(const Moment& m, C& c) { scale_engines<&E::arrivals>(m, c, 1 - m.severity); }

void engine_crash(const Moment& m, C& c) { set_engines<&E::down>(m, c, true); }
void gpu_application_xid(const Moment& m, C& c) {
  set_gpus<&G::xid>(m, c, 31U);
  for (auto& e : engines(m, c)) e.down = m.age < 30;
}
void power_brake(const Moment& m, C& c) { set_gpus<&G::brake>(m, c, true); }
void disk_filling(const Moment& m, C& c) {
  // In three quarters of its time; then it stays as full as it is.
  c.host.disk_fill = m.severity * std::min(1.0, m.age / std::max(1.0, 0.75 * (m.age + m.left)));
}
void inodes_gone(const Moment& m, C& c) { c.host.inodes_gone = m.severity; }
void disk_read_only(const Moment&, C& c) { c.host.read_only = true; }
void disk_slow(const Moment& m, C& c) { c.host.io_stall = 0.8 * m.severity; }
void gpu_memory_leak(const Moment& m, C& c) {
  set_gpus<&G::leaked>(m, c, 0.07 * m.severity * std::min(1.0, m.age / 600));
}
void engine_asleep(const Moment& m, C& c) { set_engines<&E::asleep>(m, c, true); }
void engine_errors(const Moment& m, C& c) { set_engines<&E::error_share>(m, c, 0.4 * m.severity); }
void exporter_gone(const Moment&, C& c) { c.targets.gpu_gone = true; }
void exporter_slow(const Moment& m, C& c) { c.targets.gpu_seconds = 4.5 * m.severity; }
void late_samples(const Moment& m, C& c) {
  // Every second time later than the last: out of order for whoever stores them.
  const bool later = static_cast<uint64_t>(m.age / 15) % 2 == 1;
  c.targets.gpu_late = m.severity * (later ? 90 : 30);
}
void duplicate_samples(const Moment&, C& c) { c.targets.gpu_twice = true; }
void network_loss(const Moment& m, C& c) {
  c.host.packet_loss = 0.08 * m.severity;
  set_engines<&E::proxy>(m, c, 0.8 * m.severity);
}
void counter_reset(const Moment& m, C& c) {
  set_engines<&E::restarts>(m, c, 1 + static_cast<uint32_t>(m.age / 120));
}
void exporter_hang(const Moment&, C& c) {
  c.targets.gpu_hangs = true;
  c.targets.engine_hangs = true;
}
void clock_skew(const Moment& m, C& c) { c.host.clock_skew = 90 * m.severity; }
void label_churn(const Moment& m, C& c) {
  set_engines<&E::churn>(m, c, 1 + static_cast<uint32_t>(m.age / 10));
}

// In the order of the knowledge base's causes, then the rest.
constexpr FaultKind kKinds[] = {
    {"traffic-surge", 1, "more requests than the engine has sequences for",
     "waiting rises, queue time is most of the time to the first token; the cache is not full",
     traffic_surge},
    {"kv-saturation", 2, "the KV cache fills up: long outputs and little room",
     "KV usage above 0.9, preemptions, waiting", kv_saturation},
    {"long-prompts", 3, "prompts get longer", "prompt lengths and prefill time up", long_prompts},
    {"prefix-cache-collapse", 4, "prefixes are no longer found in the cache",
     "hit share down, computed tokens up; prompt lengths as they were", prefix_cache_collapse},
    {"batch-growth", 5, "outputs get longer, so more requests run together",
     "running up, gaps between tokens up, DRAM busy", batch_growth},
    {"chunk-interference", 6, "a few giant prompts are prefilled between others' tokens",
     "P99 of the gaps up, median as it was", chunk_interference},
    {"speculation-collapse", 7, "drafted tokens are not accepted any more",
     "accepted over drafted down, gaps up", speculation_collapse},
    {"head-of-line", 8, "requests wait for adapters or grammars", "waiting{deferred} with KV low",
     head_of_line},
    {"frontend-bound", 9, "gateway and API server have no CPU to spare",
     "the gateway's time to the first token grows, the engine's does not; CPU pressure",
     frontend_bound},
    {"thermal-throttle", 10, "a GPU's cooling fails", "temperature at 87 and above, clocks down",
     thermal_throttle},
    {"power-cap", 11, "a power limit is set", "power at the limit, clocks down", power_cap},
    {"straggler-gpu", 12, "one GPU of a group is slow and says nothing",
     "its clock below its peers', their tensor activity down", straggler_gpu},
    {"gpu-lost", 13, "a GPU falls off the bus", "Xid 79, its series end, its engine is down",
     gpu_lost},
    {"memory-degradation", 14, "a GPU's memory wears out",
     "correctable errors and remapped rows rise; at the end Xid 64", memory_degradation},
    {"nvlink-errors", 15, "an NVLink goes bad", "CRC and replay errors rise, gaps up",
     nvlink_errors},
    {"pcie-degradation", 16, "a PCIe link trains narrow", "link width below its best, replays",
     pcie_degradation},
    {"kv-transfer", 17, "the path from prefill to decode engines is slow",
     "NIXL's transfer time up, InfiniBand errors", kv_transfer},
    {"host-cpu", 18, "the host's CPUs are taken by others",
     "CPU pressure, load, steal; every engine of the node is slow", host_cpu},
    {"host-memory", 19, "the host's memory is taken by others",
     "memory pressure, major faults, little available", host_memory},
    {"slow-start", 20, "weights load slowly", "up without tokens, disk and network busy",
     slow_start},
    {"noisy-tenant", 21, "one tenant asks several times as much as usual",
     "its share of the tokens jumps, waiting rises", noisy_tenant},
    {"deploy", 22, "a new version is rolled out", "the process is younger, its model's name new",
     deploy, true},
    {"replica-imbalance", 23, "the router prefers one replica",
     "its waiting and KV far above its peers'", replica_imbalance},
    {"output-growth", 24, "outputs get longer and hit max_tokens",
     "output lengths and finished_reason=length up", output_growth},
    {"client-errors", 25, "clients leave, or ask for what is refused",
     "abort share and HTTP 4xx up, latency as it was", client_errors},
    {"engine-hang", 26, "the engine answers scrapes and schedules nothing",
     "running above 0, no tokens; GPUs at 100 % and near idle power", engine_hang},
    {"exporter-down", 27, "the GPU exporter is gone; the engines are not",
     "up 0 for it alone; tokens flow", exporter_down},
    {"idle-fleet", 28, "hardly anyone asks", "running near 0 with weights loaded", idle_fleet},
    {"engine-crash", 0, "the engine's process is gone; restarts at the end",
     "up 0, errors at the gateway", engine_crash},
    {"application-xid", 13, "a kernel of the engine reads where it must not",
     "Xid 31, the engine restarts, the GPU stays", gpu_application_xid},
    {"power-brake", 11, "the rack's power brake is pulled", "reasons 0x80, clocks down",
     power_brake},
    {"profiling-gone", 27, "the exporter's profiling module reads 0",
     "DCGM_FI_PROF_* 0 while GPU_UTIL is high", profiling_gone},
    {"disk-filling", 0, "the root file system fills up", "available bytes fall", disk_filling},
    {"inodes-gone", 0, "small files use up all inodes", "free inodes near 0, bytes available",
     inodes_gone},
    {"disk-read-only", 0, "the kernel mounts the root file system read-only after errors",
     "node_filesystem_readonly 1", disk_read_only},
    {"disk-slow", 0, "the disk answers slowly", "IO pressure, without bytes to speak of",
     disk_slow},
    {"gpu-memory-leak", 0, "something beside the engine takes GPU memory",
     "used memory grows to the limit within ten minutes", gpu_memory_leak},
    {"engine-asleep", 28, "the engine has put its weights away and nobody wakes it",
     "sleep state, waiting without running", engine_asleep},
    {"engine-errors", 0, "the engine ends requests with errors of its own",
     "finished_reason=error, HTTP 5xx; everything else as it was", engine_errors},
    {"network-loss", 0, "packets are lost",
     "drops and retransmissions; clients slower than engines", network_loss},
    {"counter-reset", 0, "the engine restarts every two minutes", "counters fall to 0",
     counter_reset},
    {"exporter-hang", 27, "exporters take a scrape and say nothing", "scrapes end by timeout",
     exporter_hang},
    {"exporter-gone", 27, "discovery does not list the GPU exporter any more",
     "its up is not 0 but absent", exporter_gone},
    {"exporter-slow", 27, "the GPU exporter takes seconds to answer",
     "scrape_duration_seconds near the timeout", exporter_slow},
    {"late-samples", 27, "the GPU exporter's samples carry times up to 90 s ago, out of order",
     "its series lag behind those of the engines", late_samples},
    {"duplicate-samples", 27, "the GPU exporter says every sample twice",
     "scrapes as they were, duplicates counted", duplicate_samples},
    {"clock-skew", 0, "the host's clock is off", "node_time_seconds away from time()", clock_skew},
    {"label-churn", 0, "adapters come and go in labels", "new series all the time", label_churn},
};

}  // namespace

std::span<const FaultKind> fault_kinds() { return kKinds; }

const FaultKind* find_fault_kind(std::string_view name) {
  const auto* found = std::ranges::find(kKinds, name, &FaultKind::name);
  return found == std::end(kKinds) ? nullptr : found;
}

}  // namespace strata::sim
