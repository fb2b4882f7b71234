// Metrics as text and as protobuf: Prometheus' text format 0.0.4, OpenMetrics 1.0, and the
// delimited io.prometheus.client.MetricFamily messages, the only one of the three that has native
// histograms. https://prometheus.io/docs/instrumenting/exposition_formats/
// https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md
#pragma once
#include <charconv>
#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "strata/metrics/exemplar.h"
#include "strata/metrics/protobuf.h"

namespace strata::metrics {

enum class Format : uint8_t { kText, kOpenMetrics, kProtobuf };

/// The value of Content-Type for `format`.
constexpr std::string_view content_type(Format format) {
  switch (format) {
    case Format::kText: break;
    case Format::kOpenMetrics: return "application/openmetrics-text; version=1.0.0; charset=utf-8";
    case Format::kProtobuf:
      return "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; "
             "encoding=delimited";
  }
  return "text/plain; version=0.0.4; charset=utf-8";
}

namespace detail {

enum class Type : uint8_t { kCounter, kGauge, kHistogram, kSummary };

inline void append_escaped(std::string& out, std::string_view text, bool quotes) {
  for (const char c : text) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '"' && quotes) {
      out += "\\\"";
    } else {
      out += c;
    }
  }
}

inline void append_number(std::string& out, uint64_t value) {
  char text[20];
  out.append(text, std::to_chars(text, text + sizeof text, value).ptr);
}
inline void append_number(std::string& out, double value) {
  if (std::isnan(value)) {
    out += "NaN";
  } else if (std::isinf(value)) {
    out += value < 0 ? "-Inf" : "+Inf";
  } else {
    char text[32];
    out.append(text, std::to_chars(text, text + sizeof text, value).ptr);
  }
}

/// key="value", after a comma when there are labels before it.
inline void append_label(std::string& labels, std::string_view key, std::string_view value) {
  if (!labels.empty()) labels += ',';
  labels.append(key).append("=\"");
  append_escaped(labels, value, true);
  labels += '"';
}

/// An upper bound as the value of `le`. OpenMetrics writes every bound as a float (1.0).
inline std::string bound_text(double bound, Format format) {
  std::string text;
  append_number(text, bound);
  if (format == Format::kOpenMetrics && text.find_first_of(".eIN") == std::string::npos) {
    text += ".0";
  }
  return text;
}

/// One series of a histogram as it is written. The views live as long as the call.
struct HistogramView {
  /// Classic buckets: upper bounds without +Inf as the text of `le` and as numbers, cumulative
  /// counts with that of +Inf last, and, where there are any, their exemplars.
  std::span<const std::string> le;
  std::span<const double> bounds;
  std::span<const uint64_t> cumulative;
  const ExemplarSlots* exemplars = nullptr;
  uint64_t count = 0;
  double sum = 0;
  /// Native buckets: index and count, ascending; only protobuf has them.
  struct Native {
    int schema = 0;
    double zero_threshold = 0;
    uint64_t zero_count = 0;
    std::span<const std::pair<int, uint64_t>> positive, negative;
  };
  const Native* native = nullptr;
};

/// Writes families into a string. `labels` are already in their written form.
class Exposition {
 public:
  Exposition(std::string& out, Format format) : out_(out), format_(format) {}

  Format format() const { return format_; }

  void family(std::string_view name, std::string_view help, Type type) {
    if (format_ == Format::kProtobuf) {
      end_message();
      Proto proto(family_);
      proto.text(1, name);
      proto.text(2, help);
      proto.integer(3, proto_type(type));
      return;
    }
    const bool open = format_ == Format::kOpenMetrics;
    if (open && type == Type::kCounter) name.remove_suffix(std::string_view("_total").size());
    out_.append("# HELP ").append(name).append(" ");
    append_escaped(out_, help, open);
    out_.append("\n# TYPE ").append(name).append(" ").append(type_name(type)).append("\n");
  }

  template <class Number>
  void counter(std::string_view name, std::string_view labels, Number value,
               const ExemplarSlots* exemplars = nullptr) {
    if (format_ == Format::kProtobuf) {
      return metric(labels, [&](Proto& metric) {
        metric.message(3, [&](Proto& counter) {
          counter.real(1, static_cast<double>(value));
          if (exemplars != nullptr) exemplar(counter, 2, exemplars->get(0));
        });
      });
    }
    line(name, "", labels, value, exemplars != nullptr ? exemplars->get(0) : ExemplarValue());
  }

  void gauge(std::string_view name, std::string_view labels, double value) {
    if (format_ == Format::kProtobuf) {
      return metric(labels, [&](Proto& metric) {
        metric.message(2, [&](Proto& gauge) { gauge.real(1, value); });
      });
    }
    line(name, "", labels, value, {});
  }

  /// `quantiles`: pairs of quantile and value.
  void summary(std::string_view name, std::string_view labels,
               std::span<const std::pair<double, double>> quantiles, double sum, uint64_t count) {
    if (format_ == Format::kProtobuf) {
      return metric(labels, [&](Proto& metric) {
        metric.message(4, [&](Proto& summary) {
          summary.integer(1, count);
          summary.real(2, sum);
          for (const auto& [quantile, value] : quantiles) {
            summary.message(3, [&, q = quantile, v = value](Proto& one) {
              one.real(1, q);
              one.real(2, v);
            });
          }
        });
      });
    }
    for (const auto& [quantile, value] : quantiles) {
      std::string with_quantile(labels);
      append_label(with_quantile, "quantile", bound_text(quantile, format_));
      line(name, "", with_quantile, value, {});
    }
    line(name, "_sum", labels, sum, {});
    line(name, "_count", labels, count, {});
  }

  void histogram(std::string_view name, std::string_view labels, const HistogramView& view) {
    if (format_ == Format::kProtobuf) {
      return metric(labels, [&](Proto& metric) {
        metric.message(7, [&](Proto& histogram) { write_histogram(histogram, view); });
      });
    }
    for (size_t i = 0; i < view.cumulative.size(); ++i) {
      out_.append(name).append("_bucket{").append(labels);
      if (!labels.empty()) out_ += ',';
      out_.append("le=\"");
      out_.append(i < view.le.size() ? std::string_view(view.le[i]) : "+Inf").append("\"} ");
      append_number(out_, view.cumulative[i]);
      end_line(view.exemplars != nullptr ? view.exemplars->get(i) : ExemplarValue());
    }
    line(name, "_sum", labels, view.sum, {});
    line(name, "_count", labels, view.count, {});
  }

  void end() {
    end_message();
    if (format_ == Format::kOpenMetrics) out_ += "# EOF\n";
  }

  /// A place to roll back to, so that a family that fails on its way leaves nothing.
  size_t mark() {
    end_message();
    return out_.size();
  }
  void roll_back(size_t mark) {
    family_.clear();
    out_.resize(mark);
  }

  /// For an instrument to put its counts in, used again by the next.
  std::vector<uint64_t>& counts() {
    counts_.clear();
    return counts_;
  }

 private:
  static std::string_view type_name(Type type) {
    switch (type) {
      case Type::kCounter: return "counter";
      case Type::kGauge: return "gauge";
      case Type::kHistogram: return "histogram";
      case Type::kSummary: return "summary";
    }
    return "untyped";
  }
  static uint64_t proto_type(Type type) {
    switch (type) {
      case Type::kCounter: return 0;
      case Type::kGauge: return 1;
      case Type::kSummary: return 2;
      case Type::kHistogram: return 4;
    }
    return 3;
  }

  template <class Number>
  void line(std::string_view name, std::string_view suffix, std::string_view labels, Number value,
            const ExemplarValue& exemplar) {
    out_.append(name).append(suffix);
    if (!labels.empty()) out_.append("{").append(labels).append("}");
    out_ += ' ';
    append_number(out_, value);
    end_line(exemplar);
  }
  void end_line(const ExemplarValue& exemplar) {
    if (format_ == Format::kOpenMetrics && !exemplar.labels.empty()) {
      out_.append(" # {").append(exemplar.labels).append("} ");
      append_number(out_, exemplar.value);
      out_ += ' ';
      append_number(out_, static_cast<double>(exemplar.unix_ms) / 1000);
    }
    out_ += '\n';
  }

  template <class Write>
  void metric(std::string_view labels, Write write) {
    Proto(family_).message(4, [&](Proto& metric) {
      write_labels(metric, labels);
      write(metric);
    });
  }
  static void write_labels(Proto& to, std::string_view labels) {
    for_each_label(labels, [&](std::string_view key, std::string_view value) {
      to.message(1, [&](Proto& pair) {
        pair.text(1, key);
        pair.text(2, value);
      });
    });
  }
  static void exemplar(Proto& to, uint32_t field, const ExemplarValue& value) {
    if (value.labels.empty()) return;
    to.message(field, [&](Proto& exemplar) {
      write_labels(exemplar, value.labels);
      exemplar.real(2, value.value);
      exemplar.message(3, [&](Proto& timestamp) {
        timestamp.integer(1, static_cast<uint64_t>(value.unix_ms / 1000));
        timestamp.integer(2, static_cast<uint64_t>(value.unix_ms % 1000) * 1'000'000);
      });
    });
  }
  static void write_histogram(Proto& to, const HistogramView& view) {
    to.integer(1, view.count);
    to.real(2, view.sum);
    for (size_t i = 0; i < view.cumulative.size(); ++i) {
      to.message(3, [&](Proto& bucket) {
        bucket.integer(1, view.cumulative[i]);
        bucket.real(2, i < view.bounds.size() ? view.bounds[i] : HUGE_VAL);
        if (view.exemplars != nullptr) exemplar(bucket, 3, view.exemplars->get(i));
      });
    }
    if (view.native == nullptr) return;
    to.zigzag(5, view.native->schema);
    to.real(6, view.native->zero_threshold);
    to.integer(7, view.native->zero_count);
    write_spans(to, 9, view.native->negative);
    write_spans(to, 12, view.native->positive);
    // Says that the histogram is native where it has no bucket yet.
    if (view.native->positive.empty() && view.native->negative.empty()) {
      to.message(12, [](Proto& span) {
        span.zigzag(1, 0);
        span.integer(2, 0);
      });
    }
  }
  /// Runs of neighbouring buckets in `field`, differences of their counts in the next.
  static void write_spans(Proto& to, uint32_t field,
                          std::span<const std::pair<int, uint64_t>> buckets) {
    int next = 0;
    for (size_t begin = 0; begin < buckets.size();) {
      size_t end = begin + 1;
      while (end < buckets.size() && buckets[end].first == buckets[end - 1].first + 1) ++end;
      to.message(field, [&](Proto& span) {
        span.zigzag(1, buckets[begin].first - next);
        span.integer(2, end - begin);
      });
      next = buckets[end - 1].first + 1;
      begin = end;
    }
    int64_t before = 0;
    for (const auto& [index, count] : buckets) {
      to.zigzag(field + 1, static_cast<int64_t>(count) - before);
      before = static_cast<int64_t>(count);
    }
  }

  void end_message() {
    if (family_.empty()) return;
    Proto(out_).varint(family_.size());
    out_ += family_;
    family_.clear();
  }

  std::string& out_;
  Format format_;
  std::string family_;  // the message that is being written
  std::vector<uint64_t> counts_;
};

}  // namespace detail
}  // namespace strata::metrics
