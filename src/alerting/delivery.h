// Brings what is in the outbox to its receivers.
//
// poll() belongs to the alerting thread: it writes down what became of attempts, then begins those
// that are due. Attempts end on the network's thread, which only notes the outcome and wakes us.
// Bounds: kMaxInFlight attempts at once, kMaxOfOneChannel of them to one integration, so that a
// chat that hangs does not keep a page waiting; each provider's pace (Provider::pace); a
// notification's timeout.
#pragma once
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <stop_token>
#include <unordered_set>
#include <vector>

#include "alerting/outbox.h"
#include "alerting/provider.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "discover/peer_client.h"
#include "strata/metrics.h"

namespace strata::alerting {

struct DeliveryDeps {
  Outbox& outbox;
  discover::HttpFetch http;
  TcpTalk tcp;
  Fs& fs;
  const Clock& clock;
  metrics::Registry& metrics;
  std::function<std::shared_ptr<const AlertmanagerFile>()> config;
  std::function<void()> wake;  // the alerting thread; from any thread
};

class Delivery {
 public:
  static constexpr size_t kMaxInFlight = 100;
  static constexpr size_t kMaxOfOneChannel = 25;
  static constexpr std::chrono::seconds kTimeout{30};

  explicit Delivery(DeliveryDeps deps);
  /// Gives up what is in flight; it is tried again after the next start.
  ~Delivery();

  void poll();
  std::optional<TimestampMs> next_due() const;
  size_t in_flight() const { return in_flight_; }

 private:
  struct Metrics;
  struct Outcome {
    Message message;
    Attempt attempt;
    Verdict verdict;
  };
  /// What is known of one integration of a receiver.
  struct Channel {
    size_t in_flight = 0;
    TimestampMs paced_until = 0;   // when all that was let through would have been due
    TimestampMs paused_until = 0;  // it asked for this (Retry-After)
  };
  struct Mail;  // where attempts leave their outcome; outlives this
  void begin(Message message);
  std::optional<TimestampMs> held_until(const Message& message, const Pace& pace);
  void note_pause(const Outcome& outcome);
  void write_down(const Outcome& outcome);
  std::shared_ptr<const discover::PeerClient> client_of(const Integration& integration);

  const DeliveryDeps deps_;
  const std::unique_ptr<Metrics> metrics_;
  const std::shared_ptr<Mail> mail_;
  const std::shared_ptr<const TcpTalk> tcp_;
  const std::shared_ptr<AccessTokens> tokens_;
  std::stop_source stop_;
  size_t in_flight_ = 0;
  std::map<std::string, Channel> channels_;         // of the configuration, so bounded by it
  std::unordered_set<int64_t> reserved_;            // messages that wait for their place in a pace
  std::shared_ptr<const AlertmanagerFile> config_;  // that clients_ are of
  std::map<const Integration*, std::shared_ptr<const discover::PeerClient>> clients_;
};

}  // namespace strata::alerting
