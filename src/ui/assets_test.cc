#include "ui/assets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <iterator>
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

std::string source(std::string_view name) {
  std::ifstream file("src/ui/assets/" + std::string(name), std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

TEST(Assets, ArePresentWithTheirTypes) {
  for (const char* path : {"", "/", "index.html", "/index.html"}) {
    ASSERT_NE(find_asset(path), nullptr) << path;
    EXPECT_EQ(find_asset(path)->content_type, "text/html; charset=utf-8");
  }
  EXPECT_EQ(find_asset("app.js")->content_type, "text/javascript; charset=utf-8");
  EXPECT_EQ(find_asset("style.css")->content_type, "text/css; charset=utf-8");
  for (const char* path : {"//", "app", "app.js.gz", "../assets.h", "zzz"}) {
    EXPECT_EQ(find_asset(path), nullptr) << path;
  }
}

TEST(Assets, UnzipToTheirSources) {
  for (const Asset& asset : all_assets()) {
    EXPECT_EQ(find_asset(asset.path), &asset);
    EXPECT_EQ(unzip(asset.gzipped_bytes), source(asset.path)) << asset.path;
  }
}

TEST(Assets, EtagsAreQuotedAndDiffer) {
  std::vector<std::string> etags;
  for (const Asset& asset : all_assets()) {
    EXPECT_THAT(asset.etag, testing::MatchesRegex("\"[0-9a-f]+\""));
    etags.push_back(asset.etag);
  }
  std::ranges::sort(etags);
  EXPECT_EQ(std::ranges::adjacent_find(etags), etags.end());
}

// What kContentSecurityPolicy forbids would fail in the browser only.
TEST(Assets, HoldNothingThatThePolicyForbids) {
  const std::string html = source("index.html");
  EXPECT_FALSE(std::regex_search(html, std::regex("<script(?![^>]*\\ssrc=)")));
  EXPECT_FALSE(std::regex_search(html, std::regex("<style|\\sstyle=|\\son[a-z]+=|javascript:")));
  for (const Asset& asset : all_assets()) {
    const std::string text = source(asset.path);
    EXPECT_FALSE(std::regex_search(text, std::regex("(src|href)=[\"'](https?:)?//"))) << asset.path;
    EXPECT_FALSE(std::regex_search(text, std::regex("\\beval\\(|new Function|@import")))
        << asset.path;
  }
}

// The server may stand behind a prefix.
TEST(Assets, UrlsAreRelative) {
  EXPECT_FALSE(std::regex_search(source("index.html"), std::regex("(src|href)=\"/")));
  EXPECT_FALSE(std::regex_search(source("app.js"), std::regex("fetch\\([`'\"]/")));
}

}  // namespace
}  // namespace strata::ui
