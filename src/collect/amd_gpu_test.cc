#include "collect/amd_gpu.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "base/temp_dir.h"

namespace strata::collect {
namespace {

class AmdGpuTest : public testing::Test {
 protected:
  void write(const std::string& path, const std::string& text) {
    const std::filesystem::path file = dir_.file(path);
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text << '\n';
  }
  // A card as the kernel lays it out: class/drm/cardN/device leads to the PCI device.
  std::string card(int number, const std::string& address) {
    const std::string device = "devices/pci0000:00/" + address;
    std::filesystem::create_directories(dir_.file(device));
    const std::string at = dir_.file("class/drm/card" + std::to_string(number));
    std::filesystem::create_directories(at);
    std::filesystem::create_symlink(dir_.file(device), at + "/device");
    return device + "/";
  }
  std::vector<GpuReading> read(GpuGroups groups = {}) {
    std::vector<GpuReading> out;
    AmdGpus(dir_.path()).read(groups, out);
    return out;
  }
  TempDir dir_;
};

TEST_F(AmdGpuTest, ADataCentreCardIsRead) {
  const std::string at = card(1, "0000:c1:00.0");
  write(at + "vendor", "0x1002");
  write(at + "unique_id", "9c2a3b4d5e6f7081");
  write(at + "gpu_busy_percent", "83");
  write(at + "mem_busy_percent", "41");
  write(at + "mem_info_vram_total", "206141652992");
  write(at + "mem_info_vram_used", "150000000000");
  write(at + "pp_dpm_sclk", "0: 132Mhz\n1: 2100Mhz *");
  write(at + "hwmon/hwmon4/temp2_label", "junction");
  write(at + "hwmon/hwmon4/temp2_input", "71000");
  write(at + "hwmon/hwmon4/temp3_label", "mem");
  write(at + "hwmon/hwmon4/temp3_input", "65000");
  write(at + "hwmon/hwmon4/power1_input", "612000000");
  write(at + "hwmon/hwmon4/power1_cap", "750000000");
  std::filesystem::create_directories(dir_.file("class/drm/card1-DP-1"));
  const auto gpus = read();
  ASSERT_EQ(gpus.size(), 1u);
  EXPECT_EQ(gpus[0].uuid, "9c2a3b4d5e6f7081");
  EXPECT_EQ(gpus[0].pci_bus_id, "0000:c1:00.0");
  const GpuValues& values = gpus[0].values;
  EXPECT_EQ(values[GpuValue::kGpuPercent], 83);
  EXPECT_EQ(values[GpuValue::kMemoryFreeBytes], 206141652992.0 - 150000000000.0);
  EXPECT_EQ(values[GpuValue::kSmClockMhz], 2100);
  EXPECT_EQ(values[GpuValue::kTemperature], 71);
  EXPECT_EQ(values[GpuValue::kMemoryTemperature], 65);
  EXPECT_EQ(values[GpuValue::kPowerMilliwatts], 612000);
  EXPECT_EQ(values[GpuValue::kPowerLimitMilliwatts], 750000);
}

TEST_F(AmdGpuTest, ADesktopCardsEdgeCountsAndWhatIsMissingIsLeftOut) {
  const std::string at = card(0, "0000:03:00.0");
  write(at + "vendor", "0x1002");
  write(at + "hwmon/hwmon2/temp1_label", "edge");
  write(at + "hwmon/hwmon2/temp1_input", "45000");
  write(at + "hwmon/hwmon2/temp2_label", "junction");
  write(at + "hwmon/hwmon2/temp2_input", "52000");
  write(at + "hwmon/hwmon2/power1_average", "31000000");
  write(card(2, "0000:01:00.0") + "vendor", "0x10de");  // not AMD's
  const auto gpus = read();
  ASSERT_EQ(gpus.size(), 1u);
  EXPECT_EQ(gpus[0].values[GpuValue::kTemperature], 45);
  EXPECT_EQ(gpus[0].values[GpuValue::kPowerMilliwatts], 31000);
  EXPECT_TRUE(std::isnan(gpus[0].values[GpuValue::kGpuPercent]));
  EXPECT_TRUE(std::isnan(gpus[0].values[GpuValue::kMemoryFreeBytes]));
}

TEST_F(AmdGpuTest, CardsAreCountedByTheirAddress) {
  write(card(0, "0000:c1:00.0") + "vendor", "0x1002");
  write(card(1, "0000:03:00.0") + "vendor", "0x1002");
  const auto gpus = read();
  ASSERT_EQ(gpus.size(), 2u);
  EXPECT_EQ(gpus[0].pci_bus_id, "0000:03:00.0");
  EXPECT_EQ(gpus[1].index, 1u);
}

}  // namespace
}  // namespace strata::collect
