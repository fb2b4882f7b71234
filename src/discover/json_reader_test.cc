#include "discover/json_reader.h"

#include <gtest/gtest.h>

#include "discover/group_json.h"

namespace strata::discover {
namespace {

std::string read_string(std::string_view json) {
  JsonReader reader(json);
  std::string out = "unset";
  reader.string(out);
  const auto end = reader.finish();
  return end ? out : "error: " + end.error().message;
}

TEST(JsonReader, ReadsWhatIsAskedForAndSkipsTheRest) {
  JsonReader reader(R"( {"a": {"x": [1, {"y": "}"}]}, "n": "é\n", "i": -12, "list": ["p", null],
      "yes": true, "nothing": null} )");
  std::string name, gone = "kept";
  int64_t number = 0;
  bool yes = false;
  std::vector<std::string> list;
  reader.object([&](std::string_view key) {
    if (key == "n") {
      reader.string(name);
    } else if (key == "i") {
      reader.integer(number);
    } else if (key == "yes") {
      reader.boolean(yes);
    } else if (key == "nothing") {
      reader.string(gone);
    } else if (key == "list") {
      reader.array([&] { reader.string(list.emplace_back()); });
    } else {
      EXPECT_EQ(reader.skip(), R"({"x": [1, {"y": "}"}]})");
    }
  });
  EXPECT_TRUE(reader.finish());
  EXPECT_EQ(name, "é\n");
  EXPECT_EQ(number, -12);
  EXPECT_TRUE(yes);
  EXPECT_EQ(gone, "kept");
  EXPECT_EQ(list, (std::vector<std::string>{"p", ""}));
}

TEST(JsonReader, DecodesEscapes) {
  EXPECT_EQ(read_string(R"("\"\\\/\b\f\n\r\t")"), "\"\\/\b\f\n\r\t");
  EXPECT_EQ(read_string(R"("\u0041\u00e9\u20ac\ud83d\ude00")"), "Aé€😀");
  EXPECT_EQ(read_string(R"("\ud83dx\ude00")"), "\ufffdx\ufffd") << "half pairs";
}

TEST(JsonReader, RefusesWhatIsNoJson) {
  for (const std::string_view json :
       {"", "\"", "\"\\x\"", "\"\\u12g4\"", "\"\n\"", "\"\xff\"", "nul", "\"a\" \"b\"", "\"a\","}) {
    EXPECT_TRUE(read_string(json).starts_with("error: JSON, byte ")) << json;
  }
  for (const std::string_view json :
       {"{", "[", "{]", "[}", "[1 2]", "[1,]", "[,1]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}",
        "01", "1.", "-", "1e", "+1", ".5", "tru", "[1]x"}) {
    JsonReader reader(json);
    reader.skip();
    EXPECT_FALSE(reader.finish()) << json;
  }
}

TEST(JsonReader, DepthIsBounded) {
  const std::string deep =
      std::string(JsonReader::kMaxDepth, '[') + std::string(JsonReader::kMaxDepth, ']');
  JsonReader within(deep);
  within.skip();
  EXPECT_TRUE(within.finish());
  const std::string deeper = "[" + deep + "]";
  JsonReader beyond(deeper);
  beyond.skip();
  EXPECT_FALSE(beyond.finish());
}

TEST(GroupJson, ReadsGroups) {
  const auto groups = parse_groups(
      R"([{"targets": ["a:1", "b:2"], "labels": {"k": "v", "__meta_x": "y"}}, {"Targets": null}])");
  ASSERT_TRUE(groups) << groups.error().message;
  ASSERT_EQ(groups->size(), 2U);
  EXPECT_EQ((*groups)[0].labels, (Labels{{"k", "v"}, {"__meta_x", "y"}}));
  EXPECT_EQ((*groups)[0].targets,
            (std::vector<Labels>{Labels{{"__address__", "a:1"}}, Labels{{"__address__", "b:2"}}}));
  EXPECT_TRUE((*groups)[1].targets.empty());
}

TEST(GroupJson, IsStrict) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {R"([null])", "a target group is null"},
      {R"([{"target": []}])", "a target group has targets and labels, not \"target\""},
      {R"([{"labels": {"": "x"}}])", "a label has no name"},
      {R"([{"targets": [1]}])", "JSON, byte 14: expected a string"},
      {R"({"targets": []})", "JSON, byte 0: expected an array"}};
  for (const auto& [json, message] : cases) {
    const auto groups = parse_groups(json);
    ASSERT_FALSE(groups) << json;
    EXPECT_EQ(groups.error().message, message);
  }
}

}  // namespace
}  // namespace strata::discover
