// A run of 64-bit integers as one packed vector: a prediction, and what it missed by.
//
//   predictor   plain: x; delta: x - x'; delta of delta
//   residual    (x - base) / gcd, wrapping (frame of reference), or zigzag(x / gcd)
//   packing     dense: one width for all; sparse: where it is not zero (a bitmap, or gaps), then
//               those values; both with outliers patched. Entropy coded (entropy_pack.h), where
//               small is worth more than fast
//
// Every combination is costed and the smallest is written. All arithmetic wraps at 64
// bits, so any integers come back. Format: docs/formats/tile.md, "Integer vector".
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tsdb/byte_reader.h"

namespace strata::tsdb {

enum class Predictor : uint8_t { kPlain, kDelta, kDelta2 };
enum class Packing : uint8_t { kDense, kBitmap, kGaps, kEntropy };

/// How one vector will be written.
struct VectorPlan {
  Predictor predictor = Predictor::kPlain;
  Packing packing = Packing::kDense;
  bool zigzag = false;
  bool patched = false;
  uint8_t width = 0;      // of the packed values
  uint8_t gap_width = 0;  // kGaps
  int64_t base = 0;       // kPlain: as it is; else in units of gcd
  uint64_t gcd = 1;
  size_t bytes = SIZE_MAX;  // what encode() appends; a byte more for an outlier after > 127 others
};

/// Scratch memory for planning and encoding. Not thread-safe.
class VectorEncoder {
 public:
  /// Whether plan() may choose entropy coding.
  void allow_entropy(bool allow) { allow_entropy_ = allow; }
  /// The smallest way to write `values` (at least one).
  VectorPlan plan(std::span<const int64_t> values);
  /// Appends `values` as `plan`, which plan() made for them.
  void encode(std::span<const int64_t> values, const VectorPlan& plan, std::string& out);

 private:
  struct Widths;
  std::span<const int64_t> differences(std::span<const int64_t> values, Predictor predictor);
  void plan_residuals(std::span<const int64_t> differences, VectorPlan candidate, VectorPlan& best);
  void fill_residuals(std::span<const int64_t> differences, const VectorPlan& plan);
  void cost_packings(VectorPlan candidate, VectorPlan& best);
  void cost_entropy(VectorPlan candidate, VectorPlan& best);
  void plan_centred(std::span<const int64_t> differences, VectorPlan candidate, VectorPlan& best);
  void append_values(std::span<const uint64_t> values, const VectorPlan& plan, std::string& out);

  std::array<std::vector<int64_t>, 2> differences_;
  std::vector<uint64_t> residuals_;
  std::vector<uint64_t> nonzero_;
  std::vector<uint64_t> gaps_;
  std::vector<uint64_t> bitmap_;
  std::vector<int64_t> sorted_;
  bool allow_entropy_ = false;
};

/// Fills `out` (at least one) with the integers that `in` stands at, and moves past them. False:
/// corrupt, `out` is undefined.
bool decode_vector(ByteReader& in, std::span<int64_t> out);

/// "delta/dense", …: of the vector that `bytes` begins with.
std::string describe_vector(std::string_view bytes);

}  // namespace strata::tsdb
