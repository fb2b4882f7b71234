#include "wire/remote_read.h"

#include <gtest/gtest.h>

#include <protozero/pbf_reader.hpp>
#include <protozero/pbf_writer.hpp>

namespace strata::wire {
namespace {

std::string request(int32_t op, std::string_view value, std::vector<int32_t> accepted = {}) {
  std::string bytes;
  protozero::pbf_writer message(bytes);
  {
    protozero::pbf_writer query(message, 1);
    query.add_int64(1, -5);
    query.add_int64(2, 1000);
    protozero::pbf_writer matcher(query, 3);
    matcher.add_enum(1, op);
    matcher.add_string(2, "job");
    matcher.add_string(3, value.data(), value.size());
  }
  message.add_packed_enum(2, accepted.begin(), accepted.end());
  return bytes;
}

TEST(RemoteRead, RequestsAreRead) {
  const auto read = read_remote_read_request(request(3, "a.*"));
  ASSERT_TRUE(read);
  ASSERT_EQ(read->queries.size(), 1u);
  const auto& query = read->queries[0];
  EXPECT_EQ(query.range.min, -5);
  EXPECT_EQ(query.range.max, 1000);
  ASSERT_EQ(query.matchers.size(), 1u);
  EXPECT_EQ(query.matchers[0].to_string(), R"(job!~"a.*")");
  EXPECT_TRUE(read->accepts_samples);
}

TEST(RemoteRead, WhatIsAcceptedInAnswers) {
  EXPECT_TRUE(read_remote_read_request(request(0, "a", {1, 0}))->accepts_samples);
  EXPECT_FALSE(read_remote_read_request(request(0, "a", {1}))->accepts_samples);
}

TEST(RemoteRead, BadRequestsAreRefused) {
  EXPECT_FALSE(read_remote_read_request(request(2, "(")));
  EXPECT_FALSE(read_remote_read_request(request(7, "a")));
  const auto whole = request(0, "a");
  EXPECT_FALSE(read_remote_read_request(std::string_view(whole).substr(0, whole.size() - 1)));
}

TEST(RemoteRead, AnswersHaveAResultForEachQuery) {
  RemoteReadWriter writer;
  SampleColumns samples;
  samples.t = {1, 2};
  samples.v = {0.5, 1.5};
  writer.begin_result();
  writer.add({{"__name__", "m"}}, samples);
  samples.h = {nullptr, std::make_shared<const FloatHistogram>()};
  writer.add({{"__name__", "n"}}, samples);
  writer.end_result();
  writer.begin_result();
  writer.end_result();
  std::vector<size_t> series;
  size_t floats = 0;
  size_t histograms = 0;
  protozero::pbf_reader response(writer.message());
  while (response.next(1)) {
    series.push_back(0);
    auto result = response.get_message();
    while (result.next(1)) {
      ++series.back();
      auto one = result.get_message();
      while (one.next()) {
        floats += one.tag() == 2;
        histograms += one.tag() == 4;
        one.skip();
      }
    }
  }
  EXPECT_EQ(series, (std::vector<size_t>{2, 0}));
  EXPECT_EQ(floats, 3u);
  EXPECT_EQ(histograms, 1u);
}

}  // namespace
}  // namespace strata::wire
