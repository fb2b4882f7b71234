#include "wire/protobuf_exposition.h"

#include <algorithm>
#include <cmath>

#include "base/number.h"
#include "base/utf8.h"
#include "model/histogram_buckets.h"
#include "wire/exposition_number.h"
#include "wire/protobuf_message.h"

namespace strata::wire {
namespace {

// Schemas 9 to 52 are reserved for what Prometheus reads as 8 already.
constexpr int32_t kFinestKnown = 52;

void append_escaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '"') {
      out += "\\\"";
    } else {
      out += c;
    }
  }
}

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  append_escaped(out, text);
  out += '"';
}

std::string_view type_word(ProtoType type) {
  switch (type) {
    case ProtoType::kCounter: return "counter";
    case ProtoType::kGauge: return "gauge";
    case ProtoType::kSummary: return "summary";
    case ProtoType::kUntyped: return "unknown";
    case ProtoType::kHistogram: return "histogram";
    case ProtoType::kGaugeHistogram: return "gaugehistogram";
  }
  return "unknown";
}

/// Milliseconds as OpenMetrics' seconds, exactly.
void append_seconds(std::string& out, TimestampMs t) {
  if (t < 0) out += '-';
  const uint64_t ms = t < 0 ? 0 - static_cast<uint64_t>(t) : static_cast<uint64_t>(t);
  out += fmt::format("{}.{:03}", ms / 1000, ms % 1000);
}

Result<> check_labels(const std::vector<ProtoLabel>& labels) {
  for (const ProtoLabel& label : labels) {
    if (label.name.empty() || !is_utf8(label.name))
      return bad_data("protobuf: a label without a name");
    if (!is_utf8(label.value)) {
      return bad_data(fmt::format("protobuf: the value of label {} is not UTF-8", label.name));
    }
  }
  return {};
}

Result<> check_spans(const std::vector<BucketSpan>& spans, size_t buckets) {
  uint64_t length = 0;
  for (size_t i = 0; i < spans.size(); ++i) {
    if (i > 0 && spans[i].offset < 0) return bad_data("native histogram: spans that overlap");
    length += spans[i].length;
  }
  if (length == buckets) return {};
  return bad_data(
      fmt::format("native histogram: spans for {} buckets, and {} of them", length, buckets));
}

/// Writes one family's series. `suffix` is appended to its name; `extra`, a label that the format
/// implies, is spelt as a float.
class SeriesWriter {
 public:
  SeriesWriter(std::string& out, std::string_view family)
      : out_(out), family_(family), classic_(is_classic_metric_name(family)) {}

  void begin(std::string_view suffix, const std::vector<ProtoLabel>& labels,
             std::string_view extra = {}, double bound = 0) {
    char before = '{';
    if (classic_) {
      out_.append(family_).append(suffix);
    } else {
      out_ += "{\"";
      append_escaped(out_, family_);
      out_.append(suffix).append("\"");
      before = ',';
    }
    for (const ProtoLabel& label : labels) {
      out_ += std::exchange(before, ',');
      write_label(label);
    }
    if (!extra.empty()) {
      out_ += std::exchange(before, ',');
      out_.append(extra).append("=\"");
      append_open_metrics_float(out_, bound);
      out_ += '"';
    }
    if (before == ',') out_ += '}';
  }
  void value(double value) {
    out_ += ' ';
    append_double_g(out_, value);
  }
  void timestamp(const std::optional<TimestampMs>& t) {
    if (!t) return;
    out_ += ' ';
    append_seconds(out_, *t);
  }
  void exemplar(const std::optional<ProtoExemplar>& exemplar) {
    if (!exemplar) return;
    out_ += " # {";
    bool first = true;
    for (const ProtoLabel& label : exemplar->labels) {
      if (!std::exchange(first, false)) out_ += ',';
      write_label(label);
    }
    out_ += '}';
    value(exemplar->value);
    timestamp(exemplar->timestamp);
  }
  void end() { out_ += '\n'; }

 private:
  void write_label(const ProtoLabel& label) {
    if (is_classic_label_name(label.name)) {
      out_ += label.name;
    } else {
      append_quoted(out_, label.name);
    }
    out_ += '=';
    append_quoted(out_, label.value);
  }

  std::string& out_;
  const std::string_view family_;
  const bool classic_;
};

class Translator {
 public:
  Translator(const ProtobufOptions& options, ProtobufExposition& out)
      : options_(options), out_(out) {}

  Result<> family(const ProtoFamily& family) {
    if (family.metrics.empty()) return {};
    if (family.name.empty() || !is_utf8(family.name)) {
      return bad_data("protobuf: a metric family without a name");
    }
    if (!is_utf8(family.help) || !is_utf8(family.unit)) {
      return bad_data(fmt::format("protobuf: help of {} is not UTF-8", family.name));
    }
    head(family);
    for (const std::string_view message : family.metrics) {
      const ProtoMetric metric = TRY(read_metric(message, family.type));
      TRY(check_labels(metric.labels));
      if (metric.exemplar) TRY(check_labels(metric.exemplar->labels));
      TRY(series(family, metric));
      if (out_.text.size() > kMaxText) {
        return fail(ErrorCode::kLimit, "protobuf: more than 512 MiB of text");
      }
    }
    return {};
  }

 private:
  void comment(std::string_view word, std::string_view name) {
    out_.text.append("# ").append(word).append(" ");
    if (is_classic_metric_name(name)) {
      out_.text += name;
    } else {
      append_quoted(out_.text, name);
    }
    out_.text += ' ';
  }

  void head(const ProtoFamily& family) {
    comment("TYPE", family.name);
    out_.text.append(type_word(family.type)).append("\n");
    if (!family.help.empty()) {
      comment("HELP", family.name);
      append_escaped(out_.text, family.help);
      out_.text += '\n';
    }
    // Text has no way to escape a unit; what has no business in one is not one.
    if (!family.unit.empty() && !family.unit.contains('\n')) {
      comment("UNIT", family.name);
      out_.text.append(family.unit).append("\n");
    }
  }

  Result<> series(const ProtoFamily& family, const ProtoMetric& metric) {
    switch (family.type) {
      case ProtoType::kCounter:
      case ProtoType::kGauge:
      case ProtoType::kUntyped: plain(family, metric); return {};
      case ProtoType::kSummary: summary(family, metric); return {};
      case ProtoType::kHistogram:
      case ProtoType::kGaugeHistogram: return histogram(family, metric);
    }
    return {};
  }

  void plain(const ProtoFamily& family, const ProtoMetric& metric) {
    SeriesWriter writer(out_.text, family.name);
    writer.begin("", metric.labels);
    writer.value(metric.value);
    writer.timestamp(metric.timestamp);
    if (family.type == ProtoType::kCounter) writer.exemplar(metric.exemplar);
    writer.end();
    if (family.type == ProtoType::kCounter) created(writer, metric, metric.created);
  }

  /// <name>_count and <name>_sum.
  void totals(SeriesWriter& writer, const ProtoMetric& metric, double count, double sum) {
    for (const auto& [suffix, value] : {std::pair("_count", count), std::pair("_sum", sum)}) {
      writer.begin(suffix, metric.labels);
      writer.value(value);
      writer.timestamp(metric.timestamp);
      writer.end();
    }
  }

  void created(SeriesWriter& writer, const ProtoMetric& metric,
               const std::optional<TimestampMs>& at) {
    if (!options_.created_series || !at) return;
    writer.begin("_created", metric.labels);
    out_.text += ' ';
    append_seconds(out_.text, *at);
    writer.timestamp(metric.timestamp);
    writer.end();
  }

  void summary(const ProtoFamily& family, const ProtoMetric& metric) {
    SeriesWriter writer(out_.text, family.name);
    totals(writer, metric, metric.count, metric.value);
    for (const ProtoQuantile& quantile : metric.quantiles) {
      writer.begin("", metric.labels, "quantile", quantile.quantile);
      writer.value(quantile.value);
      writer.timestamp(metric.timestamp);
      writer.end();
    }
    created(writer, metric, metric.created);
  }

  Result<> histogram(const ProtoFamily& family, const ProtoMetric& metric) {
    static const ProtoHistogram kNone;
    const ProtoHistogram& histogram = metric.histogram ? *metric.histogram : kNone;
    for (const ProtoBucket& bucket : histogram.buckets) {
      if (bucket.exemplar) TRY(check_labels(bucket.exemplar->labels));
    }
    if (options_.native && histogram.is_native()) {
      TRY(native(family, metric, histogram));
      if (!options_.classic_beside_native) return {};
    }
    SeriesWriter writer(out_.text, family.name);
    totals(writer, metric, histogram.count, histogram.sum);
    bool has_infinity = false;
    for (const ProtoBucket& bucket : histogram.buckets) {
      write_bucket(writer, metric, bucket.upper_bound, bucket.count, bucket.exemplar);
      has_infinity = std::isinf(bucket.upper_bound) && bucket.upper_bound > 0;
      if (has_infinity) break;
    }
    if (!has_infinity) write_bucket(writer, metric, INFINITY, histogram.count, std::nullopt);
    created(writer, metric, histogram.created);
    return {};
  }

  static void write_bucket(SeriesWriter& writer, const ProtoMetric& metric, double bound,
                           double count, const std::optional<ProtoExemplar>& exemplar) {
    writer.begin("_bucket", metric.labels, "le", bound);
    writer.value(count);
    writer.timestamp(metric.timestamp);
    writer.exemplar(exemplar);
    writer.end();
  }

  Result<> native(const ProtoFamily& family, const ProtoMetric& metric,
                  const ProtoHistogram& histogram) {
    const FloatHistogram& value = histogram.native;
    const auto checked = [&](Result<> result) -> Result<> {
      if (result) return {};
      return std::unexpected(result.error().within(family.name));
    };
    TRY(checked(check_spans(value.positive_spans, value.positive_buckets.size())));
    TRY(checked(check_spans(value.negative_spans, value.negative_buckets.size())));
    if (value.schema < -4 || value.schema > kFinestKnown) {
      return bad_data(fmt::format("{}: native histogram: schema {}", family.name, value.schema));
    }
    NativeHistogram& out = out_.native.emplace_back();
    std::vector<Label> labels = {{kMetricName, family.name}};
    for (const ProtoLabel& label : metric.labels) labels.push_back({label.name, label.value});
    out.labels = Labels::from(std::move(labels));
    out.value = value.schema > 8 ? reduce_resolution(value, 8) : value;
    if (family.type == ProtoType::kGaugeHistogram) {
      out.value.counter_reset_hint = CounterResetHint::kGauge;
    }
    out.timestamp = metric.timestamp;
    out.created = histogram.created;
    for (const ProtoExemplar& exemplar : histogram.exemplars) {
      TRY(check_labels(exemplar.labels));
      if (!exemplar.timestamp) continue;  // which it needs here, Prometheus says
      std::vector<Label> exemplar_labels;
      for (const ProtoLabel& label : exemplar.labels) {
        exemplar_labels.push_back({label.name, label.value});
      }
      out.exemplars.push_back(
          {Labels::from(std::move(exemplar_labels)), exemplar.value, exemplar.timestamp});
    }
    return {};
  }

  const ProtobufOptions& options_;
  ProtobufExposition& out_;
};

}  // namespace

bool is_protobuf(std::string_view content_type) {
  std::string media;
  for (const char c : content_type.substr(0, content_type.find(';'))) {
    if (c == ' ' || c == '\t') continue;
    media += c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  }
  return media == "application/vnd.google.protobuf";
}

Result<> read_protobuf_exposition(std::string_view body, const ProtobufOptions& options,
                                  ProtobufExposition& out) {
  out.text.clear();
  out.native.clear();
  Translator translator(options, out);
  while (!body.empty()) {
    const std::string_view message = TRY(next_message(body));
    const ProtoFamily family = TRY(read_family(message));
    TRY(translator.family(family));
  }
  out.text += "# EOF\n";
  return {};
}

}  // namespace strata::wire
