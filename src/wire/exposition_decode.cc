// Decoding: what ExpositionParser does only when asked. The raw bytes were checked by next().
#include <algorithm>

#include "base/check.h"
#include "base/json.h"
#include "wire/exposition.h"
#include "wire/exposition_number.h"
#include "wire/exposition_scan.h"

namespace strata::wire {
namespace {

// Appends `raw` to `out` with \\, \" (where `quotes`) and \n replaced; any other backslash stays.
void append_unescaped(std::string& out, std::string_view raw, bool quotes) {
  for (size_t i = 0; i < raw.size(); ++i) {
    const char next = raw[i] == '\\' && i + 1 < raw.size() ? raw[i + 1] : '\0';
    if (next == 'n') {
      out += '\n';
      ++i;
    } else if (next == '\\' || (quotes && next == '"')) {
      out += next;
      ++i;
    } else {
      out += raw[i];
    }
  }
}

// Collects pairs and the metric's name as they stand in the body.
struct PairSink {
  std::vector<Label>& out;
  void name(std::string_view name) { out.push_back({kMetricName, name}); }
  void label(std::string_view name, std::string_view value) { out.push_back({name, value}); }
};

// The decoded text is longer than the raw one only where a float gets longer: "1" to "1.0", and at
// most to this.
constexpr size_t kLongestFloat = 26;

size_t utf8_chars(std::string_view text) {
  return static_cast<size_t>(
      std::ranges::count_if(text, [](char c) { return (c & 0xc0) != 0x80; }));
}

Error repeated_name(size_t line, std::string_view name) {
  Error error{ErrorCode::kBadData, "line " + std::to_string(line) + ": label name "};
  append_json_string(error.message, name.substr(0, 100));
  error.message += " occurs twice";
  return error;
}

}  // namespace

std::string_view ExpositionParser::unescape(std::string_view raw) {
  if (raw.find('\\') == std::string_view::npos) return raw;
  const size_t start = decoded_.size();
  DCHECK(decoded_.capacity() >= start + raw.size());
  append_unescaped(decoded_, raw, true);
  return std::string_view(decoded_).substr(start);
}

// Fills `out` from `raw`, a series or the braces of an exemplar, sorted. False when a name occurs
// twice; out[0] is then that label.
bool ExpositionParser::decode(std::string_view raw, bool is_exemplar, std::vector<Label>& out) {
  out.clear();
  const char* p = raw.data();
  const char* end = p + raw.size();
  const char* brace = is_exemplar ? p : skip_class(p, end, kMetricChar);
  const bool named = brace != p;
  if (named) out.push_back({kMetricName, view(p, brace)});
  brace = skip_blanks(brace, end);
  if (brace != end) {
    Fault fault;
    PairSink sink{out};
    // The laxest syntax of each kind reads what a stricter one accepted.
    const char* after = is_exemplar
                            ? scan_labels<LabelSyntax::kExemplar>(brace + 1, end, true, fault, sink)
                            : scan_labels<LabelSyntax::kText>(brace + 1, end, named, fault, sink);
    CHECK(after == end);
  }

  // Reserved first, because the views point into it.
  decoded_.clear();
  decoded_.reserve(raw.size() + out.size() * kLongestFloat);
  std::string_view float_label;
  if (!is_exemplar && strictness_ == Strictness::kScrape) {
    if (type_ == MetricType::kHistogram) float_label = "le";
    if (type_ == MetricType::kSummary) float_label = "quantile";
  }
  for (auto& [name, value] : out) {
    name = unescape(name);
    value = unescape(value);
    if (float_label.empty() || name != float_label) continue;
    if (const auto bound = parse_value(value)) {
      const size_t start = decoded_.size();
      append_open_metrics_float(decoded_, *bound);
      value = std::string_view(decoded_).substr(start);
    }
  }
  std::ranges::sort(out, {}, &Label::name);
  const auto twice = std::ranges::adjacent_find(out, {}, &Label::name);
  if (twice != out.end()) {
    out.front() = *twice;
    return false;
  }
  std::erase_if(out, [](const Label& label) { return label.value.empty(); });
  return true;
}

Result<> ExpositionParser::labels(std::vector<Label>& out) {
  if (!decode(series_, false, out)) {
    return std::unexpected(repeated_name(line(), out.front().name));
  }
  return {};
}

Result<> ExpositionParser::labels(LabelsBuilder& out) {
  std::vector<Label> sorted;
  TRY(labels(sorted));
  out.clear();
  for (const auto& [name, value] : sorted) out.set(name, value);
  return {};
}

Result<> ExpositionParser::exemplar(Exemplar& out) {
  if (!decode(exemplar_, true, exemplar_labels_)) {
    return std::unexpected(repeated_name(line(), exemplar_labels_.front().name));
  }
  size_t chars = 0;
  for (const auto& [name, value] : exemplar_labels_) chars += utf8_chars(name) + utf8_chars(value);
  if (chars > kMaxExemplarChars) {
    return fail(ErrorCode::kLimit, "line " + std::to_string(line()) +
                                       ": the exemplar's labels have " + std::to_string(chars) +
                                       " characters, more than " +
                                       std::to_string(kMaxExemplarChars));
  }
  out.labels = Labels::from_sorted(exemplar_labels_);
  out.value = exemplar_value_;
  out.timestamp = exemplar_timestamp_;
  return {};
}

std::string_view ExpositionParser::family() {
  decoded_.clear();
  decoded_.reserve(family_.size());
  return unescape(family_);
}

std::string_view ExpositionParser::text() {
  if (kind_ != Entry::kHelp || text_.find('\\') == std::string_view::npos) return text_;
  decoded_.clear();
  append_unescaped(decoded_, text_, format_ == ExpositionFormat::kOpenMetrics);
  return decoded_;
}

}  // namespace strata::wire
