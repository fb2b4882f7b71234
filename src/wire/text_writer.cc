#include "wire/text_writer.h"

#include <string_view>

#include "base/number.h"
#include "wire/exposition_number.h"

namespace strata::wire {
namespace {

constexpr std::string_view kTotal = "_total";

// OpenMetrics: a quote in help is escaped as in a label value.
void append_escaped(std::string& out, std::string_view text, bool quotes) {
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

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  append_escaped(out, text, true);
  out += '"';
}

void append_metric_name(std::string& out, std::string_view name) {
  if (is_classic_metric_name(name)) {
    out += name;
  } else {
    append_quoted(out, name);
  }
}

std::string_view type_word(MetricType type, ExpositionFormat format) {
  if (format == ExpositionFormat::kOpenMetrics) return to_string(type);
  switch (type) {
    case MetricType::kUnknown: return "untyped";
    case MetricType::kInfo:
    case MetricType::kStateSet: return "gauge";
    case MetricType::kGaugeHistogram: return "histogram";
    default: return to_string(type);
  }
}

class FamilyWriter {
 public:
  FamilyWriter(std::string& out, const MetricFamily& family, ExpositionFormat format)
      : out_(out),
        family_(family),
        format_(format),
        open_metrics_(format == ExpositionFormat::kOpenMetrics) {}

  void write() {
    std::string_view announced = family_.name;
    // The family of a counter is called without the suffix that its samples must have.
    if (open_metrics_ && family_.type == MetricType::kCounter && announced.ends_with(kTotal)) {
      announced.remove_suffix(kTotal.size());
    }
    if (!family_.help.empty()) {
      out_ += "# HELP ";
      append_metric_name(out_, announced);
      out_ += ' ';
      append_escaped(out_, family_.help, open_metrics_);
      out_ += '\n';
    }
    out_ += "# TYPE ";
    append_metric_name(out_, announced);
    out_ += ' ';
    out_ += type_word(family_.type, format_);
    out_ += '\n';
    for (const auto& sample : family_.samples) write_sample(sample);
  }

 private:
  void write_sample(const MetricFamily::Sample& sample) {
    const bool classic = is_classic_metric_name(family_.name);
    const bool add_total = open_metrics_ && family_.type == MetricType::kCounter &&
                           sample.suffix.empty() && !family_.name.ends_with(kTotal);
    name_.assign(family_.name).append(sample.suffix).append(add_total ? kTotal : "");
    char before = '{';
    if (classic) {
      out_ += name_;
    } else {
      out_ += '{';
      append_quoted(out_, name_);
      before = ',';
    }
    for (const auto& label : sample.labels) {
      out_ += before;
      before = ',';
      write_label(label);
    }
    if (before == ',') out_ += '}';
    out_ += ' ';
    append_go_float(out_, sample.value);
    out_ += '\n';
  }

  void write_label(const Label& label) {
    if (is_classic_label_name(label.name)) {
      out_ += label.name;
    } else {
      append_quoted(out_, label.name);
    }
    out_ += '=';
    const bool is_float = (label.name == "le" && (family_.type == MetricType::kHistogram ||
                                                  family_.type == MetricType::kGaugeHistogram)) ||
                          (label.name == "quantile" && family_.type == MetricType::kSummary);
    const auto bound = open_metrics_ && is_float ? parse_value(label.value) : std::nullopt;
    if (bound) {
      out_ += '"';
      append_open_metrics_float(out_, *bound);
      out_ += '"';
    } else {
      append_quoted(out_, label.value);
    }
  }

  std::string& out_;
  const MetricFamily& family_;
  const ExpositionFormat format_;
  const bool open_metrics_;
  std::string name_;
};

}  // namespace

void append_exposition(std::string& out, std::span<const MetricFamily> families,
                       ExpositionFormat format) {
  for (const auto& family : families) FamilyWriter(out, family, format).write();
  if (format == ExpositionFormat::kOpenMetrics) out += "# EOF\n";
}

}  // namespace strata::wire
