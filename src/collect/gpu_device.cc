#include "collect/gpu_device.h"

#include <algorithm>
#include <cmath>

namespace strata::collect {
namespace {

constexpr double kKibibyte = 1024;
constexpr unsigned long long kNotAvailable = ~0ULL;

struct FieldRow {
  nvml::Field field;
  GpuGroup group;
  GpuValue value;
  double factor = 1;
  unsigned scope = 0;
};
constexpr FieldRow kFields[] = {
    {nvml::kFieldEccSbeVolatile, GpuGroup::kErrors, GpuValue::kEccSbeVolatile},
    {nvml::kFieldEccDbeVolatile, GpuGroup::kErrors, GpuValue::kEccDbeVolatile},
    {nvml::kFieldEccSbeAggregate, GpuGroup::kErrors, GpuValue::kEccSbeAggregate},
    {nvml::kFieldEccDbeAggregate, GpuGroup::kErrors, GpuValue::kEccDbeAggregate},
    {nvml::kFieldRetiredSbe, GpuGroup::kErrors, GpuValue::kRetiredSbe},
    {nvml::kFieldRetiredDbe, GpuGroup::kErrors, GpuValue::kRetiredDbe},
    {nvml::kFieldRetiredPending, GpuGroup::kErrors, GpuValue::kRetiredPending},
    {nvml::kFieldRemappedCorrectable, GpuGroup::kErrors, GpuValue::kRemappedCorrectable},
    {nvml::kFieldRemappedUncorrectable, GpuGroup::kErrors, GpuValue::kRemappedUncorrectable},
    {nvml::kFieldRemappedPending, GpuGroup::kErrors, GpuValue::kRemappedPending},
    {nvml::kFieldRemappedFailure, GpuGroup::kErrors, GpuValue::kRemappedFailure},
    {nvml::kFieldRecoveryAction, GpuGroup::kErrors, GpuValue::kRecoveryAction},
    {nvml::kFieldMemoryTemperature, GpuGroup::kTemperature, GpuValue::kMemoryTemperature},
    {nvml::kFieldEnergy, GpuGroup::kPower, GpuValue::kEnergyMillijoules},
    {nvml::kFieldViolationPower, GpuGroup::kPower, GpuValue::kViolationPowerNs},
    {nvml::kFieldViolationThermal, GpuGroup::kPower, GpuValue::kViolationThermalNs},
    {nvml::kFieldViolationSyncBoost, GpuGroup::kPower, GpuValue::kViolationSyncBoostNs},
    {nvml::kFieldViolationBoardLimit, GpuGroup::kPower, GpuValue::kViolationBoardLimitNs},
    {nvml::kFieldViolationLowUtilization, GpuGroup::kPower, GpuValue::kViolationLowUtilizationNs},
    {nvml::kFieldViolationReliability, GpuGroup::kPower, GpuValue::kViolationReliabilityNs},
    {nvml::kFieldNvlinkTx, GpuGroup::kNvlink, GpuValue::kNvlinkTxBytes, kKibibyte, nvml::kAllLinks},
    {nvml::kFieldNvlinkRx, GpuGroup::kNvlink, GpuValue::kNvlinkRxBytes, kKibibyte, nvml::kAllLinks},
    {nvml::kFieldNvlinkCrcFlit, GpuGroup::kNvlink, GpuValue::kNvlinkCrcFlit},
    {nvml::kFieldNvlinkCrcData, GpuGroup::kNvlink, GpuValue::kNvlinkCrcData},
    {nvml::kFieldNvlinkReplay, GpuGroup::kNvlink, GpuValue::kNvlinkReplay},
    {nvml::kFieldNvlinkRecovery, GpuGroup::kNvlink, GpuValue::kNvlinkRecovery},
};

// nvmlValueType_t; NaN for one that is newer than this.
double number(const nvml::FieldValue& field) {
  switch (field.value_type) {
    case 0: return field.value.as_double;
    case 1: return field.value.as_uint;
    case 2: return static_cast<double>(field.value.as_ulong);
    case 3: return static_cast<double>(field.value.as_ulonglong);
    case 4: return static_cast<double>(field.value.as_longlong);
    case 5: return field.value.as_int;
    case 6: return field.value.as_ushort;
    default: return std::numeric_limits<double>::quiet_NaN();
  }
}

// nvmlBrandType_t's names.
constexpr std::string_view kBrands[] = {"Unknown",
                                        "Quadro",
                                        "Tesla",
                                        "NVS",
                                        "Grid",
                                        "GeForce",
                                        "Titan",
                                        "NVIDIA Virtual Applications",
                                        "NVIDIA Virtual PC",
                                        "NVIDIA Virtual Compute Server",
                                        "NVIDIA RTX Virtual Workstation",
                                        "NVIDIA Cloud Gaming",
                                        "Quadro RTX",
                                        "NVIDIA RTX",
                                        "NVIDIA",
                                        "GeForce RTX",
                                        "Titan RTX"};

// What a driver answers with when the GPU, or all of it, is out of reach.
bool means_gone(nvml::Return result) {
  switch (result) {
    case nvml::kUninitialized:
    case nvml::kDriverNotLoaded:
    case nvml::kGpuIsLost:
    case nvml::kResetRequired:
    case nvml::kLibRmVersionMismatch: return true;
    default: return false;
  }
}

// What says nothing about the GPU's health.
bool means_unsupported(nvml::Return result) {
  switch (result) {
    case nvml::kInvalidArgument:
    case nvml::kNotSupported:
    case nvml::kNoPermission:
    case nvml::kNotFound:
    case nvml::kInsufficientSize:
    case nvml::kFunctionNotFound:
    case nvml::kArgumentVersionMismatch: return true;
    default: return false;
  }
}

}  // namespace

GpuDevice::GpuDevice(const NvmlLibrary& library, nvml::Device device, unsigned index)
    : library_(library), device_(device), index_(index) {
  nvml::GpmSupport support{.version = nvml::kGpmVersion, .supported = 0};
  has_gpm_ = library_.gpm_supported(device_, &support) == nvml::kSuccess && support.supported != 0;
  if (has_gpm_) sampler_ = std::make_unique<GpmSampler>(library_, device_, std::nullopt);
}

// Keeps in mind whether anything was answered, and what was wrong where that matters.
bool GpuDevice::ok(nvml::Return result) {
  if (result == nvml::kSuccess) {
    answered_ = true;
    return true;
  }
  if (means_gone(result) || (!means_unsupported(result) && !means_gone(worst_))) worst_ = result;
  return false;
}

// A function whose last parameter is where an unsigned number goes.
void GpuDevice::get(GpuValue value, auto& function, auto... before) {
  if (means_gone(worst_)) return;
  unsigned number = 0;
  if (ok(function(device_, before..., &number))) (*values_)[value] = number;
}

std::string GpuDevice::text(auto& function, auto... before) {
  char buffer[nvml::kTextBytes] = {};
  if (!ok(function(device_, before..., buffer, nvml::kTextBytes))) return {};
  buffer[nvml::kTextBytes - 1] = 0;
  return buffer;
}

nvml::Return GpuDevice::identify(GpuReading& out) {
  worst_ = nvml::kSuccess;
  out.index = index_;
  out.uuid = text(library_.uuid);
  if (out.uuid.empty()) return worst_ == nvml::kSuccess ? nvml::kUnknown : worst_;
  out.model = text(library_.name);
  nvml::PciInfo pci{};
  if (ok(library_.pci_info(device_, &pci))) {
    pci.bus_id[sizeof pci.bus_id - 1] = 0;
    out.pci_bus_id = pci.bus_id;
  }
  const auto fact = [&](const char* name, std::string value) {
    if (!value.empty()) out.facts.insert_or_assign(name, std::move(value));
  };
  unsigned brand = 0;
  if (ok(library_.brand(device_, &brand)) && brand < std::size(kBrands)) {
    fact("DCGM_FI_DEV_BRAND", std::string(kBrands[brand]));
  }
  fact("DCGM_FI_DEV_SERIAL", text(library_.serial));
  fact("DCGM_FI_DEV_VBIOS_VERSION", text(library_.vbios_version));
  fact("DCGM_FI_DEV_INFOROM_IMAGE_VER", text(library_.inforom_image));
  fact("DCGM_FI_DEV_OEM_INFOROM_VER", text(library_.inforom_version, 0u));
  fact("DCGM_FI_DEV_ECC_INFOROM_VER", text(library_.inforom_version, 1u));
  fact("DCGM_FI_DEV_POWER_INFOROM_VER", text(library_.inforom_version, 2u));
  return means_gone(worst_) ? worst_ : nvml::kSuccess;
}

nvml::Return GpuDevice::read(GpuGroups groups, std::chrono::nanoseconds now, GpuReading& out) {
  now_ = now;
  values_ = &out.values;
  worst_ = nvml::kSuccess;
  answered_ = false;

  // Every GPU has it, so it also says whether the GPU is there.
  get(GpuValue::kTemperature, library_.temperature, nvml::kTemperatureGpu);
  if (means_gone(worst_)) return worst_;
  if (!groups.has(GpuGroup::kTemperature)) {
    out.values[GpuValue::kTemperature] = std::numeric_limits<double>::quiet_NaN();
  } else {
    get(GpuValue::kFanPercent, library_.fan_speed);
  }
  if (groups.has(GpuGroup::kUtilization)) read_percents();
  if (groups.has(GpuGroup::kMemory)) read_memory(device_, out.values);
  if (groups.has(GpuGroup::kClocks)) read_clocks();
  if (groups.has(GpuGroup::kPower)) read_power();
  if (groups.has(GpuGroup::kPcie)) read_pcie();
  read_fields(groups);
  if (groups.has(GpuGroup::kPower)) read_energy();
  if (groups.has(GpuGroup::kErrors)) read_errors();
  if (groups.has(GpuGroup::kNvlink)) read_nvlink_rate();
  if (groups.has(GpuGroup::kProcesses)) read_processes(out);
  if (sampler_ && (groups.has(GpuGroup::kProfiling) || groups.has(GpuGroup::kPcie))) {
    sampler_->read(now, out.values);
  }
  read_instances(groups, out);
  if (means_gone(worst_)) return worst_;
  return answered_ ? nvml::kSuccess : worst_;
}

void GpuDevice::read_percents() {
  GpuValues& values = *values_;
  nvml::Utilization utilization{};
  // Out-of-range answers were seen in the field; they are no measurement.
  if (ok(library_.utilization(device_, &utilization)) && utilization.gpu <= 100 &&
      utilization.memory <= 100) {
    values[GpuValue::kGpuPercent] = utilization.gpu;
    values[GpuValue::kMemoryPercent] = utilization.memory;
  }
  unsigned percent = 0;
  unsigned period = 0;
  if (ok(library_.encoder(device_, &percent, &period)) && percent <= 100) {
    values[GpuValue::kEncoderPercent] = percent;
  }
  if (ok(library_.decoder(device_, &percent, &period)) && percent <= 100) {
    values[GpuValue::kDecoderPercent] = percent;
  }
  read_license();
}

void GpuDevice::read_memory(nvml::Device device, GpuValues& values) {
  nvml::MemoryV2 memory{};
  memory.version = nvml::kMemoryV2Version;
  if (ok(library_.memory_v2(device, &memory))) {
    values[GpuValue::kMemoryTotalBytes] = static_cast<double>(memory.total);
    values[GpuValue::kMemoryFreeBytes] = static_cast<double>(memory.free);
    values[GpuValue::kMemoryUsedBytes] = static_cast<double>(memory.used);
    values[GpuValue::kMemoryReservedBytes] = static_cast<double>(memory.reserved);
    return;
  }
  nvml::Memory old{};  // before driver 510: what is reserved counts as used
  if (!ok(library_.memory(device, &old))) return;
  values[GpuValue::kMemoryTotalBytes] = static_cast<double>(old.total);
  values[GpuValue::kMemoryFreeBytes] = static_cast<double>(old.free);
  values[GpuValue::kMemoryUsedBytes] = static_cast<double>(old.used);
}

void GpuDevice::read_clocks() {
  get(GpuValue::kSmClockMhz, library_.clock, nvml::kClockSm);
  get(GpuValue::kMemoryClockMhz, library_.clock, nvml::kClockMemory);
  get(GpuValue::kPerformanceState, library_.performance_state);
  unsigned long long reasons = 0;
  if (ok(library_.event_reasons(device_, &reasons)) ||
      ok(library_.throttle_reasons(device_, &reasons))) {
    (*values_)[GpuValue::kEventReasons] = static_cast<double>(reasons);
  }
}

void GpuDevice::read_power() {
  get(GpuValue::kPowerMilliwatts, library_.power);
  get(GpuValue::kPowerLimitMilliwatts, library_.power_limit);
}

void GpuDevice::read_pcie() {
  get(GpuValue::kPcieReplays, library_.pcie_replays);
  get(GpuValue::kPcieGeneration, library_.pcie_generation);
  get(GpuValue::kPcieMaxGeneration, library_.pcie_max_generation);
  get(GpuValue::kPcieWidth, library_.pcie_width);
  get(GpuValue::kPcieMaxWidth, library_.pcie_max_width);
}

// One call for all of them: the driver answers for each by itself.
void GpuDevice::read_fields(GpuGroups groups) {
  nvml::FieldValue fields[std::size(kFields)] = {};
  const FieldRow* rows[std::size(kFields)] = {};
  int count = 0;
  for (const FieldRow& row : kFields) {
    if (!groups.has(row.group)) continue;
    rows[count] = &row;
    fields[count].field = row.field;
    fields[count].scope = row.scope;
    ++count;
  }
  if (count == 0 || !ok(library_.field_values(device_, count, fields))) return;
  for (int i = 0; i < count; ++i) {
    if (fields[i].result != nvml::kSuccess) {
      if (means_gone(fields[i].result)) worst_ = fields[i].result;
      continue;
    }
    const double value = number(fields[i]);
    if (value >= 0) (*values_)[rows[i]->value] = value * rows[i]->factor;
  }
}

// What old drivers do not have as a field.
void GpuDevice::read_energy() {
  double& energy = (*values_)[GpuValue::kEnergyMillijoules];
  unsigned long long millijoules = 0;
  if (std::isnan(energy) && ok(library_.energy(device_, &millijoules))) {
    energy = static_cast<double>(millijoules);
  }
}

// As above.
void GpuDevice::read_errors() {
  GpuValues& values = *values_;
  const auto ecc = [&](GpuValue value, unsigned error, unsigned counter) {
    unsigned long long count = 0;
    if (!std::isnan(values[value])) return;
    if (ok(library_.ecc_errors(device_, error, counter, &count))) {
      values[value] = static_cast<double>(count);
    }
  };
  ecc(GpuValue::kEccSbeVolatile, nvml::kEccCorrected, nvml::kEccVolatile);
  ecc(GpuValue::kEccDbeVolatile, nvml::kEccUncorrected, nvml::kEccVolatile);
  ecc(GpuValue::kEccSbeAggregate, nvml::kEccCorrected, nvml::kEccAggregate);
  ecc(GpuValue::kEccDbeAggregate, nvml::kEccUncorrected, nvml::kEccAggregate);
}

void GpuDevice::read_nvlink_rate() {
  GpuValues& values = *values_;
  const double bytes = values[GpuValue::kNvlinkTxBytes] + values[GpuValue::kNvlinkRxBytes];
  const double seconds = std::chrono::duration<double>(now_ - nvlink_time_).count();
  if (bytes >= nvlink_bytes_ && seconds > 0) {  // false when either is unknown
    values[GpuValue::kNvlinkMegabytesPerSecond] =
        (bytes - nvlink_bytes_) / kKibibyte / 1000 / seconds;  // DCGM's "MB" is 1000 KiB
  }
  nvlink_bytes_ = bytes;
  nvlink_time_ = now_;
}

void GpuDevice::read_license() {
  nvml::GridLicensableFeatures features{};
  if (!ok(library_.grid_features(device_, &features))) return;
  bool licensed = false;
  const size_t count = std::min<size_t>(features.count, std::size(features.features));
  for (size_t i = 0; features.supported != 0 && i < count; ++i) {
    licensed |= features.features[i].state != 0;
  }
  (*values_)[GpuValue::kVgpuLicensed] = licensed ? 1 : 0;
}

void GpuDevice::read_processes(GpuReading& out) {
  unsigned count = 64;
  std::vector<nvml::ProcessInfo> list(count);
  nvml::Return result = library_.compute_processes(device_, &count, list.data());
  if (result == nvml::kInsufficientSize) {
    count = static_cast<unsigned>(std::min<size_t>(size_t{count} + 16, kMaxProcesses));
    list.resize(count);
    result = library_.compute_processes(device_, &count, list.data());
  }
  if (!ok(result)) return;
  list.resize(std::min<size_t>(count, list.size()));
  (*values_)[GpuValue::kProcesses] = static_cast<double>(list.size());
  for (const nvml::ProcessInfo& process : list) {
    GpuProcess& added = out.processes.emplace_back();
    added.pid = process.pid;
    if (process.used_gpu_memory != kNotAvailable) {
      added.memory_bytes = static_cast<double>(process.used_gpu_memory);
    }
  }
}

// MIG is set up and taken down while we run, so its parts are looked up each time.
void GpuDevice::read_instances(GpuGroups groups, GpuReading& out) {
  if (!groups.has(GpuGroup::kMemory) && !groups.has(GpuGroup::kProfiling)) return;
  unsigned enabled = 0;
  unsigned pending = 0;
  unsigned count = 0;
  if (library_.mig_mode(device_, &enabled, &pending) != nvml::kSuccess || enabled == 0 ||
      library_.mig_count(device_, &count) != nvml::kSuccess) {
    instance_samplers_.clear();
    return;
  }
  for (unsigned i = 0; i < std::min(count, kMaxInstances); ++i) {
    nvml::Device instance = nullptr;
    if (library_.mig_by_index(device_, i, &instance) == nvml::kSuccess) {
      read_instance(instance, groups, out);
    }
  }
  std::erase_if(instance_samplers_, [&](const auto& sampler) {
    return std::ranges::find(out.instances, sampler.first, &GpuInstance::id) == out.instances.end();
  });
}

void GpuDevice::read_instance(nvml::Device device, GpuGroups groups, GpuReading& out) {
  GpuInstance& instance = out.instances.emplace_back();
  if (library_.gpu_instance(device, &instance.id) != nvml::kSuccess) {
    out.instances.pop_back();
    return;
  }
  char buffer[nvml::kTextBytes] = {};
  if (library_.uuid(device, buffer, nvml::kTextBytes - 1) == nvml::kSuccess) {
    instance.uuid = buffer;
  }
  // The profile stands in the name: "NVIDIA H100 80GB HBM3 MIG 1g.10gb".
  constexpr std::string_view kBefore = " MIG ";
  if (library_.name(device, buffer, nvml::kTextBytes - 1) == nvml::kSuccess) {
    const std::string_view name = buffer;
    const size_t at = name.find(kBefore);
    if (at != name.npos) instance.profile = name.substr(at + kBefore.size());
  }
  if (groups.has(GpuGroup::kMemory)) read_memory(device, instance.values);
  if (!has_gpm_ || !groups.has(GpuGroup::kProfiling)) return;
  auto& sampler = instance_samplers_[instance.id];
  if (!sampler) sampler = std::make_unique<GpmSampler>(library_, device_, instance.id);
  sampler->read(now_, instance.values);
}

}  // namespace strata::collect
