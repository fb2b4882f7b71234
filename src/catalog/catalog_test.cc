#include "catalog/catalog.h"

#include <gtest/gtest.h>

#include "base/fs.h"
#include "catalog/page.h"

namespace strata::catalog {
namespace {

constexpr std::string_view kCanonical =
    "canonical:\n"
    "  - {name: llm_requests_running, type: gauge, unit: requests, help: Running.}\n"
    "  - {name: llm_tokens_total, type: counter, unit: tokens, help: Tokens.}\n";

// The message that a source file with these lines gets.
std::string error_of(std::string_view lines) {
  const CatalogFile files[] = {{"canonical.yaml", std::string(kCanonical)},
                               {"e.yaml", std::string(lines)}};
  const auto parsed = Catalog::parse(files);
  return parsed ? "" : parsed.error().message;
}

constexpr std::string_view kHead = "kind: e\ntitle: E\nfrom: e.py\ndetect: [\"e:*\"]\nmetrics:\n";

std::string error_of_metric(std::string_view metric) {
  return error_of(std::string(kHead) + "  - " + std::string(metric) + "\n");
}

TEST(Catalog, BuiltinIsValid) {
  const auto catalog = Catalog::parse(builtin_files());
  ASSERT_TRUE(catalog) << catalog.error().message;
  EXPECT_GE(catalog->sources().size(), 20u);
  for (const auto& source : catalog->sources()) EXPECT_FALSE(source.from.empty()) << source.kind;
}

// Its table is in a file that this module may not include.
TEST(Catalog, KnowsWhatTheAgentCallsThings) {
  const auto source = real_fs().read_file("src/collect/gpu_metrics.cc");
  ASSERT_TRUE(source);
  size_t names = 0;
  for (size_t at = source->find("\"gpu_"); at != std::string::npos;
       at = source->find("\"gpu_", at + 1)) {
    const size_t end = source->find('"', at + 1);
    const auto name = source->substr(at + 1, end - at - 1);
    if (name == "gpu_mig") continue;  // of which names are made
    ++names;
    EXPECT_NE(Catalog::builtin().find_canonical(name), nullptr) << name;
  }
  EXPECT_GT(names, 40u);
  EXPECT_NE(Catalog::builtin().find_canonical("strata_topology_info"), nullptr);
}

// What was written from documentation says so, and what it was written from.
TEST(Catalog, SamplesSayWhereTheyAreFrom) {
  const auto names = real_fs().list("tests/data/expositions");
  ASSERT_TRUE(names);
  for (const auto& entry : *names) {
    const auto& name = entry.name;
    const auto text = real_fs().read_file("tests/data/expositions/" + name);
    ASSERT_TRUE(text) << name;
    EXPECT_TRUE(text->starts_with("# Not captured from a running program: written from ") ||
                text->starts_with("# Captured from "))
        << name;
  }
}

TEST(Catalog, SaysWhatIsWrongAndWhere) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"{name: \"e:a\", type: gauge}", ""},
      {"{type: gauge}", "e.yaml:6:5: a metric has no \"name\""},
      {"{name: \"e:a\"}", "e.yaml:6:5: e:a: \"type\" is missing"},
      {"{name: \"e:a\", type: gague}",
       "e.yaml:6:25: type: expected one of counter, gauge, histogram, summary, info, found "
       "\"gague\""},
      {"{name: \"e:a\", type: gauge, unti: seconds}",
       "e.yaml:6:32: unknown key \"unti\" (did you mean unit?)"},
      {"{name: \"e:a\", type: gauge, unit: second}",
       "e.yaml:6:5: unit: \"second\" is not one of the catalog's units"},
      {"{name: \"e:a\", type: gauge, min: 2, max: 1}", "e.yaml:6:5: e:a: min is above max"},
      {"{name: \"e:a\", type: gauge, until: \"2\"}",
       "e.yaml:6:5: e:a: it is gone, so say what replaces it (replaced_by) or why (note)"},
      {"{name: \"e:a\", type: gauge, to: llm_requests}",
       "e.yaml:6: e:a: \"llm_requests\" is not a canonical metric"},
      {"{name: \"e:a\", type: gauge, to: llm_tokens_total}",
       "e.yaml:6: e:a: a gauge cannot become llm_tokens_total, which is a counter"},
      {"{name: \"e:a\", type: gauge, to: [{name: llm_requests_running, part: sum}]}",
       "e.yaml:6:5: e:a: only a histogram or summary has parts"},
      {"{name: \"e:a\", type: gauge, to: [{name: llm_requests_running, when: {x: \"(\"}}]}",
       "e.yaml:6:72: x: invalid regular expr"},
  };
  for (const auto& [metric, expected] : cases) {
    const auto message = error_of_metric(metric);
    EXPECT_EQ(message.substr(0, expected.empty() ? message.npos : expected.size()), expected)
        << metric;
  }
  EXPECT_EQ(error_of_metric("{name: \"e:a\", type: gauge}\n  - {name: \"e:a\", type: gauge}"),
            "e.yaml:7: e:a is there twice");
  EXPECT_EQ(error_of("kind: e\ntitle: E\ndetect: [a]\nmetrics: [{name: a, type: gauge}]\n"),
            "e.yaml:1:1: \"from\" is missing: where was this read?");
  EXPECT_EQ(error_of("kind: e\ntitle: E\nfrom: x\ndetect: [a]\n"
                     "like: {kind: f, replace: a, by: b}\n"),
            "e.yaml:5: like: there is no \"f\"");
}

TEST(Catalog, LetsALaterFileReplaceASource) {
  const std::string head = "kind: e\ntitle: E\nfrom: x\ndetect: [a]\nmetrics:\n";
  const CatalogFile files[] = {{"canonical.yaml", std::string(kCanonical)},
                               {"a.yaml", head + "  - {name: old, type: gauge}\n"},
                               {"b.yaml", head + "  - {name: new, type: gauge}\n"}};
  const auto catalog = Catalog::parse(files);
  ASSERT_TRUE(catalog) << catalog.error().message;
  EXPECT_TRUE(catalog->find("old").empty());
  EXPECT_EQ(catalog->find("new").size(), 1u);
}

TEST(Catalog, FindsASeriesByItsFamily) {
  const auto& catalog = Catalog::builtin();
  const auto bucket = catalog.find("vllm:time_to_first_token_seconds_bucket");
  ASSERT_EQ(bucket.size(), 1u);
  EXPECT_EQ(bucket[0].metric->name, "vllm:time_to_first_token_seconds");
  EXPECT_EQ(bucket[0].suffix, "_bucket");
  // Its name ends like a counter's, and it is a histogram all the same.
  EXPECT_EQ(catalog.find("vllm:iteration_tokens_total_count").size(), 1u);
  EXPECT_TRUE(catalog.find("vllm:num_requests_running_bucket").empty());
}

TEST(Catalog, FindsTheNameThatWasMeant) {
  const auto& catalog = Catalog::builtin();
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"vllm_request_success_total", "vllm:request_success_total"},
      {"vllm_num_requests_waiting", "vllm:num_requests_waiting"},
      {"vllm:num_request_running", "vllm:num_requests_running"},
      {"DCGM_FI_DEV_GPU_UTILL", "DCGM_FI_DEV_GPU_UTIL"},
      {"dcgm_fi_dev_gpu_temp", "DCGM_FI_DEV_GPU_TEMP"},
      {"sglang:num_queue_req", "sglang:num_queue_reqs"},
  };
  for (const auto& [wrong, meant] : cases) {
    const auto near = catalog.nearest(wrong, 3);
    ASSERT_FALSE(near.empty()) << wrong;
    EXPECT_EQ(near[0], meant);
  }
  EXPECT_TRUE(catalog.nearest("node_filesystem_avail_bytes", 3).empty());
}

// docs/catalog.md is made from the catalog: `strata catalog doc > docs/catalog.md`.
TEST(Catalog, PageIsUpToDate) {
  const auto page = real_fs().read_file("docs/catalog.md");
  ASSERT_TRUE(page) << page.error().message;
  EXPECT_TRUE(*page == markdown(Catalog::builtin())) << "run ./dev docs";
}

TEST(Catalog, ExplainsARename) {
  const auto text = explain(Catalog::builtin(), "vllm:gpu_cache_usage_perc");
  EXPECT_NE(text.find("gone since 0.13"), text.npos) << text;
  EXPECT_NE(text.find("use vllm:kv_cache_usage_perc"), text.npos) << text;
  EXPECT_NE(text.find("llm_kv_cache_usage_ratio"), text.npos) << text;
}

TEST(Catalog, ExplainsACanonicalNameByItsSources) {
  const auto text = explain(Catalog::builtin(), "llm_requests_running");
  EXPECT_NE(text.find("vllm:num_requests_running"), text.npos) << text;
  EXPECT_NE(text.find("sglang:num_running_reqs"), text.npos) << text;
}

TEST(Catalog, ExplainsAMisspeltNameByItsNeighbours) {
  const auto text = explain(Catalog::builtin(), "vllm_num_requests_waiting");
  EXPECT_NE(text.find("did you mean vllm:num_requests_waiting"), text.npos) << text;
  EXPECT_EQ(explain(Catalog::builtin(), "node_load1"), "");
}

}  // namespace
}  // namespace strata::catalog
