// The exposition formats read the slow and obvious way: what the tests and the fuzz target hold
// ExpositionParser against. One character at a time, a string for everything, no shared code but
// parse_double() and UTF-8.
#pragma once
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/number.h"
#include "base/utf8.h"
#include "wire/exposition.h"

namespace strata::wire::reference {

using Pairs = std::vector<std::pair<std::string, std::string>>;

struct ParsedEntry {
  Entry kind = Entry::kEnd;
  std::string series;
  std::optional<Pairs> labels;  // none: a name occurs twice
  uint64_t value_bits = 0;
  std::optional<TimestampMs> timestamp;
  bool has_exemplar = false;
  std::optional<Pairs> exemplar_labels;
  uint64_t exemplar_value_bits = 0;
  std::optional<TimestampMs> exemplar_timestamp;
  std::string family;
  std::string text;
  MetricType type = MetricType::kUnknown;

  friend bool operator==(const ParsedEntry&, const ParsedEntry&) = default;
};

/// What comes out of a body: its entries up to the end or to the first error.
struct Parsed {
  std::vector<ParsedEntry> entries;
  bool ok = false;
};

/// Go's shortest 'g', and ".0" where it looks like an integer.
inline std::string spell_bound(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  char buffer[64];
  const auto written =
      std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific).ptr;
  std::string scientific(buffer, written);  // [-]d[.ddd]e[+-]dd
  const size_t e = scientific.find('e');
  const int exponent = std::stoi(scientific.substr(e + 1));
  if (exponent < -4 || exponent >= 6) return scientific;
  std::string digits;
  for (const char c : scientific.substr(0, e)) {
    if (c >= '0' && c <= '9') digits += c;
  }
  const std::string sign = scientific[0] == '-' ? "-" : "";
  if (exponent < 0)
    return sign + "0." + std::string(static_cast<size_t>(-exponent - 1), '0') + digits;
  const auto whole = static_cast<size_t>(exponent) + 1;
  if (digits.size() < whole) digits.resize(whole, '0');
  const std::string fraction = digits.substr(whole);
  return sign + digits.substr(0, whole) + "." + (fraction.empty() ? "0" : fraction);
}

/// Decimal seconds as milliseconds: the point moves three places, what is after it falls away.
inline std::optional<TimestampMs> read_seconds(std::string word) {
  bool negative = false;
  if (!word.empty() && (word[0] == '-' || word[0] == '+')) {
    negative = word[0] == '-';
    word.erase(0, 1);
  }
  int exponent = 0;
  const size_t e = word.find_first_of("eE");
  if (e != std::string::npos) {
    std::string text = word.substr(e + 1);
    word.resize(e);
    const bool minus = !text.empty() && text[0] == '-';
    if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.erase(0, 1);
    if (text.empty() || text.find_first_not_of("0123456789") != std::string::npos) return {};
    text.erase(0, std::min(text.find_first_not_of('0'), text.size()));
    if (text.size() > 6) text = "999999";
    exponent = text.empty() ? 0 : std::stoi(text);
    if (minus) exponent = -exponent;
  }
  const size_t point = word.find('.');
  std::string digits = word;
  int before = static_cast<int>(word.size());
  if (point != std::string::npos) {
    digits.erase(point, 1);
    before = static_cast<int>(point);
  }
  if (digits.empty() || digits.find_first_not_of("0123456789") != std::string::npos) return {};
  before += exponent + 3;
  const size_t zeros = std::min(digits.find_first_not_of('0'), digits.size());
  digits.erase(0, zeros);
  before -= static_cast<int>(zeros);
  if (before <= 0 || digits.empty()) return 0;
  if (before > 19) return negative ? kMinTime : kMaxTime;
  digits.resize(static_cast<size_t>(before), '0');
  const auto magnitude = parse_int(digits);
  if (!magnitude) return negative ? kMinTime : kMaxTime;
  return negative ? -*magnitude : *magnitude;
}

class Reader {
 public:
  Reader(std::string_view body, ExpositionFormat format)
      : body_(body), text_(format == ExpositionFormat::kText) {}

  Parsed run() {
    for (;;) {
      ParsedEntry entry;
      ok_ = true;
      read(entry);
      if (!ok_) return {std::move(entries_), false};
      entries_.push_back(entry);
      if (entry.kind == Entry::kEnd) return {std::move(entries_), true};
    }
  }

 private:
  static constexpr int kNothing = -1;

  int peek(size_t ahead = 0) const {
    return at_ + ahead < body_.size() ? static_cast<unsigned char>(body_[at_ + ahead]) : kNothing;
  }
  bool take(char c) {
    if (peek() != static_cast<unsigned char>(c)) return false;
    ++at_;
    return true;
  }
  bool take(std::string_view word) {
    if (!body_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }
  void fail() { ok_ = false; }
  void need(char c) {
    if (!take(c)) fail();
  }
  size_t blanks() {
    size_t count = 0;
    while (text_ && (take(' ') || take('\t'))) ++count;
    return count;
  }
  std::string rest_of_line() {
    std::string rest;
    while (peek() != kNothing && peek() != '\n') rest += body_[at_++];
    return rest;
  }
  std::string word() {
    std::string word;
    while (peek() != kNothing && peek() != '\n' && peek() != ' ' && !(text_ && peek() == '\t')) {
      word += body_[at_++];
    }
    return word;
  }
  std::string name(bool colons) {
    std::string name;
    for (int c = peek(); c != kNothing; c = peek()) {
      const bool alpha = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
      const bool digit = c >= '0' && c <= '9';
      if (!alpha && !(digit && !name.empty()) && !(colons && c == ':')) break;
      name += static_cast<char>(c);
      ++at_;
    }
    return name;
  }
  std::string quoted(bool newlines) {
    std::string decoded;
    need('"');
    for (;;) {
      const int c = peek();
      if (!ok_ || c == kNothing || (c == '\n' && !newlines)) {
        fail();
        return {};
      }
      ++at_;
      if (c == '"') break;
      if (c != '\\') {
        decoded += static_cast<char>(c);
        continue;
      }
      const int next = peek();
      if (next == kNothing || next == '\n') {
        fail();
        return {};
      }
      ++at_;
      if (next == 'n') {
        decoded += '\n';
      } else {
        if (next != '"' && next != '\\') decoded += '\\';
        decoded += static_cast<char>(next);
      }
    }
    if (!is_utf8(decoded)) fail();
    return decoded;
  }

  double number() {
    const std::string text = word();
    if (text.find_first_of("pPxX") != std::string::npos) fail();
    const auto value = parse_double(text);
    if (!value) fail();
    return value.value_or(0);
  }
  static uint64_t bits(double value) {
    return std::isnan(value) ? kNormalNanBits : std::bit_cast<uint64_t>(value);
  }

  // Inside the braces, the opening one read already.
  Pairs label_set(bool exemplar, bool* named) {
    Pairs pairs;
    while (ok_) {
      blanks();
      if (take('}')) break;
      const bool in_quotes = peek() == '"';
      const std::string label = in_quotes ? quoted(text_) : name(false);
      if (label.empty()) fail();
      blanks();
      if (in_quotes && !exemplar && (peek() == ',' || peek() == '}')) {
        if (*named) fail();
        *named = true;
        pairs.emplace_back("__name__", label);
        take(',');
        continue;
      }
      need('=');
      blanks();
      pairs.emplace_back(label, quoted(text_));
      blanks();
      if (!take(',') && !text_ && peek() != '}') fail();
    }
    return pairs;
  }

  std::optional<Pairs> finish(Pairs pairs, bool exemplar) {
    for (auto& [name, value] : pairs) {
      const bool bound = (type_ == MetricType::kHistogram && name == "le") ||
                         (type_ == MetricType::kSummary && name == "quantile");
      if (exemplar || !bound || value.find_first_of("pPxX") != std::string::npos) continue;
      if (const auto number = parse_double(value)) value = spell_bound(*number);
    }
    std::ranges::sort(pairs);
    for (size_t i = 1; i < pairs.size(); ++i) {
      if (pairs[i].first == pairs[i - 1].first) return std::nullopt;
    }
    std::erase_if(pairs, [](const auto& pair) { return pair.second.empty(); });
    return pairs;
  }

  void read(ParsedEntry& entry) {
    while (text_ && (take('\n') || blanks() > 0)) {
    }
    if (peek() == kNothing) {
      if (!text_) fail();
      entry.kind = Entry::kEnd;
    } else if (peek() == '#') {
      text_ ? text_comment(entry) : open_metrics_comment(entry);
    } else {
      sample(entry);
    }
  }

  void text_comment(ParsedEntry& entry) {
    const size_t start = at_;
    take('#');
    if (blanks() > 0) {
      for (const Entry kind : {Entry::kHelp, Entry::kType}) {
        const size_t word = at_;
        if (take(kind == Entry::kHelp ? "HELP" : "TYPE") && blanks() > 0) {
          entry.kind = kind;
          if (metadata(entry)) return;
        }
        at_ = word;
      }
    }
    at_ = start;
    entry = {};
    entry.kind = Entry::kComment;
    entry.text = rest_of_line();
  }

  void open_metrics_comment(ParsedEntry& entry) {
    if (take("# EOF")) {
      take('\n');
      if (peek() != kNothing) fail();
      entry.kind = Entry::kEnd;
      return;
    }
    if (take("# HELP ")) {
      entry.kind = Entry::kHelp;
    } else if (take("# TYPE ")) {
      entry.kind = Entry::kType;
    } else if (take("# UNIT ")) {
      entry.kind = Entry::kUnit;
    } else {
      return fail();
    }
    metadata(entry);
  }

  // False when it turns out to be a comment.
  bool metadata(ParsedEntry& entry) {
    entry.family = peek() == '"' ? quoted(false) : name(true);
    if (entry.family.empty()) fail();
    std::string rest = rest_of_line();
    if (!text_ && peek() == kNothing) fail();
    if (!ok_) return true;
    take('\n');
    const bool blank = !rest.empty() && (rest[0] == ' ' || (text_ && rest[0] == '\t'));
    if (text_ && entry.kind == Entry::kHelp && !rest.empty() && !blank) return false;
    if (rest.empty() ? !text_ : !blank) fail();
    const bool nothing = text_ && rest.find_first_not_of(" \t") == std::string::npos;
    entry.text = nothing || rest.empty() ? "" : rest.substr(1);
    if (entry.kind == Entry::kHelp) help(entry);
    if (entry.kind == Entry::kType) type(entry);
    if (entry.kind == Entry::kUnit && !entry.text.empty() &&
        !("x" + entry.family).ends_with("_" + entry.text)) {
      fail();
    }
    if (entry.kind == Entry::kUnit && !entry.text.empty() &&
        entry.family.size() < entry.text.size() + 1) {
      fail();
    }
    return true;
  }

  void help(ParsedEntry& entry) {
    if (!is_utf8(entry.text)) fail();
    std::string decoded;
    for (size_t i = 0; i < entry.text.size(); ++i) {
      const std::string two = entry.text.substr(i, 2);
      if (two == "\\n") {
        decoded += '\n';
        ++i;
      } else if (two == "\\\\") {
        decoded += '\\';
        ++i;
      } else if (two == "\\\"" && !text_) {
        decoded += '"';
        ++i;
      } else {
        decoded += entry.text[i];
      }
    }
    entry.text = decoded;
  }

  void type(ParsedEntry& entry) {
    const std::string& word = entry.text;
    if (word == "counter") {
      type_ = MetricType::kCounter;
    } else if (word == "gauge") {
      type_ = MetricType::kGauge;
    } else if (word == "histogram") {
      type_ = MetricType::kHistogram;
    } else if (word == "summary") {
      type_ = MetricType::kSummary;
    } else if (word == (text_ ? "untyped" : "unknown")) {
      type_ = MetricType::kUnknown;
    } else if (word == "gaugehistogram" && !text_) {
      type_ = MetricType::kGaugeHistogram;
    } else if (word == "info" && !text_) {
      type_ = MetricType::kInfo;
    } else if (word == "stateset" && !text_) {
      type_ = MetricType::kStateSet;
    } else {
      fail();
    }
    entry.type = type_;
  }

  void sample(ParsedEntry& entry) {
    entry.kind = Entry::kSample;
    const size_t start = at_;
    const std::string metric = name(true);
    size_t series_end = at_;
    bool named = !metric.empty();
    Pairs pairs;
    const size_t gap = blanks();
    if (take('{')) {
      pairs = label_set(false, &named);
      series_end = at_;
    } else {
      if (text_ && gap == 0) fail();
      at_ = series_end;
    }
    if (!metric.empty()) pairs.emplace_back("__name__", metric);
    if (!named) fail();
    if (!ok_) return;
    entry.series = std::string(body_.substr(start, series_end - start));
    entry.labels = finish(std::move(pairs), false);
    blanks();
    if (!text_) need(' ');
    entry.value_bits = bits(number());
    text_ ? text_tail(entry) : open_metrics_tail(entry);
  }

  void text_tail(ParsedEntry& entry) {
    blanks();
    if (peek() != '\n' && peek() != kNothing) {
      const std::string digits = word();
      if (digits.find_first_not_of("0123456789") != std::string::npos) return fail();
      entry.timestamp = parse_int(digits);
      if (!entry.timestamp) fail();
      blanks();
    }
    if (peek() != kNothing) need('\n');
  }

  void open_metrics_tail(ParsedEntry& entry) {
    if (peek() == ' ' && !body_.substr(at_).starts_with(" # {")) {
      take(' ');
      entry.timestamp = read_seconds(word());
      if (!entry.timestamp) fail();
    }
    if (take(" # {")) {
      entry.has_exemplar = true;
      bool named = true;
      entry.exemplar_labels = finish(label_set(true, &named), true);
      need(' ');
      entry.exemplar_value_bits = bits(number());
      if (take(' ')) {
        entry.exemplar_timestamp = read_seconds(word());
        if (!entry.exemplar_timestamp) fail();
      }
    }
    need('\n');
  }

  std::string_view body_;
  const bool text_;
  size_t at_ = 0;
  bool ok_ = true;
  MetricType type_ = MetricType::kUnknown;
  std::vector<ParsedEntry> entries_;
};

inline Parsed parse(std::string_view body, ExpositionFormat format) {
  return Reader(body, format).run();
}

/// The same from ExpositionParser. `hints`: what it is told to expect, entry by entry of samples.
inline Parsed parse_fast(std::string_view body, ExpositionFormat format,
                         const std::vector<std::string>& hints = {}) {
  const auto copy = [](const std::vector<Label>& labels) {
    Pairs pairs;
    for (const auto& [name, value] : labels) pairs.emplace_back(name, value);
    return pairs;
  };
  Parsed parsed;
  ExpositionParser parser(body, format);
  std::vector<Label> labels;
  Exemplar exemplar;
  for (size_t samples = 0;;) {
    const auto next = parser.next(samples < hints.size() ? hints[samples] : std::string_view());
    if (!next) return parsed;
    ParsedEntry entry;
    entry.kind = *next;
    switch (*next) {
      case Entry::kSample:
        ++samples;
        entry.series = parser.series();
        if (parser.labels(labels)) entry.labels = copy(labels);
        entry.value_bits = std::bit_cast<uint64_t>(parser.value());
        entry.timestamp = parser.timestamp();
        entry.has_exemplar = parser.has_exemplar();
        if (entry.has_exemplar) {
          // Too long is for the test of limits; the reference does not count.
          const auto read = parser.exemplar(exemplar);
          if (!read && read.error().code == ErrorCode::kLimit) {
            entry.exemplar_labels = Pairs{{"too", "long"}};
          } else if (read) {
            entry.exemplar_labels = copy({exemplar.labels.begin(), exemplar.labels.end()});
            entry.exemplar_value_bits = std::bit_cast<uint64_t>(exemplar.value);
            entry.exemplar_timestamp = exemplar.timestamp;
          }
        }
        break;
      case Entry::kType: entry.type = parser.type(); [[fallthrough]];
      case Entry::kHelp:
      case Entry::kUnit: entry.family = parser.family(); [[fallthrough]];
      case Entry::kComment: entry.text = parser.text(); break;
      case Entry::kEnd: break;
    }
    parsed.entries.push_back(std::move(entry));
    if (*next == Entry::kEnd) {
      parsed.ok = true;
      return parsed;
    }
  }
}

/// The reference does not judge an exemplar that the parser refuses; make it say what the parser
/// says, so that the rest can be compared.
inline void forgive_exemplars(Parsed& reference) {
  for (auto& entry : reference.entries) {
    if (!entry.has_exemplar) continue;
    size_t chars = 0;
    if (entry.exemplar_labels) {
      for (const auto& [name, value] : *entry.exemplar_labels) {
        for (const char c : name + value) chars += (c & 0xc0) != 0x80;
      }
    }
    if (entry.exemplar_labels && chars <= kMaxExemplarChars) continue;
    if (entry.exemplar_labels) entry.exemplar_labels = Pairs{{"too", "long"}};
    entry.exemplar_value_bits = 0;
    entry.exemplar_timestamp.reset();
  }
}

}  // namespace strata::wire::reference
