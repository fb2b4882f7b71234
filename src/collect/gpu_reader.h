// Reads the GPUs through NVML, and finds its way back after the driver went away.
//
// The library is loaded and initialised at the first reading; when that fails, or the driver or a
// GPU is lost later, it is tried again after a while that doubles (kFirstRetry to kLastRetry).
// A GPU that was seen once stays in the snapshots: with its values, or with what is wrong.
//
// NVML has no counter of PCIe bytes that is wide enough to be read every 15 seconds. On GPUs with
// GPM (Hopper and later) the rates that it reports are means over the time since the last reading,
// so their integral is one (gpm.h).
//
// Xid errors come as events. They wait in the driver until poll_events() fetches them; read() does
// so too.
//
// One thread at a time, which any call may block for as long as the driver likes (gpu.h has a
// thread for it). At most kMaxGpus GPUs and kMaxXids kinds of Xid a GPU.
#pragma once
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "collect/gpu_reading.h"
#include "collect/nvml.h"

namespace strata::collect {

class GpuDevice;

class GpuReader {
 public:
  static constexpr size_t kMaxGpus = 64;
  static constexpr size_t kMaxXids = 64;
  static constexpr size_t kMaxEvents = 1024;  // in one go
  static constexpr unsigned kOtherXid = 999;  // NVML's number for one that it does not know
  static constexpr std::chrono::seconds kFirstRetry{2};
  static constexpr std::chrono::seconds kLastRetry{300};

  /// `current` and `clock` outlive it. `sysfs` tells a machine without NVIDIA GPUs from one whose
  /// driver is not installed.
  GpuReader(std::string library, std::string sysfs, NvmlCall& current, const Clock& clock);
  ~GpuReader();
  GpuReader(const GpuReader&) = delete;
  GpuReader& operator=(const GpuReader&) = delete;

  GpuSnapshot read(GpuGroups groups);
  void poll_events();

 private:
  struct Gpu {
    GpuReading seen;                    // who it is; its problem, and its Xid errors
    std::unique_ptr<GpuDevice> device;  // while it can be asked
  };

  void open();
  void open_device(unsigned index);
  void close();
  void driver_lost(std::string problem);
  void read_gpu(Gpu& gpu, GpuGroups groups, GpuReading& out);
  void count_xid(const nvml::EventData& event);

  const std::string path_;
  const std::string sysfs_;
  NvmlCall& current_;
  const Clock& clock_;
  std::unique_ptr<NvmlLibrary> library_;  // initialised, or not there
  nvml::EventSet events_ = nullptr;
  std::vector<std::unique_ptr<Gpu>> gpus_;
  std::string problem_;
  bool absent_ = false;
  bool gpu_lost_ = false;  // one does not answer: opening all again may bring it back
  std::string driver_version_;
  std::string nvml_version_;
  std::chrono::nanoseconds retry_after_ = kFirstRetry;
  std::chrono::nanoseconds next_try_{0};
};

/// Whether sysfs lists a display controller or accelerator of NVIDIA's.
bool has_nvidia_device(const std::string& sysfs);

}  // namespace strata::collect
