#include "collect/amd_gpu.h"

#include <algorithm>

#include "base/number.h"
#include "collect/fields.h"

namespace strata::collect {
namespace {

// "1: 1300Mhz *": the level in use has the asterisk.
double clock_in_use(std::string_view levels) {
  for (Lines lines(levels); lines.next();) {
    if (!trim(lines.line()).ends_with('*')) continue;
    std::string_view number = trim(cut(lines.line(), ':').second);
    number = number.substr(0, number.find_first_not_of("0123456789"));
    if (const auto mhz = parse_uint(number)) return static_cast<double>(*mhz);
  }
  return std::numeric_limits<double>::quiet_NaN();
}

}  // namespace

void AmdGpus::read(GpuGroups groups, std::vector<GpuReading>& out) {
  std::vector<GpuReading> found;
  for (const std::string& card : sys_.numbered("class/drm", "card")) {
    if (card.contains('-') || found.size() == kMaxGpus) continue;  // card0-DP-1 is a connector
    const std::string device = join(join("class/drm", card), "device");
    if (sys_.attribute(join(device, "vendor")) != "0x1002") continue;
    read_card(device, groups, found.emplace_back());
  }
  std::ranges::sort(found, {}, &GpuReading::pci_bus_id);
  for (unsigned i = 0; i < found.size(); ++i) {
    found[i].index = i;
    out.push_back(std::move(found[i]));
  }
}

void AmdGpus::read_card(const std::string& device, GpuGroups groups, GpuReading& out) {
  out.nvidia = false;
  out.driver = "amdgpu";
  const std::string where = sys_.resolve(device).value_or(device);
  out.pci_bus_id = where.substr(where.rfind('/') + 1);
  out.uuid = sys_.attribute(join(device, "unique_id")).value_or(out.pci_bus_id);
  out.model = sys_.attribute(join(device, "product_name"))
                  .value_or(sys_.attribute(join(device, "device")).value_or(""));
  const auto take = [&](GpuGroup group, GpuValue value, std::string_view file) {
    if (!groups.has(group)) return;
    if (const auto number = sys_.attribute_uint(join(device, file))) {
      out.values[value] = static_cast<double>(*number);
    }
  };
  take(GpuGroup::kUtilization, GpuValue::kGpuPercent, "gpu_busy_percent");
  take(GpuGroup::kUtilization, GpuValue::kMemoryPercent, "mem_busy_percent");
  take(GpuGroup::kMemory, GpuValue::kMemoryTotalBytes, "mem_info_vram_total");
  take(GpuGroup::kMemory, GpuValue::kMemoryUsedBytes, "mem_info_vram_used");
  take(GpuGroup::kPcie, GpuValue::kPcieReplays, "pcie_replay_count");
  out.values[GpuValue::kMemoryFreeBytes] =
      out.values[GpuValue::kMemoryTotalBytes] - out.values[GpuValue::kMemoryUsedBytes];
  if (groups.has(GpuGroup::kClocks)) {
    const auto sm = sys_.read(join(device, "pp_dpm_sclk"));
    if (sm) out.values[GpuValue::kSmClockMhz] = clock_in_use(*sm);
    const auto memory = sys_.read(join(device, "pp_dpm_mclk"));
    if (memory) out.values[GpuValue::kMemoryClockMhz] = clock_in_use(*memory);
  }
  read_sensors(device, groups, out);
}

// hwmon: millidegrees and microwatts. Data-centre cards have no "edge" sensor, only the hottest
// spot ("junction").
void AmdGpus::read_sensors(const std::string& device, GpuGroups groups, GpuReading& out) {
  const std::string sensors = join(device, "hwmon");
  for (const std::string& hwmon : sys_.numbered(sensors, "hwmon")) {
    const std::string at = join(sensors, hwmon);
    const auto sensor = [&](const std::string& file) {
      const auto number = sys_.attribute_uint(join(at, file));
      return number ? static_cast<double>(*number) : std::numeric_limits<double>::quiet_NaN();
    };
    if (groups.has(GpuGroup::kTemperature)) {
      for (const char* number : {"3", "2", "1"}) {  // the edge, where there is one, comes last
        const std::string name = std::string("temp") + number;
        const auto label = sys_.attribute(join(at, name + "_label"));
        const double degrees = sensor(name + "_input") / 1000;
        if (label == "mem") {
          out.values[GpuValue::kMemoryTemperature] = degrees;
        } else if (label == "edge" || label == "junction") {
          out.values[GpuValue::kTemperature] = degrees;
        }
      }
    }
    if (groups.has(GpuGroup::kPower)) {
      const double average = sensor("power1_average");
      out.values[GpuValue::kPowerMilliwatts] =
          (average >= 0 ? average : sensor("power1_input")) / 1000;
      out.values[GpuValue::kPowerLimitMilliwatts] = sensor("power1_cap") / 1000;
    }
  }
}

}  // namespace strata::collect
