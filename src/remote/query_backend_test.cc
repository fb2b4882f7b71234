#include "remote/query_backend.h"

#include <gtest/gtest.h>

#include <thread>

namespace strata::remote {
namespace {

constexpr TimestampMs kNow = 1'700'000'000'000;

/// A backend that answers what it is told to, and remembers what it was asked.
class QueryBackendTest : public testing::Test {
 protected:
  QueryBackend backend() {
    return QueryBackend({.fetch =
                             [this](auto request, auto done) {
                               asked_.push_back(request);
                               if (held_) return hold(std::move(request), std::move(done));
                               done(answer_);
                             },
                         .fs = real_fs(),
                         .clock = clock_,
                         .registry = registry_},
                        config_);
  }
  void hold(net::ClientRequest request, net::HttpClient::Callback done) {
    waiting_ = std::jthread([stop = request.stop, done = std::move(done)]() mutable {
      while (!stop.stop_requested()) std::this_thread::yield();
      done(fail(ErrorCode::kCanceled, "given up"));
    });
  }
  void answer(int status, std::string body) {
    answer_ = net::ClientResponse{.status = status, .body = std::move(body)};
  }
  static EvaluationTerms terms() { return {.stop = {}, .timeout = Millis(5000), .lookback = {}}; }

  config::QueryBackendConfig config_{
      .url = "http://user:secret@victoria:8428/prometheus/", .timeout = Millis(2500), .http = {}};
  ManualClock clock_{kNow};
  metrics::Registry registry_;
  std::vector<net::ClientRequest> asked_;
  Result<net::ClientResponse> answer_;
  bool held_ = false;
  std::jthread waiting_;
};

TEST_F(QueryBackendTest, AnExpressionGoesThereAndItsResultComesBack) {
  auto backend = this->backend();
  answer(200, R"({"status":"success","data":{"resultType":"vector","result":[
      {"metric":{"a":"b"},"value":[1700000000,"2.5"]}]},"warnings":["partial"]})");
  const auto result = backend.instant("sum by (a) (m)", kNow, terms());
  ASSERT_TRUE(result) << result.error().message;
  const auto& vector = std::get<Vector>(result->value);
  ASSERT_EQ(vector.size(), 1u);
  EXPECT_EQ(vector[0].metric.get("a"), "b");
  EXPECT_EQ(vector[0].point.v, 2.5);
  EXPECT_EQ(result->warnings, std::vector<std::string>{"partial"});
  ASSERT_EQ(asked_.size(), 1u);
  EXPECT_EQ(asked_[0].method, "POST");
  EXPECT_EQ(asked_[0].url, "http://user:secret@victoria:8428/prometheus/api/v1/query");
  EXPECT_EQ(asked_[0].body, "query=sum%20by%20%28a%29%20%28m%29&time=1700000000&timeout=2.500");
  EXPECT_EQ(asked_[0].timeout, Millis(2500));
}

TEST_F(QueryBackendTest, ARangeIsOneRequest) {
  auto backend = this->backend();
  answer(200, R"({"status":"success","data":{"resultType":"matrix","result":[
      {"metric":{},"values":[[1700000000,"1"],[1700000015,"2"]]}]}})");
  const auto result = backend.range("rate(m[5m])", kNow, kNow + 15'000, Millis(15'000), terms());
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(std::get<Matrix>(result->value).at(0).points.size(), 2u);
  ASSERT_EQ(asked_.size(), 1u);
  EXPECT_TRUE(asked_[0].url.ends_with("/api/v1/query_range"));
  EXPECT_TRUE(asked_[0].body.contains("start=1700000000&end=1700000015&step=15&"));
  answer(200, R"({"status":"success","data":{"resultType":"vector","result":[]}})");
  EXPECT_EQ(backend.range("m", kNow, kNow, Millis(1), terms()).error().code,
            ErrorCode::kUnavailable);
}

TEST_F(QueryBackendTest, ErrorsSayWhoseTheyAreAndNotThePassword) {
  auto backend = this->backend();
  const auto error_for = [&](int status, std::string body) {
    answer(status, std::move(body));
    const auto result = backend.instant("m", kNow, terms());
    EXPECT_FALSE(result);
    const Error error = result ? Error() : result.error();
    EXPECT_TRUE(error.message.starts_with("query backend http://victoria:8428/")) << error.message;
    EXPECT_FALSE(error.message.contains("secret")) << error.message;
    return error;
  };
  const auto refused =
      error_for(422, R"({"status":"error","errorType":"422","error":"too many series"})");
  EXPECT_EQ(refused.code, ErrorCode::kExecution);
  EXPECT_TRUE(refused.message.contains("too many series"));
  EXPECT_EQ(error_for(400, R"({"status":"error","errorType":"bad_data","error":"x"})").code,
            ErrorCode::kBadData);
  EXPECT_EQ(error_for(502, "<html>bad gateway").code, ErrorCode::kUnavailable);
  EXPECT_EQ(error_for(200, "<html>welcome").code, ErrorCode::kUnavailable);
  EXPECT_EQ(error_for(200, R"({"status":"success"})").code, ErrorCode::kUnavailable);
  answer_ = fail(ErrorCode::kTimeout, "no answer within 2.5 s");
  EXPECT_EQ(backend.instant("m", kNow, terms()).error().code, ErrorCode::kTimeout);
}

TEST_F(QueryBackendTest, WhoeverStopsDoesNotWait) {
  held_ = true;
  auto backend = this->backend();
  std::stop_source client;
  std::jthread leaver([&] { client.request_stop(); });
  auto mine = terms();
  mine.stop = client.get_token();
  EXPECT_EQ(backend.instant("m", kNow, mine).error().code, ErrorCode::kCanceled);
  backend.stop();
  EXPECT_EQ(backend.instant("m", kNow, terms()).error().code, ErrorCode::kCanceled);
}

TEST_F(QueryBackendTest, SeriesAndNamesAreAskedForInTheirRange) {
  auto backend = this->backend();
  const std::vector matchers{Matcher::equal("__name__", "m"),
                             *Matcher::make(Matcher::Op::kRegex, "a", "x|y")};
  answer(200, R"({"status":"success","data":["a","__name__"]})");
  EXPECT_EQ(*backend.label_names({}, {}), (std::vector<std::string>{"__name__", "a"}));
  EXPECT_EQ(asked_.back().url, "http://user:secret@victoria:8428/prometheus/api/v1/labels");
  EXPECT_TRUE(backend.label_values("a b", matchers, {kNow - 1000, kNow}));
  EXPECT_EQ(asked_.back().url,
            "http://user:secret@victoria:8428/prometheus/api/v1/label/a%20b/values?"
            "match%5B%5D=%7B__name__%3D%22m%22%2Ca%3D~%22x%7Cy%22%7D&start=1699999999&"
            "end=1700000000");
  answer(200, R"({"status":"success","data":[{"__name__":"m","a":"x"},{"__name__":"m"}]})");
  EXPECT_EQ(backend.select(matchers, {kNow - 1000, kNow}, 1).error().code, ErrorCode::kLimit);
  const auto set = backend.select(matchers, {kNow - 1000, kNow}, 0);
  ASSERT_TRUE(set) << set.error().message;
  ASSERT_EQ((*set)->size(), 2u);
  EXPECT_EQ((*set)->labels(0).get("a"), "x");

  // Samples come for all series at once.
  asked_.clear();
  answer(200, R"({"status":"success","data":{"resultType":"matrix","result":[
      {"metric":{"__name__":"m","a":"x"},"values":[[1699999999,"1"],[1700000000,"2"]]}]}})");
  SampleColumns samples;
  ASSERT_TRUE((*set)->read(0, {kNow, kNow}, samples));
  EXPECT_EQ(samples.v, std::vector<double>{2});
  ASSERT_TRUE((*set)->read(1, {kNow - 1000, kNow}, samples));
  EXPECT_EQ(samples.size(), 0u);
  ASSERT_EQ(asked_.size(), 1u);
  EXPECT_TRUE(asked_[0].body.contains("%5B1001ms%5D&time=1700000000")) << asked_[0].body;
}

TEST(NoQueries, SaysWhereToAsk) {
  const NoQueries nobody("ask there");
  EXPECT_EQ(nobody.instant("m", kNow, {}).error().message, "ask there");
  EXPECT_EQ(nobody.label_names({}, {}).error().code, ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace strata::remote
