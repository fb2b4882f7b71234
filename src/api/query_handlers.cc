// /api/v1/query and query_range.
#include <numeric>

#include "api/active_queries.h"
#include "api/api.h"
#include "api/handlers.h"
#include "api/hints.h"
#include "base/json.h"
#include "base/log.h"
#include "promql/parser.h"
#include "wire/query_json.h"

namespace strata::api {
namespace {

using std::chrono::nanoseconds;

// Prometheus' own bound on the resolution of a range query.
constexpr int64_t kMaxPointsPerSeries = 11'000;

// The value of `stats` that is our own: what each part of the expression did.
constexpr std::string_view kAnalyze = "analyze";

// What a query and a range query have in common.
struct Terms {
  size_t limit = 0;
  std::optional<Millis> timeout;
  std::optional<Millis> lookback;
  std::string_view stats;  // "": not asked for
};

Result<Terms> read_terms(const Services& services, Call& call) {
  Terms terms;
  terms.limit = TRY(call.limit());
  terms.timeout = TRY(call.duration("timeout"));
  terms.lookback = TRY(call.duration("lookback_delta"));
  terms.stats = call.parameter("stats");
  const bool known = terms.stats.empty() || terms.stats == "true" || terms.stats == "all" ||
                     terms.stats == kAnalyze;
  if (!known) {
    call.warnings.push_back(
        fmt::format("value \"{}\" for parameter \"stats\" is deprecated and will be rejected in "
                    "the next major release, use \"true\" or \"all\"",
                    terms.stats));
  }
  // The time in the queue counts.
  const Millis allowed = std::min(terms.timeout.value_or(services.engine.options().timeout),
                                  services.engine.options().timeout);
  if (call.waited > allowed) {
    return fail(ErrorCode::kTimeout, "query timed out in query queue");
  }
  terms.timeout = allowed - std::chrono::duration_cast<Millis>(call.waited);
  return terms;
}

// A query while it runs: listed, to be stopped, and logged afterwards when it was slow.
class Running {
 public:
  Running(const Services& services, const Call& call, const Terms& terms)
      : services_(services),
        call_(call),
        terms_(terms),
        began_(services.clock.steady()),
        ticket_(*services.active,
                {.text = std::string(text()),
                 .client = call.request().remote_address,
                 .started = services.clock.now_ms()},
                call.stop()) {}
  ~Running() {
    const auto now = services_.clock.steady();
    const auto took = now - began_;
    QueryMetrics& metrics = services_.active->metrics();
    metrics.queue_time.observe(seconds(call_.waited));
    metrics.prepare_time.observe(seconds(prepared_ - began_));
    metrics.inner_eval.observe(seconds(now - prepared_));
    metrics.result_sort.observe(0);
    metrics.samples.inc(stats_.samples_scanned);
    if (services_.slow_query.count() == 0 || took < services_.slow_query) return;
    log_warn("slow query", {{"query", text()},
                            {"client", call_.request().remote_address},
                            {"seconds", seconds(took)},
                            {"series", stats_.series_selected},
                            {"samples", stats_.samples_scanned},
                            {"peak_samples", stats_.peak_samples},
                            {"peak_bytes", stats_.peak_bytes}});
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  Result<promql::ExprPtr> parse() {
    auto parsed = promql::parse(text(), services_.engine.options().syntax);
    prepared_ = services_.clock.steady();
    if (!parsed) return std::unexpected(parsed.error().within("invalid parameter \"query\""));
    return parsed;
  }

  /// For what is said by step.
  void set_steps(TimestampMs start, Millis step) {
    start_ = start;
    step_ = step.count();
  }

  promql::QueryTerms terms() {
    return {.stop = ticket_.stop(),
            .timeout = terms_.timeout,
            .lookback = terms_.lookback,
            .stats = &counted(),
            .progress = &ticket_.progress(),
            .use_cache = call_.parameter("nocache") != "1",
            .nodes = terms_.stats == kAnalyze ? &nodes_ : nullptr};
  }

  // As util/stats/query_stats.go names them. Sorting is part of our evaluation.
  std::string statistics() const {
    if (terms_.stats.empty()) return "";
    const auto now = services_.clock.steady();
    std::string out;
    JsonWriter json(out);
    json.begin_object().key("timings").begin_object();
    json.key("evalTotalTime").number(seconds(now - began_));
    json.key("resultSortTime").number(0);
    json.key("queryPreparationTime").number(seconds(prepared_ - began_));
    json.key("innerEvalTime").number(seconds(now - prepared_));
    json.key("execQueueTime").number(seconds(call_.waited));
    json.key("execTotalTime").number(seconds(now - began_ + call_.waited));
    json.end_object().key("samples").begin_object();
    const auto& by_step = stats_.samples_by_step;
    const uint64_t looked_at = std::accumulate(by_step.begin(), by_step.end(), uint64_t{0});
    json.key("totalQueryableSamples").integer(static_cast<int64_t>(looked_at));
    if (terms_.stats == "all") write_steps(json.key("totalQueryableSamplesPerStep"));
    json.key("samplesRead").integer(static_cast<int64_t>(stats_.samples_scanned));
    json.key("peakSamples").integer(static_cast<int64_t>(stats_.peak_samples));
    json.key("peakBytes").integer(static_cast<int64_t>(stats_.peak_bytes));
    json.key("seriesSelected").integer(static_cast<int64_t>(stats_.series_selected));
    json.key("stepsCached").integer(static_cast<int64_t>(stats_.steps_cached));
    json.end_object();
    if (terms_.stats == kAnalyze) write_nodes(json.key("nodes"));
    json.end_object();
    return out;
  }

 private:
  void write_nodes(JsonWriter& json) const {
    json.begin_array();
    for (const QueryNode& node : nodes_) {
      json.begin_object().key("expr").string(node.expr);
      json.key("depth").integer(node.depth);
      json.key("series").integer(static_cast<int64_t>(node.series));
      json.key("samples").integer(static_cast<int64_t>(node.samples));
      json.key("bytes").integer(static_cast<int64_t>(node.bytes));
      json.key("seconds").number(node.seconds);
      json.key("reused").boolean(node.reused).end_object();
    }
    json.end_array();
  }

  promql::QueryStats& counted() {
    stats_.count_steps = !terms_.stats.empty() && terms_.stats != kAnalyze;
    return stats_;
  }
  // [[seconds, samples], …]; subqueries count as the steps that they have.
  void write_steps(JsonWriter& json) const {
    json.begin_array();
    for (size_t s = 0; s < stats_.samples_by_step.size(); ++s) {
      std::string time;
      wire::append_timestamp_json(time, start_ + static_cast<int64_t>(s) * step_);
      json.begin_array().raw(time).integer(static_cast<int64_t>(stats_.samples_by_step[s]));
      json.end_array();
    }
    json.end_array();
  }

  static double seconds(nanoseconds t) { return std::chrono::duration<double>(t).count(); }
  std::string_view text() const { return call_.parameter("query"); }

  const Services& services_;
  const Call& call_;
  const Terms& terms_;
  const nanoseconds began_;
  nanoseconds prepared_{0};
  promql::QueryStats stats_;
  TimestampMs start_ = 0;
  int64_t step_ = 0;
  std::vector<QueryNode> nodes_;
  ActiveQueries::Ticket ticket_;
};

// A result on its way out: each series is written, and forgotten.
class ResultPieces final : public Pieces {
 public:
  using Type = wire::QueryResponseWriter::Type;

  ResultPieces(QueryResult result, std::string stats)
      : result_(std::move(result)), stats_(std::move(stats)) {}

  bool next(std::string& out) override {
    constexpr size_t kEnough = size_t{64} << 10;
    if (!writer_) writer_.emplace(text_, static_cast<Type>(result_.value.index()));
    const bool more = std::visit([&](auto& value) { return write(value, kEnough); }, result_.value);
    if (!more) writer_->finish(result_.warnings, result_.infos, stats_);
    out += text_;
    text_.clear();
    return more;
  }

 private:
  template <class T>
  bool write(std::vector<T>& list, size_t enough) {
    for (; at_ < list.size() && text_.size() < enough; ++at_) {
      writer_->add(list[at_]);
      list[at_] = {};
    }
    return at_ < list.size();
  }
  template <class T>
  bool write(T& value, size_t) {
    writer_->add(value);
    return false;
  }

  QueryResult result_;
  const std::string stats_;
  std::string text_;
  std::optional<wire::QueryResponseWriter> writer_;
  size_t at_ = 0;
};
static_assert(std::is_same_v<std::variant_alternative_t<0, QueryValue>, Scalar> &&
              std::is_same_v<std::variant_alternative_t<1, QueryValue>, StringValue> &&
              std::is_same_v<std::variant_alternative_t<2, QueryValue>, Vector> &&
              std::is_same_v<std::variant_alternative_t<3, QueryValue>, Matrix>);

// Cuts the series beyond the request's limit and says so.
void apply_limit(QueryResult& result, size_t limit) {
  if (limit == 0) return;
  const auto cut = [&](auto& list) {
    if (list.size() <= limit) return;
    list.resize(limit);
    result.warnings.emplace_back("results truncated due to limit");
  };
  if (auto* vector = std::get_if<Vector>(&result.value)) cut(*vector);
  if (auto* matrix = std::get_if<Matrix>(&result.value)) cut(*matrix);
}

bool is_empty(const QueryValue& value) {
  if (const auto* vector = std::get_if<Vector>(&value)) return vector->empty();
  if (const auto* matrix = std::get_if<Matrix>(&value)) return matrix->empty();
  return false;
}

Reply reply_with(const Services& services, const Call& call, const promql::Expr& expr,
                 QueryResult result, size_t limit, std::string stats) {
  // To the empty answer goes why it is empty, where that can be told.
  if (is_empty(result.value)) {
    auto found = hints(services.source, expr, call.parameter("query"));
    std::ranges::move(found, std::back_inserter(result.infos));
  }
  apply_limit(result, limit);
  result.warnings.insert(result.warnings.end(), call.warnings.begin(), call.warnings.end());
  return {net::json_response(200, ""),
          std::make_unique<ResultPieces>(std::move(result), std::move(stats))};
}

}  // namespace

Result<Reply> query(const Services& services, Call& call) {
  const auto at = TRY(call.time_or("time", services.clock.now_ms()));
  const auto terms = TRY(read_terms(services, call));
  Running running(services, call, terms);
  running.set_steps(at, Millis(0));
  const auto expr = TRY(running.parse());
  auto result = TRY(services.engine.instant(services.source, *expr, call.parameter("query"), at,
                                            running.terms()));
  return reply_with(services, call, *expr, std::move(result), terms.limit, running.statistics());
}

Result<Reply> query_range(const Services& services, Call& call) {
  const auto start = TRY(call.time("start"));
  const auto end = TRY(call.time("end"));
  if (end < start) {
    return bad_data("invalid parameter \"end\": end timestamp must not be before start time");
  }
  TRY(call.required("step"));
  const Millis step = *TRY(call.duration("step"));
  if (step.count() <= 0) {
    return bad_data(
        "invalid parameter \"step\": zero or negative query resolution step widths are not "
        "accepted. Try a positive integer");
  }
  if ((end - start) / step.count() > kMaxPointsPerSeries) {
    return bad_data(
        "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query "
        "resolution (?step=XX)");
  }
  const auto terms = TRY(read_terms(services, call));
  Running running(services, call, terms);
  running.set_steps(start, step);
  const auto expr = TRY(running.parse());
  auto result = TRY(services.engine.range(services.source, *expr, call.parameter("query"), start,
                                          end, step, running.terms()));
  return reply_with(services, call, *expr, std::move(result), terms.limit, running.statistics());
}

}  // namespace strata::api
