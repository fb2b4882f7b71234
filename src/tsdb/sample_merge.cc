#include "tsdb/sample_merge.h"

#include <algorithm>
#include <functional>
#include <numeric>

namespace strata::tsdb {

void sort_samples(SampleColumns& samples) {
  const auto& t = samples.t;
  // Nearly always they ascend: all are looked at, which is done in vectors.
  bool ascends = true;
  for (size_t i = 1; i < t.size(); ++i) ascends &= t[i] > t[i - 1];
  if (ascends) return;
  std::vector<uint32_t> order(t.size());
  std::iota(order.begin(), order.end(), 0u);
  std::ranges::stable_sort(order, {}, [&](uint32_t i) { return t[i]; });
  SampleColumns sorted;
  sorted.t.reserve(t.size());
  sorted.v.reserve(t.size());
  for (const uint32_t i : order) {
    if (!sorted.t.empty() && sorted.t.back() == t[i]) continue;
    sorted.t.push_back(t[i]);
    sorted.v.push_back(samples.v[i]);
    if (!samples.h.empty()) sorted.h.push_back(samples.h[i]);
  }
  samples = std::move(sorted);
}

}  // namespace strata::tsdb
