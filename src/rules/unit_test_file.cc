#include "rules/unit_test_file.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "base/quote.h"
#include "config/decode.h"
#include "config/glob.h"
#include "promql/histogram_ops.h"
#include "promql/promqltest_load.h"
#include "rules/as_vector.h"
#include "rules/group.h"
#include "rules/memory_writer.h"

namespace strata::rules {
namespace {

using config::StringPairs;

struct InputSeries {
  std::string series;
  std::string values;
};
struct ExpectedAlert {
  StringPairs labels;
  StringPairs annotations;
};
struct AlertCase {
  Millis eval_time{0};
  std::string group_name;
  std::string alertname;
  std::vector<ExpectedAlert> alerts;
};
struct ExpectedSample {
  std::string labels;
  double value = 0;
  std::string histogram;
};
struct ExprCase {
  std::string expr;
  Millis eval_time{0};
  std::vector<ExpectedSample> samples;
};
struct TestCase {
  std::string name;
  Millis interval{0};
  std::string start_timestamp;
  std::vector<InputSeries> input_series;
  std::vector<AlertCase> alerts;
  std::vector<ExprCase> exprs;
  Labels external_labels;
  std::string external_url;
};
struct TestFile {
  std::vector<std::string> rule_files;
  Millis evaluation_interval{0};
  std::vector<std::string> group_eval_order;
  bool fuzzy_compare = false;
  std::vector<TestCase> tests;
};

template <class V>
void fields(V& v, InputSeries& c) {
  v.field("series", c.series);
  v.field("values", c.values);
}
template <class V>
void fields(V& v, ExpectedAlert& c) {
  v.field("exp_labels", c.labels);
  v.field("exp_annotations", c.annotations);
}
template <class V>
void fields(V& v, AlertCase& c) {
  v.field("eval_time", c.eval_time);
  v.field("groupname", c.group_name);
  v.field("alertname", c.alertname);
  v.field("exp_alerts", c.alerts);
}
template <class V>
void fields(V& v, ExpectedSample& c) {
  v.field("labels", c.labels);
  v.field("value", c.value);
  v.field("histogram", c.histogram);
}
template <class V>
void fields(V& v, ExprCase& c) {
  v.field("expr", c.expr);
  v.field("eval_time", c.eval_time);
  v.field("exp_samples", c.samples);
}
template <class V>
void fields(V& v, TestCase& c) {
  v.field("name", c.name);
  v.field("interval", c.interval);
  v.field("start_timestamp", c.start_timestamp);
  v.field("input_series", c.input_series);
  v.field("alert_rule_test", c.alerts);
  v.field("promql_expr_test", c.exprs);
  v.field("external_labels", c.external_labels);
  v.field("external_url", c.external_url);
}
template <class V>
void fields(V& v, TestFile& c) {
  v.field("rule_files", c.rule_files);
  v.field("evaluation_interval", c.evaluation_interval);
  v.field("group_eval_order", c.group_eval_order);
  v.field("fuzzy_compare", c.fuzzy_compare);
  v.field("tests", c.tests);
}

/// Seconds since the epoch, or RFC 3339 in UTC.
Result<TimestampMs> start_of(const std::string& text) {
  if (text.empty()) return 0;
  int year = 0;
  unsigned month = 0, day = 0, hour = 0, minute = 0;
  double second = 0;
  if (std::sscanf(text.c_str(), "%d-%u-%uT%u:%u:%lfZ", &year, &month, &day, &hour, &minute,
                  &second) == 6) {
    const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month),
                                           std::chrono::day(day)};
    if (date.ok()) {
      const auto days = std::chrono::sys_days(date).time_since_epoch();
      return std::chrono::milliseconds(days).count() + (hour * 3600 + minute * 60) * 1000 +
             static_cast<int64_t>(second * 1000);
    }
  }
  char* end = nullptr;
  const double seconds = std::strtod(text.c_str(), &end);
  if (end == text.c_str() || *end != '\0' || !(std::fabs(seconds) < 1e12)) {
    return bad_data(
        fmt::format("start_timestamp: \"{}\" is neither RFC 3339 in UTC nor Unix time", text));
  }
  return static_cast<TimestampMs>(seconds * 1000);
}

Labels labels_of(const StringPairs& pairs) {
  LabelsBuilder builder;
  for (const auto& [name, value] : pairs) builder.set(name, value);
  return builder.build();
}

std::string annotations_text(const StringPairs& pairs) {
  std::string out = "{";
  for (const auto& [name, value] : pairs) {
    if (out.size() > 1) out += ", ";
    (out += name) += '=';
    append_quoted(out, value);
  }
  return out + "}";
}

/// Differences of the last bit are none when the file asks for that.
bool same_value(double a, double b, bool fuzzy) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  if (!fuzzy) return a == b;
  return std::nextafter(std::min(a, b), INFINITY) >= std::max(a, b);
}

/// The input series, which become visible as time goes on.
class Input {
 public:
  Result<> load(const TestCase& test, TimestampMs start);
  void add_until(TimestampMs t, promql::MemorySource& source);

 private:
  struct Pending {
    Labels labels;
    SampleColumns samples;
    size_t next = 0;
  };
  std::vector<Pending> pending_;
};

Result<> Input::load(const TestCase& test, TimestampMs start) {
  promql::TestLoad load(test.interval, false);
  for (const InputSeries& series : test.input_series) {
    TRY(load.add_line(series.series + " " + series.values));
  }
  promql::MemorySource whole;
  TRY(load.append_to(whole));
  const auto set = TRY(whole.select({}, TimeRange{}, 0));
  for (size_t i = 0; i < set->size(); ++i) {
    Pending pending{set->labels(i), {}, 0};
    TRY(set->read(i, TimeRange{}, pending.samples));
    for (TimestampMs& t : pending.samples.t) t += start;
    pending_.push_back(std::move(pending));
  }
  return {};
}

void Input::add_until(TimestampMs t, promql::MemorySource& source) {
  SampleColumns part;
  for (Pending& pending : pending_) {
    const SampleColumns& all = pending.samples;
    part.clear();
    for (; pending.next < all.size() && all.t[pending.next] <= t; ++pending.next) {
      part.t.push_back(all.t[pending.next]);
      part.v.push_back(all.v[pending.next]);
      if (!all.h.empty()) part.h.push_back(all.h[pending.next]);
    }
    if (part.size() > 0) source.add(pending.labels, part);
  }
}

/// One entry of `tests`.
class TestRun {
 public:
  TestRun(const TestFile& file, const TestCase& test, const std::vector<RuleFile>& rules,
          const UnitTestOptions& options, std::vector<std::string>& failures)
      : file_(file), test_(test), failures_(failures) {
    promql::EngineOptions engine = options.engine;
    engine.default_subquery_step = file.evaluation_interval;
    engine_ = std::make_unique<promql::Engine>(engine, nullptr, clock_);
    auto settings = std::make_shared<RuleSettings>();
    settings->external_labels = test.external_labels;
    settings->external_url = test.external_url;
    settings->evaluation_interval = test.interval;
    for (const RuleFile& rule_file : rules) {
      for (const GroupSpec& spec : rule_file.groups) {
        groups_.push_back(std::make_unique<Group>(
            rule_file.path, std::make_shared<const GroupSpec>(spec), settings, deps_));
      }
    }
    // Groups that the file puts in order; those it does not name come first, as in promtool.
    const auto rank = [&](const std::unique_ptr<Group>& group) {
      const auto& order = file.group_eval_order;
      const auto found = std::ranges::find(order, group->spec().name);
      return found == order.end() ? 0 : found - order.begin();
    };
    std::ranges::stable_sort(groups_, {}, rank);
  }

  void run();

 private:
  Result<Vector> query(std::string_view text, TimestampMs at) const;
  bool evaluate(TimestampMs at);
  void check_alerts(const AlertCase& test);
  void check_expr(const ExprCase& test);
  bool matches(const VectorSample& got, const ExpectedSample& expected, const Labels& labels) const;
  void failed(std::string_view what) {
    failures_.push_back(test_.name.empty() ? std::string(what)
                                           : fmt::format("name: {},\n{}", test_.name, what));
  }

  const TestFile& file_;
  const TestCase& test_;
  std::vector<std::string>& failures_;
  ManualClock clock_;
  promql::MemorySource source_;
  MemoryWriter writer_{source_};
  std::unique_ptr<promql::Engine> engine_;
  GroupDeps deps_{
      .query = [this](const promql::Expr& expr, const std::string& text, TimestampMs at)
          -> Result<Vector> { return as_vector(engine_->instant(source_, expr, text, at)); },
      .text_query = [this](std::string_view text, TimestampMs at) { return query(text, at); },
      .writer = writer_,
      .sink = nullptr,
      .state = nullptr,
      .clock = clock_};
  std::vector<std::unique_ptr<Group>> groups_;
  TimestampMs start_ = 0;
};

Result<Vector> TestRun::query(std::string_view text, TimestampMs at) const {
  return as_vector(engine_->instant(source_, text, at));
}

void TestRun::run() {
  const auto start = start_of(test_.start_timestamp);
  if (!start) return failed(start.error().message);
  start_ = *start;
  Input input;
  if (auto loaded = input.load(test_, start_); !loaded) return failed(loaded.error().message);
  Millis last{0};
  for (const AlertCase& test : test_.alerts) {
    last = std::max(last, test.eval_time);
    if (test.alertname.empty()) return failed("an entry of alert_rule_test has no alertname");
  }
  for (const ExprCase& test : test_.exprs) last = std::max(last, test.eval_time);
  const int64_t step = file_.evaluation_interval.count();
  for (int64_t at = 0; at <= last.count(); at += step) {
    input.add_until(start_ + at, source_);
    if (!evaluate(start_ + at)) return;
    for (const AlertCase& test : test_.alerts) {
      const int64_t wanted = test.eval_time.count();
      if (wanted >= at && wanted < at + step) check_alerts(test);
    }
  }
  input.add_until(start_ + last.count(), source_);
  for (const ExprCase& test : test_.exprs) check_expr(test);
}

/// False when a rule could not be evaluated: there is no point in going on.
bool TestRun::evaluate(TimestampMs at) {
  bool good = true;
  for (const auto& group : groups_) {
    group->evaluate(at);
    for (const RuleView& rule : group->view(Group::Detail::kRules).rules) {
      if (rule.last_error.empty()) continue;
      good = false;
      failed(fmt::format("rule: {}, time: {}, err: {}", rule.spec->name(),
                         format_duration(Millis(at - start_)), rule.last_error));
    }
  }
  return good;
}

void TestRun::check_alerts(const AlertCase& test) {
  using Pair = std::pair<Labels, StringPairs>;
  std::vector<Pair> got;
  std::vector<Pair> expected;
  for (const auto& group : groups_) {
    if (!test.group_name.empty() && group->spec().name != test.group_name) continue;
    for (Alert& alert : group->alerts_of(test.alertname)) {
      if (alert.state == AlertState::kFiring) {
        got.emplace_back(std::move(alert.labels), std::move(alert.annotations));
      }
    }
  }
  for (const ExpectedAlert& alert : test.alerts) {
    auto labels = alert.labels;
    labels.emplace_back("alertname", test.alertname);
    auto annotations = alert.annotations;
    std::ranges::sort(annotations);
    expected.emplace_back(labels_of(labels), std::move(annotations));
  }
  std::ranges::sort(got);
  std::ranges::sort(expected);
  if (got == expected) return;
  const auto text = [](const std::vector<Pair>& alerts) {
    std::string out = "[";
    for (const auto& [labels, annotations] : alerts) {
      out += fmt::format("\n  Labels:{}\n  Annotations:{}", labels.to_string(),
                         annotations_text(annotations));
    }
    return out + (alerts.empty() ? "]" : "\n]");
  };
  failed(fmt::format("alertname: {}, time: {},\nexp:{},\ngot:{}", test.alertname,
                     format_duration(test.eval_time), text(expected), text(got)));
}

bool TestRun::matches(const VectorSample& got, const ExpectedSample& expected,
                      const Labels& labels) const {
  if (got.metric != labels) return false;
  if (expected.histogram.empty()) {
    return !got.point.h && same_value(got.point.v, expected.value, file_.fuzzy_compare);
  }
  const auto parsed = promql::parse_sequence(expected.histogram);
  return parsed && parsed->size() == 1 && parsed->front().h && got.point.h &&
         promql::equal(*got.point.h, *parsed->front().h);
}

void TestRun::check_expr(const ExprCase& test) {
  const std::string where =
      fmt::format("expr: {}, time: {},", quoted(test.expr), format_duration(test.eval_time));
  auto got = query(test.expr, start_ + test.eval_time.count());
  if (!got) return failed(fmt::format("{} err: {}", where, got.error().message));
  std::vector<std::pair<Labels, const ExpectedSample*>> expected;
  for (const ExpectedSample& sample : test.samples) {
    auto labels =
        sample.labels.empty() ? Result<Labels>(Labels()) : promql::parse_metric(sample.labels);
    if (!labels) {
      return failed(fmt::format("{} err: labels {}: {}", where, quoted(sample.labels),
                                labels.error().message));
    }
    expected.emplace_back(std::move(*labels), &sample);
  }
  std::ranges::sort(*got, {}, &VectorSample::metric);
  std::ranges::stable_sort(expected, {}, [](const auto& e) -> const Labels& { return e.first; });
  bool same = got->size() == expected.size();
  for (size_t i = 0; same && i < expected.size(); ++i) {
    same = matches((*got)[i], *expected[i].second, expected[i].first);
  }
  if (same) return;
  std::string exp_text = expected.empty() ? "nil" : "";
  for (const auto& [labels, sample] : expected) {
    exp_text += fmt::format(
        "\n  {} {}", labels.to_string(),
        sample->histogram.empty() ? fmt::format("{:g}", sample->value) : sample->histogram);
  }
  std::string got_text = got->empty() ? "nil" : "";
  for (const VectorSample& sample : *got) {
    got_text += fmt::format("\n  {} {}", sample.metric.to_string(),
                            sample.point.h ? promql::test_expression(*sample.point.h)
                                           : fmt::format("{:.17g}", sample.point.v));
  }
  failed(fmt::format("{}\nexp: {}\ngot: {}", where, exp_text, got_text));
}

Result<TestFile> parse_test_file(const std::string& text, const std::string& path) {
  const config::YamlNode root = TRY(config::parse_yaml(text, path));
  TestFile file;
  config::Decoder decoder{path};
  if (!config::is_null(root)) decode(decoder, "the file", root, file);
  TRY(decoder.result());
  if (file.evaluation_interval.count() <= 0) file.evaluation_interval = std::chrono::minutes(1);
  std::set<std::string_view> order;
  for (const std::string& group : file.group_eval_order) {
    if (order.insert(group).second) continue;
    return bad_data(fmt::format("{}: group_eval_order names {} twice", path, group));
  }
  for (TestCase& test : file.tests) {
    if (test.interval.count() <= 0) test.interval = file.evaluation_interval;
  }
  return file;
}

}  // namespace

Result<UnitTestReport> run_unit_tests(const std::string& path, Fs& fs,
                                      const UnitTestOptions& options) {
  const std::string text = TRY(fs.read_file(path));
  const TestFile file = TRY(parse_test_file(text, path));
  UnitTestReport report;
  std::vector<RuleFile> rules;
  const RuleFileOptions rule_options{.names = config::NameValidation::kUtf8,
                                     .syntax = options.engine.syntax,
                                     .ignore_unknown_fields = options.ignore_unknown_fields};
  for (const std::string& pattern : file.rule_files) {
    const std::string full = config::join_path(config::directory_of(path), pattern);
    auto loaded = load_rule_files({full}, fs, rule_options);
    if (!loaded) {
      report.failures.push_back(loaded.error().message);
      return report;
    }
    if (loaded->empty()) report.warnings.push_back("no file matches " + full);
    std::ranges::move(*loaded, std::back_inserter(rules));
  }
  for (const TestCase& test : file.tests) {
    const bool wanted =
        options.names.empty() || std::ranges::any_of(options.names, [&](const Regex& name) {
          return name.partial_match(test.name);
        });
    if (!wanted) continue;
    ++report.tests;
    TestRun(file, test, rules, options, report.failures).run();
  }
  return report;
}

}  // namespace strata::rules
