#include "fleet/observed.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace strata {
namespace {

FleetHistoryOptions history_options(std::string_view fault, double severity,
                                    const sim::FleetOptions& fleet, int engine) {
  FleetHistoryOptions options;
  options.fleet = fleet;
  options.fleet.nodes = 1;
  options.fleet.engines = 2;
  options.fleet.engine = "vllm";
  options.step = Observed::kScrape;
  options.first = Observed::kOnset;
  options.end = Observed::kEnd;
  if (!fault.empty()) {
    options.scenario =
        fmt::format("faults: [{{fault: {}, at: {}s, for: {}s, severity: {}, engine: {}}}]", fault,
                    Observed::kOnset, Observed::kEnd - Observed::kOnset + 1, severity,
                    engine < 0 ? "all" : std::to_string(engine));
  }
  return options;
}

// `name{a="b"}` of the engine that the tests look at.
std::string of_engine(std::string_view selection) {
  const bool of_an_engine = selection.starts_with("vllm:") || selection.starts_with("llm_") ||
                            selection.starts_with("process_") || selection.starts_with("http_");
  if (!of_an_engine || selection.contains("instance")) return std::string(selection);
  std::string out(selection);
  if (out.ends_with('}')) {
    out.pop_back();
    return out + ",instance=\"node-0:8000\"}";
  }
  return out + "{instance=\"node-0:8000\"}";
}

// name_suffix{…} of name{…}.
std::string with_suffix(std::string_view selection, std::string_view suffix) {
  std::string out(selection);
  const size_t brace = std::min(out.find('{'), out.size());
  return out.insert(brace, suffix);
}

double or_zero(double value) { return std::isnan(value) ? 0 : value; }

constexpr double kLater = (Observed::kEnd - Observed::kOnset) * 2 / 3;

}  // namespace

Observed::Observed(std::string_view fault, double severity, const sim::FleetOptions& fleet,
                   int engine)
    : history_(history_options(fault, severity, fleet, engine)) {}

double Observed::last(std::string_view selection) const {
  return history_.value(fmt::format("sum({})", of_engine(selection)));
}

double Observed::grown(std::string_view selection) const {
  const std::string sum = fmt::format("sum({})", of_engine(selection));
  return or_zero(history_.value(sum)) - or_zero(history_.value(sum, kOnset));
}

double Observed::mean(std::string_view selection) const {
  return history_.value(
      fmt::format("avg_over_time(sum({})[{}s:{}s])", of_engine(selection), kLater, kScrape));
}

double Observed::most(std::string_view selection) const {
  return history_.value(
      fmt::format("max_over_time(sum({})[{}s:{}s])", of_engine(selection), kLater, kScrape));
}

bool Observed::has(std::string_view selection) const {
  return history_.value(fmt::format("count({})", of_engine(selection))) > 0;
}

double Observed::observed(std::string_view histogram) const {
  const auto increase = [&](std::string_view suffix) {
    return fmt::format("sum(increase({}[{}s]))", of_engine(with_suffix(histogram, suffix)),
                       kEnd - kOnset);
  };
  return or_zero(history_.value(increase("_sum") + " / " + increase("_count")));
}

double Observed::quantile(double q, std::string_view histogram) const {
  return history_.value(fmt::format("histogram_quantile({}, sum by (le) (increase({}[{}s])))", q,
                                    of_engine(with_suffix(histogram, "_bucket")), kEnd - kOnset));
}

}  // namespace strata
