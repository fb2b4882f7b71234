// One target of remote write as HTTP has it: what a request looks like, what an answer means, and
// how long to wait before it is asked again. Shared by what sends the log (writer.h) and what an
// agent pushes (pusher.h). Thread-safe.
#pragma once
#include <atomic>
#include <chrono>
#include <string>

#include "config/config.h"
#include "discover/peer_client.h"
#include "wire/remote_write.h"

namespace strata::remote {

class WriteTarget {
 public:
  /// What Retry-After may ask for at most.
  static constexpr std::chrono::seconds kLongestRetryAfter{300};

  /// All outlive this.
  WriteTarget(discover::HttpFetch fetch, const config::RemoteWriteConfig& config, Fs& fs,
              const Clock& clock);

  wire::RemoteWriteVersion version() const { return version_; }
  /// `body` is a compressed message. `done` is called once, perhaps at once.
  void send(std::string body, net::HttpClient::Callback done) const;
  /// Whether the same request may be taken another time: after 5xx, 429 (where the configuration
  /// says so) and failures to connect.
  bool may_mend(const Result<net::ClientResponse>& response) const;
  /// What Retry-After asks for, or twice the `last` pause of this request (0: there was none)
  /// within the configuration's bounds; a tenth more or less, so that many senders do not come back
  /// at once. `last` is replaced.
  std::chrono::nanoseconds pause(std::chrono::nanoseconds& last,
                                 const Result<net::ClientResponse>& response) const;

 private:
  const config::RemoteWriteConfig& config_;
  const discover::PeerClient client_;
  const wire::RemoteWriteVersion version_;
  mutable std::atomic<uint64_t> random_;  // for jitter
};

/// What went wrong, in words.
std::string refusal(const Result<net::ClientResponse>& response);

}  // namespace strata::remote
