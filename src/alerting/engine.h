// Alertmanager in the process: its configuration, silences, routing and deliveries over one
// database, and the thread that runs them.
//
//   auto engine = TRY(Engine::open(options, deps));
//   engine->put(alerts);          // from rules, or POST /api/v2/alerts
//
// Owned by app/. put(), apply() and what router() and silences() offer may be called from any
// thread; the alerting thread flushes groups and delivers.
#pragma once
#include <memory>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "alerting/delivery.h"
#include "alerting/router.h"
#include "base/fs.h"

namespace strata::alerting {

struct EngineOptions {
  std::string directory;     // state.db is in it; made when missing
  std::string config_file;   // alertmanager.yml; empty: one receiver that is told nothing
  std::string external_url;  // of Strata, for links
  std::string strata_config_file = {};  // strata.yml, for its `receivers`; empty: none
};

/// A message for one integration of a receiver.
struct Rendered {
  LogKey key;
  MessageParts parts;
};

struct EngineDeps {
  discover::HttpFetch http;
  TcpTalk tcp;  // for mail
  Fs& fs;
  const Clock& clock;
  metrics::Registry& metrics;
};

class Engine {
 public:
  /// Errors: those of the configuration and of the database, naming what to do.
  static Result<std::unique_ptr<Engine>> open(EngineOptions options, EngineDeps deps);
  /// Ends the thread; what is under way is tried again after the next start.
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  /// Begins to flush and to deliver. Alerts that are known to others should be put before, so that
  /// what they inhibit is not told first.
  void start();
  /// The configuration as its files are now, to be taken over by apply() or not at all. Errors:
  /// those of the files.
  Result<std::shared_ptr<const AlertmanagerFile>> read() const;
  void apply(std::shared_ptr<const AlertmanagerFile> file);
  /// As Router::put.
  Result<> put(std::vector<Alert> alerts);
  /// Called after each put(), on its thread; must not block. Set before start(), or null.
  void set_listener(std::function<void()> listener);
  /// What a receiver is sent by each of its integrations that can deliver. Error: kNotFound for a
  /// receiver that there is not, or that cannot deliver; those of rendering.
  Result<std::vector<Rendered>> render(const std::string& receiver,
                                       const Notification& notification) const;
  void wake();
  /// One round of the thread, for tests: instead of start().
  void run_once();

  Router& router() { return *router_; }
  Silences& silences() { return *silences_; }
  Outbox& outbox() { return *outbox_; }
  state::Database& database() { return *db_; }

 private:
  Engine(EngineOptions options, EngineDeps deps)
      : options_(std::move(options)), deps_(std::move(deps)) {}
  void run(const std::stop_token& stop);
  void sleep(const std::stop_token& stop);
  void collect_garbage(TimestampMs now);

  const EngineOptions options_;
  const EngineDeps deps_;
  std::unique_ptr<state::Database> db_;
  std::unique_ptr<Silences> silences_;
  std::unique_ptr<NotificationLog> log_;
  std::unique_ptr<Outbox> outbox_;
  std::unique_ptr<Router> router_;
  std::unique_ptr<Delivery> delivery_;  // the thread's

  mutable Mutex mutex_;
  CondVar changed_;
  std::function<void()> listener_ GUARDED_BY(mutex_);
  bool woken_ GUARDED_BY(mutex_) = false;
  TimestampMs collected_at_ = 0;
  std::jthread thread_;
};

/// What is valid in a file but not done here, one a line: receivers that cannot deliver yet.
std::vector<std::string> unsupported(const AlertmanagerFile& file);

}  // namespace strata::alerting
