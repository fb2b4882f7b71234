// Tells external Alertmanagers what rules found: `alerting.alertmanagers` of prometheus.yml, as
// Prometheus tells them. Each list of Alertmanagers has its own relabelling and credentials, and
// each Alertmanager its own queue (send_queue.h), so that one that hangs delays no other.
//
// Owned by app/. send() is called from the work pool, set_groups() by discovery, the rest by the
// main thread; all are thread-safe.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "notify/endpoints.h"
#include "notify/send_queue.h"
#include "rules/sink.h"

namespace strata::notify {

struct SenderDeps {
  discover::HttpFetch fetch;
  Fs& fs;
  const Clock& clock;
  metrics::Registry& registry;
};

class Sender {
 public:
  /// How long stop() waits for queues to drain.
  static constexpr std::chrono::seconds kDrain{10};

  Sender(SenderDeps deps, SendLimits limits);
  ~Sender();  // as stop(), without waiting
  Sender(const Sender&) = delete;
  Sender& operator=(const Sender&) = delete;

  /// A list whose way of talking stays the same keeps its Alertmanagers and queues until
  /// set_groups() says who is in it now.
  void apply(const config::Config& config);
  /// The Alertmanagers of one list, by discover::alertmanager_jobs' name. A name that is none is
  /// ignored: the configuration has changed since.
  void set_groups(const std::string& name, std::span<const discover::TargetGroup> groups);

  /// Whether there is anybody to tell.
  bool has_receivers() const;
  /// Labels with external labels and alert_relabel_configs of `alerting` applied. Must not block.
  void send(std::span<const rules::AlertNotice> alerts);
  /// Takes no more, and sends what waits, for kDrain at most.
  void stop();

  /// The Alertmanagers there are, as /api/v1/alertmanagers has them.
  Endpoints alertmanagers() const;

 private:
  /// One item of alerting.alertmanagers.
  struct List {
    config::AlertmanagerConfig config;
    std::shared_ptr<const discover::PeerClient> client;
    Endpoints endpoints;
    std::map<std::string, std::shared_ptr<SendQueue>> queues;  // by URL
  };
  static void close(List& list);
  void end(std::chrono::nanoseconds deadline);

  const SenderDeps deps_;
  const SendLimits limits_;
  Metrics metrics_;
  const metrics::Callback discovered_;
  mutable Mutex mutex_;
  std::map<std::string, List> lists_ GUARDED_BY(mutex_);
};

}  // namespace strata::notify
