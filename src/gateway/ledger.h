// A row for every request, in files of our own that nobody has to index: what bills, replays and
// audits are made from. docs/formats/ledger.md is the format.
//
// append() is called on the loop's thread and only copies into memory; a thread of the ledger's own
// writes four times a second and syncs once, so that kill -9 loses less than a second. Bounds:
// kMaxPending bytes wait (rows beyond are lost, and counted), kMaxFile bytes or a day a file;
// files go when they are older than `keep` or all are larger than `max_size`.
#pragma once
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>

#include "base/clock.h"
#include "base/fs.h"
#include "base/mutex.h"
#include "base/result.h"
#include "config/gateway_config.h"
#include "gateway/record.h"

namespace strata::gateway {

class Ledger {
 public:
  static constexpr size_t kMaxPending = size_t{16} << 20;
  static constexpr uint64_t kMaxFile = uint64_t{64} << 20;

  /// Makes the directory and begins a file. Error: kIo; kConflict when another gateway has it.
  static Result<std::unique_ptr<Ledger>> open(const config::GatewayLedger& config, Fs& fs,
                                              const Clock& clock);
  /// Writes what waits, syncs.
  ~Ledger();
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;

  void append(const RequestRecord& record);
  /// Rows that were not written: too many waited, or the disk failed.
  uint64_t lost() const { return lost_; }
  /// Writes what waits. Any thread.
  void flush();

 private:
  Ledger(const config::GatewayLedger& config, Fs& fs, const Clock& clock);
  Result<> begin_file();
  void run(const std::stop_token& stop);
  void write(bool sync);
  void prune();
  uint32_t text_id(std::string_view text) REQUIRES(mutex_);

  const config::GatewayLedger config_;
  Fs& fs_;
  const Clock& clock_;
  std::unique_ptr<FileLock> lock_;

  Mutex mutex_;
  std::string pending_ GUARDED_BY(mutex_);
  uint64_t pending_rows_ GUARDED_BY(mutex_) = 0;
  std::unordered_map<std::string, uint32_t> texts_ GUARDED_BY(mutex_);  // of the open file

  Mutex file_mutex_;  // the writing side
  std::unique_ptr<AppendFile> file_ GUARDED_BY(file_mutex_);
  TimestampMs file_since_ GUARDED_BY(file_mutex_) = 0;
  std::string writing_ GUARDED_BY(file_mutex_);

  std::atomic<uint64_t> lost_ = 0;
  std::jthread writer_;
};

/// Calls `row` for every row of a ledger's directory with from <= at_ms < to, in the order written.
/// A file whose end is torn is read up to there. Error: kIo, or kCorruption for a file that is no
/// ledger.
Result<> read_ledger(Fs& fs, const std::string& directory, TimestampMs from, TimestampMs to,
                     const std::function<void(const RequestRecord& row)>& row);

/// The rows of one file's bytes; false when it ended in bytes that are no row. For read_ledger()
/// and its fuzz target.
Result<bool> read_ledger_file(std::string_view bytes,
                              const std::function<void(const RequestRecord& row)>& row);

}  // namespace strata::gateway
