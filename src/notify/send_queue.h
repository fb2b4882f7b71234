// What one Alertmanager has yet to be told: alerts wait in their order, and go out in batches, one
// request at a time. As in Prometheus a batch that fails is not tried again, since rules tell of an
// alert again every resend delay; and when the queue is full the oldest alerts give way.
//
// No thread of its own: add() sends when nothing is on its way, and an answer sends what came
// meanwhile. Any thread. Bound: SendLimits::capacity alerts.
#pragma once
#include <chrono>
#include <deque>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "discover/peer_client.h"
#include "model/duration.h"
#include "notify/metrics.h"

namespace strata::notify {

/// An alert as JSON, an item of what POST /api/v2/alerts takes; shared by all that wait for it.
using EncodedAlert = std::shared_ptr<const std::string>;

struct SendLimits {
  size_t capacity = 10'000;  // alerts that wait for one Alertmanager
  size_t batch = 256;        // alerts of one request
  bool drain = true;         // what waits when the queue is closed is still sent
};

class SendQueue : public std::enable_shared_from_this<SendQueue> {
 public:
  /// `client` is prepared for this Alertmanager's section of the configuration; `metrics` and
  /// `clock` outlive this.
  SendQueue(std::string url, std::shared_ptr<const discover::PeerClient> client, Millis timeout,
            SendLimits limits, Metrics& metrics, const Clock& clock);

  const std::string& url() const { return url_; }
  void add(std::span<const EncodedAlert> alerts);
  /// Takes no more alerts. What waits is sent, or dropped when limits.drain is false.
  void close();
  /// After close(): whether all was sent, or dropped, before `deadline` (Clock::steady). What is
  /// left then is dropped, and what is on its way is given up.
  bool wait(std::chrono::nanoseconds deadline);

 private:
  void send_on();
  void send(std::span<const EncodedAlert> batch);
  void answered(size_t alerts, std::chrono::nanoseconds began,
                const Result<net::ClientResponse>& response);
  void drop_all() REQUIRES(mutex_);

  const std::string url_;
  const std::shared_ptr<const discover::PeerClient> client_;
  const Millis timeout_;
  const SendLimits limits_;
  const Clock& clock_;
  const Metrics::Alertmanager metrics_;
  std::stop_source stop_;

  Mutex mutex_;
  CondVar idle_;
  std::deque<EncodedAlert> waiting_ GUARDED_BY(mutex_);
  bool sending_ GUARDED_BY(mutex_) = false;    // some thread is in send_on()
  bool in_flight_ GUARDED_BY(mutex_) = false;  // a request is on its way
  bool closed_ GUARDED_BY(mutex_) = false;
  std::string last_error_ GUARDED_BY(mutex_);
};

}  // namespace strata::notify
