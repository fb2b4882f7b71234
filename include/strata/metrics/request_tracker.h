// Measures requests to a model from inside the application that makes or serves them: how many, how
// long, to the first token, tokens, outcome, under the same app_* names as `strata gateway` (which
// needs no code at all).
//
//   strata::metrics::RequestMetrics metrics(registry, {.models = {"llama-3.3-70b"}});
//   …
//   strata::metrics::RequestTracker request(metrics, model, "/v1/chat/completions", tenant);
//   for (…) { request.token(); … }            // of a stream: the first one stops the clock of TTFT
//   request.usage({.input = 12, .output = 90});
//   request.ok();
//
// What is observed is observed always, by the destructor, whatever happens: a request that nobody
// finished was cancelled by its client, or failed when an exception is under way.
//
// Threads: RequestMetrics any; a RequestTracker one at a time. Bounds: models that are not among
// `models` are "other"; tenants past `max_tenants` are "other".
#pragma once
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <exception>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "strata/metrics.h"

namespace strata::metrics {

class RequestMetrics {
 public:
  struct Options {
    std::vector<std::string> models = {};  // label values; empty: the first 200 that come
    size_t max_tenants = 50;
  };
  explicit RequestMetrics(Registry& registry = default_registry())
      : RequestMetrics(registry, Options()) {}
  RequestMetrics(Registry& registry, Options options)
      : known_models_(options.models.begin(), options.models.end()),
        any_model_(options.models.empty()),
        max_tenants_(options.max_tenants),
        requests_(registry.counter<"model_name", "tenant_id", "endpoint", "outcome">(
            "app_requests_total", "Requests that ended.")),
        errors_(registry.counter<"model_name", "error_type", "http_status">(
            "app_request_errors_total", "Requests that failed, by outcome.")),
        concurrent_(
            registry.gauge<"model_name">("app_concurrent_requests", "Requests being answered.")),
        duration_(registry.histogram<"model_name", "endpoint", "tenant_id">(
            "app_request_duration_seconds", "Duration of a request.",
            {.05, .1, .25, .5, 1, 2, 3, 5, 8, 13, 20, 30, 60, 120, 300, 600, 1800, 3600})),
        first_token_(registry.histogram<"model_name", "endpoint", "tenant_id">(
            "app_time_to_first_token_seconds", "From its begin to the first token.",
            {.001, .005, .01, .025, .05, .1, .15, .25, .4, .6, .8, 1,
             1.2,  1.5,  2,   3,    4,   5,  7.5, 10,  15, 30, 60, 300})),
        per_token_(registry.histogram<"model_name", "endpoint", "tenant_id">(
            "app_time_per_output_token_seconds", "Time per output token after the first.",
            {.001, .0025, .005, .01, .015, .02, .03, .04, .05, .075, .1, .15, .2, .3, .5, 1, 2.5})),
        input_(registry.counter<"model_name", "tenant_id">("app_input_tokens_total",
                                                           "Prompt tokens, cached ones too.")),
        output_(registry.counter<"model_name", "tenant_id">("app_output_tokens_total",
                                                            "Completion tokens.")),
        cached_(registry.counter<"model_name", "tenant_id">(
            "app_cached_input_tokens_total", "Prompt tokens that were served from a cache.")) {}

 private:
  friend class RequestTracker;
  static constexpr size_t kMaxModels = 200;

  std::string label(std::set<std::string, std::less<>>& labels, std::string_view value,
                    bool may_grow, size_t most) {
    std::lock_guard lock(mutex_);
    if (labels.contains(value)) return std::string(value);
    if (!may_grow || labels.size() >= most) return "other";
    return *labels.emplace(value).first;
  }
  std::string model_label(std::string_view model) {
    return label(known_models_, model, any_model_, kMaxModels);
  }
  std::string tenant_label(std::string_view tenant) {
    return label(tenants_, tenant, true, max_tenants_);
  }

  std::mutex mutex_;  // guards the two sets
  std::set<std::string, std::less<>> known_models_;
  std::set<std::string, std::less<>> tenants_;
  const bool any_model_;
  const size_t max_tenants_;

  using ByRequest = Family<Histogram, "model_name", "endpoint", "tenant_id">;
  using ByTenant = Family<Counter, "model_name", "tenant_id">;
  Family<Counter, "model_name", "tenant_id", "endpoint", "outcome">& requests_;
  Family<Counter, "model_name", "error_type", "http_status">& errors_;
  Family<Gauge, "model_name">& concurrent_;
  ByRequest& duration_;
  ByRequest& first_token_;
  ByRequest& per_token_;
  ByTenant& input_;
  ByTenant& output_;
  ByTenant& cached_;
};

/// How a request ended.
enum class RequestOutcome : uint8_t {
  kOk,
  kClientCancel,
  kUpstreamError,
  kUpstreamTimeout,
  kRateLimited,
  kInvalid,
  kOverload,
};
constexpr std::string_view to_string(RequestOutcome outcome) {
  constexpr std::array<std::string_view, 7> kNames = {
      "ok",           "client_cancel", "upstream_error", "upstream_timeout",
      "rate_limited", "invalid",       "overload"};
  return kNames[static_cast<size_t>(outcome)];
}
/// What a status says about a request.
constexpr RequestOutcome outcome_of(int http_status) {
  if (http_status < 400) return RequestOutcome::kOk;
  if (http_status == 429) return RequestOutcome::kRateLimited;
  if (http_status == 499) return RequestOutcome::kClientCancel;
  if (http_status == 503) return RequestOutcome::kOverload;
  if (http_status == 504) return RequestOutcome::kUpstreamTimeout;
  return http_status < 500 ? RequestOutcome::kInvalid : RequestOutcome::kUpstreamError;
}

class RequestTracker {
 public:
  using Clock = std::chrono::steady_clock;
  struct Usage {
    uint64_t input = 0;  // cached ones too
    uint64_t output = 0;
    uint64_t cached = 0;  // of input
  };

  RequestTracker(RequestMetrics& metrics, std::string_view model, std::string_view endpoint,
                 std::string_view tenant = "default", Clock::time_point (*now)() = Clock::now)
      : metrics_(&metrics),
        now_(now),
        model_(metrics.model_label(model)),
        endpoint_(endpoint),
        tenant_(metrics.tenant_label(tenant)),
        exceptions_(std::uncaught_exceptions()),
        began_(now()) {
    metrics.concurrent_.with(model_).inc();
  }
  /// A request goes on in the object that it was moved to.
  RequestTracker(RequestTracker&& other) noexcept
      : metrics_(std::exchange(other.metrics_, nullptr)),
        now_(other.now_),
        model_(std::move(other.model_)),
        endpoint_(std::move(other.endpoint_)),
        tenant_(std::move(other.tenant_)),
        exceptions_(other.exceptions_),
        began_(other.began_),
        first_(other.first_),
        last_(other.last_),
        tokens_(other.tokens_),
        usage_(other.usage_),
        has_usage_(other.has_usage_),
        finished_(other.finished_),
        outcome_(other.outcome_),
        status_(other.status_) {}
  RequestTracker& operator=(RequestTracker&&) = delete;
  ~RequestTracker() {
    if (metrics_ == nullptr) return;
    if (!finished_) {
      const bool thrown = std::uncaught_exceptions() > exceptions_;
      outcome_ = thrown ? RequestOutcome::kUpstreamError : RequestOutcome::kClientCancel;
      status_ = thrown ? 500 : 499;
    }
    try {
      observe();
    } catch (...) {  // no memory for a new series: the request itself went well
    }
  }

  /// Tokens that a stream brought; the first ones stop the clock of the time to first token.
  void token(uint64_t count = 1) {
    last_ = now_();
    if (tokens_ == 0) first_ = last_;
    tokens_ += count;
  }
  /// What the engine says; without it output is what token() counted.
  void usage(Usage usage) {
    usage_ = usage;
    has_usage_ = true;
  }
  void ok() { finish(RequestOutcome::kOk, 200); }
  /// By the status that the client gets: 429 is rate_limited, 4xx invalid, 504 a timeout, …
  void status(int http_status) { finish(outcome_of(http_status), http_status); }
  void finish(RequestOutcome outcome, int http_status) {
    finished_ = true;
    outcome_ = outcome;
    status_ = http_status;
  }

 private:
  static double seconds(Clock::duration time) {
    return std::chrono::duration<double>(time).count();
  }
  void observe() {
    RequestMetrics& to = *metrics_;
    to.concurrent_.with(model_).dec();
    to.requests_.with(model_, tenant_, endpoint_, to_string(outcome_)).inc();
    if (outcome_ != RequestOutcome::kOk) {
      to.errors_.with(model_, to_string(outcome_), std::to_string(status_)).inc();
    }
    to.duration_.with(model_, endpoint_, tenant_).observe(seconds(now_() - began_));
    const uint64_t output = has_usage_ ? usage_.output : tokens_;
    if (tokens_ > 0) {
      to.first_token_.with(model_, endpoint_, tenant_).observe(seconds(first_ - began_));
      if (output > 1 && last_ > first_) {
        to.per_token_.with(model_, endpoint_, tenant_)
            .observe(seconds(last_ - first_) / static_cast<double>(output - 1));
      }
    }
    if (output > 0) to.output_.with(model_, tenant_).inc(output);
    if (usage_.input > 0) to.input_.with(model_, tenant_).inc(usage_.input);
    if (usage_.cached > 0) to.cached_.with(model_, tenant_).inc(usage_.cached);
  }

  RequestMetrics* metrics_;
  Clock::time_point (*now_)();
  std::string model_, endpoint_, tenant_;
  int exceptions_;
  Clock::time_point began_, first_{}, last_{};
  uint64_t tokens_ = 0;
  Usage usage_{};
  bool has_usage_ = false;
  bool finished_ = false;
  RequestOutcome outcome_ = RequestOutcome::kClientCancel;
  int status_ = 0;
};

}  // namespace strata::metrics
