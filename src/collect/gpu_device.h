// One GPU behind an open NVML library: who it is, and what it says now.
//
// Owned by GpuReader, on its thread; must go before the library does. A value that the GPU does not
// have costs nothing but the call; a GPU that is gone is noticed at the first call.
#pragma once
#include <chrono>
#include <map>
#include <memory>
#include <string>

#include "collect/gpm.h"
#include "collect/gpu_reading.h"
#include "collect/nvml.h"

namespace strata::collect {

class GpuDevice {
 public:
  static constexpr size_t kMaxProcesses = 1024;
  static constexpr unsigned kMaxInstances = 16;

  GpuDevice(const NvmlLibrary& library, nvml::Device device, unsigned index);

  nvml::Device handle() const { return device_; }
  /// Index, uuid, model, PCI address and facts. kSuccess, or why the GPU does not answer.
  nvml::Return identify(GpuReading& out);
  /// Values of `groups`. kSuccess, or why the GPU does not answer: `out` is worthless then.
  nvml::Return read(GpuGroups groups, std::chrono::nanoseconds now, GpuReading& out);

 private:
  bool ok(nvml::Return result);
  void get(GpuValue value, auto& function, auto... before);
  void read_percents();
  void read_memory(nvml::Device device, GpuValues& values);
  void read_clocks();
  void read_power();
  void read_energy();
  void read_errors();
  void read_pcie();
  void read_fields(GpuGroups groups);
  void read_nvlink_rate();
  void read_license();
  void read_processes(GpuReading& out);
  void read_instances(GpuGroups groups, GpuReading& out);
  void read_instance(nvml::Device device, GpuGroups groups, GpuReading& out);
  std::string text(auto& function, auto... before);

  const NvmlLibrary& library_;
  const nvml::Device device_;
  const unsigned index_;
  bool has_gpm_ = false;
  std::unique_ptr<GpmSampler> sampler_;
  std::map<unsigned, std::unique_ptr<GpmSampler>> instance_samplers_;  // by GPU instance
  std::chrono::nanoseconds nvlink_time_{0};
  double nvlink_bytes_ = std::numeric_limits<double>::quiet_NaN();

  // Of the reading that is being made.
  std::chrono::nanoseconds now_{0};
  GpuValues* values_ = nullptr;
  nvml::Return worst_ = nvml::kSuccess;
  bool answered_ = false;
};

}  // namespace strata::collect
