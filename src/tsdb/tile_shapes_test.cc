#include "tsdb/tile_shapes.h"

#include <bit>
#include <cmath>
#include <limits>

#include "model/sample.h"

namespace strata::tsdb {
namespace {

using Values = std::vector<double>;

double round_to(double v, int decimals) {
  const double power = std::pow(10.0, decimals);
  return std::round(v * power) / power;
}

template <class Next>
Values walk(size_t n, Next next) {
  Values values(n);
  for (double& v : values) v = next();
  return values;
}

Values counter(size_t n, Random& random, uint64_t most, uint64_t idle_in_8) {
  double total = static_cast<double>(below(random, 1'000'000));
  return walk(n, [&] {
    if (below(random, 8) >= idle_in_8) total += static_cast<double>(below(random, most));
    return total;
  });
}

Values decimals(size_t n, Random& random, int places) {
  double level = 100 * unit(random);
  return walk(n, [&] {
    level += unit(random) - 0.5;
    return round_to(level, places);
  });
}

Values ratio(size_t n, Random& random, int form) {
  const auto total = static_cast<double>(100 + below(random, 200'000));
  double used = std::floor(total / 2);
  return walk(n, [&] {
    used = std::clamp(used + std::floor((unit(random) - 0.5) * 40), 0.0, total);
    return form == 0 ? used / total : form == 1 ? 1 - used / total : used / total * 100;
  });
}

Values any_bits(size_t n, Random& random) {
  return walk(n, [&] { return std::bit_cast<double>(random()); });
}

Values specials(size_t n, Random& random) {
  static const double kSpecials[] = {0.0,
                                     -0.0,
                                     stale_nan(),
                                     std::bit_cast<double>(kNormalNanBits),
                                     std::bit_cast<double>(uint64_t{0xfff8dead0000beef}),
                                     std::numeric_limits<double>::infinity(),
                                     -std::numeric_limits<double>::infinity(),
                                     std::numeric_limits<double>::denorm_min(),
                                     std::numeric_limits<double>::max(),
                                     -std::numeric_limits<double>::max(),
                                     std::numeric_limits<double>::min(),
                                     0x1p53,
                                     0x1p53 + 2,
                                     0x1p63,
                                     -0x1p63,
                                     0x1p64,
                                     0.1,
                                     1e300,
                                     1.0 / 3};
  return walk(n, [&] { return kSpecials[below(random, std::size(kSpecials))]; });
}

// Some values of `base` are replaced by what does not belong there.
Values spoiled(Values base, Random& random, uint64_t one_in) {
  const Values odd = specials(base.size(), random);
  for (size_t i = 0; i < base.size(); ++i) {
    if (below(random, one_in) == 0) base[i] = odd[i];
  }
  return base;
}

constexpr Shape kShapes[] = {
    {"constant zero", [](size_t n, Random&) { return Values(n, 0.0); }},
    {"constant float", [](size_t n, Random&) { return Values(n, 1.0 / 3); }},
    {"constant stale", [](size_t n, Random&) { return Values(n, stale_nan()); }},
    {"constant minus zero", [](size_t n, Random&) { return Values(n, -0.0); }},
    {"constant step",
     [](size_t n, Random&) {
       double v = 17;
       return walk(n, [&] { return v += 250; });
     }},
    {"steady step, rarely late",
     [](size_t n, Random& r) {
       double v = 1'700'000'000;
       return walk(n, [&] { return v += below(r, 20) == 0 ? 16 : 15; });
     }},
    {"busy counter", [](size_t n, Random& r) { return counter(n, r, 1000, 0); }},
    {"idle counter", [](size_t n, Random& r) { return counter(n, r, 4, 7); }},
    {"rare counter",
     [](size_t n, Random& r) {
       double v = 5;
       return walk(n, [&] { return v += below(r, 200) == 0 ? 1 : 0; });
     }},
    {"bucket counter", [](size_t n, Random& r) { return counter(n, r, 3, 2); }},
    {"huge counter", [](size_t n, Random& r) { return counter(n, r, uint64_t{1} << 50, 1); }},
    {"counter with resets",
     [](size_t n, Random& r) {
       double v = 1e6;
       return walk(n, [&] { return v = below(r, 100) == 0 ? 0 : v + double(below(r, 90)); });
     }},
    {"pages of memory",
     [](size_t n, Random& r) {
       double v = 1 << 30;
       return walk(n, [&] { return v += 4096.0 * (double(below(r, 21)) - 10); });
     }},
    {"gauge of small integers",
     [](size_t n, Random& r) { return walk(n, [&] { return double(below(r, 30)); }); }},
    {"integers of any size",
     [](size_t n, Random& r) {
       return walk(n, [&] { return double(int64_t(r()) >> below(r, 64)); });
     }},
    {"two levels",
     [](size_t n, Random& r) { return walk(n, [&] { return below(r, 5) == 0 ? 1.0 : 0.0; }); }},
    {"one decimal", [](size_t n, Random& r) { return decimals(n, r, 1); }},
    {"three decimals", [](size_t n, Random& r) { return decimals(n, r, 3); }},
    {"nine decimals", [](size_t n, Random& r) { return decimals(n, r, 9); }},
    {"decimals up to fifteen",
     [](size_t n, Random& r) {
       return walk(n, [&] { return round_to(unit(r), int(below(r, 16))); });
     }},
    {"decimals rarely longer",
     [](size_t n, Random& r) {
       return walk(n, [&] { return below(r, 300) == 0 ? unit(r) : round_to(unit(r), 2); });
     }},
    {"ratio", [](size_t n, Random& r) { return ratio(n, r, 0); }},
    {"ratio from one", [](size_t n, Random& r) { return ratio(n, r, 1); }},
    {"ratio in percent", [](size_t n, Random& r) { return ratio(n, r, 2); }},
    {"ratio, spoiled", [](size_t n, Random& r) { return spoiled(ratio(n, r, 0), r, 50); }},
    {"single precision",
     [](size_t n, Random& r) { return walk(n, [&] { return double(float(unit(r) * 90)); }); }},
    {"sum of floats",
     [](size_t n, Random& r) {
       double v = 0;
       return walk(n, [&] { return v += below(r, 3) == 0 ? 0 : unit(r) * 3; });
     }},
    {"noise", [](size_t n, Random& r) { return walk(n, [&] { return unit(r); }); }},
    {"noise of both signs",
     [](size_t n, Random& r) { return walk(n, [&] { return unit(r) - 0.5; }); }},
    {"any bits", any_bits},
    {"specials", specials},
    {"counter, spoiled",
     [](size_t n, Random& r) { return spoiled(counter(n, r, 1000, 0), r, 30); }},
    {"counter, then stale",
     [](size_t n, Random& r) {
       auto values = counter(n, r, 9, 1);
       values.back() = stale_nan();
       return values;
     }},
    {"stale, then decimals",
     [](size_t n, Random& r) {
       auto values = decimals(n, r, 2);
       for (size_t i = 0; i < n / 3; ++i) values[i] = stale_nan();
       return values;
     }},
    {"often not a number",
     [](size_t n, Random& r) {
       auto values = decimals(n, r, 2);
       for (double& v : values) {
         if (below(r, 3) == 0) v = std::bit_cast<double>(kNormalNanBits);
       }
       return values;
     }},
    {"denormals",
     [](size_t n, Random& r) {
       return walk(n, [&] { return std::bit_cast<double>(below(r, 5000)); });
     }},
    {"near 2^63",
     [](size_t n, Random& r) {
       return walk(n, [&] {
         return (below(r, 2) == 0 ? 1 : -1) * (0x1p63 - 1024.0 * double(below(r, 9)));
       });
     }},
};

}  // namespace

std::span<const Shape> shapes() { return kShapes; }

}  // namespace strata::tsdb
