#include "config/environment.h"

#include <cstdlib>

namespace strata::config {
namespace {

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/// The shell's one-character variables.
bool is_special(char c) { return std::string_view("*#$@!?-0123456789").contains(c); }

struct Reference {
  std::string_view name;  // empty: malformed
  size_t length = 0;      // characters after the $
};

/// What follows a $.
Reference read_reference(std::string_view text) {
  if (text.starts_with('{')) {
    const size_t close = text.find('}');
    if (close == std::string_view::npos) return {{}, 1};
    return {text.substr(1, close - 1), close + 1};
  }
  if (!text.empty() && is_special(text[0])) return {text.substr(0, 1), 1};
  size_t end = 0;
  while (end < text.size() && is_name_char(text[end])) ++end;
  return {text.substr(0, end), end};
}

}  // namespace

std::optional<std::string> process_environment(std::string_view name) {
  const char* value = std::getenv(std::string(name).c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

std::string expand_environment(std::string_view text, const Environment& environment,
                               std::vector<std::string>& missing) {
  std::string out;
  while (true) {
    const size_t dollar = text.find('$');
    out += text.substr(0, dollar);
    if (dollar == std::string_view::npos) return out;
    text.remove_prefix(dollar + 1);
    const Reference reference = read_reference(text);
    text.remove_prefix(reference.length);
    if (reference.name == "$" || reference.length == 0) {
      out += '$';
    } else if (!reference.name.empty()) {
      const std::optional<std::string> value = environment(reference.name);
      if (!value || value->empty()) missing.emplace_back(reference.name);
      out += value.value_or("");
    }
  }
}

}  // namespace strata::config
