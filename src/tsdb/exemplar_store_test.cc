#include "tsdb/exemplar_store.h"

#include <gtest/gtest.h>

#include <random>

#include "base/fault_fs.h"
#include "base/log.h"
#include "base/temp_dir.h"

namespace strata::tsdb {
namespace {

class ExemplarStoreTest : public testing::Test {
 protected:
  ExemplarStoreTest() {
    configure_logging(LogLevel::kError, LogFormat::kLogfmt);
    open(4);
  }

  void open(size_t max) {
    store_.reset();
    auto opened = ExemplarStore::open(fs_, dir_.path() + "/exemplars", max);
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = std::move(*opened);
  }

  static NewExemplar make(std::string_view series, TimestampMs t, double v, std::string_view id,
                          bool own_time = true) {
    NewExemplar e{{{kMetricName, series}}, {{{"trace_id", id}}, v, {}}, t};
    if (own_time) e.exemplar.timestamp = t;
    return e;
  }
  void add(std::string_view series, TimestampMs t, double v, std::string_view id,
           bool own_time = true) {
    const auto e = make(series, t, v, id, own_time);
    EXPECT_TRUE(store_->append({&e, 1}));
  }

  /// "a: 1@10 2@20; b: …"
  std::string show(std::string regex = ".*", TimeRange range = {}) {
    const std::vector<std::vector<Matcher>> selectors = {
        {Matcher::make(Matcher::Op::kRegex, std::string(kMetricName), regex).value()}};
    std::string out;
    for (const SeriesExemplars& series : store_->select(selectors, range)) {
      out += fmt::format("{}{}:", out.empty() ? "" : "; ", series.series.metric_name());
      for (const auto& e : series.exemplars) out += fmt::format(" {}@{}", e.value, e.t);
    }
    return out;
  }

  TempDir dir_;
  FaultFs fs_{real_fs()};
  std::unique_ptr<ExemplarStore> store_;
};

TEST_F(ExemplarStoreTest, KeepsTheNewestOfAllSeries) {
  add("a", 10, 1, "x");
  add("b", 11, 2, "y");
  add("a", 20, 3, "z");
  EXPECT_EQ(show(), "a: 1@10 3@20; b: 2@11");
  EXPECT_EQ(show("b"), "b: 2@11");
  EXPECT_EQ(show(".*", {11, 20}), "a: 3@20; b: 2@11");
  add("a", 30, 4, "z");
  add("a", 40, 5, "z");
  EXPECT_EQ(show(), "a: 3@20 4@30 5@40; b: 2@11");
  add("c", 40, 6, "z");
  EXPECT_EQ(show(), "a: 3@20 4@30 5@40; c: 6@40");
  EXPECT_EQ(store_->stats().stored, 4u);
  EXPECT_EQ(store_->stats().series, 2u);
  EXPECT_EQ(store_->stats().oldest_time, 20);
}

TEST_F(ExemplarStoreTest, WhatComesAgainOrLateIsLeftOut) {
  add("a", 10, 1, "x");
  add("a", 10, 1, "x");
  add("a", 9, 2, "y");
  EXPECT_EQ(show(), "a: 1@10");
  EXPECT_EQ(store_->stats().out_of_order, 1u);
  // Without a time of its own, the scrape's time is not the exemplar's.
  add("b", 10, 1, "x", false);
  add("b", 25, 1, "x", false);
  EXPECT_EQ(show("b"), "b: 1@10");
  add("b", 40, 2, "x", false);
  EXPECT_EQ(show("b"), "b: 1@10 2@40");
}

TEST_F(ExemplarStoreTest, LabelsHaveALimit) {
  add("a", 10, 1, std::string(120, 'x'));
  EXPECT_EQ(show(), "a: 1@10");
  add("a", 11, 1, std::string(121, 'x'));
  EXPECT_EQ(show(), "a: 1@10");
  EXPECT_EQ(store_->stats().too_long, 1u);
}

TEST_F(ExemplarStoreTest, ARestartKeepsThem) {
  for (int i = 0; i < 50; ++i) add(i % 3 == 0 ? "a" : "b", 10 * i, i, "x");
  const std::string before = show();
  open(4);
  EXPECT_EQ(show(), before);
  for (int i = 0; i < 20; ++i) {
    add("a", 1000 + i, i, "x");
    if (i % 5 == 0) open(4);
  }
  EXPECT_EQ(show(), "a: 16@1016 17@1017 18@1018 19@1019");
  open(4);
  EXPECT_EQ(show(), "a: 16@1016 17@1017 18@1018 19@1019");
  EXPECT_LE(fs_.list(dir_.path() + "/exemplars")->size(), 6u);
}

TEST_F(ExemplarStoreTest, ADamagedFileCostsItsOwnRecords) {
  open(100);
  for (int i = 0; i < 10; ++i) add("a", i, i, "x");
  const std::string path = dir_.path() + "/exemplars/00000001";
  store_.reset();
  const std::string bytes = fs_.read_file(path).value();
  for (size_t i = 0; i < bytes.size(); i += 7) {
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x55);
    ASSERT_TRUE(fs_.create(path).value()->append(damaged));
    open(100);
    // The first record defines the series.
    if (i > bytes.size() / 5) {
      EXPECT_EQ(store_->stats().stored, 9u) << i;
    }
  }
}

TEST_F(ExemplarStoreTest, IsResized) {
  for (int i = 0; i < 6; ++i) add(i % 2 == 0 ? "a" : "b", i, i, "x");
  store_->resize(10);
  EXPECT_EQ(show(), "a: 2@2 4@4; b: 3@3 5@5");
  add("a", 6, 6, "x");
  EXPECT_EQ(show("a"), "a: 2@2 4@4 6@6");
  store_->resize(2);
  EXPECT_EQ(show(), "a: 6@6; b: 5@5");
  store_->resize(0);
  EXPECT_EQ(show(), "");
  add("a", 7, 7, "x");
  EXPECT_EQ(show(), "");
}

TEST_F(ExemplarStoreTest, AFailedWriteDoesNotSpoilTheFile) {
  open(100);
  add("a", 1, 1, "x");
  fs_.fail_after(0);
  const auto e = make("b", 2, 2, "x");
  EXPECT_FALSE(store_->append({&e, 1}));
  add("b", 3, 3, "x");
  EXPECT_EQ(show(), "a: 1@1; b: 2@2 3@3");
  open(100);
  EXPECT_EQ(show(), "a: 1@1; b: 3@3");
}

}  // namespace
}  // namespace strata::tsdb
