// Instant vectors, series-major. An operator is a VectorSource: it knows its series when it is
// made, and gives their rows on demand, so that a chain of operators over one series stays in cache
// and nothing is stored between them. Where an operator needs several series at once, it stores
// them in a Frame.
#pragma once
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "promql/query.h"
#include "promql/row.h"

namespace strata::promql {

/// Immutable once made; row() is called from many threads.
class VectorSource {
 public:
  explicit VectorSource(std::vector<SeriesRef> series) : series_(std::move(series)) {}
  virtual ~VectorSource() = default;

  size_t size() const { return series_.size(); }
  const SeriesRef& series(size_t i) const { return series_[i]; }
  const std::vector<SeriesRef>& all_series() const { return series_; }

  /// Writes every value of series i; out.v has one place a step.
  virtual Result<> row(size_t i, RowView out) const = 0;
  /// Whether slice() is there, and costs no more than its part of a row.
  virtual bool has_slices() const { return false; }
  /// The values of series i from step `first` on, as many as out.v has places. Needs has_slices().
  virtual Result<> slice(size_t i, size_t first, RowView out) const;
  /// The row in place when it is stored: out.v is empty when it is not.
  virtual RowView stored_row(size_t) const { return {}; }

 protected:
  std::vector<SeriesRef> series_;
};
using VectorPtr = std::unique_ptr<VectorSource>;

/// Stored rows. Its memory is on the query's account.
class Frame final : public VectorSource {
 public:
  /// Rows are not initialised.
  static Result<std::unique_ptr<Frame>> make(Query& query, std::vector<SeriesRef> series,
                                             size_t steps);
  /// Stores what `source` gives; one that is a Frame already is returned as it is.
  static Result<std::unique_ptr<Frame>> of(Query& query, VectorPtr source, size_t steps);

  size_t steps() const { return steps_; }
  RowView view(size_t i) const {
    return {std::span(values_.get() + i * steps_, steps_), &histograms_[i]};
  }
  Result<> row(size_t i, RowView out) const override {
    out.copy_from(view(i));
    return {};
  }
  RowView stored_row(size_t i) const override { return view(i); }
  void set_series(size_t i, SeriesRef series) { series_[i] = series; }
  /// Puts the histograms of row i on the query's account, once it is filled. Thread-safe.
  Result<> charge_histograms(size_t i);

 private:
  Frame(Query& query, std::vector<SeriesRef> series, size_t steps)
      : VectorSource(std::move(series)), steps_(steps), charge_(query) {}

  const size_t steps_;
  Charge charge_;
  std::unique_ptr<double[]> values_;
  mutable std::vector<std::vector<HistogramPtr>> histograms_;
};
using FramePtr = std::unique_ptr<Frame>;

/// consume(i, row) for each series in order, on the caller's thread; rows are made in parallel.
/// The row may be changed unless it is a stored one of `source`.
Result<> for_each_row(Query& query, const VectorSource& source, size_t steps,
                      const std::function<Result<>(size_t, RowView)>& consume);

/// Each row of `inner` changed in place by a function; series as given. kEachAlike: the function
/// does the same to the values of all steps, so that it may be given slices of rows.
using RowEdit = std::function<Result<>(const SeriesRef& series, RowView row)>;
enum class Edit : uint8_t { kByStep, kEachAlike };
VectorPtr edit_rows(VectorPtr inner, std::vector<SeriesRef> series, RowEdit edit,
                    Edit kind = Edit::kByStep);

/// The rows of a frame that is kept elsewhere, for one of its readers.
VectorPtr shared_rows(std::shared_ptr<const Frame> frame);

/// The value of a single step at every step.
VectorPtr broadcast(VectorPtr one_step);

/// Series with the same labels become one. Two values at one step: kExecution, "vector cannot
/// contain metrics with the same labelset". Cheap when all labels differ.
Result<VectorPtr> merge_same_labels(Query& query, VectorPtr source, size_t steps);

/// Whether dropping names cannot make two of these the same.
bool have_one_name(const std::vector<SeriesRef>& series);

/// What a function does to names: drops them from all series. When delayed removal is off, that
/// must not make two series the same at a step; `strict`: at any step.
Result<VectorPtr> drop_names(Query& query, VectorPtr source, size_t steps, bool strict);

}  // namespace strata::promql
