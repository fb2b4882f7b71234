#include <fmt/format.h>

#include <cmath>
#include <functional>
#include <map>

#include "sim/body.h"
#include "sim/expositions.h"

namespace strata::sim {
namespace {

constexpr std::string_view kDriver = "580.95.05";
constexpr double kMebibyte = 1024.0 * 1024;

std::string pci_of(uint32_t gpu) { return fmt::format("00000000:{:02X}:00.0", 0x07 + 0x10 * gpu); }

// Those that the agent counts from 0 on; a program's own begin with the first.
constexpr uint32_t kHardwareXids[] = {38,  46,  48,  61,  62,  63,  64,  74,  79,  92,  94,  95,
                                      110, 119, 120, 121, 122, 136, 137, 140, 143, 144, 145, 154};

std::string_view xid_message(uint32_t xid) {
  switch (xid) {
    case 0: return "No Error";
    case 31: return "GPU memory page fault";
    case 64: return "ECC page retirement or row remapper recording failure";
    case 74: return "NVLINK Error";
    case 79: return "GPU has fallen off the bus";
    default: return "Unknown Error";
  }
}

double total_mebibytes(const Gpu& gpu) { return std::floor(gpu.model().memory_bytes / kMebibyte); }
double reserved_mebibytes() { return 559; }
double used_mebibytes(const Gpu& gpu) {
  return std::floor(total_mebibytes(gpu) * gpu.readings().memory_used_share);
}
double profiled(const Gpu& gpu, double value) { return gpu.conditions().no_profiling ? 0 : value; }

/// One of dcgm-exporter's counters.
struct DcgmField {
  std::string_view name;
  std::string_view type;
  std::string_view help;
  double (*value)(const Gpu&);
};

using R = const Gpu&;
constexpr DcgmField kDcgmFields[] = {
    // The default counters, in the order of its CSV.
    {"DCGM_FI_DEV_SM_CLOCK", "gauge", "SM clock frequency (in MHz).",
     [](R g) { return std::round(g.model().sm_clock_mhz * g.readings().clock / 15) * 15; }},
    {"DCGM_FI_DEV_MEM_CLOCK", "gauge", "Memory clock frequency (in MHz).",
     [](R g) { return g.model().memory_clock_mhz; }},
    {"DCGM_FI_DEV_MEMORY_TEMP", "gauge", "Memory temperature (in C).",
     [](R g) { return std::round(g.readings().memory_celsius); }},
    {"DCGM_FI_DEV_GPU_TEMP", "gauge", "GPU temperature (in C).",
     [](R g) { return std::round(g.readings().celsius); }},
    {"DCGM_FI_DEV_POWER_USAGE", "gauge", "Power draw (in W).",
     [](R g) { return std::round(g.readings().power_watts * 1000) / 1000; }},
    {"DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", "counter", "Energy since the driver was loaded (mJ).",
     [](R g) { return std::floor(g.readings().energy_joules * 1000); }},
    {"DCGM_FI_DEV_PCIE_REPLAY_COUNTER", "counter", "PCIe retries.",
     [](R g) { return std::floor(g.readings().pcie_replays); }},
    {"DCGM_FI_DEV_GPU_UTIL", "gauge", "GPU utilization (in %).",
     [](R g) { return std::round(g.readings().utilization * 100); }},
    {"DCGM_FI_DEV_MEM_COPY_UTIL", "gauge", "Memory utilization (in %).",
     [](R g) { return std::round(g.readings().dram_active * 60); }},
    {"DCGM_FI_DEV_ENC_UTIL", "gauge", "Encoder utilization (in %).", [](R) { return 0.0; }},
    {"DCGM_FI_DEV_DEC_UTIL", "gauge", "Decoder utilization (in %).", [](R) { return 0.0; }},
    {"DCGM_FI_DEV_XID_ERRORS", "gauge", "Value of the last XID error encountered.",
     [](R g) { return static_cast<double>(g.readings().xid); }},
    {"DCGM_FI_DEV_FB_FREE", "gauge", "Framebuffer memory free (in MiB).",
     [](R g) { return total_mebibytes(g) - reserved_mebibytes() - used_mebibytes(g); }},
    {"DCGM_FI_DEV_FB_USED", "gauge", "Framebuffer memory used (in MiB).", used_mebibytes},
    {"DCGM_FI_DEV_FB_RESERVED", "gauge", "Framebuffer memory reserved (in MiB).",
     [](R) { return reserved_mebibytes(); }},
    {"DCGM_FI_DEV_NVLINK_BANDWIDTH_TOTAL", "counter", "NVLink bandwidth of all lanes.",
     [](R g) { return std::floor(g.readings().nvlink_bytes_per_second / 1e6); }},
    {"DCGM_FI_DEV_VGPU_LICENSE_STATUS", "gauge", "vGPU license status.", [](R) { return 0.0; }},
    {"DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS", "counter",
     "Rows remapped for uncorrectable errors.",
     [](R g) { return std::floor(g.readings().rows_uncorrectable); }},
    {"DCGM_FI_DEV_CORRECTABLE_REMAPPED_ROWS", "counter", "Rows remapped for correctable errors.",
     [](R g) { return std::floor(g.readings().rows_correctable); }},
    {"DCGM_FI_DEV_ROW_REMAP_FAILURE", "gauge", "Whether remapping of rows has failed.",
     [](R g) { return g.conditions().remap_failed ? 1.0 : 0.0; }},
    {"DCGM_FI_PROF_GR_ENGINE_ACTIVE", "gauge", "Ratio of time the graphics engine is active.",
     [](R g) { return profiled(g, g.readings().utilization); }},
    {"DCGM_FI_PROF_PIPE_TENSOR_ACTIVE", "gauge", "Ratio of cycles the tensor pipe is active.",
     [](R g) { return profiled(g, g.readings().tensor_active); }},
    {"DCGM_FI_PROF_DRAM_ACTIVE", "gauge", "Ratio of cycles the memory interface is active.",
     [](R g) { return profiled(g, g.readings().dram_active); }},
    {"DCGM_FI_PROF_PCIE_TX_BYTES", "gauge", "PCIe transmit rate (in bytes/s).",
     [](R g) { return profiled(g, std::floor(g.readings().pcie_bytes_per_second * 0.4)); }},
    {"DCGM_FI_PROF_PCIE_RX_BYTES", "gauge", "PCIe receive rate (in bytes/s).",
     [](R g) { return profiled(g, std::floor(g.readings().pcie_bytes_per_second * 0.6)); }},
    // Lines that people add to it.
    {"DCGM_FI_PROF_SM_ACTIVE", "gauge", "Ratio of cycles an SM has a warp assigned.",
     [](R g) { return profiled(g, g.readings().sm_active); }},
    {"DCGM_FI_DEV_ENFORCED_POWER_LIMIT", "gauge", "Power limit in force (in W).",
     [](R g) { return g.readings().power_limit_watts; }},
    {"DCGM_FI_DEV_CLOCKS_EVENT_REASONS", "gauge", "Why the clocks are held down (bits).",
     [](R g) { return static_cast<double>(g.readings().reasons); }},
    {"DCGM_FI_DEV_POWER_VIOLATION", "counter", "Throttling for power (in ns).",
     [](R g) { return std::floor(g.readings().power_violation_seconds * 1e9); }},
    {"DCGM_FI_DEV_THERMAL_VIOLATION", "counter", "Throttling for heat (in ns).",
     [](R g) { return std::floor(g.readings().thermal_violation_seconds * 1e9); }},
    {"DCGM_FI_DEV_ECC_SBE_VOL_TOTAL", "counter", "Single-bit errors since the driver was loaded.",
     [](R g) { return std::floor(g.readings().ecc_correctable); }},
    {"DCGM_FI_DEV_ECC_DBE_VOL_TOTAL", "counter", "Double-bit errors since the driver was loaded.",
     [](R g) { return std::floor(g.readings().ecc_uncorrectable); }},
    {"DCGM_FI_DEV_ROW_REMAP_PENDING", "gauge", "Whether rows wait to be remapped.",
     [](R g) { return g.conditions().remap_pending ? 1.0 : 0.0; }},
    {"DCGM_FI_DEV_NVLINK_CRC_FLIT_ERROR_COUNT_TOTAL", "counter", "NVLink flow-control CRC errors.",
     [](R g) { return std::floor(g.readings().nvlink_errors); }},
    {"DCGM_FI_DEV_NVLINK_REPLAY_ERROR_COUNT_TOTAL", "counter", "NVLink retries.",
     [](R g) { return std::floor(g.readings().nvlink_replays); }},
    {"DCGM_FI_DEV_PCIE_LINK_GEN", "gauge", "PCIe generation in use.",
     [](R g) { return static_cast<double>(g.model().pcie_gen); }},
    {"DCGM_FI_DEV_PCIE_LINK_WIDTH", "gauge", "PCIe lanes in use.",
     [](R g) { return static_cast<double>(g.conditions().pcie_width); }},
    {"DCGM_FI_DEV_PCIE_MAX_LINK_GEN", "gauge", "PCIe generation at best.",
     [](R g) { return static_cast<double>(g.model().pcie_gen); }},
    {"DCGM_FI_DEV_PCIE_MAX_LINK_WIDTH", "gauge", "PCIe lanes at best.", [](R) { return 16.0; }},
};

std::string dcgm_labels(const Node& node, const Gpu& gpu, uint32_t index) {
  return label_text({{"gpu", std::to_string(index)},
                     {"UUID", gpu.uuid()},
                     {"pci_bus_id", pci_of(index)},
                     {"device", fmt::format("nvidia{}", index)},
                     {"modelName", gpu.model().title},
                     {"hostname", node.name()},
                     {"DCGM_FI_DRIVER_VERSION", kDriver}});
}

/// One of the agent's canonical metrics of a GPU.
struct AgentField {
  std::string_view name;
  std::string_view type;
  std::string_view help;
  double (*value)(const Gpu&);
  std::string_view more = {};  // further labels; a family may have several
};

constexpr AgentField kAgentFields[] = {
    {"gpu_utilization_ratio", "gauge", "Share of the time in which any kernel ran.",
     [](R g) { return g.readings().utilization; }},
    {"gpu_sm_active_ratio", "gauge", "Share of cycles in which a multiprocessor had a warp.",
     [](R g) { return g.readings().sm_active; }},
    {"gpu_tensor_active_ratio", "gauge", "Share of cycles in which the tensor pipe worked.",
     [](R g) { return g.readings().tensor_active; }},
    {"gpu_dram_active_ratio", "gauge", "Share of cycles in which the memory moved data.",
     [](R g) { return g.readings().dram_active; }},
    {"gpu_memory_used_bytes", "gauge", "Device memory in use.",
     [](R g) { return used_mebibytes(g) * kMebibyte; }},
    {"gpu_memory_total_bytes", "gauge", "Device memory, reserved included.",
     [](R g) { return total_mebibytes(g) * kMebibyte; }},
    {"gpu_temperature_celsius", "gauge", "Temperature of the die.",
     [](R g) { return std::round(g.readings().celsius); }},
    {"gpu_memory_temperature_celsius", "gauge", "Temperature of the memory.",
     [](R g) { return std::round(g.readings().memory_celsius); }},
    {"gpu_power_watts", "gauge", "Power drawn.", [](R g) { return g.readings().power_watts; }},
    {"gpu_power_limit_watts", "gauge", "Power above which the clocks go down.",
     [](R g) { return g.readings().power_limit_watts; }},
    {"gpu_energy_joules_total", "counter", "Energy used.",
     [](R g) { return g.readings().energy_joules; }},
    {"gpu_sm_clock_hertz", "gauge", "Clock of the multiprocessors.",
     [](R g) { return g.model().sm_clock_mhz * g.readings().clock * 1e6; }},
    {"gpu_ecc_errors_total", "counter", "ECC errors.",
     [](R g) { return std::floor(g.readings().ecc_correctable); },
     "kind=\"correctable\",memory=\"volatile\""},
    {"gpu_ecc_errors_total", "counter", "ECC errors.",
     [](R g) { return std::floor(g.readings().ecc_uncorrectable); },
     "kind=\"uncorrectable\",memory=\"volatile\""},
    {"gpu_remapped_rows_total", "counter", "Memory rows replaced by spare ones.",
     [](R g) { return std::floor(g.readings().rows_correctable); }, "kind=\"correctable\""},
    {"gpu_remapped_rows_total", "counter", "Memory rows replaced by spare ones.",
     [](R g) { return std::floor(g.readings().rows_uncorrectable); }, "kind=\"uncorrectable\""},
    {"gpu_remapped_rows_pending", "gauge", "1: memory rows wait for a reset to be replaced.",
     [](R g) { return g.conditions().remap_pending ? 1.0 : 0.0; }},
    {"gpu_row_remap_failed", "gauge", "1: a memory row could not be replaced.",
     [](R g) { return g.conditions().remap_failed ? 1.0 : 0.0; }},
    {"gpu_nvlink_errors_total", "counter", "NVLink errors.",
     [](R g) { return std::floor(g.readings().nvlink_errors); }, "kind=\"crc_flit\""},
    {"gpu_nvlink_errors_total", "counter", "NVLink errors.",
     [](R g) { return std::floor(g.readings().nvlink_replays); }, "kind=\"replay\""},
    {"gpu_pcie_replays_total", "counter", "PCIe packets sent again.",
     [](R g) { return std::floor(g.readings().pcie_replays); }},
};

std::string agent_labels(const Gpu& gpu, uint32_t index) {
  return label_text({{"gpu", std::to_string(index)}, {"uuid", gpu.uuid()}});
}

void write_throttle_reasons(Body& body, const Node& node) {
  static constexpr std::pair<uint32_t, std::string_view> kReasons[] = {
      {kReasonPowerCap, "reason=\"sw_power_cap\""},
      {kReasonHardware, "reason=\"hw_slowdown\""},
      {kReasonThermalSoftware, "reason=\"sw_thermal\""},
      {kReasonThermalHardware, "reason=\"hw_thermal\""},
      {kReasonPowerBrake, "reason=\"hw_power_brake\""}};
  body.family("gpu_throttle_reason", "gauge", "1 while this is why the clocks are held down.");
  for (uint32_t i = 0; i < node.gpus().size(); ++i) {
    const Gpu& gpu = node.gpus()[i];
    if (gpu.lost()) continue;
    for (const auto& [bit, more] : kReasons) {
      body.sample(agent_labels(gpu, i), (gpu.readings().reasons & bit) != 0 ? 1 : 0, more);
    }
  }
}

}  // namespace

void append_dcgm(std::string& out, const Node& node) {
  Body body(out, Body::Style::kDcgm);
  std::vector<std::string> labels;
  for (uint32_t i = 0; i < node.gpus().size(); ++i) {
    labels.push_back(dcgm_labels(node, node.gpus()[i], i));
  }
  for (const DcgmField& field : kDcgmFields) {
    body.family(field.name, field.type, field.help);
    const bool is_xid = field.name == "DCGM_FI_DEV_XID_ERRORS";
    for (size_t i = 0; i < labels.size(); ++i) {
      const Gpu& gpu = node.gpus()[i];
      // Of a GPU that is off the bus only the event remains.
      if (gpu.lost() && !is_xid) continue;
      if (!is_xid) {
        body.sample(labels[i], field.value(gpu));
        continue;
      }
      const uint32_t xid = gpu.readings().xid;
      body.sample(labels[i], xid,
                  fmt::format("err_code=\"{}\",err_msg=\"{}\"", xid, xid_message(xid)));
    }
  }
}

void append_topology(std::string& out, const Node& node) {
  Body body(out, Body::Style::kGo);
  body.family("strata_topology_info", "gauge",
              "Which engine (instance) runs on which GPU (uuid); always 1.");
  for (uint32_t i = 0; i < node.gpus().size(); ++i) {
    const int engine = node.engine_of(i);
    if (engine < 0 || !node.engines()[static_cast<size_t>(engine)].up()) continue;
    body.sample(label_text({{"node", node.name()},
                            {"instance", fmt::format("{}:{}", node.name(), 8000 + engine)},
                            {"uuid", node.gpus()[i].uuid()},
                            {"pid", std::to_string(4000 + engine)},
                            {"container", fmt::format("engine-{}", engine)}}),
                1);
  }
  body.family("gpu_xid_errors_total", "counter", "Xid errors since the agent started, by code.");
  for (uint32_t i = 0; i < node.gpus().size(); ++i) {
    std::map<uint32_t, uint32_t> xids = node.gpus()[i].readings().xids;
    for (const uint32_t code : kHardwareXids) xids.try_emplace(code, 0);
    for (const auto& [code, count] : xids) {
      body.sample(agent_labels(node.gpus()[i], i), count, fmt::format("xid=\"{}\"", code));
    }
  }
}

void append_agent(std::string& out, const Node& node) {
  Body body(out, Body::Style::kGo);
  body.family("gpu_info", "gauge", "1: the GPU with what it is called.");
  for (uint32_t i = 0; i < node.gpus().size(); ++i) {
    const Gpu& gpu = node.gpus()[i];
    if (gpu.lost()) continue;
    body.sample(
        agent_labels(gpu, i), 1,
        label_text({{"model", gpu.model().title}, {"pci", pci_of(i)}, {"driver", kDriver}}));
  }
  std::string_view last;
  for (const AgentField& field : kAgentFields) {
    if (field.name != last) body.family(field.name, field.type, field.help);
    last = field.name;
    for (uint32_t i = 0; i < node.gpus().size(); ++i) {
      const Gpu& gpu = node.gpus()[i];
      if (!gpu.lost()) body.sample(agent_labels(gpu, i), field.value(gpu), field.more);
    }
  }
  write_throttle_reasons(body, node);
  append_topology(out, node);
}

}  // namespace strata::sim
