#include "gateway/meter.h"

#include <fmt/format.h>

namespace strata::gateway {
namespace {

const std::string kOther = "other";

// To an hour: long reasoning answers are measured, not capped.
std::vector<double> duration_buckets() {
  return {.05, .1, .25, .5, 1, 2, 3, 5, 8, 13, 20, 30, 60, 120, 300, 600, 1800, 3600};
}
std::vector<double> first_token_buckets() {
  return {.001, .005, .01, .025, .05, .1,  .15, .25, .4, .6, .8, 1,
          1.2,  1.5,  2,   3,    4,   5.0, 7.5, 10,  15, 30, 60, 300};
}
std::vector<double> per_token_buckets() {
  return {.001, .0025, .005, .01, .015, .02, .03, .04, .05, .075, .1, .15, .2, .3, .5, 1, 2.5};
}

double seconds(RequestRecord::Nanos time) { return std::chrono::duration<double>(time).count(); }

const std::string& minted(std::set<std::string, std::less<>>& labels, const std::string& value,
                          bool known, size_t most) {
  if (const auto found = labels.find(value); found != labels.end()) return *found;
  if (!known || labels.size() >= most) return kOther;
  return *labels.insert(value).first;
}

}  // namespace

Meter::Meter(size_t max_tenants, metrics::Registry& registry)
    : tenants_(max_tenants),
      requests_(
          registry.expiring_counter<"model_name", "tenant_id", "endpoint", "upstream", "outcome">(
              "app_requests_total", "Requests that ended.", kIdle, {.max_series = 20'000})),
      errors_(registry.counter<"model_name", "error_type", "http_status">(
          "app_request_errors_total", "Requests that failed, by outcome.")),
      concurrent_(
          registry.gauge<"model_name">("app_concurrent_requests", "Requests being answered.")),
      duration_(registry.expiring_histogram<"model_name", "endpoint", "tenant_id">(
          "app_request_duration_seconds", "Duration of a request as the client sees it.", kIdle,
          duration_buckets(), {.max_series = 5'000})),
      ttft_(registry.expiring_histogram<"model_name", "endpoint", "tenant_id">(
          "app_time_to_first_token_seconds",
          "From a request's last byte to the first event with content, of streams.", kIdle,
          first_token_buckets(), {.max_series = 5'000})),
      ttfb_(registry.expiring_histogram<"model_name", "endpoint", "tenant_id">(
          "app_time_to_first_byte_seconds",
          "From a request's last byte to the first byte of the answer.", kIdle,
          first_token_buckets(), {.max_series = 5'000})),
      tpot_(registry.expiring_histogram<"model_name", "endpoint", "tenant_id">(
          "app_time_per_output_token_seconds", "Time per output token after the first, of streams.",
          kIdle, per_token_buckets(), {.max_series = 5'000})),
      input_(registry.expiring_counter<"model_name", "tenant_id">(
          "app_input_tokens_total", "Prompt tokens, cached ones too.", kIdle)),
      output_(registry.expiring_counter<"model_name", "tenant_id">("app_output_tokens_total",
                                                                   "Completion tokens.", kIdle)),
      cached_(registry.expiring_counter<"model_name", "tenant_id">(
          "app_cached_input_tokens_total", "Prompt tokens that were served from a cache.", kIdle)),
      reasoning_(registry.expiring_counter<"model_name", "tenant_id">(
          "app_reasoning_tokens_total", "Completion tokens that were reasoning.", kIdle)),
      sources_(registry.counter<"model_name", "usage_source">(
          "app_usage_source_total", "Requests by where their numbers of tokens come from.")),
      cost_(registry.expiring_float_counter<"model_name", "tenant_id">("app_cost_usd_total",
                                                                       "What was spent.", kIdle)),
      unpriced_(registry.counter<"model_name">(
          "app_unpriced_requests_total", "Requests with tokens for a model without a price.")),
      retries_(registry.counter<"upstream">("app_upstream_retries_total",
                                            "Attempts that were made again elsewhere.")),
      up_(registry.gauge<"upstream">("app_upstream_up",
                                     "Whether the upstream is in favour: 0 while it fails.")),
      in_flight_(registry.gauge<"upstream">("app_upstream_in_flight_requests",
                                            "Requests that the upstream has now.")),
      waiting_(registry.gauge("app_requests_waiting_first_byte",
                              "Requests whose answer has not begun.")),
      oldest_waiting_(registry.gauge("app_oldest_waiting_request_seconds",
                                     "How long the oldest of those waits; 0 without any.")),
      malformed_(registry.counter("app_gateway_malformed_requests_total",
                                  "Requests refused for their head: no HTTP, too long, too slow, "
                                  "or to be read in two ways.")),
      refused_(registry.counter("app_gateway_refused_connections_total",
                                "Connections above gateway.max_connections.")),
      lost_rows_(registry.counter("app_gateway_ledger_lost_rows_total",
                                  "Rows that the ledger could not write.")) {}

const std::string& Meter::model_label(const std::string& model, bool known) {
  return model.empty() ? kOther : minted(models_, model, known, kMaxModels);
}

const std::string& Meter::tenant_label(const std::string& tenant, TimestampMs now_ms) {
  const std::string& label = tenants_.note(tenant, now_ms);
  for (const std::string& dropped : tenants_.take_dropped()) {
    std::erase_if(held_, [&](const auto& held) { return held.second->tenant == dropped; });
  }
  return label;
}

Meter::Series& Meter::series_of(const std::string& model, const std::string& endpoint,
                                const std::string& tenant) {
  key_.assign(model).append("\n").append(endpoint).append("\n").append(tenant);
  if (const auto found = held_.find(key_); found != held_.end()) return *found->second;
  if (held_.size() >= kMaxHeld) held_.clear();  // the series stay, they are found again
  auto series = std::make_unique<Series>();
  series->model = model;
  series->endpoint = endpoint;
  series->tenant = tenant;
  return *held_.emplace(key_, std::move(series)).first->second;
}

void Meter::observe(ByEndpoint& family, std::optional<metrics::Held<metrics::Histogram>>& held,
                    const Series& series, RequestRecord::Nanos time) {
  if (!held) held = family.with(series.model, series.endpoint, series.tenant);
  (*held)->observe(seconds(time));
}

void Meter::count(ByModelTenant& family, std::optional<metrics::Held<metrics::Counter>>& held,
                  const Series& series, uint64_t tokens) {
  if (!held) held = family.with(series.model, series.tenant);
  (*held)->inc(tokens);
}

void Meter::record(const RequestRecord& record, const std::string& model,
                   const std::string& tenant_then) {
  // It may have lost its label since the request came.
  const std::string& tenant = tenants_.is_label(tenant_then) ? tenant_then : kOther;
  requests_.with(model, tenant, record.endpoint, record.upstream, to_string(record.outcome))->inc();
  if (record.outcome != Outcome::kOk) {
    errors_.with(model, to_string(record.outcome), fmt::to_string(record.status)).inc();
  }
  Series& series = series_of(model, record.endpoint, tenant);
  observe(duration_, series.duration, series, record.duration);
  if (record.ttfb >= RequestRecord::Nanos(0)) {
    observe(ttfb_, series.ttfb, series, record.ttfb);
  }
  if (record.ttft >= RequestRecord::Nanos(0)) {
    observe(ttft_, series.ttft, series, record.ttft);
    if (record.usage.output > 1 && record.last > record.ttft) {
      const auto others = static_cast<int64_t>(record.usage.output - 1);
      observe(tpot_, series.tpot, series, (record.last - record.ttft) / others);
    }
  }
  if (record.usage_source != UsageSource::kNone) record_tokens(record, series);
}

void Meter::record_tokens(const RequestRecord& record, Series& series) {
  const Usage& usage = record.usage;
  sources_.with(series.model, to_string(record.usage_source)).inc();
  count(input_, series.input, series, usage.all_input());
  count(output_, series.output, series, usage.output);
  if (usage.cached > 0) count(cached_, series.cached, series, usage.cached);
  if (usage.reasoning > 0) count(reasoning_, series.reasoning, series, usage.reasoning);
  if (!record.cost_nano_usd) return unpriced_.with(series.model).inc();
  if (!series.cost) series.cost = cost_.with(series.model, series.tenant);
  (*series.cost)->add(static_cast<double>(*record.cost_nano_usd) * 1e-9);
}

void Meter::waiting(uint64_t requests, double oldest_seconds) {
  waiting_.set(static_cast<double>(requests));
  oldest_waiting_.set(oldest_seconds);
}

void Meter::upstream_state(const std::string& upstream, bool up, uint64_t in_flight) {
  up_.with(upstream).set(up ? 1 : 0);
  in_flight_.with(upstream).set(static_cast<double>(in_flight));
}

}  // namespace strata::gateway
