// What an exposition says about a metric family.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace strata {

enum class MetricType : uint8_t {
  kUnknown,
  kCounter,
  kGauge,
  kHistogram,
  kGaugeHistogram,
  kSummary,
  kInfo,
  kStateSet,
};

/// "counter", "gaugehistogram", …: OpenMetrics' words, which Prometheus' API uses too.
std::string_view to_string(MetricType type);
/// Of such a word; kUnknown for any other.
MetricType metric_type(std::string_view word);

struct Metadata {
  MetricType type = MetricType::kUnknown;
  std::string help;
  std::string unit;
  friend bool operator==(const Metadata&, const Metadata&) = default;
};

}  // namespace strata
