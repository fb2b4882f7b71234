// Who a request is for: what a trusted front says in a header, the claim of a signed token, or the
// tenant of its API key.
//
// A Tenants is made when a file changes and handed to the loop, on whose thread it is used (it
// remembers tokens). Keys are never kept: the file has keyed hashes of them (HMAC-SHA-256), so that
// neither it nor our memory gives keys away. Bounds: kMaxTenants lines.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/fs.h"
#include "base/result.h"
#include "config/gateway_config.h"
#include "gateway/http_head.h"
#include "gateway/jwt.h"

namespace strata::gateway {

/// The API key that a request carries: of `Authorization: Bearer`, x-api-key or api-key; or "".
std::string_view api_key_of(const RequestHead& head);

/// What stands in the tenants' file for a key: lower-case hexadecimal.
std::string key_hash(std::string_view hmac_key, std::string_view api_key);

class Tenants {
 public:
  static constexpr size_t kMaxTenants = 1'000'000;

  /// Without a file and tokens: everyone is "default", unless a header says otherwise.
  static Result<std::shared_ptr<Tenants>> load(const config::GatewayTenants& config, Fs& fs);

  enum class Verdict : uint8_t { kKnown, kUnknown, kRefused };
  struct Who {
    Verdict verdict = Verdict::kKnown;
    std::string tenant;  // "unknown" for a key that nobody knows
  };
  /// `remote` is the client's "address:port".
  Who who(const RequestHead& head, std::string_view remote, TimestampMs now_ms);

 private:
  struct Network {
    std::string bytes;  // 4 or 16, as on the wire
    int bits = 0;
  };
  bool trusts(std::string_view remote) const;

  std::string header_;
  std::vector<Network> trusted_;
  std::string hmac_key_;
  std::optional<Jwt> jwt_;
  bool has_file_ = false;
  bool require_ = false;
  std::unordered_map<std::string, std::string> by_hash_;
};

}  // namespace strata::gateway
