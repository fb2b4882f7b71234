#include "interop/histogram_chunk.h"

#include <gtest/gtest.h>

#include <random>

#include "interop/prometheus_bits.h"

namespace strata::interop {
namespace {

using tsdb::HistogramSample;

constexpr TimestampMs kStart = 1'700'000'000'000;

FloatHistogram example() {
  FloatHistogram h;
  h.schema = 1;
  h.zero_threshold = 0x1p-128;
  h.positive_spans = {{0, 2}, {1, 2}};
  h.negative_spans = {{-3, 1}};
  h.positive_buckets = {1, 0, 5, 2};
  h.negative_buckets = {4};
  h.zero_count = 2;
  h.count = 14;
  h.sum = 18.4;
  return h;
}

std::vector<HistogramSample> growing(FloatHistogram h, int n, double step) {
  std::vector<HistogramSample> out;
  for (int i = 0; i < n; ++i) {
    for (double& v : h.positive_buckets) v += step * i, h.count += step * i;
    h.sum += 0.1 * i;
    out.push_back({kStart + i * 15'000 + i % 3, std::make_shared<FloatHistogram>(h)});
  }
  return out;
}

void expect_round_trip(std::span<const HistogramSample> samples, ChunkEncoding encoding,
                       size_t chunks = 1) {
  SampleColumns read;
  size_t written = 0;
  for (auto rest = samples; !rest.empty(); ++written) {
    const auto head = next_histogram_chunk(rest);
    EXPECT_EQ(head.encoding, encoding);
    std::string data;
    append_histogram_chunk(data, head, rest, nullptr);
    const auto done = read_histogram_chunk(head.encoding, data, read);
    ASSERT_TRUE(done) << done.error().message;
    SampleColumns cut;
    for (size_t i = 0; i < data.size(); ++i) {
      EXPECT_FALSE(read_histogram_chunk(encoding, std::string_view(data).substr(0, i), cut));
    }
    rest = rest.subspan(head.samples);
  }
  EXPECT_EQ(written, chunks);
  ASSERT_EQ(read.size(), samples.size());
  for (size_t i = 0; i < samples.size(); ++i) {
    EXPECT_EQ(read.t[i], samples[i].t);
    EXPECT_TRUE(tsdb::same_histogram(*read.h[i], *samples[i].h)) << i;
  }
}

TEST(HistogramChunk, IntegersComeBack) {
  expect_round_trip(growing(example(), 50, 7), ChunkEncoding::kHistogram);
  expect_round_trip(growing(example(), 1, 0), ChunkEncoding::kHistogram);
  expect_round_trip(growing(example(), 250, 1e9), ChunkEncoding::kHistogram, 3);
}

TEST(HistogramChunk, FloatsComeBack) {
  auto h = example();
  h.count = 14.5;
  expect_round_trip(growing(h, 50, 0.37), ChunkEncoding::kFloatHistogram);
}

TEST(HistogramChunk, CustomBucketsComeBack) {
  auto h = example();
  h.schema = kCustomBucketsSchema;
  h.negative_spans.clear();
  h.negative_buckets.clear();
  h.zero_threshold = 0;
  h.custom_values = {-1, 0, 0.005, 2.5, 1e9, 1.0 / 3};
  expect_round_trip(growing(h, 30, 3), ChunkEncoding::kHistogram);
}

TEST(HistogramChunk, AChunkEndsWhereCountsOrBucketsBeginAnew) {
  auto samples = growing(example(), 10, 1);
  samples.push_back({kStart + 1'000'000, std::make_shared<FloatHistogram>(example())});
  auto wider = example();
  wider.positive_spans = {{0, 4}};
  samples.push_back({kStart + 2'000'000, std::make_shared<FloatHistogram>(wider)});
  wider.counter_reset_hint = CounterResetHint::kGauge;
  samples.push_back({kStart + 3'000'000, std::make_shared<FloatHistogram>(wider)});
  expect_round_trip(samples, ChunkEncoding::kHistogram, 4);
}

TEST(HistogramChunk, TheHeaderSaysWhatIsKnownOfAReset) {
  const auto samples = growing(example(), 3, 1);
  const auto flags = [&](const FloatHistogram* previous, FloatHistogram h) {
    const HistogramSample sample{kStart, std::make_shared<FloatHistogram>(std::move(h))};
    std::string data;
    append_histogram_chunk(data, next_histogram_chunk({&sample, 1}), {&sample, 1}, previous);
    return static_cast<uint8_t>(data[2]);
  };
  EXPECT_EQ(flags(nullptr, example()), 0x00);
  EXPECT_EQ(flags(samples[0].h.get(), *samples[2].h), 0x40);
  EXPECT_EQ(flags(samples[2].h.get(), example()), 0x80);
  auto gauge = example();
  gauge.counter_reset_hint = CounterResetHint::kGauge;
  EXPECT_EQ(flags(samples[0].h.get(), gauge), 0xc0);
}

TEST(HistogramChunk, VarbitsComeBack) {
  std::mt19937_64 random(5);
  std::vector<int64_t> values = {0,         4,        -3,     5,        -4,
                                 32,        -31,      33,     256,      257,
                                 2048,      131072,   131073, 33554432, int64_t{1} << 55,
                                 INT64_MAX, INT64_MIN};
  for (int i = 0; i < 1000; ++i) {
    values.push_back(static_cast<int64_t>(random()) >> (random() % 64));
  }
  std::string bytes;
  BitWriter out(bytes);
  for (const int64_t v : values) {
    write_varbit(out, v);
    write_varbit_unsigned(out, static_cast<uint64_t>(v));
  }
  BitReader in(bytes);
  for (const int64_t v : values) {
    EXPECT_EQ(read_varbit(in), v);
    EXPECT_EQ(read_varbit_unsigned(in), static_cast<uint64_t>(v));
  }
  EXPECT_TRUE(in.ok());
}

}  // namespace
}  // namespace strata::interop
