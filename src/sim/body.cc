#include "sim/body.h"

#include <fmt/format.h>

#include <cmath>
#include <iterator>

#include "wire/exposition_number.h"

namespace strata::sim {

void Body::family(std::string_view name, std::string_view type, std::string_view help) {
  name_ = name;
  fmt::format_to(std::back_inserter(out_), "# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
}

void Body::number(double value) {
  switch (style_) {
    case Style::kGo: return wire::append_go_float(out_, value);
    case Style::kPython: return wire::append_open_metrics_float(out_, value);
    case Style::kDcgm: break;
  }
  if (value == std::floor(value)) {
    fmt::format_to(std::back_inserter(out_), "{:.0f}", value);
  } else {
    fmt::format_to(std::back_inserter(out_), "{:.6f}", value);
  }
}

void Body::line(std::string_view suffix, std::string_view labels, std::string_view more,
                double value) {
  out_ += name_;
  out_ += suffix;
  if (!labels.empty() || !more.empty()) {
    out_ += '{';
    out_ += labels;
    if (!labels.empty() && !more.empty()) out_ += ',';
    out_ += more;
    out_ += '}';
  }
  out_ += ' ';
  number(value);
  out_ += '\n';
}

void Body::sample(std::string_view labels, double value, std::string_view more) {
  line({}, labels, more, value);
}

void Body::gauge(std::string_view name, std::string_view help, std::string_view labels,
                 double value) {
  family(name, "gauge", help);
  line({}, labels, {}, value);
}

void Body::counter(std::string_view name, std::string_view help, std::string_view labels,
                   double value) {
  family(name, "counter", help);
  line({}, labels, {}, value);
  created_of(name, help, labels);
}

void Body::created_of(std::string_view name, std::string_view help, std::string_view labels) {
  if (style_ != Style::kPython) return;
  if (name.ends_with("_total")) name.remove_suffix(6);
  fmt::format_to(std::back_inserter(out_), "# HELP {}_created {}\n# TYPE {}_created gauge\n", name,
                 help, name);
  const auto before = name_;
  name_ = name;
  line("_created", labels, {}, created_);
  name_ = before;
}

void Body::histogram(std::string_view name, std::string_view help, std::string_view labels,
                     const Counts& counts, double last_bound) {
  family(name, "histogram", help);
  histogram_samples(labels, counts, last_bound);
  created_of(name, help, labels);
}

void Body::histogram_samples(std::string_view labels, const Counts& counts, double last_bound) {
  uint64_t below = 0;
  std::string le;
  for (size_t i = 0; i < counts.bounds().size() && counts.bounds()[i] <= last_bound; ++i) {
    below += counts.counts()[i];
    le = "le=\"";
    if (style_ == Style::kPython) {
      wire::append_open_metrics_float(le, counts.bounds()[i]);
    } else {
      wire::append_go_float(le, counts.bounds()[i]);
    }
    le += '"';
    line("_bucket", labels, le, static_cast<double>(below));
  }
  line("_bucket", labels, "le=\"+Inf\"", static_cast<double>(counts.count()));
  line("_count", labels, {}, static_cast<double>(counts.count()));
  line("_sum", labels, {}, counts.sum());
}

std::string label_text(std::initializer_list<std::pair<std::string_view, std::string_view>> pairs) {
  std::string out;
  for (const auto& [name, value] : pairs) {
    if (!out.empty()) out += ',';
    out += name;
    out += "=\"";
    out += value;
    out += '"';
  }
  return out;
}

}  // namespace strata::sim
