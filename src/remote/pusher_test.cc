#include "remote/pusher.h"

#include <gtest/gtest.h>

#include "config/load.h"
#include "discover/network_for_test.h"
#include "wire/snappy_block.h"

namespace strata::remote {
namespace {

using Lines = std::vector<std::string>;

constexpr TimestampMs kStart = 1'700'000'000'000;
const Labels kTarget = Labels::from({{"instance", "node-0:9400"}, {"job", "agent"}});

class PusherTest : public testing::Test {
 protected:
  void start(const std::string& more = "", Labels external = {}) {
    auto parsed =
        config::parse_config("remote_write: [{url: 'http://t/write'" + more + "}]", "/c.yml");
    ASSERT_TRUE(parsed) << parsed.error().message;
    pusher_ = std::make_shared<Pusher>(
        PusherDeps{.fetch = http_.fetch(),
                   .fs = real_fs(),
                   .clock = clock_,
                   .metrics = metrics_,
                   .after = [this](auto pause,
                                   auto task) { timers_.push_back({pause, std::move(task)}); }},
        parsed->config.remote_write[0], std::move(external));
  }
  void push(const std::vector<std::pair<std::string, double>>& values) {
    std::vector<MetricFamily> families;
    for (const auto& [name, value] : values) {
      families.push_back({.name = name,
                          .type = MetricType::kGauge,
                          .help = "Help.",
                          .samples = {{.suffix = "", .labels = {}, .value = value}}});
    }
    pusher_->push(families, kTarget, clock_.now_ms());
    clock_.advance(std::chrono::seconds(15));
  }
  // "name value", or "name stale", of the request that waits longest, or of its metadata.
  Lines sent() {
    Lines out;
    if (http_.waiting.empty()) return out;
    const auto& request = http_.waiting.front().sent;
    EXPECT_EQ(request.headers.value("Content-Encoding"), "snappy");
    std::string message;
    EXPECT_TRUE(wire::snappy_decompress(request.body, 1u << 20, message));
    const auto reader = wire::RemoteWriteReader::open(message, wire::RemoteWriteVersion::k1);
    EXPECT_TRUE(reader);
    wire::RemoteSeries series;
    for (size_t i = 0; i < reader->size(); ++i) {
      EXPECT_TRUE(reader->read(i, series));
      const Labels labels = Labels::from(series.labels);
      labels_.push_back(labels.to_string());
      const double value = series.samples.at(0).v;
      out.push_back(fmt::format("{} {}", labels.get("__name__"),
                                is_stale_nan(value) ? "stale" : fmt::format("{}", value)));
    }
    for (const auto& about : reader->metadata()) {
      out.push_back(fmt::format("# {} {}", about.family, about.help));
    }
    return out;
  }
  void answer(int status = 204) { http_.answer(discover::json_answer("", status)); }

  ManualClock clock_{kStart};
  metrics::Registry registry_;
  WriteMetrics metrics_{registry_};
  discover::FakeHttp http_;
  std::vector<std::pair<std::chrono::nanoseconds, std::function<void()>>> timers_;
  std::vector<std::string> labels_;
  std::shared_ptr<Pusher> pusher_;
};

TEST_F(PusherTest, SendsSamplesUpAndWhatFamiliesAre) {
  start("", Labels::from({{"job", "never"}, {"site", "b"}}));
  push({{"a", 1}, {"b", 2.5}});
  EXPECT_EQ(sent(), (Lines{"a 1", "b 2.5", "up 1"}));
  EXPECT_EQ(labels_[0], R"(a{instance="node-0:9400", job="agent", site="b"})");
  answer();
  EXPECT_EQ(sent(), (Lines{"# a Help.", "# b Help."}));
  answer();
  push({{"a", 1}, {"b", 2.5}});
  EXPECT_EQ(sent().size(), 3U);
  answer();
  EXPECT_EQ(sent(), Lines{}) << "what families are is said once a minute";
}

TEST_F(PusherTest, WhatIsGoneIsMarkedStale) {
  start(", metadata_config: {send: false}");
  push({{"a", 1}, {"b", 2}});
  answer();
  push({{"b", 2}});
  EXPECT_EQ(sent(), (Lines{"b 2", "up 1", "a stale"}));
  answer();
  push({{"b", 2}});
  EXPECT_EQ(sent(), (Lines{"b 2", "up 1"}));
  answer();
}

TEST_F(PusherTest, AnOutageCostsNothingAndTheOrderStays) {
  start(", metadata_config: {send: false}");
  push({{"a", 1}});
  answer(503);
  ASSERT_EQ(timers_.size(), 1U);
  EXPECT_LT(timers_[0].first, std::chrono::milliseconds(40));
  push({{"a", 2}});
  EXPECT_TRUE(http_.waiting.empty()) << "the pause is kept";
  timers_[0].second();
  http_.answer(fail(ErrorCode::kUnavailable, "connection refused"));
  EXPECT_GT(timers_[1].first, std::chrono::milliseconds(50)) << "and grows";
  timers_[1].second();
  EXPECT_EQ(sent()[0], "a 1");
  answer();
  EXPECT_EQ(sent()[0], "a 2");
  answer();
}

TEST_F(PusherTest, WhatIsRefusedIsLeftBehind) {
  start(", metadata_config: {send: false}");
  push({{"a", 1}});
  push({{"a", 2}});
  answer(400);
  EXPECT_EQ(sent()[0], "a 2");
  answer();
  EXPECT_TRUE(timers_.empty());
}

TEST_F(PusherTest, RequestsHaveABoundAndSoHasWhatWaits) {
  start(", metadata_config: {send: false}, queue_config: {max_samples_per_send: 2}");
  push({{"a", 1}, {"b", 2}, {"c", 3}});
  EXPECT_EQ(sent(), (Lines{"a 1", "b 2"}));
  answer();
  EXPECT_EQ(sent(), (Lines{"c 3", "up 1"}));
  std::string text;
  const auto dropped = [&] {
    text.clear();
    registry_.expose(text);
    const std::string name =
        "prometheus_remote_storage_samples_dropped_total{remote_name=\"\",url=\"http://t/write\"} ";
    const size_t at = text.find(name);
    return at == std::string::npos ? -1 : std::stoi(text.substr(at + name.size()));
  };
  EXPECT_EQ(dropped(), 0);
  std::vector<MetricFamily> large(1);
  large[0].name = "large";
  uint64_t random = 1;
  for (int i = 0; i < 2000; ++i) {
    std::string noise;
    for (int k = 0; k < 500; ++k) {
      random = random * 6364136223846793005u + 1442695040888963407u;
      noise += static_cast<char>('0' + (random >> 40) % 75);
    }
    large[0].samples.push_back(
        {.suffix = "", .labels = Labels::from({{"x", noise}}), .value = static_cast<double>(i)});
  }
  for (int i = 0; i < 30; ++i) pusher_->push(large, kTarget, clock_.now_ms());
  EXPECT_GT(dropped(), 10'000);
  EXPECT_EQ(sent(), (Lines{"c 3", "up 1"})) << "what is on its way is not among them";
}

TEST_F(PusherTest, EndingMarksAllStaleAndTriesOnce) {
  start(", metadata_config: {send: false}");
  push({{"a", 1}});
  answer();
  std::jthread time([this](std::stop_token stop) {
    while (!stop.stop_requested()) clock_.advance(std::chrono::milliseconds(1));
  });
  pusher_->finish(clock_.now_ms(), std::chrono::seconds(5));
  Lines marked = sent();
  EXPECT_EQ(marked, (Lines{"a stale", "up stale"}));
  answer(503);
  EXPECT_TRUE(timers_.empty());
}

}  // namespace
}  // namespace strata::remote
