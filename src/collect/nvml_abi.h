// The part of NVIDIA's management library (libnvidia-ml.so.1) that Strata calls: its types, numbers
// and functions, declared here so that neither building nor running needs NVIDIA's headers. The
// library keeps old entry points for good, so a driver of any age answers to these; what an old
// one lacks is found missing when it is looked up (nvml.h).
//
// Source: NVML's API reference (docs.nvidia.com/deploy/nvml-api). Sizes are asserted: on a 64-bit
// machine they are part of the interface.
#pragma once
#include <cstddef>
#include <cstdint>

namespace strata::collect::nvml {

extern "C" {
struct DeviceHandle;     // nvmlDevice_st
struct EventSetHandle;   // nvmlEventSet_st
struct GpmSampleHandle;  // nvmlGpmSample_st
}
using Device = DeviceHandle*;
using EventSet = EventSetHandle*;
using GpmSample = GpmSampleHandle*;

/// nvmlReturn_t. Plain numbers: drivers answer with codes that are newer than this list.
using Return = int;
inline constexpr Return kSuccess = 0;
inline constexpr Return kUninitialized = 1;
inline constexpr Return kInvalidArgument = 2;
inline constexpr Return kNotSupported = 3;
inline constexpr Return kNoPermission = 4;
inline constexpr Return kNotFound = 6;
inline constexpr Return kInsufficientSize = 7;
inline constexpr Return kDriverNotLoaded = 9;
inline constexpr Return kTimeout = 10;
inline constexpr Return kFunctionNotFound = 13;
inline constexpr Return kGpuIsLost = 15;
inline constexpr Return kResetRequired = 16;
inline constexpr Return kLibRmVersionMismatch = 18;
inline constexpr Return kArgumentVersionMismatch = 25;
inline constexpr Return kUnknown = 999;

inline constexpr unsigned kTextBytes = 96;  // NVML_DEVICE_*_V2_BUFFER_SIZE
inline constexpr unsigned kClockSm = 1;     // nvmlClockType_t
inline constexpr unsigned kClockMemory = 2;
inline constexpr unsigned kTemperatureGpu = 0;  // nvmlTemperatureSensors_t
inline constexpr unsigned kEccCorrected = 0;    // nvmlMemoryErrorType_t
inline constexpr unsigned kEccUncorrected = 1;
inline constexpr unsigned kEccVolatile = 0;  // nvmlEccCounterType_t
inline constexpr unsigned kEccAggregate = 1;
inline constexpr unsigned long long kEventXid = 0x8;  // nvmlEventTypeXidCriticalError
inline constexpr unsigned kNoInstance = 0xffffffff;
inline constexpr unsigned kAllLinks = 0xffffffff;  // scope of the sum over all NVLinks

/// NVML_FI_*: what nvmlDeviceGetFieldValues can be asked for.
enum Field : unsigned {
  kFieldEccSbeVolatile = 3,
  kFieldEccDbeVolatile = 4,
  kFieldEccSbeAggregate = 5,
  kFieldEccDbeAggregate = 6,
  kFieldRetiredSbe = 29,
  kFieldRetiredDbe = 30,
  kFieldRetiredPending = 31,
  kFieldNvlinkCrcFlit = 38,
  kFieldNvlinkCrcData = 45,
  kFieldNvlinkReplay = 52,
  kFieldNvlinkRecovery = 59,
  kFieldViolationPower = 74,
  kFieldViolationThermal = 75,
  kFieldViolationSyncBoost = 76,
  kFieldViolationBoardLimit = 77,
  kFieldViolationLowUtilization = 78,
  kFieldViolationReliability = 79,
  kFieldMemoryTemperature = 82,
  kFieldEnergy = 83,
  kFieldNvlinkTx = 138,  // KiB of data, without protocol
  kFieldNvlinkRx = 139,
  kFieldRemappedCorrectable = 142,
  kFieldRemappedUncorrectable = 143,
  kFieldRemappedPending = 144,
  kFieldRemappedFailure = 145,
  kFieldRecoveryAction = 230,
};

/// NVML_GPM_METRIC_*: percent, but for traffic, which is MiB/s.
enum Gpm : unsigned {
  kGpmGraphics = 1,
  kGpmSm = 2,
  kGpmSmOccupancy = 3,
  kGpmAnyTensor = 5,
  kGpmDramBandwidth = 10,
  kGpmFp64 = 11,
  kGpmFp32 = 12,
  kGpmFp16 = 13,
  kGpmPcieTx = 20,
  kGpmPcieRx = 21,
};

struct PciInfo {
  char bus_id_legacy[16];
  unsigned domain, bus, device, pci_device_id, pci_subsystem_id;
  char bus_id[32];
};
static_assert(sizeof(PciInfo) == 68);

struct Utilization {
  unsigned gpu, memory;
};
static_assert(sizeof(Utilization) == 8);

struct Memory {
  unsigned long long total, free, used;
};
static_assert(sizeof(Memory) == 24);

struct MemoryV2 {
  unsigned version;
  unsigned long long total, reserved, free, used;
};
static_assert(sizeof(MemoryV2) == 40);
inline constexpr unsigned kMemoryV2Version = sizeof(MemoryV2) | (2u << 24);

struct ProcessInfo {
  unsigned pid;
  unsigned long long used_gpu_memory;  // all ones: not available
  unsigned gpu_instance, compute_instance;
};
static_assert(sizeof(ProcessInfo) == 24);

union Value {
  double as_double;
  int as_int;
  unsigned as_uint;
  unsigned long as_ulong;
  unsigned long long as_ulonglong;
  long long as_longlong;
  unsigned short as_ushort;
};
static_assert(sizeof(Value) == 8);

struct FieldValue {
  unsigned field, scope;
  long long timestamp_us, latency_us;
  unsigned value_type;  // 0 double, 1 uint, 2 ulong, 3 ulonglong, 4 longlong, 5 int, 6 ushort
  Return result;
  Value value;
};
static_assert(sizeof(FieldValue) == 40 && offsetof(FieldValue, value) == 32);

struct EventData {
  Device device;
  unsigned long long type, data;
  unsigned gpu_instance, compute_instance;
};
static_assert(sizeof(EventData) == 32);

struct GpmSupport {
  unsigned version, supported;
};
static_assert(sizeof(GpmSupport) == 8);

struct GpmMetric {
  unsigned id;
  Return result;
  double value;
  const char *short_name, *long_name, *unit;
};
static_assert(sizeof(GpmMetric) == 40);

/// Drivers read as many metrics as `count` says; the array is as long as today's header has it.
struct GpmMetrics {
  unsigned version, count;
  GpmSample first, second;
  GpmMetric metrics[333];
};
static_assert(offsetof(GpmMetrics, metrics) == 24);
inline constexpr unsigned kGpmVersion = 1;

struct GridLicensableFeature {
  unsigned code, state;
  char license_info[128], product_name[128];
  unsigned enabled;
  unsigned expiry_year;
  unsigned short expiry_month, expiry_day, expiry_hour, expiry_minute, expiry_second;
  unsigned char expiry_status;
};
struct GridLicensableFeatures {
  int supported;
  unsigned count;
  GridLicensableFeature features[3];
};
static_assert(sizeof(GridLicensableFeatures) == 860);

}  // namespace strata::collect::nvml

// The functions, once: X(name in nvml.h's Library, the library's symbol, parameters).
#define STRATA_NVML_FUNCTIONS(X)                                                                   \
  X(init, nvmlInit_v2, ())                                                                         \
  X(shutdown, nvmlShutdown, ())                                                                    \
  X(driver_version, nvmlSystemGetDriverVersion, (char*, unsigned))                                 \
  X(nvml_version, nvmlSystemGetNVMLVersion, (char*, unsigned))                                     \
  X(device_count, nvmlDeviceGetCount_v2, (unsigned*))                                              \
  X(device_by_index, nvmlDeviceGetHandleByIndex_v2, (unsigned, nvml::Device*))                     \
  X(name, nvmlDeviceGetName, (nvml::Device, char*, unsigned))                                      \
  X(uuid, nvmlDeviceGetUUID, (nvml::Device, char*, unsigned))                                      \
  X(pci_info, nvmlDeviceGetPciInfo_v3, (nvml::Device, nvml::PciInfo*))                             \
  X(serial, nvmlDeviceGetSerial, (nvml::Device, char*, unsigned))                                  \
  X(brand, nvmlDeviceGetBrand, (nvml::Device, unsigned*))                                          \
  X(vbios_version, nvmlDeviceGetVbiosVersion, (nvml::Device, char*, unsigned))                     \
  X(inforom_version, nvmlDeviceGetInforomVersion, (nvml::Device, unsigned, char*, unsigned))       \
  X(inforom_image, nvmlDeviceGetInforomImageVersion, (nvml::Device, char*, unsigned))              \
  X(clock, nvmlDeviceGetClockInfo, (nvml::Device, unsigned, unsigned*))                            \
  X(temperature, nvmlDeviceGetTemperature, (nvml::Device, unsigned, unsigned*))                    \
  X(power, nvmlDeviceGetPowerUsage, (nvml::Device, unsigned*))                                     \
  X(power_limit, nvmlDeviceGetEnforcedPowerLimit, (nvml::Device, unsigned*))                       \
  X(energy, nvmlDeviceGetTotalEnergyConsumption, (nvml::Device, unsigned long long*))              \
  X(pcie_replays, nvmlDeviceGetPcieReplayCounter, (nvml::Device, unsigned*))                       \
  X(pcie_generation, nvmlDeviceGetCurrPcieLinkGeneration, (nvml::Device, unsigned*))               \
  X(pcie_width, nvmlDeviceGetCurrPcieLinkWidth, (nvml::Device, unsigned*))                         \
  X(pcie_max_generation, nvmlDeviceGetMaxPcieLinkGeneration, (nvml::Device, unsigned*))            \
  X(pcie_max_width, nvmlDeviceGetMaxPcieLinkWidth, (nvml::Device, unsigned*))                      \
  X(utilization, nvmlDeviceGetUtilizationRates, (nvml::Device, nvml::Utilization*))                \
  X(encoder, nvmlDeviceGetEncoderUtilization, (nvml::Device, unsigned*, unsigned*))                \
  X(decoder, nvmlDeviceGetDecoderUtilization, (nvml::Device, unsigned*, unsigned*))                \
  X(memory, nvmlDeviceGetMemoryInfo, (nvml::Device, nvml::Memory*))                                \
  X(memory_v2, nvmlDeviceGetMemoryInfo_v2, (nvml::Device, nvml::MemoryV2*))                        \
  X(field_values, nvmlDeviceGetFieldValues, (nvml::Device, int, nvml::FieldValue*))                \
  X(ecc_errors, nvmlDeviceGetTotalEccErrors,                                                       \
    (nvml::Device, unsigned, unsigned, unsigned long long*))                                       \
  X(performance_state, nvmlDeviceGetPerformanceState, (nvml::Device, unsigned*))                   \
  X(fan_speed, nvmlDeviceGetFanSpeed, (nvml::Device, unsigned*))                                   \
  X(grid_features, nvmlDeviceGetGridLicensableFeatures_v4,                                         \
    (nvml::Device, nvml::GridLicensableFeatures*))                                                 \
  X(event_reasons, nvmlDeviceGetCurrentClocksEventReasons, (nvml::Device, unsigned long long*))    \
  X(throttle_reasons, nvmlDeviceGetCurrentClocksThrottleReasons,                                   \
    (nvml::Device, unsigned long long*))                                                           \
  X(compute_processes, nvmlDeviceGetComputeRunningProcesses_v3,                                    \
    (nvml::Device, unsigned*, nvml::ProcessInfo*))                                                 \
  X(mig_mode, nvmlDeviceGetMigMode, (nvml::Device, unsigned*, unsigned*))                          \
  X(mig_count, nvmlDeviceGetMaxMigDeviceCount, (nvml::Device, unsigned*))                          \
  X(mig_by_index, nvmlDeviceGetMigDeviceHandleByIndex, (nvml::Device, unsigned, nvml::Device*))    \
  X(gpu_instance, nvmlDeviceGetGpuInstanceId, (nvml::Device, unsigned*))                           \
  X(event_set_create, nvmlEventSetCreate, (nvml::EventSet*))                                       \
  X(event_set_free, nvmlEventSetFree, (nvml::EventSet))                                            \
  X(event_wait, nvmlEventSetWait_v2, (nvml::EventSet, nvml::EventData*, unsigned))                 \
  X(register_events, nvmlDeviceRegisterEvents, (nvml::Device, unsigned long long, nvml::EventSet)) \
  X(gpm_supported, nvmlGpmQueryDeviceSupport, (nvml::Device, nvml::GpmSupport*))                   \
  X(gpm_alloc, nvmlGpmSampleAlloc, (nvml::GpmSample*))                                             \
  X(gpm_free, nvmlGpmSampleFree, (nvml::GpmSample))                                                \
  X(gpm_sample, nvmlGpmSampleGet, (nvml::Device, nvml::GpmSample))                                 \
  X(gpm_mig_sample, nvmlGpmMigSampleGet, (nvml::Device, unsigned, nvml::GpmSample))                \
  X(gpm_metrics, nvmlGpmMetricsGet, (nvml::GpmMetrics*))
