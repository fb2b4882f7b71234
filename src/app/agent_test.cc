#include <gtest/gtest.h>

#include <algorithm>

#include "app/agent_flags.h"
#include "base/fs.h"
#include "base/temp_dir.h"
#include "config/load.h"

namespace strata::app {
namespace {

AgentFlags with(std::string_view name, std::string_view value) {
  AgentFlags flags = default_agent_flags();
  flags.values.find(name)->second = value;
  return flags;
}

TEST(AgentFlags, DefaultsListenWhereDcgmExporterDoes) {
  const auto options = agent_options(default_agent_flags());
  ASSERT_TRUE(options) << options.error().message;
  EXPECT_EQ(options->listen, std::vector<std::string>{":9400"});
  EXPECT_FALSE(options->node.node.empty());
  EXPECT_EQ(options->node.gpu_metrics.hostname_label, "hostname");
}

TEST(AgentFlags, AWrongValueIsNamed) {
  EXPECT_EQ(agent_options(with("gpu.deadline", "soon")).error().message,
            "--gpu.deadline=soon: not a duration such as 3s");
  EXPECT_NE(
      agent_options(with("gpu.fields", "/does/not/exist.csv")).error().message.find("--gpu.fields"),
      std::string::npos);
}

TEST(AgentFlags, CollectorsAreChosenAsInNodeExporter) {
  AgentFlags flags = with("collector.disable-defaults", "true");
  flags.collectors = {{"cpu", true}};
  const auto options = agent_options(flags);
  ASSERT_TRUE(options);
  EXPECT_EQ(options->node.host.collectors.back(), (std::pair<std::string, bool>("cpu", true)));
  EXPECT_EQ(std::ranges::count(options->node.host.collectors, true,
                               &std::pair<std::string, bool>::second),
            1);
}

TEST(AgentFlags, DocumentationIsFresh) {
  const auto page = real_fs().read_file("docs/agent.md");
  ASSERT_TRUE(page) << page.error().message;
  EXPECT_NE(page->find(agent_flags_markdown()), std::string::npos) << "run ./dev docs";
}

TEST(Examples, ThePrometheusConfigurationLoadsWithoutWarnings) {
  const auto loaded = config::load_config("examples/prometheus.yml", real_fs());
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_TRUE(loaded->warnings.empty()) << loaded->warnings[0];
  const auto& jobs = loaded->config.scrape_configs;
  const auto interval = [&](std::string_view name) {
    const auto job = std::ranges::find(jobs, name, &config::ScrapeConfig::job_name);
    return job == jobs.end() ? Millis(0) : job->scrape_interval;
  };
  EXPECT_EQ(interval("gpu"), Millis(15'000));
  EXPECT_EQ(interval("gpu-heat"), Millis(30'000));
  EXPECT_EQ(interval("application"), Millis(15'000));
}

}  // namespace
}  // namespace strata::app
