// What a request met on its way: how long each part of it took, whom it reached, what certificates
// the peer showed. For those who ask (ClientRequest::trace), also of a request that failed.
#pragma once
#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace strata::net {

/// Where a request stands: what a timeout says it was waiting for.
enum class Phase : uint8_t { kStart, kResolve, kConnect, kProxy, kTls, kSend, kWait, kRead };

struct TlsPeer {
  std::string version;  // "TLS 1.3"
  std::string cipher;   // "TLS_AES_128_GCM_SHA256"
  /// Unix seconds at which the first of the certificates that were shown expires, and of those of
  /// the chain that was verified (0: none was).
  int64_t earliest_expiry = 0;
  int64_t chain_expiry = 0;
  // Of the peer's own certificate.
  std::string fingerprint_sha256;  // hex
  std::string subject;
  std::string issuer;
  std::string serial;  // hex
  std::string names;   // of its subjectAltName, with commas
};

/// A value, filled on the loop's thread until the callback runs.
struct RequestTrace {
  std::array<std::chrono::nanoseconds, 8> spent{};  // by Phase; all redirects together
  std::string address;                              // "10.0.0.1", of the last connection
  size_t redirects = 0;
  int http_version = 0;  // 11 is HTTP/1.1; 0: no response
  std::optional<TlsPeer> tls;

  std::chrono::nanoseconds in(Phase phase) const { return spent[static_cast<size_t>(phase)]; }
};

/// Knows the phase and how long each took. One thread.
class PhaseClock {
 public:
  using Clock = std::chrono::steady_clock;
  void enter(Phase phase) {
    const auto now = Clock::now();
    spent_[static_cast<size_t>(phase_)] += now - since_;
    since_ = now;
    phase_ = phase;
  }
  Phase phase() const { return phase_; }
  const std::array<std::chrono::nanoseconds, 8>& spent() const { return spent_; }

 private:
  Phase phase_ = Phase::kStart;
  Clock::time_point since_ = Clock::now();
  std::array<std::chrono::nanoseconds, 8> spent_{};
};

}  // namespace strata::net
