#include "collect/node.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "base/temp_dir.h"
#include "collect/node_check.h"
#include "collect/nvml.h"

namespace strata::collect {
namespace {

NodeOptions over_fixtures() {
  NodeOptions options;
  options.node = "n1";
  options.host.procfs = "src/collect/testdata/host/proc";
  options.host.sysfs = "src/collect/testdata/host/sys";
  options.host.settings = {{"netdev.netlink", "false"}};
  options.gpu.library = "/does/not/exist.so";
  options.gpu.deadline = std::chrono::seconds(60);
  options.pod_resources = "";
  return options;
}

std::set<std::string> names(const Selection& wanted) {
  const auto node = NodeCollector::create(over_fixtures());
  std::vector<MetricFamily> out;
  (*node)->collect(out, wanted);
  std::set<std::string> names;
  for (const MetricFamily& family : out) names.insert(family.name);
  EXPECT_EQ(names.size(), out.size()) << "families are unique";
  return names;
}

Selection of(std::vector<std::string> collect, std::vector<std::string> exclude = {}) {
  auto selection = Selection::from(collect, exclude);
  EXPECT_TRUE(selection.has_value()) << selection.error().message;
  return selection.value_or(Selection());
}

TEST(Node, WithoutAGpuThereIsTheHost) {
  const auto all = names({});
  EXPECT_TRUE(all.contains("node_load1"));
  EXPECT_FALSE(all.contains("gpu_up"));
}

TEST(Node, OnlyWhatIsSelectedIsCollected) {
  EXPECT_EQ(names(of({"loadavg"})),
            (std::set<std::string>{"node_load1", "node_load5", "node_load15",
                                   "node_scrape_collector_success",
                                   "node_scrape_collector_duration_seconds"}));
  EXPECT_FALSE(names(of({}, {"loadavg"})).contains("node_load1"));
  EXPECT_TRUE(names(of({"gpu"})).empty());
}

TEST(Selection, GroupsCanBeTakenOneByOne) {
  const Selection fast = of({"gpu.utilization", "cpu"});
  EXPECT_TRUE(fast.gpu().has(GpuGroup::kUtilization));
  EXPECT_FALSE(fast.gpu().has(GpuGroup::kPower));
  EXPECT_TRUE(fast.host("cpu"));
  EXPECT_FALSE(fast.host("meminfo"));
  EXPECT_FALSE(fast.topology());
  const Selection most = of({}, {"gpu.power", "process"});
  EXPECT_FALSE(most.gpu().has(GpuGroup::kPower));
  EXPECT_TRUE(most.gpu().has(GpuGroup::kUtilization));
  EXPECT_TRUE(most.topology());
  EXPECT_FALSE(most.process());
  EXPECT_TRUE(most.host("cpu"));
}

TEST(Selection, ANameThatThereIsNotIsRefusedWithThoseThatThereAre) {
  const std::array<std::string, 1> wrong = {"gpu.heat"};
  const auto refused = Selection::from(wrong, {});
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().message.find("gpu.temperature"), std::string::npos);
}

TEST(NodeCheck, AMissingTreeIsAProblemWithARemedy) {
  NodeOptions options = over_fixtures();
  options.host.sysfs = "/does/not/exist";
  const auto findings = check_node(options);
  const auto found = std::ranges::find_if(findings, [](const Finding& finding) {
    return finding.kind == Finding::Kind::kProblem && finding.remedy.contains("--path.sysfs");
  });
  EXPECT_NE(found, findings.end());
}

TEST(NodeCheck, EveryReasonThatPeopleMeetHasARemedy) {
  for (const nvml::Return code : {8, 9, 15, 16, 17, 18}) {
    EXPECT_NE(remedy_for(nvml_error(code)), "") << nvml_error(code);
  }
}

}  // namespace
}  // namespace strata::collect
