// Who may ask: the users of web.yml, by HTTP Basic authentication.
//
// bcrypt takes tens of milliseconds on purpose, so it runs on the work pool, and what it said is
// remembered: not the password, but its HMAC under a key that is made at start and never leaves the
// process. Wrong passwords are remembered too, so that repeating one costs nothing; at most
// kMaxRefused of them, and guessing many pushes out no right one (of which there is one a user).
#pragma once
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "config/web_config.h"
#include "net/headers.h"
#include "net/hmac.h"

namespace strata::api {

/// Thread-safe.
class Authenticator {
 public:
  static constexpr size_t kMaxRefused = 1000;
  enum class Verdict : uint8_t { kAllowed, kRefused, kUnknown };

  /// No users: everybody is allowed.
  explicit Authenticator(std::vector<config::WebUser> users = {});

  /// What is known without computing: for the event loop. kUnknown asks for verify().
  Verdict remembered(const net::Headers& headers) const;
  /// Computes, for about as long whether the user exists or not. For the work pool.
  bool verify(const net::Headers& headers);

 private:
  net::Sha256Digest digest(std::string_view user, std::string_view password) const;

  const std::vector<config::WebUser> users_;
  std::string key_;
  mutable Mutex mutex_;
  std::set<net::Sha256Digest> allowed_ GUARDED_BY(mutex_);
  std::set<net::Sha256Digest> refused_ GUARDED_BY(mutex_);
};

/// Whether `password` has the bcrypt hash `hash` ($2a$, $2b$, $2y$).
bool matches_hash(const std::string& password, const std::string& hash);
/// A bcrypt hash for web.yml, of cost 10 as `htpasswd -B` makes. Error: kBadData for a password
/// beyond 72 bytes, which bcrypt would cut.
Result<std::string> hash_password(const std::string& password);

}  // namespace strata::api
