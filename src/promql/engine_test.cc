#include "promql/engine.h"

#include <gtest/gtest.h>

#include "model/query_evaluator.h"
#include "promql/memory_source.h"

namespace strata::promql {
namespace {

MemorySource some_series(int count) {
  MemorySource source;
  SampleColumns samples;
  for (int i = 0; i < 100; ++i) {
    samples.t.push_back(i * 15'000);
    samples.v.push_back(i);
  }
  for (int i = 0; i < count; ++i) {
    source.add({{"__name__", "metric"}, {"i", std::to_string(i)}}, samples);
  }
  return source;
}

ErrorCode code_of(const Result<QueryResult>& result) {
  EXPECT_FALSE(result);
  return result ? ErrorCode::kInternal : result.error().code;
}

TEST(Engine, AnswersWithTheTypeOfTheExpression) {
  const MemorySource source = some_series(1);
  const Engine engine;
  EXPECT_TRUE(std::holds_alternative<Scalar>(engine.instant(source, "1 + 1", 0)->value));
  EXPECT_TRUE(std::holds_alternative<StringValue>(engine.instant(source, "'a'", 0)->value));
  EXPECT_TRUE(std::holds_alternative<Vector>(engine.instant(source, "metric", 0)->value));
  EXPECT_TRUE(std::holds_alternative<Matrix>(engine.instant(source, "metric[1m]", 0)->value));
  const auto scalar = engine.range(source, "time()", 0, 2000, Millis(1000));
  const auto& matrix = std::get<Matrix>(scalar->value);
  ASSERT_EQ(matrix.size(), 1U);
  EXPECT_TRUE(matrix[0].metric.empty());
  EXPECT_EQ(matrix[0].points[2].v, 2);
}

TEST(Engine, TakesTheStepOfSubqueriesFromTheConfiguration) {
  Engine engine;
  const auto count = [&] {
    return std::get<Vector>(
               engine.instant(MemorySource(), "count_over_time(vector(1)[10m:])", 600'000)->value)
        .at(0)
        .point.v;
  };
  EXPECT_EQ(count(), 10);  // a minute until it is told otherwise
  engine.set_default_subquery_step(std::chrono::seconds(15));
  EXPECT_EQ(count(), 40);
}

TEST(Engine, RefusesWhatARangeQueryCannotBe) {
  const MemorySource source = some_series(1);
  const Engine engine;
  const auto range = [&](std::string_view query, TimestampMs end, int64_t step) {
    return engine.range(source, query, 0, end, Millis(step));
  };
  EXPECT_EQ(range("metric[1m]", 1000, 1000).error().message,
            "invalid expression type \"range vector\" for range query, must be Scalar or instant "
            "Vector");
  EXPECT_EQ(code_of(range("metric", 1000, 0)), ErrorCode::kBadData);
  EXPECT_EQ(code_of(range("metric", -1000, 1000)), ErrorCode::kBadData);
  EXPECT_EQ(code_of(range("metric", 1'000'000'000'000, 1)), ErrorCode::kLimit);
  EXPECT_EQ(range("metric +", 1000, 1000).error().message,
            "1:9: parse error: unexpected end of input");
}

TEST(Engine, StopsAtItsLimits) {
  const MemorySource source = some_series(50);
  EngineOptions options;
  options.max_samples = 1000;
  const Engine small(options);
  EXPECT_TRUE(small.instant(source, "sum(metric)", 60'000));
  const auto too_much = small.range(source, "topk(1, metric)", 0, 60'000, Millis(1000));
  EXPECT_EQ(code_of(too_much), ErrorCode::kLimit);
  EXPECT_EQ(too_much.error().message,
            "query processing would load too many samples into memory in query execution");
  options = {};
  options.max_series = 10;
  const auto too_many = Engine(options).instant(source, "metric", 0);
  EXPECT_EQ(code_of(too_many), ErrorCode::kLimit);
  EXPECT_EQ(too_many.error().message, "expanding series: more than 10 series are selected");
}

TEST(Engine, StopsAtItsMemory) {
  const MemorySource source = some_series(50);
  EngineOptions options;
  options.max_memory = size_t{256} << 10;
  const Engine small(options);
  EXPECT_TRUE(small.range(source, "sum(metric)", 0, 900'000, Millis(1000)));
  for (const auto* query : {"metric", "sort(metric)", "metric + metric", "quantile(0.5, metric)",
                            "sum by (i) (metric) + 1"}) {
    const auto too_much = small.range(source, query, 0, 900'000, Millis(1000));
    EXPECT_EQ(code_of(too_much), ErrorCode::kLimit) << query;
    EXPECT_TRUE(too_much.error().message.contains("--query.max-memory")) << query;
  }
}

TEST(Engine, ChargesLabelsThatItMakes) {
  const MemorySource source = some_series(50);
  EngineOptions options;
  options.max_memory = size_t{64} << 10;
  const auto query =
      fmt::format(R"(label_replace(metric, "a", "{}", "i", ".*"))", std::string(2000, 'x'));
  EXPECT_EQ(code_of(Engine(options).instant(source, query, 0)), ErrorCode::kLimit);
}

TEST(Engine, EvaluatesWhatOccursTwiceOnce) {
  const MemorySource source = some_series(10);
  const auto scanned = [&](std::string_view query) {
    QueryStats stats;
    QueryTerms terms;
    terms.stats = &stats;
    const auto result = Engine().range(source, query, 300'000, 600'000, Millis(60'000), terms);
    EXPECT_TRUE(result) << query;
    return stats.samples_scanned;
  };
  const auto once = scanned("sum(rate(metric[1m]))");
  EXPECT_EQ(scanned("sum(rate(metric[1m])) / (sum(rate(metric[1m])) + 1)"), once);
  EXPECT_EQ(scanned("avg(rate(metric[1m])) / max(rate(metric[1m]))"), once);
  EXPECT_EQ(scanned("metric - (metric + metric)"), scanned("metric"));
  EXPECT_EQ(scanned("rate(metric[1m]) + rate(metric[2m] offset 1m)"),
            once + scanned("rate(metric[2m] offset 1m)"));
  // The same at other steps is something else.
  EXPECT_GT(scanned("sum(metric) + max_over_time(sum(metric)[2m:10s])"), scanned("sum(metric)"));
}

TEST(Engine, StreamsAggregationsWithoutHoldingTheirInput) {
  const MemorySource source = some_series(50);
  EngineOptions options;
  options.max_samples = 2000;  // the input alone is 50 x 100
  const auto result =
      Engine(options).range(source, "sum(rate(metric[1m]))", 0, 99'000, Millis(1000));
  EXPECT_TRUE(result) << result.error().message;
}

TEST(Engine, StopsWhenAskedToOrWhenTimeIsUp) {
  const MemorySource source = some_series(5);
  const Engine engine;
  std::stop_source stop;
  QueryTerms terms;
  terms.stop = stop.get_token();
  EXPECT_TRUE(engine.instant(source, "metric", 0, terms));
  stop.request_stop();
  EXPECT_EQ(code_of(engine.instant(source, "metric", 0, terms)), ErrorCode::kCanceled);

  // A clock that moves while the query is evaluated.
  class Hasty final : public Clock {
   public:
    TimestampMs now_ms() const override { return 0; }
    std::chrono::nanoseconds steady() const override { return std::chrono::seconds(calls_++); }
    mutable int calls_ = 0;
  };
  const Hasty clock;
  EngineOptions options;
  options.timeout = Millis(2000);
  EXPECT_EQ(code_of(Engine(options, nullptr, clock).instant(source, "-(-(-(-metric)))", 0)),
            ErrorCode::kTimeout);
}

TEST(Engine, CountsWhatAQueryDid) {
  const MemorySource source = some_series(5);
  QueryStats stats;
  QueryTerms terms;
  terms.stats = &stats;
  ASSERT_TRUE(
      Engine().range(source, "sum(rate(metric[1m]))", 60'000, 600'000, Millis(60'000), terms));
  EXPECT_EQ(stats.series_selected, 5U);
  EXPECT_EQ(stats.samples_scanned, 5U * 40);
  EXPECT_GE(stats.peak_samples, 10U);
}

TEST(Engine, KeepsExtremeTimesInBounds) {
  const MemorySource source = some_series(1);
  const Engine engine;
  for (const TimestampMs t : {kMinTime, kMaxTime}) {
    EXPECT_TRUE(engine.instant(source, "metric offset 292y", t));
    EXPECT_TRUE(engine.instant(source, "sum_over_time(metric[292y:1y] offset -292y)", t));
    EXPECT_TRUE(engine.instant(source, "metric @ 9e15", t));
    EXPECT_TRUE(engine.instant(source, "year(vector(time()))", t));
  }
}

TEST(Engine, UsesTheQuerysOwnLookback) {
  const MemorySource source = some_series(1);
  QueryTerms terms;
  terms.lookback = Millis(10'000);
  const Engine engine;
  const TimestampMs after_end = 99 * 15'000 + 20'000;
  EXPECT_EQ(std::get<Vector>(engine.instant(source, "metric", after_end)->value).size(), 1U);
  EXPECT_TRUE(std::get<Vector>(engine.instant(source, "metric", after_end, terms)->value).empty());
}

TEST(Engine, PointsAnnotationsAtTheirPlace) {
  const MemorySource source = some_series(1);
  const auto result = Engine().instant(source, "1 +\n  rate(metric[1m])", 60'000);
  ASSERT_EQ(result->infos.size(), 1U);
  EXPECT_EQ(result->infos[0],
            "PromQL info: metric might not be a counter, name does not end in "
            "_total/_sum/_count/_bucket: \"metric\" (2:8)");
}

// A source with an evaluator of its own: whoever is asked there, and for what.
class ElsewhereSource final : public SeriesSource, public QueryEvaluator {
 public:
  Result<std::unique_ptr<SeriesSet>> select(std::span<const Matcher>, TimeRange,
                                            size_t) const override {
    return fail(ErrorCode::kInternal, "no samples are here");
  }
  Result<std::vector<std::string>> label_names(std::span<const Matcher>, TimeRange) const override {
    return std::vector<std::string>();
  }
  Result<std::vector<std::string>> label_values(std::string_view, std::span<const Matcher>,
                                                TimeRange) const override {
    return std::vector<std::string>();
  }
  Result<QueryResult> instant(std::string_view expr, TimestampMs at,
                              const EvaluationTerms& terms) const override {
    asked = fmt::format("{} at {} within {}", expr, at, terms.timeout.count());
    return QueryResult{Scalar{at, 7}, {}, {}};
  }
  Result<QueryResult> range(std::string_view expr, TimestampMs start, TimestampMs end, Millis step,
                            const EvaluationTerms&) const override {
    asked = fmt::format("{} from {} to {} by {}", expr, start, end, step.count());
    return QueryResult{Matrix{}, {}, {}};
  }
  const QueryEvaluator* evaluator() const override { return this; }
  mutable std::string asked;
};

TEST(Engine, AsksASourceThatEvaluatesForResultsOfWhatItHasChecked) {
  const ElsewhereSource source;
  EngineOptions options;
  options.timeout = Millis(9000);
  const Engine engine(options);
  EXPECT_EQ(std::get<Scalar>(engine.instant(source, "sum(m)", 5).value().value).v, 7);
  EXPECT_EQ(source.asked, "sum(m) at 5 within 9000");
  EXPECT_TRUE(engine.range(source, "rate(m[5m])", 0, 30, Millis(15)));
  EXPECT_EQ(source.asked, "rate(m[5m]) from 0 to 30 by 15");
  source.asked.clear();
  EXPECT_EQ(engine.instant(source, "sum(", 5).error().code, ErrorCode::kBadData);
  EXPECT_EQ(engine.range(source, "m[5m]", 0, 30, Millis(15)).error().code, ErrorCode::kBadData);
  std::vector<QueryNode> nodes;
  QueryTerms terms;
  terms.nodes = &nodes;
  EXPECT_FALSE(engine.instant(source, "m", 5, terms));
  EXPECT_EQ(source.asked, "");
}

}  // namespace
}  // namespace strata::promql
