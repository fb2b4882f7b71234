// The GPU collectors over the fake driver of tests/fake_nvml.
#include "collect/gpu.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "base/number.h"
#include "base/temp_dir.h"
#include "collect/gpu_metrics.h"
#include "collect/gpu_reader.h"
#include "collect/xid.h"

namespace strata::collect {
namespace {

using namespace std::chrono_literals;

std::string fake_library(const char* name = "fake_nvml/libnvidia-ml.so.1") {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path() / name;
}

class GpuTest : public testing::Test {
 protected:
  void SetUp() override {
    script("gpus 2");
    ::setenv("STRATA_FAKE_NVML", path_.c_str(), 1);
  }

  // Replaces what the driver answers, at once.
  void script(const std::string& text) {
    std::ofstream(path_ + ".new") << text << '\n';
    std::filesystem::rename(path_ + ".new", path_);
  }

  GpuReader reader() { return {fake_library(), dir_.file("sys"), call_, clock_}; }

  TempDir dir_;
  const std::string path_ = dir_.file("script");
  NvmlCall call_;
  ManualClock clock_;
};

std::string lines_of(const GpuSnapshot& snapshot, GpuGroups groups = {},
                     GpuMetricsOptions options = {}, const PodsByDevice& pods = {}) {
  if (options.node.empty()) options.node = "n1";
  GpuMetrics metrics(std::move(options));
  Families families;
  std::vector<MetricFamily> out;
  families.begin(out);
  metrics.add(snapshot, groups, pods, families);
  families.finish();
  std::string text;
  for (const MetricFamily& family : out) {
    for (const auto& sample : family.samples) {
      text += family.name + sample.labels.to_string() + " ";
      append_double_g(text, sample.value);
      text += '\n';
    }
  }
  return text;
}

GpuGroups only(std::initializer_list<GpuGroup> groups) {
  GpuGroups set = GpuGroups::none();
  for (const GpuGroup group : groups) set.set(group, true);
  return set;
}

constexpr const char* kUuid0 = "GPU-f00d0000-0000-4000-8000-000000000000";
const std::string kGpu0 = std::string(R"({gpu="0", node="n1", uuid=")") + kUuid0 + "\"";

TEST_F(GpuTest, ValuesHaveDcgmExportersNamesAndLabels) {
  auto reader = this->reader();
  const std::string text = lines_of(reader.read({}));
  EXPECT_NE(
      text.find("DCGM_FI_DEV_GPU_UTIL{DCGM_FI_DRIVER_VERSION=\"550.54.15\", UUID=\"" +
                std::string(kUuid0) +
                "\", device=\"nvidia0\", gpu=\"0\", hostname=\"n1\", modelName=\"NVIDIA H100 80GB "
                "HBM3\", pci_bus_id=\"00000000:07:00.0\"} 86\n"),
      std::string::npos)
      << text;
  for (const char* line :
       {"DCGM_FI_DEV_POWER_USAGE", "DCGM_FI_DEV_ECC_SBE_VOL_TOTAL", "DCGM_FI_DEV_MEMORY_TEMP"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line;
  }
  EXPECT_NE(text.find("hostname=\"n1\", modelName=\"NVIDIA H100 80GB HBM3\", "
                      "pci_bus_id=\"00000000:08:00.0\"} 480.25\n"),
            std::string::npos);
}

TEST_F(GpuTest, CanonicalValuesAreInBaseUnits) {
  auto reader = this->reader();
  const std::string text = lines_of(reader.read({}));
  for (const std::string& line :
       {"gpu_up" + kGpu0 + "} 1", "gpu_utilization_ratio" + kGpu0 + "} 0.86",
        "gpu_memory_used_bytes" + kGpu0 + "} 78567702528",
        "gpu_sm_clock_hertz" + kGpu0 + "} 1755000000", "gpu_power_watts" + kGpu0 + "} 480.25",
        "gpu_energy_joules_total" + kGpu0 + "} 123456.789",
        "gpu_nvlink_rx_bytes_total" + kGpu0 + "} 2048000000"}) {
    EXPECT_NE(text.find(line + "\n"), std::string::npos) << line << "\n" << text;
  }
  EXPECT_NE(
      text.find("gpu_throttled_seconds_total{gpu=\"0\", node=\"n1\", reason=\"power\", uuid=\"" +
                std::string(kUuid0) + "\"} 1.5\n"),
      std::string::npos);
  EXPECT_NE(text.find("gpu_ecc_errors_total{gpu=\"0\", kind=\"correctable\", memory=\"aggregate\", "
                      "node=\"n1\", uuid=\"" +
                      std::string(kUuid0) + "\"} 3\n"),
            std::string::npos);
  EXPECT_NE(
      text.find("gpu_throttle_reason{gpu=\"0\", node=\"n1\", reason=\"sw_power_cap\", uuid=\"" +
                std::string(kUuid0) + "\"} 1\n"),
      std::string::npos);
}

TEST_F(GpuTest, OnlyTheGroupsThatAreAskedForAreReported) {
  auto reader = this->reader();
  const auto groups = only({GpuGroup::kUtilization, GpuGroup::kMemory});
  const std::string text = lines_of(reader.read(groups), groups);
  EXPECT_NE(text.find("gpu_utilization_ratio"), std::string::npos);
  EXPECT_NE(text.find("DCGM_FI_DEV_FB_USED"), std::string::npos);
  for (const char* absent : {"temperature", "TEMP", "power", "POWER", "xid", "XID", "PROF"}) {
    EXPECT_EQ(text.find(absent), std::string::npos) << absent;
  }
}

TEST_F(GpuTest, WhatAGpuDoesNotSupportIsLeftOut) {
  script("gpus 1\nset 0 field.82 -\nset 0 power -\nset 0 util.gpu 4294967295");
  auto reader = this->reader();
  const std::string text = lines_of(reader.read({}));
  EXPECT_EQ(text.find("MEMORY_TEMP"), std::string::npos);
  EXPECT_EQ(text.find("gpu_power_watts"), std::string::npos);
  EXPECT_EQ(text.find("gpu_utilization_ratio"), std::string::npos);
  EXPECT_NE(text.find("gpu_up" + kGpu0 + "} 1\n"), std::string::npos);
}

TEST_F(GpuTest, ProfilingIsMeasuredBetweenTwoReadings) {
  auto reader = this->reader();
  EXPECT_EQ(lines_of(reader.read({})).find("PROF"), std::string::npos);
  clock_.advance(10s);
  const GpuSnapshot second = reader.read({});
  EXPECT_EQ(second.gpus[0].values[GpuValue::kProfTensorPercent], 27);
  EXPECT_EQ(second.gpus[0].values[GpuValue::kProfPcieTxBytesPerSecond], 1800.0 * 1024 * 1024);
  EXPECT_EQ(second.gpus[0].values[GpuValue::kPcieTxBytes], 18000.0 * 1024 * 1024);
  clock_.advance(50ms);  // too close: the same values, nothing added
  EXPECT_EQ(reader.read({}).gpus[0].values[GpuValue::kPcieTxBytes], 18000.0 * 1024 * 1024);
  const std::string text = lines_of(second);
  EXPECT_NE(text.find("gpu_tensor_active_ratio" + kGpu0 + "} 0.27\n"), std::string::npos);
}

TEST_F(GpuTest, NvlinkBandwidthIsTheRateSinceTheLastReading) {
  auto reader = this->reader();
  EXPECT_TRUE(std::isnan(reader.read({}).gpus[0].values[GpuValue::kNvlinkMegabytesPerSecond]));
  script("gpus 2\nset 0 field.138 1500000\nset 0 field.139 2500000");
  clock_.advance(10s);
  EXPECT_EQ(reader.read({}).gpus[0].values[GpuValue::kNvlinkMegabytesPerSecond], 100);
}

TEST_F(GpuTest, AnOldDriverAnswersWhatItCan) {
  GpuReader reader(fake_library("fake_nvml/old/libnvidia-ml.so.1"), "", call_, clock_);
  reader.read({});
  clock_.advance(10s);
  const GpuSnapshot snapshot = reader.read({});
  ASSERT_EQ(snapshot.gpus.size(), 2u);
  const GpuValues& values = snapshot.gpus[0].values;
  EXPECT_EQ(values[GpuValue::kMemoryUsedBytes], 78567702528.0 + 544407552.0);
  EXPECT_EQ(values[GpuValue::kEventReasons], 4);
  EXPECT_TRUE(std::isnan(values[GpuValue::kMemoryReservedBytes]));
  EXPECT_TRUE(std::isnan(values[GpuValue::kProfSmPercent]));
}

TEST_F(GpuTest, WhatHasNoFieldIsAskedForInTheOldWay) {
  script("gpus 1\nset 0 field.83 -\nset 0 field.3 -\nset 0 ecc.0.0 5\nset 0 energy 7000");
  auto reader = this->reader();
  const GpuSnapshot snapshot = reader.read({});
  EXPECT_EQ(snapshot.gpus[0].values[GpuValue::kEnergyMillijoules], 7000);
  EXPECT_EQ(snapshot.gpus[0].values[GpuValue::kEccSbeVolatile], 5);
}

TEST_F(GpuTest, XidErrorsAreCountedByCodeAndTheLastOneStays) {
  auto reader = this->reader();
  std::string text = lines_of(reader.read({}));
  // Those that mean broken hardware are there before they happen.
  EXPECT_NE(text.find("xid=\"79\"} 0\n"), std::string::npos);
  EXPECT_EQ(text.find("xid=\"31\"}"), std::string::npos);
  script("gpus 2\nxid 1 0 31\nxid 2 0 31\nxid 3 0 79\nxid 4 1 13");
  text = lines_of(reader.read({}));
  EXPECT_NE(text.find("gpu_xid_errors_total{gpu=\"0\", node=\"n1\", uuid=\"" + std::string(kUuid0) +
                      "\", xid=\"31\"} 2\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("err_code=\"79\", err_msg=\"the GPU fell off the bus\""), std::string::npos);
  text = lines_of(reader.read({}));
  EXPECT_NE(text.find("xid=\"31\"} 2\n"), std::string::npos) << "counted once";
}

TEST_F(GpuTest, MigInstancesHaveRowsOfTheirOwn) {
  script("gpus 1\nmig 0 0 7 1g.10gb 5000000000\nmig 0 3 9 2g.20gb 6000000000");
  auto reader = this->reader();
  reader.read({});
  clock_.advance(10s);
  const std::string text = lines_of(
      reader.read({}), {}, {}, {{"MIG-9-f00d0000-0000-4000-8000-000000000000", {"p", "ns", "c"}}});
  EXPECT_NE(text.find("DCGM_FI_DEV_FB_USED{DCGM_FI_DRIVER_VERSION=\"550.54.15\", "
                      "GPU_I_ID=\"7\", GPU_I_PROFILE=\"1g.10gb\""),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("gpu_mig_memory_used_bytes{gpu=\"0\", mig_instance=\"9\", "
                      "mig_profile=\"2g.20gb\", "
                      "mig_uuid=\"MIG-9-f00d0000-0000-4000-8000-000000000000\", node=\"n1\""),
            std::string::npos);
  EXPECT_NE(text.find("gpu_mig_sm_active_ratio"), std::string::npos);
  EXPECT_NE(text.find("namespace=\"ns\""), std::string::npos);
  EXPECT_EQ(text.find("gpu_utilization_ratio"), std::string::npos) << "MIG has none";
}

TEST_F(GpuTest, AGpuThatFellOffTheBusIsDownWithItsReasonAndComesBack) {
  auto reader = this->reader();
  reader.read({});
  script("gpus 2\nerror nvmlDeviceGetTemperature 1 15");
  clock_.advance(15s);
  std::string text = lines_of(reader.read({}));
  EXPECT_NE(text.find("gpu=\"1\", node=\"n1\", reason=\"the GPU is lost: it fell off the bus\""),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("gpu_utilization_ratio" + kGpu0), std::string::npos) << "the other goes on";
  EXPECT_EQ(text.find("gpu_utilization_ratio{gpu=\"1\""), std::string::npos);
  // Reset: the driver is opened anew, and the GPU is back.
  script("gpus 2");
  clock_.advance(15s);
  text = lines_of(reader.read({}));
  EXPECT_EQ(text.find("reason=\"the GPU"), std::string::npos) << text;
  EXPECT_NE(text.find("gpu_utilization_ratio{gpu=\"1\""), std::string::npos);
}

TEST_F(GpuTest, AGpuThatTheDriverNoLongerListsIsDown) {
  auto reader = this->reader();
  reader.read({});
  script("gpus 2\nerror nvmlDeviceGetTemperature 1 15");
  reader.read({});
  script("gpus 1");
  clock_.advance(15s);
  const GpuSnapshot snapshot = reader.read({});
  ASSERT_EQ(snapshot.gpus.size(), 2u);
  EXPECT_EQ(snapshot.gpus[0].problem, "");
  EXPECT_EQ(snapshot.gpus[1].problem, "the driver no longer lists the GPU");
}

TEST_F(GpuTest, ADriverThatGoesAwayIsOpenedAgainLater) {
  auto reader = this->reader();
  reader.read({});
  script("gpus 2\nerror nvmlDeviceGetTemperature * 1\nerror nvmlInit_v2 - 9");
  GpuSnapshot snapshot = reader.read({});
  EXPECT_EQ(snapshot.problem, "NVML was not initialised");
  clock_.advance(15s);
  snapshot = reader.read({});
  EXPECT_EQ(snapshot.problem, "the NVIDIA driver is not loaded");
  ASSERT_EQ(snapshot.gpus.size(), 2u) << "who they are is remembered";
  EXPECT_EQ(snapshot.gpus[1].problem, snapshot.problem);
  script("gpus 2");
  snapshot = reader.read({});
  EXPECT_NE(snapshot.problem, "") << "not before the wait is over";
  clock_.advance(15s);
  snapshot = reader.read({});
  EXPECT_EQ(snapshot.problem, "");
  EXPECT_EQ(snapshot.gpus[1].problem, "");
}

TEST_F(GpuTest, WithoutALibraryAMachineWithAnNvidiaDeviceIsDown) {
  GpuReader none("/does/not/exist.so", dir_.file("sys"), call_, clock_);
  EXPECT_TRUE(none.read({}).absent);
  EXPECT_EQ(lines_of(none.read({})), "");

  const std::string device = dir_.file("sys") + "/bus/pci/devices/0000:07:00.0";
  std::filesystem::create_directories(device);
  std::ofstream(device + "/vendor") << "0x10de\n";
  std::ofstream(device + "/class") << "0x030200\n";
  GpuReader undriven("/does/not/exist.so", dir_.file("sys"), call_, clock_);
  EXPECT_EQ(lines_of(undriven.read({})),
            "gpu_up{node=\"n1\", reason=\"the NVIDIA driver's library is not installed\"} 0\n");
}

TEST_F(GpuTest, ALibraryThatIsNotNvmlIsRefused) {
  GpuReader reader("libm.so.6", "", call_, clock_);
  EXPECT_EQ(reader.read({}).problem, "the NVIDIA driver's library does not load");
}

TEST_F(GpuTest, ProcessesAreReportedWithTheirNames) {
  const std::string pid = std::to_string(::getpid());
  std::string lines = "gpus 1\nprocess 0 " + pid + " 1000";
  for (int i = 0; i < 100; ++i) lines += "\nprocess 0 " + std::to_string(4'000'000 + i) + " 1";
  script(lines);
  auto reader = this->reader();
  const GpuSnapshot snapshot = reader.read({});
  EXPECT_EQ(snapshot.gpus[0].processes.size(), 101u);
  EXPECT_NE(lines_of(snapshot).find("pid=\"" + pid + "\", process=\"collect_test\""),
            std::string::npos);
}

TEST_F(GpuTest, SpellingsOfLabelsCanBeTheOldOnes) {
  auto reader = this->reader();
  GpuMetricsOptions options;
  options.hostname_label = "Hostname";
  options.uuid_label = "uuid";
  options.fields = *parse_dcgm_fields("dcgm_gpu_temp, gauge, heat", "f.csv");
  const std::string text = lines_of(reader.read({}), {}, std::move(options));
  EXPECT_EQ(text.find("dcgm_gpu_temp{Hostname=\"n1\", device=\"nvidia0\""),
            text.find("dcgm_gpu_temp"))
      << text;
}

// The collector: the same, with a deadline.

GpuOptions collector_options(const Clock& clock, std::chrono::milliseconds deadline) {
  GpuOptions options;
  options.library = fake_library();
  options.sysfs = "/does/not/exist";
  options.deadline = deadline;
  options.clock = &clock;
  return options;
}

TEST_F(GpuTest, WhileTheDriverHangsEveryKnownGpuIsDownAndThenItIsUpAgain) {
  GpuCollector gpus(collector_options(clock_, 300ms));
  GpuSnapshot snapshot;
  for (int i = 0; i < 100 && snapshot.gpus.empty(); ++i) snapshot = gpus.read({});
  ASSERT_EQ(snapshot.gpus.size(), 2u);
  script("gpus 2\nhang nvmlDeviceGetPowerUsage 1");
  snapshot = gpus.read({});
  EXPECT_EQ(snapshot.problem, "the driver does not answer nvmlDeviceGetPowerUsage of GPU 1");
  ASSERT_EQ(snapshot.gpus.size(), 2u);
  EXPECT_EQ(snapshot.gpus[0].problem, snapshot.problem);
  EXPECT_TRUE(std::isnan(snapshot.gpus[0].values[GpuValue::kGpuPercent])) << "nothing stale";
  script("gpus 2\nset * util.gpu 7");
  for (int i = 0; i < 1000 && !snapshot.problem.empty(); ++i) {
    snapshot = gpus.read({});
    std::this_thread::yield();
  }
  EXPECT_EQ(snapshot.gpus[0].values[GpuValue::kGpuPercent], 7);
}

size_t threads_of_this_process() {
  return static_cast<size_t>(
      std::ranges::distance(std::filesystem::directory_iterator("/proc/self/task"),
                            std::filesystem::directory_iterator()));
}

TEST_F(GpuTest, ACollectorWhoseDriverHangsCanBeDestroyed) {
  const size_t before = threads_of_this_process();
  script("gpus 1\nhang nvmlInit_v2 -");
  {
    GpuCollector gpus(collector_options(real_clock(), 1ms));
    EXPECT_NE(gpus.read({}).problem, "");
  }
  script("gpus 1");  // lets the thread that was left behind end
  for (int i = 0; i < 5000 && threads_of_this_process() > before; ++i) {
    std::this_thread::sleep_for(2ms);
  }
  EXPECT_EQ(threads_of_this_process(), before) << "else it would use the driver while we exit";
}

// Field lists.

TEST(DcgmFields, DcgmExportersOwnFilesAreRead) {
  const std::string data = std::getenv("STRATA_SHARED_DATA") != nullptr
                               ? std::getenv("STRATA_SHARED_DATA")
                               : "../shared/data";
  if (!std::filesystem::exists(data + "/dcgm")) GTEST_SKIP() << "no shared test data at " << data;
  for (const char* name :
       {"default-counters.csv", "dcp-metrics-included.csv", "1.x-compatibility-metrics.csv"}) {
    std::ifstream file(data + "/dcgm/" + name);
    const std::string text((std::istreambuf_iterator<char>(file)), {});
    const auto fields = parse_dcgm_fields(text, name);
    ASSERT_TRUE(fields.has_value()) << fields.error().message;
    EXPECT_TRUE(fields->unknown.empty()) << name << ": " << fields->unknown[0];
    EXPECT_GE(fields->metrics.size(), 20u) << name;
  }
}

TEST(DcgmFields, EveryFieldOfDcgmExportersDefaultCanBeAnswered) {
  const std::string data = std::getenv("STRATA_SHARED_DATA") != nullptr
                               ? std::getenv("STRATA_SHARED_DATA")
                               : "../shared/data";
  std::ifstream file(data + "/dcgm/default-counters.csv");
  if (!file) GTEST_SKIP() << "no shared test data at " << data;
  // With what is commented out there: all but the bandwidth of a single link.
  std::string all;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("# DCGM_FI_")) line.erase(0, 2);
    if (!line.starts_with("#")) all += line + "\n";
  }
  const auto fields = parse_dcgm_fields(all, "f.csv");
  ASSERT_TRUE(fields.has_value());
  EXPECT_EQ(fields->unknown, std::vector<std::string>{"DCGM_FI_DEV_NVLINK_BANDWIDTH_L0"});
}

TEST(DcgmFields, ALineThatIsNotOfTheFormatIsRefusedWithItsPlace) {
  EXPECT_EQ(parse_dcgm_fields("# c\n\nDCGM_FI_DEV_GPU_TEMP", "f.csv").error().message,
            "f.csv:3: want FIELD, type, help (type: gauge, counter or label)");
  EXPECT_EQ(parse_dcgm_fields("DCGM_FI_DEV_GPU_TEMP, histogram, x", "f.csv").error().message,
            "f.csv:1: type \"histogram\": not gauge, counter or label");
  const auto fields = parse_dcgm_fields(
      "DCGM_FI_DEV_GPU_TEMP, gauge, \"a \"\"b\"\", c\"\nNEW_FIELD, gauge, x\n"
      "DCGM_FI_DEV_SERIAL, label, s",
      "f.csv");
  EXPECT_EQ(fields->metrics[0].help, "a \"b\", c");
  EXPECT_EQ(fields->unknown, std::vector<std::string>{"NEW_FIELD"});
  EXPECT_EQ(fields->labels, std::vector<std::string>{"DCGM_FI_DEV_SERIAL"});
}

}  // namespace
}  // namespace strata::collect
