// One scrape target's exposition: lines whose text stays and whose numbers move.
//
// The text of all lines is made once. render() copies it and prints the numbers in between; a
// number that did not move keeps its digits. So a body costs some 30 ns a line, and a fleet can be
// served from a fraction of a core. Not thread-safe.
#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace strata::bench {

/// How the exporter prints numbers.
enum class NumberStyle : uint8_t {
  kGo,      // node_exporter: 8.25e+09, 123456
  kPython,  // prometheus_client: 123456.0
  kPlain,   // dcgm-exporter: digits, without an exponent
};

class Page {
 public:
  explicit Page(NumberStyle style) : style_(style) {}

  /// HELP and TYPE, before the family's lines.
  void family(std::string_view name, std::string_view type, std::string_view help);
  /// `labels` as between the braces: `cpu="0",mode="idle"`. Returns the line's number, from 0.
  uint32_t line(std::string_view name, std::string_view labels, double value = 0);

  double& operator[](uint32_t line) { return values_[line]; }
  size_t size() const { return values_.size(); }

  /// Replaces `out` by the body, text format 0.0.4.
  void render(std::string& out);

  /// Calls `visit` with `name{labels` (no closing brace) and the value of every line.
  void for_each(const std::function<void(std::string_view series, double value)>& visit) const;

 private:
  struct Line {
    uint32_t text_end;    // in text_: comments, name, labels and the space before the number
    uint32_t series_at;   // where `name{labels` begins,
    uint32_t series_end;  // and ends
    uint8_t digits_size = 0;
    std::array<char, 27> digits;
    double printed;
  };
  void print(Line& line, double value) const;

  NumberStyle style_;
  std::string text_;
  std::vector<Line> lines_;
  std::vector<double> values_;
};

/// Appends `value` in that style.
void append_number(std::string& out, double value, NumberStyle style);

}  // namespace strata::bench
