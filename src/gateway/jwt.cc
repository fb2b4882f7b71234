#include "gateway/jwt.h"

#include <cstring>

#include "base/base64.h"
#include "base/number.h"
#include "gateway/json_cursor.h"
#include "net/hmac.h"

namespace strata::gateway {
namespace {

constexpr size_t kMaxTenant = 128;
constexpr size_t kCacheKey = 32;
constexpr size_t kLeastSecret = 16;
constexpr double kMaxSeconds = 1e12;

/// A part of a token: base64 for URLs, without padding.
std::optional<std::string> decoded(std::string_view part) {
  if (part.find('=') != std::string_view::npos) return std::nullopt;
  std::string padded(part);
  padded.append((4 - part.size() % 4) % 4, '=');
  return base64_decode(padded, Base64::kUrl);
}

/// NumericDate: seconds, which may have a fraction.
std::optional<TimestampMs> date_of(std::string_view raw) {
  const auto seconds = parse_double(raw);
  if (!seconds || !(*seconds >= 0) || *seconds > kMaxSeconds) return std::nullopt;
  return static_cast<TimestampMs>(*seconds * 1000);
}

/// Whether `wanted` is what the claim says, or is in the list that it is.
bool names(std::string_view raw, std::string_view wanted) {
  JsonCursor json(raw);
  if (!json.enter_array()) return json_string(raw) == wanted;
  bool found = false;
  while (json.next_item()) found = json_string(json.skip_value()) == wanted || found;
  return found && !json.failed();
}

/// A text or a whole number, as text.
std::string text_of(std::string_view raw) {
  if (auto text = json_string(raw)) return *std::move(text);
  return json_uint(raw) ? std::string(raw) : std::string();
}

std::string without_line_end(std::string text) {
  while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
  return text;
}

}  // namespace

size_t Jwt::DigestHash::operator()(const Digest& digest) const {
  size_t hash = 0;
  std::memcpy(&hash, digest.data(), sizeof hash);
  return hash;
}

Jwt::Jwt(const config::GatewayJwt& config) : config_(config), cache_key_(kCacheKey, '\0') {
  net::random_bytes(cache_key_.data(), cache_key_.size());
}

Result<Jwt> Jwt::load(const config::GatewayJwt& config, Fs& fs) {
  Jwt jwt(config);
  if (!config.secret_file.empty()) {
    jwt.secret_ = without_line_end(TRY(fs.read_file(config.secret_file)));
    if (jwt.secret_.size() < kLeastSecret) {
      return bad_data(config.secret_file + ": a secret of fewer than 16 bytes can be guessed");
    }
    return jwt;
  }
  auto key = net::PublicKey::from_pem(TRY(fs.read_file(config.public_key_file)));
  if (!key) return std::unexpected(key.error().within(config.public_key_file));
  jwt.key_ = *std::move(key);
  return jwt;
}

std::string_view Jwt::algorithm() const {
  if (!key_) return "HS256";
  return key_->kind() == net::PublicKey::Kind::kRsa ? "RS256" : "ES256";
}

bool Jwt::is_signed(std::string_view text, std::string_view signature) const {
  if (key_) return key_->verify(text, signature);
  net::Sha256Digest given{};
  if (signature.size() != given.size()) return false;
  std::memcpy(given.data(), signature.data(), given.size());
  return net::constant_time_equal(net::hmac_sha256(secret_, text), given);
}

std::optional<std::string> Jwt::tenant(std::string_view token, TimestampMs now_ms) {
  if (token.size() > kMaxToken) return std::nullopt;
  const Digest digest = net::hmac_sha256(cache_key_, token);
  auto found = known_.find(digest);
  if (found == known_.end()) {
    auto good = read(token);
    if (!good) return std::nullopt;
    if (known_.size() >= kMaxKnown) known_.clear();  // all come again soon; none is lost
    found = known_.emplace(digest, *std::move(good)).first;
  }
  const Known& known = found->second;
  if (now_ms < known.from_ms - kLeewayMs) return std::nullopt;
  if (now_ms >= known.until_ms + kLeewayMs) {
    known_.erase(found);
    return std::nullopt;
  }
  return known.tenant;
}

/// Signature first: what nobody vouches for is not read.
std::optional<Jwt::Known> Jwt::read(std::string_view token) const {
  const size_t first = token.find('.');
  const size_t second = first == token.npos ? token.npos : token.find('.', first + 1);
  if (second == token.npos || token.find('.', second + 1) != token.npos) return std::nullopt;
  const auto signature = decoded(token.substr(second + 1));
  const auto header = decoded(token.substr(0, first));
  const auto claims = decoded(token.substr(first + 1, second - first - 1));
  if (!signature || !header || !claims) return std::nullopt;
  if (!is_signed(token.substr(0, second), *signature)) return std::nullopt;
  JsonCursor json(*header);
  bool ours = false;
  if (!json.enter_object()) return std::nullopt;
  while (const auto key = json.next_member()) {
    const std::string_view raw = json.skip_value();
    if (*key == "alg") ours = json_string(raw) == algorithm();
    if (*key == "crit") return std::nullopt;  // an extension that must be understood (RFC 7515)
  }
  return ours && !json.failed() ? read_claims(*claims) : std::nullopt;
}

std::optional<Jwt::Known> Jwt::read_claims(std::string_view text) const {
  Known known{.tenant = {}, .from_ms = 0, .until_ms = 0};
  bool from_issuer = config_.issuer.empty();
  bool for_us = config_.audience.empty();
  JsonCursor json(text);
  if (!json.enter_object()) return std::nullopt;
  while (const auto key = json.next_member()) {
    const std::string_view raw = json.skip_value();
    if (*key == config_.claim) known.tenant = text_of(raw);
    if (*key == "iss" && !config_.issuer.empty()) from_issuer = json_string(raw) == config_.issuer;
    if (*key == "aud" && !config_.audience.empty()) for_us = names(raw, config_.audience);
    if (*key != "exp" && *key != "nbf") continue;
    const auto date = date_of(raw);
    if (!date) return std::nullopt;
    (*key == "exp" ? known.until_ms : known.from_ms) = *date;
  }
  const bool good = from_issuer && for_us && known.until_ms > 0 && !known.tenant.empty() &&
                    known.tenant.size() <= kMaxTenant && !json.failed();
  return good ? std::optional(std::move(known)) : std::nullopt;
}

}  // namespace strata::gateway
