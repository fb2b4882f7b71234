#include "model/series_source.h"

namespace strata {

Result<bool> SeriesSet::read_last(size_t i, TimeRange range, Sample& out, HistogramPtr& h) const {
  SampleColumns columns;
  TRY(read(i, range, columns));
  if (columns.size() == 0) return false;
  out = {columns.t.back(), columns.v.back()};
  h = columns.h.empty() ? nullptr : columns.h.back();
  return true;
}

TimestampMs SeriesSource::unchanged_before(uint64_t) const { return kMinTime; }

}  // namespace strata
