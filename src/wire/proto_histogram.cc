#include "wire/proto_histogram.h"

#include <protozero/pbf_writer.hpp>

namespace strata::wire {
namespace {

using protozero::pbf_writer;

int32_t number_of(CounterResetHint hint) {
  switch (hint) {
    case CounterResetHint::kUnknown: return 0;
    case CounterResetHint::kReset: return 1;
    case CounterResetHint::kNotReset: return 2;
    case CounterResetHint::kGauge: return 3;
  }
  return 0;
}

void write_spans(pbf_writer& message, uint32_t tag, const std::vector<BucketSpan>& spans) {
  for (const auto& span : spans) {
    pbf_writer inner(message, tag);
    inner.add_sint32(1, span.offset);
    inner.add_uint32(2, span.length);
  }
}

}  // namespace

void append_histogram_field(std::string& message, uint32_t tag, const FloatHistogram& h,
                            TimestampMs t) {
  pbf_writer outer(message);
  pbf_writer inner(outer, tag);
  inner.add_double(2, h.count);
  inner.add_double(3, h.sum);
  inner.add_sint32(4, h.schema);
  inner.add_double(5, h.zero_threshold);
  inner.add_double(7, h.zero_count);
  write_spans(inner, 8, h.negative_spans);
  inner.add_packed_double(10, h.negative_buckets.begin(), h.negative_buckets.end());
  write_spans(inner, 11, h.positive_spans);
  inner.add_packed_double(13, h.positive_buckets.begin(), h.positive_buckets.end());
  inner.add_enum(14, number_of(h.counter_reset_hint));
  inner.add_int64(15, t);
  inner.add_packed_double(16, h.custom_values.begin(), h.custom_values.end());
}

}  // namespace strata::wire
