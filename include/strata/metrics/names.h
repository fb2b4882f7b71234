// Names that are checked while the program is compiled: a misspelt metric or label does not build.
#pragma once
#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

namespace strata::metrics {

namespace detail {

constexpr bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

// [a-zA-Z_:][a-zA-Z0-9_:]*
constexpr bool is_metric_name(std::string_view name) {
  return !name.empty() && !is_digit(name[0]) &&
         std::ranges::all_of(name, [](char c) { return is_letter(c) || is_digit(c) || c == ':'; });
}
// [a-zA-Z_][a-zA-Z0-9_]*, and not one of those kept for servers.
constexpr bool is_label_name(std::string_view name) {
  return is_metric_name(name) && !name.starts_with("__") &&
         name.find(':') == std::string_view::npos;
}
constexpr bool is_counter_name(std::string_view name) {
  return is_metric_name(name) && name.size() > 6 && name.ends_with("_total");
}

// Not constexpr on purpose: calling one while compiling is the error message.
inline void metric_name_must_match_letters_digits_underscores_colons() {}
inline void counter_name_must_end_in_total() {}

}  // namespace detail

/// The name of a gauge, histogram or info metric: letters, digits, '_' and ':', no digit first.
class MetricName {
 public:
  // NOLINTNEXTLINE(google-explicit-constructor): a literal is a name.
  consteval MetricName(const char* text) : text_(text) {
    if (!detail::is_metric_name(text_)) {
      detail::metric_name_must_match_letters_digits_underscores_colons();
    }
  }
  /// For names made at run time; empty when `text` is not one. `text` must live until the metric
  /// is registered.
  static std::optional<MetricName> parse(std::string_view text) {
    if (!detail::is_metric_name(text)) return std::nullopt;
    return MetricName(text, 0);
  }
  constexpr std::string_view text() const { return text_; }

 private:
  constexpr MetricName(std::string_view text, int) : text_(text) {}
  std::string_view text_;
};

/// The name of a counter: a metric name that ends in "_total", as OpenMetrics demands.
class CounterName {
 public:
  // NOLINTNEXTLINE(google-explicit-constructor): a literal is a name.
  consteval CounterName(const char* text) : text_(text) {
    if (!detail::is_counter_name(text_)) detail::counter_name_must_end_in_total();
  }
  static std::optional<CounterName> parse(std::string_view text) {
    if (!detail::is_counter_name(text)) return std::nullopt;
    return CounterName(text, 0);
  }
  constexpr std::string_view text() const { return text_; }

 private:
  constexpr CounterName(std::string_view text, int) : text_(text) {}
  std::string_view text_;
};

/// A string literal as a template argument: a label key.
template <size_t N>
struct Key {
  // NOLINTNEXTLINE(google-explicit-constructor): counter<"method">.
  consteval Key(const char (&literal)[N]) { std::copy_n(literal, N, text.begin()); }
  constexpr std::string_view view() const { return {text.data(), N - 1}; }

  std::array<char, N> text{};
};

namespace detail {

template <Key... Keys>
consteval bool valid_keys() {
  const std::array<std::string_view, sizeof...(Keys)> keys{Keys.view()...};
  for (size_t i = 0; i < keys.size(); ++i) {
    if (!is_label_name(keys[i])) return false;
    for (size_t j = 0; j < i; ++j) {
      if (keys[i] == keys[j]) return false;
    }
  }
  return true;
}

}  // namespace detail
}  // namespace strata::metrics
