// Chunks and log records of native histograms made of arbitrary bytes, and round trips of what
// they decode to.
#include <cstdint>

#include "base/check.h"
#include "tsdb/histogram_codec.h"
#include "tsdb/histogram_record.h"

namespace strata::tsdb {
namespace {

void expect_same(const FloatHistogram& a, const FloatHistogram& b) {
  CHECK(same_histogram(a, b) && a.counter_reset_hint == b.counter_reset_hint);
}

/// What decodes is written and read again without a change.
void round_trip(std::span<const HistogramSample> samples) {
  while (!samples.empty()) {
    std::string bytes;
    const size_t taken = encode_histogram_chunk(samples, bytes);
    std::vector<HistogramSample> read;
    CHECK(HistogramChunk::open(bytes).value().read({}, read).has_value() && read.size() == taken);
    for (size_t i = 0; i < taken; ++i) {
      CHECK(read[i].t == samples[i].t);
      expect_same(*read[i].h, *samples[i].h);
    }
    samples = samples.subspan(taken);
  }
}

}  // namespace
}  // namespace strata::tsdb

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace strata::tsdb;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  std::vector<HistogramSample> samples;
  if (const auto chunk = HistogramChunk::open(input); chunk && chunk->read({}, samples)) {
    round_trip(samples);
  }
  std::vector<LoggedHistogram> logged;
  if (!decode_histogram_record(input, logged)) return 0;
  std::string again;
  encode_histogram_record(again, logged);
  std::vector<LoggedHistogram> read;
  CHECK(decode_histogram_record(again, read).has_value() && read.size() == logged.size());
  samples.clear();
  for (size_t i = 0; i < read.size(); ++i) {
    expect_same(*read[i].sample.h, *logged[i].sample.h);
    const bool ascends = samples.empty() || logged[i].sample.t > samples.back().t;
    if (ascends && check_histogram(*logged[i].sample.h)) {
      samples.push_back({logged[i].sample.t, logged[i].sample.h});
    }
  }
  round_trip(samples);
  return 0;
}
