#include "remote/receiver.h"

#include <gtest/gtest.h>

#include "base/log.h"
#include "base/temp_dir.h"
#include "wire/snappy_block.h"

namespace strata::remote {
namespace {

using wire::RemoteWriteVersion;
constexpr TimestampMs kNow = 1'700'000'000'000;

class ReceiverTest : public ::testing::Test {
 protected:
  void SetUp() override {
    configure_logging(LogLevel::kError, LogFormat::kLogfmt);
    tsdb::Options options;
    options.path = dir_.file("data");
    options.max_series = 100;
    db_ = std::move(*tsdb::Db::open(options, real_fs(), clock_));
    receiver_ = std::make_unique<Receiver>(*db_, registry_);
  }

  WriteAnswer send(wire::RemoteWriteWriter& writer, RemoteWriteVersion version) {
    std::string message;
    writer.finish(message);
    std::string body;
    wire::snappy_compress(message, body);
    return receiver_->write({.content_type = wire::remote_write_content_type(version),
                             .content_encoding = "snappy",
                             .body = body});
  }
  WriteAnswer send_one(const Labels& labels, std::vector<Sample> samples,
                       RemoteWriteVersion version = RemoteWriteVersion::k2) {
    wire::RemoteWriteWriter writer(version);
    writer.add(labels, samples, {}, {}, nullptr);
    return send(writer, version);
  }

  std::vector<std::pair<TimestampMs, double>> stored(std::string_view name) {
    const std::vector matchers{Matcher::equal(std::string(kMetricName), std::string(name))};
    const auto set = db_->select(matchers, {kMinTime, kMaxTime}, 0);
    EXPECT_TRUE(set);
    std::vector<std::pair<TimestampMs, double>> out;
    SampleColumns columns;
    for (size_t i = 0; i < (*set)->size(); ++i) {
      EXPECT_TRUE((*set)->read(i, {kMinTime, kMaxTime}, columns));
      for (size_t k = 0; k < columns.size(); ++k) out.emplace_back(columns.t[k], columns.v[k]);
    }
    return out;
  }

  TempDir dir_;
  ManualClock clock_{kNow};
  metrics::Registry registry_;
  std::unique_ptr<tsdb::Db> db_;
  std::unique_ptr<Receiver> receiver_;
};

TEST_F(ReceiverTest, SamplesOfBothVersionsAreStored) {
  using Points = std::vector<std::pair<TimestampMs, double>>;
  for (const auto version : {RemoteWriteVersion::k1, RemoteWriteVersion::k2}) {
    const auto* name = version == RemoteWriteVersion::k1 ? "one" : "two";
    const auto answer = send_one({{"__name__", name}}, {{kNow - 10, 1}, {kNow, 2}}, version);
    EXPECT_EQ(answer.status, 204) << answer.message;
    EXPECT_EQ(answer.samples, 2u);
    EXPECT_EQ(stored(name), (Points{{kNow - 10, 1}, {kNow, 2}}));
  }
}

TEST_F(ReceiverTest, SendingAgainStoresNothingTwiceAndSucceeds) {
  for (int i = 0; i < 2; ++i) {
    const auto answer = send_one({{"__name__", "m"}}, {{kNow - 10, 1}, {kNow, 2}});
    EXPECT_EQ(answer.status, 204);
    EXPECT_EQ(answer.samples, 2u);
  }
  EXPECT_EQ(stored("m").size(), 2u);
}

TEST_F(ReceiverTest, OutOfOrderWithinTheWindowIsStoredAndBeyondItIsToldWith400) {
  EXPECT_EQ(send_one({{"__name__", "m"}}, {{kNow, 3}}).status, 204);
  EXPECT_EQ(send_one({{"__name__", "m"}}, {{kNow - 60'000, 1}, {kNow - 30'000, 2}}).status, 204);
  const auto answer = send_one({{"__name__", "m"}}, {{kNow - 86'400'000, 1}, {kNow + 1000, 4}});
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(answer.samples, 1u);
  EXPECT_NE(answer.message.find("older than the out-of-order window"), std::string::npos);
  EXPECT_EQ(stored("m").size(), 4u);
}

TEST_F(ReceiverTest, ADifferentValueForATimeIsRefusedAndTheFirstStays) {
  EXPECT_EQ(send_one({{"__name__", "m"}}, {{kNow, 3}}).status, 204);
  EXPECT_EQ(send_one({{"__name__", "m"}}, {{kNow, 4}}).status, 400);
  EXPECT_EQ(stored("m")[0].second, 3);
}

TEST_F(ReceiverTest, OneBadSeriesLeavesTheOthers) {
  wire::RemoteWriteWriter writer(RemoteWriteVersion::k2);
  const std::vector<Sample> samples{{kNow, 1}};
  writer.add({{"job", "nameless"}}, samples, {}, {}, nullptr);
  writer.add({{"__name__", "empty"}}, {}, {}, {}, nullptr);
  wire::RemoteHistogram broken;
  broken.t = kNow;
  broken.value.positive_spans = {{0, 3}};
  writer.add({{"__name__", "broken"}}, {}, std::span(&broken, 1), {}, nullptr);
  writer.add({{"__name__", "good"}}, samples, {}, {}, nullptr);
  const auto answer = send(writer, RemoteWriteVersion::k2);
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(answer.samples, 1u);
  EXPECT_EQ(answer.histograms, 0u);
  EXPECT_EQ(stored("good").size(), 1u);
}

TEST_F(ReceiverTest, NativeHistogramsExemplarsAndMetadata) {
  wire::RemoteHistogram h;
  h.t = kNow;
  h.value.count = 3;
  h.value.sum = 2;
  h.value.positive_spans = {{0, 2}};
  h.value.positive_buckets = {1, 2};
  const std::vector<Exemplar> exemplars{{{{"trace_id", "x"}}, 1, kNow}};
  const Metadata about{.type = MetricType::kHistogram, .help = "Time.", .unit = ""};
  wire::RemoteWriteWriter writer(RemoteWriteVersion::k2);
  writer.add({{"__name__", "h"}}, {}, std::span(&h, 1), exemplars, &about);
  const auto answer = send(writer, RemoteWriteVersion::k2);
  EXPECT_EQ(answer.status, 204) << answer.message;
  EXPECT_EQ(answer.histograms, 1u);
  EXPECT_EQ(answer.exemplars, 1u);
  EXPECT_EQ(receiver_->families().at("h").help, "Time.");
  const std::vector matchers{Matcher::equal(std::string(kMetricName), "h")};
  EXPECT_EQ(db_->exemplars(std::span(&matchers, 1), {kMinTime, kMaxTime}).size(), 1u);
  const auto set = db_->select(matchers, {kMinTime, kMaxTime}, 0);
  ASSERT_EQ((*set)->size(), 1u);
  SampleColumns columns;
  ASSERT_TRUE((*set)->read(0, {kMinTime, kMaxTime}, columns));
  ASSERT_EQ(columns.h.size(), 1u);
  EXPECT_EQ(columns.h[0]->count, 3);
}

TEST_F(ReceiverTest, NewSeriesBeyondTheLimitAreRefusedAndOthersGoOn) {
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(send_one({{"__name__", "m"}, {"i", std::to_string(i)}}, {{kNow, 1}}).status, 204);
  }
  EXPECT_EQ(send_one({{"__name__", "m"}, {"i", "one more"}}, {{kNow, 1}}).status, 400);
  EXPECT_EQ(send_one({{"__name__", "m"}, {"i", "7"}}, {{kNow + 1, 1}}).status, 204);
}

TEST_F(ReceiverTest, RequestsThatCannotBeReadSaySo) {
  const std::string_view type = wire::remote_write_content_type(RemoteWriteVersion::k1);
  EXPECT_EQ(receiver_->write({"text/plain", "snappy", ""}).status, 415);
  EXPECT_EQ(receiver_->write({type, "gzip", ""}).status, 415);
  EXPECT_EQ(receiver_->write({type, "snappy", "junk"}).status, 400);
  std::string body;
  wire::snappy_compress(std::string(kMaxDecoded + 1, 'x'), body);
  EXPECT_EQ(receiver_->write({type, "snappy", body}).status, 413);
  wire::snappy_compress("\xff\xff", body);
  EXPECT_EQ(receiver_->write({type, "snappy", body}).status, 400);
}

}  // namespace
}  // namespace strata::remote
