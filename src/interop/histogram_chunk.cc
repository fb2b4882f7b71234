#include "interop/histogram_chunk.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/check.h"
#include "interop/prometheus_bits.h"
#include "interop/xor_chunk.h"

namespace strata::interop {
namespace {

using tsdb::HistogramSample;

// The first two bits of the flags.
constexpr uint8_t kUnknown = 0x00;
constexpr uint8_t kNotReset = 0x40;
constexpr uint8_t kReset = 0x80;
constexpr uint8_t kGauge = 0xc0;

constexpr uint64_t kMaxSpans = 2 * tsdb::kMaxHistogramBuckets;
constexpr double kBoundScale = 1000;  // bounds that are whole thousandths are short
constexpr double kLargestScaledBound = 33'554'430;
// Zero thresholds that are powers of two within these exponents take a byte.
constexpr int kLeastExponent = -242;
constexpr int kLargestExponent = 11;
constexpr int kExponentBias = 243;

uint64_t bits_of(double v) { return std::bit_cast<uint64_t>(v); }
int64_t difference(int64_t a, int64_t b) {  // wraps: times may be anything
  return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}
int64_t sum(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}

bool is_whole(double v) { return v >= 0 && v <= 0x1p53 && v == std::floor(v); }

bool all_whole(const FloatHistogram& h) {
  return is_whole(h.count) && is_whole(h.zero_count) &&
         std::ranges::all_of(h.positive_buckets, is_whole) &&
         std::ranges::all_of(h.negative_buckets, is_whole);
}

bool same_layout(const FloatHistogram& a, const FloatHistogram& b) {
  return a.schema == b.schema && bits_of(a.zero_threshold) == bits_of(b.zero_threshold) &&
         a.positive_spans == b.positive_spans && a.negative_spans == b.negative_spans &&
         a.custom_values == b.custom_values;
}

bool is_gauge(const FloatHistogram& h) { return h.counter_reset_hint == CounterResetHint::kGauge; }

void write_zero_threshold(BitWriter& out, double threshold) {
  if (threshold == 0) return out.bits(0, 8);
  int exponent = 0;
  const double fraction = std::frexp(threshold, &exponent);
  if (fraction == 0.5 && exponent >= kLeastExponent && exponent <= kLargestExponent) {
    return out.bits(static_cast<uint64_t>(exponent + kExponentBias), 8);
  }
  out.bits(0xff, 8);
  out.bits(bits_of(threshold), 64);
}

double read_zero_threshold(BitReader& in) {
  const auto code = static_cast<int>(in.bits(8));
  if (code == 0) return 0;
  if (code == 0xff) return std::bit_cast<double>(in.bits(64));
  return std::ldexp(0.5, code - kExponentBias);
}

void write_bound(BitWriter& out, double bound) {
  const double scaled = bound * kBoundScale;
  if (scaled >= 0 && scaled <= kLargestScaledBound) {
    const double rounded = std::round(scaled);
    if (bits_of(rounded / kBoundScale) == bits_of(bound)) {
      return write_varbit_unsigned(out, static_cast<uint64_t>(rounded) + 1);
    }
  }
  out.bits(0, 1);
  out.bits(bits_of(bound), 64);
}

double read_bound(BitReader& in) {
  const uint64_t code = read_varbit_unsigned(in);
  if (code == 0) return std::bit_cast<double>(in.bits(64));
  return static_cast<double>(code - 1) / kBoundScale;
}

void write_spans(BitWriter& out, const std::vector<BucketSpan>& spans) {
  write_varbit_unsigned(out, spans.size());
  for (const BucketSpan& span : spans) {
    write_varbit_unsigned(out, span.length);
    write_varbit(out, span.offset);
  }
}

/// False: more buckets than any histogram may have.
bool read_spans(BitReader& in, std::vector<BucketSpan>& out, std::vector<double>& buckets) {
  const uint64_t count = read_varbit_unsigned(in);
  if (count > kMaxSpans) return false;
  uint64_t total = 0;
  for (uint64_t i = 0; i < count && in.ok(); ++i) {
    const uint64_t length = read_varbit_unsigned(in);
    const int64_t offset = read_varbit(in);
    if (length > tsdb::kMaxHistogramBuckets - total || offset < INT32_MIN || offset > INT32_MAX) {
      return false;
    }
    total += length;
    out.push_back({static_cast<int32_t>(offset), static_cast<uint32_t>(length)});
  }
  buckets.resize(total);
  return in.ok();
}

void write_layout(BitWriter& out, const FloatHistogram& h) {
  write_zero_threshold(out, h.zero_threshold);
  write_varbit(out, h.schema);
  write_spans(out, h.positive_spans);
  write_spans(out, h.negative_spans);
  if (!h.uses_custom_buckets()) return;
  write_varbit_unsigned(out, h.custom_values.size());
  for (const double bound : h.custom_values) write_bound(out, bound);
}

bool read_layout(BitReader& in, FloatHistogram& h) {
  h.zero_threshold = read_zero_threshold(in);
  const int64_t schema = read_varbit(in);
  if (schema < INT32_MIN || schema > INT32_MAX) return false;
  h.schema = static_cast<int32_t>(schema);
  if (!read_spans(in, h.positive_spans, h.positive_buckets)) return false;
  if (!read_spans(in, h.negative_spans, h.negative_buckets)) return false;
  if (!h.uses_custom_buckets()) return in.ok();
  const uint64_t count = read_varbit_unsigned(in);
  if (count > tsdb::kMaxHistogramBuckets) return false;
  for (uint64_t i = 0; i < count && in.ok(); ++i) h.custom_values.push_back(read_bound(in));
  return in.ok();
}

/// A whole number of a series: in full, then its change, then the change of that.
class Wholes {
 public:
  void write(BitWriter& out, int64_t value, size_t sample) {
    const int64_t delta = difference(value, value_);
    write_varbit(out, sample == 0 ? value : sample == 1 ? delta : difference(delta, delta_));
    delta_ = sample == 0 ? 0 : delta;
    value_ = value;
  }
  void write_unsigned(BitWriter& out, int64_t value, size_t sample) {
    if (sample > 0) return write(out, value, sample);
    write_varbit_unsigned(out, static_cast<uint64_t>(value));
    value_ = value;
  }
  int64_t read(BitReader& in, size_t sample) {
    const int64_t code = read_varbit(in);
    if (sample == 0) return value_ = code;
    delta_ = sample == 1 ? code : sum(delta_, code);
    return value_ = sum(value_, delta_);
  }
  int64_t read_unsigned(BitReader& in, size_t sample) {
    if (sample > 0) return read(in, sample);
    return value_ = static_cast<int64_t>(read_varbit_unsigned(in));
  }

 private:
  int64_t value_ = 0;
  int64_t delta_ = 0;
};

/// A double of a series: in full, then as the bits that changed.
class Doubles {
 public:
  void write(BitWriter& out, double v, size_t sample) {
    if (sample == 0) {
      out.bits(bits_of(v), 64);
    } else {
      write_xor(out, bits_of(v) ^ bits_, window_);
    }
    bits_ = bits_of(v);
  }
  bool read(BitReader& in, double& v, size_t sample) {
    bool good = true;
    if (sample == 0) {
      bits_ = in.bits(64);
    } else {
      good = read_xor(in, bits_, window_);
    }
    v = std::bit_cast<double>(bits_);
    return good;
  }

 private:
  uint64_t bits_ = 0;
  XorWindow window_;
};

/// The numbers of a chunk besides its times, sample after sample.
struct Columns {
  explicit Columns(const FloatHistogram& layout)
      : whole(layout.positive_buckets.size() + layout.negative_buckets.size()),
        real(layout.positive_buckets.size() + layout.negative_buckets.size()) {}

  Wholes time, whole_count, whole_zeros;
  Doubles real_count, real_zeros, total;
  std::vector<Wholes> whole;  // buckets
  std::vector<Doubles> real;

  void write(BitWriter& out, const FloatHistogram& h, bool integers, size_t sample) {
    if (integers) {
      whole_count.write_unsigned(out, static_cast<int64_t>(h.count), sample);
      whole_zeros.write_unsigned(out, static_cast<int64_t>(h.zero_count), sample);
    } else {
      real_count.write(out, h.count, sample);
      real_zeros.write(out, h.zero_count, sample);
    }
    total.write(out, h.sum, sample);
    size_t i = 0;
    for (const auto* side : {&h.positive_buckets, &h.negative_buckets}) {
      int64_t before = 0;  // integers are written as the difference to their neighbour
      for (const double v : *side) {
        if (integers) {
          whole[i].write(out, static_cast<int64_t>(v) - before, sample);
          before = static_cast<int64_t>(v);
        } else {
          real[i].write(out, v, sample);
        }
        ++i;
      }
    }
  }

  /// False for bits that make no sense. A stale marker has no buckets.
  bool read(BitReader& in, FloatHistogram& h, bool integers, size_t sample) {
    bool good = true;
    if (integers) {
      h.count = static_cast<double>(whole_count.read_unsigned(in, sample));
      h.zero_count = static_cast<double>(whole_zeros.read_unsigned(in, sample));
    } else {
      good = real_count.read(in, h.count, sample) && real_zeros.read(in, h.zero_count, sample);
    }
    good = good && total.read(in, h.sum, sample);
    if (is_stale_nan(h.sum)) return good && in.ok();
    size_t i = 0;
    for (auto* side : {&h.positive_buckets, &h.negative_buckets}) {
      int64_t before = 0;
      for (double& v : *side) {
        if (integers) {
          before = sum(before, whole[i].read(in, sample));
          v = static_cast<double>(before);
        } else {
          good = good && real[i].read(in, v, sample);
        }
        ++i;
      }
    }
    return good && in.ok();
  }
};

}  // namespace

HistogramChunkHead next_histogram_chunk(std::span<const HistogramSample> samples) {
  const FloatHistogram& first = *samples.front().h;
  const bool integers = all_whole(first);
  HistogramChunkHead head{integers ? ChunkEncoding::kHistogram : ChunkEncoding::kFloatHistogram, 1};
  while (head.samples < samples.size() && head.samples < kSamplesPerChunk) {
    const FloatHistogram& before = *samples[head.samples - 1].h;
    const FloatHistogram& h = *samples[head.samples].h;
    const bool goes_on = is_gauge(first) || tsdb::counts_on(before, h);
    if (!same_layout(first, h) || is_gauge(h) != is_gauge(first) || !goes_on ||
        h.counter_reset_hint == CounterResetHint::kReset || all_whole(h) != integers) {
      break;
    }
    ++head.samples;
  }
  return head;
}

void append_histogram_chunk(std::string& out, const HistogramChunkHead& head,
                            std::span<const HistogramSample> samples,
                            const FloatHistogram* previous) {
  CHECK(head.samples > 0 && head.samples <= samples.size());
  const FloatHistogram& first = *samples.front().h;
  uint8_t flags = kUnknown;
  if (is_gauge(first)) {
    flags = kGauge;
  } else if (first.counter_reset_hint == CounterResetHint::kReset) {
    flags = kReset;
  } else if (previous != nullptr && !is_gauge(*previous) && previous->schema == first.schema) {
    flags = tsdb::counts_on(*previous, first) ? kNotReset : kReset;
  }
  append_u16(out, static_cast<uint16_t>(head.samples));
  out += static_cast<char>(flags);
  BitWriter bits(out);
  write_layout(bits, first);
  Columns columns(first);
  const bool integers = head.encoding == ChunkEncoding::kHistogram;
  for (size_t i = 0; i < head.samples; ++i) {
    columns.time.write(bits, samples[i].t, i);
    columns.write(bits, *samples[i].h, integers, i);
  }
}

Result<> read_histogram_chunk(ChunkEncoding encoding, std::string_view data, SampleColumns& out) {
  constexpr size_t kHead = 3;
  if (data.size() < kHead) return fail(ErrorCode::kCorruption, "a histogram chunk has no header");
  PrometheusReader head(data);
  const size_t count = size_t{head.u8()} << 8 | head.u8();
  const uint8_t flags = head.u8() & 0xc0;
  BitReader in(data.substr(kHead));
  FloatHistogram layout;
  bool good = count == 0 || read_layout(in, layout);
  Columns columns(layout);
  const size_t before = out.t.size();
  out.h.resize(before);
  const bool integers = encoding == ChunkEncoding::kHistogram;
  for (size_t i = 0; i < count && good; ++i) {
    const TimestampMs t = columns.time.read(in, i);
    auto h = std::make_shared<FloatHistogram>(layout);
    good = columns.read(in, *h, integers, i);
    const bool stale = is_stale_nan(h->sum);
    if (flags == kGauge) {
      h->counter_reset_hint = CounterResetHint::kGauge;
    } else if (i > 0) {
      h->counter_reset_hint = CounterResetHint::kNotReset;
    }
    good = good && (stale || tsdb::check_histogram(*h));
    out.t.push_back(t);
    out.v.push_back(stale ? stale_nan() : 0);
    out.h.push_back(stale ? nullptr : std::move(h));
  }
  if (good) return {};
  out.t.resize(before);
  out.v.resize(before);
  out.h.resize(before);
  return fail(ErrorCode::kCorruption, "a histogram chunk ends before its samples do");
}

}  // namespace strata::interop
