#include "tsdb/histogram_codec.h"

#include <gtest/gtest.h>

#include "tsdb/histogram_for_test.h"
#include "tsdb/histogram_record.h"

namespace strata::tsdb {
namespace {

constexpr TimestampMs kStart = 1'700'000'000'000;

void expect_same(const HistogramSample& a, const HistogramSample& b) {
  EXPECT_EQ(a.t, b.t);
  EXPECT_EQ(a.h->counter_reset_hint, b.h->counter_reset_hint);
  EXPECT_TRUE(same_histogram(*a.h, *b.h)) << "at " << a.t;
}

std::vector<HistogramSample> decode(std::string_view bytes, TimeRange range = {}) {
  const auto chunk = HistogramChunk::open(bytes);
  EXPECT_TRUE(chunk) << chunk.error().message;
  std::vector<HistogramSample> out;
  const auto read = chunk->read(range, out);
  EXPECT_TRUE(read) << read.error().message;
  return out;
}

TEST(HistogramCodec, ReadsBackWhatItWrote) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 300; ++round) {
    std::vector<HistogramSample> samples;
    FloatHistogram h = arbitrary_histogram(random);
    const bool stable = random() % 2 == 0;
    for (size_t i = 0; i < 1 + random() % 60; ++i) {
      if (!stable || random() % 8 == 0) h = arbitrary_histogram(random);
      h.sum += 1;
      samples.push_back(
          {kStart + static_cast<TimestampMs>(i) * 15'000 + static_cast<TimestampMs>(random() % 10),
           shared(h)});
    }
    std::span<const HistogramSample> rest = samples;
    while (!rest.empty()) {
      std::string bytes;
      const size_t taken = encode_histogram_chunk(rest, bytes);
      const auto read = decode(bytes);
      ASSERT_EQ(read.size(), taken);
      for (size_t i = 0; i < taken; ++i) expect_same(read[i], rest[i]);
      rest = rest.subspan(taken);
    }
  }
}

TEST(HistogramCodec, ReadsPartOfAChunkAndItsLast) {
  std::vector<HistogramSample> samples;
  FloatHistogram h = example_histogram();
  for (int i = 0; i < 100; ++i) {
    observe(h, static_cast<size_t>(i) % 8);
    if (i == 50) h.positive_spans = {{-2, 4}, {3, 4}};
    samples.push_back({kStart + i * 1000, shared(h)});
  }
  std::string bytes;
  ASSERT_EQ(encode_histogram_chunk(samples, bytes), 100u);
  const auto part = decode(bytes, {kStart + 45'500, kStart + 55'000});
  ASSERT_EQ(part.size(), 10u);
  for (size_t i = 0; i < part.size(); ++i) expect_same(part[i], samples[46 + i]);

  const auto chunk = HistogramChunk::open(bytes).value();
  HistogramSample last;
  ASSERT_TRUE(chunk.read_last({kStart, kStart + 49'999}, last).value());
  expect_same(last, samples[49]);
  EXPECT_FALSE(chunk.read_last({kStart - 10, kStart - 1}, last).value());
  EXPECT_FALSE(chunk.read_last({kStart + 1, kStart + 999}, last).value());
}

TEST(HistogramCodec, BeginsANewChunkWhenLayoutsAreTooMany) {
  std::vector<HistogramSample> samples;
  for (size_t i = 0; i < kMaxChunkLayouts + 5; ++i) {
    FloatHistogram h = example_histogram();
    h.positive_spans = {{static_cast<int32_t>(i), 8}};
    samples.push_back({kStart + static_cast<TimestampMs>(i), shared(h)});
  }
  std::string bytes;
  EXPECT_EQ(encode_histogram_chunk(samples, bytes), kMaxChunkLayouts);
}

TEST(HistogramCodec, TakesLittleForBucketsThatHardlyMove) {
  std::mt19937_64 random(1);
  std::vector<HistogramSample> samples;
  FloatHistogram h = example_histogram(160);
  for (int i = 0; i < 240; ++i) {
    for (int n = 0; n < 20; ++n) observe(h, 60 + random() % 20);
    samples.push_back({kStart + i * 15'000, shared(h)});
  }
  std::string bytes;
  ASSERT_EQ(encode_histogram_chunk(samples, bytes), 240u);
  // 20 of 160 buckets move: about 3 bits each, and the sum.
  EXPECT_LT(bytes.size(), 240u * 20u);
}

TEST(HistogramCodec, RefusesDamagedBytesWithoutCrashing) {
  std::vector<HistogramSample> samples;
  FloatHistogram h = example_histogram();
  for (int i = 0; i < 20; ++i) {
    observe(h, 3);
    if (i == 10) h.negative_spans = {{1, 1}}, h.negative_buckets = {1};
    samples.push_back({kStart + i * 1000, shared(h)});
  }
  std::string bytes;
  encode_histogram_chunk(samples, bytes);
  for (size_t i = 0; i < bytes.size(); ++i) {
    for (const int flip : {1, 16, 128}) {
      std::string damaged = bytes;
      damaged[i] = static_cast<char>(damaged[i] ^ flip);
      const auto chunk = HistogramChunk::open(damaged);
      std::vector<HistogramSample> out;
      if (chunk) (void)chunk->read({}, out);
    }
    std::vector<HistogramSample> out;
    const auto cut = HistogramChunk::open(std::string_view(bytes).substr(0, i));
    EXPECT_FALSE(cut && cut->read({}, out)) << "cut at " << i;
  }
}

TEST(HistogramCodec, LogRecordsReadBackWhatWasLogged) {
  std::mt19937_64 random(3);
  std::vector<LoggedHistogram> logged;
  FloatHistogram h = arbitrary_histogram(random);
  for (uint32_t i = 0; i < 200; ++i) {
    if (i % 3 == 0) h = arbitrary_histogram(random);
    if (i % 7 == 0) h = example_histogram();
    const TimestampMs t = i % 5 == 0 ? static_cast<TimestampMs>(random()) : kStart + i;
    logged.push_back({{SeriesId{static_cast<uint32_t>(random())}, t, shared(h)}, i % 2 == 0});
  }
  std::string bytes;
  encode_histogram_record(bytes, logged);
  std::vector<LoggedHistogram> read;
  ASSERT_TRUE(decode_histogram_record(bytes, read));
  ASSERT_EQ(read.size(), logged.size());
  for (size_t i = 0; i < read.size(); ++i) {
    EXPECT_EQ(read[i].sample.series, logged[i].sample.series);
    EXPECT_EQ(read[i].late, logged[i].late);
    expect_same({read[i].sample.t, read[i].sample.h}, {logged[i].sample.t, logged[i].sample.h});
  }
  for (size_t i = 0; i < bytes.size(); ++i) {
    EXPECT_FALSE(decode_histogram_record(std::string_view(bytes).substr(0, i), read));
  }
}

TEST(HistogramSample, ChecksItsParts) {
  EXPECT_TRUE(check_histogram(example_histogram()));
  FloatHistogram h = example_histogram();
  h.positive_buckets.pop_back();
  EXPECT_FALSE(check_histogram(h));
  h = example_histogram();
  h.positive_spans = {{0, 4}, {-1, 4}};
  EXPECT_FALSE(check_histogram(h));
  h.positive_spans = {{INT32_MAX, 8}};
  EXPECT_FALSE(check_histogram(h));
  h = example_histogram(kMaxHistogramBuckets + 1);
  EXPECT_FALSE(check_histogram(h));
  h = example_histogram();
  h.custom_values = {1, 2};
  EXPECT_FALSE(check_histogram(h));
  h.schema = kCustomBucketsSchema;
  EXPECT_TRUE(check_histogram(h));
}

TEST(HistogramSample, KnowsACounterThatWentOn) {
  FloatHistogram before = example_histogram();
  observe(before, 2, 10);
  FloatHistogram after = before;
  EXPECT_TRUE(counts_on(before, after));
  observe(after, 5);
  EXPECT_TRUE(counts_on(before, after));
  EXPECT_FALSE(counts_on(after, before));

  FloatHistogram wider = after;
  wider.positive_spans = {{-2, 1}, {1, 9}};  // bucket -1 is gone; it was empty
  wider.positive_buckets = {0, 10, 0, 0, 1, 0, 0, 5, 0, 0};
  EXPECT_TRUE(counts_on(after, wider));
  wider.positive_buckets[1] = 9;
  EXPECT_FALSE(counts_on(after, wider));

  FloatHistogram coarser = after;
  coarser.schema = 2;
  EXPECT_FALSE(counts_on(after, coarser));
}

TEST(HistogramJoin, KeepsTheFirstOfOneTimeAndForgetsClaimsWherePlacesMeet) {
  FloatHistogram h = example_histogram();
  h.counter_reset_hint = CounterResetHint::kNotReset;
  HistogramJoin join;
  join.next_place() = {{1, shared(h)}, {3, shared(h)}, {5, shared(h)}};
  observe(h, 0);
  join.next_place().push_back({3, shared(h)});
  join.next_place().push_back({4, shared(h)});
  std::vector<HistogramSample> out;
  join.finish(out);
  ASSERT_EQ(out.size(), 4u);
  EXPECT_EQ(out[1].h->count, 0);
  using enum CounterResetHint;
  EXPECT_EQ(out[1].h->counter_reset_hint, kNotReset);
  EXPECT_EQ(out[2].h->counter_reset_hint, kUnknown);  // 4 came from elsewhere
  EXPECT_EQ(out[3].h->counter_reset_hint, kUnknown);  // and 5 is no longer behind 3
}

}  // namespace
}  // namespace strata::tsdb
