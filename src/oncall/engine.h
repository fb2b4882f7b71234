// On call in the process: incidents, calls, heartbeats and the audit log over the alerting engine,
// and the thread that moves them.
//
//   auto engine = TRY(Engine::open(options, deps, config));
//   engine->start();
//   engine->desk().acknowledge(17, "alice", {}, now);
//
// Owned by app/, made after the alerting engine and ended before it. Everything but start() may be
// called from any thread.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>

#include "alerting/engine.h"
#include "discover/peer_client.h"
#include "oncall/ack_links.h"
#include "oncall/audit.h"
#include "oncall/desk.h"
#include "oncall/store.h"

namespace strata::oncall {

struct EngineOptions {
  std::string directory;     // of the alerting engine's state
  std::string external_url;  // of Strata, for links; without a slash at its end
};

struct EngineDeps {
  alerting::Engine& alerting;
  discover::HttpFetch http;
  Fs& fs;
  const Clock& clock;
  metrics::Registry& metrics;
};

struct HeartbeatStatus {
  std::string name;
  Millis timeout{0};
  std::optional<TimestampMs> last;
  bool missing = false;
};

class Engine {
 public:
  /// Errors: those of the section, of the key's file and of the database.
  static Result<std::unique_ptr<Engine>> open(EngineOptions options, EngineDeps deps,
                                              const config::OncallConfig& config);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  void start();
  /// Of a configuration that is to be taken over by apply() together with the receivers of `file`.
  /// Errors: kBadData.
  Result<std::shared_ptr<const Roster>> check(const config::OncallConfig& config,
                                              const alerting::AlertmanagerFile& file) const;
  void apply(std::shared_ptr<const Roster> roster);
  void wake();

  Desk& desk() { return *desk_; }
  Store& store() { return *store_; }
  Audit& audit() { return *audit_; }
  const AckLinks& links() const { return *links_; }

  /// Error: kNotFound for a name that strata.yml does not have.
  Result<> beat(const std::string& name, TimestampMs now);
  Result<std::vector<HeartbeatStatus>> heartbeats(TimestampMs now) const;
  Result<Override> add_override(Override made, const std::string& actor, TimestampMs now);
  Result<> remove_override(int64_t id, const std::string& actor, TimestampMs now);
  /// Acknowledges what the call was about, in the name of the person called; the incidents.
  Result<std::vector<Incident>> acknowledge_page(int64_t page, TimestampMs now);
  /// Whether a key press at a call's link may count: where Twilio alone makes the receiver's calls,
  /// it has to be signed with the token of one of them. `signature`: X-Twilio-Signature. Errors:
  /// kUnauthorized, saying why; kNotFound; those of reading the token.
  Result<> check_key_press(int64_t page, std::string_view link_token, const net::FormValues& form,
                           std::string_view signature) const;
  /// `receiver` empty: strata.yml's drill_receiver. Error: kBadData when there is none.
  Result<Incident> drill(Priority priority, std::string receiver, const std::string& actor,
                         TimestampMs now);

  /// One round of the thread, for tests.
  void run_once();

 private:
  struct Metrics;
  struct Ping {
    config::OncallPing config;
    std::unique_ptr<discover::PeerClient> client;
    TimestampMs next_at = 0;
  };
  Engine(EngineOptions options, EngineDeps deps);
  void run(const std::stop_token& stop);
  void sleep(const std::stop_token& stop);
  void observe(TimestampMs now);
  void watch_heartbeats(TimestampMs now);
  void send_pings(TimestampMs now);
  void report(const std::vector<Problem>& problems, TimestampMs now);
  void put_own_alerts(TimestampMs now);

  const EngineOptions options_;
  const EngineDeps deps_;
  const std::unique_ptr<Metrics> metrics_;
  std::unique_ptr<Audit> audit_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<AckLinks> links_;
  std::unique_ptr<Desk> desk_;

  // The thread's.
  std::map<std::string, alerting::Alert> own_alerts_;  // that fire, until ends_at
  TimestampMs own_alerts_put_at_ = 0;
  TimestampMs observed_at_ = 0;
  bool failing_ = false;
  TimestampMs collected_at_ = 0;
  TimestampMs heartbeats_watched_at_ = 0;
  std::map<std::string, TimestampMs> heartbeats_known_since_;
  std::shared_ptr<const Roster> pings_of_;
  std::vector<Ping> pings_;

  Mutex mutex_;
  CondVar changed_;
  bool alerts_changed_ GUARDED_BY(mutex_) = true;
  bool woken_ GUARDED_BY(mutex_) = false;
  std::stop_source stop_;
  std::jthread thread_;
};

}  // namespace strata::oncall
