// Which proxy, if any, a request goes through: the rules of Go's httpproxy, which Prometheus uses.
// Pure functions.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/url.h"

namespace strata::net {

struct ProxyRules {
  /// "http://[user:password@]host:port"; the scheme may be missing. Empty: no proxy.
  std::string_view url = {};
  /// Where `url` is not used: see bypasses_proxy(). Empty: `url` is used for every host.
  std::string_view no_proxy = {};
  /// HTTP_PROXY, HTTPS_PROXY and NO_PROXY, or in lower case, say it instead.
  bool from_environment = false;
};

/// The value of an environment variable, or nothing when it is not set.
using EnvironmentReader = std::function<std::optional<std::string>(const char* name)>;
std::optional<std::string> read_environment(const char* name);

/// The proxy for `url`, or none. Error: kBadData for a proxy's URL that is none or is not http.
Result<std::optional<Url>> proxy_for(const Url& url, const ProxyRules& rules,
                                     const EnvironmentReader& environment = read_environment);

/// Whether the comma-separated `no_proxy` excepts the URL's host: an address, a network
/// (10.0.0.0/8), a domain with those under it (example.com) or only those under it (.example.com,
/// *.example.com), each perhaps with a port; or * for everything. localhost and loopback addresses
/// always are.
bool bypasses_proxy(const Url& url, std::string_view no_proxy);

}  // namespace strata::net
