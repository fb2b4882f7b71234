#include <protozero/pbf_writer.hpp>

#include "wire/proto_histogram.h"
#include "wire/remote_write.h"

namespace strata::wire {
namespace {

using protozero::pbf_writer;

int32_t number_of(MetricType type) {
  switch (type) {
    case MetricType::kUnknown: return 0;
    case MetricType::kCounter: return 1;
    case MetricType::kGauge: return 2;
    case MetricType::kHistogram: return 3;
    case MetricType::kGaugeHistogram: return 4;
    case MetricType::kSummary: return 5;
    case MetricType::kInfo: return 6;
    case MetricType::kStateSet: return 7;
  }
  return 0;
}

// Labels and samples are most of a message, and their sizes are known before: written to the bytes
// themselves, nothing is moved to make room for a length.

// A field of bytes, tags below 16: a byte of tag, the length, the bytes.
size_t text_size(std::string_view text) {
  return 1 + static_cast<size_t>(protozero::length_of_varint(text.size())) + text.size();
}
void append_size(std::string& out, uint32_t tag, size_t size) {
  out.push_back(static_cast<char>(tag << 3 | 2));
  protozero::add_varint_to_buffer(&out, size);
}
void append_text(std::string& out, uint32_t tag, std::string_view text) {
  append_size(out, tag, text.size());
  out.append(text);
}

void append_label(std::string& out, const Label& label) {
  append_size(out, 1, text_size(label.name) + text_size(label.value));
  append_text(out, 1, label.name);
  append_text(out, 2, label.value);
}

void append_sample(std::string& out, const Sample& sample) {
  const auto t = static_cast<uint64_t>(sample.t);
  append_size(out, 2, 1 + sizeof(double) + 1 + static_cast<size_t>(protozero::length_of_varint(t)));
  char value[sizeof(double)];
  std::memcpy(value, &sample.v, sizeof value);
  out.push_back(1 << 3 | 1);  // 64 bits, little-endian as we are
  out.append(value, sizeof value);
  out.push_back(2 << 3 | 0);
  protozero::add_varint_to_buffer(&out, t);
}

}  // namespace

void RemoteWriteWriter::add(const Labels& labels, std::span<const Sample> samples,
                            std::span<const RemoteHistogram> histograms,
                            std::span<const Exemplar> exemplars, const Metadata* about) {
  if (version_ == RemoteWriteVersion::k1) return add_1(labels, samples, histograms, exemplars);
  add_2(labels, samples, histograms, exemplars, about);
}

void RemoteWriteWriter::add_1(const Labels& labels, std::span<const Sample> samples,
                              std::span<const RemoteHistogram> histograms,
                              std::span<const Exemplar> exemplars) {
  pbf_writer request(body_);
  pbf_writer message(request, 1);
  for (const auto& label : labels) append_label(body_, label);
  for (const auto& sample : samples) append_sample(body_, sample);
  for (const auto& exemplar : exemplars) {
    pbf_writer inner(message, 3);
    for (const auto& label : exemplar.labels) append_label(body_, label);
    inner.add_double(2, exemplar.value);
    inner.add_int64(3, exemplar.timestamp.value_or(0));
  }
  for (const auto& h : histograms) append_histogram_field(body_, 4, h.value, h.t);
}

void RemoteWriteWriter::add_metadata(std::string_view family, const Metadata& about) {
  pbf_writer request(body_);
  pbf_writer message(request, 3);
  message.add_enum(1, number_of(about.type));
  message.add_string(2, family.data(), family.size());
  message.add_string(4, about.help);
  message.add_string(5, about.unit);
}

uint32_t RemoteWriteWriter::symbol(std::string_view text) {
  if (const auto known = symbols_.find(text); known != symbols_.end()) return known->second;
  pbf_writer fields(symbol_fields_);
  // The first symbol is the empty text.
  if (symbols_.empty()) {
    fields.add_string(4, "");
    symbols_.emplace("", 0);
    if (text.empty()) return 0;
  }
  fields.add_string(4, text.data(), text.size());
  const auto ref = static_cast<uint32_t>(symbols_.size());
  symbols_.emplace(text, ref);
  return ref;
}

void RemoteWriteWriter::add_2(const Labels& labels, std::span<const Sample> samples,
                              std::span<const RemoteHistogram> histograms,
                              std::span<const Exemplar> exemplars, const Metadata* about) {
  std::vector<uint32_t> refs;
  const auto refer = [&](const Labels& to) {
    refs.clear();
    for (const auto& label : to) {
      refs.push_back(symbol(label.name));
      refs.push_back(symbol(label.value));
    }
  };
  pbf_writer request(body_);
  pbf_writer message(request, 5);
  refer(labels);
  message.add_packed_uint32(1, refs.begin(), refs.end());
  for (const auto& sample : samples) append_sample(body_, sample);
  for (const auto& h : histograms) append_histogram_field(body_, 3, h.value, h.t);
  for (const auto& exemplar : exemplars) {
    refer(exemplar.labels);
    pbf_writer inner(message, 4);
    inner.add_packed_uint32(1, refs.begin(), refs.end());
    inner.add_double(2, exemplar.value);
    inner.add_int64(3, exemplar.timestamp.value_or(0));
  }
  if (about == nullptr) return;
  pbf_writer inner(message, 5);
  inner.add_enum(1, number_of(about->type));
  inner.add_uint32(3, symbol(about->help));
  inner.add_uint32(4, symbol(about->unit));
}

void RemoteWriteWriter::finish(std::string& out) {
  out = std::move(symbol_fields_);
  out += body_;
  symbol_fields_.clear();
  body_.clear();
  symbols_.clear();
}

}  // namespace strata::wire
