#include "tsdb/int_vector.h"

#include <algorithm>
#include <bit>
#include <numeric>

#include "base/check.h"
#include "tsdb/bitpack.h"
#include "tsdb/entropy_pack.h"
#include "tsdb/vector_header.h"

namespace strata::tsdb {
namespace {

// Below this share of zeros a sparse layout cannot win: its bitmap costs a bit a value.
constexpr size_t kSparseShare = 8;

// More negative differences than this share are no resets.
constexpr size_t kResetShare = 16;

int64_t wrap_sub(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}

uint64_t magnitude(int64_t value) {
  return value < 0 ? ~static_cast<uint64_t>(value) + 1 : static_cast<uint64_t>(value);
}

// Of all values, or (plain) of how far they are above the least; 1 when that is too large to divide
// by. A distance is unsigned: as a signed number it may wrap, and then be no multiple any more.
uint64_t common_divisor(std::span<const int64_t> values, bool plain, int64_t low) {
  uint64_t gcd = 0;
  for (const int64_t value : values) {
    gcd = std::gcd(gcd, plain ? static_cast<uint64_t>(wrap_sub(value, low)) : magnitude(value));
    if (gcd == 1) return 1;
  }
  return gcd == 0 || gcd > uint64_t{INT64_MAX} ? 1 : gcd;
}

int64_t divide(int64_t value, uint64_t gcd) {
  return gcd == 1 ? value : value / static_cast<int64_t>(gcd);
}

}  // namespace

// How many of the values need how many bits, and so what each width would cost. Counted in two
// places in turn: the same count twice in a row would wait for its own store.
struct VectorEncoder::Widths {
  std::array<std::array<uint16_t, 65>, 2> counts{};
  uint64_t present = 0;  // bit w % 64: some value may have width w
  size_t values = 0;

  void add(uint64_t value) {
    const auto width = static_cast<size_t>(std::bit_width(value));
    ++counts[values % 2][width];
    present |= uint64_t{1} << (width % 64);
    ++values;
  }
  size_t count(size_t width) const { return size_t{counts[0][width]} + counts[1][width]; }

  struct Choice {
    uint8_t width = 0;
    bool patched = false;
    size_t bytes = SIZE_MAX;
  };

  // The widths that values have are the only ones worth trying. An outlier costs the gap to the
  // last one (taken as one byte, which it is up to 127) and its high bits.
  Choice best() const {
    std::array<uint8_t, 65> widths;
    std::array<size_t, 65> having;
    size_t n = 0;
    const auto have = [&](uint8_t width) {
      widths[n] = width;
      having[n] = count(width);
      n += having[n] != 0;
    };
    for (uint64_t left = present; left != 0; left &= left - 1) {
      have(static_cast<uint8_t>(std::countr_zero(left)));
    }
    have(64);
    Choice choice;
    for (size_t i = 0; i < n; ++i) {
      size_t outliers = 0;
      size_t patch_bytes = 0;
      for (size_t j = i + 1; j < n; ++j) {
        outliers += having[j];
        patch_bytes += having[j] * (1 + (size_t{widths[j]} - widths[i] + 6) / 7);
      }
      if (outliers != 0) patch_bytes += varint_size(outliers);
      const size_t bytes = packed_size(values, widths[i]) + patch_bytes;
      if (bytes < choice.bytes) choice = {widths[i], outliers != 0, bytes};
    }
    return choice;
  }
};

std::span<const int64_t> VectorEncoder::differences(std::span<const int64_t> values,
                                                    Predictor predictor) {
  if (predictor == Predictor::kPlain) return values;
  const bool second = predictor == Predictor::kDelta2;
  const auto from = second ? std::span<const int64_t>(differences_[0]) : values;
  auto& to = differences_[second ? 1 : 0];
  to.resize(from.size() - 1);
  for (size_t i = 0; i < to.size(); ++i) to[i] = wrap_sub(from[i + 1], from[i]);
  return to;
}

VectorPlan VectorEncoder::plan(std::span<const int64_t> values) {
  VectorPlan best;
  for (const auto predictor : {Predictor::kPlain, Predictor::kDelta, Predictor::kDelta2}) {
    if (values.size() <= static_cast<size_t>(predictor)) break;
    VectorPlan candidate;
    candidate.predictor = predictor;
    candidate.bytes = kVectorHeaderBytes;
    if (predictor != Predictor::kPlain) {
      candidate.bytes += varint_size(zigzag_encode(values[0]));
    }
    if (predictor == Predictor::kDelta2) {
      candidate.bytes += varint_size(zigzag_encode(wrap_sub(values[1], values[0])));
    }
    const auto missed_by = differences(values, predictor);
    if (candidate.bytes < best.bytes) plan_residuals(missed_by, candidate, best);
  }
  return best;
}

// Tries the ways to make the differences unsigned. A negative outlier under base zero wraps to 64
// bits, where it is one patch instead of a bit for everyone: a counter's reset.
void VectorEncoder::plan_residuals(std::span<const int64_t> differences, VectorPlan candidate,
                                   VectorPlan& best) {
  const bool plain = candidate.predictor == Predictor::kPlain;
  const auto [low, high] = std::ranges::minmax(differences);
  candidate.gcd = low == high ? 1 : common_divisor(differences, plain, low);
  if (candidate.gcd != 1) candidate.bytes += varint_size(candidate.gcd);

  VectorPlan from_low = candidate;
  from_low.base = plain ? low : divide(low, candidate.gcd);
  from_low.bytes += varint_size(zigzag_encode(from_low.base));
  fill_residuals(differences, from_low);
  cost_packings(from_low, best);
  if (allow_entropy_ && low != high) {
    cost_entropy(from_low, best);
    plan_centred(differences, candidate, best);
  }
  if (plain || low >= 0) return;

  VectorPlan signs = candidate;
  signs.zigzag = true;
  fill_residuals(differences, signs);
  cost_packings(signs, best);
  const auto negative =
      static_cast<size_t>(std::ranges::count_if(differences, [](int64_t d) { return d < 0; }));
  if (negative <= differences.size() / kResetShare) {
    VectorPlan from_zero = candidate;
    from_zero.bytes += 1;
    fill_residuals(differences, from_zero);
    cost_packings(from_zero, best);
  }
}

void VectorEncoder::cost_entropy(VectorPlan candidate, VectorPlan& best) {
  const size_t bytes = entropy_size(residuals_);
  if (bytes == SIZE_MAX || candidate.bytes + bytes >= best.bytes) return;
  best = candidate;
  best.packing = Packing::kEntropy;
  best.bytes = candidate.bytes + bytes;
}

// Entropy coded residuals may be signed around a base: tokens are fine where they are small, so the
// base goes where the values are.
void VectorEncoder::plan_centred(std::span<const int64_t> differences, VectorPlan candidate,
                                 VectorPlan& best) {
  const bool plain = candidate.predictor == Predictor::kPlain;
  sorted_.assign(differences.begin(), differences.end());
  const auto [low, high] = std::ranges::minmax(differences);
  // A distance that wraps is no multiple of the divisor any more.
  if (candidate.gcd != 1 && static_cast<uint64_t>(wrap_sub(high, low)) > uint64_t{INT64_MAX}) {
    return;
  }
  const auto middle = sorted_.begin() + static_cast<std::ptrdiff_t>(sorted_.size() / 2);
  std::ranges::nth_element(sorted_, middle);
  candidate.packing = Packing::kEntropy;
  candidate.zigzag = true;
  candidate.base = plain ? *middle : divide(*middle, candidate.gcd);
  candidate.bytes += varint_size(zigzag_encode(candidate.base));
  fill_residuals(differences, candidate);
  cost_entropy(candidate, best);
}

void VectorEncoder::fill_residuals(std::span<const int64_t> differences, const VectorPlan& plan) {
  residuals_.resize(differences.size());
  if (plan.zigzag && plan.packing == Packing::kEntropy) {
    const bool plain = plan.predictor == Predictor::kPlain;
    for (size_t i = 0; i < differences.size(); ++i) {
      const int64_t from_base = plain ? divide(wrap_sub(differences[i], plan.base), plan.gcd)
                                      : wrap_sub(divide(differences[i], plan.gcd), plan.base);
      residuals_[i] = zigzag_encode(from_base);
    }
  } else if (plan.zigzag) {
    for (size_t i = 0; i < differences.size(); ++i) {
      residuals_[i] = zigzag_encode(divide(differences[i], plan.gcd));
    }
  } else if (plan.predictor == Predictor::kPlain) {
    // The distance from the least value is unsigned, and may need all 64 bits.
    for (size_t i = 0; i < differences.size(); ++i) {
      const auto above = static_cast<uint64_t>(wrap_sub(differences[i], plan.base));
      residuals_[i] = plan.gcd == 1 ? above : above / plan.gcd;
    }
  } else {
    for (size_t i = 0; i < differences.size(); ++i) {
      residuals_[i] = static_cast<uint64_t>(wrap_sub(divide(differences[i], plan.gcd), plan.base));
    }
  }
}

void VectorEncoder::cost_packings(VectorPlan candidate, VectorPlan& best) {
  const size_t n = residuals_.size();
  Widths all;
  for (const uint64_t residual : residuals_) all.add(residual);
  const auto take_if_smaller = [&](Packing packing, size_t fixed, const Widths::Choice& choice) {
    if (candidate.bytes + fixed + choice.bytes >= best.bytes) return false;
    best = candidate;
    best.packing = packing;
    best.width = choice.width;
    best.patched = choice.patched;
    best.bytes = candidate.bytes + fixed + choice.bytes;
    return true;
  };
  take_if_smaller(Packing::kDense, 0, all.best());
  const size_t zeros = all.count(0);
  if (zeros == n || zeros < n / kSparseShare) return;

  // Not zero, so one is taken off: counters that only ever add one need no values at all.
  Widths nonzero;
  size_t last = 0;
  uint64_t gaps = 0;
  for (size_t i = 0; i < n; ++i) {
    if (residuals_[i] == 0) continue;
    nonzero.add(residuals_[i] - 1);
    gaps |= i - last;
    last = i + 1;
  }
  const auto choice = nonzero.best();
  take_if_smaller(Packing::kBitmap, packed_size(n, 1), choice);
  const auto gap_width = static_cast<unsigned>(std::bit_width(gaps));
  const size_t fixed = 1 + varint_size(nonzero.values) + packed_size(nonzero.values, gap_width);
  if (take_if_smaller(Packing::kGaps, fixed, choice)) {
    best.gap_width = static_cast<uint8_t>(gap_width);
  }
}

void VectorEncoder::encode(std::span<const int64_t> values, const VectorPlan& plan,
                           std::string& out) {
  VectorHeader{.predictor = plan.predictor,
               .packing = plan.packing,
               .zigzag = plan.zigzag,
               .has_gcd = plan.gcd != 1,
               .patched = plan.patched,
               .width = plan.width}
      .append(out);
  std::span<const int64_t> missed_by = values;
  if (plan.predictor != Predictor::kPlain) {
    append_zigzag(out, values[0]);
    missed_by = differences(values, Predictor::kDelta);
  }
  if (plan.predictor == Predictor::kDelta2) {
    append_zigzag(out, missed_by[0]);
    missed_by = differences(values, Predictor::kDelta2);
  }
  if (plan.gcd != 1) append_varint(out, plan.gcd);
  if (!plan.zigzag || plan.packing == Packing::kEntropy) append_zigzag(out, plan.base);
  fill_residuals(missed_by, plan);
  if (plan.packing == Packing::kEntropy) {
    entropy_pack(residuals_, out);
    return;
  }
  if (plan.packing == Packing::kDense) {
    append_values(residuals_, plan, out);
    return;
  }

  nonzero_.clear();
  gaps_.clear();
  bitmap_.assign((residuals_.size() + 63) / 64, 0);
  size_t last = 0;
  for (size_t i = 0; i < residuals_.size(); ++i) {
    if (residuals_[i] == 0) continue;
    nonzero_.push_back(residuals_[i] - 1);
    gaps_.push_back(i - last);
    bitmap_[i / 64] |= uint64_t{1} << (i % 64);
    last = i + 1;
  }
  if (plan.packing == Packing::kBitmap) {
    out.append(reinterpret_cast<const char*>(bitmap_.data()), packed_size(residuals_.size(), 1));
  } else {
    out += static_cast<char>(plan.gap_width);
    append_varint(out, gaps_.size());
    pack(gaps_, plan.gap_width, out);
  }
  append_values(nonzero_, plan, out);
}

// The low bits of all, then the outliers: how many, and for each the gap and the high bits.
void VectorEncoder::append_values(std::span<const uint64_t> values, const VectorPlan& plan,
                                  std::string& out) {
  pack(values, plan.width, out);
  if (!plan.patched) return;
  size_t outliers = 0;
  for (const uint64_t value : values) outliers += value >> plan.width != 0;
  append_varint(out, outliers);
  size_t last = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    if (values[i] >> plan.width == 0) continue;
    append_varint(out, i - last);
    append_varint(out, values[i] >> plan.width);
    last = i + 1;
  }
}

}  // namespace strata::tsdb
