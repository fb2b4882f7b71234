#include <algorithm>
#include <bit>
#include <cstring>

#include "tsdb/bitpack.h"
#include "tsdb/entropy_pack.h"
#include "tsdb/int_vector.h"
#include "tsdb/vector_header.h"

namespace strata::tsdb {
namespace {

// `out` is packed values, then patches where the header says so.
bool read_values(ByteReader& in, const VectorHeader& header, std::span<uint64_t> out) {
  const auto packed = in.take(packed_size(out.size(), header.width));
  if (!in.ok()) return false;
  unpack(packed, header.width, out);
  if (!header.patched) return true;
  if (header.width == 64) return false;  // nothing can be left above
  const uint64_t outliers = in.varint_up_to(out.size());
  size_t next = 0;
  for (uint64_t i = 0; i < outliers; ++i) {
    next += in.varint_up_to(out.size());
    if (next >= out.size()) return false;
    out[next++] |= in.varint() << header.width;
  }
  return in.ok();
}

// The values that are not zero are unpacked at the end of `out` and spread forwards from there: no
// value is overwritten before it was read, because a place is never after its value's.
bool read_bitmap(ByteReader& in, const VectorHeader& header, std::span<uint64_t> out) {
  const auto bitmap = in.take(packed_size(out.size(), 1));
  if (!in.ok()) return false;
  size_t count = 0;
  const auto word_at = [&](size_t i) {
    uint64_t word = 0;
    std::memcpy(&word, bitmap.data() + i, std::min<size_t>(8, bitmap.size() - i));
    return word;
  };
  for (size_t i = 0; i < bitmap.size(); i += 8) {
    count += static_cast<size_t>(std::popcount(word_at(i)));
  }
  if (count > out.size()) return false;  // a bit is set behind the last value
  const auto values = out.last(count);
  if (!read_values(in, header, values)) return false;
  if (count == 0) {
    std::ranges::fill(out, 0);
    return true;
  }
  size_t used = 0;
  for (size_t i = 0; i < out.size(); i += 64) {
    uint64_t word = word_at(i / 8);
    for (uint64_t& value : out.subspan(i, std::min<size_t>(64, out.size() - i))) {
      // No branch: a value that is not there is read too, and masked away.
      const uint64_t present = word & 1;
      value = (values[std::min(used, count - 1)] + 1) & (0 - present);
      used += present;
      word >>= 1;
    }
  }
  return used == count;
}

bool read_gaps(ByteReader& in, const VectorHeader& header, std::span<uint64_t> out) {
  const unsigned width = in.u8();
  const size_t count = in.varint_up_to(out.size());
  if (width > 32) return false;  // a block of gaps is then a whole number of bytes
  auto packed = in.take(packed_size(count, width));
  if (!in.ok()) return false;
  const auto values = out.last(count);
  if (!read_values(in, header, values)) return false;
  uint64_t gaps[kPackBlock];
  size_t i = 0;
  for (size_t used = 0; used < count;) {
    const size_t n = std::min(kPackBlock, count - used);
    unpack(packed.substr(0, packed_size(n, width)), width, std::span(gaps, n));
    packed.remove_prefix(packed_size(n, width));
    for (size_t k = 0; k < n; ++k, ++used) {
      // Later values need room behind this one.
      if (gaps[k] > out.size() - count + used - i) return false;
      const uint64_t value = values[used] + 1;
      for (uint64_t zero = 0; zero < gaps[k]; ++zero) out[i++] = 0;
      out[i++] = value;
    }
  }
  std::memset(out.data() + i, 0, (out.size() - i) * sizeof(uint64_t));
  return true;
}

bool read_residuals(ByteReader& in, const VectorHeader& header, std::span<uint64_t> out) {
  switch (header.packing) {
    case Packing::kDense: return read_values(in, header, out);
    case Packing::kBitmap: return read_bitmap(in, header, out);
    case Packing::kGaps: return read_gaps(in, header, out);
    case Packing::kEntropy: return entropy_unpack(in, out);
  }
  return false;
}

// Residuals become integers again, in place; all arithmetic wraps. `difference` is the residual's.
template <class Difference>
void restore(Predictor predictor, std::span<uint64_t> out, Difference difference) {
  switch (predictor) {
    case Predictor::kPlain: {
      for (uint64_t& value : out) value = difference(value);
      return;
    }
    case Predictor::kDelta: {
      uint64_t value = out[0];
      for (size_t i = 1; i < out.size(); ++i) out[i] = value += difference(out[i]);
      return;
    }
    case Predictor::kDelta2: {
      uint64_t value = out[1];
      uint64_t delta = out[1] - out[0];
      for (size_t i = 2; i < out.size(); ++i) {
        delta += difference(out[i]);
        out[i] = value += delta;
      }
      return;
    }
  }
}

// Values are captured, not referred to: `out` could alias a reference, and each loop would read
// them anew. A divisor of one, the usual case, is no multiplication.
void restore(const VectorHeader& header, std::span<uint64_t> out, uint64_t base, uint64_t gcd) {
  const auto unzigzag = [](uint64_t r) { return static_cast<uint64_t>(zigzag_decode(r)); };
  if (header.zigzag && header.packing == Packing::kEntropy) {
    restore(header.predictor, out, [=](uint64_t r) { return base + unzigzag(r) * gcd; });
  } else if (header.zigzag && gcd == 1) {
    restore(header.predictor, out, unzigzag);
  } else if (header.zigzag) {
    restore(header.predictor, out, [=](uint64_t r) { return unzigzag(r) * gcd; });
  } else if (gcd == 1) {
    restore(header.predictor, out, [=](uint64_t r) { return base + r; });
  } else {
    restore(header.predictor, out, [=](uint64_t r) { return base + r * gcd; });
  }
}

}  // namespace

bool decode_vector(ByteReader& in, std::span<int64_t> signed_out) {
  const std::span out(reinterpret_cast<uint64_t*>(signed_out.data()), signed_out.size());
  const auto header = VectorHeader::read(in);
  const auto seeds = static_cast<size_t>(header.predictor);  // values kept as they are
  if (!in.ok() || out.size() <= seeds) return false;
  if (seeds > 0) out[0] = static_cast<uint64_t>(in.zigzag());
  if (seeds > 1) out[1] = out[0] + static_cast<uint64_t>(in.zigzag());
  const uint64_t gcd = header.has_gcd ? in.varint() : 1;
  const bool has_base = !header.zigzag || header.packing == Packing::kEntropy;
  uint64_t base = has_base ? static_cast<uint64_t>(in.zigzag()) : 0;
  if (header.predictor != Predictor::kPlain) base *= gcd;
  if (!in.ok() || !read_residuals(in, header, out.subspan(seeds))) return false;
  restore(header, out, base, gcd);
  return true;
}

std::string describe_vector(std::string_view bytes) {
  ByteReader in(bytes);
  const auto header = VectorHeader::read(in);
  if (!in.ok()) return "corrupt";
  static constexpr std::string_view kPredictors[] = {"plain", "delta", "delta2"};
  static constexpr std::string_view kPackings[] = {"dense", "bitmap", "gaps", "entropy"};
  return fmt::format("{}/{}{}{}{}:{}", kPredictors[static_cast<size_t>(header.predictor)],
                     kPackings[static_cast<size_t>(header.packing)], header.zigzag ? "/zigzag" : "",
                     header.has_gcd ? "/gcd" : "", header.patched ? "/patched" : "", header.width);
}

}  // namespace strata::tsdb
