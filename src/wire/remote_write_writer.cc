#include <protozero/pbf_writer.hpp>

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

int32_t number_of(CounterResetHint hint) {
  switch (hint) {
    case CounterResetHint::kUnknown: return 0;
    case CounterResetHint::kReset: return 1;
    case CounterResetHint::kNotReset: return 2;
    case CounterResetHint::kGauge: return 3;
  }
  return 0;
}

void write_label(pbf_writer& message, const Label& label) {
  pbf_writer inner(message, 1);
  inner.add_string(1, label.name.data(), label.name.size());
  inner.add_string(2, label.value.data(), label.value.size());
}

void write_sample(pbf_writer& message, const Sample& sample) {
  pbf_writer inner(message, 2);
  inner.add_double(1, sample.v);
  inner.add_int64(2, sample.t);
}

void write_spans(pbf_writer& message, uint32_t tag, const std::vector<BucketSpan>& spans) {
  for (const auto& span : spans) {
    pbf_writer inner(message, tag);
    inner.add_sint32(1, span.offset);
    inner.add_uint32(2, span.length);
  }
}

/// As floats: the model keeps no integers, and a receiver reads either.
void write_histogram(pbf_writer& message, uint32_t tag, const RemoteHistogram& histogram) {
  const FloatHistogram& h = histogram.value;
  pbf_writer inner(message, tag);
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
  inner.add_int64(15, histogram.t);
  inner.add_packed_double(16, h.custom_values.begin(), h.custom_values.end());
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
  for (const auto& label : labels) write_label(message, label);
  for (const auto& sample : samples) write_sample(message, sample);
  for (const auto& exemplar : exemplars) {
    pbf_writer inner(message, 3);
    for (const auto& label : exemplar.labels) write_label(inner, label);
    inner.add_double(2, exemplar.value);
    inner.add_int64(3, exemplar.timestamp.value_or(0));
  }
  for (const auto& histogram : histograms) write_histogram(message, 4, histogram);
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
  for (const auto& sample : samples) write_sample(message, sample);
  for (const auto& histogram : histograms) write_histogram(message, 3, histogram);
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
