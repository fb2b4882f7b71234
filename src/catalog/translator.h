// One target's translation: which canonical columns the row of a scrape gets, and their values.
//
// Two speeds. When a series is first seen it is added, and when the shape of the row changes it is
// planned anew: sources are detected, ranks compared, labels looked up. As long as the shape stays,
// a canonical column costs an index and a multiplication: evaluate() is all that a scrape calls.
//
// Owned by the target's ingestion, used by one thread at a time. Memory: the suggestions of the
// series in the last few rows (those that are gone are forgotten as the table outgrows the row).
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "catalog/translate.h"

namespace strata::catalog {

class Translator {
 public:
  /// The caller's number for a canonical series; empty when it cannot have one (a limit).
  using Resolve = std::function<std::optional<uint32_t>(const Labels&)>;

  /// Null: nothing is translated.
  explicit Translator(std::shared_ptr<const Catalog> catalog);

  /// A raw series by the caller's number for it, with its labels as stored. Cheap when the catalog
  /// has nothing to say of its name.
  void add(uint32_t series, const Labels& labels);

  /// The row has these raw series now, in this order, each once, and beside it come native
  /// histograms of these series. Canonical series that are among them already (a target that speaks
  /// canonical names) get no column.
  void plan(std::span<const uint32_t> row, std::span<const uint32_t> histograms,
            const Resolve& resolve);
  void plan(std::span<const uint32_t> row, const Resolve& resolve) { plan(row, {}, resolve); }

  /// Of the last plan: the canonical columns' series.
  std::span<const uint32_t> columns() const { return columns_; }
  /// Of the last plan: the canonical metrics that they are of, each once.
  std::vector<const CanonicalMetric*> families() const { return families_; }
  /// Of the last plan: whether the raw column feeds a canonical one.
  bool feeds(size_t raw_column) const { return feeds_[raw_column]; }
  /// A canonical native histogram: the raw one at `at`, in a unit that is `factor` of its own.
  struct HistogramCopy {
    uint32_t at = 0;
    uint32_t series = 0;
    double factor = 1;
  };
  /// Of the last plan. What would have to be folded of several is left out: their buckets need not
  /// be the same.
  std::span<const HistogramCopy> histograms() const { return histograms_; }
  /// Appends the values of columns() to `row`, which begins with the row's values as planned.
  void evaluate(std::vector<double>& row) const;

  /// Kinds of the sources that the last row gave away, in the catalog's order.
  std::vector<std::string_view> detected() const;

 private:
  struct Raw {
    uint64_t detects = 0;
    std::vector<std::pair<uint32_t, Suggestion>> suggestions;  // with the index in canonical_
  };
  struct Canonical {
    Labels labels;
    bool resolved = false;
    std::optional<uint32_t> series;
  };
  /// One raw column's part in a canonical one.
  struct Term {
    uint32_t column = 0;
    Suggestion how;  // without labels
  };
  struct Group {
    uint32_t canonical = 0;
    uint32_t rank = 0;
    Fold fold = Fold::kFirst;
    std::vector<Term> terms;
  };
  /// A column that is one raw column times a factor: nearly all are.
  struct Copy {
    uint32_t column = 0;
    double factor = 1;
  };

  void collect(std::span<const uint32_t> row, uint64_t accepted, std::vector<Group>& groups) const;
  void plan_histograms(std::span<const uint32_t> raw, uint64_t accepted,
                       std::span<const uint32_t> present, const Resolve& resolve);
  std::optional<uint32_t> series_of(Canonical& canonical, std::span<const uint32_t> present,
                                    const Resolve& resolve);
  void add_family(std::string_view series_name);
  void forget_absent(std::span<const uint32_t> present);
  static double fold(const Group& group, const std::vector<double>& row);

  std::shared_ptr<const Catalog> catalog_;
  std::unordered_map<uint32_t, Raw> raw_;
  std::vector<Canonical> canonical_;
  std::unordered_map<Labels, uint32_t, LabelsHash> canonical_by_labels_;

  // The plan: first the copies, then the groups that are more than one.
  uint64_t detected_ = 0;
  std::vector<uint32_t> columns_;
  std::vector<Copy> copies_;
  std::vector<Group> groups_;
  std::vector<bool> feeds_;
  std::vector<HistogramCopy> histograms_;
  std::vector<const CanonicalMetric*> families_;
};

}  // namespace strata::catalog
