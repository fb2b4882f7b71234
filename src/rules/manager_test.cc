// When groups run, and what becomes of them when the rules change.
#include "rules/manager.h"

#include "rules/rules_for_test.h"

namespace strata::rules {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class ManagerTest : public RulesTest {
 protected:
  void SetUp() override {
    manager_ = std::make_unique<Manager>(ManagerDeps{.source = source_,
                                                     .engine = engine_,
                                                     .writer = writer_,
                                                     .work = work_,
                                                     .clock = clock_,
                                                     .state = state_.get(),
                                                     .sink = &sink_});
  }
  void TearDown() override { manager_->stop(); }

  void apply(std::string_view text, RuleSettings settings = {}) {
    std::vector<RuleFile> files;
    auto file = parse_rule_file(text, "r.yml");
    ASSERT_TRUE(file) << file.error().message;
    files.push_back(std::move(*file));
    manager_->apply(std::move(files), std::move(settings));
  }
  // Lets time pass, with a poll whenever one is due.
  void run_for(seconds time) {
    const TimestampMs until = clock_.now_ms() + milliseconds(time).count();
    while (true) {
      const auto wait = std::chrono::ceil<milliseconds>(manager_->poll());
      manager_->wait_idle();
      if (clock_.now_ms() + wait.count() > until) break;
      pass(wait);
    }
    pass(milliseconds(until - clock_.now_ms()));
  }

  ThreadPool work_{"work", 3};
  std::unique_ptr<Manager> manager_;
};

constexpr std::string_view kTwo = R"(groups:
- name: fast
  interval: 5s
  rules: [{record: fast, expr: vector(1)}]
- name: slow
  rules: [{record: slow, expr: vector(2)}]
)";

TEST_F(ManagerTest, GroupsRunAtTheirIntervals) {
  apply(kTwo);
  run_for(seconds(600));
  const auto groups = manager_->view();
  ASSERT_EQ(groups.size(), 2u);
  EXPECT_EQ(groups[0].counters.iterations, 120u);
  EXPECT_EQ(groups[1].counters.iterations, 10u);
  EXPECT_EQ(groups[0].counters.missed, 0u);
  EXPECT_EQ(groups[0].rules[0].health, Health::kOk);
}

TEST_F(ManagerTest, TicksAreAlignedAndShifted) {
  apply(kTwo);
  run_for(seconds(300));
  const auto before = manager_->view();
  run_for(seconds(300));
  const auto after = manager_->view();
  for (size_t i = 0; i < 2; ++i) {
    const int64_t interval = after[i].interval.count();
    EXPECT_EQ(before[i].last_evaluation % interval, after[i].last_evaluation % interval);
  }
}

TEST_F(ManagerTest, MissedTicksAreCountedAndNotCaughtUpWith) {
  apply(kTwo);
  run_for(seconds(60));
  const auto before = manager_->counters()[0].counters;
  pass(seconds(100));  // nobody polled
  manager_->poll();
  manager_->wait_idle();
  const auto after = manager_->counters()[0].counters;
  EXPECT_EQ(after.iterations, before.iterations + 1);
  EXPECT_GE(after.missed, before.missed + 18);
}

TEST_F(ManagerTest, AClockThatIsSetBackBeginsAnew) {
  apply(kTwo);
  run_for(seconds(60));
  clock_.jump_to(clock_.now_ms() - 3'600'000);
  const auto before = manager_->counters()[1].counters.iterations;
  EXPECT_LE(manager_->poll(), std::chrono::minutes(1));
  run_for(seconds(120));
  EXPECT_GE(manager_->counters()[1].counters.iterations, before + 2);
}

RuleSettings slow_on_scrape() {
  RuleSettings settings;
  settings.on_scrape = {"slow"};
  return settings;
}

TEST_F(ManagerTest, AGroupThatWaitsForScrapesRunsWhenOneEnds) {
  apply(kTwo, slow_on_scrape());
  run_for(seconds(90));
  const auto before = manager_->view();
  manager_->scrape_ended();
  manager_->poll();
  manager_->wait_idle();
  const auto after = manager_->view();
  EXPECT_EQ(after[1].counters.iterations, before[1].counters.iterations + 1);
  EXPECT_EQ(after[1].last_evaluation, clock_.now_ms());
  EXPECT_EQ(after[0].counters.iterations, before[0].counters.iterations);
}

TEST_F(ManagerTest, ManyScrapesMakeOneEvaluationASecond) {
  apply(kTwo, slow_on_scrape());
  run_for(seconds(60));
  const auto before = manager_->counters()[1].counters;
  for (int i = 0; i < 3'000; ++i) {  // 30 s
    manager_->scrape_ended();
    manager_->poll();
    manager_->wait_idle();
    pass(milliseconds(10));
  }
  const auto after = manager_->counters()[1].counters;
  EXPECT_GE(after.iterations, before.iterations + 29);
  EXPECT_LE(after.iterations, before.iterations + 31);
  EXPECT_EQ(after.missed, before.missed);
}

TEST_F(ManagerTest, WhatAScrapeAsksForWithinTheGapIsDoneAtItsEnd) {
  apply(kTwo, slow_on_scrape());
  run_for(seconds(90));
  manager_->scrape_ended();
  manager_->poll();
  manager_->wait_idle();
  const auto before = manager_->counters()[1].counters.iterations;
  pass(milliseconds(300));
  manager_->scrape_ended();
  EXPECT_LE(manager_->poll(), milliseconds(700));
  EXPECT_EQ(manager_->counters()[1].counters.iterations, before);
  pass(milliseconds(700));
  manager_->poll();
  manager_->wait_idle();
  EXPECT_EQ(manager_->counters()[1].counters.iterations, before + 1);
}

TEST_F(ManagerTest, AReloadLeavesUnchangedGroupsAlone) {
  apply(kTwo);
  run_for(seconds(60));
  const auto before = manager_->counters();
  std::string changed(kTwo);
  changed.replace(changed.find("vector(2)"), 9, "vector(3)");
  apply(changed);
  const auto after = manager_->counters();
  EXPECT_EQ(after[0].counters.iterations, before[0].counters.iterations);
  EXPECT_EQ(after[1].counters.iterations, 0u);
}

TEST_F(ManagerTest, AGroupThatIsGoneEndsItsSeries) {
  apply(kTwo);
  run_for(seconds(120));
  EXPECT_EQ(ask("slow"), "slow 2\n");
  apply("groups: []");
  pass(milliseconds(1));
  EXPECT_EQ(ask("slow"), "");
  EXPECT_TRUE(manager_->view().empty());
}

TEST_F(ManagerTest, AlertsAreTakenOverFromTheLastRunOnce) {
  constexpr std::string_view kAlert =
      "groups:\n- name: g\n  interval: 5s\n  rules: [{alert: Up, expr: vector(1)}]\n";
  open_state();
  SetUp();
  apply(kAlert);
  run_for(seconds(20));
  ASSERT_EQ(manager_->view()[0].rules[0].alerts.size(), 1u);
  const auto since = manager_->view()[0].rules[0].alerts[0].active_at;
  manager_->stop();
  open_state();
  SetUp();
  apply(kAlert);
  ASSERT_EQ(manager_->view()[0].rules[0].alerts.size(), 1u);
  EXPECT_EQ(manager_->view()[0].rules[0].alerts[0].active_at, since);
  apply("groups: []");
  apply(kAlert);
  EXPECT_TRUE(manager_->view()[0].rules[0].alerts.empty());
}

}  // namespace
}  // namespace strata::rules
