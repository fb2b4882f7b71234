#include "tsdb/histogram_record.h"

#include "tsdb/histogram_codec.h"
#include "tsdb/record.h"
#include "tsdb/wal_record.h"

namespace strata::tsdb {

void encode_histogram_record(std::string& out, std::span<const LoggedHistogram> samples) {
  record::put_byte(out, static_cast<uint8_t>(RecordKind::kHistograms));
  record::put_varint(out, samples.size());
  TimestampMs last = 0;
  const FloatHistogram* previous = nullptr;
  for (const auto& [sample, late] : samples) {
    record::put_varint(out, uint64_t{index_of(sample.series)} << 1 | (late ? 1 : 0));
    // Wraps: times may be anything.
    record::put_zigzag(
        out, static_cast<int64_t>(static_cast<uint64_t>(sample.t) - static_cast<uint64_t>(last)));
    encode_histogram(out, *sample.h, previous);
    last = sample.t;
    previous = sample.h.get();
  }
}

Result<> decode_histogram_record(std::string_view payload, std::vector<LoggedHistogram>& out) {
  out.clear();
  record::Reader in(payload.substr(std::min<size_t>(payload.size(), 1)));
  const uint64_t count = in.bounded(payload.size());
  uint64_t t = 0;
  const FloatHistogram* previous = nullptr;
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t tag = in.bounded(uint64_t{UINT32_MAX} << 1 | 1);
    t += static_cast<uint64_t>(in.zigzag());
    auto h = std::make_shared<FloatHistogram>();
    TRY(decode_histogram(in, previous, *h));
    previous = h.get();
    out.push_back(
        {{SeriesId{static_cast<uint32_t>(tag >> 1)}, static_cast<TimestampMs>(t), std::move(h)},
         (tag & 1) != 0});
  }
  if (in.ok() && in.done()) return {};
  return fail(ErrorCode::kCorruption, "log record: histograms end early or late");
}

}  // namespace strata::tsdb
