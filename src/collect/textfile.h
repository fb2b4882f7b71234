// *.prom files that other programs leave for us: Prometheus' text format 0.0.4.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/metric_family.h"

namespace strata::collect {

/// The families of one file, in the order of the text; a family's help is empty when the file has
/// none. kBadData "line N: …" for what is not the format, for a repeated sample, and for
/// timestamps: a file left behind would claim them for ever.
Result<std::vector<MetricFamily>> parse_textfile(std::string_view text);

}  // namespace strata::collect
