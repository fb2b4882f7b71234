// What a query answers with, as PromQL and the HTTP API know it.
#pragma once
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

/// A value and what there is to say about it: Prometheus' annotations, with "(line:col)".
struct QueryResult {
  QueryValue value;
  std::vector<std::string> warnings;
  std::vector<std::string> infos;
};

}  // namespace strata
