// What was seen of the GPUs at one time: plain values in NVML's units, before they get names
// (gpu_metrics.h). What a GPU, a driver or a mode cannot answer is NaN, and is not reported.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace strata::collect {

enum class GpuValue : uint8_t {
  kSmClockMhz,
  kMemoryClockMhz,
  kTemperature,  // degrees Celsius
  kMemoryTemperature,
  kPowerMilliwatts,  // the mean of a second on Ampere and later
  kPowerLimitMilliwatts,
  kEnergyMillijoules,  // since the driver was loaded
  kPcieReplays,
  kPcieGeneration,
  kPcieMaxGeneration,
  kPcieWidth,
  kPcieMaxWidth,
  kPcieTxBytes,  // counted from the start of the agent, see GpuReader
  kPcieRxBytes,
  kGpuPercent,
  kMemoryPercent,
  kEncoderPercent,
  kDecoderPercent,
  kMemoryTotalBytes,
  kMemoryFreeBytes,
  kMemoryUsedBytes,
  kMemoryReservedBytes,
  kEccSbeVolatile,
  kEccDbeVolatile,
  kEccSbeAggregate,
  kEccDbeAggregate,
  kRetiredSbe,
  kRetiredDbe,
  kRetiredPending,
  kRemappedCorrectable,
  kRemappedUncorrectable,
  kRemappedPending,
  kRemappedFailure,
  kRecoveryAction,  // 0 none, 1 reset, 2 reboot, 3 drain, 4 drain and reset
  kXidLast,         // 0: none since the agent started
  kNvlinkTxBytes,
  kNvlinkRxBytes,
  kNvlinkMegabytesPerSecond,  // both ways, since the last reading
  kNvlinkCrcFlit,
  kNvlinkCrcData,
  kNvlinkReplay,
  kNvlinkRecovery,
  kViolationPowerNs,
  kViolationThermalNs,
  kViolationSyncBoostNs,
  kViolationBoardLimitNs,
  kViolationLowUtilizationNs,
  kViolationReliabilityNs,
  kEventReasons,  // bits; kThrottleReasons names them
  kPerformanceState,
  kFanPercent,
  kVgpuLicensed,
  kProfGraphicsPercent,
  kProfSmPercent,
  kProfSmOccupancyPercent,
  kProfTensorPercent,
  kProfDramPercent,
  kProfFp64Percent,
  kProfFp32Percent,
  kProfFp16Percent,
  kProfPcieTxBytesPerSecond,
  kProfPcieRxBytesPerSecond,
  kProcesses,
};
inline constexpr size_t kGpuValues = static_cast<size_t>(GpuValue::kProcesses) + 1;

/// A value for each GpuValue; NaN until it is set.
class GpuValues {
 public:
  GpuValues() { values_.fill(std::numeric_limits<double>::quiet_NaN()); }
  double operator[](GpuValue value) const { return values_[static_cast<size_t>(value)]; }
  double& operator[](GpuValue value) { return values_[static_cast<size_t>(value)]; }

 private:
  std::array<double, kGpuValues> values_;
};

/// Bits of kEventReasons (nvmlClocksEventReasons) that mean that clocks are held down, with the
/// catalog's words for them. Being idle (bit 0) is not among them.
struct ThrottleReason {
  uint64_t bit;
  std::string_view name;
};
inline constexpr ThrottleReason kThrottleReasons[] = {
    {0x2, "clocks_setting"},  {0x4, "sw_power_cap"},     {0x8, "hw_slowdown"},
    {0x10, "sync_boost"},     {0x20, "sw_thermal"},      {0x40, "hw_thermal"},
    {0x80, "hw_power_brake"}, {0x100, "display_clocks"},
};

/// Kinds of values that are read, and can be asked for, together.
enum class GpuGroup : uint8_t {
  kUtilization,
  kMemory,
  kClocks,
  kTemperature,
  kPower,
  kErrors,
  kPcie,
  kNvlink,
  kProfiling,
  kProcesses,
};
inline constexpr std::string_view kGpuGroupNames[] = {
    "utilization", "memory", "clocks", "temperature", "power",
    "errors",      "pcie",   "nvlink", "profiling",   "processes"};
inline constexpr size_t kGpuGroups = std::size(kGpuGroupNames);

/// A set of groups; all of them to begin with.
class GpuGroups {
 public:
  static GpuGroups none() { return GpuGroups(0); }
  GpuGroups() = default;
  bool has(GpuGroup group) const { return (bits_ >> static_cast<unsigned>(group) & 1) != 0; }
  void set(GpuGroup group, bool on) {
    const uint32_t bit = 1u << static_cast<unsigned>(group);
    bits_ = on ? bits_ | bit : bits_ & ~bit;
  }
  bool empty() const { return bits_ == 0; }

 private:
  explicit GpuGroups(uint32_t bits) : bits_(bits) {}
  uint32_t bits_ = (1u << kGpuGroups) - 1;
};

struct GpuProcess {
  uint32_t pid = 0;
  double memory_bytes = std::numeric_limits<double>::quiet_NaN();
};

/// A part of a GPU that MIG cut out.
struct GpuInstance {
  uint32_t id = 0;           // of the GPU instance
  std::string uuid = {};     // "MIG-..."
  std::string profile = {};  // "1g.10gb"
  GpuValues values = {};     // memory and profiling
};

struct GpuReading {
  /// NVIDIA's have dcgm-exporter's names too.
  bool nvidia = true;
  unsigned index = 0;
  std::string uuid;
  std::string model;
  std::string pci_bus_id;  // "00000000:07:00.0"
  /// Why it does not answer; empty when it does. Values are all NaN then.
  std::string problem;
  std::string driver;
  /// Facts that do not change, by dcgm-exporter's name for them: DCGM_FI_DEV_SERIAL, ...
  std::map<std::string, std::string, std::less<>> facts;
  GpuValues values;
  /// Xid errors by code, since the agent started.
  std::map<uint32_t, uint64_t> xids;
  std::vector<GpuInstance> instances;
  std::vector<GpuProcess> processes;
};

struct GpuSnapshot {
  /// Why there is nothing to be seen of any GPU; empty when the driver answers.
  std::string problem;
  /// No library and no NVIDIA device: nothing is wrong, there is nothing to watch.
  bool absent = false;
  std::string driver_version;
  std::string nvml_version;
  /// Every GPU that was ever seen, with a problem when it no longer is.
  std::vector<GpuReading> gpus;
};

}  // namespace strata::collect
