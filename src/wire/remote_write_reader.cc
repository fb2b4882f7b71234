#include <protozero/pbf_reader.hpp>

#include "wire/remote_write.h"

namespace strata::wire {
namespace {

using protozero::pbf_reader;
using protozero::pbf_wire_type;

constexpr std::string_view kProto1 = "prometheus.WriteRequest";
constexpr std::string_view kProto2 = "io.prometheus.write.v2.Request";

std::string_view view(protozero::data_view data) { return {data.data(), data.size()}; }

std::unexpected<Error> malformed(const protozero::exception& e) {
  return bad_data(std::string("malformed protobuf: ") + e.what());
}

// A field that has a number of ours and another wire type is a stranger, and skipped.
constexpr uint32_t bytes(uint32_t tag) {
  return protozero::tag_and_type(tag, pbf_wire_type::length_delimited);
}
constexpr uint32_t varint(uint32_t tag) {
  return protozero::tag_and_type(tag, pbf_wire_type::varint);
}
constexpr uint32_t fixed64(uint32_t tag) {
  return protozero::tag_and_type(tag, pbf_wire_type::fixed64);
}

using Symbols = std::span<const std::string_view>;

std::string_view symbol_at(Symbols symbols, uint32_t ref) {
  if (ref >= symbols.size()) throw protozero::invalid_length_exception();
  return symbols[ref];
}

Label read_label(pbf_reader message) {
  Label label;
  while (message.next()) {
    switch (message.tag_and_type()) {
      case bytes(1): label.name = view(message.get_view()); break;
      case bytes(2): label.value = view(message.get_view()); break;
      default: message.skip();
    }
  }
  return label;
}

/// Pairs of symbols: a name, its value, …
void read_label_refs(pbf_reader& field, Symbols symbols, std::vector<Label>& out) {
  const auto refs = field.get_packed_uint32();
  for (auto at = refs.begin(); at != refs.end(); ++at) {
    const auto name = symbol_at(symbols, *at);
    if (++at == refs.end()) throw protozero::invalid_length_exception();
    out.push_back({name, symbol_at(symbols, *at)});
  }
}

Sample read_sample(pbf_reader message) {
  Sample sample;
  while (message.next()) {
    switch (message.tag_and_type()) {
      case fixed64(1): sample.v = message.get_double(); break;
      case varint(2): sample.t = message.get_int64(); break;
      default: message.skip();
    }
  }
  return sample;
}

/// `symbols` are null in 1.0, where labels are written out.
void read_exemplar(pbf_reader message, const Symbols* symbols, RemoteExemplar& out) {
  while (message.next()) {
    switch (message.tag_and_type()) {
      case bytes(1):
        if (symbols != nullptr) {
          read_label_refs(message, *symbols, out.labels);
        } else {
          out.labels.push_back(read_label(message.get_message()));
        }
        break;
      case fixed64(2): out.value = message.get_double(); break;
      case varint(3): out.t = message.get_int64(); break;
      default: message.skip();
    }
  }
}

BucketSpan read_span(pbf_reader message) {
  BucketSpan span;
  while (message.next()) {
    switch (message.tag_and_type()) {
      case varint(1): span.offset = message.get_sint32(); break;
      case varint(2): span.length = message.get_uint32(); break;
      default: message.skip();
    }
  }
  return span;
}

/// Deltas become absolute counts.
void read_deltas(pbf_reader& field, int64_t& sum, std::vector<double>& out) {
  const auto add = [&](int64_t delta) {
    sum = static_cast<int64_t>(static_cast<uint64_t>(sum) + static_cast<uint64_t>(delta));
    out.push_back(static_cast<double>(sum));
  };
  if (field.wire_type() == pbf_wire_type::varint) return add(field.get_sint64());
  for (const int64_t delta : field.get_packed_sint64()) add(delta);
}

void read_doubles(pbf_reader& field, std::vector<double>& out) {
  if (field.wire_type() == pbf_wire_type::fixed64) {
    out.push_back(field.get_double());
    return;
  }
  const auto values = field.get_packed_double();
  out.insert(out.end(), values.begin(), values.end());
}

CounterResetHint hint_of(int32_t number) {
  switch (number) {
    case 1: return CounterResetHint::kReset;
    case 2: return CounterResetHint::kNotReset;
    case 3: return CounterResetHint::kGauge;
    default: return CounterResetHint::kUnknown;
  }
}

/// The same numbers in both versions. A oneof says whether counts are integers or floats: whatever
/// is there was set.
void read_histogram(pbf_reader message, RemoteHistogram& out) {
  FloatHistogram& h = out.value;
  int64_t positive = 0;
  int64_t negative = 0;
  while (message.next()) {
    switch (message.tag_and_type()) {
      case varint(1): h.count = static_cast<double>(message.get_uint64()); break;
      case fixed64(2): h.count = message.get_double(); break;
      case fixed64(3): h.sum = message.get_double(); break;
      case varint(4): h.schema = message.get_sint32(); break;
      case fixed64(5): h.zero_threshold = message.get_double(); break;
      case varint(6): h.zero_count = static_cast<double>(message.get_uint64()); break;
      case fixed64(7): h.zero_count = message.get_double(); break;
      case bytes(8): h.negative_spans.push_back(read_span(message.get_message())); break;
      case bytes(9):
      case varint(9): read_deltas(message, negative, h.negative_buckets); break;
      case bytes(10):
      case fixed64(10): read_doubles(message, h.negative_buckets); break;
      case bytes(11): h.positive_spans.push_back(read_span(message.get_message())); break;
      case bytes(12):
      case varint(12): read_deltas(message, positive, h.positive_buckets); break;
      case bytes(13):
      case fixed64(13): read_doubles(message, h.positive_buckets); break;
      case varint(14): h.counter_reset_hint = hint_of(message.get_enum()); break;
      case varint(15): out.t = message.get_int64(); break;
      case bytes(16):
      case fixed64(16): read_doubles(message, h.custom_values); break;
      default: message.skip();
    }
  }
}

/// Both versions number the types alike.
MetricType type_of(int32_t number) {
  switch (number) {
    case 1: return MetricType::kCounter;
    case 2: return MetricType::kGauge;
    case 3: return MetricType::kHistogram;
    case 4: return MetricType::kGaugeHistogram;
    case 5: return MetricType::kSummary;
    case 6: return MetricType::kInfo;
    case 7: return MetricType::kStateSet;
    default: return MetricType::kUnknown;
  }
}

void read_series_1(pbf_reader message, RemoteSeries& out) {
  while (message.next()) {
    switch (message.tag_and_type()) {
      case bytes(1): out.labels.push_back(read_label(message.get_message())); break;
      case bytes(2): out.samples.push_back(read_sample(message.get_message())); break;
      case bytes(3):
        read_exemplar(message.get_message(), nullptr, out.exemplars.emplace_back());
        break;
      case bytes(4): read_histogram(message.get_message(), out.histograms.emplace_back()); break;
      default: message.skip();
    }
  }
}

void read_about(pbf_reader message, Symbols symbols, RemoteSeries& out) {
  while (message.next()) {
    switch (message.tag_and_type()) {
      case varint(1): out.type = type_of(message.get_enum()); break;
      case varint(3): out.help = symbol_at(symbols, message.get_uint32()); break;
      case varint(4): out.unit = symbol_at(symbols, message.get_uint32()); break;
      default: message.skip();
    }
  }
}

void read_series_2(pbf_reader message, Symbols symbols, RemoteSeries& out) {
  while (message.next()) {
    switch (message.tag_and_type()) {
      case bytes(1): read_label_refs(message, symbols, out.labels); break;
      case bytes(2): out.samples.push_back(read_sample(message.get_message())); break;
      case bytes(3): read_histogram(message.get_message(), out.histograms.emplace_back()); break;
      case bytes(4):
        read_exemplar(message.get_message(), &symbols, out.exemplars.emplace_back());
        break;
      case bytes(5): read_about(message.get_message(), symbols, out); break;
      default: message.skip();
    }
  }
}

RemoteMetadata read_metadata(pbf_reader message) {
  RemoteMetadata about;
  while (message.next()) {
    switch (message.tag_and_type()) {
      case varint(1): about.type = type_of(message.get_enum()); break;
      case bytes(2): about.family = view(message.get_view()); break;
      case bytes(4): about.help = view(message.get_view()); break;
      case bytes(5): about.unit = view(message.get_view()); break;
      default: message.skip();
    }
  }
  return about;
}

/// A parameter of a media type: "b" of `x; proto="b"`.
std::string_view media_parameter(std::string_view content_type, std::string_view name) {
  while (true) {
    const size_t semicolon = content_type.find(';');
    if (semicolon == std::string_view::npos) return {};
    content_type.remove_prefix(semicolon + 1);
    std::string_view pair = content_type.substr(0, content_type.find(';'));
    while (pair.starts_with(' ')) pair.remove_prefix(1);
    while (pair.ends_with(' ')) pair.remove_suffix(1);
    const size_t equals = pair.find('=');
    if (equals == std::string_view::npos || pair.substr(0, equals) != name) continue;
    std::string_view value = pair.substr(equals + 1);
    if (value.size() > 1 && value.starts_with('"') && value.ends_with('"')) {
      value = value.substr(1, value.size() - 2);
    }
    return value;
  }
}

}  // namespace

std::string_view remote_write_content_type(RemoteWriteVersion version) {
  return version == RemoteWriteVersion::k1
             ? "application/x-protobuf"
             : "application/x-protobuf;proto=io.prometheus.write.v2.Request";
}

std::optional<RemoteWriteVersion> remote_write_version(std::string_view content_type) {
  std::string_view type = content_type.substr(0, content_type.find(';'));
  while (type.ends_with(' ')) type.remove_suffix(1);
  // Senders of before 1.0 was written down leave the type out.
  if (!type.empty() && type != "application/x-protobuf") return std::nullopt;
  const auto proto = media_parameter(content_type, "proto");
  if (proto.empty() || proto == kProto1) return RemoteWriteVersion::k1;
  if (proto == kProto2) return RemoteWriteVersion::k2;
  return std::nullopt;
}

void RemoteSeries::clear() {
  labels.clear(), samples.clear(), histograms.clear(), exemplars.clear();
  type = MetricType::kUnknown;
  help = unit = {};
}

Result<RemoteWriteReader> RemoteWriteReader::open(std::string_view text,
                                                  RemoteWriteVersion version) {
  RemoteWriteReader reader(version);
  const uint32_t series_field = bytes(version == RemoteWriteVersion::k1 ? 1 : 5);
  try {
    pbf_reader message(text.data(), text.size());
    while (message.next()) {
      const uint32_t field = message.tag_and_type();
      if (field == series_field) {
        reader.series_.push_back(view(message.get_view()));
      } else if (field == bytes(4) && version == RemoteWriteVersion::k2) {
        reader.symbols_.push_back(view(message.get_view()));
      } else if (field == bytes(3) && version == RemoteWriteVersion::k1) {
        reader.metadata_.push_back(read_metadata(message.get_message()));
      } else {
        message.skip();
      }
    }
  } catch (const protozero::exception& e) {
    return malformed(e);
  }
  return reader;
}

Result<> RemoteWriteReader::read(size_t i, RemoteSeries& out) const {
  out.clear();
  try {
    const pbf_reader message(series_[i].data(), series_[i].size());
    if (version_ == RemoteWriteVersion::k1) {
      read_series_1(message, out);
    } else {
      read_series_2(message, symbols_, out);
    }
  } catch (const protozero::exception& e) {
    return malformed(e);
  }
  return {};
}

}  // namespace strata::wire
