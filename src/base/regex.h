// Regular expressions as Prometheus means them: RE2 syntax, '.' matches newlines, and a match is of
// the whole text.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace re2 {
class RE2;
}

namespace strata {

/// Immutable and cheap to copy; thread-safe.
class Regex {
 public:
  /// Error: kBadData with RE2's reason. Go 1.22's (?<name>…) groups are accepted.
  static Result<Regex> compile(std::string_view pattern);

  bool full_match(std::string_view text) const;
  /// On a full match, fills `groups` (whole match first, then captures; missing ones empty).
  bool full_match(std::string_view text, std::vector<std::string_view>* groups) const;
  /// Unanchored.
  bool partial_match(std::string_view text) const;
  /// `replacement` with $1, ${1}, $name and ${name} replaced by `groups` (from full_match), and $$
  /// by $, as Go's Regexp.Expand does; an unknown reference is empty.
  std::string expand(std::string_view replacement,
                     const std::vector<std::string_view>& groups) const;

  /// `text` with every match (unanchored, from left to right, not overlapping) replaced by
  /// expand(replacement), as Go's Regexp.ReplaceAllString does.
  std::string replace_all(std::string_view text, std::string_view replacement) const;

  const std::string& pattern() const { return *pattern_; }

 private:
  Regex() = default;
  std::shared_ptr<const re2::RE2> re_;
  std::shared_ptr<const std::string> pattern_;
};

}  // namespace strata
