#include "promql/result_cache.h"

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <random>

#include "promql/memory_source.h"

namespace strata::promql {
namespace {

/// Samples come and go, and every change is a version.
class ChangingSource final : public SeriesSource {
 public:
  void put(const Labels& labels, TimestampMs t, double v) {
    data_[labels][t] = v;
    changed(t);
  }
  void erase(const Labels& labels, TimestampMs from, TimestampMs to) {
    auto& samples = data_[labels];
    samples.erase(samples.lower_bound(from), samples.upper_bound(to));
    changed(from);
  }

  Result<std::unique_ptr<SeriesSet>> select(std::span<const Matcher> matchers, TimeRange range,
                                            size_t limit) const override {
    MemorySource& now = selected_.emplace_back();
    for (const auto& [labels, samples] : data_) {
      SampleColumns columns;
      for (const auto& [t, v] : samples) columns.t.push_back(t), columns.v.push_back(v);
      if (columns.size() > 0) now.add(labels, columns);
    }
    return now.select(matchers, range, limit);
  }
  Result<std::vector<std::string>> label_names(std::span<const Matcher>, TimeRange) const override {
    return {};
  }
  Result<std::vector<std::string>> label_values(std::string_view, std::span<const Matcher>,
                                                TimeRange) const override {
    return {};
  }
  uint64_t version() const override { return changes_.size(); }
  TimestampMs unchanged_before(uint64_t version) const override {
    TimestampMs oldest = kMaxTime;
    for (size_t i = version; i < changes_.size(); ++i) oldest = std::min(oldest, changes_[i]);
    return oldest;
  }

 private:
  void changed(TimestampMs t) {
    changes_.push_back(t);
    selected_.clear();  // no query runs
  }

  std::map<Labels, std::map<TimestampMs, double>> data_;
  std::vector<TimestampMs> changes_;
  mutable std::deque<MemorySource> selected_;  // what sets read from
};

Labels series(int i) {
  return {{"__name__", i % 2 == 0 ? "a_total" : "b"}, {"i", std::to_string(i)}};
}

void expect_same(const QueryResult& got, const QueryResult& wanted, std::string_view query) {
  EXPECT_EQ(got.warnings, wanted.warnings);
  EXPECT_EQ(got.infos, wanted.infos);
  const auto& a = std::get<Matrix>(got.value);
  const auto& b = std::get<Matrix>(wanted.value);
  ASSERT_EQ(a.size(), b.size()) << query;
  for (size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].metric, b[i].metric) << query;
    ASSERT_EQ(a[i].points.size(), b[i].points.size()) << query;
    for (size_t k = 0; k < a[i].points.size(); ++k) {
      EXPECT_EQ(a[i].points[k].t, b[i].points[k].t) << query;
      // Windows that slide from another beginning round otherwise.
      const double x = a[i].points[k].v;
      const double y = b[i].points[k].v;
      EXPECT_LE(std::abs(x - y), 1e-12 * std::abs(y) + 1e-12) << query;
    }
  }
}

constexpr std::string_view kQueries[] = {
    "a_total",
    "sum(rate(a_total[1m]))",
    "sum by (i) (rate(a_total[2m]))",
    "a_total offset 1m",
    "b offset -1m",
    "max_over_time(b[5m] offset -2m)",
    "sum_over_time(sum(b)[5m:30s])",
    "max_over_time(b[2m:10s] offset -90s)",
    "topk(2, b)",
    "a_total > 30",
    "quantile_over_time(0.5, b[3m])",
    "sum(a_total) / count(b) + time()",
    "absent(b{i=\"1\"})",
    "rate(b[1m])",  // says something about its name
};

TEST(ResultCache, GivesWhatEvaluatingWouldHowever) {
  std::mt19937 random(7);
  const auto below = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  EngineOptions options;
  options.result_cache_bytes = 1 << 20;
  const Engine cached(options);
  const Engine plain;
  ChangingSource source;
  TimestampMs now = 1'000'000;
  for (int round = 0; round < 400; ++round) {
    now += 5000 * below(6);
    for (int i = 0; i < 6; ++i) {
      if (below(8) > 0) source.put(series(i), now - below(3000), below(100));
    }
    if (below(6) == 0) source.put(series(below(6)), now - below(600'000), below(100));
    if (below(20) == 0) {
      const TimestampMs from = now - below(600'000);
      source.erase(series(below(6)), from, from + below(100'000));
    }
    const auto query = kQueries[static_cast<size_t>(below(std::size(kQueries)))];
    const int64_t step = below(2) == 0 ? 10'000 : 15'000;
    const TimestampMs end = now / step * step + (below(4) == 0 ? 30'000 : 0);
    const TimestampMs start = end - 300'000 - step * below(4);
    const auto got = cached.range(source, query, start, end, Millis(step));
    const auto wanted = plain.range(source, query, start, end, Millis(step));
    ASSERT_TRUE(got && wanted) << query;
    expect_same(*got, *wanted, query);
    if (HasFailure()) return;
  }
  EXPECT_GT(cached.result_cache().hits, 50U);
}

TEST(ResultCache, EvaluatesOnlyTheStepsThatAreNew) {
  EngineOptions options;
  options.result_cache_bytes = 1 << 20;
  const Engine engine(options);
  ChangingSource source;
  for (TimestampMs t = 0; t <= 600'000; t += 10'000) source.put(series(0), t, 1);
  const auto steps_cached = [&](std::string_view query, TimestampMs end, bool use = true) {
    QueryStats stats;
    QueryTerms terms;
    terms.stats = &stats;
    terms.use_cache = use;
    EXPECT_TRUE(engine.range(source, query, end - 300'000, end, Millis(10'000), terms));
    return stats.steps_cached;
  };
  EXPECT_EQ(steps_cached("sum(a_total)", 500'000), 0U);
  EXPECT_EQ(steps_cached("sum(a_total)", 500'000), 31U);
  EXPECT_EQ(steps_cached("sum (a_total)", 550'000), 26U);
  EXPECT_EQ(steps_cached("sum(a_total)", 550'000, false), 0U);
  source.put(series(0), 545'000, 7);
  EXPECT_EQ(steps_cached("sum(a_total)", 550'000), 30U);
  source.put(series(0), 100'000, 7);
  EXPECT_EQ(steps_cached("sum(a_total)", 550'000), 0U);
  // What depends on the range is not put together from parts.
  for (const auto* query : {"sum(a_total @ end())", "rate({i=\"0\"}[1m])", "sum(a_total @ 5)"}) {
    steps_cached(query, 550'000);
    EXPECT_EQ(steps_cached(query, 550'000), 0U) << query;
  }
}

TEST(ResultCache, ForgetsWhatWasUsedLongestAgo) {
  ResultCache cache(80'000);
  const auto answer = [] {
    CachedAnswer made;
    made.series.push_back({{}, std::vector<double>(1000)});
    return std::make_shared<const CachedAnswer>(std::move(made));
  };
  for (int i = 0; i < 9; ++i) cache.keep(std::to_string(i), answer());
  EXPECT_TRUE(cache.find("0") || cache.stats().answers == 9);
  for (int i = 9; i < 40; ++i) {
    EXPECT_TRUE(cache.find(std::to_string(i - 1)));
    cache.keep(std::to_string(i), answer());
  }
  EXPECT_FALSE(cache.find("0"));
  EXPECT_LE(cache.stats().bytes, 80'000U);
  CachedAnswer large;
  large.series.push_back({{}, std::vector<double>(5000)});
  cache.keep("large", std::make_shared<const CachedAnswer>(std::move(large)));
  EXPECT_FALSE(cache.find("large"));
}

}  // namespace
}  // namespace strata::promql
