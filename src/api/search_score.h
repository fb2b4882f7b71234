// How well a name fits what somebody typed: the scores of Prometheus' search API
// (web/api/v1/search_filters.go, util/strutil). Pure.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace strata::api {

/// 1 for the same text or one that begins with `pattern`, 0 when the characters of `pattern` do not
/// all occur in order. Between: for each place where the pattern's first character stands, the
/// squares of the lengths of runs found from there on, less the gaps before and between them and
/// half of the rest as parts of the text; the best place counts, as part of the pattern's square,
/// times 0.999.
double subsequence_score(std::u32string_view pattern, std::u32string_view text);

/// Jaro-Winkler similarity, with 0.1 for each of at most 4 first characters that are the same.
double jaro_winkler_score(std::u32string_view a, std::u32string_view b);

/// 1 at the beginning, less the further in `pattern` stands, 0.1 at the end, 0 for not at all.
double substring_score(std::u32string_view pattern, std::u32string_view text);

/// What is searched for.
class SearchFilter {
 public:
  enum class Algorithm : uint8_t { kSubsequence, kJaroWinkler };
  /// Of a longer text only so many characters are looked at.
  static constexpr size_t kMaxCharacters = 1024;

  /// `threshold` is from 0 to 1. Terms that are empty do not count; without terms everything fits.
  SearchFilter(const std::vector<std::string>& terms, Algorithm algorithm, double threshold,
               bool case_sensitive);

  /// The best score of any term; nothing when none fits. Not thread-safe.
  std::optional<double> score(std::string_view text);

 private:
  std::optional<double> score(std::u32string_view term, std::u32string_view text) const;
  void decode(std::string_view text, std::u32string& out) const;

  const Algorithm algorithm_;
  const double threshold_;
  const bool case_sensitive_;
  std::vector<std::u32string> terms_;
  std::u32string text_;
};

}  // namespace strata::api
