// Reads the write-ahead log as it grows: what was appended, in the order in which it was
// acknowledged, for those who send it on.
//
// A position is a place in a numbered segment, behind a whole record; it means the same after a
// restart. Segments that the store has dropped are read from where Db::keep_log() kept them. Where
// a position's segment is gone (the bound of what is kept was hit), reading goes on with the oldest
// that there is, and skipped() says so.
//
// One thread at a time; appends and upkeep go on meanwhile. Holds one mapped segment and the bases
// of its targets.
#pragma once
#include <compare>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "base/fs.h"
#include "model/labels.h"
#include "tsdb/db.h"
#include "tsdb/frame.h"
#include "tsdb/row_code.h"
#include "tsdb/wal_record.h"

namespace strata::tsdb {

struct LogPosition {
  uint64_t segment = 0;
  uint64_t offset = 0;
  friend auto operator<=>(const LogPosition&, const LogPosition&) = default;
};

class LogCursor {
 public:
  /// Db::read_log() makes them. `db` outlives this.
  LogCursor(const Db::Impl& db, LogPosition from) : db_(db), position_(from) {}

  /// Appends the samples of the next record; false when there is none yet. Records that cannot be
  /// read are logged, counted and stepped over. Error: kIo, and the same record comes next time.
  Result<bool> next(std::vector<TimedSample>& samples, std::vector<TimedHistogram>& histograms);
  /// Behind the last record.
  LogPosition position() const { return position_; }
  /// Segments that were gone, and records that could not be read.
  uint64_t skipped() const { return skipped_; }

  /// Of a series that next() gave; empty when it is not known any more.
  Labels labels(SeriesId id) const;

 private:
  Result<bool> open_segment();
  Result<bool> leave_segment();
  Result<> record(std::string_view payload, std::vector<TimedSample>* samples,
                  std::vector<TimedHistogram>* histograms);
  Result<> scrape(std::string_view payload, std::vector<TimedSample>* out);

  const Db::Impl& db_;
  LogPosition position_;
  uint64_t skipped_ = 0;

  std::unique_ptr<MappedFile> file_;  // null: position_'s segment is not open
  uint64_t begin_ = 0;                // of what reader_ reads, in the segment
  FrameReader reader_{{}};
  std::unordered_map<uint32_t, RowBasePtr> bases_;  // the last of each target in the segment
  std::vector<double> values_;
  std::vector<LoggedSample> timed_;
};

}  // namespace strata::tsdb
