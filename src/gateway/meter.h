// Requests as series: the app_* metrics that the catalog knows, with the guide's names and labels
// among them (docs/gateway.md lists them).
//
// Labels are minted with care, since clients write them: a model becomes one when the configuration
// names it or an upstream answered for it, at most kMaxModels; a tenant when the table of tenants,
// a token or a trusted header names it and it is one of the `max_tenants` that ask most
// (top_tenants.h). The rest is "other"; the ledger has all. The series of a tenant that lost its
// label go away kIdle later.
//
// record() and the gauges' functions: the loop's thread; what they count may be read by any.
#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>

#include "gateway/record.h"
#include "gateway/top_tenants.h"
#include "strata/metrics.h"

namespace strata::gateway {

class Meter {
 public:
  static constexpr size_t kMaxModels = 200;
  static constexpr std::chrono::minutes kIdle{15};

  explicit Meter(size_t max_tenants, metrics::Registry& registry = metrics::default_registry());

  /// "other" for what may not be a label; `known`: the configuration names it, or it was answered.
  const std::string& model_label(const std::string& model, bool known);
  /// Counts a request of the tenant's. Valid until the next call.
  const std::string& tenant_label(const std::string& tenant, TimestampMs now_ms);

  void began(const std::string& model_label) { concurrent_.with(model_label).inc(); }
  void ended(const std::string& model_label) { concurrent_.with(model_label).dec(); }
  /// `model` and `tenant` as the labels say them.
  void record(const RequestRecord& record, const std::string& model, const std::string& tenant);
  void retried(const std::string& upstream) { retries_.with(upstream).inc(); }
  void upstream_state(const std::string& upstream, bool up, uint64_t in_flight);
  /// Requests whose answer has not begun, and since when the oldest of them waits: what tells of an
  /// engine that hangs before any latency does.
  void waiting(uint64_t requests, double oldest_seconds);
  void malformed() { malformed_.inc(); }
  void refused_connection() { refused_.inc(); }
  void lost_ledger_row() { lost_rows_.inc(); }

 private:
  using ByModelTenant = metrics::ExpiringFamily<metrics::Counter, "model_name", "tenant_id">;
  using ByEndpoint =
      metrics::ExpiringFamily<metrics::Histogram, "model_name", "endpoint", "tenant_id">;

  /// The series of one model, endpoint and tenant, found together and held while the tenant has its
  /// label; those that nothing was observed in yet are not there.
  struct Series {
    std::string model, endpoint, tenant;
    std::optional<metrics::Held<metrics::Histogram>> duration, ttfb, ttft, tpot;
    std::optional<metrics::Held<metrics::Counter>> input, output, cached, reasoning;
    std::optional<metrics::Held<metrics::FloatCounter>> cost;
  };
  static constexpr size_t kMaxHeld = 10'000;

  Series& series_of(const std::string& model, const std::string& endpoint,
                    const std::string& tenant);
  void observe(ByEndpoint& family, std::optional<metrics::Held<metrics::Histogram>>& held,
               const Series& series, RequestRecord::Nanos time);
  void count(ByModelTenant& family, std::optional<metrics::Held<metrics::Counter>>& held,
             const Series& series, uint64_t tokens);
  void record_tokens(const RequestRecord& record, Series& series);

  std::set<std::string, std::less<>> models_;
  TopTenants tenants_;
  std::unordered_map<std::string, std::unique_ptr<Series>> held_;
  std::string key_;  // used again
  metrics::ExpiringFamily<metrics::Counter, "model_name", "tenant_id", "endpoint", "upstream",
                          "outcome">& requests_;
  metrics::Family<metrics::Counter, "model_name", "error_type", "http_status">& errors_;
  metrics::Family<metrics::Gauge, "model_name">& concurrent_;
  ByEndpoint& duration_;
  ByEndpoint& ttft_;
  ByEndpoint& ttfb_;
  ByEndpoint& tpot_;
  ByModelTenant& input_;
  ByModelTenant& output_;
  ByModelTenant& cached_;
  ByModelTenant& reasoning_;
  metrics::Family<metrics::Counter, "model_name", "usage_source">& sources_;
  metrics::ExpiringFamily<metrics::FloatCounter, "model_name", "tenant_id">& cost_;
  metrics::Family<metrics::Counter, "model_name">& unpriced_;
  metrics::Family<metrics::Counter, "upstream">& retries_;
  metrics::Family<metrics::Gauge, "upstream">& up_;
  metrics::Family<metrics::Gauge, "upstream">& in_flight_;
  metrics::Gauge& waiting_;
  metrics::Gauge& oldest_waiting_;
  metrics::Counter& malformed_;
  metrics::Counter& refused_;
  metrics::Counter& lost_rows_;
};

}  // namespace strata::gateway
