// Joins samples of one series that came from several places.
#pragma once
#include "model/series_source.h"

namespace strata::tsdb {

/// Sorts by time; of samples with one time the first stays. Cheap when they ascend already.
void sort_samples(SampleColumns& samples);

}  // namespace strata::tsdb
