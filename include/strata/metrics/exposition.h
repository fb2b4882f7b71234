// Metrics as text: Prometheus' text format 0.0.4 and OpenMetrics 1.0.
// https://prometheus.io/docs/instrumenting/exposition_formats/
// https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md
#pragma once
#include <charconv>
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>

namespace strata::metrics {

enum class Format : uint8_t { kText, kOpenMetrics };

/// The value of Content-Type for `format`.
constexpr std::string_view content_type(Format format) {
  return format == Format::kText ? "text/plain; version=0.0.4; charset=utf-8"
                                 : "application/openmetrics-text; version=1.0.0; charset=utf-8";
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

/// Writes families into a string. `labels` are already in their written form.
class Exposition {
 public:
  Exposition(std::string& out, Format format) : out_(out), format_(format) {}

  Format format() const { return format_; }
  std::string& out() { return out_; }

  void family(std::string_view name, std::string_view help, Type type) {
    const bool open = format_ == Format::kOpenMetrics;
    if (open && type == Type::kCounter) name.remove_suffix(std::string_view("_total").size());
    out_.append("# HELP ").append(name).append(" ");
    append_escaped(out_, help, open);
    out_.append("\n# TYPE ").append(name).append(" ").append(type_name(type)).append("\n");
  }

  template <class Number>
  void sample(std::string_view name, std::string_view labels, Number value) {
    out_ += name;
    if (!labels.empty()) out_.append("{").append(labels).append("}");
    out_ += ' ';
    append_number(out_, value);
    out_ += '\n';
  }

  void bucket(std::string_view name, std::string_view labels, std::string_view le, uint64_t count) {
    out_.append(name).append("_bucket{").append(labels);
    if (!labels.empty()) out_ += ',';
    out_.append("le=\"").append(le).append("\"} ");
    append_number(out_, count);
    out_ += '\n';
  }

  void end() {
    if (format_ == Format::kOpenMetrics) out_ += "# EOF\n";
  }

 private:
  static std::string_view type_name(Type type) {
    switch (type) {
      case Type::kCounter: return "counter";
      case Type::kGauge: return "gauge";
      case Type::kHistogram: return "histogram";
      case Type::kSummary: return "summary";
    }
    return "unknown";
  }

  std::string& out_;
  Format format_;
};

}  // namespace detail
}  // namespace strata::metrics
