#include "discover/relabel.h"

#include <gtest/gtest.h>

#include "config/load.h"
#include "discover/letter_case.h"
#include "discover/md5.h"

namespace strata::discover {
namespace {

/// Rules from the YAML that people write: a list in flow style.
std::vector<config::RelabelConfig> rules(std::string_view yaml) {
  const Result<config::ParsedConfig> parsed = config::parse_config(
      "scrape_configs: [{job_name: j, relabel_configs: " + std::string(yaml) + "}]", "r.yml");
  EXPECT_TRUE(parsed) << parsed.error().message;
  if (!parsed) return {};
  return parsed->config.scrape_configs[0].relabel_configs;
}

struct Case {
  const char* what;
  const char* rules;
  Labels input;
  std::optional<Labels> output;  // none: dropped
};

// From Prometheus' documentation of relabel_config, an action at a time, and from what its own
// implementation does at the edges.
const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      {"replace copies by default",
       "[{source_labels: [a], target_label: b}]",
       {{"a", "x"}},
       Labels{{"a", "x"}, {"b", "x"}}},
      {"replace joins sources with ;",
       "[{source_labels: [a, missing, c], target_label: d}]",
       {{"a", "1"}, {"c", "3"}},
       Labels{{"a", "1"}, {"c", "3"}, {"d", "1;;3"}}},
      {"replace joins with the separator given",
       "[{source_labels: [a, c], separator: '', target_label: d}]",
       {{"a", "1"}, {"c", "3"}},
       Labels{{"a", "1"}, {"c", "3"}, {"d", "13"}}},
      {"replace uses groups, numbered and named",
       "[{source_labels: [a], regex: '(\\w+):(?P<port>\\d+)', target_label: b, "
       "replacement: '${port}-$1'}]",
       {{"a", "host:80"}},
       Labels{{"a", "host:80"}, {"b", "80-host"}}},
      {"Go's way to name a group works too",
       "[{source_labels: [a], regex: '(?<x>.)(?<y>.)', target_label: b, replacement: '$y$x'}]",
       {{"a", "12"}},
       Labels{{"a", "12"}, {"b", "21"}}},
      {"replace matches the whole value",
       "[{source_labels: [a], regex: b, target_label: c, replacement: x}]",
       {{"a", "abc"}},
       Labels{{"a", "abc"}}},
      {"alternatives are anchored as a whole",
       "[{source_labels: [a], regex: 'b|c', target_label: d, replacement: x}]",
       {{"a", "bc"}},
       Labels{{"a", "bc"}}},
      {"a dot matches a newline",
       "[{source_labels: [a], regex: 'x.*z', target_label: b, replacement: y}]",
       {{"a", "x\nz"}},
       Labels{{"a", "x\nz"}, {"b", "y"}}},
      {"an empty result removes the label",
       "[{source_labels: [a], regex: '(f).*', target_label: $1, replacement: $2}]",
       {{"a", "foo"}, {"f", "x"}},
       Labels{{"a", "foo"}}},
      {"replace without sources sets",
       "[{target_label: a, replacement: new}]",
       {{"a", "old"}},
       Labels{{"a", "new"}}},
      {"an empty replacement removes",
       "[{target_label: a, replacement: ''}]",
       {{"a", "old"}},
       Labels{}},
      {"a target name from groups",
       "[{source_labels: [a], regex: '(.*)=(.*)', target_label: 'label_$1', replacement: $2}]",
       {{"a", "k=v"}},
       Labels{{"a", "k=v"}, {"label_k", "v"}}},
      {"a target name that is empty is no target",
       "[{source_labels: [a], target_label: '${3}', replacement: x}]",
       {{"a", "v"}},
       Labels{{"a", "v"}}},
      {"names of a target need not be classic",
       "[{source_labels: [a], target_label: utf-8.label}]",
       {{"a", "v"}},
       Labels{{"a", "v"}, {"utf-8.label", "v"}}},
      {"keep",
       "[{source_labels: [a], regex: 'f.*', action: keep}]",
       {{"a", "foo"}},
       Labels{{"a", "foo"}}},
      {"keep drops the rest",
       "[{source_labels: [a], regex: 'o+', action: keep}]",
       {{"a", "foo"}},
       std::nullopt},
      {"keep of a missing label",
       "[{source_labels: [b], regex: '.+', action: keep}]",
       {{"a", "foo"}},
       std::nullopt},
      {"drop",
       "[{source_labels: [a], regex: '.*o.*', action: drop}]",
       {{"a", "foo"}},
       std::nullopt},
      {"drop needs the whole value",
       "[{source_labels: [a], regex: o, action: drop}]",
       {{"a", "foo"}},
       Labels{{"a", "foo"}}},
      {"a dropped label set sees no later rule",
       "[{source_labels: [a], regex: foo, action: drop}, {target_label: b, replacement: x}]",
       {{"a", "foo"}},
       std::nullopt},
      {"keepequal",
       "[{source_labels: [a], target_label: b, action: keepequal}]",
       {{"a", "1"}, {"b", "1"}},
       Labels{{"a", "1"}, {"b", "1"}}},
      {"keepequal drops what differs",
       "[{source_labels: [a], target_label: b, action: keepequal}]",
       {{"a", "1"}, {"b", "2"}},
       std::nullopt},
      {"dropequal",
       "[{source_labels: [a], target_label: b, action: dropequal}]",
       {{"a", "1"}, {"b", "1"}},
       std::nullopt},
      {"dropequal keeps what differs",
       "[{source_labels: [a], target_label: b, action: dropequal}]",
       {{"a", "1"}, {"b", "2"}},
       Labels{{"a", "1"}, {"b", "2"}}},
      {"both missing are equal",
       "[{source_labels: [x], target_label: y, action: dropequal}]",
       {{"a", "1"}},
       std::nullopt},
      {"hashmod",
       "[{source_labels: [c], target_label: d, modulus: 1000, action: hashmod}]",
       {{"c", "baz"}},
       Labels{{"c", "baz"}, {"d", "976"}}},
      {"hashmod of a value with a newline",
       "[{source_labels: [a], target_label: b, modulus: 1000, action: hashmod}]",
       {{"a", "foo\nbar"}},
       Labels{{"a", "foo\nbar"}, {"b", "734"}}},
      {"labelmap copies values to new names",
       "[{regex: '__meta_(my.*)', action: labelmap}]",
       {{"__meta_my_a", "1"}, {"__meta_my_b", "2"}, {"__meta_other", "3"}},
       Labels{{"__meta_my_a", "1"},
              {"__meta_my_b", "2"},
              {"__meta_other", "3"},
              {"my_a", "1"},
              {"my_b", "2"}}},
      {"labelmap does not map its own results",
       "[{regex: '(b.*)', replacement: 'b_$1', action: labelmap}]",
       {{"b1", "x"}},
       Labels{{"b1", "x"}, {"b_b1", "x"}}},
      {"labeldrop",
       "[{regex: 'b.*', action: labeldrop}]",
       {{"a", "1"}, {"b1", "2"}, {"b2", "3"}},
       Labels{{"a", "1"}}},
      {"labelkeep",
       "[{regex: 'b.*', action: labelkeep}]",
       {{"a", "1"}, {"b1", "2"}, {"b2", "3"}},
       Labels{{"b1", "2"}, {"b2", "3"}}},
      {"a name may be anchored by hand as well",
       "[{regex: '^b$', action: labeldrop}]",
       {{"a", "1"}, {"b", "2"}},
       Labels{{"a", "1"}}},
      {"lowercase and uppercase",
       "[{source_labels: [a], target_label: l, action: lowercase}, "
       "{source_labels: [a], target_label: u, action: uppercase}]",
       {{"a", "bAr1Ä"}},
       Labels{{"a", "bAr1Ä"}, {"l", "bar1ä"}, {"u", "BAR1Ä"}}},
      {"several rules see each other's work",
       "[{source_labels: [a, b], regex: 'f(.*);(.*)r', target_label: a, replacement: 'b$1${2}m'}, "
       "{source_labels: [c, a], regex: '(b).*b(.*)ba(.*)', target_label: d, "
       "replacement: '$1$2$2$3'}]",
       {{"a", "foo"}, {"b", "bar"}, {"c", "baz"}},
       Labels{{"a", "boobam"}, {"b", "bar"}, {"c", "baz"}, {"d", "boooom"}}},
  };
  return all;
}

TEST(Relabel, DoesWhatPrometheusDoes) {
  for (const Case& c : cases()) {
    LabelsBuilder labels(c.input);
    const bool kept = relabel(rules(c.rules), labels);
    ASSERT_EQ(kept, c.output.has_value()) << c.what;
    if (kept) {
      EXPECT_EQ(labels.build().to_string(), c.output->to_string()) << c.what;
    }
  }
}

TEST(Relabel, LegacyNamesAreNotWrittenOtherwise) {
  std::vector<config::RelabelConfig> r =
      rules("[{source_labels: [a], target_label: '$1', replacement: x}]");
  LabelsBuilder labels(Labels{{"a", "not-classic"}});
  r[0].name_validation = config::NameValidation::kLegacy;
  EXPECT_TRUE(relabel(r, labels));
  EXPECT_EQ(labels.build(), (Labels{{"a", "not-classic"}}));
}

TEST(Relabel, TheTraceShowsEachStep) {
  const auto steps = trace_relabel(rules("[{target_label: b, replacement: x},"
                                         " {source_labels: [b], regex: x, action: drop},"
                                         " {target_label: c, replacement: y}]"),
                                   Labels{{"a", "1"}});
  ASSERT_EQ(steps.size(), 2U);
  EXPECT_TRUE(steps[0].keep);
  EXPECT_EQ(steps[0].output, (Labels{{"a", "1"}, {"b", "x"}}));
  EXPECT_FALSE(steps[1].keep);
  EXPECT_EQ(steps[1].rule, 1U);
}

std::string hex(const std::array<uint8_t, 16>& digest) {
  std::string out;
  for (const uint8_t byte : digest) {
    out += "0123456789abcdef"[byte >> 4];
    out += "0123456789abcdef"[byte & 15];
  }
  return out;
}

TEST(Md5, AgreesWithRfc1321) {
  const std::pair<std::string, const char*> vectors[] = {
      {"", "d41d8cd98f00b204e9800998ecf8427e"},
      {"a", "0cc175b9c0f1b6a831c399e269772661"},
      {"abc", "900150983cd24fb0d6963f7d28e17f72"},
      {"message digest", "f96b697d7cb7938d525a2f31aaf161d0"},
      {"abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b"},
      {"12345678901234567890123456789012345678901234567890123456789012345678901234567890",
       "57edf4a22be3c955ac49da2e2107b67a"},
      {std::string(55, 'x'), "04364420e25c512fd958a70738aa8f72"},
      {std::string(56, 'x'), "668a72d5ba17f08e62dabcafad6db14b"},
      {std::string(64, 'x'), "c1bb4f81d892b2d57947682aeb252456"},
  };
  for (const auto& [text, digest] : vectors) EXPECT_EQ(hex(md5(text)), digest) << text.size();
}

TEST(LetterCase, IsUnicodes) {
  EXPECT_EQ(to_upper("straße éß ж"), "STRAßE Éß Ж");
  EXPECT_EQ(to_lower("ÀÉ Ω ЖЯ 漢"), "àé ω жя 漢");
  EXPECT_EQ(to_lower("A\xff"), "a\xef\xbf\xbd");
}

}  // namespace
}  // namespace strata::discover
