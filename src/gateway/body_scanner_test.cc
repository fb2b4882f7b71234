#include "gateway/body_scanner.h"

#include <gtest/gtest.h>

#include <random>

#include "gateway/json_bytes.h"
#include "gateway/json_cursor.h"
#include "gateway/usage_request.h"

namespace strata::gateway {
namespace {

constexpr std::array<WantedMember, 3> kWanted = {{{"model"}, {"usage"}, {"usage", "response"}}};

BodyScanner scan(std::string_view body, size_t cut) {
  BodyScanner scanner(kWanted);
  scanner.feed(body.substr(0, cut));
  scanner.feed(body.substr(cut));
  return scanner;
}

TEST(BodyScanner, FindsMembersWhereverTheBodyIsCut) {
  const std::string body =
      R"( { "messages" : [{"role":"user","content":"a \"model\":\"no\" [{"}], "n":12, "model":"m\"1",)"
      R"("response":{"x":{"usage":0},"usage":{"a":[1,2]}},"usage":null,"z":false} )";
  for (size_t cut = 0; cut <= body.size(); ++cut) {
    const auto found = scan(body, cut);
    ASSERT_EQ(found[0].value, R"("m\"1")") << cut;
    ASSERT_EQ(body.substr(found[0].begin, found[0].end - found[0].begin), R"("m\"1")");
    ASSERT_EQ(found[1].value, "null") << cut;
    ASSERT_EQ(found[2].value, R"({"a":[1,2]})") << cut;
    ASSERT_TRUE(found.whole());
    ASSERT_EQ(found.inside(), 2u);
  }
}

TEST(BodyScanner, TakesTheLastOfAKeyThatComesTwiceAndCountsBoth) {
  const auto found = scan(R"({"model":"a","model":"b"})", 5);
  EXPECT_EQ(found[0].value, "\"b\"");
  EXPECT_EQ(found[0].times, 2u);
}

TEST(BodyScanner, CutsAValueThatIsTooLong) {
  const auto found = scan("{\"model\":\"" + std::string(100'000, 'x') + "\",\"usage\":1}", 50'000);
  EXPECT_TRUE(found[0].cut);
  EXPECT_EQ(found[0].value.size(), BodyScanner::kMaxValue);
  EXPECT_EQ(found[1].value, "1");
}

TEST(BodyScanner, SaysWhenABodyIsNoObject) {
  for (const char* body : {"", "[1]", "\"model\"", "{\"model\" 1}", "{model:1}", "{\"model\":1"}) {
    EXPECT_FALSE(scan(body, 0).whole()) << body;
  }
  EXPECT_TRUE(scan("{}", 1).whole());
  EXPECT_TRUE(scan("{}", 1).bare());
}

TEST(JsonBytes, FindTheSameAsTheirPlainTwins) {
  std::mt19937 random(7);
  constexpr std::string_view kAlphabet = "ab\"\\{}[]:,;\r\n\x1b\x5b\x7b\xfb\x00 ";
  std::string text;
  for (int round = 0; round < 2000; ++round) {
    text.clear();
    const size_t size = random() % 70;
    for (size_t i = 0; i < size; ++i) {
      text += random() % 8 == 0 ? kAlphabet[random() % kAlphabet.size()] : 'x';
    }
    const char* const p = text.data();
    const char* const end = p + text.size();
    ASSERT_EQ(find_string_special(p, end), find_string_special_plain(p, end));
    ASSERT_EQ(find_structure(p, end), find_structure_plain(p, end));
    ASSERT_EQ(find_line_end(p, end), find_line_end_plain(p, end));
  }
}

TEST(JsonCursor, WalksMembersAndItems) {
  JsonCursor json(R"({"a":[1,{"b":"}"},[]],"c":"x\"y" , "d":{} })");
  ASSERT_TRUE(json.enter_object());
  EXPECT_EQ(json.next_member(), "a");
  ASSERT_TRUE(json.enter_array());
  ASSERT_TRUE(json.next_item());
  EXPECT_EQ(json.skip_value(), "1");
  ASSERT_TRUE(json.next_item());
  EXPECT_EQ(json.skip_value(), R"({"b":"}"})");
  ASSERT_TRUE(json.next_item());
  EXPECT_EQ(json.skip_value(), "[]");
  EXPECT_FALSE(json.next_item());
  EXPECT_EQ(json.next_member(), "c");
  EXPECT_EQ(json_string(json.skip_value()), "x\"y");
  EXPECT_EQ(json.next_member(), "d");
  ASSERT_TRUE(json.enter_object());
  EXPECT_EQ(json.next_member(), std::nullopt);
  EXPECT_EQ(json.next_member(), std::nullopt);
  EXPECT_FALSE(json.failed());
}

TEST(JsonCursor, FailsOnWhatMakesNoSense) {
  for (const char* text : {"{\"a\"}", "{\"a\":}", "{a:1}", "{\"a\":1 \"b\":2}", "{\"a\":[1", "{"}) {
    JsonCursor json(text);
    ASSERT_TRUE(json.enter_object());
    while (json.next_member()) json.skip_value();
    EXPECT_TRUE(json.failed()) << text;
  }
}

TEST(JsonString, UndoesEscapes) {
  EXPECT_EQ(json_string(R"("a\n\u00e9\ud83d\ude00\/")"), "a\n\u00e9\U0001F600/");
  EXPECT_EQ(json_string(R"("\ud83d")"), "\uFFFD");
  EXPECT_EQ(json_string(R"("\x")"), std::nullopt);
  EXPECT_EQ(json_string("12"), std::nullopt);
}

std::string spliced(std::string body, bool running) {
  BodyScanner scanner(kPrompt);
  scanner.feed(body);
  const auto request = request_usage(scanner, running);
  if (!request.splice) return "unchanged";
  return body.replace(request.splice->at, request.splice->erase, request.splice->insert);
}

TEST(UsageRequest, AsksForWhatTheClientDidNotAskFor) {
  EXPECT_EQ(spliced(R"({"stream":true})", false),
            R"({"stream_options":{"include_usage":true},"stream":true})");
  EXPECT_EQ(
      spliced(R"({"stream_options":null,"stream":true})", true),
      R"({"stream_options":{"include_usage":true,"continuous_usage_stats":true},"stream":true})");
  EXPECT_EQ(spliced(R"({"stream_options":{"include_usage":false,"x":[1]},"stream":true})", false),
            R"({"stream_options":{"include_usage":true,"x":[1]},"stream":true})");
  EXPECT_EQ(spliced(R"({"stream_options":{"include_usage":true}})", false), "unchanged");
  EXPECT_EQ(spliced(R"({"stream_options":7})", false), "unchanged");
  EXPECT_EQ(spliced(R"({"stream_options":{},"stream_options":{}})", false), "unchanged");
}

}  // namespace
}  // namespace strata::gateway
