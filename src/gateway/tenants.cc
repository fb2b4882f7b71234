#include "gateway/tenants.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>

#include "base/number.h"
#include "net/headers.h"
#include "net/hmac.h"
#include "net/url.h"

namespace strata::gateway {
namespace {

constexpr size_t kMaxName = 128;
constexpr size_t kHashDigits = 64;

/// The bytes of an IP address, 4 or 16; empty for what is none.
std::string address_bytes(std::string_view text) {
  const std::string host(text);
  char bytes[16];
  if (::inet_pton(AF_INET, host.c_str(), bytes) == 1) return std::string(bytes, 4);
  if (::inet_pton(AF_INET6, host.c_str(), bytes) == 1) return std::string(bytes, 16);
  return {};
}

bool same_bits(std::string_view a, std::string_view b, int bits) {
  for (size_t i = 0; bits > 0; ++i, bits -= 8) {
    const int shift = bits >= 8 ? 0 : 8 - bits;
    const auto x = static_cast<uint8_t>(a[i]);
    const auto y = static_cast<uint8_t>(b[i]);
    if ((x >> shift) != (y >> shift)) return false;
  }
  return true;
}

std::string_view without_line_end(std::string_view text) {
  while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

bool is_hash(std::string_view text) {
  return text.size() == kHashDigits &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

Result<> read_table(std::string_view text, const std::string& file,
                    std::unordered_map<std::string, std::string>& out) {
  size_t number = 0;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = without_line_end(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
    if (line.empty() || line[0] == '#') continue;
    const size_t space = line.find_first_of(" \t");
    const std::string_view hash = line.substr(0, space);
    const size_t begin = line.find_first_not_of(" \t", hash.size());
    const std::string_view name =
        begin == std::string_view::npos ? std::string_view() : line.substr(begin);
    if (!is_hash(hash) || name.empty() || name.size() > kMaxName) {
      return bad_data(fmt::format("{}:{}: not a key's hash and a tenant's name", file, number));
    }
    if (out.size() == Tenants::kMaxTenants) {
      return fail(ErrorCode::kLimit, fmt::format("{}: more than a million keys", file));
    }
    out[std::string(hash)] = name;
  }
  return {};
}

}  // namespace

std::string_view api_key_of(const RequestHead& head) {
  static constexpr std::string_view kBearer = "bearer ";
  const std::string_view authorization = head.value("authorization");
  if (authorization.size() > kBearer.size() &&
      net::equals_ignoring_case(authorization.substr(0, kBearer.size()), kBearer)) {
    return authorization.substr(kBearer.size());
  }
  const std::string_view key = head.value("x-api-key");
  return key.empty() ? head.value("api-key") : key;
}

std::string key_hash(std::string_view hmac_key, std::string_view api_key) {
  std::string out;
  for (const uint8_t byte : net::hmac_sha256(hmac_key, api_key)) {
    fmt::format_to(std::back_inserter(out), "{:02x}", byte);
  }
  return out;
}

Result<std::shared_ptr<Tenants>> Tenants::load(const config::GatewayTenants& config, Fs& fs) {
  auto tenants = std::make_shared<Tenants>();
  tenants->header_ = config.header;
  tenants->require_ = config.require;
  for (const std::string& network : config.trusted) {
    const size_t slash = network.find('/');
    Network parsed{.bytes = address_bytes(std::string_view(network).substr(0, slash))};
    parsed.bits = static_cast<int>(parsed.bytes.size() * 8);
    if (slash != std::string::npos) {
      const auto bits = parse_uint(std::string_view(network).substr(slash + 1));
      parsed.bits = bits && *bits <= parsed.bytes.size() * 8 ? static_cast<int>(*bits) : -1;
    }
    if (parsed.bytes.empty() || parsed.bits < 0) {
      return bad_data("gateway.tenants.trusted: " + network + " is no network such as 10.0.0.0/8");
    }
    tenants->trusted_.push_back(std::move(parsed));
  }
  if (!config.jwt.claim.empty()) tenants->jwt_ = TRY(Jwt::load(config.jwt, fs));
  if (config.file.empty()) return tenants;
  tenants->has_file_ = true;
  const std::string key = TRY(fs.read_file(config.hmac_key_file));
  tenants->hmac_key_ = without_line_end(key);
  if (tenants->hmac_key_.empty()) return bad_data(config.hmac_key_file + " is empty");
  const std::string text = TRY(fs.read_file(config.file));
  TRY(read_table(text, config.file, tenants->by_hash_));
  return tenants;
}

bool Tenants::trusts(std::string_view remote) const {
  const auto parts = net::parse_host_port(remote);
  if (!parts) return false;
  const std::string bytes = address_bytes(parts->host);
  return std::ranges::any_of(trusted_, [&](const Network& network) {
    return network.bytes.size() == bytes.size() && same_bits(network.bytes, bytes, network.bits);
  });
}

Tenants::Who Tenants::who(const RequestHead& head, std::string_view remote, TimestampMs now_ms) {
  if (!header_.empty()) {
    const std::string_view name = head.value(header_);
    if (!name.empty() && name.size() <= kMaxName && trusts(remote)) {
      return {Verdict::kKnown, std::string(name)};
    }
  }
  if (!has_file_ && !jwt_) return {Verdict::kKnown, "default"};
  const std::string_view key = api_key_of(head);
  if (jwt_) {
    if (auto tenant = jwt_->tenant(key, now_ms)) return {Verdict::kKnown, *std::move(tenant)};
  }
  const bool looks = has_file_ && !key.empty();
  const auto found = looks ? by_hash_.find(key_hash(hmac_key_, key)) : by_hash_.end();
  if (found != by_hash_.end()) return {Verdict::kKnown, found->second};
  return {require_ ? Verdict::kRefused : Verdict::kUnknown, "unknown"};
}

}  // namespace strata::gateway
