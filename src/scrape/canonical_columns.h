// The canonical columns of one target's rows: what the catalog makes of its raw series, appended to
// the row as series like any other.
//
// plan() when the row has another shape than the last one, append() for every row. A canonical
// series that is gone gets a stale marker with the row that it is first missing from, as raw ones
// do. Where the job keeps no raw series that became canonical, append() also takes those out.
//
// A native histogram becomes a canonical one that shares its buckets. One that is in another unit
// is made anew where its bounds are its own (NHCB), and left out where they are powers of two.
//
// Owned by a TargetIngest, used by one thread at a time. Bounded by the raw series of the target.
#pragma once
#include <algorithm>
#include <map>
#include <memory>
#include <span>
#include <unordered_set>
#include <vector>

#include "catalog/translator.h"
#include "model/metadata.h"
#include "scrape/metrics.h"
#include "tsdb/db.h"

namespace strata::scrape {

/// How a job's targets are translated.
struct Translation {
  std::shared_ptr<const catalog::Catalog> catalog;  // null: not at all
  bool keep_raw = true;
  friend bool operator==(const Translation&, const Translation&) = default;
};

class CanonicalColumns {
 public:
  /// Both outlive this.
  CanonicalColumns(tsdb::Db& db, Metrics& metrics) : db_(db), metrics_(metrics) {}

  /// Begins anew: raw series have to be added again. Canonical series that are there go on.
  void start_anew(Translation translation);
  void start_anew() { start_anew(translation_); }
  const Translation& translation() const { return translation_; }

  void add(tsdb::SeriesId raw, const Labels& labels) {
    translator_.add(tsdb::index_of(raw), labels);
  }
  /// `row`: the raw series of the row, each once. `histograms`: those of the native histograms that
  /// come with it.
  void plan(std::span<const tsdb::SeriesId> row, std::span<const tsdb::SeriesId> histograms);
  /// Of the last plan: whether the series is one of its columns.
  bool has(tsdb::SeriesId id) const { return std::ranges::binary_search(present_, id); }
  /// The row begins with what was planned; more may follow, which stays.
  void append(std::vector<tsdb::SeriesId>& columns, std::vector<double>& values);
  /// The same for the native histograms that come with the row: in the order that was planned.
  void append_histograms(std::vector<tsdb::TimedHistogram>& histograms) const;
  /// Appends all canonical series of the last row, for the caller to mark as ended, and takes out
  /// the raw ones that are not stored.
  void end_all(std::vector<tsdb::SeriesId>& columns);
  /// Adds what is known of the canonical families of the last plan.
  void describe(std::map<std::string, Metadata, std::less<>>& families) const;

 private:
  bool is_hidden(tsdb::SeriesId id) const { return hidden_.contains(tsdb::index_of(id)); }
  void hide(std::vector<tsdb::SeriesId>& columns, std::vector<double>& values);

  tsdb::Db& db_;
  Metrics& metrics_;
  Translation translation_;
  catalog::Translator translator_{nullptr};
  std::vector<tsdb::SeriesId> series_;   // of the canonical columns
  std::vector<tsdb::SeriesId> present_;  // the same and those of native histograms, sorted
  std::vector<tsdb::SeriesId> ended_;    // to be marked with the next row
  std::unordered_set<uint32_t> hidden_;  // raw series that are not stored
  size_t planned_ = 0;                   // raw columns of the row
  bool is_new_plan_ = false;             // no row has been appended by it yet
};

}  // namespace strata::scrape
