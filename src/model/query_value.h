// What a query answers with, as PromQL and the HTTP API know it.
#pragma once
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "model/histogram.h"
#include "model/labels.h"
#include "model/sample.h"

namespace strata {

/// A float, or a histogram when `h` is set.
struct Point {
  TimestampMs t = 0;
  double v = 0;
  HistogramPtr h;
};

struct Scalar {
  TimestampMs t = 0;
  double v = 0;
};
struct StringValue {
  TimestampMs t = 0;
  std::string v;
};
struct VectorSample {
  Labels metric;
  Point point;
};
using Vector = std::vector<VectorSample>;
/// Points ascend in time; floats and histograms are interleaved as they came.
struct MatrixSeries {
  Labels metric;
  std::vector<Point> points;
};
using Matrix = std::vector<MatrixSeries>;

using QueryValue = std::variant<Scalar, StringValue, Vector, Matrix>;

/// What one part of a query's expression did; its own, without the parts below it.
struct QueryNode {
  std::string expr;
  uint32_t depth = 0;    // of the tree; the whole expression has 0
  uint64_t series = 0;   // of its result
  uint64_t samples = 0;  // decoded
  uint64_t bytes = 0;    // put on the query's memory account
  double seconds = 0;
  bool reused = false;  // equal to a part that was evaluated before
};

/// A value and what there is to say about it: Prometheus' annotations, with "(line:col)".
struct QueryResult {
  QueryValue value;
  std::vector<std::string> warnings;
  std::vector<std::string> infos;
};

}  // namespace strata
