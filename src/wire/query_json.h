// Prometheus' JSON for query results: written for the API, read for the command line client.
//
//   {"status":"success","data":{"resultType":"matrix","result":[
//     {"metric":{"__name__":"up"},"values":[[1726839814.223,"1"]],
//      "histograms":[[1726839814.223,{"count":"3","sum":"4.5","buckets":[[0,"1","2","3"]]}]]}]},
//    "warnings":[…],"infos":[…]}
//
// Byte for byte what Prometheus prints (util/jsonutil, web/api/v1/json_codec.go): seconds with
// either no or three decimals, numbers as text with an exponent below 1e-6 and from 1e21 on.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "model/labels.h"
#include "model/query_value.h"

namespace strata::wire {

/// Writes a response piece by piece into a string that the caller owns and may take or clear
/// between calls, so that an answer never has to exist as a whole. One thread.
class QueryResponseWriter {
 public:
  enum class Type : uint8_t { kScalar, kString, kVector, kMatrix };

  /// Writes the head at once.
  QueryResponseWriter(std::string& out, Type type);

  /// As many as there are, each of the type announced. A scalar or string exactly once.
  void add(const Scalar& scalar);
  void add(const StringValue& string);
  void add(const VectorSample& sample);
  void add(const MatrixSeries& series);

  /// Writes what is left. The last call. `stats`: a JSON value for data's "stats"; empty: none.
  void finish(std::span<const std::string> warnings = {}, std::span<const std::string> infos = {},
              std::string_view stats = {});

 private:
  void separate();

  std::string& out_;
  const Type type_;
  bool first_ = true;
};

/// The whole of it.
void append_query_response(std::string& out, const QueryResult& result);

/// {"status":"error","errorType":…,"error":…}. `error_type` is Prometheus' word: bad_data,
/// execution, timeout, canceled, unavailable, not_found, internal.
void append_error_response(std::string& out, std::string_view error_type, std::string_view message);

/// `"metric"`'s object: {"__name__":"up","job":"node"}.
void append_labels_json(std::string& out, const Labels& labels);
/// Seconds: 1726839814, or 1726839814.050.
void append_timestamp_json(std::string& out, TimestampMs t);
/// A number in quotes: "0.5", "1e-07", "+Inf", "NaN".
void append_value_json(std::string& out, double value);
/// {"count":"3","sum":"4.5","buckets":[[0,"1","2","3"]]}: filled buckets only, lowest first. The
/// first number says which bounds belong to the bucket: 0 the upper, 1 the lower, 2 none, 3 both.
void append_histogram_json(std::string& out, const FloatHistogram& histogram);

/// Reads such a response, an error too: then that error, with the code that errorType stands for.
/// Histograms come back with their filled buckets: exponential where the bounds are, custom
/// otherwise; what the JSON leaves out (hint, empty buckets, schema of an empty one) is lost.
/// Timestamps are rounded to milliseconds. Error: kBadData when it is not such a response, which
/// includes nesting deeper than 32 and times beyond 1e12 s, where doubles lose milliseconds.
Result<QueryResult> parse_query_response(std::string_view json);

/// The parts of the expression in a response's statistics (stats=analyze), in the order of the
/// text; none where there are no such statistics. Error: as above.
Result<std::vector<QueryNode>> parse_query_nodes(std::string_view json);

}  // namespace strata::wire
