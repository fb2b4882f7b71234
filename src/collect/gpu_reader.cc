#include "collect/gpu_reader.h"

#include <algorithm>
#include <ranges>

#include "base/log.h"
#include "collect/gpu_device.h"
#include "collect/tree.h"

namespace strata::collect {
namespace {

bool driver_is_gone(nvml::Return result) {
  return result == nvml::kUninitialized || result == nvml::kDriverNotLoaded ||
         result == nvml::kLibRmVersionMismatch;
}

std::string version(const auto& function) {
  char buffer[nvml::kTextBytes] = {};
  if (function(buffer, nvml::kTextBytes - 1) != nvml::kSuccess) return {};
  return buffer;
}

}  // namespace

bool has_nvidia_device(const std::string& sysfs) {
  Tree sys(sysfs);
  for (const std::string& device : sys.names("bus/pci/devices")) {
    const std::string path = join("bus/pci/devices", device);
    if (sys.attribute(join(path, "vendor")) != "0x10de") continue;
    // Base class 03: display controllers; 12: processing accelerators. Not audio, not bridges.
    const auto kind = sys.attribute(join(path, "class"));
    if (kind && (kind->starts_with("0x03") || kind->starts_with("0x12"))) return true;
  }
  return false;
}

GpuReader::GpuReader(std::string library, std::string sysfs, NvmlCall& current, const Clock& clock)
    : path_(std::move(library)), sysfs_(std::move(sysfs)), current_(current), clock_(clock) {}

GpuReader::~GpuReader() { close(); }

void GpuReader::close() {
  for (const auto& gpu : gpus_) gpu->device.reset();
  if (!library_) return;
  if (events_ != nullptr) library_->event_set_free(events_);
  events_ = nullptr;
  library_->shutdown();
  library_.reset();
}

void GpuReader::driver_lost(std::string problem) {
  if (problem != problem_) log_warn("GPUs cannot be read", {{"reason", problem}});
  problem_ = std::move(problem);
  close();
}

void GpuReader::open() {
  close();
  next_try_ = clock_.steady() + retry_after_;
  retry_after_ = std::min<std::chrono::nanoseconds>(retry_after_ * 2, kLastRetry);
  absent_ = false;
  auto library = NvmlLibrary::load(path_, current_);
  if (!library) {
    absent_ = library.error().code == ErrorCode::kNotFound && !has_nvidia_device(sysfs_);
    if (absent_) {
      problem_ = "there is no NVIDIA GPU";
    } else {
      driver_lost(library.error().code == ErrorCode::kNotFound
                      ? "the NVIDIA driver's library is not installed"
                      : "the NVIDIA driver's library does not load");
    }
    return;
  }
  if (const auto result = (*library)->init(); result != nvml::kSuccess) {
    driver_lost(std::string(nvml_error(result)));
    return;
  }
  library_ = std::move(*library);
  unsigned count = 0;
  if (const auto result = library_->device_count(&count); result != nvml::kSuccess) {
    driver_lost(std::string(nvml_error(result)));
    return;
  }
  driver_version_ = version(library_->driver_version);
  nvml_version_ = version(library_->nvml_version);
  if (library_->event_set_create(&events_) != nvml::kSuccess) events_ = nullptr;
  for (const auto& gpu : gpus_) gpu->seen.problem = "the driver no longer lists the GPU";
  for (unsigned i = 0; i < std::min<unsigned>(count, kMaxGpus); ++i) open_device(i);
  if (!problem_.empty()) log_info("GPUs can be read", {{"driver", driver_version_}});
  problem_.clear();
}

void GpuReader::open_device(unsigned index) {
  current_.gpu = static_cast<int>(index);
  nvml::Device handle = nullptr;
  GpuReading seen;
  std::unique_ptr<GpuDevice> device;
  nvml::Return result = library_->device_by_index(index, &handle);
  if (result == nvml::kSuccess) {
    device = std::make_unique<GpuDevice>(*library_, handle, index);
    result = device->identify(seen);
  }
  current_.gpu = -1;
  if (result != nvml::kSuccess && seen.uuid.empty()) {
    // Which one it was is not known, but one that is known and not listed under another index is.
    for (const auto& gpu : gpus_) {
      if (gpu->seen.index == index) gpu->seen.problem = nvml_error(result);
    }
    log_warn("a GPU does not answer", {{"gpu", index}, {"reason", nvml_error(result)}});
    return;
  }
  seen.facts.insert_or_assign("DCGM_FI_DRIVER_VERSION", driver_version_);
  seen.facts.insert_or_assign("DCGM_FI_NVML_VERSION", nvml_version_);
  auto known = std::ranges::find_if(gpus_, [&](auto& gpu) { return gpu->seen.uuid == seen.uuid; });
  if (known == gpus_.end()) {
    if (gpus_.size() == kMaxGpus) return;
    known = gpus_.insert(known, std::make_unique<Gpu>());
  }
  Gpu& gpu = **known;
  seen.xids = std::move(gpu.seen.xids);
  seen.values[GpuValue::kXidLast] = gpu.seen.values[GpuValue::kXidLast];
  gpu.seen = std::move(seen);
  gpu.device = std::move(device);
  // Not every GPU has events (old ones, vGPUs); their Xid errors stay unknown.
  if (events_ != nullptr &&
      library_->register_events(handle, nvml::kEventXid, events_) == nvml::kSuccess &&
      !(gpu.seen.values[GpuValue::kXidLast] >= 0)) {
    gpu.seen.values[GpuValue::kXidLast] = 0;
  }
}

GpuSnapshot GpuReader::read(GpuGroups groups) {
  if ((!library_ || gpu_lost_) && clock_.steady() >= next_try_) open();
  GpuSnapshot snapshot;
  if (library_) poll_events();
  gpu_lost_ = false;
  for (const auto& gpu : gpus_) {
    GpuReading& out = snapshot.gpus.emplace_back();
    out.index = gpu->seen.index;
    out.uuid = gpu->seen.uuid;
    out.model = gpu->seen.model;
    out.pci_bus_id = gpu->seen.pci_bus_id;
    out.driver = driver_version_;
    out.facts = gpu->seen.facts;
    read_gpu(*gpu, groups, out);
    gpu_lost_ |= !out.problem.empty();
  }
  std::ranges::sort(snapshot.gpus, {}, &GpuReading::index);
  if (library_ && !gpu_lost_) retry_after_ = kFirstRetry;
  snapshot.problem = problem_;
  snapshot.absent = absent_ && gpus_.empty();
  snapshot.driver_version = driver_version_;
  snapshot.nvml_version = nvml_version_;
  return snapshot;
}

void GpuReader::read_gpu(Gpu& gpu, GpuGroups groups, GpuReading& out) {
  if (gpu.device) {
    current_.gpu = static_cast<int>(gpu.seen.index);
    const nvml::Return result = gpu.device->read(groups, clock_.steady(), out);
    current_.gpu = -1;
    const std::string problem(result == nvml::kSuccess ? "" : nvml_error(result));
    if (problem != gpu.seen.problem) {
      log(problem.empty() ? LogLevel::kInfo : LogLevel::kWarn,
          problem.empty() ? "the GPU answers again" : "the GPU does not answer",
          {{"gpu", gpu.seen.index}, {"uuid", gpu.seen.uuid}, {"reason", problem}});
    }
    gpu.seen.problem = problem;
    if (driver_is_gone(result)) driver_lost(problem);
  }
  out.problem = library_ ? gpu.seen.problem : problem_;
  if (!out.problem.empty()) {
    out.values = {};
    out.instances.clear();
    out.processes.clear();
  }
  if (groups.has(GpuGroup::kErrors)) {
    out.xids = gpu.seen.xids;
    out.values[GpuValue::kXidLast] = gpu.seen.values[GpuValue::kXidLast];
  }
}

void GpuReader::poll_events() {
  if (!library_ || events_ == nullptr) return;
  for (size_t i = 0; i < kMaxEvents; ++i) {
    nvml::EventData event{};
    // Answers at once: with what waits, or that nothing does.
    if (library_->event_wait(events_, &event, 0) != nvml::kSuccess) return;
    if ((event.type & nvml::kEventXid) != 0) count_xid(event);
  }
}

void GpuReader::count_xid(const nvml::EventData& event) {
  const auto found = std::ranges::find_if(
      gpus_, [&](const auto& gpu) { return gpu->device && gpu->device->handle() == event.device; });
  if (found == gpus_.end()) return;
  GpuReading& seen = (*found)->seen;
  const auto code = static_cast<uint32_t>(std::min<unsigned long long>(event.data, UINT32_MAX));
  const bool known = seen.xids.contains(code) || seen.xids.size() < kMaxXids;
  ++seen.xids[known ? code : kOtherXid];
  seen.values[GpuValue::kXidLast] = code;
  log_warn("Xid error", {{"gpu", seen.index}, {"uuid", seen.uuid}, {"xid", code}});
}

}  // namespace strata::collect
