#include "config/config.h"

namespace strata::config {
namespace {

/// Engines and GPUs change within seconds, and a hung one must be known soon.
constexpr Millis kFast{5'000};
constexpr Millis kUsual{15'000};
/// These are this machine's own: an answer that takes longer is no answer.
constexpr Millis kTimeout{4'000};

ScrapeConfig in_process_job(std::string name, std::string collector, Millis interval,
                            std::string_view host) {
  ScrapeConfig job;
  job.job_name = std::move(name);
  job.scrape_interval = interval;
  job.scrape_timeout = kTimeout;
  job.in_process = std::move(collector);
  job.discovery.static_configs.push_back({.targets = {std::string(host)}, .labels = {}});
  return job;
}

}  // namespace

std::vector<LocalEndpoint> usual_local_endpoints() {
  return {{8000, "vllm"},   {30000, "sglang"},       {8080, "tgi or llama.cpp"},
          {8002, "triton"}, {9400, "dcgm-exporter"}, {9100, "node_exporter"}};
}

Config default_config(std::string_view host) {
  Config config;
  config.global.scrape_interval = kUsual;
  config.global.evaluation_interval = kUsual;

  config.scrape_configs.push_back(in_process_job("strata", "self", kFast, host));
  config.scrape_configs.push_back(in_process_job("node", "host", kUsual, host));
  // strata_topology_info's instance is the engine's.
  config.scrape_configs.back().honor_labels = true;
  ScrapeConfig engines;
  engines.job_name = "local-engines";
  engines.scrape_interval = kFast;
  engines.scrape_timeout = kTimeout;
  engines.local_probe = LocalProbeConfig{.endpoints = usual_local_endpoints()};
  config.scrape_configs.push_back(std::move(engines));
  config.own_scrape_configs = config.scrape_configs.size();
  return config;
}

}  // namespace strata::config
