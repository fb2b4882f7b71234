#include "wire/query_json.h"

#include <gtest/gtest.h>

#include <random>

#include "base/number.h"
#include "model/sample.h"

namespace strata::wire {
namespace {

std::string response(QueryValue value, std::vector<std::string> warnings = {},
                     std::vector<std::string> infos = {}) {
  std::string out;
  append_query_response(out, {std::move(value), std::move(warnings), std::move(infos)});
  return out;
}

HistogramPtr exponential_histogram() {
  auto histogram = std::make_shared<FloatHistogram>();
  histogram->schema = 0;
  histogram->zero_threshold = 0.25;
  histogram->zero_count = 3;
  histogram->count = 42;
  histogram->sum = 34593.34;
  histogram->negative_spans = {{2, 1}};
  histogram->negative_buckets = {2};
  histogram->positive_spans = {{-1, 2}, {1, 2}};
  histogram->positive_buckets = {12, 21, 0, 4.5};
  return histogram;
}

HistogramPtr custom_histogram() {
  auto histogram = std::make_shared<FloatHistogram>();
  histogram->schema = kCustomBucketsSchema;
  histogram->custom_values = {5, 10, 30};
  histogram->count = 6;
  histogram->sum = 100;
  histogram->positive_spans = {{0, 2}, {1, 1}};
  histogram->positive_buckets = {1, 2, 3};
  return histogram;
}

TEST(QueryJson, WritesEachTypeAsPrometheusDoes) {
  EXPECT_EQ(response(Scalar{1500, 2}),
            R"({"status":"success","data":{"resultType":"scalar","result":[1.500,"2"]}})");
  EXPECT_EQ(response(StringValue{0, "a\"b"}),
            R"({"status":"success","data":{"resultType":"string","result":[0,"a\"b"]}})");
  EXPECT_EQ(response(Vector{}),
            R"({"status":"success","data":{"resultType":"vector","result":[]}})");
  EXPECT_EQ(response(Vector{{{{"__name__", "up"}, {"job", "x"}}, {1435781451781, 1, nullptr}},
                            {{}, {1435781451000, std::nan(""), nullptr}}}),
            R"({"status":"success","data":{"resultType":"vector","result":[)"
            R"({"metric":{"__name__":"up","job":"x"},"value":[1435781451.781,"1"]},)"
            R"({"metric":{},"value":[1435781451,"NaN"]}]}})");
  EXPECT_EQ(response(Matrix{{{{"a", "b"}}, {{1000, 1, nullptr}, {2050, 2.5, nullptr}}}},
                     {"w (1:2)"}, {"i", "j"}),
            R"({"status":"success","data":{"resultType":"matrix","result":[)"
            R"({"metric":{"a":"b"},"values":[[1,"1"],[2.050,"2.5"]]}]},)"
            R"_("warnings":["w (1:2)"],"infos":["i","j"]})_");
}

TEST(QueryJson, WritesHistogramsWithTheirFilledBuckets) {
  EXPECT_EQ(response(Vector{{{}, {1000, 0, exponential_histogram()}}}),
            R"({"status":"success","data":{"resultType":"vector","result":[{"metric":{},)"
            R"("histogram":[1,{"count":"42","sum":"34593.34","buckets":[[1,"-4","-2","2"],)"
            R"([3,"-0.25","0.25","3"],[0,"0.25","0.5","12"],[0,"0.5","1","21"],)"
            R"([0,"4","8","4.5"]]}]}]}})");
  EXPECT_EQ(response(Matrix{{{},
                             {{1000, 0, custom_histogram()},
                              {2000, 7, nullptr},
                              {3000, 0, std::make_shared<FloatHistogram>()}}}}),
            R"({"status":"success","data":{"resultType":"matrix","result":[{"metric":{},)"
            R"("values":[[2,"7"]],"histograms":[[1,{"count":"6","sum":"100","buckets":)"
            R"([[3,"-Inf","5","1"],[0,"5","10","2"],[0,"30","+Inf","3"]]}],)"
            R"([3,{"count":"0","sum":"0"}]]}]}})");
}

TEST(QueryJson, WritesErrors) {
  std::string out;
  append_error_response(out, "bad_data", "1:2: no \"x\"\n");
  EXPECT_EQ(out, R"({"status":"error","errorType":"bad_data","error":"1:2: no \"x\"\n"})");
}

TEST(QueryJson, WritesTimestampsWithNoDecimalsOrThree) {
  struct {
    TimestampMs t;
    std::string_view text;
  } cases[] = {
      {0, "0"},
      {1, "0.001"},
      {10, "0.010"},
      {500, "0.500"},
      {1000, "1"},
      {-1, "-0.001"},
      {-1500, "-1.500"},
      {1726839814223, "1726839814.223"},
      {kMaxTime, "9223372036854775.807"},
      {kMinTime, "-9223372036854775.808"},
  };
  for (const auto& [t, text] : cases) {
    std::string out;
    append_timestamp_json(out, t);
    EXPECT_EQ(out, text);
  }
}

TEST(QueryJson, WritesValuesAsPrometheusDoes) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  struct {
    double value;
    std::string_view text;
  } cases[] = {
      {0, "\"0\""},
      {-0.0, "\"-0\""},
      {1, "\"1\""},
      {-1.5, "\"-1.5\""},
      {0.1, "\"0.1\""},
      {0.000001, "\"0.000001\""},
      {0.0000005, "\"5e-07\""},
      {1e20, "\"100000000000000000000\""},
      {9223372036854775808.0, "\"9223372036854776000\""},
      {1e21, "\"1e+21\""},
      {0.30000000000000004, "\"0.30000000000000004\""},
      {123456789.123456789, "\"123456789.12345679\""},
      {-1.7976931348623157e308, "\"-1.7976931348623157e+308\""},
      {kInfinity, "\"+Inf\""},
      {-kInfinity, "\"-Inf\""},
      {std::nan(""), "\"NaN\""},
  };
  for (const auto& [value, text] : cases) {
    std::string out;
    append_value_json(out, value);
    EXPECT_EQ(out, text);
  }
}

// The short way of writing numbers against the plain one.
TEST(QueryJson, WritesTheFewestDigitsThatReadBack) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 200'000; ++i) {
    double value = 0;
    switch (i % 4) {
      case 0: value = std::bit_cast<double>(random()); break;
      case 1: value = static_cast<double>(random() % 1'000'000'000) / 1e6; break;
      case 2: value = static_cast<double>(random() >> (random() % 64)) / 1e3; break;
      default: value = std::ldexp(static_cast<double>(random() >> 11), -60); break;
    }
    std::string out;
    append_value_json(out, value);
    const double magnitude = std::fabs(value);
    if (std::isnan(value) || (magnitude != 0 && (magnitude < 1e-6 || magnitude >= 1e21))) {
      const auto read = parse_double(out.substr(1, out.size() - 2));
      EXPECT_TRUE(std::isnan(value) ? std::isnan(*read) : *read == value) << out;
    } else {
      EXPECT_EQ(out, "\"" + format_double(value) + "\"");
    }
  }
}

TEST(QueryJson, StatisticsAreTheLastOfData) {
  std::string out;
  QueryResponseWriter writer(out, QueryResponseWriter::Type::kScalar);
  writer.add(Scalar{1000, 2});
  writer.finish(std::vector<std::string>{"w"}, {}, R"({"samples":{}})");
  EXPECT_EQ(out, R"({"status":"success","data":{"resultType":"scalar","result":[1,"2"],)"
                 R"("stats":{"samples":{}}},"warnings":["w"]})");
}

TEST(QueryJson, StreamsInPieces) {
  Matrix matrix;
  for (int i = 0; i < 3; ++i) {
    MatrixSeries& series = matrix.emplace_back();
    series.metric = {{"i", std::to_string(i)}};
    for (int t = 0; t < 200; ++t) series.points.push_back({t * 1000, t / 3.0, nullptr});
  }
  std::string pieces;
  std::string out;
  QueryResponseWriter writer(out, QueryResponseWriter::Type::kMatrix);
  for (const auto& series : matrix) {
    pieces += std::exchange(out, "");
    writer.add(series);
  }
  pieces += std::exchange(out, "");
  writer.finish();
  pieces += out;
  EXPECT_EQ(pieces, response(matrix));
}

// Reading ----------------------------------------------------------------------------------------

std::string round_trip(const std::string& json) {
  const auto read = parse_query_response(json);
  if (!read) return read.error().message;
  std::string out;
  append_query_response(out, *read);
  return out;
}

TEST(QueryJson, ReadsWhatItWrites) {
  for (const QueryValue& value :
       {QueryValue(Scalar{1500, -2.5}), QueryValue(StringValue{1, "x\"\n"}), QueryValue(Vector{}),
        QueryValue(Vector{{{{"a", "b"}}, {1435781451781, std::nan(""), nullptr}},
                          {{{"a", "c"}}, {-1, 0, exponential_histogram()}}}),
        QueryValue(Matrix{{{{"__name__", "é"}},
                           {{1000, 1, nullptr},
                            {2000, 0, custom_histogram()},
                            {3001, 1e300, nullptr},
                            {4000, 0, std::make_shared<FloatHistogram>()}}}})}) {
    const std::string json = response(value, {"careful"}, {"note"});
    EXPECT_EQ(round_trip(json), json);
  }
}

TEST(QueryJson, ReadsHistogramsBackIntoSpans) {
  const auto read = parse_query_response(
      response(Vector{{{}, {0, 0, exponential_histogram()}}, {{}, {0, 0, custom_histogram()}}}));
  ASSERT_TRUE(read);
  const auto& vector = std::get<Vector>(read->value);
  const FloatHistogram& exponential = *vector[0].point.h;
  EXPECT_EQ(exponential.schema, 0);
  EXPECT_EQ(exponential.zero_threshold, 0.25);
  EXPECT_EQ(exponential.positive_spans, (std::vector<BucketSpan>{{-1, 2}, {2, 1}}));
  EXPECT_EQ(exponential.negative_spans, (std::vector<BucketSpan>{{2, 1}}));
  const FloatHistogram& custom = *vector[1].point.h;
  EXPECT_EQ(custom.schema, kCustomBucketsSchema);
  EXPECT_EQ(custom.custom_values, (std::vector<double>{5, 10, 30}));
  EXPECT_EQ(custom.positive_spans, (std::vector<BucketSpan>{{0, 2}, {1, 1}}));
}

TEST(QueryJson, FindsTheSchemaOfExponentialBuckets) {
  for (int32_t schema = -4; schema <= 8; ++schema) {
    auto histogram = std::make_shared<FloatHistogram>();
    histogram->schema = schema;
    histogram->positive_spans = {{-7, 3}, {20, 1}};
    histogram->positive_buckets = {1, 2, 3, 4};
    histogram->negative_spans = {{0, 2}};
    histogram->negative_buckets = {5, 6};
    const auto read = parse_query_response(response(Vector{{{}, {0, 0, histogram}}}));
    ASSERT_TRUE(read) << read.error().message;
    const FloatHistogram& again = *std::get<Vector>(read->value)[0].point.h;
    EXPECT_EQ(again.schema, schema);
    EXPECT_EQ(again.positive_spans, histogram->positive_spans);
    EXPECT_EQ(again.positive_buckets, histogram->positive_buckets);
    EXPECT_EQ(again.negative_spans, histogram->negative_spans);
  }
}

TEST(QueryJson, ReadsAnErrorAsThatError) {
  for (const auto& [type, code] :
       {std::pair("bad_data", ErrorCode::kBadData), std::pair("execution", ErrorCode::kExecution),
        std::pair("timeout", ErrorCode::kTimeout),
        std::pair("something new", ErrorCode::kInternal)}) {
    std::string out;
    append_error_response(out, type, "what went wrong");
    const auto read = parse_query_response(out);
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, code);
    EXPECT_EQ(read.error().message, "what went wrong");
  }
}

TEST(QueryJson, RefusesWhatIsNoQueryResponse) {
  const std::string head = R"({"status":"success","data":{"resultType":)";
  const std::string cases[] = {
      "",
      "[]",
      "{}",
      "<html>",
      R"({"status":"success"})",
      R"({"status":"error"})",
      R"({"status":"maybe","data":{}})",
      head + R"("scalar","result":[1]}})",
      head + R"("scalar","result":["1","1"]}})",
      head + R"("scalar","result":[1,1]}})",
      head + R"("scalar","result":[1e300,"1"]}})",
      head + R"("scalar","result":[1,"x"]}})",
      head + R"("tensor","result":[]}})",
      head + R"("vector","result":[1]}})",
      head + R"("vector","result":[{"metric":{}}]}})",
      head + R"("vector","result":[{"metric":{"a":1},"value":[1,"1"]}]}})",
      head + R"("matrix","result":[{"metric":{},"values":1}]}})",
      head + R"("matrix","result":[{"metric":{},"histograms":[[1,{"count":"1"}]]}]}})",
      head + R"("vector","result":[]},"warnings":[1]})",
      head + R"("vector","result":[{"metric":{},"histogram":[1,{"count":"1","sum":"1",)" +
          R"("buckets":[[0,"2","1","1"]]}]}]}})",
      std::string(100'000, '['),
  };
  for (const auto& json : cases) {
    const auto read = parse_query_response(json);
    ASSERT_FALSE(read) << json;
    EXPECT_EQ(read.error().code, ErrorCode::kBadData);
    EXPECT_TRUE(read.error().message.starts_with("not a Prometheus query response: ")) << json;
  }
}

}  // namespace
}  // namespace strata::wire
