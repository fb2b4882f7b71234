// Profiling values of one GPU, or of one MIG instance, through NVML's GPM (Hopper and later): means
// over the time between two samples, which are two readings of ours.
//
// Owned by GpuReader, on its thread; must go before the library does.
#pragma once
#include <chrono>
#include <optional>

#include "collect/gpu_reading.h"
#include "collect/nvml.h"

namespace strata::collect {

class GpmSampler {
 public:
  /// Closer than this the driver's numbers mean nothing (NVML's documentation asks for 100 ms).
  static constexpr std::chrono::milliseconds kShortest{100};

  /// `gpu_instance`: of `device`, when it is not the whole.
  GpmSampler(const NvmlLibrary& library, nvml::Device device, std::optional<unsigned> gpu_instance);
  ~GpmSampler();
  GpmSampler(const GpmSampler&) = delete;
  GpmSampler& operator=(const GpmSampler&) = delete;

  /// Puts what was measured since the last call into `out`: nothing at the first; the last values
  /// again when that was a moment ago. `now` is steady time.
  void read(std::chrono::nanoseconds now, GpuValues& out);

 private:
  bool sample(nvml::GpmSample into) const;
  void measure(std::chrono::nanoseconds elapsed);

  const NvmlLibrary& library_;
  const nvml::Device device_;
  const std::optional<unsigned> gpu_instance_;
  nvml::GpmSample last_ = nullptr;
  nvml::GpmSample next_ = nullptr;
  bool has_last_ = false;
  std::chrono::nanoseconds last_time_{0};
  GpuValues values_;
};

}  // namespace strata::collect
