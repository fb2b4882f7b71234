// A libnvidia-ml.so.1 that answers what a script says; see README.md. Thread-safe, as the real one.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <map>
#include <mutex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "collect/nvml_abi.h"

namespace nvml = strata::collect::nvml;
using nvml::Return;

namespace {

constexpr unsigned kMaxGpus = 16;
constexpr unsigned kMaxInstances = 8;
constexpr int kAll = -1;

struct Instance {
  unsigned id = 0;
  std::string profile;
  unsigned long long used = 0;
};

struct Process {
  unsigned pid = 0;
  unsigned long long bytes = 0;
};

// A GPU, or a MIG instance of one: handles point to these.
struct Handle {
  int gpu = 0;
  int instance = -1;
};

struct Xid {
  int gpu = 0;
  unsigned long long code = 0;
};

struct Script {
  unsigned gpus = 8;
  std::string driver = "550.54.15";
  std::string version = "12.550.54.15";
  std::map<std::pair<int, std::string>, std::string> values;
  std::map<std::pair<std::string, int>, Return> errors;
  std::set<std::pair<std::string, int>> hangs;
  std::map<unsigned, Xid> xids;
  std::map<int, std::map<unsigned, Instance>> instances;
  std::map<int, std::vector<Process>> processes;
};

int gpu_of(const std::string& word) {
  return word == "*" || word == "-" ? kAll : std::atoi(word.c_str());
}

Script parse(const char* path) {
  Script script;
  std::ifstream file(path == nullptr ? "" : path);
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string verb, a, b, c;
    words >> verb >> a;
    if (verb == "gpus") {
      script.gpus = std::min(kMaxGpus, static_cast<unsigned>(std::atoi(a.c_str())));
    } else if (verb == "driver") {
      script.driver = a;
    } else if (verb == "nvml") {
      script.version = a;
    } else if (verb == "set") {
      words >> b >> std::ws;
      std::getline(words, c);
      script.values[{gpu_of(a), b}] = c;
    } else if (verb == "error") {
      words >> b >> c;
      script.errors[{a, gpu_of(b)}] = std::atoi(c.c_str());
    } else if (verb == "hang") {
      words >> b;
      script.hangs.emplace(a, gpu_of(b));
    } else if (verb == "xid") {
      words >> b >> c;
      script.xids[static_cast<unsigned>(std::atoi(a.c_str()))] = {
          gpu_of(b), static_cast<unsigned long long>(std::atoll(c.c_str()))};
    } else if (verb == "mig") {
      unsigned index = 0;
      Instance instance;
      words >> index >> instance.id >> instance.profile >> instance.used;
      if (index < kMaxInstances) script.instances[gpu_of(a)][index] = instance;
    } else if (verb == "process") {
      Process process;
      words >> process.pid >> process.bytes;
      script.processes[gpu_of(a)].push_back(process);
    }
  }
  return script;
}

// What an H100 answers while it serves a model.
const std::map<std::string, std::string> kDefaults = {
    {"name", "NVIDIA H100 80GB HBM3"},
    {"brand", "14"},
    {"serial", "1650000000000"},
    {"vbios", "96.00.74.00.01"},
    {"inforom", "G520.0200.00.05"},
    {"clock.sm", "1755"},
    {"clock.memory", "2619"},
    {"temperature", "54"},
    {"power", "480250"},
    {"power.limit", "700000"},
    {"energy", "123456789"},
    {"pcie.replays", "0"},
    {"pcie.generation", "5"},
    {"pcie.width", "16"},
    {"pcie.max_generation", "5"},
    {"pcie.max_width", "16"},
    {"util.gpu", "86"},
    {"util.memory", "41"},
    {"util.encoder", "0"},
    {"util.decoder", "0"},
    {"memory.total", "85520809984"},
    {"memory.reserved", "544407552"},
    {"memory.used", "78567702528"},
    {"ecc.0.0", "0"},
    {"ecc.1.0", "0"},
    {"ecc.0.1", "3"},
    {"ecc.1.1", "0"},
    {"pstate", "0"},
    {"fan", "-"},
    {"license", "0"},
    {"reasons", "4"},
    {"field.3", "0"},
    {"field.4", "0"},
    {"field.5", "3"},
    {"field.6", "0"},
    {"field.38", "0"},
    {"field.45", "0"},
    {"field.52", "0"},
    {"field.59", "0"},
    {"field.74", "1500000000"},
    {"field.75", "0"},
    {"field.76", "0"},
    {"field.77", "0"},
    {"field.78", "0"},
    {"field.79", "0"},
    {"field.82", "62"},
    {"field.83", "123456789"},
    {"field.138", "1000000"},
    {"field.139", "2000000"},
    {"field.142", "0"},
    {"field.143", "0"},
    {"field.144", "0"},
    {"field.145", "0"},
    {"field.230", "0"},
    {"gpm.1", "82.5"},
    {"gpm.2", "61"},
    {"gpm.3", "35"},
    {"gpm.5", "27"},
    {"gpm.10", "44"},
    {"gpm.11", "0"},
    {"gpm.12", "3"},
    {"gpm.13", "9"},
    {"gpm.20", "1800"},
    {"gpm.21", "2400"},
};

std::mutex mutex;
Script script;  // guarded by mutex, as all below
int inits = 0;
struct timespec read_time{};
long long read_size = -1;
ino_t read_inode = 0;
std::string read_path;
std::array<Handle, kMaxGpus> gpu_handles;
[[maybe_unused]] std::array<std::array<Handle, kMaxInstances>, kMaxGpus> instance_handles;
std::set<unsigned> xids_delivered;

void refresh() {
  const char* path = std::getenv("STRATA_FAKE_NVML");
  struct stat info{};
  if (path == nullptr || stat(path, &info) != 0) {
    if (read_size != -1) script = Script();
    read_size = -1;
    return;
  }
  const bool same = read_path == path && read_size == info.st_size && read_inode == info.st_ino &&
                    read_time.tv_sec == info.st_mtim.tv_sec &&
                    read_time.tv_nsec == info.st_mtim.tv_nsec;
  if (same) return;
  read_path = path;
  read_size = info.st_size;
  read_inode = info.st_ino;
  read_time = info.st_mtim;
  script = parse(path);
}

int gpu_of(nvml::Device device) { return reinterpret_cast<Handle*>(device)->gpu; }

template <class Key>
auto scripted(const Key& map, const char* function, int gpu) {
  auto found = map.find({function, gpu});
  return found == map.end() ? map.find({function, kAll}) : found;
}

// Every function begins here: hangs, errors, and whether the library is in use at all.
Return enter(std::unique_lock<std::mutex>& lock, const char* function, int gpu = kAll) {
  lock = std::unique_lock(mutex);
  refresh();
  while (scripted(script.hangs, function, gpu) != script.hangs.end()) {
    lock.unlock();
    usleep(2000);
    lock.lock();
    refresh();
  }
  const auto error = scripted(script.errors, function, gpu);
  if (error != script.errors.end()) return error->second;
  if (inits == 0 && std::strcmp(function, "nvmlInit_v2") != 0) return nvml::kUninitialized;
  return nvml::kSuccess;
}

// Null: not supported.
const std::string* value(int gpu, const std::string& key) {
  const std::string* found = nullptr;
  if (auto at = script.values.find({gpu, key}); at != script.values.end()) {
    found = &at->second;
  } else if (at = script.values.find({kAll, key}); at != script.values.end()) {
    found = &at->second;
  } else if (auto usual = kDefaults.find(key); usual != kDefaults.end()) {
    found = &usual->second;
  }
  return found == nullptr || *found == "-" ? nullptr : found;
}

template <class Number>
Return give(int gpu, const std::string& key, Number* out) {
  const std::string* text = value(gpu, key);
  if (text == nullptr) return nvml::kNotSupported;
  *out = static_cast<Number>(std::atof(text->c_str()));
  return nvml::kSuccess;
}

Return give_text(const std::string& text, char* out, unsigned size) {
  if (text.size() + 1 > size) return nvml::kInsufficientSize;
  std::memcpy(out, text.c_str(), text.size() + 1);
  return nvml::kSuccess;
}

Return give_text(int gpu, const std::string& key, char* out, unsigned size) {
  const std::string* text = value(gpu, key);
  return text == nullptr ? nvml::kNotSupported : give_text(*text, out, size);
}

const Instance* instance_of(nvml::Device device) {
  const Handle& handle = *reinterpret_cast<Handle*>(device);
  if (handle.instance < 0) return nullptr;
  const auto gpu = script.instances.find(handle.gpu);
  if (gpu == script.instances.end()) return nullptr;
  const auto found = gpu->second.find(static_cast<unsigned>(handle.instance));
  return found == gpu->second.end() ? nullptr : &found->second;
}

std::string uuid_of(int gpu) {
  if (const std::string* text = value(gpu, "uuid")) return *text;
  char text[64];
  std::snprintf(text, sizeof text, "GPU-%08x-0000-4000-8000-000000000000", 0xf00d0000u + gpu);
  return text;
}

struct Sample {
  std::map<unsigned, double> values;
};

[[maybe_unused]] Return take_sample(int gpu, nvml::GpmSample into) {
  Sample& sample = *reinterpret_cast<Sample*>(into);
  sample.values.clear();
  for (unsigned id = 1; id < 22; ++id) {
    double number = 0;
    if (give(gpu, "gpm." + std::to_string(id), &number) == nvml::kSuccess) {
      sample.values[id] = number;
    }
  }
  return nvml::kSuccess;
}

}  // namespace

#define EXPORT extern "C" __attribute__((visibility("default")))
#define ENTER(...)                                                                            \
  std::unique_lock<std::mutex> lock;                                                          \
  if (const Return refused = enter(lock, __func__, ##__VA_ARGS__); refused != nvml::kSuccess) \
  return refused
#define ANSWER(name, key)                                  \
  EXPORT Return name(nvml::Device device, unsigned* out) { \
    ENTER(gpu_of(device));                                 \
    return give(gpu_of(device), key, out);                 \
  }
#define ANSWER_TEXT(name, key)                                        \
  EXPORT Return name(nvml::Device device, char* out, unsigned size) { \
    ENTER(gpu_of(device));                                            \
    return give_text(gpu_of(device), key, out, size);                 \
  }

EXPORT Return nvmlInit_v2() {
  ENTER();
  ++inits;
  return nvml::kSuccess;
}
EXPORT Return nvmlShutdown() {
  ENTER();
  --inits;
  return nvml::kSuccess;
}
EXPORT Return nvmlSystemGetDriverVersion(char* out, unsigned size) {
  ENTER();
  return give_text(script.driver, out, size);
}
EXPORT Return nvmlSystemGetNVMLVersion(char* out, unsigned size) {
  ENTER();
  return give_text(script.version, out, size);
}
EXPORT Return nvmlDeviceGetCount_v2(unsigned* count) {
  ENTER();
  *count = script.gpus;
  return nvml::kSuccess;
}
EXPORT Return nvmlDeviceGetHandleByIndex_v2(unsigned index, nvml::Device* device) {
  ENTER(static_cast<int>(index));
  if (index >= script.gpus) return nvml::kInvalidArgument;
  gpu_handles[index].gpu = static_cast<int>(index);
  *device = reinterpret_cast<nvml::Device>(&gpu_handles[index]);
  return nvml::kSuccess;
}
EXPORT Return nvmlDeviceGetName(nvml::Device device, char* out, unsigned size) {
  ENTER(gpu_of(device));
  const std::string* name = value(gpu_of(device), "name");
  if (name == nullptr) return nvml::kNotSupported;
  const Instance* instance = instance_of(device);
  return give_text(instance == nullptr ? *name : *name + " MIG " + instance->profile, out, size);
}
EXPORT Return nvmlDeviceGetUUID(nvml::Device device, char* out, unsigned size) {
  ENTER(gpu_of(device));
  const Instance* instance = instance_of(device);
  const std::string uuid = uuid_of(gpu_of(device));
  return give_text(
      instance == nullptr ? uuid : "MIG-" + std::to_string(instance->id) + uuid.substr(3), out,
      size);
}
EXPORT Return nvmlDeviceGetPciInfo_v3(nvml::Device device, nvml::PciInfo* out) {
  ENTER(gpu_of(device));
  *out = {};
  out->bus = static_cast<unsigned>(gpu_of(device)) + 7;
  std::snprintf(out->bus_id, sizeof out->bus_id, "00000000:%02X:00.0", out->bus);
  return nvml::kSuccess;
}
ANSWER_TEXT(nvmlDeviceGetSerial, "serial")
ANSWER(nvmlDeviceGetBrand, "brand")
ANSWER_TEXT(nvmlDeviceGetVbiosVersion, "vbios")
ANSWER_TEXT(nvmlDeviceGetInforomImageVersion, "inforom")
EXPORT Return nvmlDeviceGetInforomVersion(nvml::Device device, unsigned, char* out, unsigned size) {
  ENTER(gpu_of(device));
  return give_text(gpu_of(device), "inforom", out, size);
}
EXPORT Return nvmlDeviceGetClockInfo(nvml::Device device, unsigned type, unsigned* out) {
  ENTER(gpu_of(device));
  return give(gpu_of(device), type == nvml::kClockSm ? "clock.sm" : "clock.memory", out);
}
EXPORT Return nvmlDeviceGetTemperature(nvml::Device device, unsigned, unsigned* out) {
  ENTER(gpu_of(device));
  return give(gpu_of(device), "temperature", out);
}
ANSWER(nvmlDeviceGetPowerUsage, "power")
ANSWER(nvmlDeviceGetEnforcedPowerLimit, "power.limit")
EXPORT Return nvmlDeviceGetTotalEnergyConsumption(nvml::Device device, unsigned long long* out) {
  ENTER(gpu_of(device));
  return give(gpu_of(device), "energy", out);
}
ANSWER(nvmlDeviceGetPcieReplayCounter, "pcie.replays")
ANSWER(nvmlDeviceGetCurrPcieLinkGeneration, "pcie.generation")
ANSWER(nvmlDeviceGetCurrPcieLinkWidth, "pcie.width")
ANSWER(nvmlDeviceGetMaxPcieLinkGeneration, "pcie.max_generation")
ANSWER(nvmlDeviceGetMaxPcieLinkWidth, "pcie.max_width")
EXPORT Return nvmlDeviceGetUtilizationRates(nvml::Device device, nvml::Utilization* out) {
  ENTER(gpu_of(device));
  if (script.instances.contains(gpu_of(device))) return nvml::kNotSupported;  // as MIG has it
  give(gpu_of(device), "util.memory", &out->memory);
  return give(gpu_of(device), "util.gpu", &out->gpu);
}
EXPORT Return nvmlDeviceGetEncoderUtilization(nvml::Device device, unsigned* out, unsigned* us) {
  ENTER(gpu_of(device));
  *us = 167000;
  return give(gpu_of(device), "util.encoder", out);
}
EXPORT Return nvmlDeviceGetDecoderUtilization(nvml::Device device, unsigned* out, unsigned* us) {
  ENTER(gpu_of(device));
  *us = 167000;
  return give(gpu_of(device), "util.decoder", out);
}
EXPORT Return nvmlDeviceGetMemoryInfo(nvml::Device device, nvml::Memory* out) {
  ENTER(gpu_of(device));
  unsigned long long reserved = 0;
  give(gpu_of(device), "memory.reserved", &reserved);
  give(gpu_of(device), "memory.used", &out->used);
  out->used += reserved;
  const Return result = give(gpu_of(device), "memory.total", &out->total);
  out->free = out->total - out->used;
  return result;
}
EXPORT Return nvmlDeviceGetFieldValues(nvml::Device device, int count, nvml::FieldValue* fields) {
  ENTER(gpu_of(device));
  for (int i = 0; i < count; ++i) {
    nvml::FieldValue& field = fields[i];
    const bool link = field.field == nvml::kFieldNvlinkTx || field.field == nvml::kFieldNvlinkRx;
    field.value_type = 3;
    field.result = link && field.scope != nvml::kAllLinks
                       ? nvml::kInvalidArgument
                       : give(gpu_of(device), "field." + std::to_string(field.field),
                              &field.value.as_ulonglong);
    if (field.field == nvml::kFieldMemoryTemperature && field.result == nvml::kSuccess) {
      field.value_type = 1;  // the driver has no single type for all
      field.value.as_uint = static_cast<unsigned>(field.value.as_ulonglong);
    }
  }
  return nvml::kSuccess;
}
EXPORT Return nvmlDeviceGetTotalEccErrors(nvml::Device device, unsigned error, unsigned counter,
                                          unsigned long long* out) {
  ENTER(gpu_of(device));
  return give(gpu_of(device), "ecc." + std::to_string(error) + "." + std::to_string(counter), out);
}
ANSWER(nvmlDeviceGetPerformanceState, "pstate")
ANSWER(nvmlDeviceGetFanSpeed, "fan")
EXPORT Return nvmlDeviceGetCurrentClocksThrottleReasons(nvml::Device device,
                                                        unsigned long long* out) {
  ENTER(gpu_of(device));
  return give(gpu_of(device), "reasons", out);
}
EXPORT Return nvmlEventSetCreate(nvml::EventSet* set) {
  ENTER();
  *set = reinterpret_cast<nvml::EventSet>(&xids_delivered);
  return nvml::kSuccess;
}
EXPORT Return nvmlEventSetFree(nvml::EventSet) {
  ENTER();
  return nvml::kSuccess;
}
EXPORT Return nvmlDeviceRegisterEvents(nvml::Device device, unsigned long long, nvml::EventSet) {
  ENTER(gpu_of(device));
  return nvml::kSuccess;
}
EXPORT Return nvmlEventSetWait_v2(nvml::EventSet, nvml::EventData* out, unsigned timeout_ms) {
  for (unsigned waited = 0;; waited += 5) {
    {
      ENTER();
      for (const auto& [number, xid] : script.xids) {
        if (!xids_delivered.insert(number).second) continue;
        *out = {
            .device = reinterpret_cast<nvml::Device>(&gpu_handles[static_cast<size_t>(xid.gpu)]),
            .type = nvml::kEventXid,
            .data = xid.code,
            .gpu_instance = nvml::kNoInstance,
            .compute_instance = nvml::kNoInstance};
        return nvml::kSuccess;
      }
    }
    if (waited >= timeout_ms) return nvml::kTimeout;
    usleep(5000);
  }
}

#ifndef STRATA_OLD_DRIVER
EXPORT Return nvmlDeviceGetMemoryInfo_v2(nvml::Device device, nvml::MemoryV2* out) {
  ENTER(gpu_of(device));
  if (out->version != nvml::kMemoryV2Version) return nvml::kArgumentVersionMismatch;
  const Instance* instance = instance_of(device);
  if (instance != nullptr) {
    *out = {out->version, 10'200'547'328ULL, 100'000'000ULL, 10'100'547'328ULL - instance->used,
            instance->used};
    return nvml::kSuccess;
  }
  give(gpu_of(device), "memory.reserved", &out->reserved);
  give(gpu_of(device), "memory.used", &out->used);
  const Return result = give(gpu_of(device), "memory.total", &out->total);
  out->free = out->total - out->used - out->reserved;
  return result;
}
EXPORT Return nvmlDeviceGetGridLicensableFeatures_v4(nvml::Device device,
                                                     nvml::GridLicensableFeatures* out) {
  ENTER(gpu_of(device));
  *out = {};
  out->supported = 1;
  out->count = 1;
  return give(gpu_of(device), "license", &out->features[0].state);
}
EXPORT Return nvmlDeviceGetCurrentClocksEventReasons(nvml::Device device, unsigned long long* out) {
  ENTER(gpu_of(device));
  return give(gpu_of(device), "reasons", out);
}
EXPORT Return nvmlDeviceGetComputeRunningProcesses_v3(nvml::Device device, unsigned* count,
                                                      nvml::ProcessInfo* out) {
  ENTER(gpu_of(device));
  const std::vector<Process>& processes = script.processes[gpu_of(device)];
  const unsigned room = *count;
  *count = static_cast<unsigned>(processes.size());
  if (room < processes.size()) return nvml::kInsufficientSize;
  for (size_t i = 0; i < processes.size(); ++i) {
    out[i] = {processes[i].pid, processes[i].bytes, nvml::kNoInstance, nvml::kNoInstance};
  }
  return nvml::kSuccess;
}
EXPORT Return nvmlDeviceGetMigMode(nvml::Device device, unsigned* current, unsigned* pending) {
  ENTER(gpu_of(device));
  *current = *pending = script.instances.contains(gpu_of(device)) ? 1 : 0;
  return nvml::kSuccess;
}
EXPORT Return nvmlDeviceGetMaxMigDeviceCount(nvml::Device device, unsigned* count) {
  ENTER(gpu_of(device));
  *count = 7;
  return nvml::kSuccess;
}
EXPORT Return nvmlDeviceGetMigDeviceHandleByIndex(nvml::Device device, unsigned index,
                                                  nvml::Device* out) {
  ENTER(gpu_of(device));
  const auto gpu = gpu_of(device);
  if (!script.instances[gpu].contains(index)) return nvml::kNotFound;
  Handle& handle = instance_handles[static_cast<size_t>(gpu)][index];
  handle = {gpu, static_cast<int>(index)};
  *out = reinterpret_cast<nvml::Device>(&handle);
  return nvml::kSuccess;
}
EXPORT Return nvmlDeviceGetGpuInstanceId(nvml::Device device, unsigned* id) {
  ENTER(gpu_of(device));
  const Instance* instance = instance_of(device);
  if (instance == nullptr) return nvml::kNotSupported;
  *id = instance->id;
  return nvml::kSuccess;
}
EXPORT Return nvmlGpmQueryDeviceSupport(nvml::Device device, nvml::GpmSupport* out) {
  ENTER(gpu_of(device));
  if (out->version != nvml::kGpmVersion) return nvml::kArgumentVersionMismatch;
  out->supported = value(gpu_of(device), "gpm.1") != nullptr ? 1 : 0;
  return nvml::kSuccess;
}
EXPORT Return nvmlGpmSampleAlloc(nvml::GpmSample* sample) {
  ENTER();
  *sample = reinterpret_cast<nvml::GpmSample>(new Sample());
  return nvml::kSuccess;
}
EXPORT Return nvmlGpmSampleFree(nvml::GpmSample sample) {
  ENTER();
  delete reinterpret_cast<Sample*>(sample);
  return nvml::kSuccess;
}
EXPORT Return nvmlGpmSampleGet(nvml::Device device, nvml::GpmSample sample) {
  ENTER(gpu_of(device));
  return take_sample(gpu_of(device), sample);
}
EXPORT Return nvmlGpmMigSampleGet(nvml::Device device, unsigned, nvml::GpmSample sample) {
  ENTER(gpu_of(device));
  return take_sample(gpu_of(device), sample);
}
EXPORT Return nvmlGpmMetricsGet(nvml::GpmMetrics* request) {
  ENTER();
  if (request->version != nvml::kGpmVersion) return nvml::kArgumentVersionMismatch;
  const Sample& last = *reinterpret_cast<Sample*>(request->second);
  for (unsigned i = 0; i < request->count; ++i) {
    nvml::GpmMetric& metric = request->metrics[i];
    const auto found = last.values.find(metric.id);
    metric.result = found == last.values.end() ? nvml::kNotSupported : nvml::kSuccess;
    if (found != last.values.end()) metric.value = found->second;
  }
  return nvml::kSuccess;
}
#endif
