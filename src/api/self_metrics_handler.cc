// /api/v1/status/self_metrics: the series of /metrics as JSON, as protojson prints
// io.prometheus.client.MetricFamily.
#include "api/api.h"
#include "api/handlers.h"
#include "base/json.h"
#include "base/number.h"
#include "wire/exposition.h"

namespace strata::api {
namespace {

struct Metric {
  double value = 0;
  double sum = 0;
  double count = 0;
  std::vector<std::pair<double, double>> parts;  // buckets or quantiles: bound, value
};

struct Family {
  std::string name;
  std::string help;
  MetricType type = MetricType::kUnknown;
  std::map<Labels, Metric> metrics;
};

bool has_parts(MetricType type) {
  return type == MetricType::kHistogram || type == MetricType::kSummary;
}

void add_sample(Family& family, const std::vector<Label>& labels, double value) {
  std::string_view suffix;
  std::string_view bound;
  LabelsBuilder own;
  for (const auto& label : labels) {
    if (label.name == kMetricName) {
      suffix = label.value.substr(std::min(family.name.size(), label.value.size()));
    } else if (has_parts(family.type) && (label.name == "le" || label.name == "quantile")) {
      bound = label.value;
    } else {
      own.set(label.name, label.value);
    }
  }
  auto& metric = family.metrics[own.build()];
  if (!bound.empty()) {
    metric.parts.emplace_back(parse_double(bound).value_or(0), value);
  } else if (has_parts(family.type)) {
    (suffix == "_sum" ? metric.sum : metric.count) = value;
  } else {
    metric.value = value;
  }
}

Result<std::vector<Family>> families_of(std::string_view text) {
  std::vector<Family> families;
  const auto family = [&](std::string_view name) -> Family& {
    if (families.empty() || families.back().name != name) {
      families.push_back({.name = std::string(name), .help = {}, .metrics = {}});
    }
    return families.back();
  };
  wire::ExpositionParser parser(text, wire::ExpositionFormat::kText);
  std::vector<Label> labels;
  while (true) {
    switch (TRY(parser.next())) {
      case wire::Entry::kEnd: return families;
      case wire::Entry::kHelp: family(parser.family()).help = parser.text(); break;
      case wire::Entry::kType: family(parser.family()).type = parser.type(); break;
      case wire::Entry::kSample:
        TRY(parser.labels(labels));
        if (families.empty()) family(Labels::from_sorted(labels).metric_name());
        add_sample(families.back(), labels, parser.value());
        break;
      case wire::Entry::kUnit:
      case wire::Entry::kComment: break;
    }
  }
}

void write_double(JsonWriter& json, std::string_view key, double value) {
  json.key(key);
  if (std::isfinite(value)) {
    json.number(value);
  } else {
    json.string(std::isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity");
  }
}

// protojson prints 64-bit integers as text.
void write_count(JsonWriter& json, std::string_view key, double value) {
  json.key(key).string(std::to_string(static_cast<uint64_t>(value)));
}

void write_value(JsonWriter& json, MetricType type, const Metric& metric) {
  switch (type) {
    case MetricType::kCounter: json.key("counter").begin_object(); break;
    case MetricType::kGauge: json.key("gauge").begin_object(); break;
    case MetricType::kHistogram: json.key("histogram").begin_object(); break;
    case MetricType::kSummary: json.key("summary").begin_object(); break;
    default: json.key("untyped").begin_object(); break;
  }
  if (!has_parts(type)) {
    write_double(json, "value", metric.value);
    json.end_object();
    return;
  }
  const bool buckets = type == MetricType::kHistogram;
  write_count(json, "sampleCount", metric.count);
  write_double(json, "sampleSum", metric.sum);
  json.key(buckets ? "bucket" : "quantile").begin_array();
  for (const auto& [bound, value] : metric.parts) {
    json.begin_object();
    if (buckets) {
      write_count(json, "cumulativeCount", value);
      write_double(json, "upperBound", bound);
    } else {
      write_double(json, "quantile", bound);
      write_double(json, "value", value);
    }
    json.end_object();
  }
  json.end_array().end_object();
}

std::string_view type_name(MetricType type) {
  switch (type) {
    case MetricType::kCounter: return "COUNTER";
    case MetricType::kGauge: return "GAUGE";
    case MetricType::kHistogram: return "HISTOGRAM";
    case MetricType::kSummary: return "SUMMARY";
    default: return "UNTYPED";
  }
}

void write_family(JsonWriter& json, const Family& family) {
  json.begin_object().key("name").string(family.name);
  if (!family.help.empty()) json.key("help").string(family.help);
  json.key("type").string(type_name(family.type)).key("metric").begin_array();
  for (const auto& [labels, metric] : family.metrics) {
    json.begin_object();
    if (!labels.empty()) {
      json.key("label").begin_array();
      for (const auto& label : labels) {
        json.begin_object().key("name").string(label.name);
        json.key("value").string(label.value).end_object();
      }
      json.end_array();
    }
    write_value(json, family.type, metric);
    json.end_object();
  }
  json.end_array().end_object();
}

}  // namespace

Result<Reply> self_metrics(const Services& services, Call& call) {
  std::optional<Regex> wanted;
  if (const auto pattern = call.parameter("metric_name_pattern"); !pattern.empty()) {
    auto regex = Regex::compile(pattern);
    if (!regex) return std::unexpected(regex.error().within("invalid metric_name_pattern"));
    wanted = std::move(*regex);
  }
  std::string text;
  services.own_exposition(text, metrics::Format::kText);
  const auto families = TRY(families_of(text));
  std::string data;
  JsonWriter json(data);
  json.begin_array();
  for (const auto& family : families) {
    if (!wanted || wanted->full_match(family.name)) write_family(json, family);
  }
  json.end_array();
  return success(call, data);
}

}  // namespace strata::api
