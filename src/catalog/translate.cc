#include "catalog/translate.h"

#include <cmath>

#include "base/number.h"

namespace strata::catalog {
namespace {

bool holds(const Mapping& mapping, const Labels& series) {
  for (const auto& [label, pattern] : mapping.when) {
    if (!pattern.full_match(series.get(label))) return false;
  }
  return true;
}

// The series' name by `mapping`; "" when it is about another part of the family.
std::string name_of(const Mapping& mapping, std::string_view suffix) {
  switch (mapping.part) {
    case Part::kAll: return mapping.name + std::string(suffix);
    case Part::kSum: return suffix == "_sum" ? mapping.name : std::string();
    case Part::kCount: return suffix == "_count" ? mapping.name : std::string();
  }
  return {};
}

void rename(LabelsBuilder& labels, const std::vector<std::pair<std::string, std::string>>& names) {
  for (const auto& [from, to] : names) {
    const std::string value(labels.get(from));
    if (value.empty()) continue;
    labels.remove(from);
    if (labels.get(to).empty()) labels.set(to, value);
  }
}

// "gpu-node-01" of "gpu-node-01:8000", "fe80::1" of "[fe80::1]:8000".
std::string_view host_of(std::string_view instance) {
  if (instance.starts_with('[')) {
    const auto close = instance.find(']');
    return close == instance.npos ? instance : instance.substr(1, close - 1);
  }
  const auto colon = instance.rfind(':');
  return colon == instance.npos ? instance : instance.substr(0, colon);
}

// Factors that stand in labels; false when one of them is no number.
bool multiply(const Mapping& mapping, const Labels& series, double& factor) {
  for (const auto& label : mapping.product) {
    const auto value = parse_double(series.get(label));
    if (!value || !std::isfinite(*value)) return false;
    factor *= *value;
  }
  return true;
}

// A histogram in another unit has its bounds in that unit too.
void scale_bound(LabelsBuilder& labels, double factor) {
  const auto bound = parse_double(labels.get("le"));
  if (!bound || !std::isfinite(*bound)) return;
  auto text = format_double(*bound * factor);
  if (text.find_first_of(".e") == text.npos) text += ".0";  // as OpenMetrics spells it
  labels.set("le", text);
}

Labels labels_of(const Source& source, const Mapping& mapping, const Labels& series,
                 std::string_view name, bool scale_le) {
  LabelsBuilder labels(series);
  labels.set(kMetricName, name);
  for (const auto& label : mapping.drop) labels.remove(label);
  rename(labels, mapping.rename);
  for (const auto& label : source.drop) labels.remove(label);
  rename(labels, source.rename);
  for (const auto& [label, value] : mapping.set) labels.set(label, value);
  if (source.layer == Layer::kEngine) labels.set("engine_kind", source.kind);
  if (labels.get("node").empty()) labels.set("node", std::string(host_of(series.get("instance"))));
  if (scale_le) scale_bound(labels, mapping.factor);
  return labels.build();
}

}  // namespace

std::vector<Suggestion> translate(const Catalog& catalog, const Labels& series) {
  std::vector<Suggestion> suggestions;
  for (const auto& found : catalog.find(series.metric_name())) {
    const auto& source = *found.source;
    const auto rank = static_cast<uint32_t>(found.metric - source.metrics.data());
    for (const auto& mapping : found.metric->to) {
      const auto name = name_of(mapping, found.suffix);
      if (name.empty() || !holds(mapping, series)) continue;
      const bool counts_events =
          mapping.part == Part::kAll && (found.suffix == "_bucket" || found.suffix == "_count");
      double factor = counts_events ? 1 : mapping.factor;
      if (mapping.constant) factor = *mapping.constant;
      if (!multiply(mapping, series, factor)) continue;
      const bool scale_le = found.suffix == "_bucket" && mapping.factor != 1;
      suggestions.push_back({
          .labels = labels_of(source, mapping, series, name, scale_le),
          .source = static_cast<uint32_t>(&source - catalog.sources().data()),
          .rank = rank,
          .fold = mapping.fold,
          .factor = factor,
          .bits = mapping.bits,
          .is_constant = mapping.constant.has_value(),
      });
    }
  }
  return suggestions;
}

double apply(const Suggestion& suggestion, double raw) {
  if (suggestion.is_constant) return suggestion.factor;
  if (suggestion.bits != 0) {
    constexpr double kTooLarge = 18446744073709551616.0;  // 2^64
    if (!(raw >= 0 && raw < kTooLarge)) return std::nan("");
    return (static_cast<uint64_t>(raw) & suggestion.bits) != 0 ? suggestion.factor : 0;
  }
  return raw * suggestion.factor;
}

}  // namespace strata::catalog
