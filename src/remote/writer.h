// Remote write out: one target gets everything that is appended to the store, from its log.
//
// A round is read from the log (tsdb/log_cursor.h), made into requests (write_batches.h), and sent:
// lanes beside each other, the requests of a lane in order. When all of a round has an answer, the
// position behind it is written down, and the next round is read. So a series' samples arrive in
// order; an outage of the target costs disk (Db::keep_log) and no memory; and after a restart
// sending goes on where it was. Answers of 5xx and 429, and failures to connect, are tried again
// for as long as it takes, with growing pauses or those that Retry-After asks for; other answers of
// 4xx mean that the target will never take it: it is counted as failed and left behind.
//
// What may arrive twice: a request whose answer was lost, and after a kill those of the round under
// way. They are the same requests, of the same samples with the same values, which receivers drop.
//
// run() belongs to a thread of app's; the rest may be called from any thread. Bounds: a round is
// max_shards * max_samples_per_send samples, at most kMaxRound.
#pragma once
#include <atomic>
#include <memory>
#include <stop_token>
#include <string>

#include "config/config.h"
#include "discover/peer_client.h"
#include "remote/pace.h"
#include "remote/position_file.h"
#include "remote/write_batches.h"
#include "remote/write_metrics.h"
#include "remote/write_target.h"

namespace strata::remote {

struct WriterDeps {
  const tsdb::Db& db;
  discover::HttpFetch fetch;
  Fs& fs;
  const Clock& clock;
  WriteMetrics& metrics;
  std::function<Families()> families;  // what is known of metric families now
  std::function<void()> progressed;    // position() has moved
};

class Writer {
 public:
  static constexpr size_t kMaxRound = 100'000;

  /// `directory` is where positions are kept; it exists. A target that is new gets what is
  /// appended from now on. Error: kIo.
  static Result<std::unique_ptr<Writer>> open(WriterDeps deps, config::RemoteWriteConfig config,
                                              Labels external_labels, const std::string& directory);

  /// Reads and sends until asked to stop; then waits up to kGrace for what is on its way.
  void run(std::stop_token stop);
  static constexpr std::chrono::seconds kGrace{5};

  /// The first segment of the log that is still needed.
  uint64_t needs_segment() const { return needs_segment_.load(std::memory_order_relaxed); }
  const config::RemoteWriteConfig& config() const { return config_; }
  /// The file of a target's position.
  static std::string position_name(const config::RemoteWriteConfig& config);

 private:
  struct Round;
  struct Sending;

  Writer(WriterDeps deps, config::RemoteWriteConfig config, Labels external_labels,
         PositionFile position);
  bool read_round(Round& round, const std::stop_token& stop);
  bool wait(std::chrono::nanoseconds at_most, const std::stop_token& stop) const;
  bool send(std::vector<Lane> lanes, const std::stop_token& stop);
  void send_next(const std::shared_ptr<Sending>& sending, size_t lane);
  void answered(Sending& sending, size_t lane, const Result<net::ClientResponse>& response);
  void send_metadata(const std::stop_token& stop);
  void keep_position();
  void report(const Result<>& saved) const;

  const WriterDeps deps_;
  const config::RemoteWriteConfig config_;
  const WriteTarget target_;
  WriteMetrics::Target& metrics_;
  PositionFile position_;
  std::unique_ptr<tsdb::LogCursor> cursor_;
  std::optional<tsdb::LogPosition> resume_until_;  // of the round that a kill interrupted
  BatchMaker batches_;
  Pace pace_;
  double request_seconds_ = 0;  // of the round under way, all its requests together
  std::atomic<uint64_t> needs_segment_{0};
  std::chrono::nanoseconds next_metadata_{0};
  uint64_t skipped_ = 0;  // of cursor_, that were reported
  std::string last_error_;
};

}  // namespace strata::remote
