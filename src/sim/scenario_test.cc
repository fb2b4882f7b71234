#include "sim/scenario.h"

#include <gtest/gtest.h>

#include "base/fs.h"
#include "sim/expositions.h"
#include "sim/service.h"

namespace strata::sim {
namespace {

TEST(ScenarioTest, ReadsFaultsWithTheirDefaults) {
  const auto scenario = Scenario::parse(
      "description: d\n"
      "requests_per_second: 3\n"
      "faults:\n"
      "  - fault: thermal-throttle\n"
      "    at: 5m\n"
      "    for: 90s\n"
      "    severity: 0.5\n"
      "    node: 3\n"
      "    gpu: all\n"
      "  - fault: engine-hang\n",
      "s.yml");
  ASSERT_TRUE(scenario) << scenario.error().message;
  ASSERT_EQ(scenario->faults().size(), 2U);
  const Fault& hot = scenario->faults()[0];
  EXPECT_EQ(hot.kind->name, "thermal-throttle");
  EXPECT_EQ(hot.onset, 300);
  EXPECT_EQ(hot.duration, 90);
  EXPECT_EQ(hot.severity, 0.5);
  EXPECT_EQ(hot.place.node, 3);
  EXPECT_EQ(hot.place.gpu, -1);
  const Fault& hang = scenario->faults()[1];
  EXPECT_EQ(hang.onset, 0);
  EXPECT_EQ(hang.duration, 300);
  EXPECT_EQ(hang.severity, 1);
  EXPECT_TRUE(hang.active(299));
  EXPECT_FALSE(hang.active(300));
}

TEST(ScenarioTest, MistakesAreNamedWithTheirPlace) {
  const auto error = [](std::string_view text) {
    const auto scenario = Scenario::parse(text, "s.yml");
    return scenario ? std::string("none") : scenario.error().message;
  };
  EXPECT_TRUE(error("faults:\n  - fault: engine-hung\n").starts_with("s.yml:2:"));
  EXPECT_TRUE(error("faults:\n  - fault: engine-hung\n").contains("did you mean engine-hang"));
  EXPECT_TRUE(error("faults:\n  - {fault: engine-hang, severity: 2}\n").contains("severity"));
  EXPECT_TRUE(error("faults:\n  - {fault: engine-hang, node: last}\n").contains("node"));
  EXPECT_TRUE(error("faults:\n  - {fault: engine-hang, when: 5m}\n").contains("when"));
}

TEST(ScenarioTest, TheShippedOnesAreRead) {
  for (const std::string name : {"bad-day", "engine-hang", "hot-rack", "rush-hour"}) {
    const auto text = real_fs().read_file("scenarios/" + name + ".yml");
    ASSERT_TRUE(text) << name;
    const auto scenario = Scenario::parse(*text, name);
    ASSERT_TRUE(scenario) << scenario.error().message;
    EXPECT_FALSE(scenario->faults().empty());
    EXPECT_FALSE(scenario->description().empty());
  }
}

TEST(ServiceTest, EveryTargetOfDiscoveryAnswers) {
  auto fleet = Fleet::create({.nodes = 4}, {});
  ASSERT_TRUE(fleet) << fleet.error().message;
  std::vector<std::string> paths;
  const std::string list = discovery_json(**fleet, "127.0.0.1:9500");
  constexpr std::string_view kPath = "\"__metrics_path__\":\"";
  for (size_t at = list.find(kPath); at != std::string::npos; at = list.find(kPath, at + 1)) {
    const size_t begin = at + kPath.size();
    paths.push_back(list.substr(begin, list.find('"', begin) - begin));
  }
  EXPECT_EQ(paths.size(), 4U * 5 + 1);
  for (const std::string& path : paths) {
    const Answer answer = metrics_answer(**fleet, path, 60);
    EXPECT_EQ(answer.status, 200) << path;
    EXPECT_FALSE(answer.body.empty()) << path;
  }
  EXPECT_EQ(metrics_answer(**fleet, "/node-4/gpu/metrics", 60).status, 404);
  EXPECT_EQ(metrics_answer(**fleet, "/node-0/engine-9/metrics", 60).status, 404);
  EXPECT_EQ(metrics_answer(**fleet, "/node-0/", 60).status, 404);
}

TEST(FleetTest, HowOftenANodeIsAskedChangesNothing) {
  const auto often = Fleet::create({.nodes = 1}, {});
  const auto once = Fleet::create({.nodes = 1}, {});
  for (double at = 0; at <= 300; at += 0.3) (*often)->advance_to(at);
  (*often)->advance_to(300);
  (*once)->advance_to(300);
  std::string a;
  std::string b;
  append_dcgm(a, *(*often)->nodes()[0]);
  append_dcgm(b, *(*once)->nodes()[0]);
  append_engine(a, *(*often)->nodes()[0], 0);
  append_engine(b, *(*once)->nodes()[0], 0);
  EXPECT_EQ(a, b);
}

TEST(FleetTest, EnginesThatDoNotFitAreRefused) {
  EXPECT_FALSE(Fleet::create({.nodes = 1, .gpus = 2}, {}));
  EXPECT_FALSE(Fleet::create({.nodes = 0}, {}));
  EXPECT_FALSE(Fleet::create({.gpu = "v100"}, {}));
  EXPECT_FALSE(Fleet::create({.models = {"gpt-9"}}, {}));
  EXPECT_EQ(Fleet::tensor_parallel(*find_model("8B"), *find_gpu_model("h100")), 1);
  EXPECT_EQ(Fleet::tensor_parallel(*find_model("70B"), *find_gpu_model("h100")), 4);
}

}  // namespace
}  // namespace strata::sim
