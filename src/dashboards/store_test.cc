#include "dashboards/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/temp_dir.h"

namespace strata::dashboards {
namespace {

class StoreTest : public ::testing::Test {
 protected:
  void open(const std::string& folder = "") {
    store_.reset();
    auto store = Store::open({.directory = dir_.file("db"), .folder = folder}, real_fs(), clock_);
    ASSERT_TRUE(store) << store.error().message;
    store_ = std::move(*store);
  }
  void write(const std::string& name, std::string_view text) {
    ASSERT_TRUE(real_fs().create_directories(dir_.file("boards")));
    const auto file = real_fs().create(dir_.file("boards") + "/" + name);
    ASSERT_TRUE(file && (*file)->append(text));
  }
  std::vector<std::string> titles() const {
    std::vector<std::string> all;
    for (const auto& one : *store_->list()) {
      if (one.source != Source::kBuiltIn) all.push_back(one.head.title);
    }
    return all;
  }

  const TempDir dir_;
  ManualClock clock_;
  std::unique_ptr<Store> store_;
};

TEST(Dashboards, ThoseOfTheBinaryHaveTitlesAndUidsOfTheirOwn) {
  const auto all = built_in();
  ASSERT_GE(all.size(), 3u);
  for (const auto& one : all) {
    EXPECT_NE(one.head.uid, "") << one.head.title;
    EXPECT_EQ(std::ranges::count(all, one.head.uid, [](auto& d) { return d.head.uid; }), 1);
  }
}

TEST(Dashboards, HeadIsReadAndTheRestIsNot) {
  const auto head = read_head(R"({"uid":"a","tags":["x","y"],"panels":[{"title":"no"}],)"
                              R"("version":7,"title":"T"})");
  ASSERT_TRUE(head);
  EXPECT_EQ(head->uid, "a");
  EXPECT_EQ(head->title, "T");
  EXPECT_EQ(head->version, 7);
  EXPECT_THAT(head->tags, testing::ElementsAre("x", "y"));
  for (const char* bad :
       {"", "[]", "{}", "{\"title\":\"\"}", "{\"title\":\"a\"} x", "{\"title\":"}) {
    EXPECT_FALSE(read_head(bad)) << bad;
  }
}

TEST_F(StoreTest, SavedIsKeptByteByByteButForWhatIsOurs) {
  open();
  const auto saved =
      store_->save({.json = R"({"id":9,"title":"A","x":{"y":[1.50,null]},"version":3})"}, "me");
  ASSERT_TRUE(saved) << saved.error().message;
  open();
  const auto found = store_->get(saved->uid);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->json, R"({"id":null,"uid":")" + saved->uid +
                             R"(","version":1,"title":"A","x":{"y":[1.50,null]}})");
}

TEST_F(StoreTest, AnotherVersionNeedsTheLatestOrOverwrite) {
  open();
  ASSERT_TRUE(store_->save({.json = R"({"uid":"a","title":"A"})"}, ""));
  const auto stale = store_->save({.json = R"({"uid":"a","title":"A"})"}, "");
  ASSERT_FALSE(stale);
  EXPECT_EQ(stale.error().code, ErrorCode::kConflict);
  ASSERT_TRUE(store_->save({.json = R"({"uid":"a","title":"B","version":1})"}, ""));
  ASSERT_TRUE(store_->save({.json = R"({"uid":"a","title":"C"})", .overwrite = true}, ""));
  EXPECT_EQ(store_->get("a")->head.title, "C");
  EXPECT_EQ(store_->get("a", 2)->head.title, "B");
  EXPECT_FALSE(store_->get("a", 9));
  EXPECT_EQ(store_->versions("a")->size(), 3u);
}

TEST_F(StoreTest, OldVersionsGo) {
  open();
  for (int64_t i = 0; i < Store::kMaxVersions + 5; ++i) {
    ASSERT_TRUE(store_->save({.json = R"({"uid":"a","title":"A"})", .overwrite = true}, ""));
  }
  EXPECT_EQ(store_->versions("a")->size(), static_cast<size_t>(Store::kMaxVersions));
  EXPECT_EQ(store_->versions("a")->front().version, Store::kMaxVersions + 5);
}

TEST_F(StoreTest, TheSameTitleIsTheSameDashboard) {
  open();
  const auto first = store_->save({.json = R"({"title":"My board"})"}, "");
  const auto second = store_->save({.json = R"({"title":"My board"})", .overwrite = true}, "");
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->uid, second->uid);
  EXPECT_EQ(second->version, 2);
}

TEST_F(StoreTest, SavedGoesBeforeTheFolderAndItsRemovalBringsThatBack) {
  write("a.json", R"({"uid":"a","title":"of the folder"})");
  write("broken.json", "{");
  write("notes.txt", "no dashboard");
  open(dir_.file("boards"));
  EXPECT_THAT(titles(), testing::ElementsAre("of the folder"));
  ASSERT_TRUE(store_->save({.json = R"({"uid":"a","title":"saved"})"}, ""));
  EXPECT_THAT(titles(), testing::ElementsAre("saved"));
  ASSERT_TRUE(store_->remove("a"));
  EXPECT_EQ(store_->get("a")->head.title, "of the folder");
  EXPECT_FALSE(store_->remove("a"));
  EXPECT_FALSE(store_->get("b"));
}

TEST_F(StoreTest, TheFolderIsReadAnew) {
  write("a.json", R"({"uid":"a","title":"A"})");
  open(dir_.file("boards"));
  write("b.json", R"({"title":"B"})");
  ASSERT_TRUE(store_->reload(dir_.file("boards")));
  EXPECT_THAT(titles(), testing::ElementsAre("A", "B"));
  EXPECT_FALSE(store_->reload(dir_.file("gone")));
  EXPECT_THAT(titles(), testing::ElementsAre("A", "B"));
}

TEST_F(StoreTest, WhatIsNoDashboardIsRefused) {
  open();
  for (const char* bad : {"[]", "{\"title\":1}", R"({"uid":"a/b","title":"A"})"}) {
    EXPECT_FALSE(store_->save({.json = bad}, "")) << bad;
  }
  EXPECT_FALSE(store_->save({.json = std::string(Store::kMaxBytes + 1, ' ')}, ""));
  EXPECT_FALSE(read_save("{}"));
  EXPECT_FALSE(read_save("dashboard=1"));
  EXPECT_TRUE(read_save(R"({"dashboard":{"title":"A"},"folderId":0,"overwrite":true})")->overwrite);
}

}  // namespace
}  // namespace strata::dashboards
