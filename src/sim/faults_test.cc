// For each cause of the knowledge base: what its fault leaves in the expositions of a node, beside
// a run of the same seed without it. What the knowledge base calls evidence must be there, what it
// says contradicts the cause must not.
#include "sim/faults.h"

#include <gtest/gtest.h>

#include <map>

#include "sim/expositions.h"
#include "sim/fleet.h"
#include "wire/exposition.h"

namespace strata::sim {
namespace {

constexpr double kOnset = 300;
constexpr double kEnd = 660;
constexpr double kScrape = 15;

// Series by their text, as one scrape of all targets of the node has them.
using Scrape = std::map<std::string, double, std::less<>>;

Scrape scraped(Fleet& fleet, double seconds) {
  fleet.advance_to(seconds);
  const Node& node = *fleet.nodes().front();
  std::string body;
  append_engine(body, node, 0);
  append_dcgm(body, node);
  append_node(body, node, seconds);
  append_topology(body, node);
  append_gateway(body, fleet);
  Scrape found;
  wire::ExpositionParser parser(body, wire::ExpositionFormat::kText);
  while (true) {
    const auto entry = parser.next();
    EXPECT_TRUE(entry) << (entry ? "" : entry.error().message);
    if (!entry || *entry == wire::Entry::kEnd) return found;
    if (*entry == wire::Entry::kSample) found.emplace(parser.series(), parser.value());
  }
}

// The scrapes of a node with two engines of 70B, from the onset of a fault on.
class Observed {
 public:
  Observed(std::string_view fault, double severity, FleetOptions options, int gpu = 0) {
    options.nodes = 1;
    options.engines = 2;
    options.engine = "vllm";
    Scenario scenario;
    if (!fault.empty()) {
      const FaultKind* kind = find_fault_kind(fault);
      EXPECT_NE(kind, nullptr) << fault;
      scenario.add({.kind = kind,
                    .place = {.node = 0, .engine = 0, .gpu = gpu},
                    .onset = kOnset,
                    .duration = kEnd - kOnset + 1,
                    .severity = severity});
    }
    auto fleet = Fleet::create(options, std::move(scenario));
    EXPECT_TRUE(fleet) << fleet.error().message;
    for (double at = kOnset; at <= kEnd; at += kScrape) scrapes_.push_back(scraped(**fleet, at));
  }

  /// Of the last scrape: the sum of the family's series that contain `match`.
  double last(std::string_view name, std::string_view match = {}) const {
    return sum(scrapes_.back(), name, match);
  }
  /// How much it grew since the onset.
  double grown(std::string_view name, std::string_view match = {}) const {
    return last(name, match) - sum(scrapes_.front(), name, match);
  }
  /// The mean of a gauge over the later two thirds.
  double mean(std::string_view name, std::string_view match = {}) const {
    double total = 0;
    const size_t from = scrapes_.size() / 3;
    for (size_t i = from; i < scrapes_.size(); ++i) total += sum(scrapes_[i], name, match);
    return total / static_cast<double>(scrapes_.size() - from);
  }
  /// The mean of a histogram's observations since the onset.
  double observed(const std::string& name, std::string_view match = {}) const {
    const double count = grown(name + "_count", match);
    return count == 0 ? 0 : grown(name + "_sum", match) / count;
  }
  /// The share of a histogram's observations above a bound that it has.
  double above(const std::string& name, std::string_view bound) const {
    return 1 - grown(name + "_bucket", fmt::format("le=\"{}\"", bound)) / grown(name + "_count");
  }
  bool has(std::string_view name, std::string_view match = {}) const {
    return count(scrapes_.back(), name, match) > 0;
  }

  double ttft() const { return observed("vllm:time_to_first_token_seconds"); }
  double gap() const { return observed("vllm:inter_token_latency_seconds"); }
  double kv() const { return mean("vllm:kv_cache_usage_perc"); }
  double running() const { return mean("vllm:num_requests_running"); }
  double waiting() const { return mean("vllm:num_requests_waiting"); }
  double tokens() const { return grown("vllm:generation_tokens_total"); }
  double hit_share() const {
    return grown("vllm:prefix_cache_hits_total") / grown("vllm:prefix_cache_queries_total");
  }
  double prompt_length() const { return observed("vllm:request_prompt_tokens"); }
  double preemptions() const { return grown("vllm:num_preemptions_total"); }

 private:
  static bool is_of(std::string_view series, std::string_view name, std::string_view match) {
    if (!series.starts_with(name)) return false;
    const auto rest = series.substr(name.size());
    return (rest.empty() || rest.front() == '{') && rest.contains(match);
  }
  static double sum(const Scrape& scrape, std::string_view name, std::string_view match) {
    double total = 0;
    for (auto it = scrape.lower_bound(name); it != scrape.end(); ++it) {
      if (!it->first.starts_with(name)) break;
      if (is_of(it->first, name, match)) total += it->second;
    }
    return total;
  }
  static size_t count(const Scrape& scrape, std::string_view name, std::string_view match) {
    size_t found = 0;
    for (const auto& [series, value] : scrape) found += is_of(series, name, match) ? 1 : 0;
    return found;
  }

  std::vector<Scrape> scrapes_;
};

// One seed with the fault and without.
struct Pair {
  explicit Pair(std::string_view fault, double severity = 1, const FleetOptions& options = {},
                int gpu = 0)
      : ill(fault, severity, options, gpu), well({}, 0, options) {}
  Observed ill;
  Observed well;
};

constexpr std::string_view kGpu0 = "gpu=\"0\"";
constexpr std::string_view kGpu1 = "gpu=\"1\"";

TEST(FaultsTest, Cause1TrafficSurge) {
  const Pair p("traffic-surge");
  EXPECT_GT(p.ill.waiting(), 10);
  EXPECT_GT(p.ill.observed("vllm:request_queue_time_seconds"), 0.5 * p.ill.ttft());
  EXPECT_GT(p.ill.grown("vllm:time_to_first_token_seconds_count"),
            1.5 * p.well.grown("vllm:time_to_first_token_seconds_count"));
  EXPECT_NEAR(p.ill.running(), 32, 2) << "as many as there are sequences";
  EXPECT_LT(p.ill.kv(), 0.85);
  EXPECT_EQ(p.ill.preemptions(), 0);
}

TEST(FaultsTest, Cause2KvSaturation) {
  const Pair p("kv-saturation");
  EXPECT_GT(p.ill.kv(), 0.9);
  EXPECT_GT(p.ill.preemptions(), 10);
  EXPECT_GT(p.ill.mean("vllm:num_requests_waiting_by_reason", "capacity"), 1);
  EXPECT_GT(p.ill.ttft(), 2 * p.well.ttft());
  EXPECT_GT(p.ill.gap(), p.well.gap());
  EXPECT_EQ(p.well.preemptions(), 0);
}

TEST(FaultsTest, Cause3LongPrompts) {
  const Pair p("long-prompts", 0.6);
  EXPECT_GT(p.ill.prompt_length(), 1.4 * p.well.prompt_length());
  EXPECT_GT(p.ill.ttft(), 1.4 * p.well.ttft());
  EXPECT_GT(p.ill.observed("vllm:request_prefill_time_seconds"), 0.5 * p.ill.ttft());
  EXPECT_GT(p.ill.mean("DCGM_FI_PROF_PIPE_TENSOR_ACTIVE", kGpu0),
            1.2 * p.well.mean("DCGM_FI_PROF_PIPE_TENSOR_ACTIVE", kGpu0));
  EXPECT_LT(p.ill.waiting(), 3);
}

TEST(FaultsTest, Cause4PrefixCacheCollapse) {
  const Pair p("prefix-cache-collapse");
  EXPECT_LT(p.ill.hit_share(), p.well.hit_share() - 0.2);
  EXPECT_GT(p.ill.grown("vllm:prompt_tokens_by_source_total", "local_compute"),
            1.3 * p.well.grown("vllm:prompt_tokens_by_source_total", "local_compute"));
  EXPECT_GT(p.ill.ttft(), 1.2 * p.well.ttft());
  EXPECT_NEAR(p.ill.prompt_length() / p.well.prompt_length(), 1, 0.03);
}

TEST(FaultsTest, Cause5BatchGrowth) {
  const Pair p("batch-growth", 1, {.requests_per_second = 1.5});
  EXPECT_GT(p.ill.running(), 2 * p.well.running());
  EXPECT_GT(p.ill.gap(), 1.1 * p.well.gap());
  EXPECT_GT(p.ill.mean("DCGM_FI_PROF_DRAM_ACTIVE", kGpu0),
            p.well.mean("DCGM_FI_PROF_DRAM_ACTIVE", kGpu0));
  EXPECT_LT(p.ill.ttft(), 1.6 * p.well.ttft());
}

TEST(FaultsTest, Cause6ChunkInterference) {
  const Pair p("chunk-interference");
  EXPECT_GT(p.ill.above("vllm:inter_token_latency_seconds", "0.5"),
            3 * p.well.above("vllm:inter_token_latency_seconds", "0.5"));
  EXPECT_LT(p.ill.above("vllm:inter_token_latency_seconds", "0.05"), 0.4)
      << "most are as they were";
  EXPECT_GT(p.ill.grown("vllm:iteration_tokens_total_count") -
                p.ill.grown("vllm:iteration_tokens_total_bucket", "le=\"4096.0\""),
            p.well.grown("vllm:iteration_tokens_total_count") -
                p.well.grown("vllm:iteration_tokens_total_bucket", "le=\"4096.0\""));
}

TEST(FaultsTest, Cause7SpeculationCollapse) {
  const Pair p("speculation-collapse", 1, {.speculative = true});
  const auto accepted = [](const Observed& o) {
    return o.grown("vllm:spec_decode_num_accepted_tokens_total") /
           o.grown("vllm:spec_decode_num_draft_tokens_total");
  };
  EXPECT_LT(accepted(p.ill), accepted(p.well) - 0.3);
  EXPECT_GT(p.ill.grown("vllm:spec_decode_num_drafts_total"), 0);
  EXPECT_GT(p.ill.gap(), 1.4 * p.well.gap());
}

TEST(FaultsTest, Cause8HeadOfLine) {
  const Pair p("head-of-line");
  EXPECT_GT(p.ill.mean("vllm:num_requests_waiting_by_reason", "deferred"), 5);
  EXPECT_LT(p.ill.kv(), 0.7);
  EXPECT_LT(p.ill.running(), 200);
  EXPECT_GT(p.ill.ttft(), 1.5 * p.well.ttft());
}

TEST(FaultsTest, Cause9FrontendBound) {
  const Pair p("frontend-bound");
  const auto gateway_gap = [](const Observed& o) {
    return o.observed("app_time_to_first_token_seconds") - o.ttft();
  };
  EXPECT_GT(gateway_gap(p.ill), gateway_gap(p.well) + 0.3) << "over both engines of the gateway";
  EXPECT_LT(p.ill.ttft(), 1.5 * p.well.ttft());
  EXPECT_GT(p.ill.grown("node_pressure_cpu_waiting_seconds_total"),
            10 * p.well.grown("node_pressure_cpu_waiting_seconds_total"));
}

TEST(FaultsTest, Cause10ThermalThrottle) {
  const Pair p("thermal-throttle");
  EXPECT_GE(p.ill.mean("DCGM_FI_DEV_GPU_TEMP", kGpu0), 84);
  EXPECT_LT(p.ill.mean("DCGM_FI_DEV_SM_CLOCK", kGpu0),
            0.9 * p.well.mean("DCGM_FI_DEV_SM_CLOCK", kGpu0));
  EXPECT_GT(p.ill.grown("DCGM_FI_DEV_THERMAL_VIOLATION", kGpu0), 1e9);
  EXPECT_GT(p.ill.mean("DCGM_FI_DEV_GPU_UTIL", kGpu0), 80);
  EXPECT_EQ(p.well.grown("DCGM_FI_DEV_THERMAL_VIOLATION"), 0);
  EXPECT_GT(p.ill.ttft(), 1.1 * p.well.ttft()) << "arithmetic, and so prefill, goes first";
}

TEST(FaultsTest, Cause11PowerCap) {
  const Pair p("power-cap");
  const double limit = p.ill.last("DCGM_FI_DEV_ENFORCED_POWER_LIMIT", kGpu0);
  EXPECT_LT(limit, 200);
  EXPECT_GT(p.ill.mean("DCGM_FI_DEV_POWER_USAGE", kGpu0), 0.85 * limit);
  EXPECT_GT(p.ill.grown("DCGM_FI_DEV_POWER_VIOLATION", kGpu0), 1e9);
  EXPECT_LT(p.ill.mean("DCGM_FI_DEV_SM_CLOCK", kGpu0),
            0.95 * p.well.mean("DCGM_FI_DEV_SM_CLOCK", kGpu0));
  EXPECT_LT(p.ill.mean("DCGM_FI_DEV_GPU_TEMP", kGpu0), 84);
  const Pair brake("power-brake");
  EXPECT_GE(brake.ill.last("DCGM_FI_DEV_CLOCKS_EVENT_REASONS", kGpu0), 0x80);
  EXPECT_LT(brake.ill.mean("DCGM_FI_DEV_SM_CLOCK", kGpu0),
            0.6 * brake.well.mean("DCGM_FI_DEV_SM_CLOCK", kGpu0));
}

TEST(FaultsTest, Cause12StragglerGpu) {
  const Pair p("straggler-gpu");
  EXPECT_LT(p.ill.mean("DCGM_FI_DEV_SM_CLOCK", kGpu0),
            0.6 * p.ill.mean("DCGM_FI_DEV_SM_CLOCK", kGpu1));
  EXPECT_LT(p.ill.mean("DCGM_FI_PROF_PIPE_TENSOR_ACTIVE", kGpu1),
            0.8 * p.ill.mean("DCGM_FI_PROF_PIPE_TENSOR_ACTIVE", kGpu0));
  EXPECT_EQ(p.ill.grown("DCGM_FI_DEV_THERMAL_VIOLATION"), 0);
  EXPECT_GT(p.ill.ttft(), 1.3 * p.well.ttft());
}

TEST(FaultsTest, Cause13GpuLost) {
  const Pair p("gpu-lost");
  EXPECT_EQ(p.ill.last("DCGM_FI_DEV_XID_ERRORS", kGpu0), 79);
  EXPECT_EQ(p.ill.last("gpu_xid_errors_total", "xid=\"79\""), 1);
  EXPECT_FALSE(p.ill.has("DCGM_FI_DEV_GPU_TEMP", kGpu0));
  EXPECT_TRUE(p.ill.has("DCGM_FI_DEV_GPU_TEMP", kGpu1));
  EXPECT_FALSE(p.ill.has("vllm:num_requests_running")) << "the engine is down";
  EXPECT_GT(p.ill.grown("app_request_errors_total"), 50);
  EXPECT_EQ(p.well.last("DCGM_FI_DEV_XID_ERRORS"), 0);
}

TEST(FaultsTest, Cause14MemoryDegradation) {
  const Pair p("memory-degradation");
  EXPECT_GT(p.ill.grown("DCGM_FI_DEV_ECC_SBE_VOL_TOTAL", kGpu0), 100);
  EXPECT_GT(p.ill.grown("DCGM_FI_DEV_CORRECTABLE_REMAPPED_ROWS", kGpu0), 3);
  EXPECT_EQ(p.ill.last("DCGM_FI_DEV_ROW_REMAP_FAILURE", kGpu0), 1);
  EXPECT_EQ(p.ill.grown("DCGM_FI_DEV_ECC_SBE_VOL_TOTAL", kGpu1), 0);
}

TEST(FaultsTest, Cause15NvlinkErrors) {
  const Pair p("nvlink-errors");
  EXPECT_GT(p.ill.grown("DCGM_FI_DEV_NVLINK_CRC_FLIT_ERROR_COUNT_TOTAL", kGpu0), 1000);
  EXPECT_LT(p.ill.mean("DCGM_FI_DEV_NVLINK_BANDWIDTH_TOTAL", kGpu0),
            0.7 * p.ill.mean("DCGM_FI_DEV_NVLINK_BANDWIDTH_TOTAL", kGpu1));
  EXPECT_GT(p.ill.gap(), 1.5 * p.well.gap());
  EXPECT_GT(p.ill.mean("DCGM_FI_DEV_GPU_UTIL", kGpu0), 80);
}

TEST(FaultsTest, Cause16PcieDegradation) {
  const Pair p("pcie-degradation");
  EXPECT_LT(p.ill.last("DCGM_FI_DEV_PCIE_LINK_WIDTH", kGpu0),
            p.ill.last("DCGM_FI_DEV_PCIE_MAX_LINK_WIDTH", kGpu0));
  EXPECT_GT(p.ill.grown("DCGM_FI_DEV_PCIE_REPLAY_COUNTER", kGpu0), 1000);
}

TEST(FaultsTest, Cause17KvTransfer) {
  const Pair p("kv-transfer");
  EXPECT_GT(p.ill.grown("vllm:nixl_xfer_time_seconds_sum"), 100);
  EXPECT_GT(p.ill.grown("node_infiniband_symbol_error_total"), 1000);
  EXPECT_GT(p.ill.ttft(), p.well.ttft() + 1);
}

TEST(FaultsTest, Cause18HostCpu) {
  const Pair p("host-cpu");
  EXPECT_GT(p.ill.grown("node_pressure_cpu_waiting_seconds_total") / (kEnd - kOnset), 0.2);
  EXPECT_GT(p.ill.last("node_load1") / kCpus, 1.5);
  EXPECT_GT(p.ill.grown("node_cpu_seconds_total", "mode=\"steal\""),
            0.05 * kCpus * (kEnd - kOnset));
  EXPECT_GT(p.ill.gap(), 1.3 * p.well.gap());
}

TEST(FaultsTest, Cause19HostMemory) {
  const Pair p("host-memory");
  EXPECT_GT(p.ill.grown("node_pressure_memory_stalled_seconds_total"), 10);
  EXPECT_GT(p.ill.grown("node_vmstat_pgmajfault"), 1e5);
  EXPECT_EQ(p.ill.grown("node_vmstat_oom_kill"), 1);
  EXPECT_LT(p.ill.last("node_memory_MemAvailable_bytes"),
            0.05 * p.ill.last("node_memory_MemTotal_bytes"));
  EXPECT_EQ(p.well.grown("node_pressure_memory_stalled_seconds_total"), 0);
}

TEST(FaultsTest, Cause20SlowStart) {
  const Pair p("slow-start");
  EXPECT_TRUE(p.ill.has("vllm:num_requests_running"));
  EXPECT_EQ(p.ill.last("vllm:generation_tokens_total"), 0);
  EXPECT_GT(p.ill.grown("node_disk_read_bytes_total") / (kEnd - kOnset), 1e9);
  EXPECT_GT(p.ill.grown("node_network_receive_bytes_total") / (kEnd - kOnset), 1e9);
}

TEST(FaultsTest, Cause21NoisyTenant) {
  const Pair p("noisy-tenant");
  const auto share = [](const Observed& o) {
    return o.grown("app_input_tokens_total", "tenant-4") / o.grown("app_input_tokens_total");
  };
  EXPECT_GT(share(p.ill), 2 * share(p.well));
  EXPECT_GT(share(p.ill), 0.4);
  EXPECT_GT(p.ill.waiting(), p.well.waiting() + 1);
}

TEST(FaultsTest, Cause22Deploy) {
  const Pair p("deploy");
  EXPECT_TRUE(p.ill.has("vllm:num_requests_running", "-v2"));
  EXPECT_FALSE(p.well.has("vllm:num_requests_running", "-v2"));
  EXPECT_GT(p.ill.last("process_start_time_seconds"), p.well.last("process_start_time_seconds"));
}

TEST(FaultsTest, Cause23ReplicaImbalance) {
  const Pair p("replica-imbalance");
  EXPECT_GT(p.ill.waiting(), 5);
  EXPECT_GT(p.ill.kv(), 2 * p.well.kv());
}

TEST(FaultsTest, Cause24OutputGrowth) {
  const Pair p("output-growth");
  EXPECT_GT(p.ill.observed("vllm:request_generation_tokens"),
            1.5 * p.well.observed("vllm:request_generation_tokens"));
  const auto length_share = [](const Observed& o) {
    return o.grown("vllm:request_success_total", "length") / o.grown("vllm:request_success_total");
  };
  EXPECT_GT(length_share(p.ill), length_share(p.well) + 0.1);
}

TEST(FaultsTest, Cause25ClientErrors) {
  const Pair p("client-errors");
  const auto abort_share = [](const Observed& o) {
    return o.grown("vllm:request_success_total", "abort") / o.grown("vllm:request_success_total");
  };
  EXPECT_GT(abort_share(p.ill), abort_share(p.well) + 0.2);
  EXPECT_GT(p.ill.grown("http_requests_total", "4xx"), 50);
  EXPECT_LT(p.ill.ttft(), 1.1 * p.well.ttft());
}

TEST(FaultsTest, Cause26EngineHang) {
  const Pair p("engine-hang");
  EXPECT_GT(p.ill.running(), 0);
  EXPECT_EQ(p.ill.tokens(), 0);
  EXPECT_EQ(p.ill.mean("DCGM_FI_DEV_GPU_UTIL", kGpu0), 100);
  EXPECT_LT(p.ill.mean("DCGM_FI_DEV_POWER_USAGE", kGpu0), 150);
  EXPECT_GT(p.well.tokens(), 10'000);
}

TEST(FaultsTest, Cause27ProfilingGone) {
  const Pair p("profiling-gone");
  EXPECT_EQ(p.ill.mean("DCGM_FI_PROF_DRAM_ACTIVE", kGpu0), 0);
  EXPECT_GT(p.ill.mean("DCGM_FI_DEV_GPU_UTIL", kGpu0), 80);
  EXPECT_EQ(p.ill.tokens(), p.well.tokens()) << "the engines notice nothing";
}

TEST(FaultsTest, Cause28IdleFleet) {
  const Pair p("idle-fleet");
  EXPECT_LT(p.ill.running(), 0.2);
  EXPECT_EQ(p.ill.last("DCGM_FI_DEV_FB_USED", kGpu0), p.well.last("DCGM_FI_DEV_FB_USED", kGpu0));
}

TEST(FaultsTest, FaultsThatAreNoCauseOfTheKnowledgeBase) {
  EXPECT_FALSE(Pair("engine-crash").ill.has("vllm:num_requests_running"));
  const Pair disk("disk-filling");
  EXPECT_LT(disk.ill.last("node_filesystem_avail_bytes"),
            0.05 * disk.well.last("node_filesystem_avail_bytes"));
  EXPECT_GT(Pair("network-loss").ill.grown("node_network_receive_drop_total"), 10);
  const Pair reset("counter-reset");
  EXPECT_LT(reset.ill.last("vllm:generation_tokens_total"),
            0.5 * reset.well.last("vllm:generation_tokens_total"));
  EXPECT_GT(Pair("clock-skew").ill.last("node_time_seconds"), kEnd + 80);
  EXPECT_TRUE(Pair("label-churn").ill.has("vllm:lora_requests_info", "adapter-36"));
}

TEST(FaultsTest, WhatAFaultDoesNotTouchIsAsWithoutIt) {
  const Pair p("straggler-gpu");
  for (const std::string_view other : {"gpu=\"4\"", "gpu=\"7\""}) {
    EXPECT_EQ(p.ill.last("DCGM_FI_DEV_POWER_USAGE", other),
              p.well.last("DCGM_FI_DEV_POWER_USAGE", other))
        << "the other engine's GPUs";
  }
}

TEST(FaultsTest, EveryFaultIsToldByItsNameAndEveryCauseHasOne) {
  std::vector<bool> causes(29);
  for (const FaultKind& kind : fault_kinds()) {
    EXPECT_EQ(find_fault_kind(kind.name), &kind);
    causes[static_cast<size_t>(kind.cause)] = true;
  }
  for (size_t i = 1; i < causes.size(); ++i) EXPECT_TRUE(causes[i]) << i;
}

}  // namespace
}  // namespace strata::sim
