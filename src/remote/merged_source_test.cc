#include "remote/merged_source.h"

#include <gtest/gtest.h>

#include "base/log.h"
#include "base/temp_dir.h"
#include "interop/histogram_chunk.h"
#include "interop/xor_chunk.h"
#include "wire/snappy_block.h"

namespace strata::remote {
namespace {

constexpr TimestampMs kStart = 1'700'000'000'000;

// A store that begins at kStart, and a peer that answers what it is told to.
class MergedSourceTest : public testing::Test {
 protected:
  void SetUp() override {
    configure_logging(LogLevel::kError, LogFormat::kLogfmt);
    local_ = *tsdb::Db::open({.path = dir_.file("data")}, real_fs(), clock_);
    config_.url = "http://user:secret@peer:1/api/v1/read";
    config_.name = "peer";
    write("m", {{kStart, 10}, {kStart + 1000, 11}});
  }
  void write(const std::string& name, const std::vector<Sample>& samples) {
    const auto id = *local_->series({{"__name__", name}});
    for (const auto& [t, v] : samples) {
      const tsdb::TimedSample sample[] = {{id, t, v}};
      ASSERT_TRUE(local_->append_samples(sample));
    }
  }
  void set_peer(Labels external = {}) {
    std::vector<RemoteReader> peers;
    peers.emplace_back(
        RemoteReaderDeps{.fetch =
                             [this](auto request, auto done) {
                               std::string message;
                               EXPECT_TRUE(wire::snappy_decompress(request.body, 1 << 20, message));
                               asked_.push_back(
                                   wire::read_remote_read_request(message)->queries.at(0));
                               done(answer_);
                             },
                         .fs = real_fs(),
                         .clock = clock_,
                         .registry = registry_},
        config_, std::move(external));
    merged_.emplace(*local_);
    merged_->set_peers(std::move(peers));
  }
  void answer_samples(const std::vector<wire::RemoteReadSeries>& series) {
    wire::RemoteReadWriter writer;
    writer.begin_result();
    for (const auto& one : series) writer.add(one.labels, one.samples);
    writer.end_result();
    net::ClientResponse response{.status = 200};
    response.headers.set("Content-Type", "application/x-protobuf");
    wire::snappy_compress(writer.message(), response.body);
    answer_ = response;
  }
  std::map<std::string, std::vector<std::pair<TimestampMs, double>>> read(
      const std::vector<Matcher>& matchers, TimeRange range) {
    const auto set = merged_->select(matchers, range, 0);
    EXPECT_TRUE(set) << set.error().message;
    std::map<std::string, std::vector<std::pair<TimestampMs, double>>> out;
    SampleColumns samples;
    for (size_t i = 0; set && i < (*set)->size(); ++i) {
      EXPECT_TRUE((*set)->read(i, range, samples));
      auto& points = out[(*set)->labels(i).to_string()];
      for (size_t k = 0; k < samples.size(); ++k) points.emplace_back(samples.t[k], samples.v[k]);
    }
    return out;
  }

  TempDir dir_;
  ManualClock clock_{kStart + 10'000};
  metrics::Registry registry_;
  std::unique_ptr<tsdb::Db> local_;
  config::RemoteReadConfig config_;
  std::optional<MergedSource> merged_;
  std::vector<wire::RemoteQuery> asked_;
  Result<net::ClientResponse> answer_;
  const std::vector<Matcher> m_{Matcher::equal("__name__", "m")};
};

TEST_F(MergedSourceTest, SamplesOfBothAreOneSeriesAndTheLocalOnesCount) {
  config_.read_recent = true;
  set_peer();
  answer_samples(
      {{{{"__name__", "m"}},
        {.t = {kStart - 1000, kStart, kStart + 500}, .v = {9, 99, 10.5}, .h = {}, .st = {}}},
       {{{"__name__", "m"}, {"at", "peer"}}, {.t = {kStart}, .v = {7}, .h = {}, .st = {}}}});
  const auto found = read(m_, {kStart - 1000, kStart + 5000});
  ASSERT_EQ(found.size(), 2u);
  using Points = std::vector<std::pair<TimestampMs, double>>;
  EXPECT_EQ(found.at("m"),
            (Points{{kStart - 1000, 9}, {kStart, 10}, {kStart + 500, 10.5}, {kStart + 1000, 11}}));
  EXPECT_EQ(found.at("m{at=\"peer\"}"), (Points{{kStart, 7}}));
}

TEST_F(MergedSourceTest, WhatIsHereIsNotAskedForElsewhere) {
  set_peer();
  answer_samples({});
  read(m_, {kStart, kStart + 5000});
  EXPECT_TRUE(asked_.empty());
  read(m_, {kStart - 5000, kStart + 5000});
  ASSERT_EQ(asked_.size(), 1u);
  EXPECT_EQ(asked_[0].range.min, kStart - 5000);
  EXPECT_EQ(asked_[0].range.max, kStart);
}

TEST_F(MergedSourceTest, APeerWithRequiredMatchersIsAskedForThoseSeriesOnly) {
  config_.read_recent = true;
  config_.required_matchers = {{"archive", "yes"}};
  set_peer();
  answer_samples({});
  read(m_, {kStart, kStart + 1000});
  EXPECT_TRUE(asked_.empty());
  read({m_[0], Matcher::equal("archive", "yes")}, {kStart, kStart + 1000});
  EXPECT_EQ(asked_.size(), 1u);
}

TEST_F(MergedSourceTest, ExternalLabelsAreAskedForAndTakenOff) {
  config_.read_recent = true;
  set_peer({{"site", "north"}});
  answer_samples({{{{"__name__", "m"}, {"site", "north"}},
                   {.t = {kStart + 500}, .v = {10.5}, .h = {}, .st = {}}}});
  const auto found = read(m_, {kStart, kStart + 1000});
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found.at("m").size(), 3u);
  ASSERT_EQ(asked_.at(0).matchers.size(), 2u);
  EXPECT_EQ(asked_[0].matchers[1].to_string(), "site=\"north\"");
  // Whoever asks for a site of their own gets what they ask for.
  read({m_[0], Matcher::equal("site", "south")}, {kStart, kStart + 1000});
  EXPECT_EQ(asked_.at(1).matchers.at(1).to_string(), "site=\"south\"");
  config_.filter_external_labels = false;
  set_peer({{"site", "north"}});
  read(m_, {kStart, kStart + 1000});
  EXPECT_EQ(asked_.at(2).matchers.size(), 1u);
}

TEST_F(MergedSourceTest, StreamedChunksAreRead) {
  config_.read_recent = true;
  set_peer();
  std::string first, second;
  interop::append_xor_chunk(first, std::array{kStart - 3000, kStart - 2000}, std::array{1.0, 2.0});
  interop::append_xor_chunk(second, std::array{kStart - 2000, kStart - 1000}, std::array{2.0, 3.0});
  net::ClientResponse response{.status = 200};
  response.headers.set("Content-Type", wire::kChunkedReadContentType);
  size_t frame_end = 0;
  for (const auto& data : {first, second}) {  // a series goes on in the next frame
    frame_end = response.body.size();
    wire::append_read_frame(response.body,
                            wire::write_chunked_read_response(
                                {.labels = {{"__name__", "m"}},
                                 .chunks = {{.encoding = 1, .range = {0, 0}, .data = data}}},
                                0));
  }
  answer_ = response;
  const auto found = read(m_, {kStart - 2500, kStart});
  using Points = std::vector<std::pair<TimestampMs, double>>;
  EXPECT_EQ(found.at("m"), (Points{{kStart - 2000, 2}, {kStart - 1000, 3}, {kStart, 10}}));

  for (size_t cut = 1; cut < response.body.size(); ++cut) {
    const auto read = read_answer(wire::kChunkedReadContentType, response.body.substr(0, cut));
    EXPECT_EQ(read.has_value(), cut == frame_end) << cut;
  }
}

TEST_F(MergedSourceTest, APeerThatDoesNotAnswerFailsTheSelectionWithoutItsPassword) {
  config_.read_recent = true;
  set_peer();
  answer_ = net::ClientResponse{.status = 502, .body = "bad gateway"};
  const auto set = merged_->select(m_, {kStart, kStart + 1000}, 0);
  ASSERT_FALSE(set);
  EXPECT_EQ(set.error().code, ErrorCode::kUnavailable);
  EXPECT_TRUE(set.error().message.contains("peer:1")) << set.error().message;
  EXPECT_FALSE(set.error().message.contains("secret")) << set.error().message;
  net::ClientResponse garbage{.status = 200, .body = "garbage"};
  garbage.headers.set("Content-Type", wire::kChunkedReadContentType);
  answer_ = garbage;
  EXPECT_FALSE(merged_->select(m_, {kStart, kStart + 1000}, 0));
}

TEST_F(MergedSourceTest, WithoutPeersItIsTheStore) {
  merged_.emplace(*local_);
  EXPECT_EQ(read(m_, {kStart, kStart + 1000}).at("m").size(), 2u);
  const auto version = merged_->version();
  EXPECT_EQ(version, local_->version());
  EXPECT_EQ(merged_->unchanged_before(version), local_->unchanged_before(version));
}

}  // namespace
}  // namespace strata::remote
