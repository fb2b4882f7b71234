#include "api/search_score.h"

#include <algorithm>

#include "base/utf8.h"

namespace strata::api {
namespace {

using View = std::u32string_view;

// The sum for the match that begins at `at`, taking each next character as soon as it comes;
// nothing when the pattern is not complete at the end of the text.
std::optional<double> score_from(View pattern, View text, size_t at) {
  const auto part = [&](size_t gap) {
    return static_cast<double>(gap) / static_cast<double>(text.size());
  };
  double score = -part(at);
  size_t found = 0;
  while (true) {
    size_t run = 0;
    while (found < pattern.size() && at < text.size() && text[at] == pattern[found]) {
      ++run, ++found, ++at;
    }
    score += static_cast<double>(run * run);
    if (found == pattern.size()) return score - part(text.size() - at) / 2;
    const size_t next = text.find(pattern[found], at);
    if (next == View::npos) return std::nullopt;
    score -= part(next - at);
    at = next;
  }
}

char32_t lower(char32_t c) { return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c; }

}  // namespace

double subsequence_score(View pattern, View text) {
  constexpr double kInexact = 0.999;
  if (text.starts_with(pattern)) return 1;
  double best = 0;
  for (size_t at = text.find(pattern[0]); at != View::npos; at = text.find(pattern[0], at + 1)) {
    const auto score = score_from(pattern, text, at);
    if (!score) break;  // nor will it be complete from a later place
    best = std::max(best, *score);
  }
  return best / static_cast<double>(pattern.size() * pattern.size()) * kInexact;
}

double jaro_winkler_score(View a, View b) {
  if (a == b) return 1;
  if (a.size() > b.size()) std::swap(a, b);
  if (a.empty()) return 0;
  const size_t reach = std::max<size_t>(b.size() / 2, 1) - 1;
  std::vector<bool> taken(b.size());
  std::u32string from_a;
  for (size_t i = 0; i < a.size(); ++i) {
    const size_t end = std::min(i + reach + 1, b.size());
    for (size_t j = i - std::min(i, reach); j < end; ++j) {
      if (taken[j] || a[i] != b[j]) continue;
      taken[j] = true;
      from_a += a[i];
      break;
    }
  }
  if (from_a.empty()) return 0;
  size_t moved = 0;
  size_t k = 0;
  for (size_t j = 0; j < b.size(); ++j) {
    if (taken[j]) moved += b[j] != from_a[k++];
  }
  const auto same = static_cast<double>(from_a.size());
  const double jaro = (same / static_cast<double>(a.size()) + same / static_cast<double>(b.size()) +
                       (same - static_cast<double>(moved) / 2) / same) /
                      3;
  size_t prefix = 0;
  while (prefix < std::min<size_t>(4, a.size()) && a[prefix] == b[prefix]) ++prefix;
  return jaro + static_cast<double>(prefix) * 0.1 * (1 - jaro);
}

double substring_score(View pattern, View text) {
  const size_t at = text.find(pattern);
  if (at == View::npos) return 0;
  if (at == 0) return 1;
  return 1 - 0.9 * static_cast<double>(at) / static_cast<double>(text.size() - pattern.size());
}

SearchFilter::SearchFilter(const std::vector<std::string>& terms, Algorithm algorithm,
                           double threshold, bool case_sensitive)
    : algorithm_(algorithm), threshold_(threshold), case_sensitive_(case_sensitive) {
  for (const auto& term : terms) {
    if (!term.empty()) decode(term, terms_.emplace_back());
  }
}

std::optional<double> SearchFilter::score(std::string_view text) {
  if (terms_.empty()) return 1;
  decode(text, text_);
  std::optional<double> best;
  for (const auto& term : terms_) {
    const auto score_of_term = score(term, text_);
    if (score_of_term) best = std::max(best.value_or(0), *score_of_term);
  }
  return best;
}

std::optional<double> SearchFilter::score(View term, View text) const {
  const auto fitting = [&](double score) {
    return score > 0 && score >= threshold_ ? std::optional(score) : std::nullopt;
  };
  if (algorithm_ == Algorithm::kSubsequence) return fitting(subsequence_score(term, text));
  // A substring always fits; what is merely alike must be so by the threshold.
  if (const double score = substring_score(term, text); score > 0) return score;
  return threshold_ > 0 ? fitting(jaro_winkler_score(term, text)) : std::nullopt;
}

void SearchFilter::decode(std::string_view text, std::u32string& out) const {
  out.clear();
  while (!text.empty() && out.size() < kMaxCharacters) {
    const size_t length = std::max<size_t>(utf8_sequence_length(text), 1);
    // The bytes themselves tell characters apart as well as code points would.
    char32_t c = 0;
    for (const char byte : text.substr(0, length)) {
      c = c << 8 | static_cast<unsigned char>(byte);
    }
    out += case_sensitive_ ? c : lower(c);
    text.remove_prefix(length);
  }
}

}  // namespace strata::api
