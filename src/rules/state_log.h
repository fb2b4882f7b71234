// What alerts were doing, on disk: so that after a restart, clean or not, firing is still firing.
//
// A log of records, each an alert as it became, or that one is gone; docs/formats/rule-state.md. It
// is in memory whole (bounded by the alerts there are) and rewritten when three quarters of the
// file are history. A record is in the file before receivers hear of the change, so killing the
// process forgets nothing that was told; power may take the last second.
//
// Why not from ALERTS_FOR_STATE, as Prometheus does: that series knows neither that an alert fired
// nor what was told of it, so a restart makes firing pending again (docs/decisions).
//
// Owned by app/; thread-safe.
#pragma once
#include <chrono>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/fs.h"
#include "base/mutex.h"
#include "rules/alert.h"

namespace strata::rules {

class StateLog {
 public:
  /// Reads DIRECTORY/alerts (made when missing). What is damaged at its end, as a crash leaves it,
  /// is dropped; a file that is no state log is kept beside as alerts.damaged. Errors: kIo.
  static Result<std::unique_ptr<StateLog>> open(const std::string& directory, Fs& fs,
                                                const Clock& clock);

  /// The alerts of rule `key` as they were last written.
  std::vector<Alert> alerts(std::string_view key) const;
  /// When something was last written by the life before this one; 0: never.
  TimestampMs last_written() const { return last_written_; }

  /// `at` is the evaluation's time. Error: kIo; the changes are kept in memory and written with the
  /// next ones that succeed.
  Result<> write(std::string_view key, std::span<const Alert> changed,
                 std::span<const Labels> removed, TimestampMs at);
  /// Pending alerts were there at `at`: so that the time the process is away is not counted as
  /// waiting. Written at most every ten seconds.
  void mark_alive(TimestampMs at);
  /// Forgets rules that are not among `keys`.
  Result<> keep_only(const std::vector<std::string>& keys);
  /// What was written survives loss of power.
  Result<> sync();

  uint64_t file_bytes() const;

 private:
  StateLog(std::string path, Fs& fs, const Clock& clock)
      : path_(std::move(path)), fs_(fs), clock_(clock) {}
  Result<> load();
  void apply(std::string_view record) REQUIRES(mutex_);
  Result<> append(std::string_view frames) REQUIRES(mutex_);
  Result<> rewrite() REQUIRES(mutex_);

  const std::string path_;
  Fs& fs_;
  const Clock& clock_;
  TimestampMs last_written_ = 0;

  mutable Mutex mutex_;
  /// Rule key, labels' bytes -> the alert's record.
  using Live = std::map<std::pair<std::string, std::string>, std::string>;
  Live live_ GUARDED_BY(mutex_);
  uint64_t live_bytes_ GUARDED_BY(mutex_) = 0;
  std::unique_ptr<AppendFile> file_ GUARDED_BY(mutex_);  // null: to be rewritten
  TimestampMs alive_at_ GUARDED_BY(mutex_) = 0;
  std::chrono::nanoseconds synced_at_ GUARDED_BY(mutex_){0};
};

}  // namespace strata::rules
