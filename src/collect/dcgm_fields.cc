#include "collect/dcgm_fields.h"

#include <algorithm>
#include <array>

#include "collect/fields.h"

namespace strata::collect {
namespace {

constexpr double kPerMebibyte = 1.0 / (1024 * 1024);
constexpr auto kGauge = MetricType::kGauge;
constexpr auto kCounter = MetricType::kCounter;
using enum GpuGroup;
using V = GpuValue;

// clang-format off
constexpr DcgmField kTable[] = {
    {"DCGM_FI_DEV_SM_CLOCK", "dcgm_sm_clock", kClocks, V::kSmClockMhz, 1, kGauge, true,
     "Clock of the streaming multiprocessors, in MHz."},
    {"DCGM_FI_DEV_MEM_CLOCK", "dcgm_memory_clock", kClocks, V::kMemoryClockMhz, 1, kGauge, true,
     "Clock of the memory, in MHz."},
    {"DCGM_FI_DEV_MEMORY_TEMP", "dcgm_memory_temp", kTemperature, V::kMemoryTemperature, 1, kGauge,
     true, "Temperature of the memory, in degrees Celsius."},
    {"DCGM_FI_DEV_GPU_TEMP", "dcgm_gpu_temp", kTemperature, V::kTemperature, 1, kGauge, true,
     "Temperature of the GPU, in degrees Celsius."},
    {"DCGM_FI_DEV_POWER_USAGE", "dcgm_power_usage", kPower, V::kPowerMilliwatts, 1e-3, kGauge, true,
     "Power drawn, in watts."},
    {"DCGM_FI_DEV_ENFORCED_POWER_LIMIT", "", kPower, V::kPowerLimitMilliwatts, 1e-3, kGauge, false,
     "Power limit in force, in watts."},
    {"DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", "dcgm_total_energy_consumption", kPower,
     V::kEnergyMillijoules, 1, kCounter, true, "Energy used since the driver was loaded, in mJ."},
    {"DCGM_FI_DEV_PCIE_REPLAY_COUNTER", "dcgm_pcie_replay_counter", kPcie, V::kPcieReplays, 1,
     kCounter, true, "PCIe packets that were sent again."},
    {"DCGM_FI_DEV_PCIE_LINK_GEN", "", kPcie, V::kPcieGeneration, 1, kGauge, false,
     "PCIe generation in use."},
    {"DCGM_FI_DEV_PCIE_MAX_LINK_GEN", "", kPcie, V::kPcieMaxGeneration, 1, kGauge, false,
     "PCIe generation that GPU and slot can use."},
    {"DCGM_FI_DEV_PCIE_LINK_WIDTH", "", kPcie, V::kPcieWidth, 1, kGauge, false,
     "PCIe lanes in use."},
    {"DCGM_FI_DEV_PCIE_MAX_LINK_WIDTH", "", kPcie, V::kPcieMaxWidth, 1, kGauge, false,
     "PCIe lanes that GPU and slot can use."},
    {"DCGM_FI_DEV_GPU_UTIL", "dcgm_gpu_utilization", kUtilization, V::kGpuPercent, 1, kGauge, true,
     "Share of time in which a kernel ran, in percent."},
    {"DCGM_FI_DEV_MEM_COPY_UTIL", "dcgm_mem_copy_utilization", kUtilization, V::kMemoryPercent, 1,
     kGauge, true, "Share of time in which memory was read or written, in percent."},
    {"DCGM_FI_DEV_ENC_UTIL", "dcgm_enc_utilization", kUtilization, V::kEncoderPercent, 1, kGauge,
     true, "Use of the video encoder, in percent."},
    {"DCGM_FI_DEV_DEC_UTIL", "dcgm_dec_utilization", kUtilization, V::kDecoderPercent, 1, kGauge,
     true, "Use of the video decoder, in percent."},
    {"DCGM_FI_DEV_PSTATE", "", kClocks, V::kPerformanceState, 1, kGauge, false,
     "Performance state: 0 is the fastest."},
    {"DCGM_FI_DEV_FAN_SPEED", "", kTemperature, V::kFanPercent, 1, kGauge, false,
     "Fan speed, in percent."},
    {"DCGM_FI_DEV_CLOCKS_EVENT_REASONS", "", kClocks, V::kEventReasons, 1, kGauge, true,
     "Why clocks are what they are: a bit a reason."},
    {"DCGM_FI_DEV_CLOCK_THROTTLE_REASONS", "", kClocks, V::kEventReasons, 1, kGauge, false,
     "Why clocks are what they are: a bit a reason."},
    {"DCGM_FI_DEV_XID_ERRORS", "dcgm_xid_errors", kErrors, V::kXidLast, 1, kGauge, true,
     "The last Xid error since the agent started; 0: none."},
    {"DCGM_FI_DEV_POWER_VIOLATION", "dcgm_power_violation", kPower, V::kViolationPowerNs, 1,
     kCounter, false, "Time held back by the power limit, in ns."},
    {"DCGM_FI_DEV_THERMAL_VIOLATION", "dcgm_thermal_violation", kPower, V::kViolationThermalNs, 1,
     kCounter, false, "Time held back by heat, in ns."},
    {"DCGM_FI_DEV_SYNC_BOOST_VIOLATION", "dcgm_sync_boost_violation", kPower,
     V::kViolationSyncBoostNs, 1, kCounter, false, "Time held back by the slowest of a group, in ns."},
    {"DCGM_FI_DEV_BOARD_LIMIT_VIOLATION", "dcgm_board_limit_violation", kPower,
     V::kViolationBoardLimitNs, 1, kCounter, false, "Time held back by a limit of the board, in ns."},
    {"DCGM_FI_DEV_LOW_UTIL_VIOLATION", "dcgm_low_util_violation", kPower,
     V::kViolationLowUtilizationNs, 1, kCounter, false, "Time held back for want of work, in ns."},
    {"DCGM_FI_DEV_RELIABILITY_VIOLATION", "dcgm_reliability_violation", kPower,
     V::kViolationReliabilityNs, 1, kCounter, false, "Time held back for reliability, in ns."},
    {"DCGM_FI_DEV_FB_FREE", "dcgm_fb_free", kMemory, V::kMemoryFreeBytes, kPerMebibyte, kGauge, true,
     "Memory that is free, in MiB."},
    {"DCGM_FI_DEV_FB_USED", "dcgm_fb_used", kMemory, V::kMemoryUsedBytes, kPerMebibyte, kGauge, true,
     "Memory in use, in MiB."},
    {"DCGM_FI_DEV_FB_TOTAL", "", kMemory, V::kMemoryTotalBytes, kPerMebibyte, kGauge, false,
     "Memory of the GPU, in MiB."},
    {"DCGM_FI_DEV_FB_RESERVED", "", kMemory, V::kMemoryReservedBytes, kPerMebibyte, kGauge, true,
     "Memory that the driver keeps for itself, in MiB."},
    {"DCGM_FI_DEV_ECC_SBE_VOL_TOTAL", "dcgm_ecc_sbe_volatile_total", kErrors, V::kEccSbeVolatile, 1,
     kCounter, true, "Single-bit memory errors since the last reset or reboot."},
    {"DCGM_FI_DEV_ECC_DBE_VOL_TOTAL", "dcgm_ecc_dbe_volatile_total", kErrors, V::kEccDbeVolatile, 1,
     kCounter, true, "Double-bit memory errors since the last reset or reboot."},
    {"DCGM_FI_DEV_ECC_SBE_AGG_TOTAL", "dcgm_ecc_sbe_aggregate_total", kErrors, V::kEccSbeAggregate,
     1, kCounter, true, "Single-bit memory errors in the GPU's life."},
    {"DCGM_FI_DEV_ECC_DBE_AGG_TOTAL", "dcgm_ecc_dbe_aggregate_total", kErrors, V::kEccDbeAggregate,
     1, kCounter, true, "Double-bit memory errors in the GPU's life."},
    {"DCGM_FI_DEV_RETIRED_SBE", "dcgm_retired_pages_sbe", kErrors, V::kRetiredSbe, 1, kCounter,
     false, "Memory pages retired for single-bit errors."},
    {"DCGM_FI_DEV_RETIRED_DBE", "dcgm_retired_pages_dbe", kErrors, V::kRetiredDbe, 1, kCounter,
     false, "Memory pages retired for double-bit errors."},
    {"DCGM_FI_DEV_RETIRED_PENDING", "dcgm_retired_pages_pending", kErrors, V::kRetiredPending, 1,
     kCounter, false, "Whether memory pages wait to be retired."},
    {"DCGM_FI_DEV_NVLINK_CRC_FLIT_ERROR_COUNT_TOTAL", "dcgm_nvlink_flit_crc_error_count_total",
     kNvlink, V::kNvlinkCrcFlit, 1, kCounter, false, "NVLink flow control checksum errors."},
    {"DCGM_FI_DEV_NVLINK_CRC_DATA_ERROR_COUNT_TOTAL", "dcgm_nvlink_data_crc_error_count_total",
     kNvlink, V::kNvlinkCrcData, 1, kCounter, false, "NVLink data checksum errors."},
    {"DCGM_FI_DEV_NVLINK_REPLAY_ERROR_COUNT_TOTAL", "dcgm_nvlink_replay_error_count_total", kNvlink,
     V::kNvlinkReplay, 1, kCounter, false, "NVLink packets that were sent again."},
    {"DCGM_FI_DEV_NVLINK_RECOVERY_ERROR_COUNT_TOTAL", "dcgm_nvlink_recovery_error_count_total",
     kNvlink, V::kNvlinkRecovery, 1, kCounter, false, "NVLink recoveries."},
    {"DCGM_FI_DEV_NVLINK_BANDWIDTH_TOTAL", "dcgm_nvlink_bandwidth_total", kNvlink,
     V::kNvlinkMegabytesPerSecond, 1, kGauge, true,
     "Data over all NVLinks both ways since the last scrape, in MB a second (a rate, whatever its "
     "name says)."},
    {"DCGM_FI_DEV_VGPU_LICENSE_STATUS", "", kUtilization, V::kVgpuLicensed, 1, kGauge, true,
     "Whether a vGPU license is in use."},
    {"DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS", "", kErrors, V::kRemappedUncorrectable, 1, kCounter,
     true, "Memory rows replaced for errors that could not be corrected."},
    {"DCGM_FI_DEV_CORRECTABLE_REMAPPED_ROWS", "", kErrors, V::kRemappedCorrectable, 1, kCounter,
     true, "Memory rows replaced for errors that were corrected."},
    {"DCGM_FI_DEV_ROW_REMAP_FAILURE", "", kErrors, V::kRemappedFailure, 1, kGauge, true,
     "Whether a memory row could not be replaced."},
    {"DCGM_FI_DEV_ROW_REMAP_PENDING", "", kErrors, V::kRemappedPending, 1, kGauge, false,
     "Whether memory rows wait for a reset to be replaced."},
    {"DCGM_FI_PROF_GR_ENGINE_ACTIVE", "dcgm_fi_prof_gr_engine_active", kProfiling,
     V::kProfGraphicsPercent, 0.01, kGauge, true, "Share of time in which any engine was active."},
    {"DCGM_FI_PROF_SM_ACTIVE", "dcgm_fi_prof_sm_active", kProfiling, V::kProfSmPercent, 0.01,
     kGauge, true, "Share of multiprocessor cycles with at least one warp assigned."},
    {"DCGM_FI_PROF_SM_OCCUPANCY", "dcgm_fi_prof_sm_occupancy", kProfiling,
     V::kProfSmOccupancyPercent, 0.01, kGauge, true, "Resident warps, of those that could be."},
    {"DCGM_FI_PROF_PIPE_TENSOR_ACTIVE", "dcgm_fi_prof_pipe_tensor_active", kProfiling,
     V::kProfTensorPercent, 0.01, kGauge, true, "Share of cycles in which a tensor pipe was active."},
    {"DCGM_FI_PROF_DRAM_ACTIVE", "dcgm_fi_prof_dram_active", kProfiling, V::kProfDramPercent, 0.01,
     kGauge, true, "Share of cycles in which the memory interface moved data."},
    {"DCGM_FI_PROF_PIPE_FP64_ACTIVE", "", kProfiling, V::kProfFp64Percent, 0.01, kGauge, false,
     "Share of cycles in which an FP64 pipe was active."},
    {"DCGM_FI_PROF_PIPE_FP32_ACTIVE", "", kProfiling, V::kProfFp32Percent, 0.01, kGauge, false,
     "Share of cycles in which an FP32 pipe was active."},
    {"DCGM_FI_PROF_PIPE_FP16_ACTIVE", "", kProfiling, V::kProfFp16Percent, 0.01, kGauge, false,
     "Share of cycles in which an FP16 pipe was active."},
    {"DCGM_FI_PROF_PCIE_TX_BYTES", "dcgm_fi_prof_pcie_tx_bytes", kProfiling,
     V::kProfPcieTxBytesPerSecond, 1, kGauge, true,
     "Sent over PCIe since the last scrape, in bytes a second (a rate, whatever its name says)."},
    {"DCGM_FI_PROF_PCIE_RX_BYTES", "dcgm_fi_prof_pcie_rx_bytes", kProfiling,
     V::kProfPcieRxBytesPerSecond, 1, kGauge, true,
     "Received over PCIe since the last scrape, in bytes a second (a rate, whatever its name says)."},
};
// clang-format on

// Facts that can be labels; the first is one in dcgm-exporter's default.
constexpr std::string_view kLabels[] = {
    "DCGM_FI_DRIVER_VERSION",
    "DCGM_FI_NVML_VERSION",
    "DCGM_FI_DEV_BRAND",
    "DCGM_FI_DEV_SERIAL",
    "DCGM_FI_DEV_OEM_INFOROM_VER",
    "DCGM_FI_DEV_ECC_INFOROM_VER",
    "DCGM_FI_DEV_POWER_INFOROM_VER",
    "DCGM_FI_DEV_INFOROM_IMAGE_VER",
    "DCGM_FI_DEV_VBIOS_VERSION",
};

std::optional<MetricType> metric_type(std::string_view text) {
  if (text == "gauge") return MetricType::kGauge;
  if (text == "counter") return MetricType::kCounter;
  return std::nullopt;
}

// A column may stand in double quotes, with "" for one of them.
std::string unquoted(std::string_view column) {
  if (column.size() < 2 || column.front() != '"' || column.back() != '"') {
    return std::string(column);
  }
  std::string out;
  column = column.substr(1, column.size() - 2);
  for (size_t i = 0; i < column.size(); ++i) {
    if (column[i] == '"' && i + 1 < column.size() && column[i + 1] == '"') ++i;
    out += column[i];
  }
  return out;
}

}  // namespace

std::span<const DcgmField> dcgm_fields() { return kTable; }

DcgmFieldList default_dcgm_fields() {
  DcgmFieldList list;
  for (const DcgmField& field : kTable) {
    if (!field.on_by_default) continue;
    list.metrics.push_back({&field, std::string(field.name), field.type, std::string(field.help)});
  }
  list.labels.emplace_back(kLabels[0]);
  return list;
}

Result<DcgmFieldList> parse_dcgm_fields(std::string_view csv, std::string_view file) {
  DcgmFieldList list;
  size_t number = 0;
  for (Lines lines(csv); lines.next();) {
    const auto where = [&] { return std::string(file) + ":" + std::to_string(number); };
    if (++number > kMaxDcgmLines) return malformed(where(), "more than 10000 lines");
    const std::string_view line = trim(lines.line());
    if (line.empty() || line.front() == '#') continue;
    const auto [first, rest] = cut(line, ',');
    const auto [second, third] = cut(rest, ',');
    const std::string name = unquoted(trim(first));
    const std::string kind = unquoted(trim(second));
    if (name.empty() || kind.empty()) {
      return malformed(where(), "want FIELD, type, help (type: gauge, counter or label)");
    }
    if (kind == "label") {
      const bool known = std::ranges::find(kLabels, name) != std::end(kLabels);
      (known ? list.labels : list.unknown).push_back(name);
      continue;
    }
    const auto type = metric_type(kind);
    if (!type) {
      return malformed(where(), "type \"" + kind + "\": not gauge, counter or label");
    }
    const auto* field = std::ranges::find_if(kTable, [&](const DcgmField& known) {
      return known.name == name || (!known.old_name.empty() && known.old_name == name);
    });
    if (field == std::end(kTable)) {
      list.unknown.push_back(name);
    } else if (std::ranges::find(list.metrics, name, &DcgmFieldList::Metric::name) ==
               list.metrics.end()) {
      list.metrics.push_back({field, name, *type, unquoted(trim(third))});
    }
  }
  return list;
}

}  // namespace strata::collect
