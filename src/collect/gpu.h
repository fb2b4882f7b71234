// The GPUs, asked with a deadline. A driver that hangs makes a call sleep where nothing reaches it,
// so all calls are made on one thread of this class, and who asks waits so long and no longer.
//
// While a call hangs, read() answers at once: every GPU that is known, without values, with the
// name of the call that does not come back. When it comes back its answer is old, and is thrown
// away; the next reading is a fresh one. Between readings the thread fetches events (Xid errors)
// from the driver every kEventInterval.
//
// Owned by app/; read() by one thread at a time. Destroyed while a call hangs, it leaves the thread
// and what that thread uses behind.
#pragma once
#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include "base/clock.h"
#include "collect/gpu_reading.h"

namespace strata::collect {

struct GpuOptions {
  std::string library = "libnvidia-ml.so.1";  // a path, or a name for the dynamic linker
  std::string sysfs = "/sys";
  std::chrono::milliseconds deadline{2000};
  const Clock* clock = &real_clock();  // of retries and rates; waiting is in real time
};

class GpuCollector {
 public:
  static constexpr std::chrono::milliseconds kEventInterval{1000};
  static constexpr std::chrono::milliseconds kFarewell{500};  // the destructor waits so long

  explicit GpuCollector(GpuOptions options);
  ~GpuCollector();
  GpuCollector(const GpuCollector&) = delete;
  GpuCollector& operator=(const GpuCollector&) = delete;

  GpuSnapshot read(GpuGroups groups);

 private:
  struct Shared;
  GpuSnapshot without_answer() const;

  const std::chrono::milliseconds deadline_;
  const std::shared_ptr<Shared> shared_;
  std::thread thread_;
  GpuSnapshot last_;  // who the GPUs are
};

}  // namespace strata::collect
