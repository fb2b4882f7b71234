#include "templates/functions.h"

#include <algorithm>
#include <cmath>

#include "base/number.h"
#include "base/quote.h"
#include "base/regex.h"
#include "base/utf8.h"
#include "model/duration.h"
#include "templates/builtins.h"
#include "templates/go_format.h"
#include "templates/time_text.h"

namespace strata::templates {
namespace {

using Arguments = std::span<const Value>;

// What a query found, one series of it.
class QuerySample final : public Object {
 public:
  QuerySample(Value labels, Value value) : labels_(std::move(labels)), value_(std::move(value)) {}
  Result<Value> member(std::string_view name, Arguments) const override {
    if (name == "Labels") return labels_;
    if (name == "Value") return value_;
    return fail(ErrorCode::kNotFound, "");
  }
  std::string text() const override {
    return fmt::format("{{{} {}}}", text_of(labels_), text_of(value_));
  }
  std::string_view type_name() const override { return "*template.sample"; }
  const Map& labels() const { return *labels_.map(); }
  const Value& value() const { return value_; }

 private:
  const Value labels_;  // a map
  const Value value_;
};

std::unexpected<Error> failed(std::string message) {
  return fail(ErrorCode::kExecution, std::move(message));
}

// Numbers, durations, and text that is a number: what the humanize functions take.
Result<double> number_argument(const Value& value) {
  if (const auto* v = value.as<double>()) return *v;
  if (const auto* v = value.as<int64_t>()) return static_cast<double>(*v);
  if (const auto* v = value.as<Duration>()) return static_cast<double>(v->nanoseconds) / 1e9;
  if (const auto* v = value.as<std::string>()) {
    if (const auto number = parse_double(*v)) return *number;
    return failed(fmt::format("strconv.ParseFloat: parsing {}: invalid syntax", quoted(*v)));
  }
  return failed("can't convert " + value.type_name() + " to float");
}

Result<const QuerySample*> sample_argument(const Value& value) {
  const auto* object = value.as<Value::ObjectPtr>();
  const auto* sample =
      object == nullptr ? nullptr : dynamic_cast<const QuerySample*>(object->get());
  if (sample == nullptr) return wrong_type("*template.sample", value);
  return sample;
}

Result<const List*> samples_argument(const Value& value) {
  const List* list = value.list();
  if (list == nullptr) return wrong_type("template.queryResult", value);
  return list;
}

template <class Body>
FunctionEntry text_function(Body body) {
  return {[body](Arguments a) -> Result<Value> {
            return Value(std::string(body(TRY(text_argument(a[0])))));
          },
          1, 1};
}

FunctionEntry number_function(std::string (*body)(double)) {
  return {[body](Arguments a) -> Result<Value> { return Value(body(TRY(number_argument(a[0])))); },
          1, 1};
}

char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 0x20) : c; }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 0x20) : c; }

// Two-byte letters of Latin-1, Greek and Cyrillic have capitals too; others stay as they are.
uint32_t changed_case(uint32_t rune, bool to_upper) {
  const auto shift = [&](uint32_t low, uint32_t high, uint32_t distance) {
    if (to_upper && rune >= low && rune <= high) return rune - distance;
    if (!to_upper && rune >= low - distance && rune <= high - distance) return rune + distance;
    return rune;
  };
  if (rune == 0xd7 || rune == 0xf7 || rune == 0xff) return rune;
  if (rune < 0x100) return shift(0xe0, 0xfe, 0x20);
  if (rune >= 0x391 && rune <= 0x3c9 && rune != 0x3c2) return shift(0x3b1, 0x3c9, 0x20);
  if (rune >= 0x410 && rune <= 0x44f) return shift(0x430, 0x44f, 0x20);
  if (rune >= 0x400 && rune <= 0x45f) return shift(0x450, 0x45f, 0x50);
  return rune;
}

std::string in_case(std::string_view text, bool to_upper) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    const size_t length = std::max<size_t>(1, utf8_sequence_length(text.substr(i)));
    if (length == 1) {
      out += to_upper ? upper(text[i]) : lower(text[i]);
    } else if (length == 2) {
      const auto first = static_cast<unsigned char>(text[i]);
      const auto second = static_cast<unsigned char>(text[i + 1]);
      const uint32_t rune = changed_case((first & 0x1fu) << 6 | (second & 0x3fu), to_upper);
      out += static_cast<char>(0xc0 | rune >> 6);
      out += static_cast<char>(0x80 | (rune & 0x3f));
    } else {
      out.append(text.substr(i, length));
    }
    i += length;
  }
  return out;
}

// Go's strings.Title: a letter behind anything that is no letter, digit or underscore.
std::string title(std::string_view text) {
  std::string out;
  bool begins = true;
  for (size_t i = 0; i < text.size();) {
    const size_t length = std::max<size_t>(1, utf8_sequence_length(text.substr(i)));
    const std::string_view letter = text.substr(i, length);
    out += begins ? in_case(letter, true) : std::string(letter);
    const char c = letter[0];
    const bool word = length > 1 || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                      (c >= '0' && c <= '9') || c == '_';
    begins = !word;
    i += length;
  }
  return out;
}

// '.' does not match a newline in Go unless the pattern asks for it.
Result<Regex> go_regex(const std::string& pattern) {
  return Regex::compile("(?-s:" + pattern + ")");
}

Result<Value> call_match(Arguments a) {
  const std::string pattern = TRY(text_argument(a[0]));
  const std::string text = TRY(text_argument(a[1]));
  const auto regex = go_regex(pattern);
  if (!regex) return failed("error parsing regexp: " + pattern);
  return Value(regex->partial_match(text));
}

Result<Value> call_replace_all(Arguments a) {
  const std::string pattern = TRY(text_argument(a[0]));
  const std::string replacement = TRY(text_argument(a[1]));
  const std::string text = TRY(text_argument(a[2]));
  const auto regex = go_regex(pattern);
  if (!regex) return failed("error parsing regexp: " + pattern);
  return Value(regex->replace_all(text, replacement));
}

// Without the port; of an IPv6 address in brackets, the address.
std::string strip_port(const std::string& host_port) {
  const size_t colon = host_port.rfind(':');
  if (host_port.starts_with('[')) {
    const size_t bracket = host_port.find(']');
    if (bracket == std::string::npos || bracket + 1 != colon) return host_port;
    return host_port.substr(1, bracket - 1);
  }
  if (colon == std::string::npos || host_port.find(':') != colon) return host_port;
  return host_port.substr(0, colon);
}

bool is_ipv4(std::string_view host) {
  return std::ranges::count(host, '.') == 3 &&
         host.find_first_not_of("0123456789.") == std::string_view::npos;
}

// host.domain:port to host:port; addresses stay.
std::string strip_domain(const std::string& host_port) {
  std::string host = host_port;
  std::string port;
  const std::string stripped = strip_port(host_port);
  if (stripped != host_port) {
    port = host_port.substr(host_port.rfind(':'));
    host = stripped;
  }
  if (is_ipv4(host) || host.contains(':')) return host_port;
  return host.substr(0, host.find('.')) + port;
}

// Seconds to an instant; beyond what nanoseconds can say is an error.
Result<Time> instant(double seconds) {
  const double nanoseconds = seconds * 1e9;
  if (!(nanoseconds > -9223372036854775808.0 && nanoseconds < 9223372036854775808.0)) {
    std::string text;
    append_float(text, seconds);
    return failed(text +
                  " cannot be represented as a nanoseconds timestamp since it overflows int64");
  }
  // Prometheus' times are milliseconds.
  return Time{static_cast<int64_t>(nanoseconds) / 1'000'000 * 1'000'000};
}

Result<Value> call_humanize_timestamp(Arguments a) {
  const double seconds = TRY(number_argument(a[0]));
  if (!std::isfinite(seconds)) {
    const Value value(seconds);
    return Value(sprintf("%.4g", std::span(&value, 1)));
  }
  return Value(time_text(TRY(instant(seconds))));
}

Result<Value> call_to_time(Arguments a) {
  const double seconds = TRY(number_argument(a[0]));
  return Value(TRY(instant(seconds)));
}

Result<Value> call_to_duration(Arguments a) {
  const double nanoseconds = TRY(number_argument(a[0]))
  *1e9;
  if (!(std::fabs(nanoseconds) < 9.2e18)) return failed("the duration overflows int64");
  return Value(Duration{static_cast<int64_t>(nanoseconds)});
}

Result<Value> call_parse_duration(Arguments a) {
  const std::string text = TRY(text_argument(a[0]));
  const auto duration = parse_duration(text);
  if (!duration) return failed(duration.error().message);
  return Value(static_cast<double>(duration->count()) / 1000);
}

Result<Value> call_first(Arguments a) {
  const List* samples = TRY(samples_argument(a[0]));
  if (samples->empty()) return failed("first() called on vector with no elements");
  return samples->front();
}

Result<Value> call_label(Arguments a) {
  const std::string name = TRY(text_argument(a[0]));
  const auto* sample = TRY(sample_argument(a[1]));
  const auto found = sample->labels().entries.find(name);
  return found == sample->labels().entries.end() ? Value("") : found->second;
}

Result<Value> call_value(Arguments a) {
  return TRY(sample_argument(a[0]))
  ->value();
}

Result<Value> call_strvalue(Arguments a) {
  const Value arguments[] = {Value("__value__"), a[0]};
  return call_label(arguments);
}

Result<Value> call_sort_by_label(Arguments a) {
  const std::string name = TRY(text_argument(a[0]));
  List sorted = *TRY(samples_argument(a[1]));
  const auto key = [&](const Value& value) -> std::string {
    const auto sample = sample_argument(value);
    if (!sample) return "";
    const auto found = (*sample)->labels().entries.find(name);
    return found == (*sample)->labels().entries.end() ? "" : text_of(found->second);
  };
  std::ranges::stable_sort(sorted, {}, key);
  return Value(std::move(sorted));
}

Result<Value> call_args(Arguments a) {
  Map map;
  for (size_t i = 0; i < a.size(); ++i) map.entries.emplace(fmt::format("arg{}", i), a[i]);
  return Value(std::move(map));
}

Result<Value> call_join(Arguments a) {
  const std::string separator = TRY(text_argument(a[0]));
  const List* list = a[1].list();
  if (list == nullptr) return wrong_type("[]string", a[1]);
  std::string out;
  for (size_t i = 0; i < list->size(); ++i) {
    if (i > 0) out += separator;
    append_text(out, (*list)[i]);
  }
  return Value(std::move(out));
}

FunctionEntry only_in_execution(std::string name, size_t arguments) {
  return {[name = std::move(name)](Arguments) -> Result<Value> {
            return failed(name + " is not available here");
          },
          arguments, arguments};
}

void add_text_functions(Functions& f) {
  f["title"] = text_function(title);
  f["toUpper"] = text_function([](const std::string& s) { return in_case(s, true); });
  f["toLower"] = text_function([](const std::string& s) { return in_case(s, false); });
  f["trimSpace"] = text_function([](const std::string& s) {
    const size_t begin = s.find_first_not_of(" \t\r\n\v\f");
    const size_t end = s.find_last_not_of(" \t\r\n\v\f");
    return begin == std::string::npos ? std::string() : s.substr(begin, end - begin + 1);
  });
  f["stripPort"] = text_function(strip_port);
  f["stripDomain"] = text_function(strip_domain);
  f["safeHtml"] = text_function([](const std::string& s) { return s; });
  f["safeUrl"] = text_function([](const std::string& s) { return s; });
  f["urlQueryEscape"] = text_function([](const std::string& s) { return query_escaped(s); });
  f["graphLink"] = text_function([](const std::string& s) { return graph_link(s); });
  f["tableLink"] = text_function([](const std::string& s) { return table_link(s); });
  f["match"] = {call_match, 2, 2};
  f["reReplaceAll"] = {call_replace_all, 3, 3};
  f["join"] = {call_join, 2, 2};
  f["stringSlice"] = {[](Arguments a) -> Result<Value> { return Value(List(a.begin(), a.end())); }};
  f["args"] = {call_args};
}

std::shared_ptr<const Functions> make_rule_functions() {
  Functions f;
  add_text_functions(f);
  f["humanize"] = number_function(humanize);
  f["humanize1024"] = number_function(humanize_1024);
  f["humanizeDuration"] = number_function(humanize_duration);
  f["humanizePercentage"] = number_function(humanize_percentage);
  f["humanizeTimestamp"] = {call_humanize_timestamp, 1, 1};
  f["toTime"] = {call_to_time, 1, 1};
  f["toDuration"] = {call_to_duration, 1, 1};
  f["parseDuration"] = {call_parse_duration, 1, 1};
  f["first"] = {call_first, 1, 1};
  f["label"] = {call_label, 2, 2};
  f["value"] = {call_value, 1, 1};
  f["strvalue"] = {call_strvalue, 1, 1};
  f["sortByLabel"] = {call_sort_by_label, 2, 2};
  f["query"] = only_in_execution("query", 1);
  f["now"] = only_in_execution("now", 0);
  f["externalURL"] = only_in_execution("externalURL", 0);
  f["pathPrefix"] = only_in_execution("pathPrefix", 0);
  return std::make_shared<const Functions>(std::move(f));
}

// Of "http://host:1/a/b" "/a/b".
std::string_view path_of(std::string_view url) {
  const size_t scheme = url.find("://");
  const size_t path = url.find('/', scheme == std::string_view::npos ? 0 : scheme + 3);
  return path == std::string_view::npos ? std::string_view() : url.substr(path);
}

}  // namespace

Result<std::string> text_argument(const Value& value) {
  if (const auto* text = value.as<std::string>()) return *text;
  return wrong_type("string", value);
}

std::shared_ptr<const Functions> rule_functions() {
  static const auto functions = make_rule_functions();
  return functions;
}

Functions query_functions(const QueryContext& context) {
  Functions f;
  f["query"] = {[&context](Arguments a) -> Result<Value> {
                  const std::string query = TRY(text_argument(a[0]));
                  const auto found = context.query(query, context.at);
                  if (!found) return failed(found.error().message);
                  List samples;
                  for (const VectorSample& sample : *found) {
                    samples.emplace_back(std::make_shared<const QuerySample>(
                        labels_value(sample.metric), Value(sample.point.v)));
                  }
                  return Value(std::move(samples));
                },
                1, 1};
  f["now"] = {[&context](Arguments) -> Result<Value> {
                return Value(static_cast<double>(context.at) / 1000);
              },
              0, 0};
  f["externalURL"] = {
      [&context](Arguments) -> Result<Value> { return Value(context.external_url); }, 0, 0};
  f["pathPrefix"] = {
      [&context](Arguments) -> Result<Value> { return Value(path_of(context.external_url)); }, 0,
      0};
  return f;
}

Value labels_value(const Labels& labels) {
  Map map;
  map.absent = Value("");
  for (const Label& label : labels) {
    map.entries.emplace_hint(map.entries.end(), std::string(label.name), Value(label.value));
  }
  return Value(std::move(map));
}

std::string graph_link(std::string_view expression) {
  return fmt::format("/graph?g0.expr={}&g0.tab=0", query_escaped(expression));
}
std::string table_link(std::string_view expression) {
  return fmt::format("/graph?g0.expr={}&g0.tab=1", query_escaped(expression));
}

}  // namespace strata::templates
