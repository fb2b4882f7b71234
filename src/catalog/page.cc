#include "catalog/page.h"

#include <algorithm>
#include <cmath>

#include "base/number.h"

namespace strata::catalog {
namespace {

std::string range_of(double min, double max) {
  if (std::isinf(min) && std::isinf(max)) return "";
  const auto text = [](double value) {
    std::string out;
    append_double_g(out, value);
    return out;
  };
  if (std::isinf(max)) return "from " + text(min);
  return text(min) + " to " + text(max);
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

std::string versions(const Metric& metric) {
  if (metric.since.empty() && metric.until.empty()) return "";
  if (metric.until.empty()) return "since " + metric.since;
  if (metric.since.empty()) return "gone since " + metric.until;
  return metric.since + " until before " + metric.until;
}

// " = 1" and the like: how the value of a canonical metric comes about.
std::string how(const Mapping& mapping) {
  std::string out;
  if (mapping.part == Part::kSum) out += ", its _sum";
  if (mapping.part == Part::kCount) out += ", its _count";
  for (const auto& [label, pattern] : mapping.when) {
    out += pattern.pattern().empty() ? fmt::format(", without {}", label)
                                     : fmt::format(", {}=~\"{}\"", label, pattern.pattern());
  }
  if (mapping.factor != 1) {
    out += ", times ";
    append_double_g(out, mapping.factor);
  }
  if (!mapping.product.empty()) out += ", times the labels " + joined(mapping.product);
  if (mapping.bits != 0) out += fmt::format(", flag {:#x}", mapping.bits);
  for (const auto& [from, to] : mapping.rename) out += fmt::format(", {} as {}", from, to);
  for (const auto& [label, value] : mapping.set) out += fmt::format(", {}=\"{}\"", label, value);
  if (mapping.fold == Fold::kTotal) out += ", added up with its like";
  return out.empty() ? out : " (" + out.substr(2) + ")";
}

void append_metric(std::string& out, const Source& source, const Metric& metric) {
  out += fmt::format("{}: {} of {}\n", metric.name, to_string(metric.type), source.title);
  const auto line = [&](std::string_view key, const std::string& value) {
    if (!value.empty()) out += fmt::format("  {:<10} {}\n", key, value);
  };
  line("unit", metric.unit);
  line("range", range_of(metric.min, metric.max));
  auto labels = source.labels;
  labels.insert(labels.end(), metric.labels.begin(), metric.labels.end());
  line("labels", joined(labels));
  for (const auto& [label, values] : metric.values) {
    line("values", fmt::format("{}: {}", label, joined(values)));
  }
  line("versions", versions(metric));
  if (!metric.replaced_by.empty()) line("instead", "use " + metric.replaced_by);
  line("needs", metric.enable);
  line("beware", metric.beware);
  line("note", metric.note);
  for (const auto& mapping : metric.to) line("becomes", mapping.name + how(mapping));
  line("endpoint", source.endpoint);
  line("source", metric.from.empty() ? source.from : metric.from);
}

void append_canonical(std::string& out, const Catalog& catalog, const CanonicalMetric& metric) {
  out += fmt::format("{}: canonical {}\n  {}\n", metric.name, to_string(metric.type), metric.help);
  if (!metric.unit.empty()) out += fmt::format("  {:<10} {}\n", "unit", metric.unit);
  const auto range = range_of(metric.min, metric.max);
  if (!range.empty()) out += fmt::format("  {:<10} {}\n", "range", range);
  out += fmt::format("  {:<10} {}\n", "labels", joined(metric.labels));
  for (const auto& source : catalog.sources()) {
    for (const auto& raw : source.metrics) {
      for (const auto& mapping : raw.to) {
        if (mapping.name != metric.name) continue;
        const auto when = versions(raw);
        out += fmt::format("  {:<10} {}{}{}\n", "from", raw.name, how(mapping),
                           when.empty() ? "" : ", " + when);
      }
    }
  }
}

// For a cell of a table.
std::string escaped(std::string text) {
  for (size_t at = 0; (at = text.find('|', at)) != text.npos; at += 2) text.insert(at, "\\");
  return text;
}

std::string notes_of(const Metric& metric) {
  std::vector<std::string> notes;
  if (const auto when = versions(metric); !when.empty()) notes.push_back(when);
  if (!metric.replaced_by.empty()) notes.push_back("use `" + metric.replaced_by + "`");
  if (!metric.enable.empty()) notes.push_back("needs " + metric.enable);
  if (!metric.beware.empty()) notes.push_back(metric.beware);
  if (!metric.note.empty()) notes.push_back(metric.note);
  std::string out;
  for (const auto& note : notes) out += (out.empty() ? "" : "; ") + note;
  return escaped(out);
}

void append_source_page(std::string& out, const Source& source) {
  out += fmt::format("\n## {}\n`engine_kind` or kind: `{}`. Answers at {}.\n\n", source.title,
                     source.kind, source.endpoint);
  out += fmt::format("Read from {}.\n", source.from);
  if (!source.note.empty()) out += fmt::format("\n{}\n", source.note);
  if (!source.labels.empty()) {
    out += fmt::format("\nLabels: {}.\n", escaped(joined(source.labels)));
  }
  out += "\n| name | type | unit | range | becomes | notes |\n|---|---|---|---|---|---|\n";
  for (const auto& metric : source.metrics) {
    std::string becomes;
    for (const auto& mapping : metric.to) {
      becomes += fmt::format("{}`{}`{}", becomes.empty() ? "" : "; ", mapping.name, how(mapping));
    }
    std::string labels;
    if (!metric.labels.empty()) labels = "{" + joined(metric.labels) + "}";
    out += fmt::format("| `{}{}` | {} | {} | {} | {} | {} |\n", metric.name, labels,
                       to_string(metric.type), metric.unit, range_of(metric.min, metric.max),
                       escaped(becomes), notes_of(metric));
  }
}

}  // namespace

std::string explain(const Catalog& catalog, std::string_view name) {
  std::string out;
  if (const auto* canonical = catalog.find_canonical(name)) {
    append_canonical(out, catalog, *canonical);
  }
  const auto family = without_suffix(name);
  if (const auto* canonical = catalog.find_canonical(family); out.empty() && canonical) {
    append_canonical(out, catalog, *canonical);
  }
  for (const auto& found : catalog.find(name)) append_metric(out, *found.source, *found.metric);
  if (!out.empty()) return out;
  for (const auto& near : catalog.nearest(name, 3)) {
    out += fmt::format(
        "{}{}", out.empty() ? fmt::format("{}: not in the catalog; did you mean ", name) : " or ",
        near);
  }
  return out.empty() ? out : out + "?\n";
}

std::string why_absent(const Catalog& catalog, std::string_view series_name) {
  for (const auto& [source, metric, suffix] : catalog.find(series_name)) {
    if (!metric->until.empty()) {
      const auto instead = metric->replaced_by.empty()
                               ? metric->note
                               : fmt::format("use {}{}", metric->replaced_by, suffix);
      return fmt::format("{} {} no longer has it: {}", source->title, metric->until, instead);
    }
    if (!metric->enable.empty()) {
      return fmt::format("{} has it only with {}", source->title, metric->enable);
    }
  }
  return {};
}

Result<std::string> list(const Catalog& catalog, std::string_view kind) {
  std::string out;
  if (kind.empty()) {
    for (const auto& source : catalog.sources()) {
      out += fmt::format("{:<16} {:<7} {:>3} metrics  {}\n", source.kind, to_string(source.layer),
                         source.metrics.size(), source.title);
    }
    return out + fmt::format("{:<16} {:<7} {:>3} metrics  {}\n", "canonical", "",
                             catalog.canonical().size(), "what they become");
  }
  if (kind == "canonical") {
    for (const auto& metric : catalog.canonical()) {
      out += fmt::format("{:<40} {:<10} {}\n", metric.name, to_string(metric.type), metric.help);
    }
    return out;
  }
  const auto* source = catalog.find_source(kind);
  if (source == nullptr) {
    return fail(
        ErrorCode::kNotFound,
        fmt::format("no engine or exporter of kind \"{}\"; `strata catalog list` has all", kind));
  }
  for (const auto& metric : source->metrics) {
    std::string becomes;
    for (const auto& mapping : metric.to) becomes += (becomes.empty() ? "" : ", ") + mapping.name;
    out += fmt::format("{:<52} {:<10} {:<22} {}\n", metric.name, to_string(metric.type),
                       versions(metric), becomes);
  }
  return out;
}

std::string markdown(const Catalog& catalog) {
  std::string out =
      "# The catalog\nMade from `catalog/*.yaml` by `./dev docs`; do not edit. What each engine "
      "and exporter calls things, and the canonical metrics that they become. `strata catalog "
      "explain NAME` says the same of one name.\n\n## Canonical metrics\nLabels of the target and "
      "`node` come on top; `llm_*` also have `engine_kind`.\n\n"
      "| name | type | unit | range | labels | meaning |\n|---|---|---|---|---|---|\n";
  for (const auto& metric : catalog.canonical()) {
    out += fmt::format("| `{}` | {} | {} | {} | {} | {} |\n", metric.name, to_string(metric.type),
                       metric.unit, range_of(metric.min, metric.max), joined(metric.labels),
                       escaped(metric.help));
  }
  for (const auto& source : catalog.sources()) append_source_page(out, source);
  return out;
}

}  // namespace strata::catalog
