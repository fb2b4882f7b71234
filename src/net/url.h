// URLs (RFC 3986): taking them apart, putting them together, percent-encoding, and the
// name=value&… lists of queries and forms.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace strata::net {

/// An absolute http or https URL in its parts.
struct Url {
  std::string scheme = {};     // "http" or "https", lower case
  std::string user_info = {};  // "user:password", percent-decoded; empty when there is none
  std::string host = {};       // lower case; an IPv6 address without its brackets
  uint16_t port = 0;           // 80 or 443 when the text had none
  std::string target = {};     // path and query as they are sent: "/metrics?a=b", at least "/"

  /// "host:port" as the Host header has it: without the scheme's own port, IPv6 in brackets.
  std::string authority() const;
  /// Without user_info: fit for a log.
  std::string to_string() const;
  bool operator==(const Url&) const = default;
};

/// Error: kBadData, saying what is wrong with it. A fragment is dropped; spaces and bytes that may
/// not stand in a request line are percent-encoded.
Result<Url> parse_url(std::string_view text);

/// What `reference` (a Location header) means relative to `base`. Error: kBadData.
Result<Url> resolve_url(const Url& base, std::string_view reference);

/// "host:port", "[::1]:9090", ":9090" (every address) in its parts.
struct HostPort {
  std::string host = {};  // without brackets; may be empty
  uint16_t port = 0;
};
Result<HostPort> parse_host_port(std::string_view text);
/// With brackets where the host has a colon.
std::string join_host_port(std::string_view host, uint16_t port);

/// Error: kBadData for a '%' that two hexadecimal digits do not follow. '+' stays.
Result<std::string> percent_decode(std::string_view text);
/// All but letters, digits and -._~ as %XX.
std::string percent_encode(std::string_view text);

/// The values of a query or form, in the order they came; a name may repeat.
class FormValues {
 public:
  void add(std::string name, std::string value) {
    values_.emplace_back(std::move(name), std::move(value));
  }
  /// The first value of that name.
  std::optional<std::string_view> get(std::string_view name) const;
  std::vector<std::string_view> all(std::string_view name) const;
  bool contains(std::string_view name) const { return get(name).has_value(); }
  auto begin() const { return values_.begin(); }
  auto end() const { return values_.end(); }
  size_t size() const { return values_.size(); }
  bool empty() const { return values_.empty(); }
  /// a=1&b=%20, in that order.
  std::string encode() const;

 private:
  std::vector<std::pair<std::string, std::string>> values_;
};

/// Most names and values of one list; beyond is kLimit.
inline constexpr size_t kMaxFormValues = 10'000;

/// Appends the values of "a=1&b=2" ('+' is a space). Error: kBadData for a broken escape or a ';'
/// separator, as Go's url.ParseQuery; kLimit above kMaxFormValues.
Result<> parse_form(std::string_view text, FormValues& values);

}  // namespace strata::net
