#include "gateway/form_body.h"

#include <algorithm>

#include "net/headers.h"

namespace strata::gateway {
namespace {

constexpr size_t kMaxBoundary = 70;  // RFC 2046, 5.1.1
constexpr size_t kMaxValue = 1024;
constexpr size_t kMaxHead = 8192;  // of a part

std::string_view trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

/// The value of a parameter of a header's value ("form-data; name=\"model\""), quotes undone.
std::optional<std::string> parameter(std::string_view value, std::string_view name) {
  while (true) {
    // A ';' inside quotes parts nothing.
    bool quoted = false;
    size_t end = 0;
    for (; end < value.size() && (quoted || value[end] != ';'); ++end) {
      if (value[end] == '\\' && quoted)
        ++end;
      else if (value[end] == '"')
        quoted = !quoted;
    }
    const std::string_view part = trimmed(value.substr(0, end));
    const size_t equals = part.find('=');
    if (equals != part.npos && net::equals_ignoring_case(trimmed(part.substr(0, equals)), name)) {
      std::string_view text = trimmed(part.substr(equals + 1));
      if (text.size() < 2 || !text.starts_with('"') || !text.ends_with('"')) {
        return std::string(text);
      }
      std::string out;
      for (size_t i = 1; i + 1 < text.size(); ++i) {
        if (text[i] == '\\' && i + 2 < text.size()) ++i;
        out += text[i];
      }
      return out;
    }
    if (end >= value.size()) return std::nullopt;
    value.remove_prefix(end + 1);
  }
}

/// Whether a part's head says that it is the field `name`, and no file.
bool is_field(std::string_view head, std::string_view name) {
  while (!head.empty()) {
    const size_t end = std::min(head.find("\r\n"), head.size());
    const std::string_view line = head.substr(0, end);
    head.remove_prefix(std::min(end + 2, head.size()));
    const size_t colon = line.find(':');
    if (colon == line.npos ||
        !net::equals_ignoring_case(line.substr(0, colon), "content-disposition")) {
      continue;
    }
    const std::string_view value = line.substr(colon + 1);
    return parameter(value, "name") == name && !parameter(value, "filename");
  }
  return false;
}

}  // namespace

std::string form_boundary(std::string_view content_type) {
  static constexpr std::string_view kType = "multipart/form-data";
  const std::string_view type = trimmed(content_type.substr(0, content_type.find(';')));
  if (!net::equals_ignoring_case(type, kType)) return {};
  auto boundary = parameter(content_type, "boundary");
  return boundary && boundary->size() <= kMaxBoundary ? *std::move(boundary) : std::string();
}

std::optional<std::string> form_field(std::string_view body, std::string_view boundary,
                                      std::string_view name) {
  if (boundary.empty()) return std::nullopt;
  const std::string first = std::string("--").append(boundary);
  const std::string next = "\r\n" + first;
  size_t at = body.starts_with(first) ? first.size() : body.find(next);
  if (at == body.npos) return std::nullopt;
  if (!body.starts_with(first)) at += next.size();
  while (body.substr(at, 2) == "\r\n") {
    const size_t head_end = body.substr(at, kMaxHead).find("\r\n\r\n");
    if (head_end == body.npos) return std::nullopt;
    const std::string_view head = body.substr(at + 2, head_end < 2 ? 0 : head_end - 2);
    const size_t begin = at + head_end + 4;
    const size_t end = body.find(next, begin);
    if (end == body.npos) return std::nullopt;
    if (is_field(head, name)) {
      if (end - begin > kMaxValue) return std::nullopt;
      return std::string(body.substr(begin, end - begin));
    }
    at = end + next.size();
  }
  return std::nullopt;
}

}  // namespace strata::gateway
