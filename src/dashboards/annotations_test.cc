#include "dashboards/annotations.h"

#include <gmock/gmock.h>

#include "base/temp_dir.h"

namespace strata::dashboards {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class AnnotationsTest : public testing::Test {
 protected:
  AnnotationsTest() { open(); }
  void open() {
    all_.reset();
    all_ = std::move(*Annotations::open(dir_.file("notes"), real_fs(), clock_));
  }
  int64_t add(std::string_view body) {
    const auto id = all_->add(*read_annotation(body), "alice");
    EXPECT_TRUE(id) << id.error().message;
    return id.value_or(0);
  }
  std::vector<std::string> texts(const AnnotationQuery& query) {
    std::vector<std::string> found;
    for (auto& one : *all_->find(query)) found.push_back(std::move(one.text));
    return found;
  }

  const TempDir dir_;
  ManualClock clock_{1'700'000'000'000};
  std::unique_ptr<Annotations> all_;
};

TEST_F(AnnotationsTest, AreKeptWithWhatTheySay) {
  const auto id = add(R"({"time":1000,"timeEnd":2000,"dashboardUID":"gpu","panelId":3,)"
                      R"("tags":["deploy","v2"],"text":"v2 is out"})");
  open();
  const auto one = *all_->get(id);
  EXPECT_EQ(one.time, 1000);
  EXPECT_EQ(one.time_end, 2000);
  EXPECT_EQ(one.dashboard_uid, "gpu");
  EXPECT_EQ(one.panel_id, 3);
  EXPECT_EQ(one.by, "alice");
  EXPECT_EQ(one.text, "v2 is out");
  EXPECT_THAT(one.tags, ElementsAre("deploy", "v2"));
}

TEST_F(AnnotationsTest, WithoutATimeItIsNow) {
  const auto one = *all_->get(add(R"({"text":"now"})"));
  EXPECT_EQ(one.time, clock_.now_ms());
  EXPECT_EQ(one.time_end, clock_.now_ms());
}

TEST_F(AnnotationsTest, AreFoundByTimeDashboardAndTags) {
  add(R"({"time":1000,"text":"early"})");
  add(R"({"time":1500,"timeEnd":5000,"text":"long","tags":["a","b"]})");
  add(R"({"time":4000,"text":"gpu's","dashboardUID":"gpu","tags":["a"]})");
  EXPECT_THAT(texts({.from = 2000, .to = 9000}), ElementsAre("gpu's", "long"));
  EXPECT_THAT(texts({.from = 0, .to = 9000, .dashboard_uid = "other"}),
              ElementsAre("long", "early"));
  EXPECT_THAT(texts({.from = 0, .to = 9000, .tags = {"a", "b"}}), ElementsAre("long"));
  EXPECT_THAT(texts({.from = 0, .to = 9000, .tags = {"a", "b"}, .any_tag = true}),
              ElementsAre("gpu's", "long"));
  EXPECT_THAT(texts({.from = 0, .to = 9000, .limit = 1}), ElementsAre("gpu's"));
}

TEST_F(AnnotationsTest, AreChangedAndDeleted) {
  const auto id = add(R"({"time":1000,"text":"a","tags":["x"]})");
  ASSERT_TRUE(all_->change(id, *read_annotation(R"({"text":"b","timeEnd":3000})")));
  EXPECT_EQ(all_->get(id)->text, "b");
  EXPECT_EQ(all_->get(id)->time_end, 3000);
  EXPECT_THAT(all_->get(id)->tags, ElementsAre("x"));
  ASSERT_TRUE(all_->remove(id));
  EXPECT_EQ(all_->remove(id).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(all_->change(id, {}).error().code, ErrorCode::kNotFound);
}

TEST_F(AnnotationsTest, WhatSaysNothingOrTooMuchIsRefused) {
  const auto refusal = [&](const std::string& body) {
    const auto edit = read_annotation(body);
    if (!edit) return edit.error().message;
    const auto added = all_->add(*edit, "");
    return added ? std::string("taken") : added.error().message;
  };
  EXPECT_THAT(refusal("[]"), HasSubstr("expected"));
  EXPECT_THAT(refusal("{}"), HasSubstr("needs a text"));
  EXPECT_THAT(refusal(R"({"text":"x","time":9,"timeEnd":3})"), HasSubstr("before time"));
  EXPECT_THAT(refusal(R"({"text":")" + std::string(20'000, 'x') + "\"}"), HasSubstr("16 KiB"));
}

}  // namespace
}  // namespace strata::dashboards
