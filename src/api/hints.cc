#include "api/hints.h"

#include <algorithm>

#include "api/selectors.h"
#include "base/edit_distance.h"
#include "catalog/page.h"
#include "promql/parser.h"

namespace strata::api {
namespace {

using promql::VectorSelector;

constexpr size_t kMaxValues = 5;
const TimeRange kAlways;

// Whether any series matches. An answer that cannot be had counts as yes: no hint then.
bool any(const SeriesSource& source, std::span<const Matcher> matchers) {
  const auto found = source.select(matchers, kAlways, 1);
  return !found || (*found)->size() > 0;
}

// The text of `texts` that is most like `wanted`; "" when none is like it.
std::string nearest(std::string_view wanted, const std::vector<std::string>& texts) {
  size_t best = std::max<size_t>(2, wanted.size() / 4);
  if (wanted.size() <= 3) best = 1;
  std::string found;
  for (size_t i = 0; i < std::min(texts.size(), kMaxNames); ++i) {
    const size_t distance = edit_distance(wanted, texts[i], best);
    if (distance > best || (distance == best && !found.empty())) continue;
    best = distance;
    found = texts[i];
  }
  return found;
}

std::string did_you_mean(std::string_view wanted, const std::vector<std::string>& texts) {
  const auto found = nearest(wanted, texts);
  return found.empty() ? "" : fmt::format("; did you mean \"{}\"?", found);
}

// What the label is where the name matches: the value that was meant, or `a, b, c, …`.
std::string instead_of(const SeriesSource& source, const Matcher& name, const Matcher& matcher) {
  const auto values = source.label_values(matcher.name(), std::span(&name, 1), kAlways);
  if (!values) return "";
  if (values->empty()) return fmt::format("; none has the label \"{}\"", matcher.name());
  if (matcher.op() == Matcher::Op::kEqual) {
    if (auto meant = did_you_mean(matcher.value(), *values); !meant.empty()) return meant;
  }
  std::string out = fmt::format("; \"{}\" is ", matcher.name());
  for (size_t i = 0; i < std::min(values->size(), kMaxValues); ++i) {
    out += fmt::format("{}\"{}\"", i > 0 ? ", " : "", (*values)[i]);
  }
  return values->size() > kMaxValues ? out + ", …" : out;
}

std::string hint_for(const SeriesSource& source, const VectorSelector& selector,
                     std::string_view place) {
  const auto name = std::ranges::find_if(selector.matchers, [](const Matcher& matcher) {
    return matcher.name() == kMetricName && matcher.op() == Matcher::Op::kEqual;
  });
  if (name == selector.matchers.end()) {
    return fmt::format("no series matches the selector at {}", place);
  }
  if (!any(source, std::span(&*name, 1))) {
    const auto why = catalog::why_absent(catalog::Catalog::builtin(), name->value());
    if (!why.empty()) {
      return fmt::format("no series is named \"{}\" ({}): {}", name->value(), place, why);
    }
    const auto names = source.label_values(kMetricName, {}, kAlways);
    return fmt::format("no series is named \"{}\" ({}){}", name->value(), place,
                       names ? did_you_mean(name->value(), *names) : "");
  }
  for (const auto& matcher : selector.matchers) {
    if (matcher.name() == kMetricName) continue;
    const Matcher both[] = {*name, matcher};
    if (any(source, both)) continue;
    return fmt::format("no series of \"{}\" has {} ({}){}", name->value(), matcher.to_string(),
                       place, instead_of(source, *name, matcher));
  }
  return fmt::format("no series of \"{}\" has all of these labels at once ({})", name->value(),
                     place);
}

}  // namespace

std::vector<std::string> hints(const SeriesSource& source, const promql::Expr& expr,
                               std::string_view text) {
  const auto selectors = selectors_of(expr);
  std::vector<std::string> out;
  for (const auto* selector : selectors) {
    if (out.size() == kMaxHints) break;
    if (any(source, selector->matchers)) continue;
    out.push_back(hint_for(source, *selector, promql::line_and_column(text, selector->span.start)));
  }
  return out;
}

}  // namespace strata::api
