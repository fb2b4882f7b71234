// /api/v1/query, query_range, format_query, query_exemplars.
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

// Prometheus' own bound on the resolution of a range query.
constexpr int64_t kMaxPointsPerSeries = 11'000;

// A query while it runs: listed, to be stopped, and logged afterwards when it was slow.
class Running {
 public:
  Running(const Services& services, const Call& call, std::string_view text)
      : services_(services),
        text_(text),
        began_(services.clock.steady()),
        ticket_(*services.active,
                {.text = text_,
                 .client = call.request().remote_address,
                 .started = services.clock.now_ms()},
                call.stop()) {}
  ~Running() {
    const auto took = services_.clock.steady() - began_;
    if (services_.slow_query.count() == 0 || took < services_.slow_query) return;
    log_warn("slow query", {{"query", text_},
                            {"seconds", std::chrono::duration<double>(took).count()},
                            {"series", stats_.series_selected},
                            {"samples", stats_.samples_scanned}});
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  promql::QueryTerms terms(std::optional<Millis> timeout, std::optional<Millis> lookback) {
    return {.stop = ticket_.stop(), .timeout = timeout, .lookback = lookback, .stats = &stats_};
  }

 private:
  const Services& services_;
  const std::string text_;
  const std::chrono::nanoseconds began_;
  promql::QueryStats stats_;
  ActiveQueries::Ticket ticket_;
};

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
  Running running(services, call, text);
  auto result =
      TRY(services.engine.instant(services.source, text, at, running.terms(timeout, lookback)));
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
  Running running(services, call, text);
  auto result = TRY(services.engine.range(services.source, text, start, end, step,
                                          running.terms(timeout, lookback)));
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
