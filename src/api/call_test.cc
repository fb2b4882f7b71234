#include "api/call.h"

#include <gtest/gtest.h>

namespace strata::api {
namespace {

net::HttpRequest get(std::string_view target) {
  net::HttpRequest request;
  request.method = "GET";
  EXPECT_TRUE(net::set_target(request, target));
  return request;
}

TEST(ParseTime, TakesUnixSecondsAndRfc3339) {
  const std::pair<std::string_view, TimestampMs> cases[] = {
      {"0", 0},
      {"1.5", 1500},
      {"-1", -1000},
      {"1e3", 1'000'000},
      {"1136239445.0125", 1'136'239'445'013},
      {"2006-01-02T15:04:05Z", 1'136'214'245'000},
      {"2006-01-02t15:04:05z", 1'136'214'245'000},
      {"2006-01-02T15:04:05.5Z", 1'136'214'245'500},
      {"2006-01-02T15:04:05.1239Z", 1'136'214'245'123},
      {"2006-01-02T16:04:05+01:00", 1'136'214'245'000},
      {"2006-01-02T14:34:05-00:30", 1'136'214'245'000},
      {"1969-12-31T23:59:59Z", -1000},
  };
  for (const auto& [text, t] : cases) EXPECT_EQ(parse_time(text), t) << text;
}

TEST(ParseTime, RefusesTheRestWithPrometheusWords) {
  for (const auto* text : {"", "now", "NaN", "Inf", "1e300", "2006-01-02", "2006-13-02T15:04:05Z",
                           "2006-01-02T15:04:05", "2006-01-02T15:04:05.Z", "2006-01-02T25:04:05Z",
                           "2006-01-02T15:04:05+1:00", "2006-01-02T15:04:05Zx"}) {
    const auto parsed = parse_time(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().message,
              fmt::format("cannot parse \"{}\" to a valid timestamp", text));
  }
}

TEST(ParseStep, TakesSecondsAndDurations) {
  EXPECT_EQ(parse_step("15"), Millis(15'000));
  EXPECT_EQ(parse_step("0.25"), Millis(250));
  EXPECT_EQ(parse_step("1h30m"), Millis(5'400'000));
  EXPECT_EQ(parse_step("-5"), Millis(-5000));
  EXPECT_FALSE(parse_step("soon"));
  EXPECT_FALSE(parse_step("1e300"));
}

TEST(Call, NamesTheParameterThatIsWrong) {
  const auto request = get("/api/v1/query?time=yesterday&limit=-1&timeout=x");
  const auto call = Call::make(request, {});
  ASSERT_TRUE(call);
  EXPECT_EQ(call->time("time").error().message,
            "invalid parameter \"time\": cannot parse \"yesterday\" to a valid timestamp");
  EXPECT_FALSE(call->limit());
  EXPECT_EQ(call->duration("timeout").error().message,
            "invalid parameter \"timeout\": cannot parse \"x\" to a valid duration");
  EXPECT_EQ(call->required("query").error().message, "invalid parameter \"query\": missing");
}

TEST(Call, WhatIsNotGivenHasItsDefault) {
  const auto request = get("/api/v1/series");
  const auto call = Call::make(request, {});
  ASSERT_TRUE(call);
  EXPECT_EQ(call->time_or("time", 42), 42);
  EXPECT_EQ(call->limit(), 0u);
  EXPECT_EQ(call->duration("timeout")->has_value(), false);
  EXPECT_EQ(call->range()->min, kMinTime);
  EXPECT_EQ(call->range()->max, kMaxTime);
  EXPECT_TRUE(call->selectors()->empty());
}

TEST(Call, ReadsAFormsBodyBeforeTheQuery) {
  net::HttpRequest request = get("/api/v1/query?query=from_url");
  request.method = "POST";
  request.headers.set("Content-Type", "application/x-www-form-urlencoded");
  request.body = "query=sum(rate(x%5B5m%5D))";
  const auto call = Call::make(request, {});
  ASSERT_TRUE(call);
  EXPECT_EQ(call->parameter("query"), "sum(rate(x[5m]))");
}

TEST(Call, ARangeMustNotEndBeforeItStarts) {
  const auto request = get("/api/v1/series?start=10&end=5");
  EXPECT_FALSE(Call::make(request, {})->range());
}

TEST(Call, SelectorsAreParsedAndMayNotSelectEverything) {
  const auto good = get("/x?match[]=up&match[]={job=%22a%22,x!=%22%22}");
  const auto selectors = Call::make(good, {})->selectors();
  ASSERT_TRUE(selectors);
  ASSERT_EQ(selectors->size(), 2u);
  EXPECT_EQ((*selectors)[1].size(), 2u);
  for (const auto* target : {"/x?match[]={}", "/x?match[]={a=~%22.*%22}", "/x?match[]=sum(up)",
                             "/x?match[]=up%5B5m%5D", "/x?match[]="}) {
    const auto request = get(target);
    EXPECT_FALSE(Call::make(request, {})->selectors()) << target;
  }
}

}  // namespace
}  // namespace strata::api
