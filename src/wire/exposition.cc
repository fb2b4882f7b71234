#include "wire/exposition.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>

#include "base/json.h"
#include "wire/exposition_number.h"
#include "wire/exposition_scan.h"

namespace strata::wire {
namespace {

struct TypeWord {
  std::string_view word;
  MetricType type;
  bool in_text;
  bool in_open_metrics;
};
constexpr TypeWord kTypeWords[] = {
    {"counter", MetricType::kCounter, true, true},
    {"gauge", MetricType::kGauge, true, true},
    {"histogram", MetricType::kHistogram, true, true},
    {"summary", MetricType::kSummary, true, true},
    {"untyped", MetricType::kUnknown, true, false},
    {"unknown", MetricType::kUnknown, false, true},
    {"gaugehistogram", MetricType::kGaugeHistogram, false, true},
    {"info", MetricType::kInfo, false, true},
    {"stateset", MetricType::kStateSet, false, true},
};

constexpr const char* kNoEof = "the body ends without # EOF: was it cut off?";

}  // namespace

ExpositionParser::ExpositionParser(std::string_view body, ExpositionFormat format,
                                   Strictness strictness)
    : begin_(body.data()),
      end_(body.data() + body.size()),
      at_(begin_),
      entry_(begin_),
      format_(format),
      strictness_(strictness) {}

Result<Entry> ExpositionParser::next(std::string_view expected) {
  if (!read_entry(expected)) [[unlikely]] {
    return std::unexpected(error());
  }
  return kind_;
}

bool ExpositionParser::read_entry(std::string_view expected) {
  if (format_ == ExpositionFormat::kText) {
    while (at_ != end_ && (*at_ == '\n' || is_class(*at_, kBlankChar))) ++at_;
    entry_ = at_;
    if (at_ == end_) {
      kind_ = Entry::kEnd;
      return true;
    }
    return *at_ == '#' ? read_text_comment() : read_text_sample(expected);
  }
  entry_ = at_;
  if (ended_) return true;
  if (at_ == end_) return fail_at(at_, kNoEof);
  return *at_ == '#' ? read_open_metrics_comment() : read_open_metrics_sample(expected);
}

// A comment that begins with HELP or TYPE as a word of its own is metadata, any other is a comment.
bool ExpositionParser::read_text_comment() {
  const char* word = skip_blanks(at_ + 1, end_);
  const bool metadata = word != at_ + 1 && end_ - word > 4 && is_class(word[4], kBlankChar);
  if (metadata && std::memcmp(word, "HELP", 4) == 0) {
    at_ = skip_blanks(word + 4, end_);
    return read_metadata(Entry::kHelp);
  }
  if (metadata && std::memcmp(word, "TYPE", 4) == 0) {
    at_ = skip_blanks(word + 4, end_);
    return read_metadata(Entry::kType);
  }
  at_ = find_newline(at_, end_);
  text_ = view(entry_, at_);
  kind_ = Entry::kComment;
  return true;
}

bool ExpositionParser::read_open_metrics_comment() {
  const std::string_view rest = view(at_, end_);
  if (rest.starts_with("# EOF")) {
    at_ += 5;
    if (at_ != end_ && *at_ == '\n') ++at_;
    if (at_ != end_) return fail_at(at_, "nothing may follow # EOF");
    kind_ = Entry::kEnd;
    ended_ = true;
    return true;
  }
  Entry entry = Entry::kHelp;
  if (rest.starts_with("# TYPE ")) {
    entry = Entry::kType;
  } else if (rest.starts_with("# UNIT ")) {
    entry = Entry::kUnit;
  } else if (!rest.starts_with("# HELP ")) {
    return fail_at(at_, "expected # HELP, # TYPE, # UNIT or # EOF, each with single spaces");
  }
  at_ += 7;
  return read_metadata(entry);
}

// From the family's name on.
bool ExpositionParser::read_metadata(Entry entry) {
  const bool text = format_ == ExpositionFormat::kText;
  const char* name = at_;
  if (at_ != end_ && *at_ == '"') {
    Fault fault;
    const char* after = scan_quoted(at_, end_, false, fault);
    if (after == nullptr) return fail_at(fault.at, fault.what);
    at_ = after;
    family_ = view(name + 1, at_ - 1);
  } else {
    if (at_ == end_ || !is_class(*at_, kMetricStart)) return fail_at(at_, "expected a metric name");
    at_ = skip_class(at_, end_, kMetricChar);
    family_ = view(name, at_);
  }
  if (family_.empty()) return fail_at(name, "a name is empty");
  const char* newline = find_newline(at_, end_);
  if (!text && newline == end_) return fail_at(end_, kNoEof);
  text_ = view(at_, newline);
  if (text_.empty()) {
    if (!text) return fail_at(at_, "expected a space and a text after the metric name");
  } else if (text && entry == Entry::kHelp && !is_class(text_[0], kBlankChar)) {
    // Help for what is no metric name (my.metric): nobody is misled when it is not taken.
    text_ = view(entry_, newline);
    at_ = newline;
    kind_ = Entry::kComment;
    return true;
  } else if (text ? !is_class(text_[0], kBlankChar) : text_[0] != ' ') {
    return fail_at(at_, "expected a blank after the metric name");
  } else if (text && text_.find_first_not_of(" \t") == std::string_view::npos) {
    text_ = {};
  } else {
    text_.remove_prefix(1);
  }
  kind_ = entry;
  if (entry == Entry::kType && !set_type(text_)) return fail_at(at_, "no such metric type");
  if (entry == Entry::kHelp && !is_utf8(text_)) return fail_at(at_, "the help is not UTF-8");
  if (entry == Entry::kUnit && !text_.empty()) {
    const bool suffix = family_.size() > text_.size() && family_.ends_with(text_) &&
                        family_[family_.size() - text_.size() - 1] == '_';
    if (!suffix) return fail_at(at_, "the metric's name does not end with its unit");
  }
  at_ = newline == end_ ? end_ : newline + 1;
  return true;
}

bool ExpositionParser::set_type(std::string_view word) {
  for (const TypeWord& known : kTypeWords) {
    const bool here = format_ == ExpositionFormat::kText ? known.in_text : known.in_open_metrics;
    if (here && known.word == word) {
      type_ = known.type;
      return true;
    }
  }
  return false;
}

// Goes past the series when the line starts with it.
bool ExpositionParser::read_expected(std::string_view expected) {
  as_expected_ = false;
  if (expected.empty() || static_cast<size_t>(end_ - at_) <= expected.size() ||
      std::memcmp(at_, expected.data(), expected.size()) != 0) {
    return false;
  }
  const char* after = at_ + expected.size();
  if (expected.back() != '}') {
    // A bare name: neither may it go on nor, after blanks, labels begin.
    if (!is_class(*after, kBlankChar)) return false;
    const char* next = skip_blanks(after, end_);
    if (next != end_ && *next == '{') return false;
  }
  series_ = view(at_, after);
  at_ = after;
  as_expected_ = true;
  return true;
}

bool ExpositionParser::read_text_sample(std::string_view expected) {
  if (!read_expected(expected)) {
    const bool named = is_class(*at_, kMetricStart);
    if (!named && *at_ != '{') return fail_at(at_, "expected a metric name, '{' or '#'");
    const char* p = named ? skip_class(at_ + 1, end_, kMetricChar) : at_;
    const char* brace = skip_blanks(p, end_);
    if (brace != end_ && *brace == '{') {
      Fault fault;
      p = scan_labels<LabelSyntax::kText>(brace + 1, end_, named, fault, NoSink{});
      if (p == nullptr) return fail_at(fault.at, fault.what);
    } else if (brace == p) {
      return fail_at(p, "expected a blank or '{' after the metric name");
    }
    series_ = view(at_, p);
    at_ = p;
  }
  at_ = skip_blanks(at_, end_);
  if (!read_value()) return false;
  at_ = skip_blanks(at_, end_);
  if (!read_text_timestamp()) return false;
  kind_ = Entry::kSample;
  return true;
}

// The rest of the line, after the value and blanks.
bool ExpositionParser::read_text_timestamp() {
  timestamp_.reset();
  if (at_ != end_ && *at_ != '\n') {
    TimestampMs t = 0;
    const auto [after, problem] = std::from_chars(at_, end_, t);
    if (problem != std::errc{} || *at_ == '-') {
      return fail_at(at_, "expected a timestamp (whole milliseconds) or the end of the line");
    }
    timestamp_ = t;
    at_ = skip_blanks(after, end_);
    if (at_ != end_ && *at_ != '\n') return fail_at(at_, "expected the end of the line");
  }
  if (at_ != end_) ++at_;
  return true;
}

bool ExpositionParser::read_open_metrics_sample(std::string_view expected) {
  if (!read_expected(expected)) {
    const bool named = is_class(*at_, kMetricStart);
    if (!named && *at_ != '{') return fail_at(at_, "expected a metric name, '{' or '#'");
    const char* p = named ? skip_class(at_ + 1, end_, kMetricChar) : at_;
    if (p != end_ && *p == '{') {
      Fault fault;
      p = strictness_ == Strictness::kScrape
              ? scan_labels<LabelSyntax::kOpenMetrics>(p + 1, end_, named, fault, NoSink{})
              : scan_labels<LabelSyntax::kStrict>(p + 1, end_, named, fault, NoSink{});
      if (p == nullptr) return fail_at(fault.at, fault.what);
    }
    series_ = view(at_, p);
    at_ = p;
  }
  if (at_ == end_) return fail_at(at_, kNoEof);
  if (*at_ != ' ') return fail_at(at_, "expected one space before the value");
  ++at_;
  if (!read_value() || !read_open_metrics_tail()) return false;
  kind_ = Entry::kSample;
  return true;
}

// Leaves at_ at the blank, newline or end that follows the number.
bool ExpositionParser::read_value() {
  const bool text = format_ == ExpositionFormat::kText;
  const auto ends_word = [&](const char* p) {
    return p == end_ || *p == '\n' || *p == ' ' || (text && *p == '\t');
  };
  const char* after = scan_short_decimal(at_, end_, &value_);
  if (after == nullptr || !ends_word(after)) {
    after = at_;
    while (!ends_word(after)) ++after;
    if (after == at_) return fail_at(at_, "expected a value");
    const auto value = parse_value(view(at_, after));
    if (!value) return fail_at(at_, "the value is not a number");
    value_ = *value;
  }
  at_ = after;
  return true;
}

// What may follow a value: a timestamp, an exemplar, the newline.
bool ExpositionParser::read_open_metrics_tail() {
  timestamp_.reset();
  exemplar_ = {};
  if (at_ != end_ && *at_ == ' ' && !view(at_, end_).starts_with(" # {")) {
    if (!read_open_metrics_timestamp(&timestamp_)) return false;
  }
  if (at_ != end_ && *at_ == ' ') {
    if (!view(at_, end_).starts_with(" # {")) {
      return fail_at(at_, "expected \" # {\" (an exemplar) or the end of the line");
    }
    if (!read_exemplar()) return false;
  }
  if (at_ == end_) return fail_at(at_, kNoEof);
  if (*at_ != '\n') return fail_at(at_, "expected the end of the line");
  ++at_;
  return true;
}

// From the space before it to the space or newline after it.
bool ExpositionParser::read_open_metrics_timestamp(std::optional<TimestampMs>* timestamp) {
  const char* word = ++at_;
  while (at_ != end_ && *at_ != ' ' && *at_ != '\n') ++at_;
  *timestamp = parse_seconds(view(word, at_));
  if (!*timestamp) return fail_at(word, "the timestamp is not a number of seconds");
  return true;
}

bool ExpositionParser::read_exemplar() {
  const char* brace = at_ + 3;
  Fault fault;
  at_ = scan_labels<LabelSyntax::kExemplar>(brace + 1, end_, true, fault, NoSink{});
  if (at_ == nullptr) return fail_at(fault.at, fault.what);
  exemplar_ = view(brace, at_);
  if (at_ == end_ || *at_ != ' ')
    return fail_at(at_, "expected one space and the exemplar's value");
  ++at_;
  const double sample_value = value_;
  if (!read_value()) return false;
  exemplar_value_ = std::exchange(value_, sample_value);
  exemplar_timestamp_.reset();
  if (at_ != end_ && *at_ == ' ') return read_open_metrics_timestamp(&exemplar_timestamp_);
  return true;
}

bool ExpositionParser::fail_at(const char* at, const char* what) {
  fault_at_ = at;
  fault_ = what;
  return false;
}

Error ExpositionParser::error() const {
  constexpr ptrdiff_t kBefore = 60;
  constexpr ptrdiff_t kAfter = 20;
  const char* line = fault_at_;
  while (line != begin_ && line[-1] != '\n') --line;
  const char* excerpt = fault_at_ - line > kBefore ? fault_at_ - kBefore : line;
  const char* excerpt_end =
      find_newline(fault_at_, end_ - fault_at_ > kAfter ? fault_at_ + kAfter : end_);
  Error error{ErrorCode::kBadData, "line "};
  error.message += std::to_string(std::count(begin_, fault_at_, '\n') + 1);
  error.message += ", column ";
  error.message += std::to_string(fault_at_ - line + 1);
  error.message.append(": ").append(fault_).append(", in ");
  append_json_string(error.message, view(excerpt, excerpt_end));
  return error;
}

size_t ExpositionParser::line() const {
  return static_cast<size_t>(std::count(begin_, entry_, '\n')) + 1;
}

}  // namespace strata::wire
