// Tokens by OAuth 2.0's client credentials grant (RFC 6749, 4.4), kept until they expire.
//
// One for all requests that a client section serves: however many wait, one request for a token is
// under way. Thread-safe; kept alive by that request. Bound: kMaxAnswer bytes of an answer; waiters
// are bounded by the requests that wait.
#pragma once
#include <chrono>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/fs.h"
#include "base/mutex.h"
#include "base/result.h"
#include "config/http_client_config.h"
#include "net/http_client.h"

namespace strata::discover {

/// Sends a request; net::HttpClient::fetch, or a test's stand-in. May call back at once.
using HttpFetch = std::function<void(net::ClientRequest, net::HttpClient::Callback)>;

class OAuth2Tokens : public std::enable_shared_from_this<OAuth2Tokens> {
 public:
  static constexpr size_t kMaxAnswer = 1 << 20;
  /// A token is not used in its last seconds: it must still be good when it arrives.
  static constexpr std::chrono::seconds kMargin{10};

  /// `fs` and `clock` outlive this.
  OAuth2Tokens(HttpFetch fetch, config::OAuth2 config, Fs& fs, const Clock& clock);

  /// Calls `done` with the value of the Authorization header; at once when there is a token. Error:
  /// kUnauthorized with the server's reason, kBadData for an answer that is none, kIo for the
  /// secret's file, else as HttpClient's.
  using Done = std::move_only_function<void(Result<std::string>)>;
  void get(std::chrono::nanoseconds timeout, std::stop_token stop, Done done);
  /// A peer refused this: the next get() asks for another token.
  void forget(const std::string& authorization);

 private:
  struct Waiter {
    std::chrono::nanoseconds timeout;
    std::stop_token stop;
    Done done;
  };
  struct Token {
    std::string authorization;
    std::chrono::nanoseconds good_until{0};  // Clock::steady
  };

  void request(std::chrono::nanoseconds timeout, std::stop_token stop, bool secret_in_body);
  void answered(Result<net::ClientResponse> response, std::chrono::nanoseconds asked_at,
                std::chrono::nanoseconds timeout, std::stop_token stop, bool secret_in_body);
  void settle(Result<Token> token, const std::stop_token& asker);
  Result<std::string> secret() const;
  Result<Token> token_of(const net::ClientResponse& response,
                         std::chrono::nanoseconds asked_at) const;

  const HttpFetch fetch_;
  const config::OAuth2 config_;
  Fs& fs_;
  const Clock& clock_;

  Mutex mutex_;
  Token token_ GUARDED_BY(mutex_);
  std::string token_secret_ GUARDED_BY(mutex_);  // that token_ was asked for with
  std::vector<Waiter> waiting_ GUARDED_BY(mutex_);
  bool asking_ GUARDED_BY(mutex_) = false;
  bool secret_in_body_ GUARDED_BY(mutex_) = false;  // the server wants it so
};

}  // namespace strata::discover
