// What a fleet of model servers exports, generated: for benches and their sizes. Seeded; the same
// seed gives the same values on one machine (libm's logarithms may differ in the last bit between
// machines).
//
// Not constant beyond the real share: GPU nodes export many zero counters (ECC, Xid, unused disk
// and network errors), engines few. Sums are full doubles, as Python's floats are.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "model/labels.h"

namespace strata::tsdb {

/// One scrape target over time: values[i][r] is series[i]'s value at times[r].
struct FleetTarget {
  std::string kind;
  std::vector<Labels> series;
  std::vector<TimestampMs> times;
  std::vector<std::vector<double>> values;
};

/// vLLM with its histograms, scraped every 15 s with a few milliseconds of jitter. `narrow`:
/// request lengths and step times vary little, so most buckets are idle.
FleetTarget engine_target(size_t rows, uint64_t seed, bool narrow);
/// dcgm-exporter of a node with eight GPUs.
FleetTarget gpu_target(size_t rows, uint64_t seed);
/// node_exporter of that node.
FleetTarget node_target(size_t rows, uint64_t seed);

}  // namespace strata::tsdb
