#include "lint/lint.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "base/fs.h"

namespace strata::lint {
namespace {

const catalog::Catalog& builtin() { return catalog::Catalog::builtin(); }

using Kinds = std::set<std::string>;

Kinds kinds_of(const std::vector<Finding>& findings) {
  Kinds out;
  for (const auto& finding : findings) out.emplace(finding.kind);
  return out;
}

std::string shown(const std::vector<Finding>& findings) {
  std::string out;
  for (const auto& finding : findings) out += finding.to_string() + "\n";
  return out;
}

std::vector<Finding> alert(std::string expr, std::vector<std::string> texts = {},
                           Millis hold = Millis(60'000)) {
  return lint({.where = "alert",
               .expr = std::move(expr),
               .is_alert = true,
               .is_recording = false,
               .hold = hold,
               .texts = std::move(texts)},
              builtin());
}

// With notes, which say of a metric what is to be known.
std::vector<Finding> with_notes(Subject subject) {
  Options options;
  options.notes = true;
  return lint(subject, builtin(), options);
}

std::vector<Finding> query(std::string expr) {
  Subject subject;
  subject.expr = std::move(expr);
  return with_notes(std::move(subject));
}

std::vector<Finding> noted_alert(std::string expr, std::vector<std::string> texts) {
  Subject subject;
  subject.expr = std::move(expr);
  subject.is_alert = true;
  subject.hold = Millis(60'000);
  subject.texts = std::move(texts);
  return with_notes(std::move(subject));
}

struct Mistake {
  std::string_view kind;
  std::string_view expr;
};

// One mistake each, and only that one.
constexpr Mistake kMistakes[] = {
    {"misspelt-name", "vllm_num_requests_waiting > 10"},
    {"misspelt-name", "vllm:num_request_running > 10"},
    {"misspelt-name", "sum(rate(vllm_prompt_tokens_total[5m])) > 1"},
    {"unknown-name", "vllm:num_prefill_failures_by_operator > 1"},
    {"removed-name", "vllm:gpu_cache_usage_perc > 0.9"},
    {"removed-name",
     "histogram_quantile(0.9, sum by (le) (rate(vllm:time_per_output_token_seconds_bucket[5m])))"},
    {"removed-name", "vllm:num_requests_swapped > 0"},
    {"percent-of-ratio", "sglang:token_usage > 90"},
    {"percent-of-ratio", "llm_kv_cache_usage_ratio >= 95"},
    {"percent-of-ratio", "max by (instance) (trtllm_kv_cache_utilization) > 85"},
    {"ratio-of-percent", "dcgm_gpu_utilization > 0.9"},
    {"rate-of-gauge", "rate(sglang:num_queue_reqs[5m]) > 1"},
    {"rate-of-gauge", "increase(llm_requests_waiting[5m]) > 1"},
    {"delta-of-counter", "delta(vllm:prompt_tokens_total[5m]) > 1"},
    {"counter-without-rate", "vllm:num_preemptions_total > 100"},
    {"counter-without-rate", "sum by (instance) (llm_preemptions_total) > 100"},
    {"quantile-without-le",
     "histogram_quantile(0.99, sum by (model_name) "
     "(rate(vllm:time_to_first_token_seconds_bucket[5m]))) > 5"},
    {"quantile-without-le",
     "histogram_quantile(0.99, sum(rate(some_other_seconds_bucket[5m]))) > 5"},
    {"quantile-not-aggregated",
     "histogram_quantile(0.99, rate(vllm:time_to_first_token_seconds_bucket[5m])) > 5"},
    {"quantile-of-non-bucket",
     "histogram_quantile(0.99, sum by (le) (rate(vllm:time_to_first_token_seconds_sum[5m])))"},
    {"quantile-without-rate",
     "histogram_quantile(0.99, sum by (le) (vllm:time_to_first_token_seconds_bucket))"},
    {"quantile-out-of-range",
     "histogram_quantile(99, sum by (le) (rate(vllm:time_to_first_token_seconds_bucket[5m])))"},
    {"quantile-of-averaged-buckets",
     "histogram_quantile(0.9, avg by (le) (rate(vllm:time_to_first_token_seconds_bucket[5m])))"},
    {"quantile-averaged",
     "avg(histogram_quantile(0.9, sum by (le, instance) "
     "(rate(vllm:time_to_first_token_seconds_bucket[5m]))))"},
    {"quantile-averaged", "avg(rpc_duration_seconds{quantile=\"0.99\"}) > 1"},
    {"beyond-buckets",
     "histogram_quantile(0.99, sum by (le) (rate(vllm:time_to_first_token_seconds_bucket[5m]))) > "
     "5000"},
    {"histogram-as-counter", "rate(vllm:request_prompt_tokens[5m]) > 1"},
    {"unknown-label", "llm_requests_running{model=\"a\"} > 1"},
    {"unknown-label", "sum(rate(lmdeploy:generation_tokens_total{tenant_id=\"a\"}[5m])) > 1"},
    {"unknown-label-value", "rate(tgi_request_failure{err=\"overload\"}[5m]) > 1"},
    {"range-too-short", "rate(node_cpu_seconds_total[15s]) > 1"},
    {"rate-of-sum", "rate(sum(node_network_receive_bytes_total)[5m:]) > 1"},
    {"absent-with-regex", "absent(up{job=~\"vllm|sglang\"})"},
    {"sticky-gauge", "dcgm_xid_errors > 0"},
    {"part-of-the-rest", "dcgm_fb_used / dcgm_fb_free > 0.95"},
    {"unguarded-ratio", "llm_requests_waiting / llm_requests_running > 2"},
    {"division-by-zero", "node_load1 / 0 > 1"},
    {"unit-mismatch", "sglang:startup_time_seconds + on (instance) sglang:num_used_tokens > 1"},
    {"unit-mismatch",
     "sum(rate(llm_request_queue_seconds_sum[5m])) / "
     "sum(rate(llm_request_queue_seconds_count[5m])) "
     "> 5000"},
    {"never-true", "llm_requests_waiting < 0"},
    {"never-true", "node_load1 > 5 and node_load1 < 3"},
    {"never-true", "up > 1"},
    {"always-true", "llm_requests_running >= 0"},
    {"count-is-never-zero", "count(node_load1 > 5) == 0"},
    {"join-label-lost",
     "sum by (job) (rate(a_total[5m])) / sum by (instance) (rate(b_total[5m])) > 1"},
    {"join-label-lost",
     "sum by (job) (rate(a_total[5m])) * on (instance) group_left () b_info > 1"},
    {"syntax", "sum(rate(a_total[5m])"},
};

TEST(Linter, FindsEachMistakeAndNoOther) {
  Kinds found;
  for (const auto& [kind, expr] : kMistakes) {
    const auto findings = alert(std::string(expr));
    EXPECT_EQ(kinds_of(findings), Kinds{std::string(kind)}) << expr << "\n" << shown(findings);
    found.emplace(kind);
  }
  EXPECT_GE(found.size(), 15u);
}

TEST(Linter, HasATestForEveryKind) {
  Kinds tested{"template-label-lost", "template-label-unknown", "missing-for",   "up-misses-hangs",
               "full-by-design",      "not-by-default",         "easily-misread"};
  for (const auto& [kind, expr] : kMistakes) tested.emplace(kind);
  for (const auto& kind : kinds())
    EXPECT_TRUE(tested.contains(std::string(kind.name))) << kind.name;
}

TEST(Linter, SaysNothingOfWhatIsRight) {
  constexpr std::string_view kRight[] = {
      "vllm:kv_cache_usage_perc > 0.9 or vllm:gpu_cache_usage_perc > 0.9",
      "llm_kv_cache_usage_ratio * 100 > 90",
      "100 * llm_kv_cache_usage_ratio > 90",
      "histogram_quantile(0.99, sum by (le, model_name) "
      "(rate(vllm:time_to_first_token_seconds_bucket[5m]))) > 5",
      "histogram_quantile(0.99, sum without (instance) "
      "(rate(llm_time_to_first_token_seconds_bucket[5m]))) > 5",
      "increase(llm_preemptions_total[5m]) > 10",
      "sum by (model_name) (rate(llm_generation_tokens_total[2m])) == 0 and sum by (model_name) "
      "(llm_requests_running) > 0",
      "llm_requests_waiting / (llm_requests_running > 0) > 2",
      "sum(rate(llm_prefix_cache_hits_total[5m])) / sum(rate(llm_prefix_cache_queries_total[5m])) "
      "< "
      "0.3",
      "gpu_memory_used_bytes / (gpu_memory_used_bytes + gpu_memory_free_bytes) > 0.5",
      "changes(dcgm_xid_errors[5m]) > 0 and dcgm_xid_errors > 0",
      "(count(up == 0) or vector(0)) == 0",
      "count(up) > 0",
      "absent(up{job=\"vllm\"})",
      "up == 0",
      "gpu_temperature_celsius > 85",
      "sum by (instance) (rate(a_total[5m])) / sum by (instance) (rate(b_total[5m])) > 0.05",
      "sum by (job, instance) (a) / on (instance) group_left () sum by (instance) (b) > 1",
      "node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes < 0.1",
      "my:recorded:rule > 90",
  };
  for (const auto expr : kRight) {
    const auto findings = alert(std::string(expr));
    EXPECT_TRUE(findings.empty()) << expr << "\n" << shown(findings);
  }
}

TEST(Linter, ReadsLabelsThatTextsName) {
  EXPECT_EQ(kinds_of(alert("sum by (model_name) (llm_requests_waiting) > 5",
                           {"on {{ $labels.instance }}", "{{ $labels.model_name }}"})),
            Kinds{"template-label-lost"});
  EXPECT_EQ(kinds_of(alert("llm_requests_waiting > 5", {"on {{ $labels.port }}"})),
            Kinds{"template-label-unknown"});
  EXPECT_TRUE(alert("llm_requests_waiting > 5",
                    {"{{ $labels.instance }} {{ $labels.engine }} {{ .Labels.model_name }}"})
                  .empty());
  // Of a metric that the catalog does not have, nobody knows the labels.
  EXPECT_TRUE(alert("node_load1 > 5", {"on {{ $labels.rack }}"}).empty());
}

TEST(Linter, WantsForOnAGauge) {
  EXPECT_EQ(kinds_of(alert("llm_requests_waiting > 50", {}, Millis(0))), Kinds{"missing-for"});
  EXPECT_TRUE(alert("increase(llm_preemptions_total[5m]) > 50", {}, Millis(0)).empty());
}

TEST(Linter, NotesWhatIsOnlyThereOnRequestOrEasilyMisread) {
  EXPECT_EQ(kinds_of(alert("DCGM_FI_PROF_SM_ACTIVE < 0.1")), Kinds{"not-by-default"});
  EXPECT_EQ(kinds_of(query("DCGM_FI_DEV_GPU_UTIL < 10")), Kinds{"easily-misread"});
  EXPECT_TRUE(alert("DCGM_FI_DEV_GPU_UTIL < 10").empty());
}

TEST(Linter, KnowsWhatARuleFileRecords) {
  const auto findings = lint_rules(
      "groups:\n- name: g\n  rules:\n"
      "  - {record: \"vllm:busy\", expr: \"sum(llm_requests_running)\"}\n"
      "  - {alert: A, expr: \"vllm:busy > 5\", for: 1m}\n"
      "  - {alert: B, expr: \"vllm:bus > 5\", for: 1m}\n",
      "r.yml", builtin());
  ASSERT_TRUE(findings) << findings.error().message;
  ASSERT_LE(findings->size(), 1u) << shown(*findings);  // B's name is like nothing in the catalog
  for (const auto& finding : *findings) EXPECT_EQ(finding.where, "r.yml: group g, alert B");
}

TEST(Linter, ReadsDashboards) {
  const auto queries = dashboard_queries(R"json({"title": "\ud83d\ude80 it", "panels": [
    {"title": "KV", "targets": [{"expr": "vllm:gpu_cache_usage_perc{instance=~\"$node\"} * 100"}]},
    {"type": "row", "panels": [{"title": "TTFT", "targets": [
      {"expr": "histogram_quantile(0.99, sum by (le) (rate(vllm:time_to_first_token_seconds_bucket[$__rate_interval])))"}]}]},
    {"title": "top", "targets": [{"expr": "topk($n, llm_requests_waiting) > ${limit:raw}"}]}],
    "templating": {"list": [{"name": "model", "query": "label_values(vllm:num_requests_swapped, model_name)"}]}})json",
                                         "d.json");
  ASSERT_TRUE(queries) << queries.error().message;
  ASSERT_EQ(queries->size(), 4u);
  EXPECT_EQ((*queries)[0].where, "d.json:2: panel \"KV\"");
  EXPECT_EQ((*queries)[2].expr, "topk(1, llm_requests_waiting) > 1");
  EXPECT_EQ((*queries)[3].expr, "vllm:num_requests_swapped");
  EXPECT_FALSE(dashboard_queries("{}", "d.json"));
  EXPECT_FALSE(dashboard_queries("[1", "d.json"));
}

// Every query and rule of the guide that many follow, with what is wrong with each.
TEST(Linter, NamesTheMistakesOfTheGuide) {
  const std::vector<std::string> place = {
      "Inference service unreachable on {{ $labels.node }}:{{ $labels.port }}"};
  const std::vector<std::string> gpu = {
      "GPU memory > 95 % on {{ $labels.node }} GPU-{{ $labels.gpu }}"};
  struct Case {
    std::string what;
    std::vector<Finding> findings;
    Kinds kinds;
  };
  const Case cases[] = {
      {"QPS: ':' in the name; it counts finished requests, aborted ones too",
       query("rate(vllm_request_success_total[5m])"),
       {"misspelt-name", "easily-misread"}},
      {"TTFT P99: the name, and a quantile of every series",
       query("histogram_quantile(0.99, rate(vllm_time_to_first_token_seconds_bucket[5m]))"),
       {"misspelt-name", "quantile-not-aggregated"}},
      {"KV usage: the name, and the metric is gone",
       query("vllm_gpu_cache_usage_perc * 100"),
       {"misspelt-name", "removed-name"}},
      {"queue depth: the name; what it counts",
       query("vllm_num_requests_waiting"),
       {"misspelt-name", "easily-misread"}},
      {"ECC errors: not in the shipped counters",
       query("DCGM_FI_DEV_ECC_SBE_VOL_TOTAL"),
       {"not-by-default"}},
      {"GPU utilisation: not how busy the multiprocessors are",
       query("DCGM_FI_DEV_GPU_UTIL"),
       {"easily-misread"}},
      {"P0: labels that do not exist; a hung engine is up",
       noted_alert("up{job=\"vllm\"} == 0", place),
       {"template-label-unknown", "up-misses-hangs"}},
      {"P1: the name, the quantile, the labels",
       noted_alert(
           "histogram_quantile(0.99, rate(vllm_time_to_first_token_seconds_bucket[5m])) > 5",
           place),
       {"misspelt-name", "quantile-not-aggregated", "template-label-unknown"}},
      {"P2: true by design; DCGM has hostname, not node",
       noted_alert("(DCGM_FI_DEV_FB_USED / (DCGM_FI_DEV_FB_USED + DCGM_FI_DEV_FB_FREE)) * 100 > 95",
                   gpu),
       {"full-by-design", "template-label-unknown", "easily-misread"}},
  };
  for (const auto& one : cases) {
    EXPECT_EQ(kinds_of(one.findings), one.kinds) << one.what << "\n" << shown(one.findings);
  }
  // node and port are two findings, not one.
  const auto labels = noted_alert("up{job=\"vllm\"} == 0", place);
  EXPECT_EQ(std::ranges::count(labels, "template-label-unknown", &Finding::kind), 2);
}

TEST(Linter, PageIsUpToDate) {
  const auto page = real_fs().read_file("docs/linter.md");
  ASSERT_TRUE(page) << page.error().message;
  EXPECT_TRUE(*page == kinds_markdown()) << "run ./dev docs";
}

// Rules and dashboards of others: only what is known to be wrong with them may be found.
class OthersTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const char* given = std::getenv("STRATA_SHARED_DATA")) data_ = given;
    if (!std::filesystem::exists(data_ + "/rules_public")) {
      GTEST_SKIP() << data_ << " is not there (STRATA_SHARED_DATA names it)";
    }
  }
  std::string data_ = "../shared/data";
};

TEST_F(OthersTest, NothingIsSaidOfPublicRulesThatIsNotTrue) {
  size_t files = 0;
  std::vector<Finding> all;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(data_ + "/rules_public")) {
    if (entry.path().extension() != ".yml") continue;
    ++files;
    const auto text = real_fs().read_file(entry.path());
    ASSERT_TRUE(text);
    const auto name = entry.path().filename().string();
    const auto findings = lint_rules(*text, name, builtin());
    if (!findings) continue;  // not all are rule files
    all.insert(all.end(), findings->begin(), findings->end());
  }
  EXPECT_GT(files, 50u);
  if (std::getenv("STRATA_SHOW_FINDINGS")) fmt::print("{}", shown(all));
  // Judged one by one: most texts name $labels.instance after an aggregation dropped it; count(…)
  // of nothing compared with 0, twice; an average of quantiles, once.
  const Kinds judged{"template-label-lost", "count-is-never-zero", "quantile-averaged"};
  for (const auto& kind : kinds_of(all)) EXPECT_TRUE(judged.contains(kind)) << kind;
}

TEST_F(OthersTest, DashboardsAreRead) {
  for (const std::string name : {"dcgm-exporter", "node-exporter-full", "vllm-production-stack"}) {
    const auto text = real_fs().read_file(data_ + "/dashboards/" + name + ".json");
    ASSERT_TRUE(text);
    const auto findings = lint_dashboard(*text, name + ".json", builtin());
    ASSERT_TRUE(findings) << findings.error().message;
    if (std::getenv("STRATA_SHOW_FINDINGS")) fmt::print("{}", shown(*findings));
    EXPECT_EQ(kinds_of(*findings).contains("syntax"), false) << shown(*findings);
  }
}

}  // namespace
}  // namespace strata::lint
