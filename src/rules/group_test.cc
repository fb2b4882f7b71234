// The life of alerts, what recording rules write, and what outlives the process.
#include "rules/group.h"

#include "rules/rules_for_test.h"

namespace strata::rules {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::string_view kHot = R"(groups:
- name: g
  interval: 1m
  rules:
  - alert: Hot
    expr: temperature > 90
    for: 2m
    labels: {severity: page}
    annotations: {summary: "{{ $labels.gpu }} has {{ $value }}"}
)";

class GroupTest : public RulesTest {
 protected:
  // One iteration a minute later, after gpu 0 said `value`; NaN: it says nothing.
  void minute(Group& group, double value) {
    pass(minutes(1));
    if (value == value) add({{"__name__", "temperature"}, {"gpu", "0"}}, value);
    group.evaluate(clock_.now_ms());
  }
  static std::string state(const Group& group) {
    std::string out;
    for (const Alert& alert : group.view().rules.at(0).alerts) {
      out +=
          fmt::format("{}{}", to_string(alert.state), alert.no_data_since != 0 ? "(no data)" : "");
    }
    return out;
  }
  static constexpr double kGone = std::numeric_limits<double>::quiet_NaN();
};

TEST_F(GroupTest, AnAlertWaitsFiresAndEnds) {
  const auto g = group(kHot);
  minute(*g, 95);
  EXPECT_EQ(state(*g), "pending");
  EXPECT_TRUE(sink_.take().empty());
  minute(*g, 95);
  EXPECT_EQ(state(*g), "pending");
  minute(*g, 97);
  EXPECT_EQ(state(*g), "firing");
  const auto fired = sink_.take();
  ASSERT_EQ(fired.size(), 1u);
  EXPECT_EQ(fired[0].labels.to_string(), R"({alertname="Hot", gpu="0", severity="page"})");
  EXPECT_EQ(fired[0].annotations.at(0).second, "0 has 97");
  EXPECT_EQ(fired[0].starts_at, clock_.now_ms());
  EXPECT_EQ(fired[0].ends_at, clock_.now_ms() + 4 * 60'000);
  EXPECT_EQ(fired[0].generator_url, "/graph?g0.expr=temperature+%3E+90&g0.tab=1");
  minute(*g, 50);
  EXPECT_EQ(state(*g), "");
  const auto ended = sink_.take();
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(ended[0].ending, Ending::kCondition);
  EXPECT_EQ(ended[0].ends_at, clock_.now_ms());
}

TEST_F(GroupTest, WritesAlertsAndTheirStartAndEndsTheirSeries) {
  const auto g = group(kHot);
  minute(*g, 95);
  const auto since = clock_.now_ms() / 1000;
  EXPECT_EQ(ask("ALERTS"),
            "ALERTS{alertname=\"Hot\", alertstate=\"pending\", gpu=\"0\", severity=\"page\"} 1\n");
  minute(*g, 95);
  minute(*g, 95);
  EXPECT_EQ(ask("ALERTS"),
            "ALERTS{alertname=\"Hot\", alertstate=\"firing\", gpu=\"0\", severity=\"page\"} 1\n");
  EXPECT_EQ(ask("ALERTS_FOR_STATE"),
            fmt::format("ALERTS_FOR_STATE{{alertname=\"Hot\", gpu=\"0\", severity=\"page\"}} {}\n",
                        since));
  minute(*g, 1);
  EXPECT_EQ(ask("ALERTS"), "");
}

TEST_F(GroupTest, AReceiverIsToldAgainAndForFifteenMinutesAfterTheEnd) {
  const auto g = group(kHot);
  for (int i = 0; i < 3; ++i) minute(*g, 95);
  sink_.take();
  pass(seconds(30));
  g->evaluate(clock_.now_ms());
  EXPECT_TRUE(sink_.take().empty());  // a minute has not passed
  minute(*g, 95);
  EXPECT_EQ(sink_.take().size(), 1u);
  size_t told = 0;
  for (int i = 0; i < 30; ++i) {
    minute(*g, 1);
    told += sink_.take().size();
  }
  EXPECT_GE(told, 7u);
  EXPECT_LE(told, 16u);
}

TEST_F(GroupTest, KeepFiringForHoldsAnAlert) {
  const auto g = group(R"(groups:
- name: g
  rules:
  - {alert: Hot, expr: temperature > 90, keep_firing_for: 3m}
)");
  minute(*g, 95);
  EXPECT_EQ(state(*g), "firing");
  minute(*g, 1);
  minute(*g, 1);
  EXPECT_EQ(state(*g), "firing");
  minute(*g, 95);
  minute(*g, 1);
  minute(*g, 1);
  minute(*g, 1);
  EXPECT_EQ(state(*g), "firing");
  minute(*g, 1);
  EXPECT_EQ(state(*g), "");
}

TEST_F(GroupTest, AnAlertWhoseSeriesIsGoneEndsAndSaysSo) {
  const auto g = group(kHot);
  for (int i = 0; i < 3; ++i) minute(*g, 95);
  sink_.take();
  for (int i = 0; i < 6; ++i) minute(*g, kGone);  // past the lookback
  EXPECT_EQ(state(*g), "");
  const auto notices = sink_.take();
  ASSERT_FALSE(notices.empty());
  EXPECT_EQ(notices.back().ending, Ending::kNoData);
  EXPECT_EQ(g->view().counters.ended_without_data, 1u);
  EXPECT_EQ(g->view().rules.at(0).no_data, 1u);
}

TEST_F(GroupTest, NoDataMayHoldAnAlert) {
  RuleSettings settings;
  settings.no_data_hold = minutes(10);
  const auto g = group(kHot, settings);
  for (int i = 0; i < 3; ++i) minute(*g, 95);
  for (int i = 0; i < 12; ++i) minute(*g, kGone);
  EXPECT_EQ(state(*g), "firing(no data)");
  minute(*g, 20);  // data again, and all is well
  EXPECT_EQ(state(*g), "");
}

TEST_F(GroupTest, AnErrorEndsNoAlert) {
  const auto g = group(R"(groups:
- name: g
  rules:
  - {alert: Hot, expr: temperature > on (gpu) limit}
)");
  add({{"__name__", "limit"}, {"gpu", "0"}}, 90);
  minute(*g, 95);
  sink_.take();
  add({{"__name__", "limit"}, {"gpu", "0"}, {"extra", "1"}}, 90);
  minute(*g, 95);
  minute(*g, 95);
  const auto view = g->view();
  EXPECT_EQ(view.rules[0].health, Health::kError);
  EXPECT_TRUE(view.rules[0].last_error.contains("many-to-many")) << view.rules[0].last_error;
  EXPECT_EQ(state(*g), "firing");
  EXPECT_FALSE(sink_.take().empty());  // receivers are still told that it fires
  EXPECT_EQ(view.counters.failures, 2u);
}

TEST_F(GroupTest, MoreAlertsThanTheLimitAreAnError) {
  const auto g = group(R"(groups:
- name: g
  limit: 1
  rules:
  - {alert: Many, expr: x}
)");
  pass(minutes(1));
  add({{"__name__", "x"}, {"a", "1"}}, 1);
  g->evaluate(clock_.now_ms());
  EXPECT_EQ(state(*g), "firing");
  add({{"__name__", "x"}, {"a", "2"}}, 1);
  g->evaluate(clock_.now_ms());
  EXPECT_EQ(g->view().rules[0].last_error, "exceeded limit of 1 with 2 alerts");
  EXPECT_EQ(state(*g), "");
}

TEST_F(GroupTest, RulesOfAGroupSeeWhatThoseBeforeRecorded) {
  const auto g = group(R"(groups:
- name: g
  rules:
  - {record: a, expr: x * 2, labels: {from: rule}}
  - {record: b, expr: a + 1}
)");
  pass(minutes(1));
  add({{"__name__", "x"}, {"i", "1"}}, 5);
  g->evaluate(clock_.now_ms());
  EXPECT_EQ(ask("b"), "b{from=\"rule\", i=\"1\"} 11\n");
}

TEST_F(GroupTest, ASeriesThatVanishesGetsAStaleMarker) {
  const auto g = group(R"(groups:
- name: g
  rules:
  - {record: hot, expr: x > 1}
)");
  pass(minutes(1));
  add({{"__name__", "x"}}, 5);
  g->evaluate(clock_.now_ms());
  EXPECT_EQ(ask("hot"), "hot 5\n");
  pass(minutes(1));
  add({{"__name__", "x"}}, 0);
  g->evaluate(clock_.now_ms());
  EXPECT_EQ(ask("hot"), "");
}

TEST_F(GroupTest, QueryOffsetAsksAndWritesThePast) {
  const auto g = group(R"(groups:
- name: g
  query_offset: 1m
  rules:
  - {record: then, expr: x}
)");
  add({{"__name__", "x"}}, 1);
  pass(minutes(1));
  add({{"__name__", "x"}}, 2);
  g->evaluate(clock_.now_ms());
  EXPECT_EQ(ask("then"), "then 1\n");
  EXPECT_EQ(ask(fmt::format("timestamp(then)")), fmt::format("{{}} {}\n", kStart / 1000));
}

TEST_F(GroupTest, FiringIsStillFiringAfterARestart) {
  open_state();
  {
    const auto g = group(kHot);
    for (int i = 0; i < 3; ++i) minute(*g, 95);
    EXPECT_EQ(state(*g), "firing");
  }
  const auto fired = sink_.take().at(0);
  open_state();  // as after kill -9: nothing was closed in between
  const auto g = group(kHot);
  g->restore(*state_);
  EXPECT_EQ(state(*g), "firing");
  minute(*g, 95);
  const auto again = sink_.take();
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].starts_at, fired.starts_at);
  minute(*g, 1);
  EXPECT_EQ(sink_.take().at(0).ending, Ending::kCondition);
}

TEST_F(GroupTest, AnAlertDoesNotWaitWhileTheProcessIsAway) {
  open_state();
  {
    const auto g = group(kHot);
    minute(*g, 95);
    EXPECT_EQ(state(*g), "pending");
  }
  pass(minutes(30));
  open_state();
  const auto g = group(kHot);
  g->restore(*state_);
  minute(*g, 95);
  EXPECT_EQ(state(*g), "pending");
  minute(*g, 95);
  EXPECT_EQ(state(*g), "firing");
}

TEST_F(GroupTest, AReloadKeepsTheAlertsOfRulesThatAreStillThere) {
  auto g = group(kHot);
  for (int i = 0; i < 3; ++i) minute(*g, 95);
  std::string changed(kHot);
  changed.replace(changed.find("> 90"), 4, "> 80");
  changed += "  - {record: r, expr: temperature}\n";
  auto fresh = group(changed);
  fresh->adopt(*g);
  g->end();
  EXPECT_EQ(state(*fresh), "firing");
  EXPECT_NE(ask("ALERTS"), "");  // its series did not end
  minute(*fresh, 85);
  EXPECT_EQ(state(*fresh), "firing");
}

TEST_F(GroupTest, TheSeriesOfARuleThatIsGoneEnd) {
  auto g = group(kHot);
  for (int i = 0; i < 3; ++i) minute(*g, 95);
  pass(seconds(1));
  g->end();
  EXPECT_EQ(ask("ALERTS"), "");
}

TEST_F(GroupTest, AStoreThatRefusesIsTheRulesError) {
  const auto g = group("groups:\n- name: g\n  rules:\n  - {record: r, expr: vector(1)}\n");
  writer_.fails = true;
  g->evaluate(clock_.now_ms());
  EXPECT_EQ(g->view().rules[0].last_error, "the disk is full");
  writer_.fails = false;
  pass(minutes(1));
  g->evaluate(clock_.now_ms());
  EXPECT_EQ(g->view().rules[0].health, Health::kOk);
}

}  // namespace
}  // namespace strata::rules
