// AMD GPUs from what the amdgpu driver puts into sysfs: utilisation, memory, clocks, temperature
// and power. No library of AMD's is needed. Reported under the canonical gpu_* names, as NVIDIA's
// are.
//
// Source: the kernel's Documentation/gpu/amdgpu (driver-misc, thermal). Owned by NodeCollector, one
// thread; files of sysfs are read in no time, also while the GPU is busy.
#pragma once
#include <string>
#include <vector>

#include "collect/gpu_reading.h"
#include "collect/tree.h"

namespace strata::collect {

class AmdGpus {
 public:
  static constexpr size_t kMaxGpus = 64;
  explicit AmdGpus(std::string sysfs) : sys_(std::move(sysfs)) {}

  /// Appends a reading a GPU, in the order of their PCI addresses. The index counts AMD's alone.
  void read(GpuGroups groups, std::vector<GpuReading>& out);

 private:
  void read_card(const std::string& device, GpuGroups groups, GpuReading& out);
  void read_sensors(const std::string& device, GpuGroups groups, GpuReading& out);

  Tree sys_;
};

}  // namespace strata::collect
