// Exemplars: the latest of all series, in a ring, and in files that a start reads back.
//
// A ring of at most `max` exemplars: a new one takes the place of the oldest of all. Those of one
// series ascend in time; what comes again with the next scrape is left out, as Prometheus does it
// (tsdb/exemplar.go). On disk they are in exemplars/NNNNNNNN (docs/formats/exemplars.md): as many
// of the newest files as it takes to hold the ring. Written before append() returns; synced with
// the log.
//
// Owned by Db's state. Thread-safe. Bounds: kMaxExemplars, kMaxExemplarRunes a set of labels; about
// 300 bytes an exemplar.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/fs.h"
#include "base/mutex.h"
#include "base/result.h"
#include "model/exemplar.h"
#include "model/labels.h"
#include "model/matcher.h"
#include "model/sample.h"
#include "tsdb/frame_file.h"

namespace strata::tsdb {

inline constexpr size_t kMaxExemplars = size_t{4} << 20;
/// UTF-8 characters of an exemplar's label names and values (OpenMetrics 1.0).
inline constexpr size_t kMaxExemplarRunes = 128;

struct ExemplarStats {
  uint64_t stored = 0;  // now in the ring
  uint64_t series = 0;  // that have some
  uint64_t max = 0;
  uint64_t appended = 0;      // since open()
  uint64_t out_of_order = 0;  // left out: older than the newest of their series
  uint64_t too_long = 0;      // left out: labels of more than kMaxExemplarRunes
  TimestampMs last_time = 0;  // of the newest
  TimestampMs oldest_time = 0;
  size_t memory = 0;  // roughly
};

/// An exemplar as a scrape brings it.
struct NewExemplar {
  Labels series;
  Exemplar exemplar;
  TimestampMs t = 0;  // its own time, or that of its sample
};

struct StoredExemplar {
  Labels labels;
  double value = 0;
  TimestampMs t = 0;
};
struct SeriesExemplars {
  Labels series;
  std::vector<StoredExemplar> exemplars;  // ascending
};

class ExemplarStore {
 public:
  /// Reads what is in `dir` (created when missing). Damage is logged and stepped over. Error: kIo.
  static Result<std::unique_ptr<ExemplarStore>> open(Fs& fs, std::string dir, size_t max);

  /// Error: kIo; they are shown then, but a restart loses them.
  Result<> append(std::span<const NewExemplar> exemplars);
  /// Those in `range` of the series that one of `selectors` selects, by labels.
  std::vector<SeriesExemplars> select(std::span<const std::vector<Matcher>> selectors,
                                      TimeRange range) const;
  /// A smaller ring keeps the newest; 0 keeps none and takes none.
  void resize(size_t max);
  Result<> sync();
  ExemplarStats stats() const;

 private:
  static constexpr uint32_t kNone = UINT32_MAX;
  struct Series {
    Labels labels;
    uint32_t first = kNone;  // of its exemplars: places in ring_
    uint32_t last = kNone;
    uint64_t file = 0;    // the file that defines it, and
    uint32_t number = 0;  // as what
  };
  struct Slot {
    Series* series = nullptr;  // null: free
    StoredExemplar exemplar;
    bool own_time = false;  // it came with a time
    uint32_t next = kNone;  // of the same series
  };
  using SeriesMap = std::unordered_map<Labels, std::unique_ptr<Series>, LabelsHash>;

  ExemplarStore(Fs& fs, std::string dir, size_t max) : fs_(fs), dir_(std::move(dir)), max_(max) {}
  std::string path(uint64_t number) const { return dir_ + "/" + numbered_name(number); }
  bool wanted(const NewExemplar& e) REQUIRES(mutex_);
  void put(const NewExemplar& e) REQUIRES(mutex_);
  void drop_oldest() REQUIRES(mutex_);
  void encode(std::string& out, const NewExemplar& e) REQUIRES(mutex_);
  Result<> write(std::span<const NewExemplar* const> exemplars) REQUIRES(mutex_);
  void remove_old_files() REQUIRES(mutex_);
  Result<> read_file(uint64_t number) REQUIRES(mutex_);
  bool read_record(std::string_view payload, std::vector<Labels>& series) REQUIRES(mutex_);

  Fs& fs_;
  const std::string dir_;

  mutable Mutex mutex_;
  size_t max_ GUARDED_BY(mutex_);
  SeriesMap series_ GUARDED_BY(mutex_);
  std::vector<Slot> ring_ GUARDED_BY(mutex_);  // grows to max_
  size_t next_ GUARDED_BY(mutex_) = 0;         // where the next one goes when it is full
  ExemplarStats counters_ GUARDED_BY(mutex_);

  std::optional<FrameFile> file_ GUARDED_BY(mutex_);
  uint64_t file_number_ GUARDED_BY(mutex_) = 0;
  std::map<uint64_t, uint64_t> in_files_ GUARDED_BY(mutex_);  // exemplars, by file
  uint32_t series_in_file_ GUARDED_BY(mutex_) = 0;
  uint32_t sequence_ GUARDED_BY(mutex_) = 0;
  bool unsynced_ GUARDED_BY(mutex_) = false;
  bool name_unsynced_ GUARDED_BY(mutex_) = false;
};

}  // namespace strata::tsdb
