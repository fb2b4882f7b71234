// The messages of client_model's metrics.proto as values. Private to protobuf_exposition*.cc.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "model/histogram.h"
#include "model/sample.h"

namespace strata::wire {

struct ProtoLabel {
  std::string_view name, value;
};

struct ProtoExemplar {
  std::vector<ProtoLabel> labels;
  double value = 0;
  std::optional<TimestampMs> timestamp;
};

struct ProtoBucket {
  double count = 0;  // cumulative
  double upper_bound = 0;
  std::optional<ProtoExemplar> exemplar;
};

struct ProtoQuantile {
  double quantile = 0, value = 0;
};

struct ProtoHistogram {
  double count = 0, sum = 0;
  std::vector<ProtoBucket> buckets;
  bool is_float = false;  // of its native form
  FloatHistogram native;  // buckets as absolute counts; count and sum as above
  std::vector<ProtoExemplar> exemplars;
  std::optional<TimestampMs> created;

  bool is_native() const {
    return !native.positive_spans.empty() || !native.negative_spans.empty() ||
           native.zero_threshold > 0 || native.zero_count > 0;
  }
};

struct ProtoMetric {
  std::vector<ProtoLabel> labels;
  double value = 0;  // of a counter, gauge or untyped; a summary's sum
  double count = 0;  // of a summary
  std::vector<ProtoQuantile> quantiles;
  std::optional<ProtoHistogram> histogram;
  std::optional<ProtoExemplar> exemplar;
  std::optional<TimestampMs> created;
  std::optional<TimestampMs> timestamp;
};

enum class ProtoType : uint8_t {
  kCounter = 0,
  kGauge = 1,
  kSummary = 2,
  kUntyped = 3,
  kHistogram = 4,
  kGaugeHistogram = 5,
};

/// Views point into the message.
struct ProtoFamily {
  std::string_view name, help, unit;
  ProtoType type = ProtoType::kCounter;
  std::vector<std::string_view> metrics;  // each a message
};

/// Takes the next length and message off `rest`. Error: kBadData.
Result<std::string_view> next_message(std::string_view& rest);
/// Error: kBadData, also for what goes wrong inside protozero.
Result<ProtoFamily> read_family(std::string_view message);
/// `type` says which of the values counts. Error: kBadData.
Result<ProtoMetric> read_metric(std::string_view message, ProtoType type);

}  // namespace strata::wire
