#include "net/url.h"

#include <algorithm>

#include "base/number.h"
#include "net/headers.h"

namespace strata::net {
namespace {

constexpr std::string_view kHex = "0123456789ABCDEF";

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_unreserved(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

void append_escaped(std::string& out, char c) {
  const auto byte = static_cast<unsigned char>(c);
  out.append({'%', kHex[byte >> 4], kHex[byte & 15]});
}

void make_lower(std::string& text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
}

Result<std::string> decode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      out.push_back(' ');
    } else if (text[i] != '%') {
      out.push_back(text[i]);
    } else {
      const int high = i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
      if (high < 0 || low < 0) {
        return bad_data("invalid URL escape \"" + std::string(text.substr(i, 3)) + "\"");
      }
      out.push_back(static_cast<char>(high * 16 + low));
      i += 2;
    }
  }
  return out;
}

/// Path and query as they may be sent: what cannot stand in a request line is escaped.
std::string sendable_target(std::string_view text) {
  text = text.substr(0, text.find('#'));
  std::string out;
  out.reserve(text.size() + 1);
  if (!text.starts_with('/')) out.push_back('/');
  for (const char c : text) {
    if (c <= ' ' || c == 0x7f || std::string_view("\"<>\\^`{|}").contains(c)) {
      append_escaped(out, c);
    } else {
      out.push_back(c);
    }
  }
  return out;
}

/// RFC 3986, 5.2.4: "." and ".." segments of a path.
std::string without_dots(std::string_view path) {
  std::string out;
  while (!path.empty()) {
    const size_t next = std::min(path.find('/', 1), path.size());
    const std::string_view segment = path.substr(0, next);
    path.remove_prefix(next);
    if (segment == "/.") {
      if (path.empty()) out.push_back('/');
    } else if (segment == "/..") {
      out.resize(std::min(out.rfind('/'), out.size()));
      if (path.empty()) out.push_back('/');
    } else {
      out.append(segment);
    }
  }
  return out;
}

Result<uint16_t> parse_port(std::string_view text) {
  const auto port = parse_uint(text);
  if (!port || *port > 65535) {
    return bad_data("port \"" + std::string(text) + "\" is not a number up to 65535");
  }
  return static_cast<uint16_t>(*port);
}

bool is_host(std::string_view host) {
  return !host.empty() && std::ranges::all_of(host, [](char c) {
    return is_unreserved(c) || static_cast<unsigned char>(c) >= 0x80;
  });
}

bool is_ipv6_text(std::string_view host) {
  return !host.empty() && std::ranges::all_of(host, [](char c) {
    return hex_value(c) >= 0 || c == ':' || c == '.' || c == '%' || is_unreserved(c);
  });
}

struct HostAndPort {
  std::string_view host;
  std::optional<std::string_view> port;  // what follows the colon, when there is one
};

Result<HostAndPort> split_host(std::string_view text) {
  HostAndPort parts;
  std::string_view rest;
  if (text.starts_with('[')) {
    const size_t end = text.find(']');
    if (end == std::string_view::npos) {
      return bad_data("missing ']' in \"" + std::string(text) + "\"");
    }
    parts.host = text.substr(1, end - 1);
    rest = text.substr(end + 1);
    if (!is_ipv6_text(parts.host) || (!rest.empty() && rest[0] != ':')) {
      return bad_data("\"" + std::string(text) + "\" is not an IPv6 address in brackets");
    }
  } else {
    const size_t colon = std::min(text.find(':'), text.size());
    parts.host = text.substr(0, colon);
    rest = text.substr(colon);
    if (!parts.host.empty() && !is_host(parts.host)) {
      return bad_data("\"" + std::string(parts.host) + "\" is not a host name or address");
    }
  }
  if (!rest.empty()) parts.port = rest.substr(1);
  return parts;
}

}  // namespace

std::string join_host_port(std::string_view host, uint16_t port) {
  std::string out;
  const bool brackets = host.contains(':');
  if (brackets) out.push_back('[');
  out.append(host);
  if (brackets) out.push_back(']');
  return out.append(":").append(std::to_string(port));
}

std::string Url::authority() const {
  std::string out = join_host_port(host, port);
  const bool usual = port == (scheme == "https" ? 443 : 80);
  if (usual) out.resize(out.rfind(':'));
  return out;
}

std::string Url::to_string() const { return scheme + "://" + authority() + target; }

Result<Url> parse_url(std::string_view text) {
  const auto error = [&](std::string_view why) {
    return bad_data("URL \"" + std::string(text) + "\": " + std::string(why));
  };
  Url url;
  const size_t colon = text.find("://");
  if (colon == std::string_view::npos) return error("it must begin with http:// or https://");
  url.scheme = text.substr(0, colon);
  make_lower(url.scheme);
  if (url.scheme != "http" && url.scheme != "https") {
    return error("the scheme must be http or https");
  }
  std::string_view rest = text.substr(colon + 3);
  std::string_view authority = rest.substr(0, std::min(rest.find_first_of("/?#"), rest.size()));
  url.target = sendable_target(rest.substr(authority.size()));
  if (const size_t at = authority.rfind('@'); at != std::string_view::npos) {
    auto user_info = decode(authority.substr(0, at), false);
    // The text holds a password: it does not go into the message.
    if (!user_info) return bad_data("URL: " + user_info.error().message + " in user:password");
    url.user_info = *std::move(user_info);
    authority.remove_prefix(at + 1);
  }
  const auto parts = split_host(authority);
  if (!parts) return error(parts.error().message);
  if (parts->host.empty()) return error("the host is missing");
  url.host = parts->host;
  make_lower(url.host);
  url.port = url.scheme == "https" ? 443 : 80;
  if (parts->port && !parts->port->empty()) {
    const auto port = parse_port(*parts->port);
    if (!port) return error(port.error().message);
    url.port = *port;
  }
  return url;
}

Result<Url> resolve_url(const Url& base, std::string_view reference) {
  const size_t first = reference.find_first_of(":/?#");
  if (first != std::string_view::npos && reference[first] == ':') return parse_url(reference);
  if (reference.starts_with("//")) {
    return parse_url(base.scheme + ":" + std::string(reference));
  }
  Url url = base;
  const std::string_view base_path = std::string_view(base.target).substr(0, base.target.find('?'));
  reference = reference.substr(0, reference.find('#'));
  if (reference.empty()) return url;
  const size_t question = std::min(reference.find('?'), reference.size());
  const std::string_view path = reference.substr(0, question);
  std::string target;
  if (path.starts_with('/')) {
    target = without_dots(path);
  } else if (path.empty()) {
    target = base_path;
  } else {
    target = without_dots(std::string(base_path.substr(0, base_path.rfind('/') + 1)).append(path));
  }
  url.target = sendable_target(target.append(reference.substr(question)));
  return url;
}

Result<HostPort> parse_host_port(std::string_view text) {
  const HostAndPort parts = TRY(split_host(text));
  if (!parts.port || parts.port->empty()) {
    return bad_data("\"" + std::string(text) + "\" has no port: write host:port or :port");
  }
  HostPort out;
  out.host = parts.host;
  out.port = TRY(parse_port(*parts.port));
  return out;
}

Result<std::string> percent_decode(std::string_view text) { return decode(text, false); }

std::string percent_encode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (is_unreserved(c)) {
      out.push_back(c);
    } else {
      append_escaped(out, c);
    }
  }
  return out;
}

std::optional<std::string_view> FormValues::get(std::string_view name) const {
  for (const auto& [key, value] : values_) {
    if (key == name) return value;
  }
  return std::nullopt;
}

std::vector<std::string_view> FormValues::all(std::string_view name) const {
  std::vector<std::string_view> out;
  for (const auto& [key, value] : values_) {
    if (key == name) out.push_back(value);
  }
  return out;
}

std::string FormValues::encode() const {
  std::string out;
  for (const auto& [name, value] : values_) {
    if (!out.empty()) out.push_back('&');
    out.append(percent_encode(name)).append("=").append(percent_encode(value));
  }
  return out;
}

Result<> parse_form(std::string_view text, FormValues& values) {
  while (!text.empty()) {
    const size_t end = std::min(text.find('&'), text.size());
    const std::string_view pair = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (pair.empty()) continue;
    if (pair.contains(';')) return bad_data("invalid semicolon separator in query");
    if (values.size() >= kMaxFormValues) {
      return fail(ErrorCode::kLimit,
                  "more than " + std::to_string(kMaxFormValues) + " query or form values");
    }
    const size_t equals = std::min(pair.find('='), pair.size());
    std::string name = TRY(decode(pair.substr(0, equals), true));
    std::string value = TRY(decode(pair.substr(std::min(equals + 1, pair.size())), true));
    values.add(std::move(name), std::move(value));
  }
  return {};
}

}  // namespace strata::net
