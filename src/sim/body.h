// Writes an exposition as a given family of programs writes it: what they differ in is how they
// spell numbers and whether they say when a counter began. wire/text_writer is for families that
// exist as values; a fleet's bodies are written straight from the physics, thousands a minute.
//
// Appends to a string that the caller owns. Names and help are constants of this module; labels are
// given as text ("a=\"b\",c=\"d\"", without braces) whose values need no escaping.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "sim/counts.h"

namespace strata::sim {

class Body {
 public:
  enum class Style : uint8_t {
    kGo,      // 1, 0.5, 1e+06
    kPython,  // 1.0, 0.5, 1e+06; _created beside counters and histograms
    kDcgm,    // 1, or six decimals
  };

  static constexpr double kAllBounds = 1e300;

  Body(std::string& out, Style style) : out_(out), style_(style) {}

  /// Of all _created lines from here on.
  void created(double unix_seconds) { created_ = unix_seconds; }

  /// Begins a family; `name` must live until its samples are written.
  void family(std::string_view name, std::string_view type, std::string_view help);
  /// A sample of the family begun last; `more` are further labels.
  void sample(std::string_view labels, double value, std::string_view more = {});
  /// A family with one sample.
  void gauge(std::string_view name, std::string_view help, std::string_view labels, double value);
  void counter(std::string_view name, std::string_view help, std::string_view labels, double value);
  /// The _created lines of a counter that has several samples: for each of `labels`.
  void created_of(std::string_view name, std::string_view help, std::string_view labels);
  /// Bounds above `last_bound` are left out: older programs had fewer.
  void histogram(std::string_view name, std::string_view help, std::string_view labels,
                 const Counts& counts, double last_bound = kAllBounds);
  /// Another label set of the histogram begun last.
  void histogram_samples(std::string_view labels, const Counts& counts,
                         double last_bound = kAllBounds);

 private:
  void line(std::string_view suffix, std::string_view labels, std::string_view more, double value);
  void number(double value);

  std::string& out_;
  const Style style_;
  double created_ = 0;
  std::string_view name_;
};

/// name="value" pairs, joined by commas.
std::string label_text(std::initializer_list<std::pair<std::string_view, std::string_view>> pairs);

}  // namespace strata::sim
