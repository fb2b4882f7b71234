#include "promql/row_kernels.h"

#include <cmath>
#include <limits>

#include "promql/row.h"

// A body is inlined into a function for each instruction set.
#define ALWAYS_INLINE [[gnu::always_inline]] inline
#if defined(__x86_64__)
#define FOR_AVX2 [[gnu::target("avx2")]]
#else
#define FOR_AVX2
#endif

namespace strata::promql {
namespace {

bool has_avx2() {
#if defined(__x86_64__)
  static const bool found = __builtin_cpu_supports("avx2") != 0;
  return found;
#else
  return false;
#endif
}

ALWAYS_INLINE bool has_absent_body(const double* row, size_t n) {
  bool found = false;
  for (size_t i = 0; i < n; ++i) found |= is_absent(row[i]);
  return found;
}

// What the addition lost is worked out as Knuth does: it is the same number as Neumaier's, without
// asking which of the two is larger.
ALWAYS_INLINE void kahan_add_body(const double* row, size_t n, double* sum, double* compensation) {
  for (size_t i = 0; i < n; ++i) {
    const double before = sum[i];
    const double x = row[i];
    const double total = before + x;
    const double part = total - before;
    const double lost = (before - (total - part)) + (x - part);
    const bool infinite = std::abs(total) == std::numeric_limits<double>::infinity();
    compensation[i] = infinite ? 0 : compensation[i] + lost;
    sum[i] = total;
  }
}

ALWAYS_INLINE bool rate_run_body(const RateRun& run, double* out, size_t n) {
  const double* const first = run.first;
  const double* const last = run.last;
  const double* const factor = run.factor;
  const double* const reach = run.reach;
  bool near_zero = false;
  for (size_t i = 0; i < n; ++i) {
    const double growth = last[i] - first[i];
    near_zero |= (first[i] >= 0) & (first[i] < growth * reach[i]);
    out[i] = growth * factor[i];
  }
  return near_zero;
}

FOR_AVX2 bool has_absent_avx2(const double* row, size_t n) { return has_absent_body(row, n); }
FOR_AVX2 void kahan_add_avx2(const double* row, size_t n, double* sum, double* compensation) {
  kahan_add_body(row, n, sum, compensation);
}
FOR_AVX2 bool rate_run_avx2(const RateRun& run, double* out, size_t n) {
  return rate_run_body(run, out, n);
}

}  // namespace

bool has_absent(std::span<const double> row) {
  return has_avx2() ? has_absent_avx2(row.data(), row.size())
                    : has_absent_body(row.data(), row.size());
}

void kahan_add_rows(std::span<const double> row, double* sum, double* compensation) {
  has_avx2() ? kahan_add_avx2(row.data(), row.size(), sum, compensation)
             : kahan_add_body(row.data(), row.size(), sum, compensation);
}

bool rate_run(const RateRun& run, std::span<double> out) {
  return has_avx2() ? rate_run_avx2(run, out.data(), out.size())
                    : rate_run_body(run, out.data(), out.size());
}

}  // namespace strata::promql
