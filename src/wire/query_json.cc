#include "wire/query_json.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstring>

#include "base/check.h"
#include "base/json.h"
#include "base/number.h"
#include "model/histogram_buckets.h"

namespace strata::wire {
namespace {

constexpr std::string_view kTypeNames[] = {"scalar", "string", "vector", "matrix"};

// Most values that people watch have few decimals: counts, ratios, milliseconds. When `value` is
// exactly what its first six decimals read back as, those digits are the shortest ones (fifteen
// digits at most: only one decimal that short is near any double). A third of to_chars' time.
char* write_short_decimal(char* out, double value) {
  constexpr double kScale = 1e6;
  constexpr double kLimit = 1e8;
  if (!(std::fabs(value) < kLimit)) return nullptr;
  const double scaled = std::nearbyint(value * kScale);
  if (scaled / kScale != value) return nullptr;
  if (std::signbit(value)) *out++ = '-';
  const auto digits = static_cast<uint64_t>(std::fabs(scaled));
  out = std::to_chars(out, out + 10, digits / 1'000'000).ptr;
  auto rest = static_cast<uint32_t>(digits % 1'000'000);
  if (rest == 0) return out;
  *out++ = '.';
  char* const end = out + 6;
  for (char* p = end; p != out; rest /= 10) *--p = static_cast<char>('0' + rest % 10);
  char* last = end;
  while (last[-1] == '0') --last;
  return last;
}

char* write_seconds(char* out, TimestampMs t) {
  // The magnitude of the least integer fits only unsigned.
  uint64_t ms = static_cast<uint64_t>(t);
  if (t < 0) {
    *out++ = '-';
    ms = 0 - ms;
  }
  out = std::to_chars(out, out + 20, ms / 1000).ptr;
  const auto fraction = static_cast<unsigned>(ms % 1000);
  if (fraction == 0) return out;
  *out++ = '.';
  *out++ = static_cast<char>('0' + fraction / 100);
  *out++ = static_cast<char>('0' + fraction / 10 % 10);
  *out++ = static_cast<char>('0' + fraction % 10);
  return out;
}

constexpr size_t kLongestValue = 40;  // 17 digits, sign, point, 21 places before it, quotes
constexpr size_t kLongestTimestamp = 24;

char* copy(char* out, std::string_view text) {
  return static_cast<char*>(std::memcpy(out, text.data(), text.size())) + text.size();
}

char* write_value(char* out, double value) {
  *out++ = '"';
  const double magnitude = std::fabs(value);
  if (char* after = write_short_decimal(out, value)) {
    out = after;
  } else if (magnitude < 1e-6 || (magnitude >= 1e21 && std::isfinite(value))) {
    // As jsonutil.MarshalFloat does.
    out = std::to_chars(out, out + kLongestValue, value, std::chars_format::scientific).ptr;
  } else if (magnitude < 1e15) {
    out = std::to_chars(out, out + kLongestValue, value, std::chars_format::fixed).ptr;
  } else {
    out = copy(out, format_double(value));
  }
  *out++ = '"';
  return out;
}

/// Times as text, remembered by their place among the points of a series: series of one answer
/// mostly have the same steps.
class WrittenTimes {
 public:
  /// Of the `place`-th point.
  char* write(char* out, size_t place, TimestampMs t) {
    if (place >= kMax) return write_seconds(out, t);
    if (place >= known_.size()) known_.resize(place + 1);
    Text& text = known_[place];
    if (text.length == 0 || text.t != t) {
      text.t = t;
      text.length = static_cast<uint32_t>(write_seconds(text.bytes, t) - text.bytes);
    }
    // A whole one, however long it is: that is one copy of a fixed size.
    std::memcpy(out, text.bytes, sizeof text.bytes);
    return out + text.length;
  }

 private:
  static constexpr size_t kMax = 16384;  // 640 KiB
  struct Text {
    TimestampMs t = 0;
    uint32_t length = 0;
    char bytes[kLongestTimestamp] = {};
  };
  std::vector<Text> known_;
};

void append_float_points(std::string& out, const std::vector<Point>& points) {
  static thread_local WrittenTimes times;
  // In pieces: a string that is grown by bytes checks its capacity for each.
  constexpr size_t kPieces = 64;
  constexpr size_t kLongestPoint = kLongestTimestamp + kLongestValue + 4;
  std::array<char, kPieces * kLongestPoint> buffer;
  char* at = buffer.data();
  bool first = true;
  for (size_t i = 0; i < points.size(); ++i) {
    const Point& point = points[i];
    if (point.h) continue;
    if (!first) *at++ = ',';
    first = false;
    *at++ = '[';
    at = times.write(at, i, point.t);
    *at++ = ',';
    at = write_value(at, point.v);
    *at++ = ']';
    if (static_cast<size_t>(buffer.data() + buffer.size() - at) < kLongestPoint) {
      out.append(buffer.data(), at);
      at = buffer.data();
    }
  }
  out.append(buffer.data(), at);
}

void append_histogram_point(std::string& out, const Point& point) {
  out += '[';
  append_timestamp_json(out, point.t);
  out += ',';
  append_histogram_json(out, *point.h);
  out += ']';
}

void append_strings(std::string& out, std::string_view key, std::span<const std::string> texts) {
  if (texts.empty()) return;
  out.append(",\"").append(key).append("\":");
  char before = '[';
  for (const auto& text : texts) {
    out += before;
    before = ',';
    append_json_string(out, text);
  }
  out += ']';
}

}  // namespace

void append_timestamp_json(std::string& out, TimestampMs t) {
  char text[kLongestTimestamp];
  out.append(text, write_seconds(text, t));
}

void append_value_json(std::string& out, double value) {
  char text[kLongestValue + 2];
  out.append(text, write_value(text, value));
}

void append_labels_json(std::string& out, const Labels& labels) {
  char before = '{';
  for (const auto& label : labels) {
    out += before;
    before = ',';
    append_json_string(out, label.name);
    out += ':';
    append_json_string(out, label.value);
  }
  out += before == '{' ? "{}" : "}";
}

void append_histogram_json(std::string& out, const FloatHistogram& histogram) {
  out += "{\"count\":";
  append_value_json(out, histogram.count);
  out += ",\"sum\":";
  append_value_json(out, histogram.sum);
  std::vector<HistogramBucket> buckets;
  list_buckets(histogram, buckets);
  bool any = false;
  for (const auto& bucket : buckets) {
    if (bucket.count == 0) continue;
    out += any ? ",[" : ",\"buckets\":[[";
    any = true;
    if (bucket.lower_inclusive) {
      out += bucket.upper_inclusive ? '3' : '1';
    } else {
      out += bucket.upper_inclusive ? '0' : '2';
    }
    for (const double value : {bucket.lower, bucket.upper, bucket.count}) {
      out += ',';
      append_value_json(out, value);
    }
    out += ']';
  }
  out += any ? "]}" : "}";
}

QueryResponseWriter::QueryResponseWriter(std::string& out, Type type) : out_(out), type_(type) {
  out_ += "{\"status\":\"success\",\"data\":{\"resultType\":\"";
  out_ += kTypeNames[static_cast<size_t>(type)];
  out_ += "\",\"result\":[";
}

void QueryResponseWriter::separate() {
  if (!first_) out_ += ',';
  first_ = false;
}

void QueryResponseWriter::add(const Scalar& scalar) {
  DCHECK(type_ == Type::kScalar && first_);
  first_ = false;
  append_timestamp_json(out_, scalar.t);
  out_ += ',';
  append_value_json(out_, scalar.v);
}

void QueryResponseWriter::add(const StringValue& string) {
  DCHECK(type_ == Type::kString && first_);
  first_ = false;
  append_timestamp_json(out_, string.t);
  out_ += ',';
  append_json_string(out_, string.v);
}

void QueryResponseWriter::add(const VectorSample& sample) {
  DCHECK(type_ == Type::kVector);
  separate();
  out_ += "{\"metric\":";
  append_labels_json(out_, sample.metric);
  if (sample.point.h) {
    out_ += ",\"histogram\":";
    append_histogram_point(out_, sample.point);
  } else {
    out_ += ",\"value\":[";
    append_timestamp_json(out_, sample.point.t);
    out_ += ',';
    append_value_json(out_, sample.point.v);
    out_ += ']';
  }
  out_ += '}';
}

void QueryResponseWriter::add(const MatrixSeries& series) {
  DCHECK(type_ == Type::kMatrix);
  separate();
  out_ += "{\"metric\":";
  append_labels_json(out_, series.metric);
  size_t histograms = 0;
  for (const auto& point : series.points) histograms += point.h != nullptr;
  if (histograms != series.points.size()) {
    out_ += ",\"values\":[";
    append_float_points(out_, series.points);
    out_ += ']';
  }
  if (histograms > 0) {
    char before = '[';
    out_ += ",\"histograms\":";
    for (const auto& point : series.points) {
      if (!point.h) continue;
      out_ += before;
      before = ',';
      append_histogram_point(out_, point);
    }
    out_ += ']';
  }
  out_ += '}';
}

void QueryResponseWriter::finish(std::span<const std::string> warnings,
                                 std::span<const std::string> infos, std::string_view stats) {
  out_ += ']';
  if (!stats.empty()) out_.append(",\"stats\":").append(stats);
  out_ += '}';
  append_strings(out_, "warnings", warnings);
  append_strings(out_, "infos", infos);
  out_ += '}';
}

void append_query_response(std::string& out, const QueryResult& result) {
  using Type = QueryResponseWriter::Type;
  const auto write = [&]<class T>(const T& value) {
    if constexpr (std::is_same_v<T, Scalar> || std::is_same_v<T, StringValue>) {
      QueryResponseWriter writer(out, std::is_same_v<T, Scalar> ? Type::kScalar : Type::kString);
      writer.add(value);
      writer.finish(result.warnings, result.infos);
    } else {
      QueryResponseWriter writer(out, std::is_same_v<T, Vector> ? Type::kVector : Type::kMatrix);
      for (const auto& each : value) writer.add(each);
      writer.finish(result.warnings, result.infos);
    }
  };
  std::visit(write, result.value);
}

void append_error_response(std::string& out, std::string_view error_type,
                           std::string_view message) {
  out += "{\"status\":\"error\",\"errorType\":";
  append_json_string(out, error_type);
  out += ",\"error\":";
  append_json_string(out, message);
  out += '}';
}

}  // namespace strata::wire
