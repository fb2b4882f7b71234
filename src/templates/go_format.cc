#include "templates/go_format.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "base/quote.h"
#include "base/utf8.h"
#include "templates/time_text.h"

namespace strata::templates {
namespace {

// The largest width and precision that Go takes from an argument.
constexpr int64_t kMaxWidth = 1'000'000;

struct Spec {
  bool plus = false;
  bool minus = false;
  bool sharp = false;
  bool space = false;
  bool zero = false;
  std::optional<int64_t> width;
  std::optional<int64_t> precision;
  std::string_view verb;  // one character, as UTF-8
};

size_t characters(std::string_view text) {
  size_t n = 0;
  for (size_t i = 0; i < text.size(); ++n) {
    i += std::max<size_t>(1, utf8_sequence_length(text.substr(i)));
  }
  return n;
}

std::string_view first_characters(std::string_view text, int64_t count) {
  size_t i = 0;
  for (; count > 0 && i < text.size(); --count) {
    i += std::max<size_t>(1, utf8_sequence_length(text.substr(i)));
  }
  return text.substr(0, i);
}

// C's conversion of a double; Go's and C's agree where a precision is given.
std::string c_format(char verb, int64_t precision, bool sharp, double value) {
  const char format[] = {'%', sharp ? '#' : '-', '.', '*', verb, '\0'};  // '-' changes nothing
  const auto digits = static_cast<int>(precision);
  const int size = std::snprintf(nullptr, 0, format, digits, value);
  std::string text(static_cast<size_t>(size), '\0');
  std::snprintf(text.data(), text.size() + 1, format, digits, value);
  return text;
}

// %g without a precision: the shortest digits that read back; an exponent below 1e-4 and from 1e6
// on, where C's decision would hang on how many digits there are.
std::string shortest(double value) {
  char text[64];
  const double magnitude = std::fabs(value);
  const bool exponent = value != 0 && (magnitude < 1e-4 || magnitude >= 1e6);
  const auto format = exponent ? std::chars_format::scientific : std::chars_format::fixed;
  return {text, std::to_chars(text, text + sizeof text, value, format).ptr};
}

// %x: C's %a, but for the exponent's two digits.
std::string hexadecimal(double value) {
  char text[64];
  std::snprintf(text, sizeof text, "%a", value);
  std::string out = text;
  const size_t exponent = out.find('p') + 2;
  if (out.size() - exponent < 2) out.insert(exponent, "0");
  return out;
}

char to_upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 0x20) : c; }
bool is_upper(char verb) { return verb >= 'A' && verb <= 'Z'; }

class Printer {
 public:
  explicit Printer(size_t max_output) : max_output_(max_output) {}

  void print(const Spec& spec, const Value& value);
  std::string take() { return std::move(out_); }
  std::string& out() { return out_; }
  bool full() const { return out_.size() >= max_output_; }

 private:
  void pad(const Spec& spec, std::string_view text, bool numeric);
  void bad_verb(const Spec& spec, const Value& value);
  void print_float(const Spec& spec, double value);
  bool print_integer(const Spec& spec, int64_t value);
  bool print_text(const Spec& spec, const std::string& value);
  void print_elements(const Spec& spec, const List& list);
  void print_map(const Spec& spec, const Map& map);

  const size_t max_output_;
  std::string out_;
};

void Printer::pad(const Spec& spec, std::string_view text, bool numeric) {
  const auto length = static_cast<int64_t>(characters(text));
  const int64_t width = std::min(spec.width.value_or(0), static_cast<int64_t>(max_output_));
  const auto missing = static_cast<size_t>(std::max<int64_t>(0, width - length));
  if (spec.minus) {
    out_.append(text).append(missing, ' ');
    return;
  }
  if (spec.zero) {
    const bool sign = numeric && !text.empty() && (text[0] == '-' || text[0] == '+');
    if (sign) out_ += text[0];
    out_.append(missing, '0').append(text.substr(sign ? 1 : 0));
    return;
  }
  out_.append(missing, ' ').append(text);
}

void Printer::bad_verb(const Spec& spec, const Value& value) {
  out_.append("%!").append(spec.verb);
  if (value.is_nil()) {
    out_ += "(<nil>)";
    return;
  }
  out_.append("(").append(value.type_name()).append("=");
  append_text(out_, value);
  out_ += ')';
}

void Printer::print_float(const Spec& spec, double value) {
  const char verb = spec.verb[0] == 'v' ? 'g' : spec.verb[0];
  const char lower = is_upper(verb) ? static_cast<char>(verb | 0x20) : verb;
  Spec plain = spec;
  std::string text;
  if (std::isnan(value) || std::isinf(value)) {
    plain.zero = false;
    text = std::isnan(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
    if (std::isnan(value) && spec.plus)
      text = "+NaN";
    else if (std::isnan(value) && spec.space)
      text = " NaN";
    if (value > 0 && spec.space && !spec.plus) text = " Inf";
    return pad(plain, text, false);
  }
  if (spec.precision) {
    text = c_format(lower, std::min<int64_t>(*spec.precision, 2000), spec.sharp, value);
  } else if (lower == 'g' && !spec.sharp) {
    text = shortest(value);
  } else if (lower == 'x') {
    text = hexadecimal(value);
  } else {
    text = c_format(lower, 6, spec.sharp, value);
  }
  if (is_upper(verb)) std::ranges::transform(text, text.begin(), to_upper);
  if (text[0] != '-') {
    if (spec.plus)
      text.insert(0, "+");
    else if (spec.space)
      text.insert(0, " ");
  }
  pad(plain, text, true);
}

bool Printer::print_integer(const Spec& spec, int64_t value) {
  const char verb = spec.verb[0];
  int base = 10;
  switch (verb) {
    case 'v':
    case 'd': break;
    case 'b': base = 2; break;
    case 'o':
    case 'O': base = 8; break;
    case 'x':
    case 'X': base = 16; break;
    case 'c': {
      std::string text;
      const auto rune = static_cast<uint32_t>(value);
      text = value >= 0 && value < 0x80 ? std::string(1, static_cast<char>(rune)) : "\xef\xbf\xbd";
      pad(spec, text, false);
      return true;
    }
    case 'q': {
      pad(spec, fmt::format("'{}'", static_cast<char>(value)), false);
      return true;
    }
    case 'U': pad(spec, fmt::format("U+{:04X}", value), false); return true;
    default: return false;
  }
  char digits[72];
  const uint64_t magnitude =
      value < 0 ? 0 - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
  std::string text(digits, std::to_chars(digits, digits + sizeof digits, magnitude, base).ptr);
  if (verb == 'X') std::ranges::transform(text, text.begin(), to_upper);
  Spec plain = spec;
  if (spec.precision) {
    plain.zero = false;
    const auto wanted = static_cast<size_t>(std::min(*spec.precision, kMaxWidth));
    if (text.size() < wanted) text.insert(0, wanted - text.size(), '0');
  }
  if (verb == 'O') text.insert(0, "0o");
  if (spec.sharp && base == 16) text.insert(0, verb == 'x' ? "0x" : "0X");
  if (spec.sharp && base == 8 && verb == 'o') text.insert(0, "0");
  if (spec.sharp && base == 2) text.insert(0, "0b");
  if (value < 0)
    text.insert(0, "-");
  else if (spec.plus)
    text.insert(0, "+");
  else if (spec.space)
    text.insert(0, " ");
  pad(plain, text, true);
  return true;
}

bool Printer::print_text(const Spec& spec, const std::string& value) {
  switch (spec.verb[0]) {
    case 'v':
      if (spec.sharp) {
        pad(spec, quoted(value), false);
        return true;
      }
      [[fallthrough]];
    case 's':
      pad(spec, spec.precision ? first_characters(value, *spec.precision) : std::string_view(value),
          false);
      return true;
    case 'q': {
      const auto text = spec.precision ? first_characters(value, *spec.precision) : value;
      const bool raw = spec.sharp && !text.contains('`');
      pad(spec, raw ? fmt::format("`{}`", text) : quoted(text), false);
      return true;
    }
    case 'x':
    case 'X': {
      std::string text;
      for (const char c : value) {
        const auto byte = static_cast<unsigned char>(c);
        text += spec.verb[0] == 'x' ? fmt::format("{:02x}", byte) : fmt::format("{:02X}", byte);
      }
      pad(spec, text, false);
      return true;
    }
    default: return false;
  }
}

void Printer::print_elements(const Spec& spec, const List& list) {
  out_ += '[';
  for (size_t i = 0; i < list.size() && !full(); ++i) {
    if (i > 0) out_ += ' ';
    print(spec, list[i]);
  }
  out_ += ']';
}

void Printer::print_map(const Spec& spec, const Map& map) {
  out_ += "map[";
  bool first = true;
  for (const auto& [key, value] : map.entries) {
    if (full()) break;
    if (!first) out_ += ' ';
    first = false;
    print(spec, Value(key));
    out_ += ':';
    print(spec, value);
  }
  out_ += ']';
}

void Printer::print(const Spec& spec, const Value& value) {
  const char verb = spec.verb[0];
  if (verb == 'T') return pad(spec, value.type_name(), false);
  if (value.is_nil()) {
    if (verb == 'v') return pad(spec, "<nil>", false);
    return bad_verb(spec, value);
  }
  if (const List* list = value.list()) return print_elements(spec, *list);
  if (const Map* map = value.map()) return print_map(spec, *map);
  bool known = true;
  if (const auto* boolean = value.as<bool>()) {
    known = verb == 'v' || verb == 't';
    if (known) pad(spec, *boolean ? "true" : "false", false);
  } else if (const auto* integer = value.as<int64_t>()) {
    known = print_integer(spec, *integer);
  } else if (const auto* number = value.as<double>()) {
    known = std::string_view("veEfFgGxX").contains(verb);
    if (known) print_float(spec, *number);
  } else if (const auto* text = value.as<std::string>()) {
    known = print_text(spec, *text);
  } else if (const auto* duration = value.as<Duration>(); duration != nullptr && verb == 'd') {
    known = print_integer(spec, duration->nanoseconds);
  } else {
    known = print_text(spec, text_of(value));
  }
  if (!known) bad_verb(spec, value);
}

// Reads the flags, width, precision and verb behind a '%'.
class SpecReader {
 public:
  SpecReader(std::string_view format, std::span<const Value> arguments)
      : format_(format), arguments_(arguments) {}

  /// `at` stands behind the '%' and is moved behind the verb; what is wrong goes to `out`.
  Spec read(size_t& at, std::string& out);
  const Value* argument() { return next_ < arguments_.size() ? &arguments_[next_++] : nullptr; }
  std::span<const Value> rest() const { return arguments_.subspan(next_); }

 private:
  std::optional<int64_t> number(size_t& at, std::string& out, std::string_view complaint);

  const std::string_view format_;
  const std::span<const Value> arguments_;
  size_t next_ = 0;
};

std::optional<int64_t> SpecReader::number(size_t& at, std::string& out,
                                          std::string_view complaint) {
  if (at < format_.size() && format_[at] == '*') {
    ++at;
    const Value* value = argument();
    const auto* n = value == nullptr ? nullptr : value->as<int64_t>();
    if (n == nullptr || *n > kMaxWidth || *n < -kMaxWidth) {
      out += complaint;
      return std::nullopt;
    }
    return *n;
  }
  if (at >= format_.size() || format_[at] < '0' || format_[at] > '9') return std::nullopt;
  int64_t value = 0;
  for (; at < format_.size() && format_[at] >= '0' && format_[at] <= '9'; ++at) {
    value = std::min(value * 10 + (format_[at] - '0'), kMaxWidth);
  }
  return value;
}

Spec SpecReader::read(size_t& at, std::string& out) {
  Spec spec;
  for (; at < format_.size(); ++at) {
    const char c = format_[at];
    if (c == '+')
      spec.plus = true;
    else if (c == '-')
      spec.minus = true;
    else if (c == '#')
      spec.sharp = true;
    else if (c == ' ')
      spec.space = true;
    else if (c == '0')
      spec.zero = true;
    else
      break;
  }
  spec.width = number(at, out, "%!(BADWIDTH)");
  if (spec.width && *spec.width < 0) {
    spec.minus = true;
    spec.width = -*spec.width;
  }
  if (at < format_.size() && format_[at] == '.') {
    ++at;
    spec.precision = number(at, out, "%!(BADPREC)").value_or(0);
    if (*spec.precision < 0) spec.precision.reset();
  }
  if (spec.minus) spec.zero = false;
  if (at < format_.size()) {
    const size_t length = std::max<size_t>(1, utf8_sequence_length(format_.substr(at)));
    spec.verb = format_.substr(at, length);
    at += length;
  }
  return spec;
}

}  // namespace

void append_float(std::string& out, double value) {
  if (std::isnan(value)) {
    out += "NaN";
  } else if (std::isinf(value)) {
    out += value > 0 ? "+Inf" : "-Inf";
  } else {
    out += shortest(value);
  }
}

std::string text_of(const Value& value) {
  std::string out;
  append_text(out, value);
  return out;
}

void append_text(std::string& out, const Value& value) {
  struct Text {
    std::string& out;
    void operator()(std::monostate) const { out += "<nil>"; }
    void operator()(bool v) const { out += v ? "true" : "false"; }
    void operator()(int64_t v) const { out += std::to_string(v); }
    void operator()(double v) const { append_float(out, v); }
    void operator()(const std::string& v) const { out += v; }
    void operator()(const Value::ListPtr& v) const {
      out += '[';
      for (size_t i = 0; i < v->size(); ++i) {
        if (i > 0) out += ' ';
        append_text(out, (*v)[i]);
      }
      out += ']';
    }
    void operator()(const Value::MapPtr& v) const {
      out += "map[";
      bool first = true;
      for (const auto& [key, item] : v->entries) {
        if (!first) out += ' ';
        first = false;
        out.append(key) += ':';
        append_text(out, item);
      }
      out += ']';
    }
    void operator()(const Value::ObjectPtr& v) const { out += v->text(); }
    void operator()(Time v) const { out += time_text(v); }
    void operator()(Duration v) const { out += duration_text(v); }
  };
  std::visit(Text{out}, value.data());
}

std::string sprintf(std::string_view format, std::span<const Value> arguments, size_t max_output) {
  Printer printer(max_output);
  SpecReader reader(format, arguments);
  for (size_t at = 0; at < format.size() && !printer.full();) {
    if (format[at] != '%') {
      const size_t percent = std::min(format.find('%', at), format.size());
      printer.out().append(format.substr(at, percent - at));
      at = percent;
      continue;
    }
    const Spec spec = reader.read(++at, printer.out());
    if (spec.verb.empty()) {
      printer.out() += "%!(NOVERB)";
      break;
    }
    if (spec.verb == "%") {
      printer.out() += '%';
      continue;
    }
    if (const Value* argument = reader.argument()) {
      printer.print(spec, *argument);
    } else {
      printer.out().append("%!").append(spec.verb).append("(MISSING)");
    }
  }
  if (const auto rest = reader.rest(); !rest.empty()) {
    std::string& out = printer.out();
    out += "%!(EXTRA ";
    for (size_t i = 0; i < rest.size(); ++i) {
      if (i > 0) out += ", ";
      if (rest[i].is_nil()) {
        out += "<nil>";
        continue;
      }
      out.append(rest[i].type_name()) += '=';
      append_text(out, rest[i]);
    }
    out += ')';
  }
  return printer.take();
}

std::string sprint(std::span<const Value> arguments) {
  std::string out;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const auto is_text = [&](size_t n) { return arguments[n].as<std::string>() != nullptr; };
    if (i > 0 && !is_text(i) && !is_text(i - 1)) out += ' ';
    append_text(out, arguments[i]);
  }
  return out;
}

std::string sprintln(std::span<const Value> arguments) {
  std::string out;
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (i > 0) out += ' ';
    append_text(out, arguments[i]);
  }
  return out + '\n';
}

}  // namespace strata::templates
