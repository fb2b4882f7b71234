#include "discover/target_url.h"

namespace strata::discover {
namespace {

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("-_.~").contains(c);
}

void append_escaped(std::string& out, std::string_view text, std::string_view also_allowed) {
  static constexpr std::string_view kHex = "0123456789ABCDEF";
  for (const char c : text) {
    if (is_unreserved(c) || also_allowed.contains(c)) {
      out += c;
      continue;
    }
    const auto byte = static_cast<uint8_t>(c);
    out.append({'%', kHex[byte >> 4], kHex[byte & 15]});
  }
}

void append_query_text(std::string& out, std::string_view text) {
  size_t start = 0;
  for (size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && text[i] != ' ') continue;
    append_escaped(out, text.substr(start, i - start), "");
    if (i < text.size()) out += '+';
    start = i + 1;
  }
}

}  // namespace

std::string make_url(std::string_view scheme, std::string_view host, std::string_view path,
                     const QueryValues& query) {
  std::string out(scheme);
  out.append("://").append(host);
  if (!path.empty() && !path.starts_with('/')) out += '/';
  append_escaped(out, path, "$&+,/:;=@");
  char separator = '?';
  for (const auto& [name, values] : query) {
    for (const std::string& value : values) {
      out += separator;
      separator = '&';
      append_query_text(out, name);
      out += '=';
      append_query_text(out, value);
    }
  }
  return out;
}

}  // namespace strata::discover
