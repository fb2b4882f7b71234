#include "alerting/matchers.h"

#include <gtest/gtest.h>

namespace strata::alerting {
namespace {

std::string utf8(std::string_view text) {
  const auto out = parse_utf8_matchers(text);
  return out ? to_text(*out) : "error " + out.error().message;
}

std::string classic(std::string_view text) {
  const auto out = parse_classic_matchers(text);
  return out ? to_text(*out) : "error " + out.error().message;
}

TEST(Matchers, Utf8Syntax) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"", "{}"},
      {"{}", "{}"},
      {"a=b", R"({a="b"})"},
      {R"({a="b", c!="d" , e=~"f.*", g!~h,})", R"({a="b",c!="d",e=~"f.*",g!~"h"})"},
      {R"("na me"="v")", R"({"na me"="v"})"},
      {R"(a="\"\\\n\t\u00e4")", "{a=\"\\\"\\\\\\n\t\u00e4\"}"},
      {"größe=😀", R"({größe="😀"})"},
      {"{a=b", "error 5: expected a closing brace"},
      {"a=b}", "error 5: expected an opening brace"},
      {"a=b c=d", "error 5: expected end of input"},
      {"a", "error 2: expected one of = != =~ !~"},
      {"a=", "error 3: expected a label value"},
      {"=b", "error 1: expected a label name"},
      {"{a=b}}", "error 6: expected end of input"},
      {R"(a="b)", "error 5: a quote is missing at the end"},
      {R"(a="\z")", "error 6: an escape that is none"},
  };
  for (const auto& [text, expected] : cases) EXPECT_EQ(utf8(text), expected) << text;
  EXPECT_TRUE(utf8("a=~[").starts_with("error "));
}

TEST(Matchers, ClassicSyntax) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"", "{}"},
      {"a=b,c!=d", R"({a="b",c!="d"})"},
      {R"({a="b, c", d=~e f })", R"({a="b, c",d=~"e f"})"},
      {R"(a="\d\"\n")", R"({a="\\d\"\n"})"},
      {"a=", R"({a=""})"},
      {"{a=b,}", R"({a="b"})"},
      {"a=b,,", "error bad matcher format: "},
      {"größe=x", "error bad matcher format: größe=x"},
      {R"(a="b)", "error matcher value contains unescaped double quote: \"b"},
  };
  for (const auto& [text, expected] : cases) EXPECT_EQ(classic(text), expected) << text;
}

TEST(Matchers, TheOldMeaningCountsWhereTheTwoDiffer) {
  const auto same = parse_matchers(R"(a="b")");
  ASSERT_TRUE(same);
  EXPECT_FALSE(same->warning);
  const auto old_only = parse_matchers("a=b c");
  ASSERT_TRUE(old_only);
  EXPECT_EQ(to_text(old_only->matchers), R"({a="b c"})");
  EXPECT_TRUE(old_only->warning->contains(R"(write them as {a="b c"})")) << *old_only->warning;
  const auto differ = parse_matchers(R"(a="\t")");
  ASSERT_TRUE(differ);
  EXPECT_EQ(differ->matchers[0].value(), "\\t");
  EXPECT_TRUE(differ->warning);
  const auto new_only = parse_matchers(R"("a b"="c")");
  ASSERT_TRUE(new_only);
  EXPECT_FALSE(new_only->warning);
  EXPECT_FALSE(parse_matchers("a"));
}

}  // namespace
}  // namespace strata::alerting
