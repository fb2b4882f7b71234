#include "wire/protobuf_message.h"

#include <protozero/pbf_reader.hpp>

namespace strata::wire {
namespace {

using protozero::pbf_reader;
using protozero::pbf_wire_type;

std::string_view view(protozero::data_view data) { return {data.data(), data.size()}; }

/// A field of scalars, packed or one by one: writers do either.
template <class Each>
void read_repeated(pbf_reader& field, pbf_wire_type scalar, Each each) {
  if (field.wire_type() == scalar) {
    each(field);
    return;
  }
  // A packed field is the scalars without tags.
  const protozero::data_view packed = field.get_view();
  const char* at = packed.data();
  const char* const end = at + packed.size();
  if (scalar == pbf_wire_type::fixed64) {
    for (; end - at >= 8; at += 8) {
      double value = 0;
      std::memcpy(&value, at, sizeof value);
      each(value);
    }
    if (at != end) throw protozero::end_of_buffer_exception();
  } else {
    while (at != end) each(protozero::decode_zigzag64(protozero::decode_varint(&at, end)));
  }
}

struct DoubleSink {
  std::vector<double>& out;
  void operator()(pbf_reader& field) { out.push_back(field.get_double()); }
  void operator()(double value) { out.push_back(value); }
  void operator()(int64_t) {}
};

/// Deltas become absolute counts.
struct DeltaSink {
  std::vector<double>& out;
  int64_t& sum;
  void add(int64_t delta) {
    sum = static_cast<int64_t>(static_cast<uint64_t>(sum) + static_cast<uint64_t>(delta));
    out.push_back(static_cast<double>(sum));
  }
  void operator()(pbf_reader& field) { add(field.get_sint64()); }
  void operator()(int64_t delta) { add(delta); }
  void operator()(double) {}
};

ProtoLabel read_label(pbf_reader message) {
  ProtoLabel label;
  while (message.next()) {
    switch (message.tag()) {
      case 1: label.name = view(message.get_view()); break;
      case 2: label.value = view(message.get_view()); break;
      default: message.skip();
    }
  }
  return label;
}

/// google.protobuf.Timestamp.
TimestampMs read_timestamp(pbf_reader message) {
  int64_t seconds = 0;
  int32_t nanos = 0;
  while (message.next()) {
    switch (message.tag()) {
      case 1: seconds = message.get_int64(); break;
      case 2: nanos = message.get_int32(); break;
      default: message.skip();
    }
  }
  constexpr int64_t kMax = kMaxTime / 1000 - 1;
  return std::clamp(seconds, -kMax, kMax) * 1000 + nanos / 1'000'000;
}

ProtoExemplar read_exemplar(pbf_reader message) {
  ProtoExemplar exemplar;
  while (message.next()) {
    switch (message.tag()) {
      case 1: exemplar.labels.push_back(read_label(message.get_message())); break;
      case 2: exemplar.value = message.get_double(); break;
      case 3: exemplar.timestamp = read_timestamp(message.get_message()); break;
      default: message.skip();
    }
  }
  return exemplar;
}

BucketSpan read_span(pbf_reader message) {
  BucketSpan span;
  while (message.next()) {
    switch (message.tag()) {
      case 1: span.offset = message.get_sint32(); break;
      case 2: span.length = message.get_uint32(); break;
      default: message.skip();
    }
  }
  return span;
}

ProtoBucket read_bucket(pbf_reader message) {
  ProtoBucket bucket;
  double float_count = 0;
  while (message.next()) {
    switch (message.tag()) {
      case 1: bucket.count = static_cast<double>(message.get_uint64()); break;
      case 2: bucket.upper_bound = message.get_double(); break;
      case 3: bucket.exemplar = read_exemplar(message.get_message()); break;
      case 4: float_count = message.get_double(); break;
      default: message.skip();
    }
  }
  if (float_count > 0) bucket.count = float_count;
  return bucket;
}

/// A histogram's counts in both kinds of numbers, before it is known which count.
struct BothCounts {
  double float_count = 0, float_zero = 0;
  std::vector<double> positive, negative;            // floats
  std::vector<double> positive_sums, negative_sums;  // integers, deltas summed up
  int64_t positive_sum = 0, negative_sum = 0;
};

void read_native_field(pbf_reader& message, ProtoHistogram& out, BothCounts& counts) {
  FloatHistogram& native = out.native;
  switch (message.tag()) {
    case 5: native.schema = message.get_sint32(); break;
    case 6: native.zero_threshold = message.get_double(); break;
    case 7: native.zero_count = static_cast<double>(message.get_uint64()); break;
    case 8: counts.float_zero = message.get_double(); break;
    case 9: native.negative_spans.push_back(read_span(message.get_message())); break;
    case 10:
      read_repeated(message, pbf_wire_type::varint,
                    DeltaSink{counts.negative_sums, counts.negative_sum});
      break;
    case 11: read_repeated(message, pbf_wire_type::fixed64, DoubleSink{counts.negative}); break;
    case 12: native.positive_spans.push_back(read_span(message.get_message())); break;
    case 13:
      read_repeated(message, pbf_wire_type::varint,
                    DeltaSink{counts.positive_sums, counts.positive_sum});
      break;
    case 14: read_repeated(message, pbf_wire_type::fixed64, DoubleSink{counts.positive}); break;
    default: message.skip();
  }
}

ProtoHistogram read_histogram(pbf_reader message) {
  ProtoHistogram out;
  BothCounts counts;
  while (message.next()) {
    switch (message.tag()) {
      case 1: out.count = static_cast<double>(message.get_uint64()); break;
      case 2: out.sum = message.get_double(); break;
      case 3: out.buckets.push_back(read_bucket(message.get_message())); break;
      case 4: counts.float_count = message.get_double(); break;
      case 15: out.created = read_timestamp(message.get_message()); break;
      case 16: out.exemplars.push_back(read_exemplar(message.get_message())); break;
      default: read_native_field(message, out, counts);
    }
  }
  out.is_float = counts.float_count > 0 || counts.float_zero > 0;
  if (counts.float_count > 0) out.count = counts.float_count;
  FloatHistogram& native = out.native;
  if (out.is_float) native.zero_count = counts.float_zero;
  native.positive_buckets = std::move(out.is_float ? counts.positive : counts.positive_sums);
  native.negative_buckets = std::move(out.is_float ? counts.negative : counts.negative_sums);
  native.count = out.is_float ? counts.float_count : out.count;
  native.sum = out.sum;
  return out;
}

void read_summary(pbf_reader message, ProtoMetric& out) {
  while (message.next()) {
    switch (message.tag()) {
      case 1: out.count = static_cast<double>(message.get_uint64()); break;
      case 2: out.value = message.get_double(); break;
      case 3: {
        ProtoQuantile& quantile = out.quantiles.emplace_back();
        pbf_reader inner = message.get_message();
        while (inner.next()) {
          switch (inner.tag()) {
            case 1: quantile.quantile = inner.get_double(); break;
            case 2: quantile.value = inner.get_double(); break;
            default: inner.skip();
          }
        }
        break;
      }
      case 4: out.created = read_timestamp(message.get_message()); break;
      default: message.skip();
    }
  }
}

/// A counter; a gauge and an untyped value have only the first field.
void read_number(pbf_reader message, ProtoMetric& out) {
  while (message.next()) {
    switch (message.tag()) {
      case 1: out.value = message.get_double(); break;
      case 2: out.exemplar = read_exemplar(message.get_message()); break;
      case 3: out.created = read_timestamp(message.get_message()); break;
      default: message.skip();
    }
  }
}

/// The field of Metric that holds a value of this type.
uint32_t value_tag(ProtoType type) {
  switch (type) {
    case ProtoType::kCounter: return 3;
    case ProtoType::kGauge: return 2;
    case ProtoType::kSummary: return 4;
    case ProtoType::kUntyped: return 5;
    case ProtoType::kHistogram:
    case ProtoType::kGaugeHistogram: return 7;
  }
  return 0;
}

void read_value(pbf_reader message, ProtoType type, ProtoMetric& out) {
  switch (type) {
    case ProtoType::kCounter:
    case ProtoType::kGauge:
    case ProtoType::kUntyped: return read_number(message, out);
    case ProtoType::kSummary: return read_summary(message, out);
    case ProtoType::kHistogram:
    case ProtoType::kGaugeHistogram: out.histogram = read_histogram(message);
  }
}

std::unexpected<Error> malformed(const protozero::exception& e) {
  return bad_data(std::string("malformed protobuf: ") + e.what());
}

}  // namespace

Result<std::string_view> next_message(std::string_view& rest) {
  const char* at = rest.data();
  const char* const end = at + rest.size();
  try {
    const uint64_t size = protozero::decode_varint(&at, end);
    if (size > static_cast<uint64_t>(end - at)) {
      return bad_data("protobuf: a message is cut short");
    }
    rest = std::string_view(at + size, static_cast<size_t>(end - at) - size);
    return std::string_view(at, size);
  } catch (const protozero::exception& e) {
    return malformed(e);
  }
}

Result<ProtoFamily> read_family(std::string_view bytes) {
  ProtoFamily family;
  try {
    pbf_reader message(bytes.data(), bytes.size());
    while (message.next()) {
      switch (message.tag()) {
        case 1: family.name = view(message.get_view()); break;
        case 2: family.help = view(message.get_view()); break;
        case 3: {
          const int32_t type = message.get_enum();
          if (type < 0 || type > 5) {
            return bad_data(fmt::format("protobuf: unknown metric type {}", type));
          }
          family.type = static_cast<ProtoType>(type);
          break;
        }
        case 4: family.metrics.push_back(view(message.get_view())); break;
        case 5: family.unit = view(message.get_view()); break;
        default: message.skip();
      }
    }
  } catch (const protozero::exception& e) {
    return malformed(e);
  }
  return family;
}

Result<ProtoMetric> read_metric(std::string_view bytes, ProtoType type) {
  ProtoMetric metric;
  try {
    pbf_reader message(bytes.data(), bytes.size());
    while (message.next()) {
      const uint32_t tag = message.tag();
      if (tag == 1) {
        metric.labels.push_back(read_label(message.get_message()));
      } else if (tag == 6) {
        // Prometheus takes 0 for none: proto3 does not tell them apart.
        if (const int64_t t = message.get_int64(); t != 0) metric.timestamp = t;
      } else if (tag == value_tag(type)) {
        read_value(message.get_message(), type, metric);
      } else {
        message.skip();
      }
    }
  } catch (const protozero::exception& e) {
    return malformed(e);
  }
  return metric;
}

}  // namespace strata::wire
