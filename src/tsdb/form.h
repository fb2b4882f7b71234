// How a column's doubles become integers, and exactly the same doubles again.
//
//   integer      v = i                        counters, sizes
//   decimal      v = i / 10^d                 what was printed with d decimals: division rounds to
//                                             the double nearest the decimal, as parsing does
//   ratio        v = i / n                    a share of a fixed number of things
//   complement   v = 1 - i / n                the share that is left (vLLM's cache usage)
//   percent      v = (i / n) * 100
//   bits         v's own bits >> s            all else; s trailing zeros that all values share
//
// A value that does not come back bit for bit is an exception, kept beside the integers.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tsdb/byte_reader.h"

namespace strata::tsdb {

/// Numbers are the format's (docs/formats/tile.md). 8 is kept for native histograms.
enum class Form : uint8_t {
  kConstant = 0,
  kSame = 1,
  kInteger = 2,
  kDecimal = 3,
  kRatio = 4,
  kComplement = 5,
  kPercent = 6,
  kBits = 7,
};

inline constexpr unsigned kMaxDecimals = 18;

struct Scale {
  Form form = Form::kInteger;
  uint64_t parameter = 0;  // decimals, n, or s
};

/// A value that the scale does not give back.
struct Exception {
  uint32_t position = 0;
  double value = 0;
};

/// Fills `integers` (as long as `values`); values that do not survive are appended to `exceptions`
/// and their integer repeats the one before. False: more than `max_exceptions`.
bool to_integers(Scale scale, std::span<const double> values, std::span<int64_t> integers,
                 std::vector<Exception>& exceptions, size_t max_exceptions);

/// The inverse, into out[0..integers.size()).
void to_doubles(Scale scale, std::span<const int64_t> integers, double* out);

/// Decimals that give back most of `values`, or none.
std::optional<Scale> find_decimal(std::span<const double> values);
/// A denominator that gives back most of `values`, or none.
std::optional<Scale> find_ratio(std::span<const double> values);
/// Always works.
Scale find_bits(std::span<const double> values);

/// One double in as few bytes as its kind needs: a tag, and an integer or its bits.
void append_value(std::string& out, double value);
double read_value(ByteReader& in);

}  // namespace strata::tsdb
