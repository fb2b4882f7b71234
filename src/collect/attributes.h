// Tables of sysfs attributes and the metrics that they become: most of what hardware tells is one
// number a file.
#pragma once
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "collect/collectors.h"

namespace strata::collect {

struct Attribute {
  std::string_view file;
  std::string_view metric;
  MetricType type = MetricType::kGauge;
  std::string_view help;
  /// What the file counts, in units of the metric's: 1000 for milliseconds of a metric in seconds.
  double per = 1;
};

/// `text` as the kernel prints integers: decimal or 0x, signed, up to 64 bits.
std::optional<double> parse_attribute(std::string_view text);

/// One sample for each attribute under `dir` (of host.sys) that holds a number; the others are not
/// supported by the device and left out.
void add_attributes(Host& host, std::string_view dir, std::span<const Attribute> attributes,
                    const std::vector<Label>& labels);

}  // namespace strata::collect
