// What scalars mean: the second half of yaml.h.
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include "base/number.h"
#include "config/yaml.h"

namespace strata::config {
namespace {

constexpr std::string_view kTagPrefix = "tag:yaml.org,2002:";

bool has_tag(const YamlNode& node, std::string_view name) {
  return node.tag.starts_with(kTagPrefix) && node.tag.substr(kTagPrefix.size()) == name;
}

/// A scalar whose text decides its type, or whose tag says that it is a `name`.
bool may_be(const YamlNode& node, std::string_view name) {
  if (node.kind != YamlNode::Kind::kScalar) return false;
  return node.tag.empty() ? node.plain : has_tag(node, name);
}

template <size_t N>
bool is_one_of(std::string_view text, const std::array<std::string_view, N>& words) {
  for (const std::string_view word : words) {
    if (text == word) return true;
  }
  return false;
}

struct Integer {
  bool negative = false;
  uint64_t magnitude = 0;
};

/// Go's strconv.ParseInt(s, 0, 64) with underscores anywhere, as go-yaml strips them.
std::optional<Integer> parse_integer(std::string_view text) {
  std::string digits;
  for (const char c : text) {
    if (c != '_') digits.push_back(c);
  }
  Integer out;
  std::string_view rest = digits;
  if (rest.starts_with('-') || rest.starts_with('+')) {
    out.negative = rest[0] == '-';
    rest.remove_prefix(1);
  }
  int base = 10;
  if (rest.starts_with("0x") || rest.starts_with("0X")) {
    base = 16;
    rest.remove_prefix(2);
  } else if (rest.starts_with("0b") || rest.starts_with("0B")) {
    base = 2;
    rest.remove_prefix(2);
  } else if (rest.starts_with("0o") || rest.starts_with("0O")) {
    base = 8;
    rest.remove_prefix(2);
  } else if (rest.size() > 1 && rest[0] == '0') {
    base = 8;
    rest.remove_prefix(1);
  }
  if (rest.empty()) return std::nullopt;
  const char* end = rest.data() + rest.size();
  const auto [stop, error] = std::from_chars(rest.data(), end, out.magnitude, base);
  if (error != std::errc() || stop != end) return std::nullopt;
  return out;
}

/// go-yaml's pattern for floats: digits with an optional point and exponent, nothing else.
bool is_float_syntax(std::string_view text) {
  size_t i = 0;
  const auto digits = [&] {
    const size_t start = i;
    while (i < text.size() && text[i] >= '0' && text[i] <= '9') ++i;
    return i - start;
  };
  if (i < text.size() && (text[i] == '-' || text[i] == '+')) ++i;
  const size_t whole = digits();
  size_t fraction = 0;
  if (i < text.size() && text[i] == '.') {
    ++i;
    fraction = digits();
  }
  if (whole + fraction == 0) return false;
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    ++i;
    if (i < text.size() && (text[i] == '-' || text[i] == '+')) ++i;
    if (digits() == 0) return false;
  }
  return i == text.size();
}

std::optional<std::string> decode_base64(std::string_view text) {
  std::string out;
  uint32_t bits = 0;
  int count = 0;
  int padding = 0;
  for (const char c : text) {
    if (c == '\n' || c == '\r') continue;  // Go's decoder skips these, and no other space
    int value = -1;
    if (c >= 'A' && c <= 'Z') value = c - 'A';
    if (c >= 'a' && c <= 'z') value = c - 'a' + 26;
    if (c >= '0' && c <= '9') value = c - '0' + 52;
    if (c == '+') value = 62;
    if (c == '/') value = 63;
    if (c == '=') {
      ++padding;
    } else if (value < 0 || padding > 0) {
      return std::nullopt;
    }
    bits = (bits << 6) | static_cast<uint32_t>(value < 0 ? 0 : value);
    if (++count % 4 != 0) continue;
    out.push_back(static_cast<char>(bits >> 16));
    out.push_back(static_cast<char>(bits >> 8));
    out.push_back(static_cast<char>(bits));
  }
  if (count % 4 != 0 || padding > 2) return std::nullopt;
  out.resize(out.size() - static_cast<size_t>(padding));
  return out;
}

}  // namespace

bool is_null(const YamlNode& node) {
  static constexpr std::array<std::string_view, 5> kWords = {"", "~", "null", "Null", "NULL"};
  return may_be(node, "null") && is_one_of(node.text, kWords);
}

std::optional<bool> as_bool(const YamlNode& node) {
  static constexpr std::array<std::string_view, 11> kTrue = {
      "y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"};
  static constexpr std::array<std::string_view, 11> kFalse = {
      "n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"};
  if (!may_be(node, "bool")) return std::nullopt;
  if (is_one_of(node.text, kTrue)) return true;
  if (is_one_of(node.text, kFalse)) return false;
  return std::nullopt;
}

std::optional<int64_t> as_int(const YamlNode& node) {
  if (!may_be(node, "int")) return std::nullopt;
  if (const std::optional<Integer> parsed = parse_integer(node.text)) {
    const uint64_t limit = uint64_t{1} << 63;
    if (parsed->negative && parsed->magnitude <= limit) {
      return static_cast<int64_t>(0 - parsed->magnitude);
    }
    if (!parsed->negative && parsed->magnitude < limit) {
      return static_cast<int64_t>(parsed->magnitude);
    }
    return std::nullopt;
  }
  const std::optional<double> value = as_float(node);
  if (!value || *value != std::trunc(*value) || std::abs(*value) > 9.2e18) return std::nullopt;
  return static_cast<int64_t>(*value);
}

std::optional<uint64_t> as_uint(const YamlNode& node) {
  if (!may_be(node, "int")) return std::nullopt;
  if (const std::optional<Integer> parsed = parse_integer(node.text)) {
    if (parsed->negative && parsed->magnitude != 0) return std::nullopt;
    return parsed->magnitude;
  }
  const std::optional<double> value = as_float(node);
  if (!value || *value != std::trunc(*value) || *value < 0 || *value > 1.8e19) return std::nullopt;
  return static_cast<uint64_t>(*value);
}

std::optional<double> as_float(const YamlNode& node) {
  static constexpr std::array<std::string_view, 3> kNan = {".nan", ".NaN", ".NAN"};
  static constexpr std::array<std::string_view, 6> kInf = {".inf",  ".Inf",  ".INF",
                                                           "+.inf", "+.Inf", "+.INF"};
  static constexpr std::array<std::string_view, 3> kMinusInf = {"-.inf", "-.Inf", "-.INF"};
  if (!may_be(node, "float") && !may_be(node, "int")) return std::nullopt;
  if (is_one_of(node.text, kNan)) return std::numeric_limits<double>::quiet_NaN();
  if (is_one_of(node.text, kInf)) return std::numeric_limits<double>::infinity();
  if (is_one_of(node.text, kMinusInf)) return -std::numeric_limits<double>::infinity();
  if (const std::optional<Integer> parsed = parse_integer(node.text)) {
    const auto magnitude = static_cast<double>(parsed->magnitude);
    return parsed->negative ? -magnitude : magnitude;
  }
  return is_float_syntax(node.text) ? parse_double(node.text) : std::nullopt;
}

std::optional<std::string> as_text(const YamlNode& node) {
  if (node.kind != YamlNode::Kind::kScalar) return std::nullopt;
  if (has_tag(node, "binary")) return decode_base64(node.text);
  return node.text;
}

}  // namespace strata::config
