#include "collect/gpu_metrics.h"

#include <algorithm>
#include <cmath>

#include "collect/xid.h"

namespace strata::collect {
namespace {

constexpr auto kGauge = MetricType::kGauge;
constexpr auto kCounter = MetricType::kCounter;
constexpr double kMega = 1e6;
using enum GpuGroup;
using V = GpuValue;

struct Canonical {
  std::string_view name;
  MetricType type;
  GpuGroup group;
  V value;
  double factor;
  Label label;  // of its own; empty: none
  std::string_view help;
};

// clang-format off
constexpr Canonical kCanonical[] = {
    {"gpu_utilization_ratio", kGauge, kUtilization, V::kGpuPercent, 0.01, {}, "Share of time in which a kernel ran."},
    {"gpu_memory_copy_ratio", kGauge, kUtilization, V::kMemoryPercent, 0.01, {}, "Share of time in which memory was read or written."},
    {"gpu_encoder_utilization_ratio", kGauge, kUtilization, V::kEncoderPercent, 0.01, {}, "Use of the video encoder."},
    {"gpu_decoder_utilization_ratio", kGauge, kUtilization, V::kDecoderPercent, 0.01, {}, "Use of the video decoder."},
    {"gpu_memory_used_bytes", kGauge, kMemory, V::kMemoryUsedBytes, 1, {}, "Memory in use."},
    {"gpu_memory_free_bytes", kGauge, kMemory, V::kMemoryFreeBytes, 1, {}, "Memory that is free."},
    {"gpu_memory_reserved_bytes", kGauge, kMemory, V::kMemoryReservedBytes, 1, {}, "Memory that the driver keeps for itself."},
    {"gpu_memory_total_bytes", kGauge, kMemory, V::kMemoryTotalBytes, 1, {}, "Memory of the GPU."},
    {"gpu_sm_clock_hertz", kGauge, kClocks, V::kSmClockMhz, kMega, {}, "Clock of the streaming multiprocessors."},
    {"gpu_memory_clock_hertz", kGauge, kClocks, V::kMemoryClockMhz, kMega, {}, "Clock of the memory."},
    {"gpu_performance_state", kGauge, kClocks, V::kPerformanceState, 1, {}, "Performance state: 0 is the fastest."},
    {"gpu_temperature_celsius", kGauge, kTemperature, V::kTemperature, 1, {}, "Temperature of the GPU."},
    {"gpu_memory_temperature_celsius", kGauge, kTemperature, V::kMemoryTemperature, 1, {}, "Temperature of the memory."},
    {"gpu_fan_speed_ratio", kGauge, kTemperature, V::kFanPercent, 0.01, {}, "Fan speed, of the highest."},
    {"gpu_power_watts", kGauge, kPower, V::kPowerMilliwatts, 1e-3, {}, "Power drawn."},
    {"gpu_power_limit_watts", kGauge, kPower, V::kPowerLimitMilliwatts, 1e-3, {}, "Power limit in force."},
    {"gpu_energy_joules_total", kCounter, kPower, V::kEnergyMillijoules, 1e-3, {}, "Energy used since the driver was loaded."},
    {"gpu_throttled_seconds_total", kCounter, kPower, V::kViolationPowerNs, 1e-9, {"reason", "power"}, "Time in which clocks were held back."},
    {"gpu_throttled_seconds_total", kCounter, kPower, V::kViolationThermalNs, 1e-9, {"reason", "thermal"}, ""},
    {"gpu_throttled_seconds_total", kCounter, kPower, V::kViolationSyncBoostNs, 1e-9, {"reason", "sync_boost"}, ""},
    {"gpu_throttled_seconds_total", kCounter, kPower, V::kViolationBoardLimitNs, 1e-9, {"reason", "board_limit"}, ""},
    {"gpu_throttled_seconds_total", kCounter, kPower, V::kViolationLowUtilizationNs, 1e-9, {"reason", "low_utilization"}, ""},
    {"gpu_throttled_seconds_total", kCounter, kPower, V::kViolationReliabilityNs, 1e-9, {"reason", "reliability"}, ""},
    {"gpu_ecc_errors_total", kCounter, kErrors, V::kEccSbeVolatile, 1, {"kind", "correctable"}, "Memory errors since the last reset or reboot (memory=\"volatile\") or in the GPU's life (\"aggregate\")."},
    {"gpu_ecc_errors_total", kCounter, kErrors, V::kEccDbeVolatile, 1, {"kind", "uncorrectable"}, ""},
    {"gpu_ecc_errors_total", kCounter, kErrors, V::kEccSbeAggregate, 1, {"kind", "correctable"}, ""},
    {"gpu_ecc_errors_total", kCounter, kErrors, V::kEccDbeAggregate, 1, {"kind", "uncorrectable"}, ""},
    {"gpu_retired_pages_total", kCounter, kErrors, V::kRetiredSbe, 1, {"kind", "single_bit"}, "Memory pages taken out of use."},
    {"gpu_retired_pages_total", kCounter, kErrors, V::kRetiredDbe, 1, {"kind", "double_bit"}, ""},
    {"gpu_retired_pages_pending", kGauge, kErrors, V::kRetiredPending, 1, {}, "Whether memory pages wait to be taken out of use."},
    {"gpu_remapped_rows_total", kCounter, kErrors, V::kRemappedCorrectable, 1, {"kind", "correctable"}, "Memory rows replaced, by the errors that led to it."},
    {"gpu_remapped_rows_total", kCounter, kErrors, V::kRemappedUncorrectable, 1, {"kind", "uncorrectable"}, ""},
    {"gpu_remapped_rows_pending", kGauge, kErrors, V::kRemappedPending, 1, {}, "Whether memory rows wait for a reset to be replaced."},
    {"gpu_row_remap_failed", kGauge, kErrors, V::kRemappedFailure, 1, {}, "Whether a memory row could not be replaced: the GPU is due for exchange."},
    {"gpu_recovery_action", kGauge, kErrors, V::kRecoveryAction, 1, {}, "What the driver asks for: 0 nothing, 1 GPU reset, 2 reboot, 3 drain, 4 drain and reset."},
    {"gpu_pcie_replays_total", kCounter, kPcie, V::kPcieReplays, 1, {}, "PCIe packets that were sent again."},
    {"gpu_pcie_tx_bytes_total", kCounter, kPcie, V::kPcieTxBytes, 1, {}, "Sent over PCIe since the agent started."},
    {"gpu_pcie_rx_bytes_total", kCounter, kPcie, V::kPcieRxBytes, 1, {}, "Received over PCIe since the agent started."},
    {"gpu_pcie_link_generation", kGauge, kPcie, V::kPcieGeneration, 1, {}, "PCIe generation in use (lower while idle)."},
    {"gpu_pcie_link_generation_max", kGauge, kPcie, V::kPcieMaxGeneration, 1, {}, "PCIe generation that GPU and slot can use."},
    {"gpu_pcie_link_width", kGauge, kPcie, V::kPcieWidth, 1, {}, "PCIe lanes in use."},
    {"gpu_pcie_link_width_max", kGauge, kPcie, V::kPcieMaxWidth, 1, {}, "PCIe lanes that GPU and slot can use."},
    {"gpu_nvlink_tx_bytes_total", kCounter, kNvlink, V::kNvlinkTxBytes, 1, {}, "Data sent over NVLink."},
    {"gpu_nvlink_rx_bytes_total", kCounter, kNvlink, V::kNvlinkRxBytes, 1, {}, "Data received over NVLink."},
    {"gpu_nvlink_errors_total", kCounter, kNvlink, V::kNvlinkCrcFlit, 1, {"kind", "crc_flit"}, "NVLink errors."},
    {"gpu_nvlink_errors_total", kCounter, kNvlink, V::kNvlinkCrcData, 1, {"kind", "crc_data"}, ""},
    {"gpu_nvlink_errors_total", kCounter, kNvlink, V::kNvlinkReplay, 1, {"kind", "replay"}, ""},
    {"gpu_nvlink_errors_total", kCounter, kNvlink, V::kNvlinkRecovery, 1, {"kind", "recovery"}, ""},
    {"gpu_engine_active_ratio", kGauge, kProfiling, V::kProfGraphicsPercent, 0.01, {}, "Share of time in which any engine was active."},
    {"gpu_sm_active_ratio", kGauge, kProfiling, V::kProfSmPercent, 0.01, {}, "Share of multiprocessor cycles with at least one warp assigned."},
    {"gpu_sm_occupancy_ratio", kGauge, kProfiling, V::kProfSmOccupancyPercent, 0.01, {}, "Resident warps, of those that could be."},
    {"gpu_tensor_active_ratio", kGauge, kProfiling, V::kProfTensorPercent, 0.01, {}, "Share of cycles in which a tensor pipe was active."},
    {"gpu_dram_active_ratio", kGauge, kProfiling, V::kProfDramPercent, 0.01, {}, "Share of cycles in which the memory interface moved data."},
    {"gpu_fp64_active_ratio", kGauge, kProfiling, V::kProfFp64Percent, 0.01, {}, "Share of cycles in which an FP64 pipe was active."},
    {"gpu_fp32_active_ratio", kGauge, kProfiling, V::kProfFp32Percent, 0.01, {}, "Share of cycles in which an FP32 pipe was active."},
    {"gpu_fp16_active_ratio", kGauge, kProfiling, V::kProfFp16Percent, 0.01, {}, "Share of cycles in which an FP16 pipe was active."},
    {"gpu_processes", kGauge, kProcesses, V::kProcesses, 1, {}, "Processes that compute on the GPU."},
};
// clang-format on

// What a MIG instance can tell apart from the rest of its GPU.
bool is_of_instance(GpuGroup group) { return group == kMemory || group == kProfiling; }

// Divides by whole numbers: 57 * 0.01 is not 0.57.
double scaled(double value, double factor) {
  return factor < 1 ? value / std::round(1 / factor) : value * factor;
}

double classic_value(const DcgmField& field, double value) {
  const double in_unit = scaled(value, field.factor);
  return field.group == kMemory ? std::floor(in_unit) : in_unit;  // DCGM counts whole MiB
}

void append_pod(std::vector<Label>& labels, const PodsByDevice& pods, std::string_view device) {
  const auto found = pods.find(device);
  if (found == pods.end()) return;
  labels.push_back({"pod", found->second.pod});
  labels.push_back({"namespace", found->second.namespace_});
  labels.push_back({"container", found->second.container});
}

struct GpuLabels {
  GpuLabels(const GpuMetricsOptions& options, const GpuReading& gpu, const PodsByDevice& pods)
      : index(std::to_string(gpu.index)),
        canonical{{"node", options.node}, {"gpu", index}, {"uuid", gpu.uuid}} {
    append_pod(canonical, pods, gpu.uuid);
  }
  GpuLabels(const GpuLabels&) = delete;
  GpuLabels& operator=(const GpuLabels&) = delete;

  std::vector<Label> with(std::initializer_list<Label> more) const {
    std::vector<Label> all = canonical;
    all.insert(all.end(), more);
    return all;
  }

  std::string index;
  std::vector<Label> canonical;
};

void add_throttle_reasons(const GpuReading& gpu, const GpuLabels& labels, Families& out) {
  const double reasons = gpu.values[V::kEventReasons];
  if (std::isnan(reasons)) return;
  const auto family =
      out.gauge("gpu_throttle_reason", "1 while this is why the clocks are held down.");
  for (const ThrottleReason& reason : kThrottleReasons) {
    family.add((static_cast<uint64_t>(reasons) & reason.bit) != 0 ? 1 : 0,
               labels.with({{"reason", reason.name}}));
  }
}

void add_xids(const GpuReading& gpu, const GpuLabels& labels, Families& out) {
  if (std::isnan(gpu.values[V::kXidLast])) return;
  std::map<uint32_t, uint64_t> xids = gpu.xids;
  for (const Xid& xid : known_xids()) {
    if (xid.hardware) xids.try_emplace(xid.code, 0);
  }
  const auto family =
      out.counter("gpu_xid_errors_total", "Xid errors since the agent started, by code.");
  for (const auto& [code, count] : xids) {
    family.add(static_cast<double>(count), labels.with({{"xid", std::to_string(code)}}));
  }
}

}  // namespace

GpuMetrics::GpuMetrics(GpuMetricsOptions options)
    : options_(std::move(options)), proc_(options_.procfs) {}

void GpuMetrics::add(const GpuSnapshot& snapshot, GpuGroups groups, const PodsByDevice& pods,
                     Families& out) {
  if (snapshot.absent) return;
  add_up(snapshot, pods, out);
  add_classic(snapshot, groups, pods, out);
  add_canonical(snapshot, groups, pods, out);
  if (groups.has(kProcesses)) add_processes(snapshot, pods, out);
}

void GpuMetrics::add_up(const GpuSnapshot& snapshot, const PodsByDevice& pods,
                        Families& out) const {
  const auto up = out.gauge(
      "gpu_up", "Whether the GPU answers; 0 has the reason. Without gpu: the driver as a whole.");
  if (snapshot.gpus.empty()) {
    // A driver without GPUs is as good as none to who put an agent there.
    const std::string& reason = snapshot.problem.empty() ? "there is no GPU" : snapshot.problem;
    up.add(0, {{"node", options_.node}, {"reason", reason}});
  }
  const auto info = out.gauge("gpu_info", "What the GPU is; always 1.");
  for (const GpuReading& gpu : snapshot.gpus) {
    const GpuLabels labels(options_, gpu, pods);
    up.add(gpu.problem.empty() ? 1 : 0, labels.with({{"reason", gpu.problem}}));
    info.add(1,
             labels.with({{"model", gpu.model}, {"driver", gpu.driver}, {"pci", gpu.pci_bus_id}}));
  }
}

void GpuMetrics::add_classic(const GpuSnapshot& snapshot, GpuGroups groups,
                             const PodsByDevice& pods, Families& out) const {
  for (const DcgmFieldList::Metric& metric : options_.fields.metrics) {
    if (!groups.has(metric.field->group)) continue;
    const auto family = out.family(metric.name, metric.type, metric.help);
    for (const GpuReading& gpu : snapshot.gpus) {
      if (!gpu.nvidia) continue;
      const std::string index = std::to_string(gpu.index);
      const std::string device = "nvidia" + index;
      std::vector<Label> labels = {{"gpu", index},
                                   {options_.uuid_label, gpu.uuid},
                                   {"pci_bus_id", gpu.pci_bus_id},
                                   {"device", device},
                                   {"modelName", gpu.model}};
      if (!options_.hostname_label.empty()) {
        labels.push_back({options_.hostname_label, options_.node});
      }
      for (const std::string& name : options_.fields.labels) {
        const auto fact = gpu.facts.find(name);
        if (fact != gpu.facts.end()) labels.push_back({name, fact->second});
      }
      const size_t common = labels.size();
      const double value = gpu.values[metric.field->value];
      std::string code;
      if (!std::isnan(value)) {
        if (metric.field->value == V::kXidLast) {
          code = std::to_string(static_cast<uint32_t>(value));
          labels.push_back({"err_code", code});
          labels.push_back({"err_msg", xid_meaning(static_cast<uint32_t>(value))});
        }
        append_pod(labels, pods, gpu.uuid);
        family.add(classic_value(*metric.field, value), labels);
      }
      if (!is_of_instance(metric.field->group)) continue;
      for (const GpuInstance& instance : gpu.instances) {
        const double part = instance.values[metric.field->value];
        if (std::isnan(part)) continue;
        const std::string id = std::to_string(instance.id);
        labels.resize(common);
        labels.push_back({"GPU_I_PROFILE", instance.profile});
        labels.push_back({"GPU_I_ID", id});
        append_pod(labels, pods, instance.uuid);
        family.add(classic_value(*metric.field, part), labels);
      }
    }
  }
}

void GpuMetrics::add_canonical(const GpuSnapshot& snapshot, GpuGroups groups,
                               const PodsByDevice& pods, Families& out) const {
  for (const GpuReading& gpu : snapshot.gpus) {
    const GpuLabels labels(options_, gpu, pods);
    for (const Canonical& row : kCanonical) {
      const double value = gpu.values[row.value];
      if (!groups.has(row.group) || std::isnan(value)) continue;
      std::vector<Label> all = labels.canonical;
      if (!row.label.name.empty()) all.push_back(row.label);
      if (row.value == V::kEccSbeVolatile || row.value == V::kEccDbeVolatile) {
        all.push_back({"memory", "volatile"});
      } else if (row.value == V::kEccSbeAggregate || row.value == V::kEccDbeAggregate) {
        all.push_back({"memory", "aggregate"});
      }
      out.family(row.name, row.type, row.help).add(scaled(value, row.factor), all);
    }
    for (const GpuInstance& instance : gpu.instances) {
      const std::string id = std::to_string(instance.id);
      for (const Canonical& row : kCanonical) {
        const double value = instance.values[row.value];
        if (!is_of_instance(row.group) || std::isnan(value)) continue;
        const std::string name = "gpu_mig" + std::string(row.name.substr(3));
        out.family(name, row.type, row.help)
            .add(scaled(value, row.factor), labels.with({{"mig_instance", id},
                                                         {"mig_profile", instance.profile},
                                                         {"mig_uuid", instance.uuid}}));
      }
    }
    if (groups.has(kClocks)) add_throttle_reasons(gpu, labels, out);
    if (groups.has(kErrors)) add_xids(gpu, labels, out);
  }
}

void GpuMetrics::add_processes(const GpuSnapshot& snapshot, const PodsByDevice& pods,
                               Families& out) {
  const auto family =
      out.gauge("gpu_process_memory_bytes", "Memory of the GPU that a process uses.");
  for (const GpuReading& gpu : snapshot.gpus) {
    const GpuLabels labels(options_, gpu, pods);
    for (const GpuProcess& process : gpu.processes) {
      if (std::isnan(process.memory_bytes)) continue;
      const std::string pid = std::to_string(process.pid);
      const auto name = proc_.read(pid + "/comm");
      const std::string comm(name ? name->substr(0, name->find('\n')) : std::string_view());
      family.add(process.memory_bytes, labels.with({{"pid", pid}, {"process", comm}}));
    }
  }
}

}  // namespace strata::collect
