#include "api/running_query.h"

#include <numeric>

#include "base/log.h"
#include "wire/query_json.h"

namespace strata::api {
namespace {

using std::chrono::nanoseconds;

constexpr std::string_view kAnalyze = "analyze";

double seconds(nanoseconds t) { return std::chrono::duration<double>(t).count(); }

}  // namespace

RunningQuery::RunningQuery(const Services& services, Asked asked)
    : services_(services),
      asked_(std::move(asked)),
      began_(services.clock.steady()),
      ticket_(*services.active,
              {.text = std::string(asked_.text),
               .client = std::string(asked_.client),
               .started = services.clock.now_ms()},
              asked_.stop) {}

RunningQuery::~RunningQuery() {
  const auto now = services_.clock.steady();
  const auto took = now - began_;
  QueryMetrics& metrics = services_.active->metrics();
  metrics.queue_time.observe(seconds(asked_.waited));
  metrics.prepare_time.observe(seconds(prepared_ - began_));
  metrics.inner_eval.observe(seconds(now - prepared_));
  metrics.result_sort.observe(0);
  metrics.samples.inc(stats_.samples_scanned);
  if (services_.slow_query.count() == 0 || took < services_.slow_query) return;
  log_warn("slow query", {{"query", asked_.text},
                          {"client", asked_.client},
                          {"seconds", seconds(took)},
                          {"series", stats_.series_selected},
                          {"samples", stats_.samples_scanned},
                          {"peak_samples", stats_.peak_samples},
                          {"peak_bytes", stats_.peak_bytes}});
}

Result<promql::ExprPtr> RunningQuery::parse() {
  auto parsed = promql::parse(asked_.text, services_.engine.options().syntax);
  prepared_ = services_.clock.steady();
  if (!parsed) return std::unexpected(parsed.error().within("invalid parameter \"query\""));
  return parsed;
}

void RunningQuery::set_steps(TimestampMs start, Millis step) {
  start_ = start;
  step_ = step.count();
}

bool RunningQuery::analyzes() const { return asked_.stats == kAnalyze; }

promql::QueryTerms RunningQuery::terms() {
  return {.stop = ticket_.stop(),
          .timeout = asked_.timeout,
          .lookback = asked_.lookback,
          .stats = &counted(),
          .progress = &ticket_.progress(),
          .use_cache = asked_.use_cache,
          .nodes = analyzes() ? &nodes_ : nullptr};
}

promql::QueryStats& RunningQuery::counted() {
  stats_.count_steps = !asked_.stats.empty() && !analyzes();
  return stats_;
}

// As util/stats/query_stats.go names them. Sorting is part of our evaluation.
std::string RunningQuery::statistics() const {
  if (asked_.stats.empty()) return "";
  const auto now = services_.clock.steady();
  std::string out;
  JsonWriter json(out);
  json.begin_object().key("timings").begin_object();
  json.key("evalTotalTime").number(seconds(now - began_));
  json.key("resultSortTime").number(0);
  json.key("queryPreparationTime").number(seconds(prepared_ - began_));
  json.key("innerEvalTime").number(seconds(now - prepared_));
  json.key("execQueueTime").number(seconds(asked_.waited));
  json.key("execTotalTime").number(seconds(now - began_ + asked_.waited));
  json.end_object().key("samples").begin_object();
  const auto& by_step = stats_.samples_by_step;
  const uint64_t looked_at = std::accumulate(by_step.begin(), by_step.end(), uint64_t{0});
  json.key("totalQueryableSamples").integer(static_cast<int64_t>(looked_at));
  if (asked_.stats == "all") write_steps(json.key("totalQueryableSamplesPerStep"));
  json.key("samplesRead").integer(static_cast<int64_t>(stats_.samples_scanned));
  json.key("peakSamples").integer(static_cast<int64_t>(stats_.peak_samples));
  json.key("peakBytes").integer(static_cast<int64_t>(stats_.peak_bytes));
  json.key("seriesSelected").integer(static_cast<int64_t>(stats_.series_selected));
  json.key("stepsCached").integer(static_cast<int64_t>(stats_.steps_cached));
  json.end_object();
  if (analyzes()) write_nodes(json.key("nodes"));
  json.end_object();
  return out;
}

void RunningQuery::write_nodes(JsonWriter& json) const {
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

// [[seconds, samples], …]; subqueries count as the steps that they have.
void RunningQuery::write_steps(JsonWriter& json) const {
  json.begin_array();
  for (size_t s = 0; s < stats_.samples_by_step.size(); ++s) {
    std::string time;
    wire::append_timestamp_json(time, start_ + static_cast<int64_t>(s) * step_);
    json.begin_array().raw(time).integer(static_cast<int64_t>(stats_.samples_by_step[s]));
    json.end_array();
  }
  json.end_array();
}

}  // namespace strata::api
