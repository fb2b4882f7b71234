// Links that acknowledge what one call is about, without logging in.
//
// A token is `PAGE-EXPIRY-SIGNATURE`: the call's id, when the link ends (seconds since 1970), and
// the first half of HMAC-SHA-256 over both, in hexadecimal. Immutable; thread-safe.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/fs.h"
#include "model/duration.h"

namespace strata::oncall {

class AckLinks {
 public:
  static constexpr Millis kValid = std::chrono::hours(24);

  explicit AckLinks(std::string key) : key_(std::move(key)) {}
  std::string token(int64_t page, TimestampMs now) const;
  /// The call of a token that is ours and not over.
  std::optional<int64_t> page_of(std::string_view token, TimestampMs now) const;

 private:
  std::string signature(std::string_view what) const;
  const std::string key_;
};

/// The 32 bytes in `path`; made, and readable for us only, when there is no such file. Errors: kIo;
/// kCorruption for a file of another size.
Result<std::string> load_key(const std::string& path, Fs& fs);

}  // namespace strata::oncall
