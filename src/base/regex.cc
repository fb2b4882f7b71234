#include "base/regex.h"

#include <re2/re2.h>

#include <algorithm>

#include "base/number.h"
#include "base/utf8.h"

namespace strata {
namespace {

// RE2 of 2022 spells a named group (?P<name>…) only.
std::string with_named_groups(std::string_view pattern) {
  std::string out;
  bool in_class = false;
  for (size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c == '\\' && i + 1 < pattern.size()) {
      out += c;
      out += pattern[++i];
      continue;
    }
    if (c == '[') in_class = true;
    if (c == ']') in_class = false;
    if (!in_class && pattern.substr(i).starts_with("(?<") && i + 3 < pattern.size() &&
        pattern[i + 3] != '=' && pattern[i + 3] != '!') {
      out += "(?P<";
      i += 2;
      continue;
    }
    out += c;
  }
  return out;
}

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

}  // namespace

Result<Regex> Regex::compile(std::string_view pattern) {
  RE2::Options options;
  options.set_dot_nl(true);
  options.set_log_errors(false);
  options.set_max_mem(16 << 20);
  auto compiled = std::make_shared<re2::RE2>(with_named_groups(pattern), options);
  if (!compiled->ok()) {
    return bad_data(
        fmt::format("invalid regular expression \"{}\": {}", pattern, compiled->error()));
  }
  Regex regex;
  regex.re_ = std::move(compiled);
  regex.pattern_ = std::make_shared<const std::string>(pattern);
  return regex;
}

bool Regex::full_match(std::string_view text) const {
  return re_->Match({text.data(), text.size()}, 0, text.size(), RE2::ANCHOR_BOTH, nullptr, 0);
}

bool Regex::partial_match(std::string_view text) const {
  return re_->Match({text.data(), text.size()}, 0, text.size(), RE2::UNANCHORED, nullptr, 0);
}

bool Regex::full_match(std::string_view text, std::vector<std::string_view>* groups) const {
  const int n = re_->NumberOfCapturingGroups() + 1;
  std::vector<re2::StringPiece> pieces(static_cast<size_t>(n));
  if (!re_->Match({text.data(), text.size()}, 0, text.size(), RE2::ANCHOR_BOTH, pieces.data(), n)) {
    return false;
  }
  groups->clear();
  for (const auto& piece : pieces) groups->emplace_back(piece.data(), piece.size());
  return true;
}

std::string Regex::expand(std::string_view replacement,
                          const std::vector<std::string_view>& groups) const {
  std::string out;
  const auto append_group = [&](std::string_view name) {
    std::optional<uint64_t> index = parse_uint(name);
    if (!index) {
      const auto& names = re_->NamedCapturingGroups();
      const auto it = names.find(std::string(name));
      if (it == names.end()) return;
      index = static_cast<uint64_t>(it->second);
    }
    if (*index < groups.size()) out.append(groups[*index]);
  };
  for (size_t i = 0; i < replacement.size(); ++i) {
    if (replacement[i] != '$' || i + 1 == replacement.size()) {
      out += replacement[i];
      continue;
    }
    if (replacement[i + 1] == '$') {
      out += '$';
      ++i;
      continue;
    }
    const bool braces = replacement[i + 1] == '{';
    const size_t begin = i + (braces ? 2 : 1);
    size_t end = begin;
    while (end < replacement.size() && is_name_char(replacement[end])) ++end;
    const bool closed = !braces || (end < replacement.size() && replacement[end] == '}');
    if (end == begin || !closed) {
      out += '$';
      continue;
    }
    append_group(replacement.substr(begin, end - begin));
    i = braces ? end : end - 1;
  }
  return out;
}

std::string Regex::replace_all(std::string_view text, std::string_view replacement) const {
  const int n = re_->NumberOfCapturingGroups() + 1;
  std::vector<re2::StringPiece> pieces(static_cast<size_t>(n));
  std::vector<std::string_view> groups;
  std::string out;
  size_t copied = 0;  // how much of `text` is in `out`, replaced or as it was
  for (size_t from = 0; from <= text.size();) {
    if (!re_->Match({text.data(), text.size()}, from, text.size(), RE2::UNANCHORED, pieces.data(),
                    n)) {
      break;
    }
    const auto begin = static_cast<size_t>(pieces[0].data() - text.data());
    const size_t end = begin + pieces[0].size();
    out.append(text.substr(copied, begin - copied));
    // An empty match right behind another match is none.
    if (end > copied || begin == 0) {
      groups.clear();
      for (const auto& piece : pieces) groups.emplace_back(piece.data(), piece.size());
      out += expand(replacement, groups);
    }
    copied = end;
    const size_t step = std::max<size_t>(1, utf8_sequence_length(text.substr(from)));
    from = from + step > end ? from + step : end;
  }
  return out.append(text.substr(std::min(copied, text.size())));
}

}  // namespace strata
