// The file of alert states: what survives, and what damage costs.
#include "rules/state_log.h"

#include <gtest/gtest.h>

#include "base/log.h"
#include "base/temp_dir.h"

namespace strata::rules {
namespace {

class StateLogTest : public ::testing::Test {
 protected:
  std::unique_ptr<StateLog> open() {
    return std::move(*StateLog::open(dir_.file("rules"), real_fs(), clock_));
  }
  static Alert alert(std::string_view name, AlertState state = AlertState::kFiring) {
    Alert a;
    a.state = state;
    a.labels = Labels{{"alertname", name}};
    a.series = Labels{{"instance", name}};
    a.annotations = {{"summary", "it is hot"}, {"empty", ""}};
    a.value = 1.5;
    a.active_at = 1000;
    a.fired_at = 2000;
    return a;
  }
  TempDir dir_;
  ManualClock clock_{5000};
};

TEST_F(StateLogTest, WhatWasWrittenIsThereAgain) {
  {
    auto log = open();
    const Alert alerts[] = {alert("a"), alert("b", AlertState::kPending)};
    ASSERT_TRUE(log->write("rule", alerts, {}, 3000));
    const Alert other[] = {alert("a")};
    ASSERT_TRUE(log->write("rule2", other, {}, 3500));
    const Labels gone[] = {alerts[1].labels};
    ASSERT_TRUE(log->write("rule", {}, gone, 4000));
  }
  const auto log = open();
  ASSERT_EQ(log->alerts("rule").size(), 1u);
  EXPECT_EQ(log->alerts("rule")[0], alert("a"));
  EXPECT_EQ(log->alerts("rule2").size(), 1u);
  EXPECT_TRUE(log->alerts("rul").empty());
  EXPECT_EQ(log->last_written(), 4000);
}

TEST_F(StateLogTest, ATornEndIsDropped) {
  configure_logging(LogLevel::kError, LogFormat::kLogfmt);
  {
    auto log = open();
    const Alert a[] = {alert("a")};
    const Alert b[] = {alert("b")};
    ASSERT_TRUE(log->write("rule", a, {}, 1));
    ASSERT_TRUE(log->write("rule", b, {}, 2));
  }
  const std::string path = dir_.file("rules") + "/alerts";
  const std::string bytes = *real_fs().read_file(path);
  for (size_t cut = 0; cut <= bytes.size(); cut += 7) {
    auto file = std::move(*real_fs().create(path));
    ASSERT_TRUE(file->append(std::string_view(bytes).substr(0, cut)));
    file.reset();
    const auto log = open();
    EXPECT_LE(log->alerts("rule").size(), 2u);
    const Alert c[] = {alert("c")};
    ASSERT_TRUE(log->write("rule", c, {}, 3));
    EXPECT_FALSE(open()->alerts("rule").empty());
  }
}

TEST_F(StateLogTest, AFileThatIsNoLogIsKeptBeside) {
  ASSERT_TRUE(real_fs().create_directories(dir_.file("rules")));
  auto file = std::move(*real_fs().create(dir_.file("rules") + "/alerts"));
  ASSERT_TRUE(file->append("something else"));
  file.reset();
  EXPECT_TRUE(open()->alerts("rule").empty());
  EXPECT_EQ(*real_fs().read_file(dir_.file("rules") + "/alerts.damaged"), "something else");
}

TEST_F(StateLogTest, HistoryDoesNotGrowWithoutEnd) {
  auto log = open();
  for (int i = 0; i < 20'000; ++i) {
    Alert a = alert("a");
    a.active_at = i;
    const Alert changed[] = {a};
    ASSERT_TRUE(log->write("rule", changed, {}, i));
  }
  EXPECT_LT(log->file_bytes(), 2u << 20);
  EXPECT_EQ(open()->alerts("rule").at(0).active_at, 19'999);
}

TEST_F(StateLogTest, RulesThatAreGoneAreForgotten) {
  auto log = open();
  const Alert a[] = {alert("a")};
  ASSERT_TRUE(log->write("one", a, {}, 1));
  ASSERT_TRUE(log->write("two", a, {}, 1));
  ASSERT_TRUE(log->keep_only({"two"}));
  EXPECT_TRUE(open()->alerts("one").empty());
  EXPECT_EQ(open()->alerts("two").size(), 1u);
}

}  // namespace
}  // namespace strata::rules
