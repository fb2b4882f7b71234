#include "tsdb/form.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/check.h"
#include "model/sample.h"

namespace strata::tsdb {
namespace {

constexpr double kPowersOf10[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8, 1e9,
                                  1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18};
static_assert(std::size(kPowersOf10) == kMaxDecimals + 1);

constexpr double kTwo53 = 9007199254740992.0;
constexpr double kTwo63 = 9223372036854775808.0;
// A decimal with more digits than 15 is rather a number that was computed: nearly every double is
// one with 17.
constexpr double kMostDecimalInteger = 1e15;
constexpr size_t kProbes = 8;                                  // values that a form is guessed from
constexpr uint64_t kMaxDenominator = uint64_t{1} << 24;        // of one value
constexpr uint64_t kMaxCommonDenominator = uint64_t{1} << 40;  // of all

uint64_t bits_of(double value) { return std::bit_cast<uint64_t>(value); }
bool same_bits(double a, double b) { return bits_of(a) == bits_of(b); }

// The two directions of each form. to_integer may give anything for a value that is out of reach:
// its caller compares what comes back.
struct IntegerForm {
  int64_t to_integer(double v) const { return std::abs(v) < kTwo63 ? static_cast<int64_t>(v) : 0; }
  double to_double(int64_t i) const { return static_cast<double>(i); }
};

// Quotients and products have to stay below 2^53 to be exact integers; false for NaN.
int64_t rounded(double v) {
  return std::abs(v) < kTwo53 ? static_cast<int64_t>(std::nearbyint(v)) : 0;
}

struct DecimalForm {
  double power;
  int64_t to_integer(double v) const { return rounded(v * power); }
  double to_double(int64_t i) const { return static_cast<double>(i) / power; }
};
struct ComplementForm {
  double n;
  int64_t to_integer(double v) const { return rounded((1 - v) * n); }
  double to_double(int64_t i) const { return 1 - static_cast<double>(i) / n; }
};
struct PercentForm {
  double n;
  int64_t to_integer(double v) const { return rounded(v / 100 * n); }
  double to_double(int64_t i) const { return static_cast<double>(i) / n * 100; }
};
struct BitsForm {
  unsigned shift;
  int64_t to_integer(double v) const { return static_cast<int64_t>(bits_of(v) >> shift); }
  double to_double(int64_t i) const {
    return std::bit_cast<double>(static_cast<uint64_t>(i) << shift);
  }
};

// Calls `use` with the form's two directions.
template <class Use>
auto with_form(Scale scale, Use use) {
  const auto n = static_cast<double>(scale.parameter);
  switch (scale.form) {
    case Form::kDecimal:
      return use(DecimalForm{kPowersOf10[std::min<uint64_t>(scale.parameter, kMaxDecimals)]});
    case Form::kRatio: return use(DecimalForm{n});
    case Form::kComplement: return use(ComplementForm{n});
    case Form::kPercent: return use(PercentForm{n});
    case Form::kBits: return use(BitsForm{static_cast<unsigned>(scale.parameter & 63)});
    default: return use(IntegerForm{});
  }
}

bool survives(Scale scale, double value) {
  return with_form(scale, [&](const auto& form) {
    return same_bits(form.to_double(form.to_integer(value)), value);
  });
}

// Up to kProbes values, spread over the column, that are finite and not integers: those say what
// form the column has.
std::vector<double> probes(std::span<const double> values) {
  std::vector<double> found;
  const size_t step = std::max<size_t>(1, values.size() / kProbes);
  for (size_t start = 0; start < step && found.size() < kProbes; ++start) {
    for (size_t i = start; i < values.size() && found.size() < kProbes; i += step) {
      const double v = values[i];
      if (std::isfinite(v) && v != std::trunc(v)) found.push_back(v);
    }
    if (start == 3) break;  // a column with so few fractions is not worth a longer search
  }
  return found;
}

// The fewest decimals at or above `from` that give `value` back.
std::optional<unsigned> decimals_of(double value, unsigned from) {
  for (unsigned d = from; d <= kMaxDecimals; ++d) {
    if (std::abs(value) * kPowersOf10[d] >= kMostDecimalInteger) return std::nullopt;
    if (survives({Form::kDecimal, d}, value)) return d;
  }
  return std::nullopt;
}

// The least q with v = p / q within what two roundings may do to it, by continued fraction.
std::optional<uint64_t> denominator_of(double v) {
  const double tolerance = std::ldexp(std::max(1.0, v), -52);
  uint64_t q0 = 0;
  uint64_t q1 = 1;
  double p0 = 1;
  double p1 = std::floor(v);
  double rest = v - p1;
  while (std::abs(v - p1 / static_cast<double>(q1)) > tolerance) {
    if (rest < 1e-12) return std::nullopt;
    const double whole = std::floor(1 / rest);
    rest = 1 / rest - whole;
    if (whole > static_cast<double>(kMaxDenominator)) return std::nullopt;
    const uint64_t q = static_cast<uint64_t>(whole) * q1 + q0;
    const double p = whole * p1 + p0;
    if (q > kMaxDenominator) return std::nullopt;
    q0 = std::exchange(q1, q);
    p0 = std::exchange(p1, p);
  }
  return q1;
}

// The common denominator of the probes, each divided by `unit` first.
std::optional<uint64_t> common_denominator(std::span<const double> found, double unit) {
  uint64_t common = 1;
  for (const double v : found) {
    const auto q = denominator_of(v / unit);
    if (!q) return std::nullopt;
    common = std::lcm(common, *q);
    if (common > kMaxCommonDenominator) return std::nullopt;
  }
  return common;
}

// Share of probes that must survive: one odd value in a column of decimals is an exception.
bool most(size_t survivors, size_t of) { return survivors * 4 >= of * 3; }

}  // namespace

bool to_integers(Scale scale, std::span<const double> values, std::span<int64_t> integers,
                 std::vector<Exception>& exceptions, size_t max_exceptions) {
  DCHECK(values.size() == integers.size());
  const size_t limit = exceptions.size() + max_exceptions;
  return with_form(scale, [&](const auto& form) {
    int64_t last = 0;
    for (size_t i = 0; i < values.size(); ++i) {
      const int64_t integer = form.to_integer(values[i]);
      if (same_bits(form.to_double(integer), values[i])) [[likely]] {
        last = integer;
      } else {
        if (exceptions.size() == limit) return false;
        exceptions.push_back({static_cast<uint32_t>(i), values[i]});
      }
      integers[i] = last;
    }
    // Exceptions in front repeat what follows them instead.
    size_t leading = 0;
    for (const auto& exception : exceptions) leading += exception.position == leading;
    if (leading < integers.size()) std::fill_n(integers.begin(), leading, integers[leading]);
    return true;
  });
}

void to_doubles(Scale scale, std::span<const int64_t> integers, double* out) {
  with_form(scale, [&](const auto& form) {
    for (size_t i = 0; i < integers.size(); ++i) out[i] = form.to_double(integers[i]);
  });
}

std::optional<Scale> find_decimal(std::span<const double> values) {
  const auto found = probes(values);
  unsigned decimals = 0;
  size_t survivors = 0;
  for (size_t i = 0; i < found.size(); ++i) {
    const auto needed = decimals_of(found[i], 1);
    survivors += needed.has_value();
    if (needed) decimals = std::max(decimals, *needed);
    if (i == 2 && survivors == 0) return std::nullopt;
  }
  if (decimals == 0 || !most(survivors, found.size())) return std::nullopt;
  // The probes may have missed the value with the most decimals.
  size_t lost = 0;
  for (const double v : values) {
    if (survives({Form::kDecimal, decimals}, v)) continue;
    const auto needed = std::isfinite(v) ? decimals_of(v, decimals + 1) : std::nullopt;
    if (needed) decimals = *needed;
    if (!needed && ++lost > values.size() / 4 + 1) return std::nullopt;
  }
  return Scale{Form::kDecimal, decimals};
}

std::optional<Scale> find_ratio(std::span<const double> values) {
  const auto found = probes(values);
  if (found.empty() || std::ranges::any_of(found, [](double v) { return v < 0 || v > 1e6; })) {
    return std::nullopt;
  }
  // A percentage is often also a ratio of its own, to a rounding: the form that misses least wins.
  std::optional<Scale> best;
  size_t best_survivors = values.size() / 2;
  for (const auto form : {Form::kRatio, Form::kComplement, Form::kPercent}) {
    const auto n = common_denominator(found, form == Form::kPercent ? 100 : 1);
    if (!n) continue;
    const Scale scale{form, *n};
    const auto survivors =
        std::ranges::count_if(values, [&](double v) { return survives(scale, v); });
    if (static_cast<size_t>(survivors) <= best_survivors) continue;
    best_survivors = static_cast<size_t>(survivors);
    best = scale;
  }
  return best;
}

Scale find_bits(std::span<const double> values) {
  uint64_t all = 0;
  for (const double v : values) all |= bits_of(v);
  return {Form::kBits, all == 0 ? 0 : static_cast<uint64_t>(std::countr_zero(all))};
}

namespace {

// Tags of single values; from kTagDecimal on, the tag less kTagDecimal is the number of decimals.
enum Tag : uint8_t {
  kTagInteger,
  kTagStale,
  kTagNan,
  kTagPlusInf,
  kTagMinusInf,
  kTagMinusZero,
  kTagBits,
  kTagDecimal = 16,
};
constexpr double kSpecials[] = {
    0,   0, 0, std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity(),
    -0.0};

uint8_t special_tag(double value) {
  const uint64_t bits = bits_of(value);
  if (bits == kStaleNanBits) return kTagStale;
  if (bits == kNormalNanBits) return kTagNan;
  for (const Tag tag : {kTagPlusInf, kTagMinusInf, kTagMinusZero}) {
    if (same_bits(value, kSpecials[tag])) return tag;
  }
  return kTagBits;
}

}  // namespace

void append_value(std::string& out, double value) {
  const IntegerForm whole;
  if (same_bits(whole.to_double(whole.to_integer(value)), value)) {
    const auto integer = zigzag_encode(whole.to_integer(value));
    if (varint_size(integer) <= 8) {
      out += static_cast<char>(kTagInteger);
      append_varint(out, integer);
      return;
    }
  } else if (const auto decimals = decimals_of(value, 1)) {
    const auto integer = zigzag_encode(DecimalForm{kPowersOf10[*decimals]}.to_integer(value));
    if (varint_size(integer) <= 7) {
      out += static_cast<char>(kTagDecimal + *decimals);
      append_varint(out, integer);
      return;
    }
  }
  const uint8_t tag = special_tag(value);
  out += static_cast<char>(tag);
  if (tag == kTagBits) append_fixed(out, bits_of(value));
}

double read_value(ByteReader& in) {
  const uint8_t tag = in.u8();
  switch (tag) {
    case kTagInteger: return static_cast<double>(in.zigzag());
    case kTagStale: return stale_nan();
    case kTagNan: return std::bit_cast<double>(kNormalNanBits);
    case kTagPlusInf:
    case kTagMinusInf:
    case kTagMinusZero: return kSpecials[tag];
    case kTagBits: return std::bit_cast<double>(in.u64());
    default: break;
  }
  if (tag < kTagDecimal || tag > kTagDecimal + kMaxDecimals) {
    in.fail();
    return 0;
  }
  return static_cast<double>(in.zigzag()) / kPowersOf10[tag - kTagDecimal];
}

}  // namespace strata::tsdb
