#include <fmt/format.h>

#include <map>

#include "sim/body.h"
#include "sim/expositions.h"

namespace strata::sim {
namespace {

constexpr std::string_view kEndpoint = "/v1/chat/completions";
constexpr double kCachedPrice = 0.5;  // of a prompt token, for one that a cache had

double d(uint64_t value) { return static_cast<double>(value); }

// A model's tenants, over all engines that serve it.
struct ModelUse {
  std::vector<TenantCounters> tenants = std::vector<TenantCounters>(kTenants);
  double concurrent = 0;
  uint64_t cancelled = 0, failed = 0, refused = 0, overloaded = 0;
};

void add(TenantCounters& to, const TenantCounters& from) {
  to.duration.add(from.duration);
  to.ttft.add(from.ttft);
  to.per_token.add(from.per_token);
  to.ok += from.ok;
  to.cancelled += from.cancelled;
  to.failed += from.failed;
  to.refused += from.refused;
  to.overloaded += from.overloaded;
  to.input_tokens += from.input_tokens;
  to.cached_tokens += from.cached_tokens;
  to.output_tokens += from.output_tokens;
  to.slo_good += from.slo_good;
  to.slo_total += from.slo_total;
}

std::map<std::string, ModelUse> use_by_model(const Fleet& fleet) {
  std::map<std::string, ModelUse> models;
  for (const auto& node : fleet.nodes()) {
    for (const Engine& engine : node->engines()) {
      ModelUse& use = models[std::string(engine.options().placement.model->name)];
      use.concurrent += static_cast<double>(engine.running() + engine.waiting());
      for (uint32_t i = 0; i < kTenants; ++i) {
        const TenantCounters& one = engine.gateway().tenants[i];
        add(use.tenants[i], one);
        use.cancelled += one.cancelled;
        use.failed += one.failed;
        use.refused += one.refused;
        use.overloaded += one.overloaded;
      }
    }
  }
  return models;
}

class GatewayWriter {
 public:
  GatewayWriter(std::string& out, const Fleet& fleet)
      : fleet_(fleet), models_(use_by_model(fleet)), body_(out, Body::Style::kGo) {}

  void write() {
    requests();
    histograms();
    tokens();
    errors();
    objectives();
    upstreams();
  }

 private:
  // Calls body(labels, counters) for each model and tenant.
  template <class F>
  void each(std::string_view endpoint, F body) {
    for (const auto& [model, use] : models_) {
      for (uint32_t i = 0; i < kTenants; ++i) {
        std::string labels = label_text({{"model_name", model}, {"tenant_id", tenant(i)}});
        if (!endpoint.empty()) labels += fmt::format(",endpoint=\"{}\"", endpoint);
        body(labels, use.tenants[i]);
      }
    }
  }
  static std::string tenant(uint32_t index) { return fmt::format("tenant-{}", index); }

  // Calls body(engine, "model_name=…,upstream=…") for each engine.
  template <class F>
  void each_upstream(F body) {
    for (const auto& node : fleet_.nodes()) {
      for (size_t i = 0; i < node->engines().size(); ++i) {
        const Engine& engine = node->engines()[i];
        body(engine, fmt::format("model_name=\"{}\",upstream=\"{}:{}\"",
                                 engine.options().placement.model->name, node->name(), 8000 + i));
      }
    }
  }

  // As the gateway does, a series begins with its first request.
  void requests() {
    body_.family("app_requests_total", "counter", "Requests that ended.");
    each_upstream([this](const Engine& engine, const std::string& upstream) {
      for (uint32_t i = 0; i < kTenants; ++i) {
        const TenantCounters& c = engine.gateway().tenants[i];
        const std::pair<std::string_view, uint64_t> outcomes[] = {{"ok", c.ok},
                                                                  {"client_cancel", c.cancelled},
                                                                  {"upstream_error", c.failed},
                                                                  {"invalid", c.refused},
                                                                  {"overload", c.overloaded}};
        for (const auto& [outcome, count] : outcomes) {
          if (count == 0) continue;
          body_.sample(upstream, d(count),
                       fmt::format("tenant_id=\"{}\",endpoint=\"{}\",outcome=\"{}\"", tenant(i),
                                   kEndpoint, outcome));
        }
      }
    });
    body_.family("app_concurrent_requests", "gauge", "Requests being answered.");
    for (const auto& [model, use] : models_) {
      body_.sample(label_text({{"model_name", model}}), use.concurrent);
    }
  }

  void histograms() {
    const auto one = [this](std::string_view name, std::string_view help,
                            Counts TenantCounters::* member) {
      body_.family(name, "histogram", help);
      each(kEndpoint, [&](const std::string& labels, const TenantCounters& c) {
        body_.histogram_samples(labels, c.*member);
      });
    };
    one("app_request_duration_seconds", "Duration of a request as the client sees it.",
        &TenantCounters::duration);
    one("app_time_to_first_token_seconds", "Time to the first token as the client sees it.",
        &TenantCounters::ttft);
    one("app_time_per_output_token_seconds", "Time per output token after the first.",
        &TenantCounters::per_token);
  }

  void tokens() {
    const auto one = [this](std::string_view name, std::string_view help,
                            uint64_t TenantCounters::* member) {
      body_.family(name, "counter", help);
      each({}, [&](const std::string& labels, const TenantCounters& c) {
        body_.sample(labels, d(c.*member));
      });
    };
    one("app_input_tokens_total", "Prompt tokens.", &TenantCounters::input_tokens);
    one("app_output_tokens_total", "Completion tokens.", &TenantCounters::output_tokens);
    one("app_cached_input_tokens_total", "Prompt tokens that were served from a cache.",
        &TenantCounters::cached_tokens);
    body_.family("app_cost_usd_total", "counter", "What was spent.");
    for (const auto& [model, use] : models_) {
      for (uint32_t i = 0; i < kTenants; ++i) {
        body_.sample(label_text({{"model_name", model}, {"tenant_id", tenant(i)}}),
                     cost(*find_model(model), use.tenants[i]));
      }
    }
  }

  // As the gateway reckons it with prices for cached and uncached input and for output.
  static double cost(const Model& model, const TenantCounters& c) {
    const double fresh = d(c.input_tokens - c.cached_tokens) * model.usd_per_million_input;
    const double cached = d(c.cached_tokens) * model.usd_per_million_input * kCachedPrice;
    return (fresh + cached + d(c.output_tokens) * model.usd_per_million_output) * 1e-6;
  }

  void errors() {
    body_.family("app_request_errors_total", "counter", "Requests that failed.");
    for (const auto& [model, use] : models_) {
      const std::string labels = label_text({{"model_name", model}});
      body_.sample(labels, d(use.cancelled), "error_type=\"client_cancel\",http_status=\"499\"");
      body_.sample(labels, d(use.failed), "error_type=\"upstream_error\",http_status=\"502\"");
      body_.sample(labels, d(use.refused), "error_type=\"invalid\",http_status=\"400\"");
      body_.sample(labels, d(use.overloaded), "error_type=\"overload\",http_status=\"503\"");
    }
  }

  void objectives() {
    body_.family("app_slo_requests_total", "counter",
                 "Requests by whether they met the objective.");
    for (const auto& [model, use] : models_) {
      uint64_t good = 0;
      uint64_t total = 0;
      for (const TenantCounters& c : use.tenants) good += c.slo_good, total += c.slo_total;
      const std::string labels = label_text({{"slo", "interactive"}, {"model_name", model}});
      body_.sample(labels, d(good), "result=\"good\"");
      body_.sample(labels, d(total - good), "result=\"bad\"");
    }
  }

  void upstreams() {
    body_.family("app_upstream_up", "gauge",
                 "Whether the upstream is in favour: 0 while it fails.");
    for (const auto& node : fleet_.nodes()) {
      for (size_t i = 0; i < node->engines().size(); ++i) {
        body_.sample(fmt::format("upstream=\"{}:{}\"", node->name(), 8000 + i),
                     node->engines()[i].up() ? 1 : 0);
      }
    }
  }

  const Fleet& fleet_;
  const std::map<std::string, ModelUse> models_;
  Body body_;
};

}  // namespace

void append_gateway(std::string& out, const Fleet& fleet) { GatewayWriter(out, fleet).write(); }

}  // namespace strata::sim
