// The targets of remote write as the configuration names them: a remote::Writer and a thread each,
// and how much of the store's log stays on disk for the slowest of them.
//
// Owned by Server. apply() and stop() by one thread at a time.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "config/config.h"
#include "remote/writer.h"
#include "strata/metrics.h"
#include "tsdb/db.h"

namespace strata::app {

struct RemoteWriteDeps {
  tsdb::Db& db;
  discover::HttpFetch fetch;
  Fs& fs;
  const Clock& clock;
  metrics::Registry& registry;
  std::function<remote::Families()> families;
  std::string directory;      // of positions; created when missing
  uint64_t buffer_bytes = 0;  // of the log, for targets that are behind
};

class RemoteWrite {
 public:
  explicit RemoteWrite(RemoteWriteDeps deps);
  ~RemoteWrite();
  RemoteWrite(const RemoteWrite&) = delete;
  RemoteWrite& operator=(const RemoteWrite&) = delete;

  /// Ends the writers that there are, and starts those of `config`, each where its target's last
  /// one ended. The first call comes before the store's upkeep begins. Error: kIo; then none run.
  Result<> apply(const config::Config& config);
  void stop();

 private:
  struct Running {
    std::unique_ptr<remote::Writer> writer;
    std::jthread thread;
  };
  void keep_log() const;
  void forget_others() const;

  const RemoteWriteDeps deps_;
  remote::WriteMetrics metrics_;
  const metrics::Callback highest_;
  const metrics::Callback samples_in_;
  std::vector<Running> running_;  // changes only while no writer runs
};

}  // namespace strata::app
