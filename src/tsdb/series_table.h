// The series of the head: labels <-> dense ids, and the inverted index over them.
//
// A label name=value is a pair, numbered; a series is a short list of pair numbers in one array; a
// pair has the ascending list of its series. So labels are stored once, as 4 bytes a label and
// series, and a Labels value is made only for what a query selects.
//
// A series that has no samples left in the head is retired: out of the index, but its id still
// finds its labels, so that a writer that kept the handle brings it back by appending. It is purged
// some cuts later. Thread-safe: many readers or one writer. Bounded by SeriesLimits.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "model/labels.h"
#include "model/matcher.h"
#include "tsdb/db.h"
#include "tsdb/id_table.h"
#include "tsdb/ids.h"
#include "tsdb/matcher_cache.h"
#include "tsdb/new_values.h"
#include "tsdb/postings.h"
#include "tsdb/symbols.h"

namespace strata::tsdb {

/// A series that a selection found and where its samples may be.
struct SelectedSeries {
  SeriesId id{};
  Labels labels;
  std::optional<TargetId> home;  // its first target, if it ever came with a scrape
  bool timed = false;            // samples with times of their own may exist
};

struct HeadSelection {
  std::vector<SelectedSeries> series;
  /// Further targets of series[first].
  std::vector<std::pair<size_t, TargetId>> more_homes;
};

struct SeriesTableStats {
  uint64_t series = 0;
  uint64_t created = 0;
  uint64_t retired = 0;
  uint64_t refused = 0;
  /// Of the refused: by the label that brought the most new values lately.
  std::vector<std::pair<std::string, uint64_t>> refused_by_label;
  std::vector<MemoryPart> memory;
};

/// When a series is refused. 0: no bound.
struct SeriesLimits {
  size_t series = 0;
  size_t bytes = 0;  // of the table and `other_bytes`
  size_t other_bytes = 0;
};

class SeriesTable {
 public:
  SeriesTable();

  /// `on_create` is called for a new series before anyone else can see its id (under the lock): it
  /// notes the definition in the series log. Errors: kLimit, whose message names the label that
  /// explodes; kBadData for empty labels.
  using OnCreate = std::function<void(SeriesId, const Labels&)>;
  Result<SeriesId> get_or_create(const Labels& labels, const SeriesLimits& limits,
                                 const OnCreate& on_create);
  struct Definition {
    SeriesId id;
    std::string_view labels;  // Labels::bytes()
  };
  /// At recovery: series as the log has them, best some dozens at a time, since places in memory
  /// are then fetched beside each other. Of two with one id the first stays, of two with the same
  /// labels the last: a series that was purged and came back got a new id.
  void restore(std::span<const Definition> series);
  /// At recovery: samples have these ids. When a definition was lost, its id must not be given to
  /// another series, which would get the samples.
  void reserve(std::span<const SeriesId> ids);

  /// Says that `ids` are about to get samples, from a scrape of `target` or (none) with times of
  /// their own; brings retired ones back. Error: kNotFound when one is unknown or purged.
  Result<> adopt(std::span<const SeriesId> ids, std::optional<TargetId> target);

  /// Series that all matchers select; more than `limit` (0: none) are kLimit.
  Result<HeadSelection> select(std::span<const Matcher> matchers, size_t limit) const;
  std::vector<std::string> label_names(std::span<const Matcher> matchers) const;
  std::vector<std::string> label_values(std::string_view name,
                                        std::span<const Matcher> matchers) const;
  /// Empty for an unknown or purged id.
  Labels labels(SeriesId id) const;
  /// a < b in the order of their labels.
  void sort_by_labels(std::vector<SeriesId>& ids) const;

  /// A cut begins: adoptions from here on keep a series from being retired by it.
  void begin_generation();
  /// Retires all series that are not marked in `live` (by id) and were not adopted since
  /// begin_generation(); purges those that were retired `kGenerationsKept` generations ago. Returns
  /// how many of each.
  struct Retired {
    size_t retired = 0;
    size_t purged = 0;
  };
  Retired retire(const std::vector<bool>& live);
  static constexpr uint32_t kGenerationsKept = 12;

  /// Ids given so far are below this.
  size_t id_bound() const;
  /// Calls `body` with each series that is not purged, for the series log to be rewritten.
  template <class Body>
  void for_each(Body body) const {
    ReaderLock lock(mutex_);
    for (uint32_t id = 0; id < rows_.size(); ++id) {
      if (rows_[id].count > 0) body(SeriesId{id}, labels_of(rows_[id]));
    }
  }

  SeriesTableStats stats() const;
  /// Bytes of all that is in it.
  size_t memory() const;
  Cardinality cardinality(size_t limit) const;

 private:
  struct Row {
    uint32_t pairs = 0;  // where they begin in pairs_of_series_
    uint32_t hash = 0;
    uint32_t home = UINT32_MAX;
    uint32_t touched = 0;  // generation of the last adoption, or of retirement
    uint16_t count = 0;    // of labels; 0: purged, or never was
    bool alive = false;
    bool timed = false;
  };
  struct Pair {
    uint32_t name = 0;
    uint32_t value = 0;
    Postings series;
  };
  struct RowHash {
    const std::vector<Row>* rows;
    uint64_t operator()(uint32_t id) const { return (*rows)[id].hash; }
  };
  struct PairHash {
    const std::vector<Pair>* pairs;
    uint64_t operator()(uint32_t id) const;
  };

  static uint64_t pair_hash(uint32_t name, uint32_t value);
  // `labels` are Labels::bytes(), `hash` theirs.
  std::optional<uint32_t> find_row(std::string_view labels, uint32_t hash) const
      REQUIRES_SHARED(mutex_);
  bool same_labels(const Row& row, std::string_view labels) const REQUIRES_SHARED(mutex_);
  void restore(const Definition& series, uint32_t hash) REQUIRES(mutex_);
  void fill_row(uint32_t id, std::string_view labels, uint32_t hash) REQUIRES(mutex_);
  uint32_t intern_pair(const Label& label, uint32_t guess) REQUIRES(mutex_);
  void purge(uint32_t id) REQUIRES(mutex_);
  void add_posting(Postings& list, uint32_t id) REQUIRES(mutex_);
  std::unexpected<Error> refuse(const Labels& labels, const SeriesLimits& limits) REQUIRES(mutex_);
  std::string_view exploding_label(const Labels& labels) REQUIRES(mutex_);
  std::vector<MemoryPart> memory_parts() const REQUIRES_SHARED(mutex_);
  size_t memory_locked() const REQUIRES_SHARED(mutex_);
  void enlist(uint32_t id) REQUIRES(mutex_);
  void delist(uint32_t id) REQUIRES(mutex_);
  void compact_pairs() REQUIRES(mutex_);
  std::span<const uint32_t> pairs_of(const Row& row) const REQUIRES_SHARED(mutex_);
  Labels labels_of(const Row& row) const REQUIRES_SHARED(mutex_);
  std::string_view value_of(const Row& row, uint32_t name) const REQUIRES_SHARED(mutex_);

  // series_select.cc
  Postings resolve(std::span<const Matcher> matchers) const REQUIRES_SHARED(mutex_);
  const std::vector<uint32_t>* pairs_named(std::string_view name) const REQUIRES_SHARED(mutex_);
  PostingsView postings_of(std::string_view name, std::string_view value) const
      REQUIRES_SHARED(mutex_);
  Postings series_with(const Matcher& matcher) const REQUIRES_SHARED(mutex_);
  Postings filter(PostingsView ids, const Matcher& matcher) const REQUIRES_SHARED(mutex_);

  const std::unique_ptr<MatcherCache> matchers_ = std::make_unique<MatcherCache>();
  mutable SharedMutex mutex_;
  Symbols symbols_ GUARDED_BY(mutex_);
  std::vector<Pair> pairs_ GUARDED_BY(mutex_);
  IdTable<PairHash> pair_ids_ GUARDED_BY(mutex_);
  std::unordered_map<uint32_t, std::vector<uint32_t>> pairs_by_name_ GUARDED_BY(mutex_);

  std::vector<Row> rows_ GUARDED_BY(mutex_);
  std::vector<uint32_t> pairs_of_series_ GUARDED_BY(mutex_);
  uint32_t last_row_ GUARDED_BY(mutex_) = 0;  // filled last: most labels of the next are the same
  IdTable<RowHash> series_ids_ GUARDED_BY(mutex_);
  Postings alive_ GUARDED_BY(mutex_);
  std::unordered_map<uint32_t, std::vector<TargetId>> more_homes_ GUARDED_BY(mutex_);

  uint32_t generation_ GUARDED_BY(mutex_) = 1;
  uint64_t created_ GUARDED_BY(mutex_) = 0;
  uint64_t retired_ GUARDED_BY(mutex_) = 0;
  uint64_t refused_ GUARDED_BY(mutex_) = 0;
  std::map<std::string, uint64_t, std::less<>> refused_by_label_ GUARDED_BY(mutex_);
  NewValues new_values_ GUARDED_BY(mutex_);
  size_t postings_bytes_ GUARDED_BY(mutex_) = 0;  // of the pairs' lists
  size_t purged_pairs_ GUARDED_BY(mutex_) = 0;    // entries of pairs_of_series_ no one refers to
};

}  // namespace strata::tsdb
