#include "fleet/page.h"

#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>

namespace strata::bench {
namespace {

constexpr double kExact = 0x1p53;

char* print_number(char* at, char* end, double value, NumberStyle style) {
  const bool whole = std::abs(value) < kExact && value == std::trunc(value);
  // Go prints an exponent from 1e6 on wherever it prints the shortest digits (strconv, 'g', -1).
  if (whole && (style != NumberStyle::kGo || std::abs(value) < 1e6)) {
    at = std::to_chars(at, end, static_cast<int64_t>(value)).ptr;
    if (style == NumberStyle::kPython) *at++ = '.', *at++ = '0';
    return at;
  }
  const double magnitude = std::abs(value);
  const double limit = style == NumberStyle::kGo ? 1e6 : 1e16;
  const bool exponent = magnitude >= limit || magnitude < 1e-4;
  return std::to_chars(at, end, value,
                       exponent ? std::chars_format::scientific : std::chars_format::fixed)
      .ptr;
}

}  // namespace

void append_number(std::string& out, double value, NumberStyle style) {
  char digits[32];
  out.append(digits, print_number(digits, std::end(digits), value, style));
}

void Page::family(std::string_view name, std::string_view type, std::string_view help) {
  fmt::format_to(std::back_inserter(text_), "# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
}

uint32_t Page::line(std::string_view name, std::string_view labels, double value) {
  Line line{};
  line.series_at = static_cast<uint32_t>(text_.size());
  text_.append(name);
  if (!labels.empty()) text_.append("{").append(labels);
  line.series_end = static_cast<uint32_t>(text_.size());
  text_.append(labels.empty() ? " " : "} ");
  line.text_end = static_cast<uint32_t>(text_.size());
  print(line, value);
  lines_.push_back(line);
  values_.push_back(value);
  return static_cast<uint32_t>(lines_.size() - 1);
}

void Page::print(Line& line, double value) const {
  char* const end =
      print_number(line.digits.data(), line.digits.data() + line.digits.size() - 1, value, style_);
  *end = '\n';
  line.digits_size = static_cast<uint8_t>(end + 1 - line.digits.data());
  line.printed = value;
}

void Page::render(std::string& out) {
  size_t size = text_.size();
  for (size_t i = 0; i < lines_.size(); ++i) {
    if (std::bit_cast<uint64_t>(lines_[i].printed) != std::bit_cast<uint64_t>(values_[i])) {
      print(lines_[i], values_[i]);
    }
    size += lines_[i].digits_size;
  }
  out.resize(size);
  char* to = out.data();
  const char* from = text_.data();
  for (const Line& line : lines_) {
    const char* const end = text_.data() + line.text_end;
    std::memcpy(to, from, static_cast<size_t>(end - from));
    to += end - from;
    from = end;
    std::memcpy(to, line.digits.data(), line.digits_size);
    to += line.digits_size;
  }
}

void Page::for_each(const std::function<void(std::string_view series, double value)>& visit) const {
  for (size_t i = 0; i < lines_.size(); ++i) {
    const Line& line = lines_[i];
    visit(std::string_view(text_).substr(line.series_at, line.series_end - line.series_at),
          values_[i]);
  }
}

}  // namespace strata::bench
