#include "promql/engine.h"

#include <algorithm>

#include "model/query_evaluator.h"
#include "promql/evaluator.h"
#include "promql/prepare.h"
#include "promql/profile.h"
#include "promql/query.h"
#include "promql/result_cache.h"

namespace strata::promql {
namespace {

// Query times are held within +-2^61 ms, so that offsets and ranges cannot overflow.
constexpr TimestampMs kMaxQueryTime = int64_t{1} << 61;

Point point_at(TimestampMs t, RowView row, size_t step) {
  Point point{t, row.v[step], nullptr};
  if (row.is_histogram(step)) point.h = row.histogram(step);
  return point;
}

std::unexpected<Error> cannot_query_type(const Expr& expr) {
  return bad_data(
      fmt::format("invalid expression type \"{}\" for range query, must be Scalar or "
                  "instant Vector",
                  documented_name(type_of(expr))));
}

// Whether the expression itself says in which order its series come.
bool is_ordered(const Expr& expr) {
  const Expr& top = unwrap(expr);
  if (top.kind == ExprKind::kAggregate) {
    const Aggregation op = as<AggregateExpr>(top).op;
    return op == Aggregation::kTopk || op == Aggregation::kBottomk;
  }
  return top.kind == ExprKind::kCall && as<Call>(top).function->name.starts_with("sort");
}

// Names that were to be dropped are dropped now.
Result<VectorPtr> finish_names(Query& query, VectorPtr vector, size_t steps) {
  if (query.options.delayed_name_removal) {
    std::vector<SeriesRef> series = vector->all_series();
    for (SeriesRef& s : series) {
      if (s.drop_name) s = {query.keep(without_metadata(*s.labels)), false};
    }
    vector = edit_rows(std::move(vector), std::move(series),
                       [](const SeriesRef&, RowView) -> Result<> { return {}; });
  }
  return merge_same_labels(query, std::move(vector), steps);
}

Result<Vector> to_vector(Query& query, VectorPtr source, TimestampMs at, bool ordered) {
  source = TRY(finish_names(query, std::move(source), 1));
  Vector out;
  TRY(for_each_row(query, *source, 1, [&](size_t i, RowView row) -> Result<> {
    if (row.has(0)) out.push_back({*source->series(i).labels, point_at(at, row, 0)});
    return {};
  }));
  if (!ordered) std::ranges::sort(out, {}, &VectorSample::metric);
  return out;
}

Result<Matrix> to_matrix(Query& query, VectorPtr source, const Steps& steps) {
  source = TRY(finish_names(query, std::move(source), steps.count));
  Matrix out;
  TRY(for_each_row(query, *source, steps.count, [&](size_t i, RowView row) -> Result<> {
    const auto present =
        static_cast<size_t>(std::ranges::count_if(row.v, [](double v) { return !is_absent(v); }));
    if (present == 0) return {};
    MatrixSeries series{*source->series(i).labels, {}};
    // The result stays on the account until the query ends.
    TRY(query.charge({present, present * sizeof(Point) + memory_of(series.metric)}));
    if (row.has_histograms()) TRY(query.charge({0, memory_of(row.histograms())}));
    series.points.reserve(present);
    if (row.has_histograms()) {
      for (size_t s = 0; s < steps.count; ++s) {
        if (row.has(s)) series.points.push_back(point_at(steps.at(s), row, s));
      }
    } else {
      for (size_t s = 0; s < steps.count; ++s) {
        if (row.has(s)) series.points.emplace_back(steps.at(s), row.v[s], nullptr);
      }
    }
    out.push_back(std::move(series));
    return {};
  }));
  std::ranges::sort(out, {}, &MatrixSeries::metric);
  return out;
}

Matrix scalar_matrix(const std::vector<double>& values, const Steps& steps) {
  MatrixSeries series;
  series.points.reserve(steps.count);
  for (size_t s = 0; s < steps.count; ++s) series.points.push_back({steps.at(s), values[s], {}});
  return {std::move(series)};
}

Result<Matrix> range_vector(Query& query, Evaluator& evaluator, const Expr& expr) {
  const MatrixPtr source = TRY(evaluator.matrix(expr));
  Matrix out;
  SampleColumns samples;
  for (size_t i = 0; i < source->size(); ++i) {
    TRY(query.check());
    TRY(source->read(i, source->spec(), samples));
    TRY(query.charge({samples.size(), samples.size() * sizeof(Point)}));
    MatrixSeries series{*source->series(i).labels, {}};
    if (source->series(i).drop_name) series.metric = without_metadata(series.metric);
    for (size_t k = 0; k < samples.size(); ++k) {
      const HistogramPtr h = samples.h.empty() ? nullptr : samples.h[k];
      if (!h && is_stale_nan(samples.v[k])) continue;
      series.points.push_back({samples.t[k], samples.v[k], h});
    }
    if (!series.points.empty()) out.push_back(std::move(series));
  }
  std::ranges::sort(out, {}, &MatrixSeries::metric);
  return out;
}

Result<QueryValue> instant_value(Query& query, const Expr& expr, TimestampMs at) {
  query.begin_steps({at, 1, 1});
  Evaluator evaluator(query, {at, 1, 1});
  if (type_of(expr) == ValueType::kMatrix) return TRY(range_vector(query, evaluator, expr));
  Value value = TRY(evaluator.eval(expr));
  if (value.type == ValueType::kScalar) return Scalar{at, value.scalar[0]};
  if (value.type == ValueType::kString) return StringValue{at, std::move(value.text)};
  return TRY(to_vector(query, std::move(value.vector), at, is_ordered(expr)));
}

Result<QueryValue> range_value(Query& query, const Expr& expr, const Steps& steps) {
  query.begin_steps(steps);
  Evaluator evaluator(query, steps);
  Value value = TRY(evaluator.eval(expr));
  if (value.type == ValueType::kScalar) return scalar_matrix(value.scalar, steps);
  return TRY(to_matrix(query, std::move(value.vector), steps));
}

// Evaluates only the steps that are not in the last answer to `expr`. An answer with something to
// say about it is not kept: which steps it was about is not known.
Result<Matrix> cached_range(Query& query, const Expr& expr, const Expr& prepared,
                            const Steps& steps, ResultCache& cache) {
  const auto evaluate = [&](const Steps& some) -> Result<Matrix> {
    return std::get<Matrix>(TRY(range_value(query, prepared, some)));
  };
  const auto reach = reach_of(expr, query.lookback);
  if (!reach) return evaluate(steps);
  const std::string key =
      fmt::format("{} {} {} {} {} {}", reinterpret_cast<uintptr_t>(&query.source), steps.interval,
                  steps.start % steps.interval, query.lookback.count(), query.subquery_step.count(),
                  to_string(expr));
  const uint64_t version = query.source.version();
  const auto known = cache.find(key);
  const size_t reused =
      known ? known->valid_steps(steps, query.source.unchanged_before(known->version), *reach) : 0;
  cache.count(reused > 0);
  query.steps_cached = reused;
  Matrix matrix;
  if (reused < steps.count) {
    matrix = TRY(evaluate({steps.at(reused), steps.interval, steps.count - reused}));
  }
  if (reused > 0) {
    matrix = known->joined(steps, reused, std::move(matrix));
    for (const MatrixSeries& series : matrix) {
      TRY(query.charge({series.points.size(), series.points.size() * sizeof(Point)}));
    }
  }
  if (query.annotations.empty()) {
    if (auto answer = CachedAnswer::of(matrix, steps, version)) cache.keep(key, std::move(answer));
  }
  return matrix;
}

QueryResult with_annotations(const Query& query, QueryValue value, std::string_view text) {
  return {std::move(value), query.annotations.warnings(text), query.annotations.infos(text)};
}

// What the source's own evaluator is told of a query.
Result<EvaluationTerms> terms_elsewhere(const QueryTerms& terms, const EngineOptions& options) {
  if (terms.nodes != nullptr) {
    return bad_data(
        "what each part of an expression costs is not known: it is evaluated elsewhere");
  }
  const Millis timeout = std::min(terms.timeout.value_or(options.timeout), options.timeout);
  return EvaluationTerms{.stop = terms.stop, .timeout = timeout, .lookback = terms.lookback};
}

}  // namespace

Engine::Engine(EngineOptions options, ThreadPool* pool, const Clock& clock)
    : cache_(options.result_cache_bytes > 0
                 ? std::make_unique<ResultCache>(options.result_cache_bytes)
                 : nullptr),
      options_(options),
      subquery_step_(options.default_subquery_step.count()),
      pool_(pool),
      clock_(clock) {}

Engine::~Engine() = default;

Result<QueryResult> Engine::instant(const SeriesSource& source, std::string_view query,
                                    TimestampMs at, const QueryTerms& terms) const {
  const ExprPtr expr = TRY(parse(query, options_.syntax));
  return instant(source, *expr, query, at, terms);
}

Result<QueryResult> Engine::range(const SeriesSource& source, std::string_view query,
                                  TimestampMs start, TimestampMs end, Millis step,
                                  const QueryTerms& terms) const {
  const ExprPtr expr = TRY(parse(query, options_.syntax));
  return range(source, *expr, query, start, end, step, terms);
}

Result<QueryResult> Engine::instant(const SeriesSource& source, const Expr& expr,
                                    std::string_view text, TimestampMs at,
                                    const QueryTerms& terms) const {
  if (const auto* elsewhere = source.evaluator()) {
    return elsewhere->instant(text, at, TRY(terms_elsewhere(terms, options_)));
  }
  Query query(source, options_, default_subquery_step(), pool_, clock_, terms);
  query.start = query.end = std::clamp(at, -kMaxQueryTime, kMaxQueryTime);
  const ExprPtr prepared = clone(expr);
  TRY(prepare(*prepared, query));
  if (terms.nodes != nullptr) query.profile = std::make_unique<Profile>(query, *prepared);
  QueryValue value = TRY(instant_value(query, *prepared, query.start));
  if (terms.nodes != nullptr) *terms.nodes = query.profile->nodes();
  return with_annotations(query, std::move(value), text);
}

Result<QueryResult> Engine::range(const SeriesSource& source, const Expr& expr,
                                  std::string_view text, TimestampMs start, TimestampMs end,
                                  Millis step, const QueryTerms& terms) const {
  const ValueType type = type_of(expr);
  if (type != ValueType::kScalar && type != ValueType::kVector) return cannot_query_type(expr);
  if (step.count() <= 0) return bad_data("zero or negative query resolution step");
  start = std::clamp(start, -kMaxQueryTime, kMaxQueryTime);
  end = std::clamp(end, -kMaxQueryTime, kMaxQueryTime);
  if (end < start) return bad_data("end timestamp must not be before start time");
  const auto count = static_cast<size_t>((end - start) / step.count()) + 1;
  if (count > options_.max_steps) {
    return fail(ErrorCode::kLimit,
                fmt::format("the query has {} steps, the limit is {}", count, options_.max_steps));
  }
  if (const auto* elsewhere = source.evaluator()) {
    return elsewhere->range(text, start, end, step, TRY(terms_elsewhere(terms, options_)));
  }
  Query query(source, options_, default_subquery_step(), pool_, clock_, terms);
  query.start = start;
  query.end = end;
  query.step = step;
  const ExprPtr prepared = clone(expr);
  TRY(prepare(*prepared, query));
  if (terms.nodes != nullptr) query.profile = std::make_unique<Profile>(query, *prepared);
  const Steps steps{start, step.count(), count};
  const bool cacheable = cache_ != nullptr && terms.use_cache && terms.nodes == nullptr &&
                         !query.wants_steps() && type == ValueType::kVector;
  QueryValue value;
  if (cacheable) {
    value = TRY(cached_range(query, expr, *prepared, steps, *cache_));
  } else {
    value = TRY(range_value(query, *prepared, steps));
  }
  if (terms.nodes != nullptr) *terms.nodes = query.profile->nodes();
  return with_annotations(query, std::move(value), text);
}

ResultCacheStats Engine::result_cache() const {
  return cache_ ? cache_->stats() : ResultCacheStats();
}

}  // namespace strata::promql
