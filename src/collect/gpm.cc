#include "collect/gpm.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

namespace strata::collect {
namespace {

struct Row {
  nvml::Gpm metric;
  GpuValue value;
  double factor;
  double highest;  // above it the driver answers nonsense
};
constexpr double kMebibyte = 1024.0 * 1024;
constexpr double kFastestBus = 1e13;  // bytes a second
constexpr Row kRows[] = {
    {nvml::kGpmGraphics, GpuValue::kProfGraphicsPercent, 1, 100.5},
    {nvml::kGpmSm, GpuValue::kProfSmPercent, 1, 100.5},
    {nvml::kGpmSmOccupancy, GpuValue::kProfSmOccupancyPercent, 1, 100.5},
    {nvml::kGpmAnyTensor, GpuValue::kProfTensorPercent, 1, 100.5},
    {nvml::kGpmDramBandwidth, GpuValue::kProfDramPercent, 1, 100.5},
    {nvml::kGpmFp64, GpuValue::kProfFp64Percent, 1, 100.5},
    {nvml::kGpmFp32, GpuValue::kProfFp32Percent, 1, 100.5},
    {nvml::kGpmFp16, GpuValue::kProfFp16Percent, 1, 100.5},
    {nvml::kGpmPcieTx, GpuValue::kProfPcieTxBytesPerSecond, kMebibyte, kFastestBus},
    {nvml::kGpmPcieRx, GpuValue::kProfPcieRxBytesPerSecond, kMebibyte, kFastestBus},
};

// Adds what went over the bus since the last sample; a total that was never begun starts at 0.
void accumulate(double& total, double rate, double seconds) {
  if (std::isnan(rate)) return;
  total = (std::isnan(total) ? 0 : total) + rate * seconds;
}

}  // namespace

GpmSampler::GpmSampler(const NvmlLibrary& library, nvml::Device device,
                       std::optional<unsigned> gpu_instance)
    : library_(library), device_(device), gpu_instance_(gpu_instance) {
  if (library_.gpm_alloc(&last_) != nvml::kSuccess) last_ = nullptr;
  if (library_.gpm_alloc(&next_) != nvml::kSuccess) next_ = nullptr;
}

GpmSampler::~GpmSampler() {
  for (const nvml::GpmSample sample : {last_, next_}) {
    if (sample != nullptr) library_.gpm_free(sample);
  }
}

bool GpmSampler::sample(nvml::GpmSample into) const {
  return (gpu_instance_ ? library_.gpm_mig_sample(device_, *gpu_instance_, into)
                        : library_.gpm_sample(device_, into)) == nvml::kSuccess;
}

void GpmSampler::read(std::chrono::nanoseconds now, GpuValues& out) {
  if (last_ == nullptr || next_ == nullptr) return;
  if (!has_last_) {
    has_last_ = sample(last_);
    last_time_ = now;
    return;
  }
  if (now - last_time_ >= kShortest) {
    // A sample that fails would leave a gap in the totals: better none than wrong ones.
    has_last_ = sample(next_);
    if (!has_last_) return;
    measure(now - last_time_);
    std::swap(last_, next_);
    last_time_ = now;
  }
  for (const Row& row : kRows) out[row.value] = values_[row.value];
  out[GpuValue::kPcieTxBytes] = values_[GpuValue::kPcieTxBytes];
  out[GpuValue::kPcieRxBytes] = values_[GpuValue::kPcieRxBytes];
}

void GpmSampler::measure(std::chrono::nanoseconds elapsed) {
  const auto request = std::make_unique<nvml::GpmMetrics>();
  request->version = nvml::kGpmVersion;
  request->count = std::size(kRows);
  request->first = last_;
  request->second = next_;
  for (size_t i = 0; i < std::size(kRows); ++i) request->metrics[i].id = kRows[i].metric;
  const bool answered = library_.gpm_metrics(request.get()) == nvml::kSuccess;
  for (size_t i = 0; i < std::size(kRows); ++i) {
    const nvml::GpmMetric& metric = request->metrics[i];
    const double value = metric.value * kRows[i].factor;
    const bool good = answered && metric.result == nvml::kSuccess && std::isfinite(value) &&
                      value >= 0 && value <= kRows[i].highest;
    // Rounding in the driver may end a hair above full.
    const double highest = kRows[i].factor == 1 ? 100 : kRows[i].highest;
    values_[kRows[i].value] =
        good ? std::min(value, highest) : std::numeric_limits<double>::quiet_NaN();
  }
  const double seconds = std::chrono::duration<double>(elapsed).count();
  accumulate(values_[GpuValue::kPcieTxBytes], values_[GpuValue::kProfPcieTxBytesPerSecond],
             seconds);
  accumulate(values_[GpuValue::kPcieRxBytes], values_[GpuValue::kProfPcieRxBytesPerSecond],
             seconds);
}

}  // namespace strata::collect
