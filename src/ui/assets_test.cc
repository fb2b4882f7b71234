#include "ui/assets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <memory>
#include <regex>

#include "base/temp_dir.h"

namespace strata::ui {
namespace {

// gzip(1) is needed to build, so it is here.
std::string unzip(std::string_view bytes) {
  const TempDir dir;
  const std::string path = dir.file("x.gz");
  std::ofstream(path, std::ios::binary) << bytes;
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(("gzip -dc " + path).c_str(), "r"),
                                                   pclose);
  std::string text;
  for (int c; (c = fgetc(pipe.get())) != EOF;) text += static_cast<char>(c);
  return text;
}

// Without Node.js there is the fallback alone, which has no scripts and no pages below.
bool page_was_built() { return find_asset("index1.html") != nullptr; }

TEST(Assets, TheFirstPageIsThere) {
  for (const char* path : {"", "/", "index.html", "/index.html"}) {
    ASSERT_NE(find_asset(path), nullptr) << path;
    EXPECT_EQ(find_asset(path)->content_type, "text/html; charset=utf-8");
  }
  for (const char* path : {"//", "app", "index.html.gz", "../assets.h", "zzz"}) {
    EXPECT_EQ(find_asset(path), nullptr) << path;
  }
  for (const Asset& asset : all_assets()) EXPECT_EQ(find_asset(asset.path), &asset);
}

TEST(Assets, EtagsAreQuotedAndFollowTheBytes) {
  for (const Asset& asset : all_assets()) {
    EXPECT_THAT(asset.etag, testing::MatchesRegex("\"[0-9a-f]+\""));
    for (const Asset& other : all_assets()) {
      EXPECT_EQ(asset.etag == other.etag, asset.gzipped_bytes == other.gzipped_bytes);
    }
  }
}

TEST(Assets, WhatHasAHashInItsNameMayBeKept) {
  EXPECT_FALSE(find_asset("index.html")->immutable);
  for (const Asset& asset : all_assets()) {
    EXPECT_EQ(asset.immutable, asset.path.starts_with("assets/")) << asset.path;
  }
}

// What kContentSecurityPolicy forbids would fail in the browser only.
TEST(Assets, HoldNothingThatThePolicyForbids) {
  for (const Asset& asset : all_assets()) {
    const std::string text = unzip(asset.gzipped_bytes);
    ASSERT_FALSE(text.empty()) << asset.path;
    if (asset.path.ends_with(".html")) {
      EXPECT_FALSE(std::regex_search(text, std::regex("<script(?![^>]*\\ssrc=)"))) << asset.path;
      EXPECT_FALSE(
          std::regex_search(text, std::regex("<style|\\sstyle=|\\son[a-z]+=|javascript:")));
      EXPECT_FALSE(std::regex_search(text, std::regex("(src|href)=\"/"))) << asset.path;
    }
    for (const char* forbidden : {"eval(", "new Function(", "@import", "//fonts.", "//cdn."}) {
      const size_t at = text.find(forbidden);
      EXPECT_EQ(at, std::string::npos)
          << asset.path << ": " << text.substr(at < 30 ? 0 : at - 30, 80);
    }
  }
}

TEST(Assets, PagesOfThePageAreAnsweredWithIt) {
  if (!page_was_built()) GTEST_SKIP() << "built without Node.js";
  for (const char* path : {"/alerts", "/graph", "/targets/", "/tsdb-status"}) {
    EXPECT_EQ(find_page(path), find_asset("index.html")) << path;
  }
  EXPECT_EQ(find_page("/d/abc"), find_asset("index1.html"));
  EXPECT_EQ(find_page("/d/abc/my-board"), find_asset("index2.html"));
  for (const char* path : {"/api/v1/nothing", "/alertmanager/api/v2/status", "/d", "/d/a/b/c",
                           "/metrics2", "/alerts/x"}) {
    EXPECT_EQ(find_page(path), nullptr) << path;
  }
}

// The server may stand behind a prefix, and a page one folder down needs the files above it.
TEST(Assets, PagesBelowNameTheFilesAboveThem) {
  if (!page_was_built()) GTEST_SKIP() << "built without Node.js";
  EXPECT_THAT(unzip(find_asset("index.html")->gzipped_bytes),
              testing::HasSubstr("src=\"./assets/"));
  EXPECT_THAT(unzip(find_asset("index1.html")->gzipped_bytes),
              testing::HasSubstr("src=\"../assets/"));
  EXPECT_THAT(unzip(find_asset("index2.html")->gzipped_bytes),
              testing::HasSubstr("src=\"../../assets/"));
}

}  // namespace
}  // namespace strata::ui
