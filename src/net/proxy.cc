#include "net/proxy.h"

#include <arpa/inet.h>

#include <array>
#include <cstdlib>
#include <cstring>

#include "base/number.h"
#include "net/headers.h"

namespace strata::net {
namespace {

/// An address as 16 bytes, IPv4 mapped into IPv6, so that both are compared alike.
using Address = std::array<uint8_t, 16>;

struct ParsedAddress {
  Address bytes{};
  bool is_v4 = false;
};

std::optional<ParsedAddress> parse_address(const std::string& text) {
  ParsedAddress address;
  if (::inet_pton(AF_INET6, text.c_str(), address.bytes.data()) == 1) return address;
  std::array<uint8_t, 4> v4{};
  if (::inet_pton(AF_INET, text.c_str(), v4.data()) != 1) return std::nullopt;
  address.is_v4 = true;
  address.bytes[10] = address.bytes[11] = 0xff;
  std::memcpy(address.bytes.data() + 12, v4.data(), v4.size());
  return address;
}

bool is_loopback(const ParsedAddress& address) {
  static constexpr Address kV6Loopback = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  return address.is_v4 ? address.bytes[12] == 127 : address.bytes == kV6Loopback;
}

bool same_prefix(const Address& a, const Address& b, size_t bits) {
  const size_t whole = bits / 8;
  if (std::memcmp(a.data(), b.data(), whole) != 0) return false;
  if (bits % 8 == 0) return true;
  const int mask = 0xff << (8 - bits % 8);
  return ((a[whole] ^ b[whole]) & mask) == 0;
}

/// Empty when `term` is no network.
std::optional<bool> in_network(std::string_view term, const std::optional<ParsedAddress>& host) {
  const size_t slash = term.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto network = parse_address(std::string(term.substr(0, slash)));
  const auto bits = parse_uint(term.substr(slash + 1));
  if (!network || !bits || *bits > (network->is_v4 ? 32 : 128)) return std::nullopt;
  if (!host || host->is_v4 != network->is_v4) return false;
  return same_prefix(network->bytes, host->bytes, *bits + (network->is_v4 ? 96 : 0));
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  }
  return out;
}

std::string_view trim(std::string_view text) {
  const size_t start = text.find_first_not_of(" \t");
  if (start == std::string_view::npos) return {};
  return text.substr(start, text.find_last_not_of(" \t") - start + 1);
}

/// "host:port" in two; a bare IPv6 address has no port.
std::pair<std::string_view, std::string_view> split_port(std::string_view term) {
  if (term.starts_with('[')) {
    const size_t end = term.find(']');
    if (end == std::string_view::npos) return {term, {}};
    const std::string_view rest = term.substr(end + 1);
    return {term.substr(1, end - 1), rest.starts_with(':') ? rest.substr(1) : rest};
  }
  const size_t colon = term.find(':');
  if (colon == std::string_view::npos || term.find(':', colon + 1) != std::string_view::npos) {
    return {term, {}};
  }
  return {term.substr(0, colon), term.substr(colon + 1)};
}

bool in_domain(std::string_view host, std::string_view domain) {
  if (domain.starts_with("*.")) domain.remove_prefix(1);
  if (domain.starts_with('.')) return host.ends_with(domain);
  return host == domain || (host.ends_with(domain) && host.size() > domain.size() &&
                            host[host.size() - domain.size() - 1] == '.');
}

bool term_matches(const Url& url, const std::optional<ParsedAddress>& address,
                  std::string_view term) {
  if (term == "*") return true;
  if (const auto inside = in_network(term, address)) return *inside;
  const auto [host, port] = split_port(term);
  if (host.empty() || (!port.empty() && port != std::to_string(url.port))) return false;
  if (const auto excepted = parse_address(std::string(host))) {
    return address && address->bytes == excepted->bytes;
  }
  return in_domain(url.host, host);
}

std::string first_set(const EnvironmentReader& environment, const char* upper, const char* lower) {
  const auto value = environment(upper).value_or("");
  return value.empty() ? environment(lower).value_or("") : value;
}

}  // namespace

std::optional<std::string> read_environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

bool bypasses_proxy(const Url& url, std::string_view no_proxy) {
  const auto address = parse_address(url.host);
  if (url.host == "localhost" || (address && is_loopback(*address))) return true;
  const std::string terms = lower(no_proxy);
  for (std::string_view rest = terms; !rest.empty();) {
    const size_t comma = std::min(rest.find(','), rest.size());
    const std::string_view term = trim(rest.substr(0, comma));
    if (!term.empty() && term_matches(url, address, term)) return true;
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  return false;
}

Result<std::optional<Url>> proxy_for(const Url& url, const ProxyRules& rules,
                                     const EnvironmentReader& environment) {
  std::string proxy(rules.url);
  std::string no_proxy(rules.no_proxy);
  if (rules.from_environment) {
    proxy = url.scheme == "https" ? first_set(environment, "HTTPS_PROXY", "https_proxy")
                                  : first_set(environment, "HTTP_PROXY", "http_proxy");
    no_proxy = first_set(environment, "NO_PROXY", "no_proxy");
  }
  if (proxy.empty()) return std::nullopt;
  // A proxy that was named without exceptions is used for loopback too.
  const bool may_bypass = rules.from_environment || !no_proxy.empty();
  if (may_bypass && bypasses_proxy(url, no_proxy)) return std::nullopt;
  if (!proxy.contains("://")) proxy.insert(0, "http://");
  auto parsed = parse_url(proxy);
  if (!parsed) return std::unexpected(parsed.error().within("proxy"));
  if (parsed->scheme != "http") return bad_data("a proxy's URL begins with http://");
  return std::optional<Url>(*std::move(parsed));
}

}  // namespace strata::net
