// What PromQL, rules and the API read from: the local store, a remote one, or a test's.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/histogram.h"
#include "model/labels.h"
#include "model/matcher.h"
#include "model/sample.h"

namespace strata {

/// Samples of one series as columns: v[i] was taken at t[i], ascending. `h` is empty, or parallel
/// to v with a histogram where the sample is one (v[i] is then 0) and null elsewhere. A stale
/// marker is a float sample whose value is stale_nan(). `st` is empty, or parallel to v: when what
/// the sample counts began (its start timestamp), 0 where that is not known.
struct SampleColumns {
  std::vector<TimestampMs> t;
  std::vector<double> v;
  std::vector<HistogramPtr> h;
  std::vector<TimestampMs> st;

  size_t size() const { return t.size(); }
  void clear() { t.clear(), v.clear(), h.clear(), st.clear(); }
};

/// The series that a selection found. Immutable; keeps what it reads from alive, and shows the
/// samples that were there when it was made (a scrape is seen whole or not at all).
class SeriesSet {
 public:
  virtual ~SeriesSet() = default;
  virtual size_t size() const = 0;
  /// Of series i < size(); in no particular order, no labels twice.
  virtual const Labels& labels(size_t i) const = 0;
  /// Replaces `out` by the samples of series i in `range` (closed). Thread-safe, also for one i.
  virtual Result<> read(size_t i, TimeRange range, SampleColumns& out) const = 0;
  /// The last sample of series i in `range`, or none: cheaper than read() for instant vectors.
  /// Stale markers count as samples.
  virtual Result<bool> read_last(size_t i, TimeRange range, Sample& out, HistogramPtr& h) const;
};

class QueryEvaluator;  // query_evaluator.h

/// Thread-safe.
class SeriesSource {
 public:
  virtual ~SeriesSource() = default;

  /// Series that all of `matchers` select and that may have samples in `range` (a source may return
  /// more; reading them gives no samples). `limit` bounds the series (0: none): one more is kLimit.
  virtual Result<std::unique_ptr<SeriesSet>> select(std::span<const Matcher> matchers,
                                                    TimeRange range, size_t limit) const = 0;

  /// Label names, or values of one, of the series that all of `matchers` select in `range`; all
  /// series when there are none. Sorted, unique.
  virtual Result<std::vector<std::string>> label_names(std::span<const Matcher> matchers,
                                                       TimeRange range) const = 0;
  virtual Result<std::vector<std::string>> label_values(std::string_view name,
                                                        std::span<const Matcher> matchers,
                                                        TimeRange range) const = 0;

  /// For whoever keeps what was read. version(): now, asked before reading. unchanged_before(): in
  /// all series, samples before that time are the same ones as at `version`; kMinTime, which is
  /// what a source says that does not know: that may be none.
  virtual uint64_t version() const { return 0; }
  virtual TimestampMs unchanged_before(uint64_t version) const;

  /// Who evaluates whole expressions over these series; null: whoever asks does, from samples.
  virtual const QueryEvaluator* evaluator() const { return nullptr; }
};

}  // namespace strata
