// The words of the exposition formats: names, quoted strings, label sets. What ExpositionParser is
// made of; nobody else's business. Bodies are here because they are inlined into its loops.
//
// Every function reads from `p`, never reaches `end`, and answers with the byte after what it read,
// or with null and a Fault.
#pragma once
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/utf8.h"

namespace strata::wire {

/// Where a line is wrong, and how: a constant text, so that a fault costs nothing to note.
struct Fault {
  const char* at = nullptr;
  const char* what = nullptr;

  const char* set(const char* where, const char* why) {
    at = where;
    what = why;
    return nullptr;
  }
};

inline constexpr uint8_t kMetricStart = 1;
inline constexpr uint8_t kMetricChar = 2;
inline constexpr uint8_t kLabelStart = 4;
inline constexpr uint8_t kLabelChar = 8;
inline constexpr uint8_t kBlankChar = 16;

inline constexpr std::array<uint8_t, 256> kCharClasses = [] {
  std::array<uint8_t, 256> classes{};
  for (unsigned c = 0; c < 256; ++c) {
    const bool alpha = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    const bool digit = c >= '0' && c <= '9';
    uint8_t& bits = classes[c];
    if (alpha) bits = kMetricStart | kMetricChar | kLabelStart | kLabelChar;
    if (digit) bits = kMetricChar | kLabelChar;
    if (c == ':') bits = kMetricStart | kMetricChar;
    if (c == ' ' || c == '\t') bits = kBlankChar;
  }
  return classes;
}();

inline bool is_class(char c, uint8_t bits) {
  return (kCharClasses[static_cast<unsigned char>(c)] & bits) != 0;
}

inline const char* skip_class(const char* p, const char* end, uint8_t bits) {
  while (p != end && is_class(*p, bits)) ++p;
  return p;
}

inline const char* skip_blanks(const char* p, const char* end) {
  return skip_class(p, end, kBlankChar);
}

inline const char* find_newline(const char* p, const char* end) {
  const void* found = std::memchr(p, '\n', static_cast<size_t>(end - p));
  return found == nullptr ? end : static_cast<const char*>(found);
}

inline std::string_view view(const char* from, const char* to) {
  return {from, static_cast<size_t>(to - from)};
}

/// The first quote, backslash or newline at or after `p`, or end. Bit 7 of a byte of `*seen` is set
/// when a byte passed (or one of the seven after) is not ASCII.
inline const char* find_quote_end(const char* p, const char* end, uint64_t* seen) {
  static_assert(std::endian::native == std::endian::little);
  constexpr uint64_t kOnes = 0x0101010101010101;
  constexpr uint64_t kHighs = 0x8080808080808080;
  // Bit 7 of each zero byte, and perhaps of bytes above one: the lowest is right.
  const auto zeros = [](uint64_t x) { return (x - kOnes) & ~x & kHighs; };
  while (end - p >= 8) {
    uint64_t word;
    std::memcpy(&word, p, 8);
    *seen |= word;
    const uint64_t hits =
        zeros(word ^ (kOnes * '"')) | zeros(word ^ (kOnes * '\\')) | zeros(word ^ (kOnes * '\n'));
    if (hits != 0) return p + (std::countr_zero(hits) >> 3);
    p += 8;
  }
  for (; p != end; ++p) {
    *seen |= static_cast<unsigned char>(*p);
    if (*p == '"' || *p == '\\' || *p == '\n') return p;
  }
  return p;
}

/// `open` is the opening quote; the answer is after the closing one. A backslash keeps the byte
/// after it from meaning anything, except for a newline. What is inside must be UTF-8.
inline const char* scan_quoted(const char* open, const char* end, bool newlines, Fault& fault) {
  uint64_t seen = 0;
  const char* p = open + 1;
  for (;;) {
    p = find_quote_end(p, end, &seen);
    if (p == end) return fault.set(open, "the quote is not closed");
    if (*p == '"') break;
    if (*p == '\n') {
      if (!newlines) return fault.set(open, "the quote is not closed on its line");
      ++p;
      continue;
    }
    if (end - p < 2 || p[1] == '\n') return fault.set(p, "nothing follows the backslash");
    seen |= static_cast<unsigned char>(p[1]);  // it is passed over, and counts like the others
    p += 2;
  }
  if ((seen & 0x8080808080808080) != 0 && !is_utf8(view(open + 1, p))) {
    return fault.set(open, "the text in quotes is not UTF-8");
  }
  return p + 1;
}

enum class LabelSyntax : uint8_t {
  kText,         // blanks between all, commas optional, newlines in quotes
  kOpenMetrics,  // a comma may follow the last label
  kStrict,       // none may
  kExemplar,     // as kOpenMetrics, and no metric name
};

/// Reads label pairs up to and with the closing brace; `p` is after the opening one. `named`: the
/// metric's name stood before it; otherwise it must be inside, alone in quotes. `sink` gets
/// name(text) for that and label(name, value) for each pair, as in the body, without quotes.
template <LabelSyntax kSyntax, class Sink>
const char* scan_labels(const char* p, const char* end, bool named, Fault& fault, Sink&& sink) {
  constexpr bool kBlanks = kSyntax == LabelSyntax::kText;
  const auto skip = [&](const char* from) {
    if constexpr (kBlanks) return skip_blanks(from, end);
    return from;
  };
  const auto is = [end](const char* where, char c) { return where != end && *where == c; };
  for (;;) {
    p = skip(p);
    if (is(p, '}')) break;
    const char* name = p;
    const char* name_end = p;
    if (is(p, '"')) {
      p = scan_quoted(p, end, kBlanks, fault);
      if (p == nullptr) return nullptr;
      ++name;
      name_end = p - 1;
      if (name == name_end) return fault.set(name, "a name is empty");
      p = skip(p);
      if (kSyntax != LabelSyntax::kExemplar && (is(p, ',') || is(p, '}'))) {
        if (named) return fault.set(name, "the metric has a name already");
        named = true;
        sink.name(view(name, name_end));
        if (*p == ',') ++p;
        continue;
      }
    } else {
      if (p == end || !is_class(*p, kLabelStart)) {
        return fault.set(p, "expected a label name or the closing brace");
      }
      p = name_end = skip_class(p + 1, end, kLabelChar);
      p = skip(p);
    }
    if (!is(p, '=')) return fault.set(p, "expected '=' after the label name");
    p = skip(p + 1);
    if (!is(p, '"')) return fault.set(p, "expected a label value in double quotes");
    const char* value = p + 1;
    p = scan_quoted(p, end, kBlanks, fault);
    if (p == nullptr) return nullptr;
    sink.label(view(name, name_end), view(value, p - 1));
    p = skip(p);
    if (is(p, ',')) {
      ++p;
      if (kSyntax == LabelSyntax::kStrict && is(p, '}')) {
        return fault.set(p - 1, "a comma after the last label");
      }
    } else if (!kBlanks && !is(p, '}')) {
      return fault.set(p, "expected a comma or the closing brace");
    }
  }
  if (kSyntax != LabelSyntax::kExemplar && !named) {
    return fault.set(p, "the sample has no metric name");
  }
  return p + 1;
}

/// For checking only.
struct NoSink {
  void name(std::string_view /*name*/) {}
  void label(std::string_view /*name*/, std::string_view /*value*/) {}
};

}  // namespace strata::wire
