#include "catalog/translator.h"

#include <gtest/gtest.h>

#include <map>

#include "base/fs.h"
#include "wire/exposition.h"

namespace strata::catalog {
namespace {

std::shared_ptr<const Catalog> builtin() {
  return {std::shared_ptr<const Catalog>(), &Catalog::builtin()};
}

// What a body becomes when it is scraped from a target job="j", instance="node-7:9000".
class Scraped {
 public:
  explicit Scraped(const std::string& body) : translator_(builtin()) {
    wire::ExpositionParser parser(body, wire::ExpositionFormat::kText);
    std::vector<uint32_t> row;
    std::vector<double> values;
    LabelsBuilder labels;
    while (true) {
      const auto entry = parser.next();
      EXPECT_TRUE(entry) << entry.error().message;
      if (!entry || *entry == wire::Entry::kEnd) break;
      if (*entry != wire::Entry::kSample) continue;
      EXPECT_TRUE(parser.labels(labels));
      labels.set("job", "j").set("instance", "node-7:9000");
      const auto id = static_cast<uint32_t>(row.size());
      translator_.add(id, labels.build());
      row.push_back(id);
      values.push_back(parser.value());
    }
    raw_ = row.size();
    translator_.plan(row, [&](const Labels& series) -> std::optional<uint32_t> {
      canonical_.push_back(series);
      return static_cast<uint32_t>(1'000'000 + canonical_.size() - 1);
    });
    translator_.evaluate(values);
    const std::vector<double> out(values.begin() + static_cast<std::ptrdiff_t>(raw_), values.end());
    EXPECT_EQ(out.size(), translator_.columns().size());
    for (size_t i = 0; i < out.size(); ++i) {
      LabelsBuilder shown(canonical_[translator_.columns()[i] - 1'000'000]);
      shown.remove("job").remove("instance");
      EXPECT_TRUE(series_.emplace(shown.build().to_string(), out[i]).second);
    }
  }

  static Scraped file(const std::string& name) {
    return Scraped(*real_fs().read_file("tests/data/expositions/" + name));
  }

  double value(const std::string& series) const {
    const auto found = series_.find(series);
    if (found == series_.end()) {
      ADD_FAILURE() << "no " << series;
      for (const auto& [name, value] : series_) {
        if (name.substr(0, name.find('{')) == series.substr(0, series.find('{'))) {
          ADD_FAILURE() << "but " << name << " " << value;
        }
      }
      return -1;
    }
    return found->second;
  }
  // Names of the canonical families (histograms without their suffixes).
  std::set<std::string> families() const {
    std::set<std::string> names;
    for (const auto& [series, value] : series_) {
      const auto name = series.substr(0, series.find('{'));
      const auto family = without_suffix(name);
      names.insert(family.empty() ? name : std::string(family));
    }
    return names;
  }
  std::vector<std::string_view> detected() const { return translator_.detected(); }
  size_t raw() const { return raw_; }
  const std::map<std::string, double>& series() const { return series_; }

 private:
  Translator translator_;
  std::vector<Labels> canonical_;
  std::map<std::string, double> series_;
  size_t raw_ = 0;
};

using Kinds = std::vector<std::string_view>;

TEST(Translator, KnowsEachEngineByItsExposition) {
  const std::pair<const char*, Kinds> cases[] = {
      {"vllm_main.txt", {"vllm"}},
      {"vllm_0.10.txt", {"vllm"}},
      {"vllm_0.6.txt", {"vllm"}},
      {"sglang.txt", {"sglang"}},
      {"tgi.txt", {"tgi"}},
      {"trtllm.txt", {"trtllm"}},
      {"triton.txt", {"triton"}},
      {"lmdeploy.txt", {"lmdeploy"}},
      {"llamacpp.txt", {"llamacpp"}},
      {"nim.txt", {"nim"}},
      {"dynamo.txt", {"dynamo"}},
      {"ray_vllm.txt", {"vllm-ray"}},
      {"kserve_vllm.txt", {"vllm-kserve"}},
      {"kserve.txt", {"kserve"}},
      {"dcgm_3.txt", {"dcgm-exporter"}},
      {"dcgm_4.txt", {"dcgm-exporter"}},
      {"dcgm_old_namespace.txt", {"dcgm-exporter-1"}},
      {"rocm.txt", {"rocm-exporter"}},
      {"ascend.txt", {"npu-exporter"}},
      {"litellm.txt", {"litellm"}},
      {"envoy_ai_gateway.txt", {"gen-ai"}},
      {"gie_epp.txt", {"gie-epp"}},
  };
  for (const auto& [file, kinds] : cases) {
    EXPECT_EQ(Scraped::file(file).detected(), kinds) << file;
  }
  Kinds router = Scraped::file("vllm_router.txt").detected();
  std::ranges::sort(router);
  EXPECT_EQ(router, (Kinds{"vllm", "vllm-router"}));
}

TEST(Translator, ReadsLlamaCpp) {
  const auto scraped = Scraped::file("llamacpp.txt");
  const std::string labels = R"({engine_kind="llamacpp", node="node-7"})";
  EXPECT_EQ(scraped.value("llm_engine_info" + labels), 1);
  EXPECT_GT(scraped.value("llm_prompt_tokens_total" + labels), 0);
  EXPECT_GT(scraped.value("llm_generation_tokens_total" + labels), 0);
}

TEST(Translator, LeavesOtherExpositionsAlone) {
  const Scraped scraped("node_load1 0.5\nnum_requests_running 3\nprompt_tokens_total 4\n");
  EXPECT_TRUE(scraped.series().empty());
  EXPECT_TRUE(scraped.detected().empty());
}

TEST(Translator, GivesVllmItsCanonicalNames) {
  const auto scraped = Scraped::file("vllm_main.txt");
  const std::string labels =
      R"({engine="0", engine_kind="vllm", model_name="meta-llama/Llama-3.1-70B-Instruct", node="node-7"})";
  EXPECT_EQ(scraped.value("llm_requests_running" + labels), 19);
  EXPECT_EQ(scraped.value("llm_requests_waiting" + labels), 2);
  EXPECT_EQ(scraped.value("llm_kv_cache_usage_ratio" + labels), 0.0625);
  EXPECT_EQ(scraped.value("llm_engine_info" + labels), 1);
  EXPECT_EQ(scraped.value("llm_time_to_first_token_seconds_count" + labels), 540);
  EXPECT_EQ(scraped.value(
                R"(llm_kv_cache_capacity_tokens{engine="0", engine_kind="vllm", node="node-7"})"),
            27500 * 16);
  EXPECT_EQ(
      scraped.value(
          R"(llm_requests_finished_total{engine="0", engine_kind="vllm", model_name="meta-llama/Llama-3.1-70B-Instruct", node="node-7", reason="abort"})"),
      7);
  EXPECT_EQ(scraped.families().size(), 19u);
}

TEST(Translator, TakesTheNewerOfTwoNamesForOneThing) {
  const auto scraped = Scraped::file("vllm_0.10.txt");
  const std::string labels =
      R"({engine="0", engine_kind="vllm", model_name="meta-llama/Llama-3.1-70B-Instruct", node="node-7"})";
  EXPECT_EQ(scraped.value("llm_kv_cache_usage_ratio" + labels), 0.25);
  EXPECT_EQ(scraped.value("llm_prefix_cache_hits_total" + labels), 600);  // once, not 1,200
  EXPECT_EQ(scraped.value("llm_inter_token_latency_seconds_count" + labels), 490);

  const Scraped both(
      "vllm:time_per_output_token_seconds_count 5\nvllm:inter_token_latency_seconds_count 7\n"
      "vllm:gpu_cache_usage_perc 0.1\nvllm:kv_cache_usage_perc 0.2\n");
  EXPECT_EQ(
      both.value(R"(llm_inter_token_latency_seconds_count{engine_kind="vllm", node="node-7"})"), 7);
  EXPECT_EQ(both.value(R"(llm_kv_cache_usage_ratio{engine_kind="vllm", node="node-7"})"), 0.2);
}

TEST(Translator, ReadsTheOldestVllm) {
  const auto scraped = Scraped::file("vllm_0.6.txt");
  const std::string labels =
      R"({engine_kind="vllm", model_name="facebook/opt-125m", node="node-7"})";
  EXPECT_EQ(scraped.value("llm_kv_cache_usage_ratio" + labels), 0.5);
  EXPECT_EQ(scraped.value("llm_inter_token_latency_seconds_count" + labels), 560);
  EXPECT_EQ(scraped.value(R"(llm_kv_cache_capacity_tokens{engine_kind="vllm", node="node-7"})"),
            32000);
}

TEST(Translator, AddsWhatAPriorityOrStreamingLabelSplits) {
  const Scraped vllm(
      "vllm:request_success_total{finished_reason=\"stop\",priority=\"0\"} 5\n"
      "vllm:request_success_total{finished_reason=\"stop\",priority=\"1\"} 7\n");
  EXPECT_EQ(vllm.value(
                R"(llm_requests_finished_total{engine_kind="vllm", node="node-7", reason="stop"})"),
            12);
  const auto sglang = Scraped::file("sglang.txt");
  const std::string labels =
      R"({engine_kind="sglang", engine_type="unified", model_name="Qwen/Qwen3-32B", node="node-7"})";
  EXPECT_EQ(sglang.value("llm_prompt_tokens_total" + labels), 4000);
  EXPECT_EQ(sglang.value("llm_prompt_tokens_cached_total" + labels), 1000);
  EXPECT_EQ(sglang.value("llm_time_to_first_token_seconds_count" + labels), 400);
}

TEST(Translator, CountsTensorParallelRanksOnce) {
  const auto scraped = Scraped::file("sglang.txt");
  const std::string labels =
      R"({engine_kind="sglang", engine_type="unified", model_name="Qwen/Qwen3-32B", node="node-7"})";
  EXPECT_EQ(scraped.value("llm_requests_running" + labels), 12);
  EXPECT_EQ(scraped.value("llm_kv_cache_capacity_tokens" + labels), 150000);
  EXPECT_EQ(scraped.value("llm_request_prefill_seconds_count" + labels), 400);
}

TEST(Translator, MakesCountersOfTheSumsOfHistograms) {
  const auto scraped = Scraped::file("tgi.txt");
  EXPECT_EQ(scraped.value(R"(llm_prompt_tokens_total{engine_kind="tgi", node="node-7"})"), 270000);
  EXPECT_EQ(
      scraped.value(
          R"(llm_requests_finished_total{engine_kind="tgi", node="node-7", reason="overloaded"})"),
      3);
}

TEST(Translator, PicksApartWhatTritonPutsIntoOneFamily) {
  const auto scraped = Scraped::file("triton.txt");
  const std::string labels = R"({engine_kind="triton", model_name="tensorrt_llm", node="node-7"})";
  EXPECT_EQ(scraped.value("llm_requests_running" + labels), 8);
  EXPECT_EQ(scraped.value("llm_requests_waiting" + labels), 1);
  EXPECT_EQ(scraped.value("llm_kv_cache_usage_ratio" + labels), 0.4875);
}

TEST(Translator, ScalesAHistogramsBoundsAndSumButNotItsCounts) {
  const auto scraped = Scraped::file("triton.txt");
  EXPECT_EQ(
      scraped.value(
          R"(llm_time_to_first_token_seconds_bucket{engine_kind="triton", le="+Inf", model_name="tensorrt_llm", node="node-7"})"),
      90);
  EXPECT_GT(
      scraped.value(
          R"(llm_time_to_first_token_seconds_bucket{engine_kind="triton", le="0.5", model_name="tensorrt_llm", node="node-7"})"),
      0);
  EXPECT_DOUBLE_EQ(
      scraped.value(
          R"(llm_time_to_first_token_seconds_sum{engine_kind="triton", model_name="tensorrt_llm", node="node-7"})"),
      27);
}

TEST(Translator, DoesNotCountARoutersCopiesOfItsEngines) {
  const auto scraped = Scraped::file("vllm_router.txt");
  EXPECT_EQ(
      scraped.families(),
      (std::set<std::string>{"app_input_tokens_total", "app_request_duration_seconds",
                             "app_request_errors_total", "app_requests_total", "app_upstream_up"}));
}

TEST(Translator, LeavesOutTheLabelsThatRayAdds) {
  const auto scraped = Scraped::file("ray_vllm.txt");
  EXPECT_EQ(
      scraped.value(
          R"(llm_generation_tokens_total{ReplicaId="r1", application="llm", deployment="LLMServer", engine="0", engine_kind="vllm-ray", model_name="qwen3-8b", node="node-7"})"),
      300);
}

TEST(Translator, GivesGpusBaseUnitsAndAName) {
  for (const auto* file : {"dcgm_3.txt", "dcgm_4.txt"}) {
    const auto scraped = Scraped::file(file);
    const std::string second =
        R"({gpu="1", node="gpu-node-01", uuid="GPU-5fd4f087-86f3-7a43-b711-4771313afc10"})";
    EXPECT_EQ(scraped.value("gpu_utilization_ratio" + second), 1);
    EXPECT_EQ(scraped.value("gpu_memory_used_bytes" + second), 76000.0 * 1048576);
    EXPECT_EQ(scraped.value("gpu_memory_total_bytes" + second), (76000.0 + 5000 + 559) * 1048576);
    EXPECT_DOUBLE_EQ(scraped.value("gpu_energy_joules_total" + second), 62341234.567);
    EXPECT_EQ(scraped.value("gpu_sm_clock_hertz" + second), 1755e6);
    EXPECT_EQ(scraped.value("gpu_tensor_active_ratio" + second), 0.41);
  }
  const auto scraped = Scraped::file("dcgm_4.txt");
  EXPECT_EQ(
      scraped.value(
          R"(gpu_info{driver="580.95.05", gpu="0", model="NVIDIA H100 80GB HBM3", node="gpu-node-01", pci="00000000:00:00.0", uuid="GPU-5fd4f087-86f3-7a43-b711-4771313afc00"})"),
      1);
}

TEST(Translator, TellsPartsOfAGpuFromTheWhole) {
  const auto line = [](std::string_view name, int instance, double value) {
    return fmt::format("{}{{gpu=\"0\",UUID=\"G\",GPU_I_PROFILE=\"1g.10gb\",GPU_I_ID=\"{}\"}} {}\n",
                       name, instance, value);
  };
  const Scraped scraped(
      line("DCGM_FI_DEV_FB_USED", 7, 100) + line("DCGM_FI_DEV_FB_USED", 8, 200) +
      line("DCGM_FI_DEV_FB_FREE", 7, 9) + line("DCGM_FI_PROF_SM_OCCUPANCY", 8, 0.25) +
      line("DCGM_FI_DEV_POWER_USAGE", 7, 300) + line("DCGM_FI_DEV_POWER_USAGE", 8, 300));
  const auto part = [](int instance) {
    return fmt::format(
        R"({{gpu="0", mig_instance="{}", mig_profile="1g.10gb", node="node-7", uuid="G"}})",
        instance);
  };
  EXPECT_EQ(scraped.value("gpu_mig_memory_used_bytes" + part(7)), 100.0 * 1048576);
  EXPECT_EQ(scraped.value("gpu_mig_memory_used_bytes" + part(8)), 200.0 * 1048576);
  EXPECT_EQ(scraped.value("gpu_mig_memory_total_bytes" + part(7)), 109.0 * 1048576);
  EXPECT_EQ(scraped.value("gpu_mig_sm_occupancy_ratio" + part(8)), 0.25);
  EXPECT_EQ(scraped.value(R"(gpu_power_watts{gpu="0", node="node-7", uuid="G"})"), 300);
  EXPECT_FALSE(scraped.families().contains("gpu_memory_used_bytes"));
}

TEST(Translator, TranslatesNothingThatTheAgentSaysCanonicallyItself) {
  const Scraped scraped(
      "gpu_up{gpu=\"0\",uuid=\"G\"} 1\ngpu_mig_memory_used_bytes{gpu=\"0\",mig_uuid=\"M\"} 1\n"
      "DCGM_FI_DEV_FB_USED{gpu=\"0\",UUID=\"G\",GPU_I_ID=\"7\",GPU_I_PROFILE=\"1g\"} 100\n");
  EXPECT_TRUE(scraped.families().empty());
}

TEST(Translator, TakesFlagsApart) {
  const auto scraped = Scraped::file("dcgm_4.txt");  // GPU 1 has 36: 0x20 and 0x4
  const std::string uuid = R"(uuid="GPU-5fd4f087-86f3-7a43-b711-4771313afc10"})";
  const std::string gpu = R"(gpu_throttle_reason{gpu="1", node="gpu-node-01", reason=)";
  EXPECT_EQ(scraped.value(gpu + R"("sw_thermal", )" + uuid), 1);
  EXPECT_EQ(scraped.value(gpu + R"("sw_power_cap", )" + uuid), 1);
  EXPECT_EQ(scraped.value(gpu + R"("hw_thermal", )" + uuid), 0);
}

TEST(Translator, GivesOtherAcceleratorsTheSameNames) {
  const auto amd = Scraped::file("rocm.txt");
  const std::string gpu =
      R"({gpu="0", node="amd-node-01", uuid="72ff740f-0000-1000-804c-3b58bf67050e"})";
  EXPECT_EQ(amd.value("gpu_utilization_ratio" + gpu), 0.93);
  EXPECT_EQ(amd.value("gpu_power_watts" + gpu), 412);
  EXPECT_EQ(amd.value("gpu_nvlink_rx_bytes_total" + gpu), 2001 * 1024);
  const auto ascend = Scraped::file("ascend.txt");
  const std::string npu = R"({gpu="0", node="node-7", uuid="7D2A-19B1"})";
  EXPECT_EQ(ascend.value("gpu_utilization_ratio" + npu), 0.8);
  EXPECT_EQ(ascend.value("gpu_memory_used_bytes" + npu), 60000.0 * 1048576);
}

TEST(Translator, SplitsTokensOfOneHistogramByTheirType) {
  const auto scraped = Scraped::file("envoy_ai_gateway.txt");
  const std::string labels =
      R"({endpoint="chat", model_name="llama", node="node-7", upstream="openai"})";
  EXPECT_EQ(scraped.value("app_input_tokens_total" + labels), 45000);
  EXPECT_EQ(scraped.value("app_output_tokens_total" + labels), 6000);
  EXPECT_EQ(scraped.value("app_cached_input_tokens_total" + labels), 15000);
  EXPECT_EQ(scraped.value("app_request_duration_seconds_count" + labels), 52);
  EXPECT_EQ(
      scraped.value(
          R"(app_requests_total{endpoint="chat", model_name="llama", node="node-7", outcome="error", upstream="openai"})"),
      2);
}

TEST(Translator, FoldsLiteLlmsStatusCodesIntoOutcomes) {
  const auto scraped = Scraped::file("litellm.txt");
  EXPECT_EQ(
      scraped.value(
          R"(app_requests_total{api_key_hash="88dc", model_name="gpt-4o", node="node-7", outcome="error", tenant_id="search"})"),
      6);
  EXPECT_EQ(scraped.value(
                R"(app_cost_usd_total{model_name="gpt-4o", node="node-7", tenant_id="search"})"),
            1.25);
}

TEST(Translator, GivesNoColumnToWhatTheTargetNamesCanonicallyItself) {
  Translator translator(builtin());
  const Labels own{{"__name__", "llm_requests_running"},
                   {"engine_kind", "vllm"},
                   {"node", "n"},
                   {"instance", "n:1"}};
  const Labels raw{{"__name__", "vllm:num_requests_running"}, {"instance", "n:1"}};
  translator.add(1, own);
  translator.add(2, raw);
  const uint32_t row[] = {1, 2};
  translator.plan(
      row, [&](const Labels& labels) -> std::optional<uint32_t> { return labels == own ? 1 : 9; });
  EXPECT_EQ(translator.columns().size(), 1u);  // llm_engine_info
  EXPECT_EQ(translator.columns()[0], 9u);
}

TEST(Translator, FollowsARowThatChangesItsShape) {
  Translator translator(builtin());
  uint32_t next = 100;
  const auto resolve = [&](const Labels&) -> std::optional<uint32_t> { return next++; };
  const auto add = [&](uint32_t id, const char* name) {
    translator.add(id, Labels{{"__name__", name}, {"instance", "n:1"}});
  };
  add(1, "vllm:gpu_cache_usage_perc");
  add(2, "node_load1");
  const uint32_t first[] = {2, 1};
  translator.plan(first, resolve);
  ASSERT_EQ(translator.columns().size(), 1u);
  EXPECT_TRUE(translator.feeds(1));
  EXPECT_FALSE(translator.feeds(0));
  const auto series = translator.columns()[0];

  add(3, "vllm:kv_cache_usage_perc");  // after an upgrade
  const uint32_t second[] = {1, 3};
  translator.plan(second, resolve);
  ASSERT_EQ(translator.columns().size(), 1u);
  EXPECT_EQ(translator.columns()[0], series);  // the canonical series goes on
  std::vector<double> values{0.1, 0.2};
  translator.evaluate(values);
  EXPECT_EQ(values, (std::vector<double>{0.1, 0.2, 0.2}));
}

}  // namespace
}  // namespace strata::catalog
