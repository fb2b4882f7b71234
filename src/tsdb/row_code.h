// One scrape coded against another of the same columns: what the log has of a scrape, and what the
// head keeps of it until its tile is sealed (docs/formats/wal.md, "Rows").
//
// Columns are coded in groups of 64: a bit a column that says whether it moved as expected, then
// for each of the others a nibble of tag and its payload in nibbles. A group can be found and
// decoded alone, so that reading one column of a row costs one group. What is expected of a column
// is that it stands still or, in a histogram, moves as much as the column before it: buckets are
// cumulative, so an observation moves all buckets from its own on by one.
//
// Lossless to the bit, whatever the plan says. Pure functions. Decoding takes untrusted bytes.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "tsdb/layout.h"

namespace strata::tsdb {

inline constexpr size_t kRowGroup = 64;

/// How a column is coded; a nibble in files. Any plan is correct, a good one is short.
struct ColumnPlan {
  uint8_t places : 4 = 0;  // 0 to kMaxPlaces: values are whole numbers of 10^-places; or kRaw
  bool left : 1 = false;   // moves as the column before it does
  static constexpr uint8_t kMaxPlaces = 6;
  static constexpr uint8_t kRaw = 7;  // doubles of full length: bit by bit

  uint8_t nibble() const { return static_cast<uint8_t>(places | (left ? 8 : 0)); }
  /// Of the low four bits.
  static ColumnPlan from_nibble(unsigned nibble) {
    return {static_cast<uint8_t>(nibble & 7), (nibble & 8) != 0};
  }
  friend bool operator==(const ColumnPlan&, const ColumnPlan&) = default;
};

/// A scrape that others are coded against. Immutable; shared by the rows that refer to it.
struct RowBase {
  uint32_t id = 0;  // a row names its base by this; unique a target and segment of the log
  TimestampMs t = 0;
  LayoutPtr layout{};
  std::vector<double> values{};
  std::vector<ColumnPlan> plan{};

  size_t memory() const {
    return sizeof(RowBase) + values.capacity() * sizeof(double) +
           plan.capacity() * sizeof(ColumnPlan);
  }
};
using RowBasePtr = std::shared_ptr<const RowBase>;

/// A plan for rows that follow `values`, learned from how they moved since `before` (null: from the
/// values alone).
std::vector<ColumnPlan> plan_columns(std::span<const double> values, const RowBase* before);

/// Appends `values` coded against `base` (of equal length). With an empty `base` against zeros.
void encode_row(std::string& out, std::span<const double> base, std::span<const ColumnPlan> plan,
                std::span<const double> values);

/// The groups of a coded row, one after the other.
class RowReader {
 public:
  /// `base` is empty for zeros, else of the plan's length, which is the row's. All outlive this.
  RowReader(std::string_view coded, std::span<const double> base, std::span<const ColumnPlan> plan);

  /// False when the bytes are no row; then nothing else is defined.
  bool ok() const { return ok_; }
  size_t groups() const { return (plan_.size() + kRowGroup - 1) / kRowGroup; }
  /// Steps over the next group.
  void skip();
  /// Decodes the next group: kRowGroup values, fewer in the last. False when it is damaged.
  bool next(double* out);
  /// Whether all bytes were used, after the last group.
  bool done() const { return at_ == end_; }

 private:
  size_t next_length();

  std::span<const double> base_;
  std::span<const ColumnPlan> plan_;
  const uint8_t* lengths_;
  const uint8_t* at_ = nullptr;
  const uint8_t* end_ = nullptr;
  size_t group_ = 0;
  bool ok_ = false;
};

/// All values of a row. Error: kCorruption.
Result<> decode_row(std::string_view coded, std::span<const double> base,
                    std::span<const ColumnPlan> plan, std::vector<double>& out);

}  // namespace strata::tsdb
