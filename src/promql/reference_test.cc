// The engine against a naive one: random queries over random series, each step evaluated anew from
// the definition. The naive evaluator is slow and obvious; it knows floats only.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <random>
#include <string>

#include "base/thread_pool.h"
#include "promql/engine.h"
#include "promql/function_table.h"
#include "promql/memory_source.h"

namespace strata::promql {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr int64_t kMinute = 60'000;
constexpr int64_t kLookback = 5 * kMinute;

using Instant = std::map<Labels, double>;

struct Failed {};  // the query has no answer

Labels without(const Labels& labels, const std::vector<std::string>& names) {
  LabelsBuilder builder(labels);
  for (const auto& name : names) builder.remove(name);
  return builder.build();
}
Labels only(const Labels& labels, const std::vector<std::string>& names) {
  LabelsBuilder builder(labels);
  builder.keep(names);
  return builder.build();
}
Labels nameless(const Labels& labels) { return without(labels, {std::string(kMetricName)}); }

void put(Instant& out, const Labels& labels, double v) {
  if (!out.emplace(labels, v).second) throw Failed();
}

double quantile_of(double q, std::vector<double> v) {
  if (q < 0) return -INFINITY;
  if (q > 1) return INFINITY;
  std::ranges::sort(v);
  const double rank = q * static_cast<double>(v.size() - 1);
  const auto low = static_cast<size_t>(rank);
  const size_t high = std::min(low + 1, v.size() - 1);
  const double weight = rank - static_cast<double>(low);
  return v[low] * (1 - weight) + v[high] * weight;
}

double sum_of(const std::vector<double>& v) {
  long double sum = 0;
  for (const double x : v) sum += static_cast<long double>(x);
  return static_cast<double>(sum);
}

double variance_of(const std::vector<double>& v) {
  const long double mean = static_cast<long double>(sum_of(v)) / static_cast<long double>(v.size());
  long double squares = 0;
  for (const double x : v)
    squares += (static_cast<long double>(x) - mean) * (static_cast<long double>(x) - mean);
  return static_cast<double>(squares / static_cast<long double>(v.size()));
}

double arithmetic(Op op, double a, double b) {
  switch (op) {
    case Op::kAdd: return a + b;
    case Op::kSub: return a - b;
    case Op::kMul: return a * b;
    case Op::kDiv: return a / b;
    default: return kNan;
  }
}
bool compare(Op op, double a, double b) {
  switch (op) {
    case Op::kGreater: return a > b;
    case Op::kLess: return a < b;
    default: return a == b;
  }
}
bool is_comparison_op(Op op) { return op >= Op::kEqual && op <= Op::kGreaterEqual; }

struct Window {
  TimestampMs start;
  TimestampMs end;
  std::vector<TimestampMs> t;
  std::vector<double> v;
};

double extrapolated(const Window& w, bool counter, bool per_second) {
  double growth = w.v.back() - w.v.front();
  for (size_t i = 1; i < w.v.size() && counter; ++i) {
    if (w.v[i] < w.v[i - 1]) growth += w.v[i - 1];
  }
  const double sampled = static_cast<double>(w.t.back() - w.t.front()) / 1000;
  const double average = sampled / static_cast<double>(w.v.size() - 1);
  double to_start = static_cast<double>(w.t.front() - w.start) / 1000;
  double to_end = static_cast<double>(w.end - w.t.back()) / 1000;
  if (to_start >= average * 1.1) to_start = average / 2;
  if (to_end >= average * 1.1) to_end = average / 2;
  if (counter && growth > 0 && w.v.front() >= 0) {
    to_start = std::min(to_start, sampled * (w.v.front() / growth));
  }
  double result = growth * ((sampled + to_start + to_end) / sampled);
  if (per_second) result /= static_cast<double>(w.end - w.start) / 1000;
  return result;
}

double slope_of(const Window& w) {
  const auto n = static_cast<long double>(w.v.size());
  long double x = 0, y = 0, xy = 0, xx = 0;
  for (size_t i = 0; i < w.v.size(); ++i) {
    const long double at = static_cast<long double>(w.t[i] - w.t[0]) / 1000;
    x += at, y += static_cast<long double>(w.v[i]);
    xy += at * static_cast<long double>(w.v[i]), xx += at * at;
  }
  if (std::ranges::all_of(w.v, [&](double v) { return v == w.v[0]; })) return 0;
  return static_cast<double>((xy - x * y / n) / (xx - x * x / n));
}

std::optional<double> over_range(std::string_view name, const Window& w, double parameter) {
  const auto steps = [&](auto differ) {
    double count = 0;
    for (size_t i = 1; i < w.v.size(); ++i) count += differ(w.v[i - 1], w.v[i]) ? 1 : 0;
    return count;
  };
  if (w.v.empty()) return std::nullopt;
  if (name == "sum_over_time") return sum_of(w.v);
  if (name == "avg_over_time") return sum_of(w.v) / static_cast<double>(w.v.size());
  if (name == "min_over_time") return std::ranges::min(w.v);
  if (name == "max_over_time") return std::ranges::max(w.v);
  if (name == "count_over_time") return static_cast<double>(w.v.size());
  if (name == "last_over_time") return w.v.back();
  if (name == "first_over_time") return w.v.front();
  if (name == "stddev_over_time") return std::sqrt(variance_of(w.v));
  if (name == "quantile_over_time") return quantile_of(parameter, w.v);
  if (name == "changes") return steps(std::not_equal_to<>());
  if (name == "resets") return steps(std::greater<>());
  if (w.v.size() < 2) return std::nullopt;
  if (name == "rate") return extrapolated(w, true, true);
  if (name == "increase") return extrapolated(w, true, false);
  if (name == "delta") return extrapolated(w, false, false);
  if (name == "deriv") return slope_of(w);
  ADD_FAILURE() << "the reference does not know " << name;
  return std::nullopt;
}

/// One time at a time.
class Reference {
 public:
  using Data = std::map<Labels, SampleColumns>;
  Reference(const Data& data, TimestampMs start, TimestampMs end)
      : data_(data), start_(start), end_(end) {}

  Instant eval(const Expr& expr, TimestampMs now) const {
    switch (expr.kind) {
      case ExprKind::kNumber: return {{Labels(), as<NumberLiteral>(expr).value}};
      case ExprKind::kParen: return eval(*as<ParenExpr>(expr).inner, now);
      case ExprKind::kUnary: return negated(eval(*as<UnaryExpr>(expr).inner, now));
      case ExprKind::kVectorSelector: return select(as<VectorSelector>(expr), now);
      case ExprKind::kCall: return call(as<Call>(expr), now);
      case ExprKind::kAggregate: return aggregate(as<AggregateExpr>(expr), now);
      case ExprKind::kBinary: return binary(as<BinaryExpr>(expr), now);
      default: ADD_FAILURE() << "unexpected expression"; return {};
    }
  }

 private:
  static bool matches(const VectorSelector& selector, const Labels& labels) {
    return std::ranges::all_of(selector.matchers,
                               [&](const Matcher& m) { return m.matches(labels); });
  }

  TimestampMs shifted(const TimeShift& shift, TimestampMs now) const {
    if (shift.at_point == AtPoint::kStart) now = start_;
    if (shift.at_point == AtPoint::kEnd) now = end_;
    return shift.at.value_or(now) - shift.offset.count();
  }

  Instant select(const VectorSelector& selector, TimestampMs now) const {
    const TimestampMs at = shifted(selector.shift, now);
    Instant out;
    for (const auto& [labels, samples] : data_) {
      if (!matches(selector, labels)) continue;
      std::optional<double> last;
      for (size_t i = 0; i < samples.size(); ++i) {
        if (samples.t[i] > at - kLookback && samples.t[i] <= at) last = samples.v[i];
      }
      if (last && !is_stale_nan(*last)) put(out, labels, *last);
    }
    return out;
  }

  std::map<Labels, Window> range(const Expr& expr, TimestampMs now) const {
    std::map<Labels, Window> out;
    if (expr.kind == ExprKind::kSubquery) {
      const auto& subquery = as<SubqueryExpr>(expr);
      const TimestampMs end = shifted(subquery.shift, now);
      const TimestampMs start = end - subquery.range.count();
      const int64_t step = subquery.step.count() != 0 ? subquery.step.count() : kMinute;
      for (TimestampMs t = (start / step - 1) * step; t <= end; t += step) {
        if (t <= start) continue;
        for (const auto& [labels, v] : eval(*subquery.inner, t)) {
          Window& window = out[labels];
          window.start = start, window.end = end;
          window.t.push_back(t), window.v.push_back(v);
        }
      }
      return out;
    }
    const auto& matrix = as<MatrixSelector>(expr);
    const TimestampMs end = shifted(matrix.vector->shift, now);
    for (const auto& [labels, samples] : data_) {
      if (!matches(*matrix.vector, labels)) continue;
      Window window{end - matrix.range.count(), end, {}, {}};
      for (size_t i = 0; i < samples.size(); ++i) {
        const bool inside = samples.t[i] > window.start && samples.t[i] <= end;
        if (!inside || is_stale_nan(samples.v[i])) continue;
        window.t.push_back(samples.t[i]), window.v.push_back(samples.v[i]);
      }
      out[labels] = std::move(window);
    }
    return out;
  }

  Instant call(const Call& expr, TimestampMs now) const {
    const std::string_view name = expr.function->name;
    Instant out;
    if (name == "abs" || name == "sgn") {
      for (const auto& [labels, v] : eval(*expr.args[0], now)) {
        put(out, nameless(labels), name == "abs" ? std::abs(v) : (v > 0) - (v < 0));
      }
      return out;
    }
    const bool has_parameter = name == "quantile_over_time";
    const double parameter = has_parameter ? as<NumberLiteral>(*expr.args[0]).value : 0;
    for (const auto& [labels, window] : range(unwrap(*expr.args.back()), now)) {
      const auto v = over_range(name, window, parameter);
      if (v) put(out, expr.function->keeps_name ? labels : nameless(labels), *v);
    }
    return out;
  }

  static Instant negated(const Instant& in) {
    Instant out;
    for (const auto& [labels, v] : in) put(out, nameless(labels), -v);
    return out;
  }

  Instant aggregate(const AggregateExpr& expr, TimestampMs now) const {
    std::map<Labels, std::vector<double>> groups;
    for (const auto& [labels, v] : eval(*expr.inner, now)) {
      const Labels key =
          expr.without ? without(nameless(labels), expr.grouping) : only(labels, expr.grouping);
      groups[key].push_back(v);
    }
    Instant out;
    for (const auto& [labels, v] : groups) put(out, labels, aggregated(expr, v));
    return out;
  }

  static double aggregated(const AggregateExpr& expr, const std::vector<double>& v) {
    const auto n = static_cast<double>(v.size());
    switch (expr.op) {
      case Aggregation::kSum: return sum_of(v);
      case Aggregation::kAvg: return sum_of(v) / n;
      case Aggregation::kMin: return std::ranges::min(v);
      case Aggregation::kMax: return std::ranges::max(v);
      case Aggregation::kCount: return n;
      case Aggregation::kStddev: return std::sqrt(variance_of(v));
      case Aggregation::kQuantile: return quantile_of(as<NumberLiteral>(*expr.parameter).value, v);
      default: return 1;
    }
  }

  static Labels signature(const VectorMatching& matching, const Labels& labels) {
    return matching.on ? only(labels, matching.labels) : without(nameless(labels), matching.labels);
  }

  Instant binary(const BinaryExpr& expr, TimestampMs now) const {
    const Instant left = eval(*expr.lhs, now);
    const Instant right = eval(*expr.rhs, now);
    if (!expr.matching) return with_scalar(expr, left, right);
    std::map<Labels, int> right_signatures;
    for (const auto& entry : right) ++right_signatures[signature(*expr.matching, entry.first)];
    std::map<Labels, int> left_signatures;
    for (const auto& entry : left) ++left_signatures[signature(*expr.matching, entry.first)];
    Instant out;
    if (expr.op == Op::kAnd || expr.op == Op::kUnless || expr.op == Op::kOr) {
      for (const auto& [labels, v] : left) {
        const bool found = right_signatures.contains(signature(*expr.matching, labels));
        if (expr.op == Op::kOr || found == (expr.op == Op::kAnd)) put(out, labels, v);
      }
      for (const auto& [labels, v] : right) {
        if (expr.op != Op::kOr) break;
        if (!left_signatures.contains(signature(*expr.matching, labels))) put(out, labels, v);
      }
      return out;
    }
    return matched(expr, left, right, right_signatures);
  }

  static Instant with_scalar(const BinaryExpr& expr, const Instant& left, const Instant& right) {
    const bool scalar_left = type_of(*expr.lhs) == ValueType::kScalar;
    const bool scalar_right = type_of(*expr.rhs) == ValueType::kScalar;
    Instant out;
    for (const auto& [labels, v] : scalar_left ? right : left) {
      const double a = scalar_left ? left.begin()->second : v;
      const double b = scalar_left ? v : right.begin()->second;
      if (!is_comparison_op(expr.op)) {
        put(out, nameless(labels), arithmetic(expr.op, a, b));
      } else if (expr.return_bool) {
        put(out, nameless(labels), compare(expr.op, a, b) ? 1 : 0);
      } else if (compare(expr.op, a, b)) {
        put(out, labels, scalar_left && scalar_right ? a : v);
      }
    }
    return out;
  }

  static Instant matched(const BinaryExpr& expr, const Instant& left, const Instant& right,
                         const std::map<Labels, int>& right_signatures) {
    const VectorMatching& matching = *expr.matching;
    if (left.empty() || right.empty()) return {};
    if (std::ranges::any_of(right_signatures, [](auto& s) { return s.second > 1; })) throw Failed();
    std::map<Labels, int> used;
    Instant out;
    std::map<Labels, bool> produced;
    for (const auto& [labels, v] : left) {
      for (const auto& [other, w] : right) {
        const Labels key = signature(matching, labels);
        if (key != signature(matching, other)) continue;
        if (matching.card == Cardinality::kOneToOne && ++used[key] > 1) throw Failed();
        const bool compares = is_comparison_op(expr.op);
        LabelsBuilder builder(compares && !expr.return_bool ? labels : nameless(labels));
        if (matching.card == Cardinality::kOneToOne) {
          if (matching.on) builder.keep(matching.labels);
          for (const auto& name : matching.labels) {
            if (!matching.on) builder.remove(name);
          }
        }
        for (const auto& name : matching.include) builder.set(name, other.get(name));
        const Labels result = builder.build();
        if (!produced.emplace(result, true).second) throw Failed();
        if (!compares) {
          put(out, result, arithmetic(expr.op, v, w));
        } else if (expr.return_bool) {
          put(out, result, compare(expr.op, v, w) ? 1 : 0);
        } else if (compare(expr.op, v, w)) {
          put(out, result, v);
        }
      }
    }
    return out;
  }

  const Data& data_;
  const TimestampMs start_;
  const TimestampMs end_;
};

/// Random series and random queries over them.
class Generator {
 public:
  explicit Generator(uint64_t seed) : random_(seed) {}

  Reference::Data data() {
    Reference::Data data;
    for (const auto* name : {"a_total", "b_total"}) {
      for (const auto* x : {"1", "2"}) {
        for (const auto* y : {"p", "q"}) {
          if (chance(8)) continue;
          data[Labels{{"__name__", name}, {"x", x}, {"y", y}}] = samples();
        }
      }
    }
    return data;
  }

  std::string vector(int depth) {
    if (depth == 0) return selector();
    switch (pick(9)) {
      case 0: return selector();
      case 1: return "-" + vector(depth - 1);
      case 2: return fmt::format("{}({})", one_of({"abs", "sgn"}), vector(depth - 1));
      case 3:
      case 4: return range_function(depth);
      case 5:
      case 6: return aggregation(depth);
      default: return binary(depth);
    }
  }

 private:
  size_t pick(size_t n) { return random_() % n; }
  bool chance(size_t one_in) { return pick(one_in) == 0; }
  std::string one_of(std::initializer_list<const char*> options) {
    return *(options.begin() + static_cast<std::ptrdiff_t>(pick(options.size())));
  }

  // Some on one grid, some on their own; with gaps, resets, stale markers.
  SampleColumns samples() {
    SampleColumns out;
    const bool on_grid = chance(2);
    double v = static_cast<double>(pick(5));
    for (TimestampMs t = 0; t < 40 * kMinute;
         t += 15'000 + (on_grid ? 0 : static_cast<int64_t>(pick(9000)))) {
      if (chance(12)) t += static_cast<int64_t>(pick(8)) * kMinute;
      v = chance(15) ? static_cast<double>(pick(3)) : v + static_cast<double>(pick(4));
      out.t.push_back(t);
      out.v.push_back(chance(25) ? stale_nan() : v);
    }
    return out;
  }

  std::string shift() {
    switch (pick(6)) {
      case 0: return fmt::format(" offset {}m", pick(4) + 1);
      case 1: return fmt::format(" offset -{}s", 30 * (pick(4) + 1));
      case 2:
        return chance(2) ? fmt::format(" @ {}", 60 * pick(30)) : one_of({" @ start()", " @ end()"});
      default: return "";
    }
  }

  std::string name() {
    return one_of({"a_total", "b_total", "a_total{x=\"1\"}", "b_total{y=~\"p|r\"}", "{x=\"2\"}",
                   "a_total{y!=\"p\"}"});
  }
  std::string selector() { return name() + shift(); }

  std::string range(int depth) {
    if (chance(3)) {
      return fmt::format("({})[{}m:{}]{}", vector(depth - 1), pick(6) + 1,
                         one_of({"", "30s", "1m", "45s"}), shift());
    }
    return fmt::format("{}[{}s]{}", name(), 30 * (pick(20) + 1), shift());
  }

  std::string range_function(int depth) {
    const std::string function =
        one_of({"rate", "increase", "delta", "sum_over_time", "avg_over_time", "min_over_time",
                "max_over_time", "count_over_time", "last_over_time", "first_over_time",
                "stddev_over_time", "changes", "resets", "deriv", "quantile_over_time"});
    const std::string parameter =
        function == "quantile_over_time" ? one_of({"0.5, ", "0.9, ", "0, ", "1, "}) : "";
    return fmt::format("{}({}{})", function, parameter, range(depth));
  }

  std::string aggregation(int depth) {
    const std::string op =
        one_of({"sum", "avg", "min", "max", "count", "group", "stddev", "quantile"});
    const std::string parameter = op == "quantile" ? "0.75, " : "";
    return fmt::format("{} {} ({}{})", op,
                       one_of({"", "by (x)", "by (x, y)", "without (y)", "by (__name__)"}),
                       parameter, vector(depth - 1));
  }

  std::string binary(int depth) {
    if (chance(3)) {
      return fmt::format("({}) {} {}", vector(depth - 1), one_of({"+", "*", "> bool", ">", "<"}),
                         one_of({"2", "0.5", "7"}));
    }
    const std::string op = one_of({"+", "-", "*", "/", ">", "== bool", "and", "or", "unless"});
    const bool set = op == "and" || op == "or" || op == "unless";
    std::string matching = one_of({"", "on (x, y)", "on (x)", "ignoring (y)"});
    if (!set && matching == "on (x)" && chance(2)) matching += " group_left ()";
    return fmt::format("({}) {} {} ({})", vector(depth - 1), op, matching, vector(depth - 1));
  }

  std::mt19937_64 random_;
};

bool close(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  if (a == b) return true;
  return std::abs(a - b) <= 1e-9 * std::max({std::abs(a), std::abs(b), 1.0});
}

/// The reference's matrix; none where some step failed.
std::optional<std::map<Labels, std::map<TimestampMs, double>>> reference_matrix(
    const Reference::Data& data, const Expr& expr, TimestampMs start, TimestampMs end,
    int64_t step) {
  const Reference reference(data, start, end);
  std::map<Labels, std::map<TimestampMs, double>> out;
  try {
    for (TimestampMs t = start; t <= end; t += step) {
      for (const auto& [labels, v] : reference.eval(expr, t)) out[labels][t] = v;
    }
  } catch (const Failed&) {
    return std::nullopt;
  }
  return out;
}

void compare_query(const Engine& engine, const Reference::Data& data, const std::string& query,
                   TimestampMs start, TimestampMs end, int64_t step, size_t& answered) {
  MemorySource source;
  for (const auto& [labels, samples] : data) source.add(labels, samples);
  const auto expr = parse(query);
  ASSERT_TRUE(expr) << query << ": " << expr.error().message;
  const auto expected = reference_matrix(data, **expr, start, end, step);
  const auto result = engine.range(source, query, start, end, Millis(step));
  if (!expected || !result) {
    // The engine refuses some queries as a whole that the reference finds no fault in at any step.
    EXPECT_FALSE(result) << query;
    return;
  }
  ++answered;
  std::map<Labels, std::map<TimestampMs, double>> actual;
  for (const auto& series : std::get<Matrix>(result->value)) {
    for (const Point& point : series.points) actual[series.metric][point.t] = point.v;
  }
  ASSERT_EQ(actual.size(), expected->size()) << query;
  for (const auto& [labels, points] : *expected) {
    const auto& found = actual[labels];
    ASSERT_EQ(found.size(), points.size()) << query << " " << labels.to_string();
    for (const auto& [t, v] : points) {
      const auto at = found.find(t);
      ASSERT_NE(at, found.end()) << query << " " << labels.to_string() << " at " << t;
      ASSERT_TRUE(close(at->second, v)) << query << " " << labels.to_string() << " at " << t
                                        << ": expected " << v << ", got " << at->second;
    }
  }
}

TEST(Reference, AgreesOnRandomQueries) {
  ThreadPool pool("query", 2);
  const Engine serial;
  const Engine parallel({}, &pool);
  size_t answered = 0;
  const char* const wanted = std::getenv("STRATA_REFERENCE_ROUNDS");
  const uint64_t rounds = wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : 600;
  for (uint64_t seed = 1; seed <= rounds && !testing::Test::HasFailure(); ++seed) {
    Generator generator(seed);
    const auto data = generator.data();
    const std::string query = generator.vector(3);
    SCOPED_TRACE(seed);
    const int64_t step = seed % 3 == 0 ? 137'000 : 60'000;
    compare_query(seed % 2 == 0 ? serial : parallel, data, query, 5 * kMinute, 30 * kMinute, step,
                  answered);
  }
  EXPECT_GT(answered, rounds / 2);
}

}  // namespace
}  // namespace strata::promql
