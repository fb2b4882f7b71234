#include "gateway/http_head.h"

#include <algorithm>
#include <array>

#include "base/number.h"
#include "net/headers.h"

namespace strata::gateway {
namespace {

using net::equals_ignoring_case;
using Fault = std::optional<HeadFault>;

constexpr size_t kMaxLengthDigits = 18;

Fault bad(std::string_view reason) { return HeadFault{400, reason}; }

std::string_view trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

/// The line that `text` begins with, taken off it. Lines end with CR LF and nothing else.
std::string_view take_line(std::string_view& text) {
  const size_t end = text.find("\r\n");
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(text.size(), line.size() + 2));
  return line;
}

/// Calls `each` for every element of a comma-separated list.
template <class Each>
void for_each_token(std::string_view list, Each each) {
  while (!list.empty()) {
    const size_t comma = list.find(',');
    each(trimmed(list.substr(0, comma)));
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
  }
}

Fault parse_fields(std::string_view text, MessageHead& head) {
  head.fields.clear();
  while (true) {
    const std::string_view line = take_line(text);
    if (line.empty()) return std::nullopt;
    if (head.fields.size() == MessageHead::kMaxFields) return HeadFault{431, "too many fields"};
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) return bad("a header line without a colon");
    const HeadField field{line.substr(0, colon), trimmed(line.substr(colon + 1))};
    // A name with a space before its colon, or a line that goes on with the one before it (obsolete
    // folding), is no token either.
    if (!net::is_header_name(field.name)) return bad("a header name that is none");
    if (!net::is_header_value(field.value)) return bad("a header value with control characters");
    head.fields.push_back(field);
  }
}

/// Reads what says how long the body is and whether the connection stays.
Fault read_framing(MessageHead& head) {
  bool chunked = false;
  bool has_length = false;
  bool close = false;
  bool stay = false;
  head.length = 0;
  for (const auto& [name, value] : head.fields) {
    if (equals_ignoring_case(name, "transfer-encoding")) {
      if (chunked) return bad("Transfer-Encoding comes twice");
      if (!equals_ignoring_case(value, "chunked")) {
        return HeadFault{501, "a transfer coding other than chunked"};
      }
      chunked = true;
    } else if (equals_ignoring_case(name, "content-length")) {
      if (has_length) return bad("Content-Length comes twice");
      const bool digits = !value.empty() && value.size() <= kMaxLengthDigits &&
                          value.find_first_not_of("0123456789") == std::string_view::npos;
      if (!digits) return bad("a Content-Length that is no number");
      has_length = true;
      head.length = *parse_uint(value);
    } else if (equals_ignoring_case(name, "connection")) {
      for_each_token(value, [&](std::string_view token) {
        close = close || equals_ignoring_case(token, "close");
        stay = stay || equals_ignoring_case(token, "keep-alive");
      });
    }
  }
  if (chunked && has_length) return bad("both Transfer-Encoding and Content-Length");
  if (chunked && head.version < 11) return bad("Transfer-Encoding in HTTP/1.0");
  head.framing = chunked ? Framing::kChunked : has_length ? Framing::kLength : Framing::kNone;
  head.keep_alive = !close && (head.version >= 11 || stay);
  return std::nullopt;
}

bool parse_version(std::string_view text, int& version) {
  if (text == "HTTP/1.1") return version = 11, true;
  if (text == "HTTP/1.0") return version = 10, true;
  return false;
}

bool is_target(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c > ' ' && c != 0x7f; });
}

}  // namespace

std::string_view MessageHead::value(std::string_view name) const {
  for (const HeadField& field : fields) {
    if (equals_ignoring_case(field.name, name)) return field.value;
  }
  return {};
}

bool MessageHead::has(std::string_view name) const {
  return std::ranges::any_of(
      fields, [&](const HeadField& field) { return equals_ignoring_case(field.name, name); });
}

size_t head_size(std::string_view bytes, size_t looked_at) {
  const size_t end = bytes.find("\r\n\r\n", looked_at < 3 ? 0 : looked_at - 3);
  return end == std::string_view::npos ? 0 : end + 4;
}

Fault parse_request_head(std::string_view text, RequestHead& head) {
  const std::string_view line = take_line(text);
  const size_t first = line.find(' ');
  const size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return bad("no request line");
  head.method = line.substr(0, first);
  head.target = line.substr(first + 1, last - first - 1);
  if (!net::is_header_name(head.method)) return bad("a method that is none");
  if (!parse_version(line.substr(last + 1), head.version)) {
    return HeadFault{505, "HTTP/1.1 is spoken here"};
  }
  if (!is_target(head.target)) return bad("a target with spaces or control characters");
  if (head.target[0] != '/' && head.target != "*") {
    return bad("a target that is not a path: the gateway is no forward proxy");
  }
  if (auto fault = parse_fields(text, head)) return fault;
  if (auto fault = read_framing(head)) return fault;
  const auto hosts = std::ranges::count_if(
      head.fields, [](const HeadField& field) { return equals_ignoring_case(field.name, "host"); });
  if (hosts > 1 || (hosts == 0 && head.version >= 11)) return bad("not one Host");
  head.expects_continue =
      head.version >= 11 && equals_ignoring_case(head.value("expect"), "100-continue");
  return std::nullopt;
}

Fault parse_response_head(std::string_view text, bool to_head, ResponseHead& head) {
  const std::string_view line = take_line(text);
  const size_t space = line.find(' ');
  if (!parse_version(line.substr(0, space), head.version)) return bad("no HTTP/1.1 status line");
  const std::string_view rest = line.substr(space + 1);
  const auto status = parse_uint(rest.substr(0, 3));
  if (!status || *status < 100 || (rest.size() > 3 && rest[3] != ' ')) return bad("no status");
  head.status = static_cast<int>(*status);
  head.reason = rest.size() > 4 ? rest.substr(4) : std::string_view();
  if (!net::is_header_value(head.reason)) return bad("a reason with control characters");
  if (auto fault = parse_fields(text, head)) return fault;
  if (auto fault = read_framing(head)) return fault;
  if (to_head || head.status < 200 || head.status == 204 || head.status == 304) {
    head.framing = Framing::kNone;
  } else if (head.framing == Framing::kNone) {
    head.framing = Framing::kClose;
    head.keep_alive = false;
  }
  return std::nullopt;
}

bool is_hop_by_hop(const MessageHead& head, std::string_view name) {
  static constexpr std::array<std::string_view, 8> kNames = {
      "connection", "keep-alive", "proxy-connection",  "proxy-authorization",
      "te",         "trailer",    "transfer-encoding", "upgrade"};
  const auto is_name = [&](std::string_view one) { return equals_ignoring_case(one, name); };
  if (std::ranges::any_of(kNames, is_name)) return true;
  bool named = false;
  for (const HeadField& field : head.fields) {
    if (!equals_ignoring_case(field.name, "connection")) continue;
    for_each_token(field.value, [&](std::string_view token) { named = named || is_name(token); });
  }
  return named;
}

}  // namespace strata::gateway
