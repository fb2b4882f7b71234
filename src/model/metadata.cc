#include "model/metadata.h"

namespace strata {

std::string_view to_string(MetricType type) {
  switch (type) {
    case MetricType::kUnknown: return "unknown";
    case MetricType::kCounter: return "counter";
    case MetricType::kGauge: return "gauge";
    case MetricType::kHistogram: return "histogram";
    case MetricType::kGaugeHistogram: return "gaugehistogram";
    case MetricType::kSummary: return "summary";
    case MetricType::kInfo: return "info";
    case MetricType::kStateSet: return "stateset";
  }
  return "unknown";
}

MetricType metric_type(std::string_view word) {
  using enum MetricType;
  for (const auto type :
       {kCounter, kGauge, kHistogram, kGaugeHistogram, kSummary, kInfo, kStateSet}) {
    if (to_string(type) == word) return type;
  }
  return kUnknown;
}

}  // namespace strata
