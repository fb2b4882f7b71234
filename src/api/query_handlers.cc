// /api/v1/query, query_range, format_query, query_exemplars.
#include "api/api.h"
#include "api/handlers.h"
#include "api/hints.h"
#include "base/json.h"
#include "promql/parser.h"
#include "wire/query_json.h"

namespace strata::api {
namespace {

// Prometheus' own bound on the resolution of a range query.
constexpr int64_t kMaxPointsPerSeries = 11'000;

promql::QueryTerms terms_of(const Call& call, std::optional<Millis> timeout,
                            std::optional<Millis> lookback, promql::QueryStats* stats) {
  return {.stop = call.stop(), .timeout = timeout, .lookback = lookback, .stats = stats};
}

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

// To the empty answer goes why it is empty, where that can be told.
void add_hints(const Services& services, std::string_view text, QueryResult& result) {
  if (!is_empty(result.value)) return;
  const auto expr = promql::parse(text, services.engine.options().syntax);
  if (!expr) return;
  for (auto& hint : hints(services.source, **expr, text)) result.infos.push_back(std::move(hint));
}

net::HttpResponse respond(const Services& services, std::string_view text, QueryResult result,
                          size_t limit) {
  add_hints(services, text, result);
  apply_limit(result, limit);
  std::string body;
  wire::append_query_response(body, result);
  return net::json_response(200, std::move(body));
}

}  // namespace

Result<net::HttpResponse> query(const Services& services, Call& call) {
  const auto limit = TRY(call.limit());
  const auto at = TRY(call.time_or("time", services.clock.now_ms()));
  const auto timeout = TRY(call.duration("timeout"));
  const auto lookback = TRY(call.duration("lookback_delta"));
  const auto text = call.parameter("query");
  promql::QueryStats stats;
  auto result = TRY(services.engine.instant(services.source, text, at,
                                            terms_of(call, timeout, lookback, &stats)));
  return respond(services, text, std::move(result), limit);
}

Result<net::HttpResponse> query_range(const Services& services, Call& call) {
  const auto limit = TRY(call.limit());
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
  const auto timeout = TRY(call.duration("timeout"));
  const auto lookback = TRY(call.duration("lookback_delta"));
  const auto text = call.parameter("query");
  promql::QueryStats stats;
  auto result = TRY(services.engine.range(services.source, text, start, end, step,
                                          terms_of(call, timeout, lookback, &stats)));
  return respond(services, text, std::move(result), limit);
}

Result<net::HttpResponse> format_query(const Services& services, Call& call) {
  const auto text = TRY(call.required("query"));
  const auto parsed = TRY(promql::parse(text, services.engine.options().syntax));
  std::string data;
  append_json_string(data, promql::pretty(*parsed));
  return success(call, data);
}

Result<net::HttpResponse> query_exemplars(const Services& services, Call& call) {
  // Exemplars are parsed but not stored yet: an empty answer is true, and what Grafana expects.
  const auto text = TRY(call.required("query"));
  TRY(promql::parse(text, services.engine.options().syntax));
  TRY(call.range());
  return success(call, "[]");
}

}  // namespace strata::api
