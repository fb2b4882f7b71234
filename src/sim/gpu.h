// One GPU: what an engine's load does to utilisation, power, heat and clocks, and what faults do to
// all of them. Advanced in ticks, by the node; temperature, clock and power each depend on what the
// others were a tick before. One thread.
//
// The coefficients that turn shares of time into activity and power are estimates, fitted to
// published measurements of decode (137 to 300 W on an H200) and prefill (near the limit).
#pragma once
#include <cstdint>
#include <map>
#include <string>

#include "sim/conditions.h"
#include "sim/engine.h"
#include "sim/hardware.h"
#include "sim/random.h"

namespace strata::sim {

/// NVML's clock event reasons.
enum : uint32_t {
  kReasonIdle = 0x1,
  kReasonPowerCap = 0x4,
  kReasonHardware = 0x8,
  kReasonThermalSoftware = 0x20,
  kReasonThermalHardware = 0x40,
  kReasonPowerBrake = 0x80,
};

inline constexpr double kSlowdownCelsius = 87;

struct GpuReadings {
  double utilization = 0;  // 0 to 1, and so on
  double sm_active = 0;
  double tensor_active = 0;
  double dram_active = 0;
  double power_watts = 0;
  double power_limit_watts = 0;
  double celsius = 30;
  double memory_celsius = 38;
  double clock = 1;  // of the best
  uint32_t reasons = kReasonIdle;
  double energy_joules = 0;
  double power_violation_seconds = 0;
  double thermal_violation_seconds = 0;
  double memory_used_share = 0.005;
  double ecc_correctable = 0;
  double ecc_uncorrectable = 0;
  double rows_correctable = 0;
  double rows_uncorrectable = 0;
  double nvlink_bytes_per_second = 0;
  double nvlink_errors = 0;
  double nvlink_replays = 0;
  double pcie_bytes_per_second = 0;
  double pcie_replays = 0;
  uint32_t xid = 0;                     // the last one
  std::map<uint32_t, uint32_t> xids{};  // how often each was seen
};

class Gpu {
 public:
  Gpu(const GpuModel& model, std::string uuid, uint64_t seed);

  /// `seconds` pass. `load` is its engine's, null when none runs on it; `slowest` the clock of the
  /// slowest GPU of that engine: the others wait for it.
  void advance(double seconds, const GpuConditions& conditions, const EngineLoad* load,
               const Placement* placement, double slowest);

  const GpuModel& model() const { return model_; }
  const std::string& uuid() const { return uuid_; }
  const GpuReadings& readings() const { return now_; }
  const GpuConditions& conditions() const { return conditions_; }
  bool lost() const { return conditions_.lost; }

 private:
  void work(const EngineLoad* load, const Placement* placement, double slowest);
  void heat_and_clock(double seconds);
  void wear(double seconds);

  const GpuModel& model_;
  const std::string uuid_;
  GpuConditions conditions_;
  GpuReadings now_;
  Random noise_;
};

}  // namespace strata::sim
