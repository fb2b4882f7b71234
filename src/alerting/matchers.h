// Matchers as Alertmanager writes them: `{severity="critical", team=~"db|web"}`, in its two
// syntaxes.
//
// The UTF-8 syntax (quoted names and values, Go's escapes) is tried first; what only the classic
// syntax understands (bare values with commas in quotes, spurious backslashes) is taken with a
// warning, and so is what the two understand differently: the classic meaning counts, as it did
// before there were two. Values; pure.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/labels.h"
#include "model/matcher.h"

namespace strata::alerting {

using Matchers = std::vector<Matcher>;

/// Longer texts are refused: they come from configuration and from API requests.
inline constexpr size_t kMaxMatcherText = 64 << 10;

/// The UTF-8 syntax. Errors: kBadData as `column: what`.
Result<Matchers> parse_utf8_matchers(std::string_view text);
/// The classic syntax.
Result<Matchers> parse_classic_matchers(std::string_view text);

struct ParsedMatchers {
  Matchers matchers;
  std::optional<std::string> warning;
};
/// Both, as the head of this file says; the error is the classic syntax's.
Result<ParsedMatchers> parse_matchers(std::string_view text);

/// By name, then value, then operator: the order that group keys are made in.
void sort_matchers(Matchers& matchers);

/// `a="b"`; the name in quotes where the classic syntax could not read it.
std::string to_text(const Matcher& matcher);
/// `{a="b",c=~"d"}`
std::string to_text(std::span<const Matcher> matchers);

bool matches_all(std::span<const Matcher> matchers, const Labels& labels);

}  // namespace strata::alerting
