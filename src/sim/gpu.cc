#include "sim/gpu.h"

#include <algorithm>
#include <cmath>

namespace strata::sim {
namespace {

constexpr double kRoomCelsius = 27;
constexpr double kThermalSeconds = 25;
constexpr double kMemoryThermalSeconds = 10;
constexpr double kMemoryAbove = 8;  // kelvins
constexpr double kClockPerKelvin = 0.05;
constexpr double kLowestClock = 0.3;
constexpr double kBrakedClock = 0.5;
constexpr double kEngineMemoryShare = 0.92;  // weights, KV cache, graphs: taken at the start
constexpr double kSpinningWatts = 45;        // over idle, of kernels that only wait

double approach(double value, double goal, double seconds, double tau) {
  return goal + (value - goal) * std::exp(-seconds / tau);
}

}  // namespace

Gpu::Gpu(const GpuModel& model, std::string uuid, uint64_t seed)
    : model_(model), uuid_(std::move(uuid)), noise_(seed) {
  now_.power_limit_watts = model.tdp_watts;
  now_.celsius = kRoomCelsius + model.idle_watts * model.thermal_resistance;
  now_.memory_celsius = now_.celsius + kMemoryAbove;
}

void Gpu::advance(double seconds, const GpuConditions& conditions, const EngineLoad* load,
                  const Placement* placement, double slowest) {
  conditions_ = conditions;
  if (conditions_.lost) load = nullptr;
  work(load, placement, slowest);
  heat_and_clock(seconds);
  wear(seconds);
}

void Gpu::work(const EngineLoad* load, const Placement* placement, double slowest) {
  const double noise = noise_.normal(1, 0.02);
  double prefill = load == nullptr ? 0 : load->prefill_share;
  double decode = load == nullptr ? 0 : load->decode_share;
  const double total = prefill + decode;
  if (total > 1) prefill /= total, decode /= total;
  const double batch = load == nullptr ? 0 : load->running;
  const double busy = prefill + decode;
  // Who waits for a slower peer spins in a collective: busy, without arithmetic.
  const double in_step = std::min(1.0, slowest / std::max(now_.clock, kLowestClock));
  const double stalled = load == nullptr || total <= 0 ? 0 : load->stalled_share / total;
  const double waiting = load == nullptr || total <= 0 ? 0 : load->communicating_share / total;
  const double useful = in_step * std::max(0.0, 1 - stalled - waiting);
  now_.utilization = busy * (1 - stalled);
  now_.sm_active = (0.9 * prefill + 0.6 * decode) * useful;
  now_.tensor_active =
      (0.45 * prefill + 0.05 * decode * std::min(1.0, batch / 64) + 0.02 * busy) * useful;
  now_.dram_active = (0.35 * prefill + (0.55 + 0.3 * std::min(1.0, batch / 128)) * decode) * useful;
  const double effort =
      (0.95 * prefill + decode * (0.12 + 0.30 * std::min(1.0, batch / 128))) * useful;
  now_.power_watts =
      model_.idle_watts + (model_.tdp_watts - model_.idle_watts) * effort * now_.clock * noise;
  if (load != nullptr && load->spinning) {
    now_.utilization = 1;
    now_.sm_active = 0.05;
    now_.power_watts = (model_.idle_watts + kSpinningWatts) * noise;
  }
  const double tokens = load == nullptr ? 0 : load->tokens_per_second;
  now_.nvlink_bytes_per_second =
      placement == nullptr ? 0 : placement->nvlink_bytes_per_token() * tokens * conditions_.nvlink;
  now_.pcie_bytes_per_second = (2e5 + 4096 * tokens) * conditions_.pcie_width / 16;
  now_.memory_used_share = (load == nullptr ? 0.006 : kEngineMemoryShare) + conditions_.leaked;
}

void Gpu::heat_and_clock(double seconds) {
  const bool capped = conditions_.power_cap > 0;
  now_.power_limit_watts = capped ? conditions_.power_cap : model_.tdp_watts;
  const double cap = now_.power_limit_watts;
  uint32_t reasons = now_.utilization < 0.01 ? kReasonIdle : 0U;
  double clock = conditions_.clock_limit;
  // What it would draw at full clock, of which it gets the cap.
  const double wanted = model_.idle_watts +
                        (now_.power_watts - model_.idle_watts) / std::max(now_.clock, kLowestClock);
  if (wanted > cap) {
    clock *= std::sqrt(cap / wanted);
    reasons |= kReasonPowerCap;
    now_.power_violation_seconds += seconds;
    now_.power_watts = std::min(now_.power_watts, cap);
  }
  if (conditions_.brake) {
    clock *= kBrakedClock;
    reasons |= kReasonPowerBrake | kReasonHardware;
    now_.power_violation_seconds += seconds;
  }
  const double above = now_.celsius - kSlowdownCelsius;
  if (above > 0) {
    clock *= 1 - kClockPerKelvin * above;
    reasons |= above > 4 ? kReasonThermalHardware | kReasonHardware : kReasonThermalSoftware;
    now_.thermal_violation_seconds += seconds;
  }
  now_.clock = std::clamp(clock, kLowestClock, 1.0);
  now_.reasons = reasons;
  const double resistance = model_.thermal_resistance * conditions_.cooling;
  const double goal = kRoomCelsius + conditions_.inlet + resistance * now_.power_watts;
  now_.celsius = approach(now_.celsius, goal, seconds, kThermalSeconds);
  now_.memory_celsius =
      approach(now_.memory_celsius, now_.celsius + kMemoryAbove, seconds, kMemoryThermalSeconds);
  now_.energy_joules += now_.power_watts * seconds;
}

void Gpu::wear(double seconds) {
  now_.ecc_correctable += conditions_.correctable * seconds;
  now_.rows_correctable += conditions_.remapped * seconds;
  if (conditions_.remap_failed && now_.rows_uncorrectable < 1) {
    now_.rows_uncorrectable = 1;
    now_.ecc_uncorrectable += 1;
  }
  now_.nvlink_errors += conditions_.nvlink_errors * seconds;
  now_.nvlink_replays += conditions_.nvlink_errors / 5 * seconds;
  now_.pcie_replays += conditions_.pcie_replays * seconds;
  if (conditions_.xid != 0 && conditions_.xid != now_.xid) {
    now_.xid = conditions_.xid;
    ++now_.xids[now_.xid];
  }
}

}  // namespace strata::sim
