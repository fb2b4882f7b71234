#include "collect/fields.h"

#include <algorithm>
#include <charconv>

#include "base/number.h"

namespace strata::collect {
namespace {

constexpr std::string_view kBlank = " \t";
constexpr std::string_view kBlankOrEnd = " \t\r\n";

std::unexpected<Error> not_a_number(std::string_view text, std::string_view where) {
  return malformed(where, std::string("not a number: ").append(text.substr(0, 60)));
}

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

}  // namespace

bool Lines::next() {
  if (rest_.empty()) return false;
  const size_t end = rest_.find('\n');
  line_ = rest_.substr(0, end);
  rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
  return true;
}

std::string_view next_field(std::string_view& rest) {
  const size_t begin = rest.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) {
    rest = {};
    return {};
  }
  rest.remove_prefix(begin);
  const size_t end = std::min(rest.find_first_of(kBlank), rest.size());
  const std::string_view field = rest.substr(0, end);
  rest.remove_prefix(end);
  return field;
}

void split_fields(std::string_view line, std::vector<std::string_view>& out) {
  out.clear();
  while (out.size() < kMaxFields) {
    const std::string_view field = next_field(line);
    if (field.empty()) return;
    out.push_back(field);
  }
}

std::string_view trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(kBlankOrEnd);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlankOrEnd) - begin + 1);
}

std::pair<std::string_view, std::string_view> cut(std::string_view text, char separator) {
  const size_t at = text.find(separator);
  if (at == std::string_view::npos) return {text, {}};
  return {text.substr(0, at), text.substr(at + 1)};
}

Result<double> to_double(std::string_view text, std::string_view where) {
  if (const auto value = parse_double(text)) return *value;
  return not_a_number(text, where);
}

Result<uint64_t> to_uint(std::string_view text, std::string_view where) {
  if (const auto value = parse_uint(text)) return *value;
  return not_a_number(text, where);
}

Result<uint64_t> to_uint_hex(std::string_view text, std::string_view where) {
  if (const auto value = parse_hex(text)) return *value;
  return not_a_number(text, where);
}

std::optional<uint64_t> parse_hex(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::unexpected<Error> malformed(std::string_view where, std::string_view what) {
  return bad_data(std::string(where).append(": ").append(what));
}

std::string metric_name_part(std::string_view text) {
  std::string out(text);
  std::ranges::replace_if(out, [](char c) { return !is_name_character(c); }, '_');
  return out;
}

std::string lower_case(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  return out;
}

}  // namespace strata::collect
