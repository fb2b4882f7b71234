#include "catalog/reader.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "config/decode.h"

namespace strata::config {

template <>
struct EnumNames<catalog::Layer> {
  static constexpr std::array<std::pair<std::string_view, catalog::Layer>, 3> kNames = {
      {{"gpu", catalog::Layer::kGpu},
       {"engine", catalog::Layer::kEngine},
       {"app", catalog::Layer::kApp}}};
};
template <>
struct EnumNames<catalog::Fold> {
  static constexpr std::array<std::pair<std::string_view, catalog::Fold>, 4> kNames = {
      {{"first", catalog::Fold::kFirst},
       {"sum", catalog::Fold::kSum},
       {"max", catalog::Fold::kMax},
       {"total", catalog::Fold::kTotal}}};
};
template <>
struct EnumNames<catalog::Part> {
  static constexpr std::array<std::pair<std::string_view, catalog::Part>, 3> kNames = {
      {{"all", catalog::Part::kAll},
       {"sum", catalog::Part::kSum},
       {"count", catalog::Part::kCount}}};
};
template <>
struct EnumNames<MetricType> {
  static constexpr std::array<std::pair<std::string_view, MetricType>, 5> kNames = {
      {{"counter", MetricType::kCounter},
       {"gauge", MetricType::kGauge},
       {"histogram", MetricType::kHistogram},
       {"summary", MetricType::kSummary},
       {"info", MetricType::kInfo}}};
};

}  // namespace strata::config

namespace strata::catalog {
namespace {

using config::Decoder;
using config::FieldReader;
using config::StringPairs;
using config::YamlNode;

constexpr std::string_view kUnits[] = {
    "",         "seconds",     "milliseconds", "microseconds", "nanoseconds", "ratio",
    "percent",  "bytes",       "kibibytes",    "mebibytes",    "celsius",     "watts",
    "joules",   "millijoules", "microjoules",  "hertz",        "megahertz",   "tokens",
    "requests", "blocks",      "items",        "tokens/s",     "bytes/s",     "megabytes/s",
    "usd",      "volts",       "unix seconds", "flags",        "megabytes",   "gigabytes",
};

}  // namespace

// What FieldReader finds by argument-dependent lookup: types of this namespace around lists that
// have no decode() of their own in config/.
struct ConditionsField {
  std::vector<std::pair<std::string, Regex>>& conditions;
};
struct ValuesField {
  std::vector<std::pair<std::string, std::vector<std::string>>>& values;
};
struct MappingsField {
  std::vector<Mapping>& mappings;
};
// `key:` with nothing after it leaves the list empty.
void set_zero(ConditionsField&) {}
void set_zero(ValuesField&) {}
void set_zero(MappingsField&) {}

void decode(Decoder& d, std::string_view key, const YamlNode& node, ConditionsField& out) {
  StringPairs pairs;
  config::decode(d, key, node, pairs);
  for (auto& [label, pattern] : pairs) {
    auto regex = Regex::compile(pattern);
    if (!regex) return d.fail(node.mark, fmt::format("{}: {}", label, regex.error().message));
    out.conditions.emplace_back(label, std::move(*regex));
  }
}

void decode(Decoder& d, std::string_view key, const YamlNode& node, ValuesField& out) {
  if (node.kind != YamlNode::Kind::kMapping) return d.mismatch(key, node, "a mapping");
  for (const auto& entry : node.entries) {
    std::vector<std::string> values;
    config::decode(d, entry.key, entry.value, values);
    out.values.emplace_back(entry.key, std::move(values));
  }
}

void fields(FieldReader& v, Mapping& m) {
  ConditionsField when{m.when};
  v.field("name", m.name);
  v.field("part", m.part);
  v.field("when", when);
  v.field("factor", m.factor);
  v.field("constant", m.constant);
  v.field("product", m.product);
  v.field("bits", m.bits);
  v.field("rename", m.rename);
  v.field("set", m.set);
  v.field("drop", m.drop);
  v.field("fold", m.fold);
}

void check(Decoder& d, const YamlNode& node, Mapping& m) {
  if (m.name.empty()) d.fail(node.mark, "a mapping has no \"name\"");
  if (!std::isfinite(m.factor) || m.factor == 0) d.fail(node.mark, "factor: not a usable number");
}

// `to: NAME`, or a list of mappings.
void decode(Decoder& d, std::string_view key, const YamlNode& node, MappingsField& out) {
  if (node.kind == YamlNode::Kind::kScalar) {
    config::decode(d, key, node, out.mappings.emplace_back().name);
    return;
  }
  config::decode(d, key, node, out.mappings);
}

void fields(FieldReader& v, Metric& m) {
  ValuesField values{m.values};
  MappingsField to{m.to};
  v.field("name", m.name);
  v.field("type", m.type);
  v.field("unit", m.unit);
  v.field("min", m.min);
  v.field("max", m.max);
  v.field("since", m.since);
  v.field("until", m.until);
  v.field("replaced_by", m.replaced_by);
  v.field("labels", m.labels);
  v.field("values", values);
  v.field("enable", m.enable);
  v.field("beware", m.beware);
  v.field("mistyped", m.mistyped);
  v.field("sticky", m.sticky);
  v.field("last_bucket", m.last_bucket);
  v.field("note", m.note);
  v.field("from", m.from);
  v.field("to", to);
  m.line = v.node().mark.line;
}

namespace {
void check_unit(Decoder& d, const YamlNode& node, const std::string& unit) {
  if (std::ranges::find(kUnits, unit) == std::end(kUnits)) {
    d.fail(node.mark, fmt::format("unit: \"{}\" is not one of the catalog's units", unit));
  }
}
}  // namespace

void check(Decoder& d, const YamlNode& node, Metric& m) {
  if (m.name.empty()) return d.fail(node.mark, "a metric has no \"name\"");
  if (m.type == MetricType::kUnknown) d.fail(node.mark, m.name + ": \"type\" is missing");
  check_unit(d, node, m.unit);
  if (m.min > m.max) d.fail(node.mark, m.name + ": min is above max");
  if (!m.until.empty() && m.replaced_by.empty() && m.note.empty()) {
    d.fail(node.mark, m.name + ": it is gone, so say what replaces it (replaced_by) or why (note)");
  }
  const bool distribution = m.type == MetricType::kHistogram || m.type == MetricType::kSummary;
  for (const auto& mapping : m.to) {
    if (mapping.part != Part::kAll && !distribution) {
      d.fail(node.mark, m.name + ": only a histogram or summary has parts");
    }
  }
  if (m.last_bucket != 0 && m.type != MetricType::kHistogram) {
    d.fail(node.mark, m.name + ": only a histogram has buckets");
  }
}

void fields(FieldReader& v, CanonicalMetric& m) {
  v.field("name", m.name);
  v.field("type", m.type);
  v.field("unit", m.unit);
  v.field("min", m.min);
  v.field("max", m.max);
  v.field("labels", m.labels);
  v.field("help", m.help);
}

void check(Decoder& d, const YamlNode& node, CanonicalMetric& m) {
  if (!is_classic_metric_name(m.name)) d.fail(node.mark, "not a metric's name: " + m.name);
  if (m.type == MetricType::kUnknown) d.fail(node.mark, m.name + ": \"type\" is missing");
  if (m.help.empty()) d.fail(node.mark, m.name + ": \"help\" is missing");
  check_unit(d, node, m.unit);
}

void fields(FieldReader& v, Likeness& like) {
  v.field("kind", like.kind);
  v.field("replace", like.from);
  v.field("by", like.to);
  v.field("bare_counters", like.bare_counters);
}

void fields(FieldReader& v, ParsedFile& file) {
  v.field("canonical", file.canonical);
  if (!file.canonical.empty()) return;
  auto& [source, like, like_mark] = file.sources.emplace_back();
  v.field("kind", source.kind);
  v.field("title", source.title);
  v.field("layer", source.layer);
  v.field("endpoint", source.endpoint);
  v.field("from", source.from);
  v.field("detect", source.detect);
  v.field("excludes", source.excludes);
  v.field("note", source.note);
  v.field("labels", source.labels);
  v.field("rename", source.rename);
  v.field("drop", source.drop);
  v.field("like", like);
  v.field("metrics", source.metrics);
  if (const auto* entry = v.node().find("like")) like_mark = entry->key_mark;
}

void check(Decoder& d, const YamlNode& node, ParsedFile& file) {
  for (const auto& [source, like, like_mark] : file.sources) {
    if (source.kind.empty()) d.fail(node.mark, "\"kind\" is missing");
    if (source.title.empty()) d.fail(node.mark, "\"title\" is missing");
    if (source.from.empty()) d.fail(node.mark, "\"from\" is missing: where was this read?");
    if (source.detect.empty()) d.fail(node.mark, "\"detect\" is missing");
    if (source.metrics.empty() && like.kind.empty()) d.fail(node.mark, "\"metrics\" is missing");
  }
}

std::span<const std::string_view> units() { return kUnits; }

Result<ParsedFile> read_file(const CatalogFile& file) {
  const auto root = TRY(config::parse_yaml(file.text, file.name));
  Decoder decoder(file.name);
  ParsedFile parsed;
  config::decode(decoder, "catalog", root, parsed);
  TRY(decoder.result());
  for (auto& source : parsed.sources) source.source.file = file.name;
  return parsed;
}

}  // namespace strata::catalog
