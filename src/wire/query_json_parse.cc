// Reading query responses. The only file that knows the JSON library.
#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <limits>
#include <optional>

#include "base/number.h"
#include "model/histogram_buckets.h"
#include "wire/query_json.h"

namespace strata::wire {
namespace {

namespace json = boost::json;

constexpr size_t kMaxDepth = 32;

std::unexpected<Error> unlike(std::string_view what) {
  return bad_data("not a Prometheus query response: " + std::string(what));
}

// The member, or null when there is none.
const json::value* member(const json::object& object, std::string_view key) {
  return object.if_contains({key.data(), key.size()});
}

Result<std::string> text_of(const json::value* value, std::string_view what) {
  if (value == nullptr || !value->is_string()) return unlike(what);
  const auto& text = value->get_string();
  return std::string(text.data(), text.size());
}

Result<TimestampMs> time_of(const json::value& value) {
  boost::system::error_code problem;
  const double seconds = value.to_number<double>(problem);
  // Beyond it a double cannot tell milliseconds apart.
  constexpr double kLimit = 1e12;
  if (problem) return unlike("a timestamp is not a number");
  if (!(std::fabs(seconds) < kLimit)) return unlike("a timestamp is more than 30,000 years away");
  return static_cast<TimestampMs>(std::llround(seconds * 1000));
}

Result<double> number_of(const json::value* value) {
  const auto text = TRY(text_of(value, "a value is not in quotes"));
  const auto number = parse_double(text);
  if (!number) return unlike("a value is not a number");
  return *number;
}

// Which schema and index have these bounds: as list_buckets() gives them, to the bit.
std::optional<int64_t> index_of(const HistogramBucket& bucket, int32_t schema, double zero) {
  const bool negative = bucket.lower < 0;
  const double upper = negative ? -bucket.lower : bucket.upper;
  const double lower = negative ? -bucket.upper : bucket.lower;
  if (!(lower >= zero) || bucket.lower_inclusive == bucket.upper_inclusive ||
      bucket.lower_inclusive != negative) {
    return std::nullopt;
  }
  // +Inf is the bound after that of the largest numbers.
  const double exact = std::isinf(upper) ? 1024 : std::log2(upper);
  auto index = static_cast<int64_t>(std::llround(std::ldexp(exact, schema)));
  if (std::isinf(upper)) ++index;
  const double below = exponential_bound(index - 1, schema);
  if (exponential_bound(index, schema) != upper) return std::nullopt;
  if (below != lower && !(lower == zero && below < zero)) return std::nullopt;
  return index;
}

void add_bucket(std::vector<BucketSpan>& spans, std::vector<double>& counts, int64_t index,
                int64_t* next, double count) {
  if (spans.empty() || index != *next) {
    spans.push_back({static_cast<int32_t>(index - *next), 0});
  }
  ++spans.back().length;
  counts.push_back(count);
  *next = index + 1;
}

// Keeps count and sum.
void reset(FloatHistogram& histogram, int32_t schema) {
  FloatHistogram fresh;
  fresh.schema = schema;
  fresh.count = histogram.count;
  fresh.sum = histogram.sum;
  histogram = std::move(fresh);
}

bool fill_exponential(const std::vector<HistogramBucket>& buckets, int32_t schema,
                      FloatHistogram& histogram) {
  reset(histogram, schema);
  for (const auto& bucket : buckets) {
    if (!bucket.lower_inclusive || !bucket.upper_inclusive) continue;
    if (histogram.zero_count != 0 || -bucket.lower != bucket.upper) return false;
    histogram.zero_threshold = bucket.upper;
    histogram.zero_count = bucket.count;
  }
  std::vector<std::pair<int64_t, double>> sides[2];
  for (const auto& bucket : buckets) {
    if (bucket.lower_inclusive && bucket.upper_inclusive) continue;
    const auto index = index_of(bucket, schema, histogram.zero_threshold);
    if (!index) return false;
    sides[bucket.lower < 0].emplace_back(*index, bucket.count);
  }
  for (auto& side : sides) {
    std::ranges::sort(side);
    const auto same = [](const auto& a, const auto& b) { return a.first == b.first; };
    if (std::ranges::adjacent_find(side, same) != side.end()) return false;
  }
  int64_t next = 0;
  for (const auto& [index, count] : sides[0]) {
    add_bucket(histogram.positive_spans, histogram.positive_buckets, index, &next, count);
  }
  next = 0;
  for (const auto& [index, count] : sides[1]) {
    add_bucket(histogram.negative_spans, histogram.negative_buckets, index, &next, count);
  }
  return true;
}

Result<> fill_custom(std::vector<HistogramBucket> buckets, FloatHistogram& histogram) {
  reset(histogram, kCustomBucketsSchema);
  auto& bounds = histogram.custom_values;
  for (const auto& bucket : buckets) {
    for (const double bound : {bucket.lower, bucket.upper}) {
      if (std::isfinite(bound)) bounds.push_back(bound);
    }
  }
  std::ranges::sort(bounds);
  const auto repeated = std::ranges::unique(bounds);
  bounds.erase(repeated.begin(), repeated.end());
  std::ranges::sort(buckets, {}, &HistogramBucket::upper);
  int64_t next = 0;
  for (const auto& bucket : buckets) {
    const auto at = std::ranges::lower_bound(bounds, bucket.upper) - bounds.begin();
    const double below = at == 0 ? -std::numeric_limits<double>::infinity() : bounds[at - 1];
    if (at < next || below != bucket.lower) return unlike("a histogram's buckets overlap");
    add_bucket(histogram.positive_spans, histogram.positive_buckets, at, &next, bucket.count);
  }
  return {};
}

Result<HistogramBucket> bucket_of(const json::value& value) {
  const auto* parts = value.if_array();
  if (parts == nullptr || parts->size() != 4) return unlike("a bucket is not an array of four");
  const auto* rule = (*parts)[0].if_int64();
  if (rule == nullptr || *rule < 0 || *rule > 3) return unlike("a bucket's first part is not 0-3");
  HistogramBucket bucket;
  bucket.lower_inclusive = *rule == 1 || *rule == 3;
  bucket.upper_inclusive = *rule == 0 || *rule == 3;
  bucket.lower = TRY(number_of(&(*parts)[1]));
  bucket.upper = TRY(number_of(&(*parts)[2]));
  bucket.count = TRY(number_of(&(*parts)[3]));
  // Only a zero bucket may be a single number.
  const bool is_point = *rule == 3 && bucket.lower == bucket.upper && std::isfinite(bucket.lower);
  if (!is_point && !(bucket.lower < bucket.upper)) return unlike("a bucket ends before it begins");
  return bucket;
}

Result<HistogramPtr> histogram_of(const json::value& value) {
  const auto* object = value.if_object();
  if (object == nullptr) return unlike("a histogram is not an object");
  auto histogram = std::make_shared<FloatHistogram>();
  histogram->count = TRY(number_of(member(*object, "count")));
  histogram->sum = TRY(number_of(member(*object, "sum")));
  const auto* list = member(*object, "buckets");
  if (list == nullptr) return histogram;
  if (!list->is_array()) return unlike("a histogram's buckets are not an array");
  std::vector<HistogramBucket> buckets;
  for (const auto& each : list->get_array()) {
    const auto bucket = TRY(bucket_of(each));
    if (bucket.count != 0) buckets.push_back(bucket);
  }
  // The coarsest schema that fits: finer ones would fit only where a bucket is split, which shows.
  for (int32_t schema = -4; schema <= 8; ++schema) {
    if (fill_exponential(buckets, schema, *histogram)) return histogram;
  }
  TRY(fill_custom(std::move(buckets), *histogram));
  return histogram;
}

// [seconds, "value"] or [seconds, {histogram}].
Result<Point> point_of(const json::value& value, bool is_histogram) {
  const auto* pair = value.if_array();
  if (pair == nullptr || pair->size() != 2) return unlike("a point is not an array of two");
  Point point;
  point.t = TRY(time_of((*pair)[0]));
  if (is_histogram) {
    point.h = TRY(histogram_of((*pair)[1]));
  } else {
    point.v = TRY(number_of(&(*pair)[1]));
  }
  return point;
}

Result<Labels> labels_of(const json::object& series) {
  const auto* metric = member(series, "metric");
  if (metric == nullptr || !metric->is_object()) return unlike("a series has no metric");
  std::vector<Label> labels;
  for (const auto& [name, value] : metric->get_object()) {
    const auto* text = value.if_string();
    if (text == nullptr) return unlike("a label is not text");
    labels.push_back({{name.data(), name.size()}, {text->data(), text->size()}});
  }
  return Labels::from(std::move(labels));
}

Result<> read_points(const json::object& series, std::string_view key, std::vector<Point>& out) {
  const auto* list = member(series, key);
  if (list == nullptr) return {};
  if (!list->is_array()) return unlike("a series' points are not an array");
  out.reserve(out.size() + list->get_array().size());
  for (const auto& each : list->get_array()) {
    out.push_back(TRY(point_of(each, key == "histograms")));
  }
  return {};
}

Result<Matrix> matrix_of(const json::array& result) {
  Matrix matrix;
  matrix.reserve(result.size());
  for (const auto& each : result) {
    const auto* object = each.if_object();
    if (object == nullptr) return unlike("a series is not an object");
    MatrixSeries& series = matrix.emplace_back();
    series.metric = TRY(labels_of(*object));
    TRY(read_points(*object, "values", series.points));
    TRY(read_points(*object, "histograms", series.points));
    std::ranges::stable_sort(series.points, {}, &Point::t);
  }
  return matrix;
}

Result<Vector> vector_of(const json::array& result) {
  Vector vector;
  vector.reserve(result.size());
  for (const auto& each : result) {
    const auto* object = each.if_object();
    if (object == nullptr) return unlike("a sample is not an object");
    const auto* value = member(*object, "value");
    const auto* histogram = member(*object, "histogram");
    if ((value == nullptr) == (histogram == nullptr)) return unlike("a sample has no value");
    VectorSample& sample = vector.emplace_back();
    sample.metric = TRY(labels_of(*object));
    sample.point = TRY(point_of(value != nullptr ? *value : *histogram, value == nullptr));
  }
  return vector;
}

Result<QueryValue> value_of(const json::object& data) {
  const auto type = TRY(text_of(member(data, "resultType"), "no resultType"));
  const auto* result = member(data, "result");
  if (result == nullptr || !result->is_array()) return unlike("no result");
  const auto& array = result->get_array();
  if (type == "matrix") return TRY(matrix_of(array));
  if (type == "vector") return TRY(vector_of(array));
  if (type == "scalar") {
    const auto point = TRY(point_of(*result, false));
    return Scalar{point.t, point.v};
  }
  if (type == "string") {
    if (array.size() != 2) return unlike("a string is not an array of two");
    return StringValue {
      TRY(time_of(array[0]))
      , TRY(text_of(&array[1], "a string is not text"))
    };
  }
  return unlike("a resultType of its own");
}

Result<std::vector<std::string>> texts_of(const json::object& response, std::string_view key) {
  std::vector<std::string> texts;
  const auto* list = member(response, key);
  if (list == nullptr) return texts;
  if (!list->is_array()) return unlike("warnings or infos are not an array");
  for (const auto& each : list->get_array()) {
    texts.push_back(TRY(text_of(&each, "a warning or info is not text")));
  }
  return texts;
}

ErrorCode code_of(std::string_view error_type) {
  if (error_type == "bad_data") return ErrorCode::kBadData;
  if (error_type == "execution") return ErrorCode::kExecution;
  if (error_type == "timeout") return ErrorCode::kTimeout;
  if (error_type == "canceled") return ErrorCode::kCanceled;
  if (error_type == "unavailable") return ErrorCode::kUnavailable;
  if (error_type == "not_found") return ErrorCode::kNotFound;
  return ErrorCode::kInternal;
}

// The response's object; its error when it is one.
Result<const json::object*> response_of(std::string_view text, json::value& root) {
  json::parse_options options;
  options.max_depth = kMaxDepth;
  boost::system::error_code problem;
  root = json::parse({text.data(), text.size()}, problem, root.storage(), options);
  if (problem) return unlike("it is not JSON (" + problem.message() + ")");
  const auto* response = root.if_object();
  if (response == nullptr) return unlike("it is not an object");
  const auto status = TRY(text_of(member(*response, "status"), "no status"));
  if (status == "error") {
    const auto type = TRY(text_of(member(*response, "errorType"), "no errorType"));
    return fail(code_of(type), TRY(text_of(member(*response, "error"), "no error")));
  }
  const auto* data = member(*response, "data");
  if (status != "success" || data == nullptr || !data->is_object()) return unlike("no data");
  return response;
}

Result<uint64_t> count_of(const json::object& node, std::string_view key) {
  const auto* value = member(node, key);
  boost::system::error_code problem;
  const auto count = value != nullptr ? value->to_number<uint64_t>(problem) : 0;
  if (value == nullptr || problem) return unlike("a count of a node is not a number");
  return count;
}

Result<QueryNode> node_of(const json::value& value) {
  const auto* object = value.if_object();
  if (object == nullptr) return unlike("a node is not an object");
  QueryNode node;
  node.expr = TRY(text_of(member(*object, "expr"), "a node has no expression"));
  node.depth = static_cast<uint32_t>(TRY(count_of(*object, "depth")));
  node.series = TRY(count_of(*object, "series"));
  node.samples = TRY(count_of(*object, "samples"));
  node.bytes = TRY(count_of(*object, "bytes"));
  const auto* seconds = member(*object, "seconds");
  boost::system::error_code problem;
  if (seconds != nullptr) node.seconds = seconds->to_number<double>(problem);
  const auto* reused = member(*object, "reused");
  node.reused = reused != nullptr && reused->is_bool() && reused->get_bool();
  return node;
}

}  // namespace

Result<QueryResult> parse_query_response(std::string_view text) {
  // The tree is thrown away as a whole, so it is laid out without freeing anything.
  json::monotonic_resource memory;
  json::value root(&memory);
  const json::object& response = *TRY(response_of(text, root));
  QueryResult result;
  result.value = TRY(value_of(member(response, "data")->get_object()));
  result.warnings = TRY(texts_of(response, "warnings"));
  result.infos = TRY(texts_of(response, "infos"));
  return result;
}

Result<std::vector<QueryNode>> parse_query_nodes(std::string_view text) {
  json::monotonic_resource memory;
  json::value root(&memory);
  const json::object& response = *TRY(response_of(text, root));
  std::vector<QueryNode> nodes;
  const auto* stats = member(member(response, "data")->get_object(), "stats");
  const auto* list =
      stats != nullptr && stats->is_object() ? member(stats->get_object(), "nodes") : nullptr;
  if (list == nullptr) return nodes;
  if (!list->is_array()) return unlike("its nodes are not an array");
  for (const auto& each : list->get_array()) nodes.push_back(TRY(node_of(each)));
  return nodes;
}

}  // namespace strata::wire
