// strata export prometheus-blocks: what a SeriesSource has, as blocks that Prometheus reads.
#pragma once
#include <string>
#include <vector>

#include "interop/prometheus_block_writer.h"
#include "interop/store_import.h"
#include "model/matcher.h"

namespace strata::interop {

struct ExportOptions {
  std::string out;                     // directory, created when missing
  TimeRange range = {};                // bounded at both ends
  std::vector<Matcher> matchers = {};  // none: all series
};

/// One block for every two hours that have samples, aligned as Prometheus aligns them. Blocks that
/// were written stay when a later one fails. Memory: the labels of a block's series.
Result<std::vector<PrometheusBlockStats>> export_prometheus_blocks(const SeriesSource& source,
                                                                   const ExportOptions& options,
                                                                   Fs& fs, const Clock& clock,
                                                                   const Progress& progress);

}  // namespace strata::interop
