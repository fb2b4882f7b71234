// Metric families as an exposition: what /metrics answers with.
//
// Appends to a string that the caller owns. Names, labels and help are escaped; names outside the
// classic alphabet are quoted ({"my.metric", "my.label"="v"}). Numbers are spelt as Go's client
// spells them (1e+06, +Inf, NaN), so that a diff against node_exporter shows differences in values
// only. Thread-safe (no state).
#pragma once
#include <span>
#include <string>

#include "model/metric_family.h"
#include "wire/exposition.h"

namespace strata::wire {

/// Writes each family with # HELP (when there is one), # TYPE and its samples, in the order given.
/// kText: types that 0.0.4 does not know become the nearest that it does (unknown: untyped, info
/// and stateset: gauge, gaugehistogram: histogram).
/// kOpenMetrics: a counter's family loses its _total in # HELP and # TYPE while samples have it,
/// le and quantile get OpenMetrics' spelling, and # EOF ends the body.
void append_exposition(std::string& out, std::span<const MetricFamily> families,
                       ExpositionFormat format);

}  // namespace strata::wire
