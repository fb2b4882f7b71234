// For each cause of the knowledge base: what its fault leaves in the store, beside a run of the
// same seed without it. What the knowledge base calls evidence must be there, what it says
// contradicts the cause must not.
#include "sim/faults.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <vector>

#include "fleet/observed.h"

namespace strata {
namespace {

constexpr double kOnset = Observed::kOnset;
constexpr double kEnd = Observed::kEnd;

// The GPUs of one engine; the second engine has 4 to 7.
constexpr std::string_view kPeers = "gpu=~\"[123]\"";

std::string dcgm(std::string_view field, std::string_view gpu = "gpu=\"0\"") {
  return fmt::format("DCGM_FI_{}{{{}}}", field, gpu);
}

TEST(FaultsTest, Cause1TrafficSurge) {
  const FaultPair p("traffic-surge");
  EXPECT_GT(p.ill.waiting(), 10);
  EXPECT_GT(p.ill.grown("vllm:num_requests_waiting"), 10) << "it rises";
  EXPECT_GT(p.ill.queue_time(), 0.5 * p.ill.ttft());
  EXPECT_NEAR(p.ill.running(), 32, 2) << "as many as there are sequences";
  EXPECT_GT(p.ill.arrivals(), 1.5 * p.well.arrivals());
  EXPECT_GT(p.ill.ttft(), 3 * p.well.ttft());
  EXPECT_LT(p.ill.most("vllm:kv_cache_usage_perc"), 0.85);
  EXPECT_EQ(p.ill.preemptions(), 0);
}

TEST(FaultsTest, Cause2KvSaturation) {
  const FaultPair p("kv-saturation");
  EXPECT_GT(p.ill.value("min_over_time(vllm:kv_cache_usage_perc{instance=\"node-0:8000\"}[2m])"),
            0.9);
  EXPECT_GT(p.ill.preemptions(), 10);
  EXPECT_GT(p.ill.mean("vllm:num_requests_waiting_by_reason{reason=\"capacity\"}"), 1);
  EXPECT_GT(p.ill.ttft(), 2 * p.well.ttft());
  EXPECT_GT(p.ill.gap(), p.well.gap());
  EXPECT_EQ(p.well.preemptions(), 0);
  EXPECT_LT(p.well.most("vllm:kv_cache_usage_perc"), 0.8);
}

TEST(FaultsTest, Cause3LongPrompts) {
  const FaultPair p("long-prompts", 0.6);
  EXPECT_GT(p.ill.prompt_length(), 1.4 * p.well.prompt_length());
  EXPECT_GT(p.ill.observed("vllm:request_prefill_kv_computed_tokens"),
            1.4 * p.well.observed("vllm:request_prefill_kv_computed_tokens"));
  EXPECT_GT(p.ill.ttft(), 1.4 * p.well.ttft());
  EXPECT_GT(p.ill.prefill_time(), 0.5 * p.ill.ttft());
  EXPECT_GT(p.ill.mean(dcgm("PROF_PIPE_TENSOR_ACTIVE")),
            1.2 * p.well.mean(dcgm("PROF_PIPE_TENSOR_ACTIVE")));
  EXPECT_GT(p.ill.rate("vllm:prompt_tokens_total"), 1.4 * p.well.rate("vllm:prompt_tokens_total"));
  EXPECT_LT(p.ill.waiting(), 3);
}

TEST(FaultsTest, Cause4PrefixCacheCollapse) {
  const FaultPair p("prefix-cache-collapse");
  EXPECT_LT(p.ill.hit_share(), p.well.hit_share() - 0.2);
  const std::string computed = "vllm:prompt_tokens_by_source_total{source=\"local_compute\"}";
  EXPECT_GT(p.ill.grown(computed), 1.3 * p.well.grown(computed));
  EXPECT_GT(p.ill.ttft(), 1.2 * p.well.ttft());
  EXPECT_NEAR(p.ill.prompt_length() / p.well.prompt_length(), 1, 0.03);
}

TEST(FaultsTest, Cause5BatchGrowth) {
  const FaultPair p("batch-growth", 1, {.requests_per_second = 1.5});
  EXPECT_GT(p.ill.running(), 2 * p.well.running());
  EXPECT_GT(p.ill.gap(), 1.1 * p.well.gap());
  EXPECT_GT(p.ill.mean(dcgm("PROF_DRAM_ACTIVE")), p.well.mean(dcgm("PROF_DRAM_ACTIVE")));
  EXPECT_GT(p.ill.most(dcgm("PROF_DRAM_ACTIVE")), 0.6);
  EXPECT_LT(p.ill.ttft(), 1.6 * p.well.ttft());
}

TEST(FaultsTest, Cause6ChunkInterference) {
  const FaultPair p("chunk-interference");
  const std::string gaps = "vllm:inter_token_latency_seconds";
  EXPECT_GT(p.ill.quantile(0.995, gaps), 2 * p.well.quantile(0.995, gaps));
  EXPECT_NEAR(p.ill.quantile(0.5, gaps) / p.well.quantile(0.5, gaps), 1, 0.25);
  EXPECT_GT(p.ill.quantile(0.99, "vllm:iteration_tokens_total"),
            p.well.quantile(0.99, "vllm:iteration_tokens_total"));
  EXPECT_GT(p.ill.quantile(0.95, "vllm:request_prompt_tokens"),
            1.5 * p.well.quantile(0.95, "vllm:request_prompt_tokens"));
}

TEST(FaultsTest, Cause7SpeculationCollapse) {
  const FaultPair p("speculation-collapse", 1, {.speculative = true});
  const auto accepted = [](const Observed& o) {
    return o.grown("vllm:spec_decode_num_accepted_tokens_total") /
           o.grown("vllm:spec_decode_num_draft_tokens_total");
  };
  EXPECT_LT(accepted(p.ill), accepted(p.well) - 0.3);
  EXPECT_GT(p.ill.grown("vllm:spec_decode_num_drafts_total"),
            p.well.grown("vllm:spec_decode_num_drafts_total"))
      << "drafting goes on";
  EXPECT_GT(p.ill.gap(), 1.4 * p.well.gap());
  EXPECT_GT(p.ill.grown("vllm:estimated_flops_per_gpu_total") / p.ill.tokens(),
            p.well.grown("vllm:estimated_flops_per_gpu_total") / p.well.tokens());
}

TEST(FaultsTest, Cause8HeadOfLine) {
  const FaultPair p("head-of-line");
  EXPECT_GT(p.ill.mean("vllm:num_requests_waiting_by_reason{reason=\"deferred\"}"), 5);
  EXPECT_LT(p.ill.most("vllm:kv_cache_usage_perc"), 0.7);
  EXPECT_LT(p.ill.most("vllm:num_requests_running"), 200) << "fewer than it has sequences for";
  EXPECT_GT(p.ill.ttft(), 1.5 * p.well.ttft());
}

TEST(FaultsTest, Cause9FrontendBound) {
  const FaultPair p("frontend-bound");
  const auto gateway_gap = [](const Observed& o) {
    return o.observed("app_time_to_first_token_seconds") - o.ttft();
  };
  EXPECT_GT(gateway_gap(p.ill), gateway_gap(p.well) + 0.3) << "over both engines of the gateway";
  EXPECT_LT(p.ill.ttft(), 1.5 * p.well.ttft()) << "the engine itself is well";
  EXPECT_GT(p.ill.rate("node_pressure_cpu_waiting_seconds_total"),
            10 * p.well.rate("node_pressure_cpu_waiting_seconds_total"));
  EXPECT_LT(p.ill.mean(dcgm("DEV_GPU_UTIL")), p.well.mean(dcgm("DEV_GPU_UTIL")) - 5) << "it dips";
}

TEST(FaultsTest, Cause10ThermalThrottle) {
  const FaultPair p("thermal-throttle");
  EXPECT_GE(p.ill.mean(dcgm("DEV_GPU_TEMP")), 84);
  EXPECT_LT(p.ill.mean(dcgm("DEV_SM_CLOCK")), 0.9 * p.well.mean(dcgm("DEV_SM_CLOCK")));
  EXPECT_GT(p.ill.rate(dcgm("DEV_THERMAL_VIOLATION")), 0);
  EXPECT_EQ(p.well.rate(dcgm("DEV_THERMAL_VIOLATION")), 0);
  EXPECT_GT(p.ill.mean("gpu_throttle_reason{reason=~\"sw_thermal|hw_thermal\",gpu=\"0\"}"), 0.5);
  EXPECT_EQ(p.well.mean("gpu_throttle_reason{reason=~\"sw_thermal|hw_thermal\",gpu=\"0\"}"), 0);
  EXPECT_GT(p.ill.mean(dcgm("DEV_GPU_UTIL")), 80);
  EXPECT_GT(p.ill.ttft(), 1.1 * p.well.ttft()) << "arithmetic, and so prefill, goes first";
}

TEST(FaultsTest, Cause11PowerCap) {
  const FaultPair p("power-cap");
  const double limit = p.ill.last(dcgm("DEV_ENFORCED_POWER_LIMIT"));
  EXPECT_LT(limit, 200);
  EXPECT_GT(p.ill.mean(dcgm("DEV_POWER_USAGE")), 0.85 * limit);
  EXPECT_GT(p.ill.grown(dcgm("DEV_POWER_VIOLATION")), 1e9);
  EXPECT_GT(p.ill.mean("gpu_throttle_reason{reason=\"sw_power_cap\",gpu=\"0\"}"), 0.5);
  EXPECT_LT(p.ill.mean(dcgm("DEV_SM_CLOCK")), 0.95 * p.well.mean(dcgm("DEV_SM_CLOCK")));
  EXPECT_LT(p.ill.most(dcgm("DEV_GPU_TEMP")), 84) << "not the heat";
  // On nothing but decoding the board's own limit is far away.
  EXPECT_LT(p.well.most(dcgm("DEV_POWER_USAGE")),
            0.9 * p.well.last(dcgm("DEV_ENFORCED_POWER_LIMIT")));
  const FaultPair brake("power-brake");
  EXPECT_EQ(brake.ill.last("gpu_throttle_reason{reason=\"hw_power_brake\",gpu=\"0\"}"), 1);
  EXPECT_LT(brake.ill.mean(dcgm("DEV_SM_CLOCK")), 0.6 * brake.well.mean(dcgm("DEV_SM_CLOCK")));
}

TEST(FaultsTest, Cause12StragglerGpu) {
  const FaultPair p("straggler-gpu");
  const auto each_peer = [](const Observed& o, std::string_view field) {
    return o.mean(dcgm(field, kPeers)) / 3;
  };
  EXPECT_LT(p.ill.mean(dcgm("DEV_SM_CLOCK")), 0.6 * each_peer(p.ill, "DEV_SM_CLOCK"));
  EXPECT_LT(each_peer(p.ill, "PROF_PIPE_TENSOR_ACTIVE"),
            0.8 * p.ill.mean(dcgm("PROF_PIPE_TENSOR_ACTIVE")));
  EXPECT_NEAR(p.well.mean(dcgm("DEV_SM_CLOCK")) / each_peer(p.well, "DEV_SM_CLOCK"), 1, 0.01)
      << "all equal without it";
  EXPECT_EQ(p.ill.grown("DCGM_FI_DEV_THERMAL_VIOLATION"), 0);
  EXPECT_GT(p.ill.ttft(), 1.3 * p.well.ttft()) << "every rank is slow";
}

TEST(FaultsTest, Cause13GpuLost) {
  const FaultPair p("gpu-lost");
  EXPECT_EQ(p.ill.last(dcgm("DEV_XID_ERRORS")), 79);
  EXPECT_EQ(p.ill.value("sum(changes(DCGM_FI_DEV_XID_ERRORS{gpu=\"1\"}[6m]))"), 0);
  EXPECT_EQ(p.ill.last("gpu_xid_errors_total{xid=\"79\"}"), 1);
  EXPECT_FALSE(p.ill.has(dcgm("DEV_GPU_TEMP")));
  EXPECT_TRUE(p.ill.has(dcgm("DEV_GPU_TEMP", kPeers)));
  EXPECT_EQ(p.ill.last("up{instance=\"node-0:8000\"}"), 0);
  EXPECT_FALSE(p.ill.has("vllm:num_requests_running")) << "the engine is down";
  EXPECT_GT(p.ill.grown("app_request_errors_total{http_status=\"502\"}"), 50);
  EXPECT_EQ(p.well.last("DCGM_FI_DEV_XID_ERRORS"), 0);
  EXPECT_EQ(p.well.grown("app_request_errors_total{http_status=\"502\"}"), 0);
}

TEST(FaultsTest, Cause13ApplicationXid) {
  const FaultPair p("application-xid");
  EXPECT_EQ(p.ill.last(dcgm("DEV_XID_ERRORS")), 31);
  EXPECT_TRUE(p.ill.has(dcgm("DEV_GPU_TEMP"))) << "the GPU stays";
  EXPECT_GT(p.ill.last("process_start_time_seconds"), p.well.last("process_start_time_seconds"));
}

TEST(FaultsTest, Cause14MemoryDegradation) {
  const FaultPair p("memory-degradation");
  EXPECT_GT(p.ill.grown(dcgm("DEV_ECC_SBE_VOL_TOTAL")), 100);
  EXPECT_GT(p.ill.grown(dcgm("DEV_CORRECTABLE_REMAPPED_ROWS")), 3);
  EXPECT_EQ(p.ill.last(dcgm("DEV_ROW_REMAP_PENDING")), 1);
  EXPECT_EQ(p.ill.last(dcgm("DEV_ROW_REMAP_FAILURE")), 1);
  EXPECT_EQ(p.ill.last(dcgm("DEV_XID_ERRORS")), 64);
  EXPECT_EQ(p.ill.grown(dcgm("DEV_ECC_SBE_VOL_TOTAL", kPeers)), 0);
  EXPECT_EQ(p.well.last("DCGM_FI_DEV_ROW_REMAP_PENDING"), 0);
}

TEST(FaultsTest, Cause15NvlinkErrors) {
  const FaultPair p("nvlink-errors", 0.5);
  EXPECT_GT(p.ill.grown(dcgm("DEV_NVLINK_CRC_FLIT_ERROR_COUNT_TOTAL")), 1000);
  EXPECT_GT(p.ill.grown(dcgm("DEV_NVLINK_REPLAY_ERROR_COUNT_TOTAL")), 100);
  EXPECT_EQ(p.well.grown("DCGM_FI_DEV_NVLINK_CRC_FLIT_ERROR_COUNT_TOTAL"), 0);
  EXPECT_LT(p.ill.mean(dcgm("DEV_NVLINK_BANDWIDTH_TOTAL")),
            0.8 * p.ill.mean(dcgm("DEV_NVLINK_BANDWIDTH_TOTAL", "gpu=\"1\"")));
  EXPECT_GT(p.ill.gap(), 1.5 * p.well.gap());
  EXPECT_GT(p.ill.mean(dcgm("DEV_GPU_UTIL")), 80);
  EXPECT_LT(p.ill.mean(dcgm("PROF_PIPE_TENSOR_ACTIVE")), 0.1) << "busy with waiting";
  EXPECT_LT(p.ill.mean(dcgm("PROF_DRAM_ACTIVE")), 0.5 * p.well.mean(dcgm("PROF_DRAM_ACTIVE")));
}

TEST(FaultsTest, Cause16PcieDegradation) {
  const FaultPair p("pcie-degradation");
  EXPECT_LT(p.ill.last("gpu_pcie_link_width{gpu=\"0\"}"),
            p.ill.last("gpu_pcie_link_width_max{gpu=\"0\"}"));
  EXPECT_EQ(p.well.last("gpu_pcie_link_width{gpu=\"0\"}"),
            p.well.last("gpu_pcie_link_width_max{gpu=\"0\"}"));
  EXPECT_GT(p.ill.mean(dcgm("DEV_GPU_UTIL")), 80) << "under load, not asleep";
  EXPECT_GT(p.ill.grown(dcgm("DEV_PCIE_REPLAY_COUNTER")), 1000);
}

TEST(FaultsTest, Cause17KvTransfer) {
  const FaultPair p("kv-transfer");
  EXPECT_GT(p.ill.observed("vllm:nixl_xfer_time_seconds"), 1);
  EXPECT_GT(p.ill.grown("node_infiniband_symbol_error_total"), 1000);
  EXPECT_EQ(p.well.grown("node_infiniband_symbol_error_total"), 0);
  EXPECT_GT(p.ill.ttft(), p.well.ttft() + 1);
}

TEST(FaultsTest, Cause18HostCpu) {
  const FaultPair p("host-cpu");
  EXPECT_GT(p.ill.rate("node_pressure_cpu_waiting_seconds_total"), 0.2);
  EXPECT_GT(p.ill.last("node_load1") / sim::kCpus, 2);
  EXPECT_GT(p.ill.rate("node_cpu_seconds_total{mode=\"steal\"}"), 0.05 * sim::kCpus);
  EXPECT_GT(p.ill.gap(), 1.3 * p.well.gap());
  const auto other_gap = [](const Observed& o) {
    return o.observed("vllm:inter_token_latency_seconds{instance=\"node-0:8001\"}");
  };
  EXPECT_GT(other_gap(p.ill), 1.3 * other_gap(p.well)) << "every engine of the node";
}

TEST(FaultsTest, Cause19HostMemory) {
  const FaultPair p("host-memory");
  EXPECT_GT(p.ill.grown("node_pressure_memory_stalled_seconds_total"), 10);
  EXPECT_GT(p.ill.grown("node_vmstat_pgmajfault"), 1e5);
  EXPECT_EQ(p.ill.grown("node_vmstat_oom_kill"), 1);
  EXPECT_LT(p.ill.last("node_memory_MemAvailable_bytes"),
            0.05 * p.ill.last("node_memory_MemTotal_bytes"));
  EXPECT_EQ(p.well.grown("node_pressure_memory_stalled_seconds_total"), 0);
  EXPECT_GT(p.ill.gap(), 1.3 * p.well.gap()) << "stalls";
}

TEST(FaultsTest, Cause20SlowStart) {
  const FaultPair p("slow-start");
  EXPECT_EQ(p.ill.last("up{instance=\"node-0:8000\"}"), 1);
  EXPECT_TRUE(p.ill.has("vllm:num_requests_running"));
  EXPECT_EQ(p.ill.last("vllm:generation_tokens_total"), 0);
  EXPECT_GT(p.ill.rate("node_disk_read_bytes_total"), 1e9);
  EXPECT_GT(p.ill.rate("node_network_receive_bytes_total"), 1e9);
  EXPECT_LT(p.well.rate("node_disk_read_bytes_total"), 1e7);
}

TEST(FaultsTest, Cause21NoisyTenant) {
  const FaultPair p("noisy-tenant");
  const auto share = [](const Observed& o) {
    return o.grown("app_input_tokens_total{tenant_id=\"tenant-4\"}") /
           o.grown("app_input_tokens_total");
  };
  EXPECT_GT(share(p.ill), 2 * share(p.well));
  EXPECT_GT(share(p.ill), 0.4);
  EXPECT_GT(p.ill.waiting(), p.well.waiting() + 1) << "in the same window";
}

TEST(FaultsTest, Cause22Deploy) {
  const FaultPair p("deploy");
  EXPECT_TRUE(p.ill.has("vllm:num_requests_running{model_name=~\".*-v2\"}"));
  EXPECT_FALSE(p.well.has("vllm:num_requests_running{model_name=~\".*-v2\"}"));
  EXPECT_GT(p.ill.last("process_start_time_seconds"), kOnset);
  EXPECT_GT(p.ill.last("process_start_time_seconds"), p.well.last("process_start_time_seconds"));
  EXPECT_GT(p.ill.output_length(), 1.2 * p.well.output_length());
  EXPECT_EQ(p.well.value("changes(process_start_time_seconds{instance=\"node-0:8000\"}[6m])"), 0);
}

TEST(FaultsTest, Cause23ReplicaImbalance) {
  const FaultPair p("replica-imbalance");
  const std::string other = "{instance=\"node-0:8001\"}";
  EXPECT_GT(p.ill.waiting(), 5);
  EXPECT_LT(p.ill.mean("vllm:num_requests_waiting" + other), 1);
  EXPECT_GT(p.ill.kv(), 2 * p.ill.mean("vllm:kv_cache_usage_perc" + other));
  EXPECT_LT(p.well.kv(), 2 * p.well.mean("vllm:kv_cache_usage_perc" + other));
}

TEST(FaultsTest, Cause24OutputGrowth) {
  const FaultPair p("output-growth");
  EXPECT_GT(p.ill.output_length(), 1.5 * p.well.output_length());
  const auto length_share = [](const Observed& o) {
    return o.grown("vllm:request_success_total{finished_reason=\"length\"}") /
           o.grown("vllm:request_success_total");
  };
  EXPECT_GT(length_share(p.ill), length_share(p.well) + 0.1);
  // Dearer by the token that comes out.
  EXPECT_GT(p.ill.grown("app_cost_usd_total"), 1.1 * p.well.grown("app_cost_usd_total"));
}

TEST(FaultsTest, Cause25ClientErrors) {
  const FaultPair p("client-errors");
  const auto abort_share = [](const Observed& o) {
    return o.grown("vllm:request_success_total{finished_reason=\"abort\"}") /
           o.grown("vllm:request_success_total");
  };
  EXPECT_GT(abort_share(p.ill), abort_share(p.well) + 0.2);
  EXPECT_GT(p.ill.grown("http_requests_total{status=\"4xx\"}"), 50);
  EXPECT_EQ(p.well.grown("http_requests_total{status=\"4xx\"}"), 0);
  EXPECT_LT(p.ill.ttft(), 1.1 * p.well.ttft()) << "errors without latency";
}

TEST(FaultsTest, Cause26EngineHang) {
  const FaultPair p("engine-hang");
  EXPECT_GT(p.ill.value("min_over_time(vllm:num_requests_running{instance=\"node-0:8000\"}[2m])"),
            0);
  EXPECT_EQ(p.ill.value("rate(vllm:generation_tokens_total{instance=\"node-0:8000\"}[2m])"), 0);
  EXPECT_EQ(p.ill.last("up{instance=\"node-0:8000\"}"), 1);
  EXPECT_EQ(p.ill.mean(dcgm("DEV_GPU_UTIL")), 100);
  EXPECT_LT(p.ill.mean(dcgm("DEV_POWER_USAGE")), 150) << "spinning";
  EXPECT_GT(p.well.value("rate(vllm:generation_tokens_total{instance=\"node-0:8000\"}[2m])"), 100);
}

TEST(FaultsTest, Cause27ProfilingGone) {
  const FaultPair p("profiling-gone");
  EXPECT_EQ(p.ill.mean(dcgm("PROF_DRAM_ACTIVE")), 0);
  EXPECT_GT(p.ill.mean(dcgm("DEV_GPU_UTIL")), 80);
  EXPECT_EQ(p.ill.tokens(), p.well.tokens()) << "the engines notice nothing";
}

TEST(FaultsTest, Cause27ExporterDown) {
  const FaultPair p("exporter-down");
  EXPECT_EQ(p.ill.last("up{job=\"dcgm-exporter\"}"), 0);
  EXPECT_EQ(p.ill.value("min(up{job!=\"dcgm-exporter\"})"), 1) << "it alone";
  EXPECT_FALSE(p.ill.has("DCGM_FI_DEV_GPU_TEMP")) << "nothing stale is shown";
  EXPECT_EQ(p.ill.tokens(), p.well.tokens());
}

TEST(FaultsTest, Cause27ExporterThatHangsIsSlowOrGone) {
  const FaultPair hangs("exporter-hang");
  EXPECT_EQ(hangs.ill.last("up{job=~\"dcgm-exporter|vllm\"}"), 0);
  EXPECT_GE(hangs.ill.last("scrape_duration_seconds{job=\"dcgm-exporter\"}"), Observed::kScrape);
  const FaultPair slow("exporter-slow");
  EXPECT_EQ(slow.ill.last("up{job=\"dcgm-exporter\"}"), 1);
  EXPECT_GT(slow.ill.last("scrape_duration_seconds{job=\"dcgm-exporter\"}"), 3);
  const FaultPair gone("exporter-gone");
  EXPECT_FALSE(gone.ill.has("up{job=\"dcgm-exporter\"}")) << "absent, not 0";
  EXPECT_FALSE(gone.ill.has("DCGM_FI_DEV_GPU_TEMP"));
}

TEST(FaultsTest, Cause27LateSamplesAreStoredWhenTheySayTheyWereTaken) {
  const FaultPair p("late-samples");
  const auto behind = [](const Observed& o) {
    return kEnd - FleetHistory::seconds_of(static_cast<TimestampMs>(
                      1000 * o.value("max(timestamp(" + dcgm("DEV_GPU_TEMP") + "))")));
  };
  EXPECT_GE(behind(p.ill), 30);
  EXPECT_LT(behind(p.well), Observed::kScrape);
  // Every second scrape came after one that it belongs before; none is lost.
  EXPECT_NEAR(p.ill.value("sum(count_over_time(" + dcgm("DEV_GPU_TEMP") + "[4m]))"),
              p.well.value("sum(count_over_time(" + dcgm("DEV_GPU_TEMP") + "[4m]))"), 6);
}

TEST(FaultsTest, Cause27DuplicateSamplesChangeNothingThatIsStored) {
  const FaultPair p("duplicate-samples");
  for (const std::string_view field : {"DEV_GPU_TEMP", "DEV_POWER_USAGE", "PROF_DRAM_ACTIVE"}) {
    EXPECT_EQ(p.ill.last(dcgm(field)), p.well.last(dcgm(field))) << field;
    EXPECT_EQ(p.ill.mean(dcgm(field)), p.well.mean(dcgm(field))) << field;
  }
  EXPECT_EQ(p.ill.last("up{job=\"dcgm-exporter\"}"), 1);
}

TEST(FaultsTest, Cause28IdleFleet) {
  const FaultPair p("idle-fleet");
  EXPECT_LT(p.ill.running(), 0.2);
  EXPECT_LT(p.ill.mean(dcgm("PROF_PIPE_TENSOR_ACTIVE")), 0.02);
  EXPECT_LT(p.ill.mean(dcgm("PROF_DRAM_ACTIVE")), 0.1);
  EXPECT_EQ(p.ill.last(dcgm("DEV_FB_USED")), p.well.last(dcgm("DEV_FB_USED")))
      << "with weights loaded";
  const FaultPair asleep("engine-asleep");
  EXPECT_EQ(asleep.ill.last("vllm:engine_sleep_state{sleep_state=\"weights_offloaded\"}"), 1);
  EXPECT_GT(asleep.ill.waiting(), 5);
}

TEST(FaultsTest, FaultsThatAreNoCauseOfTheKnowledgeBase) {
  EXPECT_FALSE(FaultPair("engine-crash").ill.has("vllm:num_requests_running"));
  const FaultPair disk("disk-filling");
  EXPECT_LT(disk.ill.last("node_filesystem_avail_bytes"),
            0.05 * disk.well.last("node_filesystem_avail_bytes"));
  EXPECT_LT(FaultPair("inodes-gone").ill.last("node_filesystem_files_free") / sim::kInodes, 0.01);
  EXPECT_EQ(FaultPair("disk-read-only").ill.last("node_filesystem_readonly"), 1);
  EXPECT_GT(FaultPair("disk-slow").ill.rate("node_pressure_io_stalled_seconds_total"), 0.5);
  EXPECT_GT(FaultPair("network-loss").ill.grown("node_network_receive_drop_total"), 10);
  const FaultPair leak("gpu-memory-leak");
  EXPECT_GT(leak.ill.grown(dcgm("DEV_FB_USED")), 1000);
  EXPECT_EQ(leak.well.grown(dcgm("DEV_FB_USED")), 0);
  const FaultPair errors("engine-errors");
  EXPECT_GT(errors.ill.grown("vllm:request_success_total{finished_reason=\"error\"}"), 50);
  EXPECT_NEAR(errors.ill.ttft() / errors.well.ttft(), 1, 0.01);
  const FaultPair reset("counter-reset");
  EXPECT_LT(reset.ill.last("vllm:generation_tokens_total"),
            0.5 * reset.well.last("vllm:generation_tokens_total"));
  EXPECT_GE(reset.ill.value("resets(vllm:generation_tokens_total{instance=\"node-0:8000\"}[6m])"),
            2);
  EXPECT_GT(
      FaultPair("clock-skew").ill.value("max(node_time_seconds - timestamp(node_time_seconds))"),
      80);
  EXPECT_TRUE(FaultPair("label-churn")
                  .ill.has("vllm:lora_requests_info{running_lora_adapters=\"adapter-36\"}"));
}

TEST(FaultsTest, WhatAFaultDoesNotTouchIsAsWithoutIt) {
  const FaultPair p("straggler-gpu");
  for (const std::string_view other : {"gpu=\"4\"", "gpu=\"7\""}) {
    EXPECT_EQ(p.ill.last(dcgm("DEV_POWER_USAGE", other)),
              p.well.last(dcgm("DEV_POWER_USAGE", other)))
        << "the other engine's GPUs";
  }
}

TEST(FaultsTest, CostIsTokensTimesPrices) {
  const Observed o({}, 0, {});
  const sim::Model& model = *sim::find_model("70B");
  const std::string tenant = "{tenant_id=\"tenant-0\"}";
  const double input = o.last("app_input_tokens_total" + tenant);
  const double cached = o.last("app_cached_input_tokens_total" + tenant);
  const double output = o.last("app_output_tokens_total" + tenant);
  EXPECT_GT(cached, 0);
  EXPECT_NEAR(
      o.last("app_cost_usd_total" + tenant),
      ((input - cached / 2) * model.usd_per_million_input + output * model.usd_per_million_output) /
          1e6,
      1e-9);
}

TEST(FaultsTest, EveryFaultIsToldByItsNameAndEveryCauseHasOne) {
  std::vector<bool> causes(29);
  for (const sim::FaultKind& kind : sim::fault_kinds()) {
    EXPECT_EQ(sim::find_fault_kind(kind.name), &kind);
    causes[static_cast<size_t>(kind.cause)] = true;
  }
  for (size_t i = 1; i < causes.size(); ++i) EXPECT_TRUE(causes[i]) << i;
}

}  // namespace
}  // namespace strata
