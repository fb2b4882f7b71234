#include "promql/parser.h"

#include <gtest/gtest.h>

#include "promql/function_table.h"
#include "promql/quote.h"

namespace strata::promql {
namespace {

const ParserOptions kEverything = ParserOptions::everything();

std::string canonical(std::string_view text) {
  const auto expr = parse(text, kEverything);
  return expr ? to_string(**expr) : "error: " + expr.error().message;
}

struct Printed {
  std::string_view text;
  std::string_view canonical;
};

class Canonical : public testing::TestWithParam<Printed> {};

TEST_P(Canonical, PrintsAndReadsBack) {
  const auto& [text, expected] = GetParam();
  EXPECT_EQ(canonical(text), expected);
  EXPECT_EQ(canonical(expected), expected) << "the canonical text is not canonical";
}

INSTANTIATE_TEST_SUITE_P(Literals, Canonical,
                         testing::Values(Printed{"1", "1"}, Printed{"+Inf", "+Inf"},
                                         Printed{"-inf", "-Inf"}, Printed{"0x1F", "31"},
                                         Printed{"017", "15"}, Printed{"1_000", "1000"},
                                         Printed{"1e3", "1000"}, Printed{".5", "0.5"},
                                         Printed{"5m", "5m"}, Printed{"-1h30m", "-1h30m"},
                                         Printed{"\"a\\tb\\x41\"", "\"a\\tbA\""},
                                         Printed{"`raw\\n`", "\"raw\\\\n\""}));

INSTANTIATE_TEST_SUITE_P(Precedence, Canonical,
                         testing::Values(Printed{"1+2*3", "1 + 2 * 3"}, Printed{"-a^2", "-a ^ 2"},
                                         Printed{"(a+b)*c", "(a + b) * c"},
                                         Printed{"2^3^2", "2 ^ 3 ^ 2"}, Printed{"inf^y", "Inf ^ y"},
                                         Printed{"-inf^y", "-Inf ^ y"},
                                         Printed{"a or b and c", "a or b and c"},
                                         Printed{"- -1", "1"}, Printed{"a > bool 1", "a > bool 1"},
                                         Printed{"a</b", "a </ b"},
                                         Printed{"a atan2 b", "a atan2 b"}));

INSTANTIATE_TEST_SUITE_P(
    Selectors, Canonical,
    testing::Values(
        Printed{"up", "up"}, Printed{"sum", "sum"}, Printed{"offset", "offset"},
        Printed{"job:rate5m:sum", "job:rate5m:sum"},
        Printed{"up{job='api',a!=\"b\"}", "up{a!=\"b\",job=\"api\"}"},
        Printed{"{__name__=~\"a.*\"}", "{__name__=~\"a.*\"}"},
        Printed{"{\"with space\", l=\"v\"}", "{__name__=\"with space\",l=\"v\"}"},
        Printed{"{\"l.dot\"=\"v\"}", "{\"l.dot\"=\"v\"}"}, Printed{"up offset 5m", "up offset 5m"},
        Printed{"up offset -90s", "up offset -1m30s"}, Printed{"up @ 1.5", "up @ 1.500"},
        Printed{"up @ end() offset 1m", "up @ end() offset 1m"},
        Printed{"rate(x[5m] offset 1m)", "rate(x[5m] offset 1m)"},
        Printed{"rate(x[5m] smoothed)", "rate(x[5m] smoothed)"}, Printed{"x[5m:]", "x[5m:]"},
        Printed{"x[1h:30s] @ start()", "x[1h:30s] @ start()"},
        Printed{"rate(x[2m*(1+step())])", "rate(x[2m * (1 + step())])"},
        Printed{"x offset max_of(1m, step())", "x offset max_of(1m, step())"},
        Printed{"up # a comment", "up"}));

INSTANTIATE_TEST_SUITE_P(
    Operations, Canonical,
    testing::Values(
        Printed{"sum by(a,b)(x)", "sum by (a, b) (x)"}, Printed{"sum(x)by(a)", "sum by (a) (x)"},
        Printed{"sum without()(x)", "sum without () (x)"}, Printed{"topk(3,x)", "topk(3, x)"},
        Printed{"count_values by(\"l.dot\")(\"v\",x)", "count_values by (\"l.dot\") (\"v\", x)"},
        Printed{"a/on(x)group_left(y)b", "a / on (x) group_left (y) b"},
        Printed{"a*ignoring(x)group_right b", "a * ignoring (x) group_right () b"},
        Printed{"a + fill(0) b", "a + fill (0) b"},
        Printed{"a + fill_left(-1) fill_right(2) b", "a + fill_left (-1) fill_right (2) b"},
        Printed{"a and on() b", "a and on () b"}, Printed{"fill + fill", "fill + fill"},
        Printed{"clamp(x,0,1)", "clamp(x, 0, 1)"}, Printed{"time()", "time()"},
        Printed{"histogram_quantile(.9,sum by(le)(rate(h_bucket[5m])))",
                "histogram_quantile(0.9, sum by (le) (rate(h_bucket[5m])))"}));

struct Rejected {
  std::string_view text;
  std::string_view message;
};

class ParseError : public testing::TestWithParam<Rejected> {};

TEST_P(ParseError, SaysWhereAndWhat) {
  const auto expr = parse(GetParam().text, kEverything);
  ASSERT_FALSE(expr);
  EXPECT_EQ(expr.error().code, ErrorCode::kBadData);
  EXPECT_EQ(expr.error().message, GetParam().message);
}

INSTANTIATE_TEST_SUITE_P(
    Syntax, ParseError,
    testing::Values(
        Rejected{"", "1:1: parse error: no expression found in input"},
        Rejected{"1 +", "1:4: parse error: unexpected end of input"},
        Rejected{"a b", "1:3: parse error: unexpected identifier \"b\""},
        Rejected{"sum(a", "1:6: parse error: unclosed left parenthesis"},
        Rejected{"(a", "1:3: parse error: unclosed left parenthesis"},
        Rejected{"a\n  ))", "2:4: parse error: unexpected right parenthesis ')'"},
        Rejected{"a{b}",
                 "1:4: parse error: unexpected \"}\" in label matching, expected label "
                 "matching operator"},
        Rejected{"a{b=c}",
                 "1:5: parse error: unexpected identifier \"c\" in label matching, "
                 "expected string"},
        Rejected{"a{b=\"c\" d",
                 "1:9: parse error: unexpected identifier \"d\" in label matching, "
                 "expected \",\" or \"}\""},
        Rejected{"a[5m", "1:5: parse error: unexpected end of input in duration expression"},
        Rejected{"a[x]", "1:3: parse error: unexpected character in duration expression: 'x'"},
        Rejected{"a[0s]", "1:3: parse error: duration must be greater than 0"},
        Rejected{"a offset",
                 "1:9: parse error: unexpected end of input in offset, expected "
                 "number, duration, step(), or range()"},
        Rejected{"a @ b", "1:5: parse error: unexpected identifier \"b\" in @, expected timestamp"},
        Rejected{"sum by a (b)",
                 "1:8: parse error: unexpected identifier \"a\" in grouping opts, "
                 "expected \"(\""},
        Rejected{"\"unclosed", "1:1: parse error: unterminated quoted string"},
        Rejected{"a{b=~\"(\"}",
                 "1:3: parse error: invalid regular expression \"(\": missing ): ("}));

INSTANTIATE_TEST_SUITE_P(
    Types, ParseError,
    testing::Values(
        Rejected{"nope(a)", "1:1: parse error: unknown function with name \"nope\""},
        Rejected{"rate(a)",
                 "1:6: parse error: expected type range vector in call to function "
                 "\"rate\", got instant vector"},
        Rejected{"rate()", "1:1: parse error: expected 1 argument(s) in call to \"rate\", got 0"},
        Rejected{"a[5m] + 1",
                 "1:1: parse error: binary expression must contain only scalar and "
                 "instant vector types"},
        Rejected{"1 > 2", "1:3: parse error: comparisons between scalars must use BOOL modifier"},
        Rejected{"a + bool b",
                 "1:3: parse error: bool modifier can only be used on comparison operators"},
        Rejected{"a and 1",
                 "1:1: parse error: set operator \"and\" not allowed in binary scalar "
                 "expression"},
        Rejected{"a on(x) + b", "1:3: parse error: unexpected <on>"},
        Rejected{"a + on(x) group_left(x) b",
                 "1:3: parse error: label \"x\" must not occur in ON "
                 "and GROUP clause at once"},
        Rejected{"{}",
                 "1:1: parse error: vector selector must contain at least one non-empty "
                 "matcher"},
        Rejected{"a{__name__=\"b\"}",
                 "1:1: parse error: metric name must not be set twice: \"a\" or \"b\""},
        Rejected{"a offset 1m offset 2m", "1:1: parse error: offset may not be set multiple times"},
        Rejected{"rate(a offset 1m [5m])",
                 "1:18: parse error: no offset modifiers allowed before range"},
        Rejected{"topk(a)",
                 "1:1: parse error: wrong number of arguments for aggregate expression "
                 "provided, expected 2, got 1"},
        Rejected{"-\"text\"",
                 "1:1: parse error: unary expression only allowed on expressions of "
                 "type scalar or instant vector, got \"string\""}));

TEST(Parser, KeepsExperimentalSyntaxBehindItsOptions) {
  EXPECT_EQ(parse("limitk(1, a)").error().message,
            "1:1: parse error: limitk() is experimental and must be enabled with "
            "--enable-feature=promql-experimental-functions");
  EXPECT_EQ(parse("mad_over_time(a[5m])").error().message,
            "1:1: parse error: function \"mad_over_time\" is not enabled");
  EXPECT_EQ(parse("rate(a[5m] anchored)").error().message,
            "1:6: parse error: anchored modifier is experimental and not enabled");
  EXPECT_EQ(parse("a + fill(1) b").error().message,
            "1:1: parse error: binop fill modifiers are experimental and not enabled");
}

TEST(Parser, LimitsDepthAndLength) {
  const std::string open(1000, '(');
  EXPECT_NE(parse(open + "a" + std::string(1000, ')')).error().message.find("nested deeper"),
            std::string::npos);
  std::string chain = "a";
  for (int i = 0; i < 1000; ++i) chain += " + a";
  EXPECT_NE(parse(chain).error().message.find("nested deeper"), std::string::npos);
  ParserOptions short_text;
  short_text.max_length = 10;
  EXPECT_EQ(parse("a + b + c + d", short_text).error().message, "query is longer than 10 bytes");
}

TEST(Parser, ReadsSelectorsAndMetricsAlone) {
  const auto matchers = parse_selector("up{job=~\"a|b\"}");
  ASSERT_TRUE(matchers);
  ASSERT_EQ(matchers->size(), 2U);
  EXPECT_EQ((*matchers)[0].to_string(), "job=~\"a|b\"");
  EXPECT_EQ((*matchers)[1].to_string(), "__name__=\"up\"");
  EXPECT_FALSE(parse_selector("rate(up[5m])"));
  EXPECT_FALSE(parse_selector("up + up"));
  EXPECT_EQ(*parse_metric("up{a=\"b\"}"), (Labels{{"__name__", "up"}, {"a", "b"}}));
  EXPECT_EQ(*parse_metric("{a=\"b\",}"), (Labels{{"a", "b"}}));
  EXPECT_FALSE(parse_metric("up{a=~\"b\"}"));
}

TEST(Parser, KeepsPositions) {
  const auto expr = *parse("sum(rate(a[5m]) ) by (x) / b");
  EXPECT_EQ(expr->span, (SourceSpan{0, 28}));
  const auto& binary = as<BinaryExpr>(*expr);
  EXPECT_EQ(binary.lhs->span, (SourceSpan{0, 24}));
  EXPECT_EQ(binary.rhs->span, (SourceSpan{27, 28}));
  EXPECT_EQ(line_and_column("a\nbc", 3), "2:2");
}

TEST(Pretty, BreaksLongLinesAtTheirStructure) {
  const auto expr = *parse(
      "sum by (cluster, namespace) (rate(http_requests_total{code=~\"5..\",job=\"frontend\"}[5m])) "
      "/ sum by (cluster, namespace) (rate(http_requests_total{job=\"frontend\"}[5m])) > 0.05");
  EXPECT_EQ(pretty(*expr),
            "    sum by (cluster, namespace) "
            "(rate(http_requests_total{code=~\"5..\",job=\"frontend\"}[5m]))\n"
            "  /\n"
            "    sum by (cluster, namespace) (rate(http_requests_total{job=\"frontend\"}[5m]))\n"
            ">\n"
            "  0.05");
  EXPECT_EQ(pretty(**parse("up  +  up")), "up + up");
}

TEST(Quote, RoundTripsAnyBytes) {
  std::string bytes;
  for (int c = 0; c < 256; ++c) bytes += static_cast<char>(c);
  EXPECT_EQ(*unquote(strata::quoted(bytes)), bytes);
  EXPECT_EQ(*unquote("'\\u00e9\\U0001F600\\101'"),
            "\xc3\xa9\xf0\x9f\x98\x80"
            "A");
  EXPECT_FALSE(unquote("\"\\q\""));
  EXPECT_FALSE(unquote("\"\\ud800\""));
}

TEST(FunctionTable, HasPrometheusFunctions) {
  size_t stable = 0;
  for (const Function& function : functions()) {
    EXPECT_EQ(find_function(function.name), &function);
    EXPECT_FALSE(function.summary.empty()) << function.name;
    stable += function.experimental ? 0 : 1;
  }
  EXPECT_EQ(functions().size(), 90U);
  EXPECT_EQ(stable, 73U);
  EXPECT_EQ(find_function("nope"), nullptr);
}

}  // namespace
}  // namespace strata::promql
