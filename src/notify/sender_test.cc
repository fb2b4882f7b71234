#include "notify/sender.h"

#include <gtest/gtest.h>

#include "config/load.h"
#include "discover/discovery.h"
#include "discover/network_for_test.h"

namespace strata::notify {
namespace {

using discover::TargetGroup;
using Lines = std::vector<std::string>;

config::Config parsed(const std::string& alertmanagers) {
  auto result =
      config::parse_config("alerting: {alertmanagers: [" + alertmanagers + "]}", "/c.yml");
  EXPECT_TRUE(result) << result.error().message;
  return result ? std::move(result->config) : config::Config{};
}

TargetGroup group(std::vector<Labels> targets, Labels labels = {}) {
  return {.source = "g", .labels = std::move(labels), .targets = std::move(targets)};
}

Labels at(std::string address) { return Labels::from({{"__address__", std::move(address)}}); }

Endpoints endpoints(const std::string& alertmanagers, const std::vector<TargetGroup>& groups) {
  return endpoints_of(parsed(alertmanagers).alerting.alertmanagers[0], groups);
}

TEST(Endpoints, AreUrlsOfTheApi) {
  const auto found = endpoints("{path_prefix: /am/}", {group({at("a:9093"), at("b:9093")})});
  EXPECT_EQ(found.active,
            (Lines{"http://a:9093/am/api/v2/alerts", "http://b:9093/am/api/v2/alerts"}));
  EXPECT_EQ(endpoints("{scheme: https}", {group({at("a")})}).active,
            Lines{"https://a/api/v2/alerts"});
  EXPECT_EQ(endpoints("{path_prefix: 'x/../y//z'}", {group({at("a")})}).active,
            Lines{"http://a/y/z/api/v2/alerts"});
}

TEST(Endpoints, AreToldOnceEach) {
  EXPECT_EQ(endpoints("{}", {group({at("a"), at("a")}), group({at("a")})}).active,
            Lines{"http://a/api/v2/alerts"});
}

// Prometheus gives the configuration's scheme to each target, and a group's label after it.
TEST(Endpoints, AGroupsSchemeCountsAndATargetsOwnDoesNot) {
  EXPECT_EQ(endpoints("{}", {group({at("a")}, Labels::from({{"__scheme__", "https"}}))}).active,
            Lines{"https://a/api/v2/alerts"});
  EXPECT_EQ(
      endpoints("{}", {group({Labels::from({{"__address__", "a"}, {"__scheme__", "https"}})})})
          .active,
      Lines{"http://a/api/v2/alerts"});
}

TEST(Endpoints, AreRelabelled) {
  const auto found = endpoints(
      "{relabel_configs: [{source_labels: [__meta_zone], regex: far, action: drop}, "
      "{target_label: __alerts_path__, replacement: /elsewhere}]}",
      {group({at("near")}), group({at("b")}, Labels::from({{"__meta_zone", "far"}}))});
  EXPECT_EQ(found.active, Lines{"http://near/elsewhere"});
  EXPECT_EQ(found.dropped, Lines{"http://b/api/v2/alerts"});
}

TEST(Endpoints, ABadAddressTakesItsGroupWithIt) {
  const auto found = endpoints("{}", {group({at("a"), at("http://b")}), group({at("c")})});
  EXPECT_EQ(found.active, Lines{"http://c/api/v2/alerts"});
  EXPECT_EQ(found.errors, Lines{"g: \"http://b\" is not a host and port"});
}

class SenderTest : public testing::Test {
 protected:
  void start(const std::string& alertmanagers, SendLimits limits = {}) {
    sender_ = std::make_unique<Sender>(
        SenderDeps{.fetch = http_.fetch(), .fs = real_fs(), .clock = clock_, .registry = registry_},
        limits);
    sender_->apply(parsed(alertmanagers));
  }
  void discover(const std::string& name, std::vector<std::string> addresses) {
    std::vector<Labels> targets;
    for (std::string& address : addresses) targets.push_back(at(std::move(address)));
    const std::vector groups{group(std::move(targets))};
    sender_->set_groups(name, groups);
  }
  void send(const Lines& names) {
    std::vector<rules::AlertNotice> alerts;
    for (const std::string& name : names) {
      rules::AlertNotice& alert = alerts.emplace_back();
      alert.labels = Labels::from({{"alertname", name}, {"replica", "1"}});
    }
    sender_->send(alerts);
  }
  // The names in each request that waits, as "URL: A B".
  Lines sent() const {
    Lines out;
    for (const auto& request : http_.waiting) {
      std::string line = request.sent.url + ":";
      std::string_view body = request.sent.body;
      while (true) {
        constexpr std::string_view kName = R"("alertname":")";
        const size_t begin = body.find(kName);
        if (begin == std::string_view::npos) break;
        body.remove_prefix(begin + kName.size());
        line.append(" ").append(body.substr(0, body.find('"')));
      }
      out.push_back(std::move(line));
    }
    return out;
  }
  std::string exposed(std::string_view series) {
    std::string text;
    registry_.expose(text);
    const size_t begin = text.find("\n" + std::string(series) + " ");
    if (begin == std::string::npos) return "";
    const size_t value = begin + series.size() + 2;
    return text.substr(value, text.find('\n', value) - value);
  }
  std::string count(std::string_view what, std::string_view host) {
    return exposed(fmt::format(
        "prometheus_notifications_{}{{alertmanager=\"http://{}/api/v2/alerts\"}}", what, host));
  }

  ManualClock clock_;
  metrics::Registry registry_;
  discover::FakeHttp http_;
  std::unique_ptr<Sender> sender_;
};

const std::string kA = "http://a/api/v2/alerts:";
const std::string kB = "http://b/api/v2/alerts:";

TEST_F(SenderTest, PostsWhatPrometheusPosts) {
  start("{timeout: 3s}");
  EXPECT_FALSE(sender_->has_receivers());
  discover("config-0", {"a"});
  EXPECT_TRUE(sender_->has_receivers());
  sender_->send(
      std::vector{rules::AlertNotice{.labels = Labels::from({{"alertname", "Hot"}, {"gpu", "0"}}),
                                     .annotations = {{"summary", "it is \"hot\""}},
                                     .starts_at = 1'700'000'000'000,
                                     .ends_at = 1'700'000'240'500,
                                     .generator_url = "http://s/graph?g0.expr=1"}});
  ASSERT_EQ(http_.waiting.size(), 1U);
  const auto& request = http_.waiting.front().sent;
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.timeout, std::chrono::seconds(3));
  EXPECT_EQ(request.headers.value("Content-Type"), "application/json");
  EXPECT_EQ(request.body,
            R"([{"annotations":{"summary":"it is \"hot\""},"endsAt":"2023-11-14T22:17:20.500Z",)"
            R"("startsAt":"2023-11-14T22:13:20.000Z","generatorURL":"http://s/graph?g0.expr=1",)"
            R"("labels":{"alertname":"Hot","gpu":"0"}}])");
}

TEST_F(SenderTest, EachAlertmanagerHasOneRequestOnItsWay) {
  start("{}", {.capacity = 100, .batch = 2});
  discover("config-0", {"a", "b"});
  send({"A"});
  send({"B", "C", "D"});
  EXPECT_EQ(sent(), (Lines{kA + " A", kB + " A"}));
  EXPECT_EQ(count("queue_length", "a"), "3");
  http_.answer(discover::json_answer("{}"));
  EXPECT_EQ(sent(), (Lines{kB + " A", kA + " B C"})) << "b hangs, and a goes on";
  http_.waiting.pop_front();
  http_.answer(discover::json_answer("{}"));
  EXPECT_EQ(sent(), Lines{kA + " D"});
  EXPECT_EQ(count("sent_total", "a"), "3");
  EXPECT_EQ(count("queue_length", "b"), "3");
}

TEST_F(SenderTest, WhatFailsIsCountedAndNotTriedAgain) {
  start("{}", {.capacity = 100, .batch = 2});
  discover("config-0", {"a"});
  send({"A", "B", "C"});
  http_.answer(discover::json_answer("no", 500));
  EXPECT_EQ(sent(), Lines{kA + " C"});
  http_.answer(fail(ErrorCode::kUnavailable, "connection refused"));
  EXPECT_EQ(sent(), Lines{});
  EXPECT_EQ(count("errors_total", "a"), "3");
  EXPECT_EQ(count("dropped_total", "a"), "3");
  EXPECT_EQ(count("sent_total", "a"), "0");
}

TEST_F(SenderTest, OfAFullQueueTheOldestGiveWay) {
  start("{}", {.capacity = 2, .batch = 1});
  discover("config-0", {"a"});
  send({"A"});
  send({"B", "C", "D"});
  http_.answer(discover::json_answer("{}"));
  EXPECT_EQ(sent(), Lines{kA + " C"});
  EXPECT_EQ(count("dropped_total", "a"), "1");
  EXPECT_EQ(exposed("prometheus_notifications_queue_capacity"), "2");
}

TEST_F(SenderTest, RequestsThatFailAtOnceDoNotNest) {
  SenderDeps deps{.fetch = [](auto, auto done) { done(fail(ErrorCode::kUnavailable, "no route")); },
                  .fs = real_fs(),
                  .clock = clock_,
                  .registry = registry_};
  sender_ = std::make_unique<Sender>(std::move(deps),
                                     SendLimits{.capacity = 100'000, .batch = 1, .drain = true});
  sender_->apply(parsed("{}"));
  discover("config-0", {"a"});
  send(Lines(100'000, "A"));
  EXPECT_EQ(count("dropped_total", "a"), "100000");
}

TEST_F(SenderTest, EachListRelabelsForItself) {
  start(
      "{}, {alert_relabel_configs: [{source_labels: [alertname], regex: B, action: drop}, "
      "{regex: replica, action: labeldrop}]}");
  discover("config-0", {"a"});
  discover("config-1", {"b"});
  send({"A", "B"});
  EXPECT_EQ(sent(), (Lines{kA + " A B", kB + " A"}));
  EXPECT_TRUE(http_.waiting[0].sent.body.contains("replica"));
  EXPECT_FALSE(http_.waiting[1].sent.body.contains("replica"));
  EXPECT_EQ(exposed("prometheus_notifications_alertmanagers_discovered"), "2");
}

TEST_F(SenderTest, AReloadKeepsQueues) {
  start("{}, {}", {.capacity = 10, .batch = 1});
  discover("config-0", {"a"});
  discover("config-1", {"b"});
  send({"A", "B"});
  sender_->apply(parsed("{path_prefix: /}"));
  discover("config-0", {"a"});
  send({"C"});
  http_.answer(discover::json_answer("{}"));
  http_.answer(discover::json_answer("{}"));
  EXPECT_EQ(sent(), (Lines{kA + " B", kB + " B"})) << "one that is gone is still told what waits";
  http_.answer(discover::json_answer("{}"));
  http_.answer(discover::json_answer("{}"));
  EXPECT_EQ(sent(), Lines{kA + " C"});
  EXPECT_EQ(count("sent_total", "a"), "2");
  registry_.expose(*std::make_unique<std::string>());
  EXPECT_EQ(count("sent_total", "b"), "") << "its series are gone";
  discover("config-1", {"z"});  // too late, and ignored
  EXPECT_EQ(sender_->alertmanagers().active, Lines{"http://a/api/v2/alerts"});
}

TEST_F(SenderTest, StoppingDropsWhatCannotBeSentInTime) {
  start("{}", {.capacity = 10, .batch = 1, .drain = false});
  discover("config-0", {"a"});
  send({"A", "B"});
  EXPECT_EQ(sent(), Lines{kA + " A"});
  http_.answer(discover::json_answer("{}"));
  http_.answer(discover::json_answer("{}"));
  send({"C", "D"});
  http_.waiting.clear();  // never answered
  std::jthread time([this](std::stop_token stop) {
    while (!stop.stop_requested()) clock_.advance(std::chrono::seconds(1));
  });
  sender_->stop();
  EXPECT_FALSE(sender_->has_receivers());
}

}  // namespace
}  // namespace strata::notify
