// The innermost loops over rows, compiled also for wider vectors than the program's baseline and
// chosen when it starts. Each does what a plain loop would, to the bit (row_kernels_test.cc).
#pragma once
#include <cstddef>
#include <span>

namespace strata::promql {

bool has_absent(std::span<const double> row);

/// sum[i] + compensation[i] grows by row[i], as kahan_add() does it (Neumaier). No value is absent.
void kahan_add_rows(std::span<const double> row, double* sum, double* compensation);

/// What rate() knows of windows in a row, of which each begins and ends one sample after the one
/// before: arrays with one place a window.
struct RateRun {
  const double* first;   // the first sample of the first window
  const double* last;    // and its last
  const double* factor;  // see WindowShapes
  const double* reach;
};
/// out[i] = (last[i] - first[i]) * factor[i]. True when some window's counter may have been zero
/// closer to its first sample than the extrapolation reaches: that is then to be looked at.
bool rate_run(const RateRun& run, std::span<double> out);

}  // namespace strata::promql
