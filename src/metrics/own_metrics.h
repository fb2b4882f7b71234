// Strata's own metrics: what all its modules count in strata::metrics::default_registry(), and who
// it is. What the process uses (process_*) is collect/self.h's.
#pragma once
#include <string>

#include "strata/metrics.h"

namespace strata::metrics {

/// strata_build_info{version, revision, branch, compiler} = 1.
void register_build_info(Registry& registry = default_registry());

/// Appends the exposition of `registry`: the body of our /metrics, and what the self scrape reads
/// without going through a socket.
void append_own_metrics(std::string& out, Format format = Format::kText,
                        Registry& registry = default_registry());

/// The format to answer a request's Accept header with: OpenMetrics when it asks for that, with a
/// quality of at least text/plain's; the text format otherwise. "" is no header.
Format negotiate_format(std::string_view accept);

}  // namespace strata::metrics
