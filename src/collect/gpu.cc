#include "collect/gpu.h"

#include <pthread.h>

#include <exception>
#include <optional>

#include "base/log.h"
#include "base/mutex.h"
#include "collect/gpu_reader.h"

namespace strata::collect {

// Belongs to the collector and to its thread, which may outlive it.
struct GpuCollector::Shared {
  explicit Shared(GpuOptions from) : options(std::move(from)) {}

  void run() EXCLUDES(mutex);
  std::optional<GpuGroups> next_request() EXCLUDES(mutex);

  const GpuOptions options;
  NvmlCall call;
  Mutex mutex;
  CondVar changed;
  std::optional<GpuGroups> asked GUARDED_BY(mutex);
  std::optional<GpuSnapshot> answer GUARDED_BY(mutex);
  bool busy GUARDED_BY(mutex) = false;  // with a request
  bool stopping GUARDED_BY(mutex) = false;
  bool ended GUARDED_BY(mutex) = false;
};

void GpuCollector::Shared::run() {
  {
    GpuReader reader(options.library, options.sysfs, call, *options.clock);
    bool stopped = false;
    while (!stopped) {
      const auto groups = next_request();
      std::optional<GpuSnapshot> made;
      // Exceptions are what a library throws when memory is short; the next reading may do better.
      try {
        if (groups) {
          made = reader.read(*groups);
        } else {
          reader.poll_events();
        }
      } catch (const std::exception& exception) {
        log_error("GPUs were not read", {{"error", exception.what()}});
        made.emplace().problem = "out of memory";
      }
      const MutexLock lock(mutex);
      if (groups) {
        answer = std::move(made);
        busy = false;
        changed.notify_all();
      }
      stopped = stopping;
    }
  }
  const MutexLock lock(mutex);
  ended = true;
  changed.notify_all();
}

// Nothing when it is time to look for events, or to end.
std::optional<GpuGroups> GpuCollector::Shared::next_request() {
  const auto until = std::chrono::steady_clock::now() + kEventInterval;
  MutexLock lock(mutex);
  while (!asked && !stopping) {
    const auto left = until - std::chrono::steady_clock::now();
    if (left <= left.zero()) break;
    changed.wait_for(lock, left);
  }
  busy = asked.has_value();
  return std::exchange(asked, std::nullopt);
}

GpuCollector::GpuCollector(GpuOptions options)
    : deadline_(options.deadline), shared_(std::make_shared<Shared>(std::move(options))) {
  thread_ = std::thread([shared = shared_] {
    pthread_setname_np(pthread_self(), "gpu");
    shared->run();
  });
}

GpuCollector::~GpuCollector() {
  const auto until = std::chrono::steady_clock::now() + kFarewell;
  bool ended = false;
  {
    MutexLock lock(shared_->mutex);
    shared_->stopping = true;
    shared_->changed.notify_all();
    while (!shared_->ended) {
      const auto left = until - std::chrono::steady_clock::now();
      if (left <= left.zero()) break;
      shared_->changed.wait_for(lock, left);
    }
    ended = shared_->ended;
  }
  if (ended) {
    thread_.join();
  } else {
    thread_.detach();
  }
}

GpuSnapshot GpuCollector::read(GpuGroups groups) {
  const auto until = std::chrono::steady_clock::now() + deadline_;
  {
    MutexLock lock(shared_->mutex);
    // Still with an older request: it has had its deadline.
    if (shared_->busy || shared_->asked) return without_answer();
    shared_->answer.reset();
    shared_->asked = groups;
    shared_->changed.notify_all();
    while (!shared_->answer) {
      const auto left = until - std::chrono::steady_clock::now();
      if (left <= left.zero()) break;
      shared_->changed.wait_for(lock, left);
    }
    if (shared_->answer) {
      last_ = std::move(*shared_->answer);
      shared_->answer.reset();
      return last_;
    }
  }
  GpuSnapshot late = without_answer();
  log_warn("the GPU driver does not answer", {{"reason", late.problem}});
  return late;
}

GpuSnapshot GpuCollector::without_answer() const {
  GpuSnapshot snapshot;
  const char* function = shared_->call.function.load(std::memory_order_relaxed);
  const int gpu = shared_->call.gpu.load(std::memory_order_relaxed);
  snapshot.problem = "the driver does not answer";
  if (function != nullptr) snapshot.problem += std::string(" ") + function;
  if (function != nullptr && gpu >= 0) snapshot.problem += " of GPU " + std::to_string(gpu);
  snapshot.driver_version = last_.driver_version;
  snapshot.nvml_version = last_.nvml_version;
  for (const GpuReading& known : last_.gpus) {
    GpuReading& gone = snapshot.gpus.emplace_back();
    gone.index = known.index;
    gone.uuid = known.uuid;
    gone.model = known.model;
    gone.pci_bus_id = known.pci_bus_id;
    gone.driver = known.driver;
    gone.facts = known.facts;
    gone.problem = snapshot.problem;
  }
  return snapshot;
}

}  // namespace strata::collect
