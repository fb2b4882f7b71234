#include "discover/targets.h"

#include <gtest/gtest.h>

#include "config/load.h"
#include "discover/target_url.h"

namespace strata::discover {
namespace {

config::ScrapeConfig job(std::string_view keys) {
  const Result<config::ParsedConfig> parsed =
      config::parse_config("scrape_configs: [{job_name: j, " + std::string(keys) + "}]", "t.yml");
  EXPECT_TRUE(parsed) << parsed.error().message;
  return parsed ? parsed->config.scrape_configs[0] : config::ScrapeConfig{};
}

/// The targets that the job's static_configs make.
TargetSet targets(const config::ScrapeConfig& config) {
  std::vector<TargetGroup> groups;
  for (const config::StaticConfig& entry : config.discovery.static_configs) {
    groups.push_back(group_from(entry, std::to_string(groups.size())));
  }
  return make_targets(config, groups);
}

TEST(Targets, HaveUrlLabelsAndTimes) {
  const TargetSet set =
      targets(job("scrape_interval: 15s, scrape_timeout: 4s, "
                  "static_configs: [{targets: ['h:80'], labels: {rack: r1}}]"));
  ASSERT_EQ(set.active.size(), 1U);
  const Target& target = set.active[0];
  EXPECT_EQ(target.url, "http://h:80/metrics");
  EXPECT_EQ(target.labels, (Labels{{"instance", "h:80"}, {"job", "j"}, {"rack", "r1"}}));
  EXPECT_EQ(target.interval, Millis{15'000});
  EXPECT_EQ(target.timeout, Millis{4'000});
  EXPECT_EQ(target.discovered_labels, (Labels{{"__address__", "h:80"},
                                              {"__always_scrape_classic_histograms__", "false"},
                                              {"__convert_classic_histograms_to_nhcb__", "false"},
                                              {"__metrics_path__", "/metrics"},
                                              {"__scheme__", "http"},
                                              {"__scrape_interval__", "15s"},
                                              {"__scrape_native_histograms__", "false"},
                                              {"__scrape_timeout__", "4s"},
                                              {"job", "j"},
                                              {"rack", "r1"}}));
}

TEST(Targets, NoPortIsAddedToAnAddress) {
  const TargetSet set = targets(job("scheme: https, static_configs: [{targets: [host]}]"));
  EXPECT_EQ(set.active.at(0).url, "https://host/metrics");
  EXPECT_EQ(set.active.at(0).labels.get("instance"), "host");
}

TEST(Targets, ParametersComeFromTheConfigAndFromLabels) {
  const TargetSet set =
      targets(job("metrics_path: probe me, params: {module: [http, tcp], x: ['a b&c']}, "
                  "static_configs: [{targets: ['h:1']}], relabel_configs: ["
                  "{source_labels: [__address__], target_label: __param_target},"
                  "{target_label: __param_module, replacement: icmp}]"));
  EXPECT_EQ(set.active.at(0).url,
            "http://h:1/probe%20me?module=icmp&module=tcp&target=h%3A1&x=a+b%26c");
}

TEST(Targets, MagicLabelsDecide) {
  const TargetSet set =
      targets(job("static_configs: [{targets: ['h:1'], labels: {__scrape_interval__: 30s, "
                  "__scrape_timeout__: 20s, __scheme__: https, __metrics_path__: /m, job: other, "
                  "__scrape_native_histograms__: 'T', __unix_socket__: /run/x.sock, __tmp_x: y, "
                  "__meta_z: w}}]"));
  const Target& target = set.active.at(0);
  EXPECT_EQ(target.url, "https://h:1/m");
  EXPECT_EQ(target.interval, Millis{30'000});
  EXPECT_EQ(target.timeout, Millis{20'000});
  EXPECT_TRUE(target.scrape_native_histograms);
  EXPECT_EQ(target.unix_socket, "/run/x.sock");
  EXPECT_EQ(target.labels, (Labels{{"instance", "h:1"}, {"job", "other"}}));
}

TEST(Targets, ATargetsOwnLabelsWinOverItsGroups) {
  const TargetGroup group{.source = "g",
                          .labels = {{"a", "group"}, {"b", "group"}},
                          .targets = {Labels{{"__address__", "h"}, {"a", "own"}}}};
  const TargetSet set = make_targets(job(""), std::span(&group, 1));
  EXPECT_EQ(set.active.at(0).labels.get("a"), "own");
  EXPECT_EQ(set.active.at(0).labels.get("b"), "group");
}

TEST(Targets, TheSameTargetTwiceIsOne) {
  const TargetSet set = targets(job("static_configs: [{targets: [a, b, a]}, {targets: [a]}]"));
  EXPECT_EQ(set.active.size(), 2U);
}

TEST(Targets, DroppedOnesAreKeptForTheApiUpToALimit) {
  const std::string keys =
      "static_configs: [{targets: [a, b, c]}], relabel_configs: "
      "[{source_labels: [__address__], regex: '[ab]', action: drop}]";
  const TargetSet all = targets(job(keys));
  EXPECT_EQ(all.active.size(), 1U);
  EXPECT_EQ(all.dropped.size(), 2U);
  EXPECT_EQ(all.dropped.at(0).get("__address__"), "a");
  const TargetSet limited = targets(job("keep_dropped_targets: 1, " + keys));
  EXPECT_EQ(limited.dropped.size(), 1U);
  EXPECT_EQ(limited.dropped_count, 2U);
}

TEST(Targets, TheLimitIsPassedNotReached) {
  EXPECT_FALSE(
      targets(job("target_limit: 2, static_configs: [{targets: [a, b]}]")).over_target_limit);
  EXPECT_TRUE(
      targets(job("target_limit: 1, static_configs: [{targets: [a, b]}]")).over_target_limit);
}

TEST(Targets, WhatCannotBeScrapedIsAnError) {
  const std::pair<const char*, const char*> cases[] = {
      {"[{target_label: __address__, replacement: ''}]", "no __address__"},
      {"[{target_label: __address__, replacement: 'http://x'}]",
       "\"http://x\" is not a host and port"},
      {"[{target_label: __scrape_interval__, replacement: 5}]",
       "__scrape_interval__: \"5\" is not a duration above 0"},
      {"[{target_label: __scrape_interval__, replacement: 0s}]",
       "__scrape_interval__: \"0s\" is not a duration above 0"},
      {"[{target_label: __scrape_timeout__, replacement: 2m}]",
       "scrape timeout 2m is longer than the interval 1m"},
      {"[{target_label: __scrape_native_histograms__, replacement: ja}]",
       "__scrape_native_histograms__: \"ja\" is neither true nor false"},
  };
  for (const auto& [rules, error] : cases) {
    const TargetSet set =
        targets(job("static_configs: [{targets: [a]}], relabel_configs: " + std::string(rules)));
    EXPECT_TRUE(set.active.empty());
    ASSERT_EQ(set.errors.size(), 1U) << rules;
    EXPECT_EQ(set.errors[0], "job j: target 0 of 0: " + std::string(error));
  }
}

TEST(TargetUrls, AreEscapedAsInGo) {
  EXPECT_EQ(make_url("http", "[::1]:80", "a?b", {}), "http://[::1]:80/a%3Fb");
  EXPECT_EQ(make_url("http", "h", "/a,b;c=d:e@f$g&h+i", {}), "http://h/a,b;c=d:e@f$g&h+i");
  EXPECT_EQ(make_url("http", "h", "", {{"match[]", {"{a=\"b\"}", "x"}}}),
            "http://h?match%5B%5D=%7Ba%3D%22b%22%7D&match%5B%5D=x");
  EXPECT_EQ(make_url("http", "h", "/ü", {{"k", {" "}}}), "http://h/%C3%BC?k=+");
}

}  // namespace
}  // namespace strata::discover
