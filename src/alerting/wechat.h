// WeChat Work's application messages (`wechat_configs`): a token first, then the message. Private
// to alerting/.
#pragma once
#include <map>
#include <string>

#include "alerting/provider.h"
#include "base/mutex.h"

namespace strata::alerting {

/// Tokens by the account that they are of, for two hours at most. Thread-safe. Bound: kMaxTokens.
class AccessTokens {
 public:
  static constexpr size_t kMaxTokens = 1000;
  static constexpr std::chrono::hours kGoodFor{2};

  explicit AccessTokens(const Clock& clock) : clock_(clock) {}
  /// "" when there is none.
  std::string find(const std::string& account) const;
  void keep(const std::string& account, std::string token);
  void forget(const std::string& account);

 private:
  struct Token {
    std::string text;
    std::chrono::nanoseconds got_at{0};  // Clock::steady
  };
  const Clock& clock_;
  mutable Mutex mutex_;
  std::map<std::string, Token> tokens_ GUARDED_BY(mutex_);
};

Result<MessageParts> render_wechat(const RenderContext& context, const Notification& notification,
                                   const Destination& to);
/// A token that is refused is asked for anew at the next attempt.
void send_wechat(const SendContext& context, const MessageParts& parts, Sent sent);

/// `errcode` 0 is fine; -1, 42001 (the token ran out) and 45009 (too fast) may be tried again.
Verdict judge_errcode(const net::ClientResponse& response);

}  // namespace strata::alerting
