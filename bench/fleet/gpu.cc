// dcgm-exporter: the fields of its dcp-metrics-included.csv and those that operators add (ECC,
// clocks' reasons, NVLink), for eight GPUs. Temperatures, power and activity follow the load.
#include <span>

#include "fleet/fleet.h"

namespace strata::bench {
namespace {

using Kind = Motion::Kind;

constexpr int kGpus = 8;

struct Field {
  std::string_view name;
  std::string_view type;
  Motion motion;
};

constexpr Field kFields[] = {
    {"DCGM_FI_DEV_SM_CLOCK", "gauge", {Kind::kWhole, 1755, 40}},
    {"DCGM_FI_DEV_MEM_CLOCK", "gauge", {Kind::kConstant, 2619}},
    {"DCGM_FI_DEV_MEMORY_TEMP", "gauge", {Kind::kWhole, 62, 3}},
    {"DCGM_FI_DEV_GPU_TEMP", "gauge", {Kind::kWhole, 54, 3}},
    {"DCGM_FI_DEV_POWER_USAGE", "gauge", {Kind::kDecimal, 480, 60}},
    {"DCGM_FI_DEV_ENFORCED_POWER_LIMIT", "gauge", {Kind::kConstant, 700}},
    {"DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", "counter", {Kind::kBytes, 600'000}},
    {"DCGM_FI_DEV_PCIE_REPLAY_COUNTER", "counter", {Kind::kConstant, 0}},
    {"DCGM_FI_DEV_GPU_UTIL", "gauge", {Kind::kWhole, 86, 12}},
    {"DCGM_FI_DEV_MEM_COPY_UTIL", "gauge", {Kind::kWhole, 41, 9}},
    {"DCGM_FI_DEV_ENC_UTIL", "gauge", {Kind::kConstant, 0}},
    {"DCGM_FI_DEV_DEC_UTIL", "gauge", {Kind::kConstant, 0}},
    {"DCGM_FI_DEV_XID_ERRORS", "gauge", {Kind::kConstant, 0}},
    {"DCGM_FI_DEV_CLOCKS_EVENT_REASONS", "gauge", {Kind::kConstant, 4}},
    {"DCGM_FI_DEV_POWER_VIOLATION", "counter", {Kind::kBytes, 2e5}},
    {"DCGM_FI_DEV_THERMAL_VIOLATION", "counter", {Kind::kConstant, 0}},
    {"DCGM_FI_DEV_FB_FREE", "gauge", {Kind::kWhole, 6112, 4}},
    {"DCGM_FI_DEV_FB_USED", "gauge", {Kind::kWhole, 74'928, 4}},
    {"DCGM_FI_DEV_FB_RESERVED", "gauge", {Kind::kConstant, 519}},
    {"DCGM_FI_DEV_ECC_SBE_VOL_TOTAL", "counter", {Kind::kConstant, 0}},
    {"DCGM_FI_DEV_ECC_DBE_VOL_TOTAL", "counter", {Kind::kConstant, 0}},
    {"DCGM_FI_DEV_ECC_SBE_AGG_TOTAL", "counter", {Kind::kEvents, 0.00002}},
    {"DCGM_FI_DEV_ECC_DBE_AGG_TOTAL", "counter", {Kind::kConstant, 0}},
    {"DCGM_FI_DEV_RETIRED_SBE", "counter", {Kind::kConstant, 0}},
    {"DCGM_FI_DEV_RETIRED_DBE", "counter", {Kind::kConstant, 0}},
    {"DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS", "counter", {Kind::kConstant, 0}},
    {"DCGM_FI_DEV_CORRECTABLE_REMAPPED_ROWS", "counter", {Kind::kConstant, 0}},
    {"DCGM_FI_DEV_ROW_REMAP_FAILURE", "gauge", {Kind::kConstant, 0}},
    {"DCGM_FI_DEV_NVLINK_BANDWIDTH_TOTAL", "counter", {Kind::kBytes, 41'000'000}},
    {"DCGM_FI_DEV_NVLINK_CRC_FLIT_ERROR_COUNT_TOTAL", "counter", {Kind::kConstant, 0}},
    {"DCGM_FI_DEV_NVLINK_REPLAY_ERROR_COUNT_TOTAL", "counter", {Kind::kConstant, 0}},
    {"DCGM_FI_DEV_VGPU_LICENSE_STATUS", "gauge", {Kind::kConstant, 0}},
    {"DCGM_FI_PROF_GR_ENGINE_ACTIVE", "gauge", {Kind::kFraction, 0.82, 0.1}},
    {"DCGM_FI_PROF_SM_ACTIVE", "gauge", {Kind::kFraction, 0.61, 0.1}},
    {"DCGM_FI_PROF_PIPE_TENSOR_ACTIVE", "gauge", {Kind::kFraction, 0.27, 0.08}},
    {"DCGM_FI_PROF_DRAM_ACTIVE", "gauge", {Kind::kFraction, 0.44, 0.08}},
    {"DCGM_FI_PROF_PCIE_TX_BYTES", "gauge", {Kind::kWhole, 1.9e9, 3e8}},
    {"DCGM_FI_PROF_PCIE_RX_BYTES", "gauge", {Kind::kWhole, 2.6e9, 4e8}},
};

class Gpus final : public Target {
 public:
  Gpus(uint64_t seed, std::string_view host) : Target(NumberStyle::kPlain), motions_(seed) {
    Random random(seed ^ 0x6f0d);
    std::vector<std::string> labels;
    for (int gpu = 0; gpu < kGpus; ++gpu) {
      const uint64_t id[2] = {random.bits(), random.bits()};
      labels.push_back(fmt::format(
          "gpu=\"{0}\",UUID=\"GPU-{1:08x}-{2:04x}-{3:04x}-{4:04x}-{5:012x}\",device=\"nvidia{0}\","
          "modelName=\"NVIDIA H100 80GB HBM3\",Hostname=\"{6}\",DCGM_FI_DRIVER_VERSION=\"550.90.07"
          "\"",
          gpu, id[0] >> 32, (id[0] >> 16) & 0xffff, id[0] & 0xffff, id[1] >> 48, id[1] >> 16,
          host));
    }
    for (const Field& field : kFields) {
      page_.family(field.name, field.type, "A field of DCGM.");
      for (const auto& gpu : labels) motions_.add(page_, field.name, gpu, field.motion);
    }
  }
  void advance(double now, double seconds, double load) override {
    motions_.advance(page_, now, seconds, load);
  }

 private:
  Motions motions_;
};

}  // namespace

std::unique_ptr<Target> make_gpus(uint64_t seed, std::string_view host) {
  return std::make_unique<Gpus>(seed, host);
}

}  // namespace strata::bench
