#include "wire/remote_write.h"

#include <gtest/gtest.h>

#include "wire/snappy_block.h"

namespace strata::wire {
namespace {

const Labels kLabels{{"__name__", "m"}, {"job", "a"}, {"zone", "b"}};

RemoteHistogram histogram() {
  RemoteHistogram h;
  h.t = 7;
  h.value.schema = 2;
  h.value.count = 6;
  h.value.sum = 1.5;
  h.value.zero_threshold = 0.001;
  h.value.zero_count = 1;
  h.value.positive_spans = {{-2, 2}, {3, 1}};
  h.value.positive_buckets = {1, 2, 1};
  h.value.negative_spans = {{0, 1}};
  h.value.negative_buckets = {1};
  h.value.counter_reset_hint = CounterResetHint::kGauge;
  return h;
}

class RemoteWriteBothVersions : public ::testing::TestWithParam<RemoteWriteVersion> {};

TEST_P(RemoteWriteBothVersions, WhatIsWrittenIsRead) {
  const double stale = stale_nan();
  const std::vector<Sample> samples{{-5, 1.25}, {1'700'000'000'000, stale}};
  const std::vector<RemoteHistogram> histograms{histogram()};
  const std::vector<Exemplar> exemplars{{{{"trace_id", "t1"}}, 3, 9}};
  RemoteWriteWriter writer(GetParam());
  writer.add(kLabels, samples, histograms, exemplars, nullptr);
  writer.add({{"__name__", "m"}, {"job", "c"}}, std::span(samples).first(1), {}, {}, nullptr);
  std::string message;
  writer.finish(message);
  EXPECT_TRUE(writer.empty());

  const auto reader = RemoteWriteReader::open(message, GetParam());
  ASSERT_TRUE(reader);
  ASSERT_EQ(reader->size(), 2u);
  RemoteSeries series;
  ASSERT_TRUE(reader->read(0, series));
  EXPECT_EQ(Labels::from(series.labels), kLabels);
  ASSERT_EQ(series.samples.size(), 2u);
  EXPECT_EQ(series.samples[0].t, -5);
  EXPECT_EQ(series.samples[0].v, 1.25);
  EXPECT_TRUE(is_stale_nan(series.samples[1].v));
  ASSERT_EQ(series.histograms.size(), 1u);
  const auto& h = series.histograms[0];
  EXPECT_EQ(h.t, 7);
  EXPECT_EQ(h.value.schema, 2);
  EXPECT_EQ(h.value.count, 6);
  EXPECT_EQ(h.value.zero_count, 1);
  EXPECT_EQ(h.value.positive_spans, histogram().value.positive_spans);
  EXPECT_EQ(h.value.positive_buckets, histogram().value.positive_buckets);
  EXPECT_EQ(h.value.negative_buckets, histogram().value.negative_buckets);
  EXPECT_EQ(h.value.counter_reset_hint, CounterResetHint::kGauge);
  ASSERT_EQ(series.exemplars.size(), 1u);
  EXPECT_EQ(Labels::from(series.exemplars[0].labels), (Labels{{"trace_id", "t1"}}));
  EXPECT_EQ(series.exemplars[0].t, 9);
  ASSERT_TRUE(reader->read(1, series));
  EXPECT_EQ(Labels::from(series.labels), (Labels{{"__name__", "m"}, {"job", "c"}}));
  EXPECT_TRUE(series.histograms.empty());
}

TEST_P(RemoteWriteBothVersions, BytesThatAreCutShortAreRefused) {
  RemoteWriteWriter writer(GetParam());
  const std::vector<RemoteHistogram> histograms{histogram()};
  writer.add(kLabels, {}, histograms, {}, nullptr);
  std::string message;
  writer.finish(message);
  RemoteSeries series;
  size_t whole = 0;
  for (size_t size = 0; size < message.size(); ++size) {
    const auto reader =
        RemoteWriteReader::open(std::string_view(message).substr(0, size), GetParam());
    if (reader && reader->size() == 1 && reader->read(0, series)) ++whole;
  }
  EXPECT_EQ(whole, 0u);
}

INSTANTIATE_TEST_SUITE_P(Versions, RemoteWriteBothVersions,
                         ::testing::Values(RemoteWriteVersion::k1, RemoteWriteVersion::k2));

TEST(RemoteWrite, MetadataOfBothVersions) {
  const Metadata about{.type = MetricType::kGauge, .help = "Helps.", .unit = "bytes"};
  RemoteWriteWriter first(RemoteWriteVersion::k1);
  first.add_metadata("m", about);
  std::string message;
  first.finish(message);
  auto reader = RemoteWriteReader::open(message, RemoteWriteVersion::k1);
  ASSERT_TRUE(reader);
  ASSERT_EQ(reader->metadata().size(), 1u);
  EXPECT_EQ(reader->metadata()[0].family, "m");
  EXPECT_EQ(reader->metadata()[0].type, MetricType::kGauge);
  EXPECT_EQ(reader->metadata()[0].unit, "bytes");

  RemoteWriteWriter second(RemoteWriteVersion::k2);
  second.add(kLabels, {}, {}, {}, &about);
  second.finish(message);
  reader = RemoteWriteReader::open(message, RemoteWriteVersion::k2);
  ASSERT_TRUE(reader);
  RemoteSeries series;
  ASSERT_TRUE(reader->read(0, series));
  EXPECT_EQ(series.type, MetricType::kGauge);
  EXPECT_EQ(series.help, "Helps.");
}

TEST(RemoteWrite, SymbolsThatAreNotThereAreRefused) {
  // timeseries { labels_refs: [1, 2] } with one symbol.
  const std::string message("\x22\x00\x2a\x04\x0a\x02\x01\x02", 8);
  const auto reader = RemoteWriteReader::open(message, RemoteWriteVersion::k2);
  ASSERT_TRUE(reader);
  RemoteSeries series;
  EXPECT_FALSE(reader->read(0, series));
}

TEST(RemoteWrite, ContentTypesSayTheVersion) {
  using enum RemoteWriteVersion;
  EXPECT_EQ(remote_write_version("application/x-protobuf"), k1);
  EXPECT_EQ(remote_write_version(""), k1);
  EXPECT_EQ(remote_write_version("application/x-protobuf;proto=prometheus.WriteRequest"), k1);
  EXPECT_EQ(
      remote_write_version("application/x-protobuf; proto=\"io.prometheus.write.v2.Request\""), k2);
  EXPECT_EQ(remote_write_version("application/x-protobuf;proto=other"), std::nullopt);
  EXPECT_EQ(remote_write_version("text/plain"), std::nullopt);
  for (const auto version : {k1, k2}) {
    EXPECT_EQ(remote_write_version(remote_write_content_type(version)), version);
  }
}

TEST(SnappyBlock, BoundsAndDamage) {
  const std::string text(100'000, 'x');
  std::string block;
  std::string out;
  snappy_compress(text, block);
  ASSERT_TRUE(snappy_decompress(block, text.size(), out));
  EXPECT_EQ(out, text);
  EXPECT_EQ(snappy_decompress(block, text.size() - 1, out).error().code, ErrorCode::kLimit);
  EXPECT_EQ(snappy_decompress(block.substr(0, block.size() / 2), text.size(), out).error().code,
            ErrorCode::kBadData);
  EXPECT_FALSE(snappy_decompress("", 10, out));
  // A length of 30 MB and nothing behind it.
  EXPECT_FALSE(snappy_decompress(std::string("\x80\x80\x80\x0e", 4), size_t{32} << 20, out));
}

}  // namespace
}  // namespace strata::wire
