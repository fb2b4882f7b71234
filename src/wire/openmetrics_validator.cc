#include "wire/openmetrics_validator.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/json.h"
#include "wire/exposition_number.h"

namespace strata::wire {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// What a family's samples may be called: its name and one of these.
std::vector<std::string_view> suffixes_of(MetricType type) {
  switch (type) {
    case MetricType::kCounter: return {"_total", "_created"};
    case MetricType::kSummary: return {"", "_count", "_sum", "_created"};
    case MetricType::kHistogram: return {"_bucket", "_count", "_sum", "_created"};
    case MetricType::kGaugeHistogram: return {"_bucket", "_gcount", "_gsum"};
    case MetricType::kInfo: return {"_info"};
    case MetricType::kUnknown:
    case MetricType::kGauge:
    case MetricType::kStateSet: return {""};
  }
  return {""};
}

bool is_any_of(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::ranges::find(words, text) != words.end();
}

bool has_buckets(MetricType type) {
  return type == MetricType::kHistogram || type == MetricType::kGaugeHistogram;
}

std::string quote(std::string_view text) {
  std::string out;
  append_json_string(out, text.substr(0, 200));
  return out;
}

// The buckets, count and sum of one histogram at one time.
class BucketCheck {
 public:
  // Empty, or what is wrong.
  std::string_view bucket(double bound, double count) {
    seen_ = true;
    if (last_bound_ && !(bound > *last_bound_)) return "its buckets are not in ascending order";
    if (last_bound_ && count < last_count_) return "a bucket counts less than the one before it";
    negative_bounds_ = negative_bounds_ || bound < 0;
    last_bound_ = bound;
    last_count_ = count;
    return {};
  }
  void count(double value) {
    seen_ = true;
    count_ = value;
  }
  void sum(double value, bool of_gauges) {
    seen_ = true;
    has_sum_ = true;
    of_gauges_ = of_gauges;
    negative_sum_ = value < 0;
  }

  std::string_view finish() const {
    if (!seen_) return {};
    if (last_bound_ != kInfinity) return "it has no bucket with le=\"+Inf\"";
    if (count_ && *count_ != last_count_) return "its count is not that of the +Inf bucket";
    if (has_sum_ && !count_) return "it has a sum but no count";
    if (count_ && !has_sum_) return "it has a count but no sum";
    if (has_sum_ && negative_bounds_ && !of_gauges_) {
      return "a histogram with negative buckets may not have a sum";
    }
    if (negative_sum_ && !negative_bounds_) return "its sum is negative but no bucket is";
    return {};
  }

 private:
  bool seen_ = false;
  std::optional<double> last_bound_;
  double last_count_ = 0;
  std::optional<double> count_;
  bool has_sum_ = false;
  bool of_gauges_ = false;
  bool negative_sum_ = false;
  bool negative_bounds_ = false;
};

struct Family {
  std::string name;
  MetricType type = MetricType::kUnknown;
  bool has_type = false;
  bool has_help = false;
  bool has_unit = false;
  bool with_unit = false;  // and not the empty one
  bool has_samples = false;

  std::optional<std::string> group;  // the one being read
  std::optional<TimestampMs> group_time;
  std::unordered_set<std::string> groups;       // all so far
  std::unordered_set<std::string> group_names;  // series of the group that have no timestamp
  BucketCheck buckets;

  // Of a sample's name, when it may be one of this family.
  std::optional<std::string_view> suffix(std::string_view sample) const {
    if (!sample.starts_with(name)) return std::nullopt;
    sample.remove_prefix(name.size());
    for (const auto known : suffixes_of(type)) {
      if (known == sample) return sample;
    }
    return std::nullopt;
  }
};

}  // namespace

struct OpenMetricsValidator::State {
  std::optional<Family> family;
  std::unordered_set<std::string> names;  // of all families before, with their suffixes
  std::vector<Label> labels;
  Exemplar exemplar;
  size_t line = 0;

  std::unexpected<Error> wrong(std::string_view what) const {
    std::string message = "line " + std::to_string(line) + ": ";
    if (family) message += "metric family " + quote(family->name) + ": ";
    return bad_data(message.append(what));
  }

  Result<> begin_family(std::string_view name) {
    TRY(end_family());
    family.emplace().name = name;
    return {};
  }

  Result<> end_family() {
    if (!family) return {};
    TRY(end_buckets());
    const auto claim = [&](std::string_view suffix) {
      return names.insert(family->name + std::string(suffix)).second;
    };
    const auto suffixes = suffixes_of(family->type);
    bool free = claim("");
    for (const auto suffix : suffixes) free = (suffix.empty() || claim(suffix)) && free;
    if (!free) return wrong("its name, or one that its samples may have, was used before");
    family.reset();
    return {};
  }

  Result<> end_buckets() {
    const auto problem = family->buckets.finish();
    if (!problem.empty()) return wrong(problem);
    family->buckets = {};
    return {};
  }

  Result<> metadata(Entry entry, ExpositionParser& parser) {
    const std::string name(parser.family());
    if (!family || family->name != name) TRY(begin_family(name));
    if (family->has_samples) return wrong("metadata may not come after samples");
    bool& seen = entry == Entry::kType   ? family->has_type
                 : entry == Entry::kHelp ? family->has_help
                                         : family->has_unit;
    if (seen) return wrong("the same metadata twice");
    seen = true;
    if (entry == Entry::kType) family->type = parser.type();
    if (entry == Entry::kUnit) family->with_unit = !parser.text().empty();
    if (family->with_unit &&
        (family->type == MetricType::kInfo || family->type == MetricType::kStateSet)) {
      return wrong("info and stateset have no unit");
    }
    return {};
  }

  std::string_view label(std::string_view name) const {
    const auto found = std::ranges::find(labels, name, &Label::name);
    return found == labels.end() ? std::string_view() : found->value;
  }

  Result<> sample(ExpositionParser& parser) {
    TRY(parser.labels(labels));
    const std::string_view name = label(kMetricName);
    if (!family || !family->suffix(name)) TRY(begin_family(name));
    family->has_samples = true;
    const std::string_view suffix = *family->suffix(name);
    TRY(check_labels(suffix));
    TRY(check_value(suffix, parser.value()));
    if (family->type != MetricType::kInfo) TRY(check_group(suffix, parser.timestamp()));
    TRY(check_buckets(suffix, parser.value()));
    return check_exemplar(suffix, parser);
  }

  Result<> check_labels(std::string_view suffix) const {
    if (suffix == "_bucket") {
      const std::string_view le = label("le");
      const auto bound = parse_value(le);
      if (!bound || std::isnan(*bound) || (std::isinf(*bound) && le != "+Inf" && le != "-Inf")) {
        return wrong("a bucket's le must be a number or +Inf, not " + quote(le));
      }
    }
    if (family->type == MetricType::kSummary && suffix.empty()) {
      const auto quantile = parse_value(label("quantile"));
      if (!quantile || !(*quantile >= 0 && *quantile <= 1)) {
        return wrong("a quantile must be from 0 to 1, not " + quote(label("quantile")));
      }
    }
    if (family->type == MetricType::kStateSet && label(family->name).empty()) {
      return wrong("a state must be in the label that is called as the family");
    }
    return {};
  }

  Result<> check_value(std::string_view suffix, double value) const {
    const bool counts = is_any_of(suffix, {"_total", "_sum", "_count", "_bucket", "_gcount"});
    if ((counts || suffix == "_gsum") && std::isnan(value)) return wrong("a count may not be NaN");
    if (counts && value < 0) return wrong("a count may not be negative");
    switch (family->type) {
      case MetricType::kStateSet:
        if (value != 0 && value != 1) return wrong("a state is 0 or 1");
        break;
      case MetricType::kInfo:
        if (value != 1) return wrong("an info is 1");
        break;
      case MetricType::kSummary:
        if (suffix.empty() && value < 0) return wrong("a quantile's value may not be negative");
        break;
      default: break;
    }
    return {};
  }

  // Without the label that tells the samples of one metric apart.
  std::string group_key(std::string_view suffix) const {
    std::string_view inner = kMetricName;
    if (suffix == "_bucket") inner = "le";
    if (family->type == MetricType::kSummary && suffix.empty()) inner = "quantile";
    if (family->type == MetricType::kStateSet) inner = family->name;
    std::vector<Label> outer = labels;
    std::erase_if(outer, [&](const Label& label) {
      return label.name == inner || label.name == kMetricName;
    });
    return Labels::from_sorted(outer).bytes();
  }

  Result<> check_group(std::string_view suffix, std::optional<TimestampMs> time) {
    std::string key = group_key(suffix);
    const bool same = family->group == key;
    if (!same && family->groups.contains(key)) {
      return wrong("samples of one metric must stand together");
    }
    if (!same || family->group_time != time) TRY(end_buckets());
    if (!same) {
      family->groups.insert(key);
      family->group_names.clear();
      family->group = std::move(key);
    } else if (family->group_time.has_value() != time.has_value()) {
      return wrong("either all samples of a metric have timestamps or none");
    } else if (time && *family->group_time > *time) {
      return wrong("the timestamps of a metric go back");
    }
    family->group_time = time;
    if (!time && !family->group_names.insert(Labels::from_sorted(labels).bytes()).second) {
      return wrong("the same series twice without timestamps");
    }
    return {};
  }

  Result<> check_buckets(std::string_view suffix, double value) {
    if (!has_buckets(family->type)) return {};
    if (suffix == "_bucket") {
      const auto problem = family->buckets.bucket(*parse_value(label("le")), value);
      if (!problem.empty()) return wrong(problem);
    }
    if (is_any_of(suffix, {"_count", "_gcount"})) family->buckets.count(value);
    if (is_any_of(suffix, {"_sum", "_gsum"})) family->buckets.sum(value, suffix == "_gsum");
    return {};
  }

  Result<> check_exemplar(std::string_view suffix, ExpositionParser& parser) {
    if (!parser.has_exemplar()) return {};
    const bool allowed = (family->type == MetricType::kCounter && suffix == "_total") ||
                         (has_buckets(family->type) && suffix == "_bucket");
    if (!allowed) return wrong("only a counter's total and buckets have exemplars");
    return parser.exemplar(exemplar);
  }
};

OpenMetricsValidator::OpenMetricsValidator() : state_(std::make_unique<State>()) {}
OpenMetricsValidator::~OpenMetricsValidator() = default;

Result<> OpenMetricsValidator::check(Entry entry, ExpositionParser& parser) {
  state_->line = parser.line();
  switch (entry) {
    case Entry::kSample: return state_->sample(parser);
    case Entry::kType:
    case Entry::kHelp:
    case Entry::kUnit: return state_->metadata(entry, parser);
    case Entry::kComment: return {};
    case Entry::kEnd: return state_->end_family();
  }
  return {};
}

Result<> validate_open_metrics(std::string_view body) {
  ExpositionParser parser(body, ExpositionFormat::kOpenMetrics,
                          ExpositionParser::Strictness::kConformance);
  OpenMetricsValidator validator;
  for (;;) {
    const Entry entry = TRY(parser.next());
    TRY(validator.check(entry, parser));
    if (entry == Entry::kEnd) return {};
  }
}

}  // namespace strata::wire
