#include <algorithm>
#include <bit>

#include "base/edit_distance.h"
#include "lint/linter.h"

namespace strata::lint {
namespace {

// Labels that scrape configurations commonly attach: the linter cannot know whether this one does.
constexpr std::string_view kAttached[] = {
    "job",       "instance", "node",     "cluster", "namespace",   "pod",
    "container", "region",   "zone",     "env",     "environment", "datacenter",
    "dc",        "rack",     "team",     "service", "app",         "tenant",
    "replica",   "host",     "hostname", "name",    "endpoint",    "prometheus"};

bool is_attached(std::string_view label) {
  return label.starts_with("exported_") || label.starts_with("__") ||
         std::ranges::find(kAttached, label) != std::end(kAttached);
}

// Grafana's variables, and whatever else is not the value itself.
bool is_template(std::string_view value) { return value.find('$') != value.npos; }

std::string nearest(std::string_view wanted, const std::set<std::string>& known) {
  std::string found;
  size_t best = wanted.size() <= 4 ? 1 : 1 + wanted.size() / 4;
  for (const auto& label : known) {
    const size_t distance = edit_distance(wanted, label, best);
    // model for model_name, reason for finished_reason.
    const bool is_part = wanted.size() >= 4 && (label.starts_with(std::string(wanted) + "_") ||
                                                label.ends_with("_" + std::string(wanted)));
    if (distance <= best || is_part) {
      found = label;
      best = std::min(distance, best);
    }
  }
  return found;
}

// What catalog::explain() would say of the version.
std::string gone_text(const catalog::Found& entry) {
  return fmt::format("{} {} no longer has it", entry.source->title, entry.metric->until);
}

}  // namespace

void Linter::check_selector(const promql::VectorSelector& selector) {
  if (selector.name.empty()) return;
  const Known metric = known(selector);
  check_name(selector, metric);
  if (!metric.is_known()) return;
  check_gone(selector, metric);
  check_matchers(selector, metric);
}

void Linter::check_name(const promql::VectorSelector& selector, const Known& metric) {
  const auto& name = selector.name;
  const bool is_recorded = std::ranges::find(options_.recorded, name) != options_.recorded.end();
  if (is_recorded || name == "up") return;
  if (metric.is_known()) {
    const auto meant = metric.family + metric.suffix;
    if (meant == name) return;
    return find(Severity::kError, "misspelt-name", name,
                fmt::format("nothing is named {}; it is {}", name, meant));
  }
  if (std::ranges::count(name, ':') > 1) return;  // a recording rule's, by convention
  const uint64_t sources = catalog_.detect(name);
  if (sources == 0) return;  // not an engine's name: nothing is known of it
  auto near = catalog_.nearest(name, 1);
  const auto family = catalog::without_suffix(name);
  if (near.empty() && !family.empty()) near = catalog_.nearest(family, 1);
  if (!near.empty() && edit_distance(name, near[0], 4) <= 3) {
    return find(Severity::kError, "misspelt-name", name,
                fmt::format("nothing is named {}; did you mean {}?", name, near[0]));
  }
  const auto& source = catalog_.sources()[static_cast<size_t>(std::countr_zero(sources))];
  if (source.layer != catalog::Layer::kEngine) return;  // DCGM has many more fields than are known
  find(Severity::kWarning, "unknown-name", name,
       fmt::format("the catalog knows no {} of {}{}", name, source.title,
                   near.empty() ? "" : fmt::format("; the nearest is {}", near[0])));
}

void Linter::check_gone(const promql::VectorSelector& selector, const Known& metric) {
  if (metric.found.empty()) return;
  const bool all_gone = std::ranges::all_of(
      metric.found, [](const auto& entry) { return !entry.metric->until.empty(); });
  const auto& entry = metric.found.front();
  if (all_gone) {
    // With the new name beside it (`new or old`) it is there for older engines, on purpose.
    const auto& instead = entry.metric->replaced_by;
    const bool has_both = names_.contains(instead + metric.suffix);
    if (has_both) return;
    const auto advice =
        instead.empty() ? entry.metric->note : fmt::format("use {}{}", instead, metric.suffix);
    return find(Severity::kError, "removed-name", selector.name,
                fmt::format("{}: {}; {}", metric.family, gone_text(entry), advice));
  }
  if (!entry.metric->enable.empty()) {
    find(Severity::kWarning, "not-by-default", selector.name,
         fmt::format("{} is there only with {}", metric.family, entry.metric->enable));
  }
  if (!entry.metric->beware.empty()) {
    find(Severity::kNote, "easily-misread", selector.name,
         fmt::format("{}: {}", metric.family, entry.metric->beware));
  }
}

void Linter::check_matchers(const promql::VectorSelector& selector, const Known& metric) {
  for (const auto& matcher : selector.matchers) {
    const auto& label = matcher.name();
    if (label == kMetricName || is_attached(label)) continue;
    const bool has_it =
        metric.labels.contains(label) || (label == "le" && metric.suffix == "_bucket");
    if (!has_it && !metric.labels.empty()) {
      const auto meant = nearest(label, metric.labels);
      find(meant.empty() ? Severity::kWarning : Severity::kError, "unknown-label",
           selector.name + label,
           fmt::format("{} has no label \"{}\"{}", metric.family, label,
                       meant.empty() ? "; only relabelling could add it"
                                     : fmt::format("; did you mean \"{}\"?", meant)));
    }
    if (matcher.op() != Matcher::Op::kEqual || matcher.value().empty() ||
        is_template(matcher.value())) {
      continue;
    }
    for (const auto& [source, entry, suffix] : metric.found) {
      for (const auto& [name, values] : entry->values) {
        if (name != label) continue;
        if (std::ranges::find(values, matcher.value()) != values.end()) continue;
        std::string all;
        for (const auto& value : values) all += (all.empty() ? "" : ", ") + value;
        find(Severity::kError, "unknown-label-value", selector.name + matcher.to_string(),
             fmt::format("{}: \"{}\" is never \"{}\"; it is one of {}", metric.family, label,
                         matcher.value(), all));
      }
    }
  }
}

void Linter::check_range(const promql::MatrixSelector& selector) {
  if (selector.range.count() == 0) return;  // computed from the query's own times
  // Two samples are needed, and scrapes may be late by a whole interval.
  if (selector.range >= 2 * options_.scrape_interval) return;
  find(Severity::kError, "range-too-short", format_duration(selector.range),
       fmt::format("[{}] holds one sample or none of a target that is scraped every {}: take at "
                   "least [{}], better [{}]",
                   format_duration(selector.range), format_duration(options_.scrape_interval),
                   format_duration(2 * options_.scrape_interval),
                   format_duration(4 * options_.scrape_interval)));
}

}  // namespace strata::lint
