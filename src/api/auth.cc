#include "api/auth.h"

#include <crypt.h>

#include <memory>

#include "net/basic_auth.h"

namespace strata::api {
namespace {

constexpr int kCost = 10;
constexpr size_t kMaxBcryptBytes = 72;

// What an unknown user's password is compared with, so that names cannot be told by time.
// The hash of no password that anybody knows; cost 10.
constexpr const char* kNobody = "$2b$10$bFdS9LS.EYfXolcOGzrU7eRlpr51HIW2G/1t/vAbV0ngIvunp3viG";

}  // namespace

Authenticator::Authenticator(std::vector<config::WebUser> users)
    : users_(std::move(users)), key_(32, '\0') {
  net::random_bytes(key_.data(), key_.size());
}

net::Sha256Digest Authenticator::digest(std::string_view user, std::string_view password) const {
  // The length keeps ("a", "b:c") and ("a:b", "c") apart.
  return net::hmac_sha256(key_, fmt::format("{}:{}:{}", user.size(), user, password));
}

Authenticator::Verdict Authenticator::remembered(const net::Headers& headers) const {
  if (users_.empty()) return Verdict::kAllowed;
  const auto credentials = net::basic_credentials(headers);
  if (!credentials) return Verdict::kRefused;
  const auto asked = digest(credentials->user, credentials->password);
  MutexLock lock(mutex_);
  if (allowed_.contains(asked)) return Verdict::kAllowed;
  return refused_.contains(asked) ? Verdict::kRefused : Verdict::kUnknown;
}

bool Authenticator::verify(const net::Headers& headers) {
  if (users_.empty()) return true;
  const auto credentials = net::basic_credentials(headers);
  if (!credentials) return false;
  const auto user = std::ranges::find(users_, credentials->user, &config::WebUser::name);
  const bool known = user != users_.end();
  const bool matches =
      matches_hash(credentials->password, known ? user->bcrypt_hash.reveal() : kNobody);
  const bool allowed = known && matches;
  const auto asked = digest(credentials->user, credentials->password);
  MutexLock lock(mutex_);
  if (allowed) {
    allowed_.insert(asked);
    return true;
  }
  if (refused_.size() >= kMaxRefused) refused_.clear();
  refused_.insert(asked);
  return false;
}

bool matches_hash(const std::string& password, const std::string& hash) {
  // crypt() would read the password up to the zero byte only.
  if (password.contains('\0')) return false;
  auto data = std::make_unique<crypt_data>();  // 32 KB: not for a stack
  const char* computed = ::crypt_r(password.c_str(), hash.c_str(), data.get());
  if (computed == nullptr || computed[0] == '*') return false;
  // Both have the length that bcrypt gives; digests make the comparison's time say nothing.
  return net::constant_time_equal(net::hmac_sha256("compare", computed),
                                  net::hmac_sha256("compare", hash));
}

Result<std::string> hash_password(const std::string& password) {
  if (password.empty()) return bad_data("the password is empty");
  if (password.size() > kMaxBcryptBytes) {
    return bad_data(
        fmt::format("the password has more than the {} bytes that bcrypt reads", kMaxBcryptBytes));
  }
  char random[16];
  net::random_bytes(random, sizeof random);
  char salt[CRYPT_GENSALT_OUTPUT_SIZE];
  if (::crypt_gensalt_rn("$2b$", kCost, random, sizeof random, salt, sizeof salt) == nullptr) {
    return fail(ErrorCode::kInternal, "bcrypt is not available on this system");
  }
  auto data = std::make_unique<crypt_data>();
  const char* hash = ::crypt_r(password.c_str(), salt, data.get());
  if (hash == nullptr || hash[0] == '*') return fail(ErrorCode::kInternal, "bcrypt failed");
  return std::string(hash);
}

}  // namespace strata::api
