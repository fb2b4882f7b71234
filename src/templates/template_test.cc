// Templates against what Go prints for them.
#include "templates/template.h"

#include <gtest/gtest.h>

#include "templates/functions.h"

namespace strata::templates {
namespace {

Value alert_data() {
  Map data;
  data.entries["Labels"] = labels_value({{"instance", "db:9100"}, {"job", "node"}});
  data.entries["Value"] = 1234567.5;
  data.entries["Count"] = Value(int64_t{3});
  data.entries["List"] = Value(List{Value("a"), Value("b"), Value("c")});
  data.entries["Empty"] = Value(List{});
  return Value(std::move(data));
}

std::string run(std::string_view text) {
  TemplateSet set(rule_functions());
  if (const auto parsed = set.parse("t", text); !parsed) return parsed.error().message;
  QueryContext context;
  context.query = [](std::string_view query, TimestampMs) -> Result<Vector> {
    if (query == "bad") return bad_data("no such query");
    Vector found;
    if (query == "none") return found;
    found.push_back({Labels{{"__name__", "up"}, {"instance", "b"}}, Point{0, 2, nullptr}});
    found.push_back({Labels{{"__name__", "up"}, {"instance", "a"}}, Point{0, 1, nullptr}});
    return found;
  };
  context.at = 1'700'000'000'000;
  context.external_url = "http://mon.example/strata";
  const auto out = set.execute("t", alert_data(), query_functions(context));
  return out ? *out : out.error().message;
}

struct Case {
  std::string_view text;
  std::string_view want;
};

class TemplatePrints : public ::testing::TestWithParam<Case> {};
TEST_P(TemplatePrints, WhatGoPrints) { EXPECT_EQ(run(GetParam().text), GetParam().want); }

INSTANTIATE_TEST_SUITE_P(
    Values, TemplatePrints,
    ::testing::Values(Case{"plain {{ \"text\" }}", "plain text"}, Case{"{{ .Labels.job }}", "node"},
                      Case{"{{ .Labels }}", "map[instance:db:9100 job:node]"},
                      Case{"{{ .Labels.none }}|", "|"}, Case{"{{ .None }}", "<no value>"},
                      Case{"{{ .Value }}", "1.2345675e+06"},
                      Case{"{{ 1000000 }} {{ 1e6 }} {{ 1.0 }}", "1000000 1e+06 1"},
                      Case{"{{ .List }} {{ len .List }} {{ index .List 1 }}", "[a b c] 3 b"},
                      Case{"{{ 'a' }} {{ 0x10 }} {{ -5 }} {{ 1_000 }}", "97 16 -5 1000"},
                      Case{"{{ `raw\\n` }}{{ \"\\u00e9\\t\" }}", "raw\\né\t"},
                      Case{"{{ true }}", "true"}));

INSTANTIATE_TEST_SUITE_P(
    Actions, TemplatePrints,
    ::testing::Values(
        Case{"a {{- 1 -}} b", "a1b"}, Case{"a {{/* x */}} b{{- /* y */ -}} c", "a  bc"},
        Case{"{{ if gt .Value 5.0 }}hot{{ else }}cold{{ end }}", "hot"},
        Case{"{{ if .Empty }}1{{ else if .List }}2{{ else }}3{{ end }}", "2"},
        Case{"{{ with .Labels.job }}<{{ . }}>{{ end }}", "<node>"},
        Case{"{{ with .Labels.none }}x{{ else }}none{{ end }}", "none"},
        Case{"{{ range .List }}{{ . }},{{ end }}", "a,b,c,"},
        Case{"{{ range $i, $x := .List }}{{ $i }}{{ $x }} {{ end }}", "0a 1b 2c "},
        Case{"{{ range $k, $v := .Labels }}{{ $k }}={{ $v }};{{ end }}",
             "instance=db:9100;job=node;"},
        Case{"{{ range .Empty }}x{{ else }}empty{{ end }}", "empty"},
        Case{"{{ range .List }}{{ if eq . \"b\" }}{{ continue }}{{ end }}{{ . }}{{ end }}", "ac"},
        Case{"{{ range .List }}{{ if eq . \"b\" }}{{ break }}{{ end }}{{ . }}{{ end }}", "a"},
        Case{"{{ $x := 1 }}{{ if true }}{{ $x = 2 }}{{ end }}{{ $x }}", "2"},
        Case{"{{ $x := 1 }}{{ if true }}{{ $x := 2 }}{{ end }}{{ $x }}", "1"},
        Case{"{{ range 3 }}{{ . }}{{ end }}", "012"},
        Case{"{{ define \"d\" }}[{{ . }}]{{ end }}{{ template \"d\" .Labels.job }}", "[node]"},
        Case{"{{ block \"b\" .Count }}({{ . }}){{ end }}", "(3)"},
        Case{"{{ (index .List 0) | printf \"%s-%d\" \"x\" | len }}", "15"}));

INSTANTIATE_TEST_SUITE_P(
    Functions, TemplatePrints,
    ::testing::Values(
        Case{"{{ and 1 0 }} {{ or 0 \"x\" }} {{ not true }}", "0 x false"},
        Case{"{{ eq 1 2 1 }} {{ ne \"a\" \"b\" }} {{ lt 1 2 }} {{ le 2 2 }} {{ ge 1 2 }}",
             "true true true true false"},
        Case{"{{ printf \"%.2f %5d|%-5s|%05d %q %v %t %x\" 3.14159 42 \"ab\" 7 \"q\" .List true "
             "255 }}",
             "3.14    42|ab   |00007 \"q\" [a b c] true ff"},
        Case{"{{ printf \"%d %s\" 1.5 2 }}", "%!d(float64=1.5) %!s(int=2)"},
        Case{"{{ printf \"%d\" }}{{ printf \"%!\" 1 }}", "%!d(MISSING)%!!(int=1)"},
        Case{"{{ printf \"x\" 1 \"a\" }}", "x%!(EXTRA int=1, string=a)"},
        Case{"{{ print 1 2 \"a\" \"b\" 3 }}", "1 2ab3"},
        Case{"{{ html \"<a b='c'>&\" }}", "&lt;a b=&#39;c&#39;&gt;&amp;"},
        Case{"{{ urlquery \"a b/c\" }}", "a+b%2Fc"}, Case{"{{ js \"it's\" }}", "it\\'s"},
        Case{"{{ slice \"abcdef\" 1 3 }}", "bc"},
        Case{"{{ humanize .Value }} {{ humanize1024 1048576.0 }} {{ humanizePercentage 0.123456 }}",
             "1.235M 1Mi 12.35%"},
        Case{"{{ humanizeDuration 3661.5 }} {{ humanizeDuration 0.0012 }} {{ humanizeDuration 59.5 "
             "}}",
             "1h 1m 1s 1.2ms 59.5s"},
        Case{"{{ humanizeTimestamp 1435065584.128 }}", "2015-06-23 13:19:44.128 +0000 UTC"},
        Case{"{{ humanize 0 }} {{ humanize \"1500\" }} {{ humanize 0.00042 }}", "0 1.5k 420u"},
        Case{"{{ title \"hot gpu-0\" }} {{ toUpper \"é1\" }} {{ toLower \"ABC\" }}",
             "Hot Gpu-0 É1 abc"},
        Case{"{{ reReplaceAll \"(.*):.*\" \"$1\" .Labels.instance }}", "db"},
        Case{"{{ reReplaceAll \"x*\" \"-\" \"abxd\" }}", "-a-b-d-"},
        Case{"{{ match \"^d.\" \"db\" }} {{ stripPort \"[::1]:9\" }} {{ stripDomain \"a.b.c:1\" }}",
             "true ::1 a:1"},
        Case{"{{ query \"up\" | first | value }} {{ query \"up\" | sortByLabel \"instance\" | "
             "first | "
             "label \"instance\" }}",
             "2 a"},
        Case{"{{ range query \"up\" }}{{ .Labels.instance }}={{ .Value }} {{ end }}", "b=2 a=1 "},
        Case{"{{ externalURL }} {{ pathPrefix }} {{ now }}",
             "http://mon.example/strata /strata 1.7e+09"},
        Case{"{{ graphLink \"a b\" }}", "/graph?g0.expr=a+b&g0.tab=0"},
        Case{"{{ parseDuration \"1h2m\" }} {{ (toTime 1.5).Format \"15:04:05.000\" }}",
             "3720 00:00:01.500"},
        Case{"{{ toDuration 90 }} {{ (args 1 \"b\").arg1 }} {{ (args 1).arg7 }}",
             "1m30s b <no value>"},
        Case{"{{ stringSlice \"a\" \"b\" | join \"-\" }}", "a-b"}));

INSTANTIATE_TEST_SUITE_P(
    Errors, TemplatePrints,
    ::testing::Values(
        Case{"{{ $label.foo }}", "template: t:1: undefined variable \"$label\""},
        Case{"{{ nope }}", "template: t:1: function \"nope\" not defined"},
        Case{"a\n{{ if }}", "template: t:2: missing value for if"},
        Case{"{{ if true }}", "template: t:1: unexpected EOF"},
        Case{"{{ end }}", "template: t:1: unexpected {{end}}"},
        Case{"{{ .Labels", "template: t:1: unclosed action"},
        Case{"{{ gt .Value 5 }}",
             "template: t:1:3: executing \"t\" at <gt .Value 5>: error calling "
             "gt: incompatible types for comparison"},
        Case{"{{ humanize \"abc\" }}",
             "template: t:1:3: executing \"t\" at <humanize \"abc\">: error calling humanize: "
             "strconv.ParseFloat: parsing \"abc\": invalid syntax"},
        Case{"{{ first (query \"none\") }}",
             "template: t:1:3: executing \"t\" at <first (query \"none\")>: error calling first: "
             "first() called on vector with no elements"},
        Case{"{{ define \"r\" }}{{ template \"r\" . }}{{ end }}{{ template \"r\" . }}",
             "template: t:1:28: executing \"r\" at <{{template \"r\"}}>: exceeded maximum template "
             "depth"}));

TEST(TemplateSet, AnUndefinedTemplateIsAnError) {
  TemplateSet set(rule_functions());
  EXPECT_FALSE(set.execute("none", Value()));
}

TEST(TemplateSet, TextAloneIsAConstant) {
  TemplateSet set(rule_functions());
  ASSERT_TRUE(set.parse("a", "just text"));
  ASSERT_TRUE(set.parse("b", "{{ 1 }}"));
  ASSERT_NE(set.constant("a"), nullptr);
  EXPECT_EQ(*set.constant("a"), "just text");
  EXPECT_EQ(set.constant("b"), nullptr);
}

TEST(TemplateSet, ARunawayTemplateEndsInAnError) {
  TemplateSet set(rule_functions());
  ASSERT_TRUE(set.parse("steps", "{{ range 1000000000 }}{{ end }}"));
  ASSERT_TRUE(set.parse("output", "{{ range 100000 }}{{ printf \"%1000s\" \"x\" }}{{ end }}"));
  EXPECT_EQ(set.execute("steps", Value()).error().code, ErrorCode::kLimit);
  EXPECT_EQ(set.execute("output", Value()).error().code, ErrorCode::kLimit);
}

TEST(TemplateSet, NestingIsBounded) {
  TemplateSet set(rule_functions());
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += "{{ if true }}";
  EXPECT_FALSE(set.parse("deep", text));
  EXPECT_FALSE(set.parse("parens", "{{ " + std::string(100'000, '(')));
}

std::string html(std::string_view text) {
  TemplateSet set(notification_functions());
  if (const auto parsed = set.parse("t", text); !parsed) return parsed.error().message;
  Map data;
  data.entries["Evil"] = Value("<b> \"&'");
  data.entries["Script"] = Value("javascript:alert(1)");
  data.entries["Url"] = Value("http://h/a b?x=1&y=\"");
  data.entries["Word"] = Value("red");
  const auto out = set.execute_html("t", Value(std::move(data)), {});
  return out ? *out : out.error().message;
}

class HtmlTemplatePrints : public ::testing::TestWithParam<Case> {};
TEST_P(HtmlTemplatePrints, WhatItsPlaceNeeds) { EXPECT_EQ(html(GetParam().text), GetParam().want); }

// As Go's html/template prints them.
INSTANTIATE_TEST_SUITE_P(
    Places, HtmlTemplatePrints,
    ::testing::Values(Case{"<p>{{ .Evil }}</p>", "<p>&lt;b&gt; &#34;&amp;&#39;</p>"},
                      Case{"<p title=\"{{ .Evil }}\">", "<p title=\"&lt;b&gt; &#34;&amp;&#39;\">"},
                      Case{"<p title={{ .Evil }}>", "<p title=&lt;b&gt;&#32;&#34;&amp;&#39;>"},
                      Case{"<p>{{ .Evil | safeHtml }}</p>", "<p><b> \"&'</p>"},
                      Case{"<p>{{ .Evil | html }}</p>", "<p>&lt;b&gt; &#34;&amp;&#39;</p>"},
                      Case{"<a href=\"{{ .Script }}\">", "<a href=\"#ZgotmplZ\">"},
                      Case{"<a href='{{ .Script | safeUrl }}'>", "<a href='javascript:alert(1)'>"},
                      Case{"<a href=\"{{ .Url }}\">", "<a href=\"http://h/a%20b?x=1&amp;y=%22\">"},
                      Case{"<a href=\"/x?q={{ .Url }}\">",
                           "<a href=\"/x?q=http%3a%2f%2fh%2fa%20b%3fx%3d1%26y%3d%22\">"},
                      Case{"<a href=\"/x?q={{ .Url | urlquery }}\">",
                           "<a href=\"/x?q=http%3A%2F%2Fh%2Fa&#43;b%3Fx%3D1%26y%3D%22\">"},
                      Case{"<p style=\"color:{{ .Word }}\">{{ .Word }}",
                           "<p style=\"color:red\">red"},
                      Case{"<p style=\"color:{{ .Evil }}\">", "<p style=\"color:ZgotmplZ\">"},
                      Case{"a<!-- {{/* */}} -->b", "ab"},
                      Case{"{{ if .Word }}<i>{{ end }}x", "<i>x"}));

TEST(HtmlTemplate, RefusesAValueWithinAScript) {
  EXPECT_TRUE(
      html("<script>var a = {{ .Word }}</script>").contains("cannot stand within <script>"));
  EXPECT_TRUE(
      html("<p onclick=\"{{ .Word }}\">").contains("cannot stand in the attribute onclick"));
}

TEST(NotificationFunctions, AreAlertmanagers) {
  const auto print = [](std::string_view text) {
    TemplateSet set(notification_functions());
    if (const auto parsed = set.parse("t", text); !parsed) return parsed.error().message;
    const auto out = set.execute("t", Value());
    return out ? *out : out.error().message;
  };
  EXPECT_EQ(print("{{ \"hELLO world\" | title }}"), "Hello World");
  EXPECT_EQ(print("{{ \"a+b%20c\" | urlUnescape }}"), "a b c");
  EXPECT_TRUE(print("{{ \"%zz\" | urlUnescape }}").contains("invalid URL escape \"%zz\""));
  EXPECT_EQ(print("{{ base64encode \"?>>\" }} {{ base64decode \"Pz4-\" }}"), "Pz4- ?>>");
  EXPECT_EQ(print("{{ toJson (dict \"a\" 1 \"b\" (list true \"x\")) }}"),
            R"({"a":1,"b":[true,"x"]})");
  EXPECT_EQ(print("{{ append (list 1) 2 3 }}"), "[1 2 3]");
  EXPECT_TRUE(print("{{ dict 1 2 }}").contains("dict keys must be strings"));
}

TEST(TemplateSet, ALayerHidesWhatItsBaseDefines) {
  TemplateSet base(notification_functions());
  ASSERT_TRUE(base.parse(
      "b", "{{ define \"x\" }}base{{ end }}{{ define \"y\" }}{{ template \"x\" }}{{ end }}"));
  TemplateSet layer(base);
  ASSERT_TRUE(layer.parse("", "{{ define \"x\" }}own{{ end }}{{ template \"y\" }}"));
  EXPECT_EQ(layer.execute("", Value()).value_or("?"), "own");
  EXPECT_EQ(base.execute("y", Value()).value_or("?"), "base");
}

}  // namespace
}  // namespace strata::templates
