#include "promql/series_description.h"

#include <array>
#include <cmath>
#include <string>

#include "base/number.h"
#include "model/duration.h"
#include "model/sample.h"
#include "promql/histogram_ops.h"
#include "promql/parser.h"
#include "promql/quote.h"

namespace strata::promql {
namespace {

bool is_space(char c) { return c == ' ' || c == '\t'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

SequenceValue omitted() {
  SequenceValue value;
  value.omitted = true;
  return value;
}
SequenceValue float_value(double v) {
  SequenceValue value;
  value.v = v;
  return value;
}
SequenceValue histogram_value(HistogramPtr h, bool hint_given) {
  SequenceValue value;
  value.h = std::move(h);
  value.hint_given = hint_given;
  return value;
}

/// Reads the items of a sequence one after the other.
class SequenceReader {
 public:
  explicit SequenceReader(std::string_view text) : text_(text) {}

  Result<std::vector<SequenceValue>> run() {
    while (skip_space(), !at_end()) {
      TRY(read_item());
      if (!at_end() && !is_space(peek())) return error("expected a space");
    }
    return std::move(values_);
  }

 private:
  bool at_end() const { return at_ >= text_.size(); }
  char peek() const { return at_end() ? '\0' : text_[at_]; }
  void skip_space() {
    while (!at_end() && is_space(peek())) ++at_;
  }
  bool accept(std::string_view word) {
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }
  std::unexpected<Error> error(std::string_view what) const {
    return bad_data(
        fmt::format("series values: {} at column {} of {}", what, at_ + 1, quoted(text_)));
  }

  Result<> append(const SequenceValue& value) {
    if (values_.size() >= kMaxSequence) return error("too many values");
    values_.push_back(value);
    return {};
  }

  // "x5" behind an item: how often it is repeated; 0 when it is not there.
  Result<size_t> read_times() {
    if (!accept("x")) return size_t{0};
    const size_t begin = at_;
    while (is_digit(peek())) ++at_;
    const auto times = parse_uint(text_.substr(begin, at_ - begin));
    if (!times || *times > kMaxSequence) return error("invalid repetition");
    return *times;
  }

  Result<> read_item() {
    if (text_.substr(at_).starts_with("{{")) return read_histogram_item();
    if (peek() == '_') {
      ++at_;
      const size_t times = TRY(read_times());
      for (size_t i = 0; i < std::max<size_t>(times, 1); ++i) TRY(append(omitted()));
      return {};
    }
    double v = TRY(read_value());
    double step = 0;
    if (peek() == '+' || peek() == '-') step = TRY(read_value());
    const size_t times = TRY(read_times());
    for (size_t i = 0; i <= times; ++i) {
      TRY(append(float_value(v)));
      v += step;
    }
    return {};
  }

  // A number, a duration (in seconds), or "stale".
  Result<double> read_value() {
    if (accept("stale")) return stale_nan();
    double sign = 1;
    if (peek() == '+' || peek() == '-') sign = text_[at_++] == '-' ? -1 : 1;
    const size_t begin = at_;
    if (is_alpha(peek())) {
      while (is_alpha(peek()) && peek() != 'x') ++at_;
    } else {
      scan_number();
    }
    const std::string_view word = text_.substr(begin, at_ - begin);
    if (const auto number = parse_double(word)) return sign * *number;
    if (const auto duration = parse_duration(word)) {
      return sign * static_cast<double>(duration->count()) / 1000;
    }
    return error("expected a number or \"stale\"");
  }

  void scan_number() {
    constexpr std::string_view kUnits = "smhdwy";
    while (!at_end() && (is_digit(peek()) || peek() == '.' || kUnits.contains(peek()) ||
                         peek() == 'e' || peek() == 'E')) {
      const bool exponent = peek() == 'e' || peek() == 'E';
      ++at_;
      if (exponent && (peek() == '+' || peek() == '-')) ++at_;
    }
  }

  Result<> read_histogram_item() {
    bool hint_given = false;
    const FloatHistogram first = TRY(read_histogram(hint_given));
    if (peek() != '+' && peek() != '-') {
      const size_t times = TRY(read_times());
      const auto shared = std::make_shared<FloatHistogram>(first);
      for (size_t i = 0; i <= times; ++i) TRY(append(histogram_value(shared, hint_given)));
      return {};
    }
    const bool subtract = text_[at_++] == '-';
    const FloatHistogram step = TRY(read_histogram(hint_given));
    const size_t times = TRY(read_times());
    FloatHistogram current = first;
    TRY(append(histogram_value(std::make_shared<FloatHistogram>(current), hint_given)));
    for (size_t i = 0; i < times; ++i) {
      if (current.schema > step.schema) {
        return error(fmt::format("cannot merge from schema {} to {}", step.schema, current.schema));
      }
      HistogramAccumulator next(current);
      if (!(subtract ? next.subtract(step) : next.add(step))) return error("histograms do not fit");
      current = next.result();
      TRY(append(histogram_value(std::make_shared<FloatHistogram>(current), hint_given)));
    }
    return {};
  }

  struct Buckets {
    std::vector<double> counts;
    int32_t offset = 0;
  };

  Result<FloatHistogram> read_histogram(bool& hint_given) {
    if (!accept("{{")) return error("expected a histogram");
    FloatHistogram h;
    Buckets positive, negative;
    hint_given = false;
    while (skip_space(), !accept("}}")) {
      const size_t begin = at_;
      while (is_alpha(peek())) ++at_;
      const std::string key(text_.substr(begin, at_ - begin));
      if (!accept(":")) return error("expected a key of a histogram and ':'");
      if (key == "counter_reset_hint") {
        h.counter_reset_hint = TRY(read_hint());
        hint_given = true;
      } else if (key == "buckets") {
        positive.counts = TRY(read_list());
      } else if (key == "n_buckets") {
        negative.counts = TRY(read_list());
      } else if (key == "custom_values") {
        h.custom_values = TRY(read_list());
      } else {
        const double v = TRY(read_value());
        TRY(set_field(h, positive, negative, key, v));
      }
    }
    const auto place = [](const Buckets& from, std::vector<BucketSpan>& spans,
                          std::vector<double>& counts) {
      if (from.counts.empty()) return;
      spans.push_back({from.offset, static_cast<uint32_t>(from.counts.size())});
      counts = from.counts;
    };
    place(positive, h.positive_spans, h.positive_buckets);
    place(negative, h.negative_spans, h.negative_buckets);
    return h;
  }

  Result<> set_field(FloatHistogram& h, Buckets& positive, Buckets& negative, std::string_view key,
                     double v) {
    if (key == "schema") {
      h.schema = TRY(small_integer(v));
      const bool known = (h.schema >= -4 && h.schema <= 8) || h.uses_custom_buckets();
      if (!known) return error("unknown schema");
    } else if (key == "sum") {
      h.sum = v;
    } else if (key == "count") {
      h.count = v;
    } else if (key == "z_bucket") {
      h.zero_count = v;
    } else if (key == "z_bucket_w") {
      h.zero_threshold = v;
    } else if (key == "offset") {
      positive.offset = TRY(small_integer(v));
    } else if (key == "n_offset") {
      negative.offset = TRY(small_integer(v));
    } else {
      return error("unknown key of a histogram");
    }
    return {};
  }

  // Bounded, so that indices of buckets stay far from overflowing.
  Result<int32_t> small_integer(double v) const {
    constexpr double kLimit = 1e6;
    if (!(std::abs(v) <= kLimit)) return error("expected a small integer");
    return static_cast<int32_t>(v);
  }

  Result<std::vector<double>> read_list() {
    if (!accept("[")) return error("expected '['");
    std::vector<double> out;
    while (skip_space(), !accept("]")) out.push_back(TRY(read_value()));
    return out;
  }

  Result<CounterResetHint> read_hint() {
    constexpr auto kHints =
        std::to_array<std::string_view>({"unknown", "reset", "not_reset", "gauge"});
    for (size_t i = 0; i < kHints.size(); ++i) {
      if (accept(kHints[i])) return static_cast<CounterResetHint>(i);
    }
    return error("unknown counter reset hint");
  }

  const std::string_view text_;
  size_t at_ = 0;
  std::vector<SequenceValue> values_;
};

// Where the labels end and the values begin.
size_t end_of_metric(std::string_view line) {
  size_t i = 0;
  while (i < line.size() && line[i] != '{' && line[i] != '@' && !is_space(line[i])) ++i;
  if (i == line.size() || line[i] != '{') return i;
  char quote = '\0';
  for (; i < line.size(); ++i) {
    if (quote != '\0') {
      if (line[i] == '\\' && quote != '`') {
        ++i;
      } else if (line[i] == quote) {
        quote = '\0';
      }
    } else if (line[i] == '"' || line[i] == '\'' || line[i] == '`') {
      quote = line[i];
    } else if (line[i] == '}') {
      return i + 1;
    }
  }
  return line.size();
}

}  // namespace

Result<SeriesDescription> parse_series_description(std::string_view line) {
  const size_t end = end_of_metric(line);
  SeriesDescription out;
  out.labels = TRY(parse_metric(line.substr(0, end)));
  std::string_view rest = line.substr(end);
  out.is_start_times = rest.starts_with("@st");
  if (out.is_start_times) rest.remove_prefix(3);
  out.values = TRY(parse_sequence(rest));
  return out;
}

Result<std::vector<SequenceValue>> parse_sequence(std::string_view text) {
  return SequenceReader(text).run();
}

}  // namespace strata::promql
