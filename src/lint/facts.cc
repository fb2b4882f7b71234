#include "lint/facts.h"

#include <algorithm>
#include <cmath>

#include "promql/function_table.h"
#include "promql/parser.h"

namespace strata::lint {
namespace {

using promql::Aggregation;
using promql::as;
using promql::Expr;
using promql::ExprKind;
using promql::Op;
using promql::ValueType;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

bool is_in(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::ranges::find(names, name) != names.end();
}

// What Prometheus itself adds to every target.
std::optional<Known> own_series(std::string_view name) {
  if (name != "up") return std::nullopt;
  Known known;
  known.name = known.family = name;
  known.type = MetricType::kGauge;
  known.min = 0;
  known.max = 1;
  known.labels = {"job", "instance"};
  return known;
}

void add_entries(const catalog::Catalog& catalog, std::string_view name, Known& known) {
  known.found = catalog.find(name);
  bool is_first = true;
  for (const auto& [source, metric, suffix] : known.found) {
    known.family = metric->name;
    known.suffix = suffix;
    if (is_first) known.type = metric->type;
    known.unit = is_first || known.unit == metric->unit ? metric->unit : "";
    known.min = is_first ? metric->min : std::min(known.min, metric->min);
    known.max = is_first ? metric->max : std::max(known.max, metric->max);
    known.last_bucket = std::max(known.last_bucket, metric->last_bucket);
    known.labels.insert(source->labels.begin(), source->labels.end());
    known.labels.insert(metric->labels.begin(), metric->labels.end());
    is_first = false;
  }
}

void add_canonical(const catalog::Catalog& catalog, std::string_view name, Known& known) {
  std::string_view family = name;
  const auto* metric = catalog.find_canonical(name);
  if (metric == nullptr) {
    family = catalog::without_suffix(name);
    metric = catalog.find_canonical(family);
    if (metric == nullptr || metric->type != MetricType::kHistogram) return;
  }
  known.family = family;
  known.suffix = name.substr(family.size());
  known.type = metric->type;
  known.unit = metric->unit;
  known.min = metric->min;
  known.max = metric->max;
  known.labels.insert(metric->labels.begin(), metric->labels.end());
  known.labels.insert("node");
  if (name.starts_with("llm_")) known.labels.insert("engine_kind");
}

class Inference {
 public:
  explicit Inference(const catalog::Catalog& catalog) : catalog_(catalog) {}

  Facts of(const Expr& expr) const {
    switch (expr.kind) {
      case ExprKind::kNumber: return number(as<promql::NumberLiteral>(expr).value);
      case ExprKind::kParen: return of(*as<promql::ParenExpr>(expr).inner);
      case ExprKind::kUnary: return unary(as<promql::UnaryExpr>(expr));
      case ExprKind::kVectorSelector: return selector(as<promql::VectorSelector>(expr));
      case ExprKind::kMatrixSelector: return selector(*as<promql::MatrixSelector>(expr).vector);
      case ExprKind::kSubquery: return of(*as<promql::SubqueryExpr>(expr).inner);
      case ExprKind::kAggregate: return aggregate(as<promql::AggregateExpr>(expr));
      case ExprKind::kCall: return call(as<promql::Call>(expr));
      case ExprKind::kBinary: return binary(as<promql::BinaryExpr>(expr));
      case ExprKind::kString:
      case ExprKind::kDuration: return {};
    }
    return {};
  }

 private:
  static Facts number(double value) {
    Facts facts;
    facts.min = facts.max = value;
    facts.labels.exact = true;
    return facts;
  }

  Facts unary(const promql::UnaryExpr& expr) const {
    Facts facts = of(*expr.inner);
    if (expr.negative) facts = scaled(facts, -1);
    return facts;
  }

  static Facts scaled(Facts facts, double factor) {
    if (factor == 0 || !std::isfinite(factor)) {
      Facts unknown;
      unknown.labels = std::move(facts.labels);
      return unknown;
    }
    if (factor < 0) std::swap(facts.min, facts.max);
    facts.min *= factor;
    facts.max *= factor;
    if (factor != 1) facts.unit.clear();
    return facts;
  }

  Facts selector(const promql::VectorSelector& expr) const {
    Facts facts;
    const Known known = know(catalog_, expr.name);
    if (!known.is_known()) return facts;
    facts.labels.is_catalogued = true;
    facts.labels.names = known.labels;
    facts.labels.names.insert({"job", "instance"});
    if (known.suffix == "_bucket") facts.labels.names.insert("le");
    if (known.suffix == "_bucket" || known.suffix == "_count") {
      facts.min = 0;
      return facts;
    }
    facts.unit = known.unit;
    facts.min = known.suffix == "_sum" ? std::max(0.0, known.min) : known.min;
    if (known.series_type() == MetricType::kGauge) facts.max = known.max;
    facts.from_catalog = true;
    return facts;
  }

  Facts aggregate(const promql::AggregateExpr& expr) const {
    Facts facts = of(*expr.inner);
    switch (expr.op) {
      case Aggregation::kSum:
        facts.min = facts.min >= 0 ? facts.min : -kInfinity;
        facts.max = facts.max <= 0 ? facts.max : kInfinity;
        break;
      case Aggregation::kCount: facts = counted(std::move(facts), 1); break;
      case Aggregation::kStddev:
      case Aggregation::kStdvar: facts = counted(std::move(facts), 0); break;
      case Aggregation::kGroup:
        facts = counted(std::move(facts), 1);
        facts.max = 1;
        break;
      case Aggregation::kCountValues: facts = counted(std::move(facts), 1); break;
      default: break;
    }
    if (is_in(promql::to_string(expr.op), {"topk", "bottomk", "limitk", "limit_ratio"})) {
      return facts;
    }
    group(expr, facts.labels);
    return facts;
  }

  static Facts counted(Facts facts, double min) {
    Facts out;
    out.labels = std::move(facts.labels);
    out.min = min;
    return out;
  }

  static void group(const promql::AggregateExpr& expr, LabelFacts& labels) {
    if (expr.without) {
      for (const auto& label : expr.grouping) {
        labels.names.erase(label);
        labels.gone.insert(label);
      }
      return;
    }
    std::set<std::string> kept;
    for (const auto& label : expr.grouping) {
      if (!labels.lacks(label)) kept.insert(label);
    }
    if (expr.op == Aggregation::kCountValues && expr.parameter &&
        expr.parameter->kind == ExprKind::kString) {
      kept.insert(as<promql::StringLiteral>(*expr.parameter).value);
    }
    labels = {.exact = true, .names = std::move(kept), .gone = {}};
  }

  Facts call(const promql::Call& expr) const {
    const auto name = expr.function->name;
    if (is_in(name, {"absent", "absent_over_time"})) return absent(expr);
    if (name == "vector") {
      Facts facts = of(*expr.args[0]);
      facts.labels = {.exact = true, .names = {}, .gone = {}};
      return facts;
    }
    if (name == "histogram_quantile") return quantile(expr);
    const auto vector = std::ranges::find_if(expr.args, [](const auto& arg) {
      const auto type = promql::type_of(*arg);
      return type == ValueType::kVector || type == ValueType::kMatrix;
    });
    if (vector == expr.args.end()) return {};
    Facts inner = of(**vector);
    if (is_in(name, {"avg_over_time", "min_over_time", "max_over_time", "last_over_time",
                     "first_over_time", "quantile_over_time", "sort", "sort_desc", "sort_by_label",
                     "sort_by_label_desc"})) {
      return inner;
    }
    Facts facts;
    facts.labels = std::move(inner.labels);
    if (is_in(name, {"label_replace", "label_join"})) {
      relabel(expr, facts.labels);
      facts.min = inner.min;
      facts.max = inner.max;
      facts.unit = inner.unit;
      facts.from_catalog = inner.from_catalog;
    } else if (is_in(name, {"rate", "irate", "increase", "changes", "resets", "abs",
                            "stddev_over_time", "stdvar_over_time"})) {
      facts.min = 0;
    } else if (name == "count_over_time") {
      facts.min = 1;
    } else if (name == "sum_over_time") {
      facts.min = inner.min >= 0 ? 0 : -kInfinity;
    }
    return facts;
  }

  Facts absent(const promql::Call& expr) const {
    Facts facts = number(1);
    if (const auto* selector = selector_of(*expr.args[0])) {
      for (const auto& matcher : selector->matchers) {
        if (matcher.op() == Matcher::Op::kEqual && matcher.name() != kMetricName) {
          facts.labels.names.insert(matcher.name());
        }
      }
    }
    return facts;
  }

  Facts quantile(const promql::Call& expr) const {
    Facts inner = of(*expr.args[1]);
    Facts facts;
    facts.labels = std::move(inner.labels);
    facts.labels.names.erase("le");
    facts.labels.gone.insert("le");
    if (const auto* selector = bucket_selector(*expr.args[1])) {
      const Known known = know(catalog_, selector->name);
      facts.unit = known.unit;
      if (known.is_known()) facts.min = 0;
      if (known.last_bucket > 0) facts.max = known.last_bucket;
      facts.from_catalog = known.is_known();
    }
    return facts;
  }

  // The buckets that a quantile is made of: under rate() and sums.
  static const promql::VectorSelector* bucket_selector(const Expr& expr) {
    const Expr& inner = promql::unwrap(expr);
    if (inner.kind == ExprKind::kAggregate) {
      return bucket_selector(*as<promql::AggregateExpr>(inner).inner);
    }
    return selector_of(inner);
  }

  static void relabel(const promql::Call& expr, LabelFacts& labels) {
    if (expr.args.size() < 2 || expr.args[1]->kind != ExprKind::kString) return;
    const auto& target = as<promql::StringLiteral>(*expr.args[1]).value;
    labels.names.insert(target);
    labels.gone.erase(target);
  }

  Facts binary(const promql::BinaryExpr& expr) const {
    const Facts left = of(*expr.lhs);
    const Facts right = of(*expr.rhs);
    Facts facts;
    if (promql::is_set_operator(expr.op)) {
      facts = left;
      if (expr.op == Op::kOr) {
        facts.min = std::min(left.min, right.min);
        facts.max = std::max(left.max, right.max);
        facts.unit = left.unit == right.unit ? left.unit : "";
        facts.from_catalog = left.from_catalog && right.from_catalog;
        facts.labels = either(left.labels, right.labels);
      }
      return facts;
    }
    if (promql::is_comparison(expr.op)) {
      facts = is_scalar(*expr.lhs) ? right : left;
      if (expr.return_bool) {
        facts.min = 0;
        facts.max = 1;
        facts.unit.clear();
      }
    } else {
      facts = arithmetic(expr, left, right);
    }
    facts.labels = matched(expr, left.labels, right.labels);
    return facts;
  }

  static bool is_scalar(const Expr& expr) { return promql::type_of(expr) == ValueType::kScalar; }

  static LabelFacts either(const LabelFacts& left, const LabelFacts& right) {
    LabelFacts out;
    out.exact = left.exact && right.exact;
    out.is_catalogued = left.is_catalogued && right.is_catalogued;
    std::ranges::set_union(left.names, right.names, std::inserter(out.names, out.names.end()));
    std::ranges::set_intersection(left.gone, right.gone, std::inserter(out.gone, out.gone.end()));
    return out;
  }

  // sum(rate(x_sum)) / sum(rate(x_count)): a mean, in the unit of x.
  std::string unit_of_mean(const promql::BinaryExpr& expr) const {
    const auto* sum = bucket_selector(*expr.lhs);
    const auto* count = bucket_selector(*expr.rhs);
    if (sum == nullptr || count == nullptr) return {};
    const Known top = know(catalog_, sum->name);
    const Known bottom = know(catalog_, count->name);
    const bool is_mean =
        top.family == bottom.family && top.suffix == "_sum" && bottom.suffix == "_count";
    return is_mean ? top.unit : "";
  }

  Facts arithmetic(const promql::BinaryExpr& expr, const Facts& left, const Facts& right) const {
    Facts facts;
    const bool by_number = left.min == left.max || right.min == right.max;
    if (expr.op == Op::kMul && by_number) {
      return left.min == left.max ? scaled(right, left.min) : scaled(left, right.min);
    }
    if (expr.op == Op::kDiv && right.min == right.max) return scaled(left, 1 / right.min);
    if (expr.op == Op::kAdd || expr.op == Op::kSub) {
      const Facts other = expr.op == Op::kAdd ? right : scaled(right, -1);
      facts.min = left.min + other.min;
      facts.max = left.max + other.max;
      if (std::isnan(facts.min)) facts.min = -kInfinity;
      if (std::isnan(facts.max)) facts.max = kInfinity;
      facts.unit = left.unit == right.unit ? left.unit : "";
      facts.from_catalog = left.from_catalog && right.from_catalog;
      return facts;
    }
    if (expr.op == Op::kDiv && is_share(expr)) {
      facts.min = 0;
      facts.max = 1;
      facts.unit = "ratio";
      facts.from_catalog = true;
    } else if (left.min >= 0 && right.min >= 0) {
      facts.min = 0;
      if (expr.op == Op::kDiv) facts.unit = unit_of_mean(expr);
      facts.from_catalog = !facts.unit.empty();
    }
    return facts;
  }

  // a / (a + b): the same text among the summands.
  static bool is_share(const promql::BinaryExpr& expr) {
    const auto part = promql::to_string(promql::unwrap(*expr.lhs));
    const Expr& whole = promql::unwrap(*expr.rhs);
    return has_summand(whole, part);
  }
  static bool has_summand(const Expr& expr, const std::string& part) {
    if (expr.kind != ExprKind::kBinary) return false;
    const auto& sum = as<promql::BinaryExpr>(expr);
    if (sum.op != Op::kAdd) return false;
    const Expr& left = promql::unwrap(*sum.lhs);
    const Expr& right = promql::unwrap(*sum.rhs);
    return promql::to_string(left) == part || promql::to_string(right) == part ||
           has_summand(left, part) || has_summand(right, part);
  }

  static LabelFacts matched(const promql::BinaryExpr& expr, const LabelFacts& left,
                            const LabelFacts& right) {
    if (!expr.matching) return is_scalar(*expr.lhs) ? right : left;
    const auto& matching = *expr.matching;
    if (matching.card == promql::Cardinality::kManyToOne) return with(left, matching.include);
    if (matching.card == promql::Cardinality::kOneToMany) return with(right, matching.include);
    if (matching.on) {
      LabelFacts out{.exact = true, .names = {}, .gone = {}};
      for (const auto& label : matching.labels) {
        if (!left.lacks(label)) out.names.insert(label);
      }
      return out;
    }
    LabelFacts out = left.exact || !right.exact ? left : right;
    for (const auto& label : matching.labels) {
      out.names.erase(label);
      out.gone.insert(label);
    }
    return out;
  }

  static LabelFacts with(LabelFacts labels, const std::vector<std::string>& more) {
    labels.names.insert(more.begin(), more.end());
    for (const auto& label : more) labels.gone.erase(label);
    return labels;
  }

  const catalog::Catalog& catalog_;
};

}  // namespace

bool LabelFacts::lacks(const std::string& label) const {
  return exact ? !names.contains(label) : gone.contains(label);
}

MetricType Known::series_type() const {
  if (suffix == "_bucket" || suffix == "_sum" || suffix == "_count") return MetricType::kCounter;
  if (type == MetricType::kInfo) return MetricType::kGauge;
  return type;
}

bool Known::becomes(std::string_view canonical) const {
  if (found.empty()) return family == canonical;
  return std::ranges::any_of(found, [&](const catalog::Found& entry) {
    return std::ranges::any_of(entry.metric->to, [&](const catalog::Mapping& mapping) {
      return mapping.name == canonical;
    });
  });
}

Known know(const catalog::Catalog& catalog, std::string_view name) {
  if (auto own = own_series(name)) return *own;
  Known known;
  known.name = name;
  add_canonical(catalog, name, known);
  if (known.is_known()) return known;
  add_entries(catalog, name, known);
  if (known.is_known()) return known;
  // vllm_request_success_total, which is meant to be vllm:request_success_total.
  for (const auto candidate : {name, catalog::without_suffix(name)}) {
    const auto meant = candidate.empty() ? candidate : catalog.same_but_for_spelling(candidate);
    if (meant.empty()) continue;
    const auto series = std::string(meant) + std::string(name.substr(candidate.size()));
    add_canonical(catalog, series, known);
    if (!known.is_known()) add_entries(catalog, series, known);
    if (known.is_known()) break;
  }
  return known;
}

const promql::VectorSelector* selector_of(const Expr& expr) {
  const Expr& inner = promql::unwrap(expr);
  switch (inner.kind) {
    case ExprKind::kVectorSelector: return &as<promql::VectorSelector>(inner);
    case ExprKind::kMatrixSelector: return as<promql::MatrixSelector>(inner).vector.get();
    case ExprKind::kCall: {
      const auto& call = as<promql::Call>(inner);
      if (!is_in(call.function->name, {"rate", "irate", "increase"})) return nullptr;
      return selector_of(*call.args[0]);
    }
    default: return nullptr;
  }
}

Facts facts_of(const catalog::Catalog& catalog, const Expr& expr) {
  return Inference(catalog).of(expr);
}

std::optional<double> constant_of(const Expr& expr) {
  const Expr& inner = promql::unwrap(expr);
  switch (inner.kind) {
    case ExprKind::kNumber: return as<promql::NumberLiteral>(inner).value;
    case ExprKind::kUnary: {
      const auto value = constant_of(*as<promql::UnaryExpr>(inner).inner);
      if (!value) return std::nullopt;
      return as<promql::UnaryExpr>(inner).negative ? -*value : *value;
    }
    case ExprKind::kBinary: {
      const auto& binary = as<promql::BinaryExpr>(inner);
      const auto left = constant_of(*binary.lhs);
      const auto right = constant_of(*binary.rhs);
      if (!left || !right) return std::nullopt;
      switch (binary.op) {
        case Op::kAdd: return *left + *right;
        case Op::kSub: return *left - *right;
        case Op::kMul: return *left * *right;
        case Op::kDiv: return *left / *right;
        default: return std::nullopt;
      }
    }
    default: return std::nullopt;
  }
}

}  // namespace strata::lint
