#include "api/hints.h"

#include <gtest/gtest.h>

#include "base/temp_dir.h"
#include "promql/parser.h"
#include "tsdb/db.h"

namespace strata::api {
namespace {

class HintsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    tsdb::Options options;
    options.path = dir_.file("data");
    db_ = std::move(*tsdb::Db::open(options, real_fs(), clock_));
    add({{"__name__", "vllm:request_success_total"}, {"job", "vllm"}, {"finished_reason", "stop"}});
    add({{"__name__", "vllm:request_success_total"},
         {"job", "vllm"},
         {"finished_reason", "abort"}});
    add({{"__name__", "node_load1"}, {"job", "node"}});
  }
  void add(Labels labels) {
    const auto id = db_->series(labels);
    ASSERT_TRUE(id);
    const tsdb::TimedSample sample{*id, clock_.now_ms(), 1};
    ASSERT_TRUE(db_->append_samples(std::span(&sample, 1)));
  }
  std::vector<std::string> ask(std::string_view text) {
    const auto expr = promql::parse(text);
    EXPECT_TRUE(expr) << expr.error().message;
    return hints(*db_, **expr, text);
  }

  TempDir dir_;
  ManualClock clock_{1'700'000'000'000};
  std::unique_ptr<tsdb::Db> db_;
};

using Lines = std::vector<std::string>;

TEST_F(HintsTest, LeadsFromTheGuidesMisspellingToTheName) {
  EXPECT_EQ(ask("sum(rate(vllm_request_success_total[5m]))"),
            (Lines{R"(no series is named "vllm_request_success_total" (1:10); )"
                   R"(did you mean "vllm:request_success_total"?)"}));
}

TEST_F(HintsTest, SaysNothingMoreWhereNothingIsNear) {
  EXPECT_EQ(ask("completely_different"),
            (Lines{R"(no series is named "completely_different" (1:1))"}));
}

TEST_F(HintsTest, SaysWhatTookOverFromANameThatIsGone) {
  const auto said = ask("vllm:gpu_cache_usage_perc");
  ASSERT_EQ(said.size(), 1u);
  EXPECT_TRUE(said[0].contains("vllm:kv_cache_usage_perc")) << said[0];
}

TEST_F(HintsTest, NamesTheLabelThatDoesNotMatch) {
  EXPECT_EQ(ask("node_load1{job=\"nodes\"}"),
            (Lines{R"(no series of "node_load1" has job="nodes" (1:1); did you mean "node"?)"}));
  EXPECT_EQ(ask("node_load1{job=\"database\"}"),
            (Lines{R"(no series of "node_load1" has job="database" (1:1); "job" is "node")"}));
  EXPECT_EQ(ask("vllm:request_success_total{finished_reason=~\"x.*\"}"),
            (Lines{R"(no series of "vllm:request_success_total" has finished_reason=~"x.*" (1:1); )"
                   R"("finished_reason" is "abort", "stop")"}));
  EXPECT_EQ(ask("node_load1{zone=\"a\"}"),
            (Lines{R"(no series of "node_load1" has zone="a" (1:1); none has the label "zone")"}));
}

TEST_F(HintsTest, LooksAtEverySelector) {
  EXPECT_EQ(ask("node_load1 / node_load2 + on () topk(2, nodeload1 offset 5m)").size(), 2u);
}

TEST_F(HintsTest, IsSilentWhereSeriesMatch) {
  EXPECT_TRUE(ask("node_load1 > 5").empty());
  EXPECT_TRUE(ask("1 + 2").empty());
}

}  // namespace
}  // namespace strata::api
