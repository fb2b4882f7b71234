// Metrics that a collector of ours made, before they are written as an exposition.
#pragma once
#include <string>
#include <vector>

#include "model/labels.h"
#include "model/metadata.h"

namespace strata {

/// One family. `name` is as the text format prints it in # TYPE (a counter keeps its _total).
struct MetricFamily {
  struct Sample {
    /// Appended to the family's name: "_bucket", "_sum", "_count", or empty.
    std::string suffix;
    Labels labels;  // without __name__
    double value = 0;
  };

  std::string name;
  MetricType type = MetricType::kUnknown;
  std::string help;
  std::vector<Sample> samples;
};

}  // namespace strata
