#include "api/query_batch.h"

#include <gmock/gmock.h>

#include "api/api_for_test.h"
#include "net/gzip.h"

namespace strata::api {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

// The lines of a batch, by the ids of their queries.
class QueryBatchTest : public ApiTest {
 protected:
  // What was written in the same second as a token was made may have come after it.
  void let_a_second_pass() { clock_.advance(std::chrono::seconds(2)); }
  std::string batch(const std::string& queries, net::Headers headers = {}) {
    auto response =
        ask("/api/v1/query_batch", "POST", std::move(headers), R"({"queries":[)" + queries + "]}");
    EXPECT_EQ(response.status, 200) << response.body;
    return response.body;
  }
  static std::string token_in(const std::string& line) {
    const std::string key = R"("token":")";
    const size_t at = line.find(key) + key.size();
    return line.substr(at, line.find('"', at) - at);
  }
  // A range query over the four samples of the store, with more members.
  static std::string range_query(const std::string& expr, int64_t end,
                                 const std::string& more = {}) {
    return fmt::format(R"({{"id":"q","query":"{}","start":{},"end":{},"step":15000{}}})", expr,
                       kNow - 45'000, end, more);
  }
};

TEST_F(QueryBatchTest, AnswersEachQueryWithALineAndSaysThatItIsWhole) {
  const auto text = batch(range_query("sum(up)", kNow) +
                          R"-(,{"id":"now","query":"sum(up)","end":1700000000000})-"
                          R"-(,{"id":"bad","query":"sum("})-");
  EXPECT_THAT(text, HasSubstr(R"({"id":"q","from":1699999955000,"token":)"));
  EXPECT_THAT(text, HasSubstr(R"("values":[[1699999955,"1"],[1699999970,"1"],[1699999985,"0"],)"));
  EXPECT_THAT(text, HasSubstr(R"("value":[1700000000,"1"])"));
  EXPECT_THAT(text, HasSubstr(R"({"id":"bad","answer":{"status":"error","errorType":"bad_data",)"));
  EXPECT_TRUE(text.ends_with("{\"done\":true}\n")) << text;
  EXPECT_EQ(std::ranges::count(text, '\n'), 4);
  EXPECT_EQ(batch(""), "{\"done\":true}\n");
}

TEST_F(QueryBatchTest, WhoHasTheLastAnswerGetsWhatIsNew) {
  let_a_second_pass();
  const auto first = batch(range_query("up{job='a'}", kNow - 15'000));
  ASSERT_THAT(first, HasSubstr("1699999985"));
  const auto has = fmt::format(R"(,"token":"{}","until":{})", token_in(first), kNow - 15'000);
  // Nothing was written since, but the step at kNow was not asked for yet.
  EXPECT_THAT(batch(range_query("up{job='a'}", kNow, has)),
              AllOf(HasSubstr(R"("from":1700000000000,)"), HasSubstr("[[1700000000,")));
  // What has it all is sent nothing.
  EXPECT_THAT(batch(range_query("up{job='a'}", kNow - 15'000, has)), HasSubstr(R"("result":[])"));
}

TEST_F(QueryBatchTest, ASampleThatCameLateIsSentAgain) {
  let_a_second_pass();
  const auto first = batch(range_query("sum(up)", kNow));
  const auto has = fmt::format(R"(,"token":"{}","until":{})", token_in(first), kNow);
  const auto id = db_->series({{"__name__", "up"}, {"job", "late"}});
  const tsdb::TimedSample late{*id, kNow - 30'000, 5};
  ASSERT_TRUE(db_->append_samples({&late, 1}));
  EXPECT_THAT(batch(range_query("sum(up)", kNow, has)),
              AllOf(HasSubstr(R"("from":1699999970000,)"), HasSubstr(R"([1699999970,"6"])"),
                    Not(HasSubstr("[1699999955,"))));
}

TEST_F(QueryBatchTest, ATokenOfAnotherProcessIsAsNone) {
  for (const char* token : {"1-0", "x", "", "1700000000000-", "1700000000000-9x"}) {
    const auto has = fmt::format(R"(,"token":"{}","until":{})", token, kNow);
    EXPECT_THAT(batch(range_query("up", kNow, has)), HasSubstr(R"("from":1699999955000,)"))
        << token;
  }
}

// Of what looks at the whole range, an old step may change when the range moves on.
TEST_F(QueryBatchTest, WhatDependsOnTheWholeRangeIsSentWhole) {
  let_a_second_pass();
  const auto first = batch(range_query("up @ end()", kNow - 15'000));
  const auto has = fmt::format(R"(,"token":"{}","until":{})", token_in(first), kNow - 15'000);
  EXPECT_THAT(batch(range_query("up @ end()", kNow, has)), HasSubstr(R"("from":1699999955000,)"));
}

TEST_F(QueryBatchTest, SeriesBeyondTheLimitAreCutAndItIsSaid) {
  const auto text = batch(R"({"id":"q","query":"up","end":1700000000000,"limit":1})");
  EXPECT_THAT(text, AllOf(HasSubstr("2 series: only the first 1 are sent"),
                          Not(HasSubstr(R"("job":"b")"))));
}

TEST_F(QueryBatchTest, AnEmptyAnswerSaysWhy) {
  EXPECT_THAT(batch(R"({"id":"q","query":"nosuch","end":1700000000000})"), HasSubstr("infos"));
}

TEST_F(QueryBatchTest, IsCompressedWhereThatIsAccepted) {
  const auto plain = batch(range_query("up", kNow));
  auto response = ask("/api/v1/query_batch", "POST", {{"Accept-Encoding", "gzip"}},
                      R"({"queries":[)" + range_query("up", kNow) + "]}");
  const auto text = net::gzip_decompress(response.body, 1 << 20);
  EXPECT_EQ(text ? *text : response.body, plain);
}

TEST_F(QueryBatchTest, WhatIsNoBatchIsRefused) {
  const auto refused = [&](const std::string& body) {
    const auto response = ask("/api/v1/query_batch", "POST", {}, body);
    return std::to_string(response.status) + response.body;
  };
  EXPECT_THAT(refused("{"), HasSubstr("400"));
  EXPECT_THAT(refused(R"({"queries":[{"id":"a"}]})"), HasSubstr("there is no"));
  EXPECT_THAT(refused(R"({"queries":[{"query":"up","end":1,"start":2,"step":1}]})"),
              HasSubstr("is before"));
  EXPECT_THAT(refused(R"({"queries":[{"query":"up","end":9000000,"step":1}]})"),
              HasSubstr("maximum resolution"));
  EXPECT_THAT(refused(R"({"queries":[{"query":"up","end":9223372036854775807}]})"),
              HasSubstr("out of range"));
  std::string many = R"({"queries":[)";
  for (int i = 0; i < 501; ++i) many += std::string(i == 0 ? "" : ",") + R"({"query":"up"})";
  EXPECT_THAT(refused(many + "]}"), HasSubstr("at most 500"));
  EXPECT_THAT(refused(std::string(1 << 20, ' ') + "{}"), HasSubstr("at most 1 MiB"));
  EXPECT_EQ(ask("/api/v1/query_batch").status, 405);
}

TEST_F(QueryBatchTest, ManyQueriesAreAllAnswered) {
  std::string queries;
  for (int i = 0; i < 200; ++i) {
    queries += fmt::format(R"({}{{"id":"{}","query":"up","end":1700000000000}})", i ? "," : "", i);
  }
  const auto text = batch(queries);
  EXPECT_EQ(std::ranges::count(text, '\n'), 201);
}

}  // namespace
}  // namespace strata::api
