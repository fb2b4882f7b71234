#include "alerting/router.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/log.h"
#include "base/temp_dir.h"
#include "model/fingerprint.h"

namespace strata::alerting {
namespace {

constexpr TimestampMs kStart = 1'700'000'000'000;
constexpr TimestampMs kMinute = 60'000;

constexpr std::string_view kConfig = R"(
route:
  receiver: chat
  group_by: [alertname]
  group_wait: 30s
  group_interval: 5m
  repeat_interval: 1h
  routes:
  - matchers: [severity="page"]
    receiver: pager
    group_wait: 0s
  - matchers: [team="night"]
    receiver: chat
    mute_time_intervals: [always]
receivers:
- name: chat
  webhook_configs: [{url: 'http://chat/'}]
- name: pager
  webhook_configs: [{url: 'http://pager/', send_resolved: false}]
  jira_configs: [{api_url: 'http://jira/', project: p, issue_type: t}]  # cannot be sent yet
inhibit_rules:
- source_matchers: [alertname="NodeDown"]
  target_matchers: [alertname=~"Slow|NodeDown"]
  equal: [node]
time_intervals:
- name: always
  time_intervals: [{times: [{start_time: '00:00', end_time: '24:00'}]}]
)";

// A life of the alerting engine over one database, which survives it.
class RouterTest : public testing::Test {
 protected:
  void SetUp() override {
    configure_logging(LogLevel::kError, LogFormat::kLogfmt);
    begin();
  }
  void begin() {
    router_.reset();
    outbox_.reset();
    log_.reset();
    silences_.reset();
    db_.reset();
    db_ = *state::Database::open(dir_.file("state.db"));
    silences_ = *Silences::open(*db_);
    log_ = *NotificationLog::open(*db_);
    outbox_ = *Outbox::open(*db_, now_);
    registry_ = std::make_unique<metrics::Registry>();
    router_ = std::make_unique<Router>(RouterDeps{
        .silences = *silences_,
        .log = *log_,
        .outbox = *outbox_,
        .render = [](const Notification& n, const Destination& to) -> Result<MessageParts> {
          std::string text = to.receiver->name + ": " + std::string(to_string(n.reason)) + ":";
          for (const Alert& alert : n.alerts) {
            text += fmt::format(" {}{}", alert.resolved_at(n.at) ? "-" : "",
                                std::string(alert.labels.get("node")));
          }
          return MessageParts{{"body", text}};
        },
        .metrics = *registry_});
    auto file = parse_alertmanager_file(kConfig, "am.yml");
    ASSERT_TRUE(file) << file.error().message;
    router_->set_config(std::make_shared<const AlertmanagerFile>(*std::move(file)), now_);
  }

  Alert alert(const std::string& name, const std::string& node, const std::string& severity = "") {
    return {.labels = {{"alertname", name}, {"node", node}, {"severity", severity}},
            .annotations = {},
            .starts_at = now_,
            .ends_at = now_ + 30 * kMinute,
            .updated_at = 0,
            .timeout = false,
            .generator_url = ""};
  }
  void fire(const std::string& name, const std::string& node, const std::string& severity = "") {
    ASSERT_TRUE(router_->put({alert(name, node, severity)}, now_));
  }
  void end(const std::string& name, const std::string& node, const std::string& severity = "") {
    Alert ended = alert(name, node, severity);
    ended.starts_at = now_ - 1;
    ended.ends_at = now_;
    ASSERT_TRUE(router_->put({ended}, now_));
  }
  // What the receivers get `after` from now.
  std::vector<std::string> sent(TimestampMs after) {
    now_ += after;
    router_->tick(now_);
    std::vector<std::string> out;
    const auto due = outbox_->take_due(now_, 100);
    EXPECT_TRUE(due) << due.error().message;
    for (const Message& message : *due) {
      out.push_back(message.parts[0].second);
      EXPECT_TRUE(outbox_->succeeded(
          message,
          {.message = message.id, .at = now_, .took = {}, .delivered = true, .detail = ""}));
    }
    return out;
  }

  using Texts = std::vector<std::string>;
  TempDir dir_;
  TimestampMs now_ = kStart;
  std::unique_ptr<state::Database> db_;
  std::unique_ptr<Silences> silences_;
  std::unique_ptr<NotificationLog> log_;
  std::unique_ptr<Outbox> outbox_;
  std::unique_ptr<metrics::Registry> registry_;
  std::unique_ptr<Router> router_;
};

TEST_F(RouterTest, AGroupIsToldAfterItsWaitThenWhenItChanges) {
  fire("Slow", "a");
  EXPECT_EQ(sent(29'000), Texts{});
  fire("Slow", "b");
  EXPECT_EQ(sent(1'000), Texts{"chat: first notification: a b"});
  fire("Slow", "c");
  EXPECT_EQ(sent(kMinute), Texts{}) << "not before the group's interval";
  EXPECT_EQ(sent(4 * kMinute), Texts{"chat: new alerts added: a b c"});
  EXPECT_EQ(sent(5 * kMinute), Texts{});
  end("Slow", "a");
  EXPECT_EQ(sent(5 * kMinute), Texts{"chat: some alerts resolved: -a b c"});
}

TEST_F(RouterTest, RepeatsWhatStaysAndTellsTheEnd) {
  fire("Slow", "a");
  EXPECT_EQ(sent(30'000).size(), 1U);
  for (int i = 0; i < 12; ++i) {
    fire("Slow", "a");
    EXPECT_EQ(sent(5 * kMinute), Texts{}) << i;
  }
  fire("Slow", "a");
  EXPECT_EQ(sent(5 * kMinute), Texts{"chat: repeat interval elapsed: a"});
  end("Slow", "a");
  EXPECT_EQ(sent(5 * kMinute), Texts{"chat: all alerts resolved: -a"});
  EXPECT_TRUE(router_->groups().empty());
}

TEST_F(RouterTest, AnAlertThatNobodySendsAgainEnds) {
  Alert open = alert("Slow", "a");
  open.ends_at = 0;
  ASSERT_TRUE(router_->put({open}, now_));
  EXPECT_EQ(sent(30'000).size(), 1U);
  EXPECT_EQ(sent(5 * kMinute), Texts{"chat: all alerts resolved: -a"});
}

TEST_F(RouterTest, OneThatWantsNoEndsIsNotToldThem) {
  fire("Slow", "a", "page");
  EXPECT_EQ(sent(0), Texts{"pager: first notification: a"});
  end("Slow", "a", "page");
  EXPECT_EQ(sent(5 * kMinute), Texts{});
  fire("Slow", "a", "page");
  EXPECT_EQ(sent(5 * kMinute), Texts{"pager: first notification: a"});
}

TEST_F(RouterTest, ARestartNeitherForgetsNorRepeats) {
  fire("Slow", "a", "page");
  EXPECT_EQ(sent(0).size(), 1U);
  begin();
  fire("Slow", "a", "page");
  EXPECT_EQ(sent(5 * kMinute), Texts{}) << "told before the restart";
  fire("Slow", "b", "page");
  router_->tick(now_ += 5 * kMinute);
  begin();
  EXPECT_EQ(sent(0), Texts{"pager: new alerts added: a b"}) << "was waiting in the outbox";
}

TEST_F(RouterTest, WhatWasBeingTriedIsTriedAgain) {
  fire("Slow", "a", "page");
  router_->tick(now_);
  ASSERT_EQ(outbox_->take_due(now_, 9)->size(), 1U);
  EXPECT_EQ(outbox_->take_due(now_, 9)->size(), 0U);
  begin();
  EXPECT_EQ(sent(0).size(), 1U);
}

TEST_F(RouterTest, InhibitedAlertsAreLeftOut) {
  fire("NodeDown", "a");
  fire("Slow", "a");
  fire("Slow", "b");
  Texts first = sent(30'000);
  std::ranges::sort(first);  // two groups
  EXPECT_EQ(first, (Texts{"chat: first notification: a", "chat: first notification: b"}));
  EXPECT_EQ(router_->status({{"alertname", "Slow"}, {"node", "a"}}, now_).inhibited_by.size(), 1U);
  EXPECT_TRUE(
      router_->status({{"alertname", "NodeDown"}, {"node", "a"}}, now_).inhibited_by.empty())
      << "both sides match: not by itself";
  end("NodeDown", "a");
  EXPECT_TRUE(router_->status({{"alertname", "Slow"}, {"node", "a"}}, now_).inhibited_by.empty());
}

TEST_F(RouterTest, SilencedAndMutedAlertsAreLeftOut) {
  Silence silence;
  silence.matcher_sets = {{Matcher::equal("node", "a")}};
  silence.ends_at = now_ + 10 * kMinute;
  silence.created_by = "me";
  const auto id = silences_->set(silence, now_);
  ASSERT_TRUE(id) << id.error().message;
  fire("Slow", "a");
  ASSERT_TRUE(router_->put({{.labels = {{"alertname", "X"}, {"team", "night"}},
                             .annotations = {},
                             .starts_at = now_,
                             .ends_at = now_ + kMinute * 60,
                             .updated_at = 0,
                             .timeout = false,
                             .generator_url = ""}},
                           now_));
  EXPECT_EQ(sent(30'000), Texts{});
  EXPECT_EQ(router_->status({{"node", "a"}}, now_).silenced_by, Texts{*id});
  ASSERT_TRUE(silences_->expire(*id, now_));
  EXPECT_EQ(sent(5 * kMinute), Texts{"chat: first notification: a"});
}

TEST_F(RouterTest, WrongAlertsAreNamedAndTheOthersTaken) {
  Alert bare = alert("x", "y");
  bare.labels = {};
  const auto put = router_->put({bare, alert("Slow", "a", "page")}, now_);
  ASSERT_FALSE(put);
  EXPECT_EQ(put.error().message, "at least one label pair required");
  EXPECT_EQ(sent(0).size(), 1U);
}

TEST_F(RouterTest, AFailedAttemptIsTriedAgainUntilItIsGivenUp) {
  fire("Slow", "a", "page");
  router_->tick(now_);
  auto due = outbox_->take_due(now_, 9);
  ASSERT_EQ(due->size(), 1U);
  const Attempt attempt{.message = due->front().id,
                        .at = now_,
                        .took = Millis(3),
                        .delivered = false,
                        .detail = "503"};
  const auto over = outbox_->failed(due->front(), attempt, true, Millis(20'000));
  ASSERT_TRUE(over);
  EXPECT_FALSE(*over);
  EXPECT_EQ(outbox_->take_due(now_ + 19'999, 9)->size(), 0U) << "as long as it was asked";
  due = outbox_->take_due(now_ + 20'000, 9);
  ASSERT_EQ(due->size(), 1U);
  EXPECT_EQ(due->front().attempts, 2);
  EXPECT_TRUE(*outbox_->failed(due->front(), attempt, false, std::nullopt));
  EXPECT_EQ(outbox_->attempts(due->front().id).size(), 2U);
  fire("Slow", "a", "page");
  EXPECT_EQ(sent(5 * kMinute), Texts{"pager: first notification: a"}) << "made anew";
}

TEST_F(RouterTest, NewRoutesTakeTheAlertsThatThereAre) {
  fire("Slow", "a", "page");
  auto file = parse_alertmanager_file(
      "route: {receiver: other, group_wait: 0s}\nreceivers: [{name: other, webhook_configs: "
      "[{url: 'http://o/'}]}]",
      "am.yml");
  router_->set_config(std::make_shared<const AlertmanagerFile>(*std::move(file)), now_);
  EXPECT_EQ(sent(1), Texts{"other: first notification: a"});
}

TEST(Backoff, DoublesToFiveMinutesWithJitter) {
  EXPECT_EQ(backoff(1, 0), Millis(500));
  EXPECT_EQ(backoff(1, 499), Millis(999));
  EXPECT_EQ(backoff(4, 0), Millis(4'000));
  EXPECT_EQ(backoff(100, 0), Millis(150'000));
}

class SilencesTest : public testing::Test {
 protected:
  TempDir dir_;
  std::unique_ptr<state::Database> db_ = *state::Database::open(dir_.file("s.db"));
  std::unique_ptr<Silences> silences_ = *Silences::open(*db_);
  Silence make(TimestampMs from, TimestampMs to) {
    Silence out;
    out.matcher_sets = {*parse_utf8_matchers(R"({a="x\n\"", b=~"y.*"})")};
    out.starts_at = from;
    out.ends_at = to;
    out.comment = "why";
    out.annotations = {{"k", "v"}};
    return out;
  }
};

TEST_F(SilencesTest, SurviveARestart) {
  const auto id = silences_->set(make(kStart, kStart + kMinute), kStart);
  ASSERT_TRUE(id);
  silences_ = *Silences::open(*db_);
  const auto kept = silences_->find(*id);
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->matcher_sets, make(0, 0).matcher_sets);
  EXPECT_EQ(kept->annotations, (StringPairs{{"k", "v"}}));
  EXPECT_EQ(kept->comment, "why");
}

TEST_F(SilencesTest, WhatWouldRewriteHistoryMakesANewOne) {
  const auto id = silences_->set(make(kStart, kStart + kMinute), kStart);
  Silence longer = *silences_->find(*id);
  longer.ends_at = kStart + 2 * kMinute;
  EXPECT_EQ(*silences_->set(longer, kStart + 1), *id);
  Silence other = *silences_->find(*id);
  other.matcher_sets = {{Matcher::equal("a", "z")}};
  const auto next = silences_->set(other, kStart + 10);
  ASSERT_TRUE(next);
  EXPECT_NE(*next, *id);
  EXPECT_EQ(silences_->find(*id)->state_at(kStart + 10), Silence::State::kExpired);
  EXPECT_EQ(silences_->find(*next)->starts_at, kStart + 10);
}

TEST_F(SilencesTest, WhatIsNoSilenceIsRefused) {
  EXPECT_FALSE(silences_->set(make(kStart, kStart), kStart));
  EXPECT_FALSE(silences_->set(make(kStart - 10, kStart - 5), kStart));
  Silence all = make(kStart, kStart + 1);
  all.matcher_sets = {{*Matcher::make(Matcher::Op::kRegex, "a", ".*")}};
  EXPECT_FALSE(silences_->set(all, kStart));
  Silence unknown = make(kStart, kStart + 1);
  unknown.id = "nobody";
  EXPECT_EQ(silences_->set(unknown, kStart).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(silences_->expire("nobody", kStart).error().code, ErrorCode::kNotFound);
}

TEST_F(SilencesTest, OldOnesAreDeleted) {
  const auto id = silences_->set(make(kStart, kStart + kMinute), kStart);
  EXPECT_EQ(*silences_->collect_garbage(kStart + kMinute), 0U);
  EXPECT_EQ(*silences_->collect_garbage(kStart + kMinute + Silences::kRetention.count() + 1), 1U);
  EXPECT_FALSE(silences_->find(*id));
}

}  // namespace
}  // namespace strata::alerting
