// /api/v1/query and query_range.
#include "api/api.h"
#include "api/handlers.h"
#include "api/hints.h"
#include "api/running_query.h"
#include "wire/query_json.h"

namespace strata::api {
namespace {

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

Asked asked(const Call& call, const Terms& terms) {
  return {.text = call.parameter("query"),
          .client = call.request().remote_address,
          .stop = call.stop(),
          .waited = call.waited,
          .timeout = terms.timeout,
          .lookback = terms.lookback,
          .stats = terms.stats,
          .use_cache = call.parameter("nocache") != "1"};
}

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
  RunningQuery running(services, asked(call, terms));
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
  RunningQuery running(services, asked(call, terms));
  running.set_steps(start, step);
  const auto expr = TRY(running.parse());
  auto result = TRY(services.engine.range(services.source, *expr, call.parameter("query"), start,
                                          end, step, running.terms()));
  return reply_with(services, call, *expr, std::move(result), terms.limit, running.statistics());
}

}  // namespace strata::api
