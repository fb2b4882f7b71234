// Prometheus' protobuf exposition: io.prometheus.client.MetricFamily messages, each with its length
// before it (client_model's metrics.proto).
//
// Everything but native histograms is said in OpenMetrics text, which ExpositionParser reads and a
// scrape predicts line by line: one fast path for all formats, paid for by writing the text once.
// Native histograms, which text cannot say, come beside it. Pure function; one thread at a time.
// Bound: kMaxText bytes of text, because a long label in short buckets grows by thousands.
#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/histogram.h"
#include "model/labels.h"
#include "wire/exposition.h"

namespace strata::wire {

struct NativeHistogram {
  Labels labels;  // with __name__
  FloatHistogram value;
  std::optional<TimestampMs> timestamp;
  std::optional<TimestampMs> created;  // when it began to count
  std::vector<Exemplar> exemplars;
};

struct ProtobufOptions {
  /// Native histograms are read; else what has one is read as a classic histogram.
  bool native = true;
  /// Histograms that have both forms are written as classic ones too.
  bool classic_beside_native = false;
  /// <name>_created series for what says when it began to count, as OpenMetrics has them.
  bool created_series = false;
};

struct ProtobufExposition {
  std::string text;  // ExpositionFormat::kOpenMetrics, with its # EOF
  std::vector<NativeHistogram> native;
};

inline constexpr size_t kMaxText = size_t{512} << 20;

/// Whether a Content-Type names this format.
bool is_protobuf(std::string_view content_type);

/// Replaces `out`, whose memory is used again. As Prometheus reads them: a timestamp of 0 is none;
/// a float count above 0 goes before the integer one; `le` and `quantile` are spelt as floats; +Inf
/// is added to classic buckets that lack it. Errors: kBadData for bytes that are no such messages,
/// names that are none, or a native histogram whose spans do not fit its buckets; kLimit.
Result<> read_protobuf_exposition(std::string_view body, const ProtobufOptions& options,
                                  ProtobufExposition& out);

}  // namespace strata::wire
