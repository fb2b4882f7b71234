#include "config/yaml.h"

#include <gtest/gtest.h>

#include <cmath>

namespace strata::config {
namespace {

std::string error_of(std::string_view text, const YamlLimits& limits = {}) {
  const Result<YamlNode> parsed = parse_yaml(text, "f.yml", limits);
  return parsed ? "no error" : parsed.error().message;
}

YamlNode parsed(std::string_view text) {
  Result<YamlNode> node = parse_yaml(text, "f.yml");
  EXPECT_TRUE(node) << node.error().message;
  return node ? *std::move(node) : YamlNode{};
}

/// The value of `k` in "k: <scalar>".
YamlNode scalar(std::string_view text) {
  return parsed("k: " + std::string(text)).entries[0].value;
}

/// Keys and values as flow YAML, for comparing trees.
std::string flat(const YamlNode& node) {
  if (node.kind == YamlNode::Kind::kScalar) return node.text;
  std::string out = node.kind == YamlNode::Kind::kSequence ? "[" : "{";
  for (const YamlNode& item : node.items) out += flat(item) + ",";
  for (const YamlEntry& entry : node.entries) out += entry.key + ":" + flat(entry.value) + ",";
  return out + (node.kind == YamlNode::Kind::kSequence ? "]" : "}");
}

TEST(Yaml, KeepsWhereThingsStood) {
  const YamlNode root = parsed("a: 1\nb:\n  - x\n  -   y: 2\n");
  EXPECT_EQ(root.entries[1].key_mark, (YamlMark{2, 1}));
  const YamlNode& list = root.find("b")->value;
  EXPECT_EQ(list.items[0].mark, (YamlMark{3, 5}));
  EXPECT_EQ(list.items[1].find("y")->value.mark, (YamlMark{4, 10}));
}

TEST(Yaml, AnEmptyDocumentIsNull) {
  for (const std::string_view text : {"", "\n\n", "# only a comment\n", "---\n", "~"}) {
    EXPECT_TRUE(is_null(parsed(text))) << text;
  }
}

TEST(Yaml, ExpandsAliasesAndMergesKeys) {
  const struct {
    const char* text;
    const char* flat;
  } cases[] = {
      {"a: &x {k: 1}\nb: *x\n", "{a:{k:1,},b:{k:1,},}"},
      {"a: &x [1, 2]\nb: [*x, 3]\n", "{a:[1,2,],b:[[1,2,],3,],}"},
      {"a: &x 1\nb: &x 2\nc: *x\n", "{a:1,b:2,c:2,}"},
      {"a: &x {k: 1, l: 2}\nb: {<<: *x, k: 3}\n", "{a:{k:1,l:2,},b:{k:3,l:2,},}"},
      {"a: &x {k: 1, l: 2}\nb: {k: 3, <<: *x}\n", "{a:{k:1,l:2,},b:{k:3,l:2,},}"},
      {"a: &x {k: 1}\nb: &y {k: 2, m: 4}\nc: {<<: [*x, *y]}\n",
       "{a:{k:1,},b:{k:2,m:4,},c:{k:1,m:4,},}"},
      {"c: {<<: {k: 1}}\n", "{c:{k:1,},}"},
      {"c: {'<<': 1}\n", "{c:{<<:1,},}"},
  };
  for (const auto& c : cases) EXPECT_EQ(flat(parsed(c.text)), c.flat) << c.text;
}

TEST(Yaml, RefusesWithThePlace) {
  const struct {
    const char* text;
    const char* error;
  } cases[] = {
      {"a: 1\nb: 2\na: 3\n", "f.yml:3:1: duplicate key \"a\" (first at line 1)"},
      {"a: 1\n---\nb: 2\n",
       "f.yml:2:1: a second document starts here; one file holds one document"},
      {"a: *nobody\n", "f.yml:1:4: unknown alias *nobody"},
      {"a: &a [*a]\n", "f.yml:1:8: unknown alias *a"},
      {"a: {<<: 3}\n", "f.yml:1:9: << merges a mapping"},
      {"a: {<<: [3]}\n", "f.yml:1:10: << merges a mapping"},
      {"? [1, 2]\n: 3\n", "f.yml:1:3: a key must be text"},
      {"a: [1, 2\nb: 3\n", "f.yml:2:"},
      {"a: 1\n b: 2\n", "f.yml:2:3: "},
      {"\tb: 2\n", "f.yml:1:1: "},
      {"a: \"\\q\"\n", "f.yml:1:"},
  };
  for (const auto& c : cases) {
    EXPECT_TRUE(error_of(c.text).starts_with(c.error)) << c.text << " gives " << error_of(c.text);
  }
}

TEST(Yaml, BoundsWhatAliasesExpandTo) {
  std::string laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    laughs += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before;
    for (int j = 0; j < 8; ++j) laughs += ", " + before;
    laughs += "]\n";
  }
  const Result<YamlNode> bomb = parse_yaml(laughs, "f.yml");
  ASSERT_FALSE(bomb);
  EXPECT_EQ(bomb.error().code, ErrorCode::kLimit);
  EXPECT_TRUE(bomb.error().message.contains("more than 500000 values"));
}

TEST(Yaml, BoundsDepthAlsoThroughAliases) {
  const YamlLimits limits{.max_depth = 5};
  EXPECT_EQ(error_of("a: [[[1]]]", limits), "no error");
  EXPECT_EQ(error_of("a: [[[[1]]]]", limits), "f.yml:1:8: nested more than 5 levels deep");
  EXPECT_EQ(error_of("a: &a [1]\nb: &b [*a]\nc: [*b]\n", limits), "no error");
  EXPECT_EQ(error_of("a: &a [1]\nb: &b [*a]\nc: [[*b]]\n", limits),
            "f.yml:3:6: nested more than 5 levels deep");
  EXPECT_TRUE(error_of(std::string(100'000, '[')).contains("nested more than 64 levels deep"));
}

TEST(Yaml, BoundsTheTextsSize) {
  EXPECT_EQ(error_of("abcdef", {.max_bytes = 5}), "f.yml: larger than 5 bytes");
}

TEST(YamlScalars, AreTypedAsInGoYaml) {
  for (const char* text : {"true", "True", "yes", "on", "Y"}) {
    EXPECT_EQ(as_bool(scalar(text)), true) << text;
  }
  for (const char* text : {"false", "NO", "off", "n"}) {
    EXPECT_EQ(as_bool(scalar(text)), false) << text;
  }
  for (const char* text : {"'true'", "\"yes\"", "1", "tRUE"}) {
    EXPECT_EQ(as_bool(scalar(text)), std::nullopt) << text;
  }
  for (const char* text : {"", "~", "null", "NULL"}) EXPECT_TRUE(is_null(scalar(text))) << text;
  for (const char* text : {"''", "\"\"", "'null'", "nil"}) {
    EXPECT_FALSE(is_null(scalar(text))) << text;
  }
}

TEST(YamlScalars, ReadsGosIntegers) {
  const struct {
    const char* text;
    std::optional<int64_t> value;
  } cases[] = {{"42", 42},
               {"-7", -7},
               {"+7", 7},
               {"0x1F", 31},
               {"017", 15},
               {"0o17", 15},
               {"0b101", 5},
               {"1_000", 1000},
               {"1e3", 1000},
               {"2.0", 2},
               {"2.5", {}},
               {"'42'", {}},
               {"12a", {}},
               {"0x", {}},

               {"9223372036854775807", INT64_MAX},
               {"9223372036854775808", {}},
               {"-9223372036854775808", INT64_MIN}};
  for (const auto& c : cases) EXPECT_EQ(as_int(scalar(c.text)), c.value) << c.text;
  EXPECT_EQ(as_uint(scalar("18446744073709551615")), UINT64_MAX);
  EXPECT_EQ(as_uint(scalar("-1")), std::nullopt);
}

TEST(YamlScalars, ReadsFloats) {
  EXPECT_EQ(as_float(scalar("1.5")), 1.5);
  EXPECT_EQ(as_float(scalar(".5e1")), 5.0);
  EXPECT_EQ(as_float(scalar("-.inf")), -INFINITY);
  EXPECT_TRUE(std::isnan(as_float(scalar(".nan")).value_or(0)));
  for (const char* text : {"nan", "inf", "1.2.3", "1e", "'1'"}) {
    EXPECT_EQ(as_float(scalar(text)), std::nullopt) << text;
  }
}

TEST(YamlScalars, AnyScalarIsText) {
  EXPECT_EQ(as_text(scalar("007")), "007");
  EXPECT_EQ(as_text(scalar("true")), "true");
  EXPECT_EQ(as_text(scalar("\"a\\nb\"")), "a\nb");
  EXPECT_EQ(as_text(scalar("!!binary aGkh")), "hi!");
  EXPECT_EQ(as_text(scalar("!!binary \"/w==\"")), "\xff");
  for (const char* text : {"!!binary \"/w==$1\"", "!!binary abc", "!!binary \"a===\"", "[]"}) {
    EXPECT_EQ(as_text(scalar(text)), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace strata::config
