#include "wire/exposition.h"

#include <gtest/gtest.h>

#include <random>

#include "wire/exposition_number.h"
#include "wire/reference_parser.h"
#include "wire/testing.h"

namespace strata::wire {
namespace {

using enum ExpositionFormat;

// One line an entry: what a person would write down when asked what is in the body.
std::string outline(std::string_view body, ExpositionFormat format) {
  ExpositionParser parser(body, format);
  std::string out;
  std::vector<Label> labels;
  for (;;) {
    const auto entry = parser.next();
    if (!entry) return out + "error: " + entry.error().message;
    switch (*entry) {
      case Entry::kEnd: return out;
      case Entry::kSample: {
        if (const auto decoded = parser.labels(labels); !decoded) {
          out += "labels: " + decoded.error().message + "\n";
          break;
        }
        out += Labels::from_sorted(labels).to_string() + " " + format_double(parser.value());
        if (parser.timestamp()) out += " @" + std::to_string(*parser.timestamp());
        Exemplar exemplar;
        if (parser.has_exemplar()) {
          if (const auto read = parser.exemplar(exemplar); !read) {
            out += " exemplar: " + read.error().message;
          } else {
            out += " # " + exemplar.labels.to_string() + " " + format_double(exemplar.value);
            if (exemplar.timestamp) out += " @" + std::to_string(*exemplar.timestamp);
          }
        }
        out += "\n";
        break;
      }
      case Entry::kType:
        out += "TYPE " + std::string(parser.family()) + " ";
        out += std::string(to_string(parser.type())) + "\n";
        break;
      case Entry::kHelp:
        out += "HELP " + std::string(parser.family()) + " ";
        out += std::string(parser.text()) + "\n";
        break;
      case Entry::kUnit:
        out += "UNIT " + std::string(parser.family()) + " ";
        out += std::string(parser.text()) + "\n";
        break;
      case Entry::kComment: out += "comment " + std::string(parser.text()) + "\n"; break;
    }
  }
}

struct Case {
  std::string_view body;
  std::string_view outline;
};

TEST(TextParser, ReadsWhatPrometheusReads) {
  const Case cases[] = {
      {"", ""},
      {"\n \t\n", ""},
      {"a 1", "a 1\n"},
      {"a 1\n", "a 1\n"},
      {"\t a\t 1 \t\n", "a 1\n"},
      {"a 1 1395066363000\n", "a 1 @1395066363000\n"},
      {"a\t1\t5 \n", "a 1 @5\n"},
      {"a{} 1\n", "a 1\n"},
      {"a{b=\"c\"}1\n", "a{b=\"c\"} 1\n"},
      {"a { b = \"c\" , d = \"e\" , } 1\n", "a{b=\"c\", d=\"e\"} 1\n"},
      {"a{b=\"c\" d=\"e\"} 1\n", "a{b=\"c\", d=\"e\"} 1\n"},
      {"a{d=\"1\",b=\"2\",c=\"\"} 1\n", "a{b=\"2\", d=\"1\"} 1\n"},
      {R"(a{b="x\\y\"z\nw\q"} 1)", R"(a{b="x\\y\"z\nw\\q"} 1)"
                                   "\n"},
      {"a{b=\"x\ny\"} 1\n", "a{b=\"x\\ny\"} 1\n"},
      {"a{b=\"} 1 # {\"} 2\n", "a{b=\"} 1 # {\"} 2\n"},
      {"{\"my.metric\", a=\"b\"} 1\n", "{\"my.metric\", a=\"b\"} 1\n"},
      {"{a=\"b\",\"my.metric\"} 1\n", "{\"my.metric\", a=\"b\"} 1\n"},
      {"a{\"my label\"=\"b\"} 1\n", "a{\"my label\"=\"b\"} 1\n"},
      {"{\"m\\\"m\"} 1\n", "{\"m\\\"m\"} 1\n"},
      {"a +Inf\nb -inf\nc NaN\nd Infinity\n", "a +Inf\nb -Inf\nc NaN\nd +Inf\n"},
      {"a 1e3\nb -1.5E-3\nc .5\nd 1.\ne +7\n", "a 1000\nb -0.0015\nc 0.5\nd 1\ne 7\n"},
      {"# TYPE a counter\na 1\n", "TYPE a counter\na 1\n"},
      {"# \tTYPE a summary\n", "TYPE a summary\n"},
      {"# TYPE a untyped\n", "TYPE a unknown\n"},
      {"# TYPE \"a b\" gauge\n", "TYPE a b gauge\n"},
      {"# HELP a some \\\\ \\n \\\" text\n", "HELP a some \\ \n \\\" text\n"},
      {"# HELP a\n# HELP b \n# HELP c  x\n", "HELP a \nHELP b \nHELP c  x\n"},
      {"# HELP a text", "HELP a text\n"},
      {"# HELP my.metric text\n", "comment # HELP my.metric text\n"},
      {"# HELP\n#TYPE a b\n# HELPa b\n#\n# UNIT a s\n",
       "comment # HELP\ncomment #TYPE a b\ncomment # HELPa b\ncomment #\ncomment # UNIT a s\n"},
      {std::string_view("# HELP a nul\0 in help\n", 22),
       std::string_view("HELP a nul\0 in help\n", 20)},
      {"# TYPE a histogram\na_bucket{le=\"1\"} 1\na_bucket{le=\"1000000\"} 2\na_bucket{le=\"x\"} "
       "2\n",
       "TYPE a histogram\na_bucket{le=\"1.0\"} 1\na_bucket{le=\"1e+06\"} 2\na_bucket{le=\"x\"} "
       "2\n"},
      {"# TYPE a summary\na{quantile=\"0.50\",le=\"1\"} 1\n",
       "TYPE a summary\na{le=\"1\", quantile=\"0.5\"} 1\n"},
      {"# TYPE a gauge\na{quantile=\"1\",le=\"1\"} 1\n",
       "TYPE a gauge\na{le=\"1\", quantile=\"1\"} 1\n"},
  };
  for (const auto& [body, expected] : cases) EXPECT_EQ(outline(body, kText), expected) << body;
}

TEST(TextParser, RefusesWithLineColumnAndExcerpt) {
  const Case cases[] = {
      {"a", "line 1, column 2: expected a blank or '{' after the metric name, in \"a\""},
      {"a \n", "line 1, column 3: expected a value, in \"a \""},
      {"x 1\na{b=\"c\"} y\n",
       "line 2, column 10: the value is not a number, in \"a{b=\\\"c\\\"} y\""},
      {"a 1 1.5\n", "line 1, column 6: expected the end of the line, in \"a 1 1.5\""},
      {"a 1 -5\n",
       "line 1, column 5: expected a timestamp (whole milliseconds) or the end of the "
       "line, in \"a 1 -5\""},
      {"a 1 99999999999999999999\n",
       "line 1, column 5: expected a timestamp (whole milliseconds) or the end of the line, in "
       "\"a 1 99999999999999999999\""},
      {"a 1\r\n", "line 1, column 3: the value is not a number, in \"a 1\\r\""},
      {"a 0x1p3\n", "line 1, column 3: the value is not a number, in \"a 0x1p3\""},
      {"a 1_000\n", "line 1, column 3: the value is not a number, in \"a 1_000\""},
      {"a+1\n", "line 1, column 2: expected a blank or '{' after the metric name, in \"a+1\""},
      {"0a 1\n", "line 1, column 1: expected a metric name, '{' or '#', in \"0a 1\""},
      {"a{b} 1\n", "line 1, column 4: expected '=' after the label name, in \"a{b} 1\""},
      {"a{b='c'} 1\n",
       "line 1, column 5: expected a label value in double quotes, in \"a{b='c'} 1\""},
      {"a{b=\"c} 1\n", "line 1, column 5: the quote is not closed, in \"a{b=\\\"c} 1\""},
      {"a{,} 1\n", "line 1, column 3: expected a label name or the closing brace, in \"a{,} 1\""},
      {"a{b=\"\xff\"} 1\n",
       "line 1, column 5: the text in quotes is not UTF-8, in "
       "\"a{b=\\\"\xef\xbf\xbd\\\"} 1\""},
      {"{a=\"b\"} 1\n", "line 1, column 7: the sample has no metric name, in \"{a=\\\"b\\\"} 1\""},
      {"a{\"b\"} 1\n", "line 1, column 4: the metric has a name already, in \"a{\\\"b\\\"} 1\""},
      {"{\"\"} 1\n", "line 1, column 3: a name is empty, in \"{\\\"\\\"} 1\""},
      {"# TYPE a meh\n", "line 1, column 9: no such metric type, in \"# TYPE a meh\""},
      {"# TYPE a info\n", "line 1, column 9: no such metric type, in \"# TYPE a info\""},
      {"# TYPE a counter \n", "line 1, column 9: no such metric type, in \"# TYPE a counter \""},
      {"# HELP \n", "line 1, column 8: expected a metric name, in \"# HELP \""},
      {"# HELP a \xff\n", "line 1, column 9: the help is not UTF-8, in \"# HELP a \xef\xbf\xbd\""},
      {std::string_view("a 1\n\0", 5),
       "line 2, column 1: expected a metric name, '{' or '#', in \"\\u0000\""},
  };
  for (const auto& [body, expected] : cases) {
    const std::string all = outline(body, kText);
    EXPECT_EQ(all.substr(std::min(all.find("error: "), all.size())),
              "error: " + std::string(expected))
        << body;
  }
}

TEST(TextParser, KeepsTheExcerptOfALongLineShort) {
  const std::string body = "a{b=\"" + std::string(100'000, 'x') + "\"} y" + std::string(1000, 'z');
  ExpositionParser parser(body, kText);
  const auto entry = parser.next();
  ASSERT_FALSE(entry);
  EXPECT_LT(entry.error().message.size(), 200u);
}

TEST(TextParser, ReportsARepeatedLabelNameWhenLabelsAreAskedFor) {
  EXPECT_EQ(outline("x 1\na{b=\"1\",b=\"2\"} 1\n", kText),
            "x 1\nlabels: line 2: label name \"b\" occurs twice\n");
  EXPECT_EQ(outline("a{__name__=\"b\"} 1\n", kText),
            "labels: line 1: label name \"__name__\" occurs twice\n");
}

TEST(OpenMetricsParser, ReadsTimestampsInSecondsAndExemplars) {
  const Case cases[] = {
      {"# EOF", ""},
      {"# EOF\n", ""},
      {"a 1 1520879607.789\n# EOF\n", "a 1 @1520879607789\n"},
      {"a 1 1.520430000123e+09\n# EOF\n", "a 1 @1520430000123\n"},
      {"a 1 -1.1\n# EOF\n", "a 1 @-1100\n"},
      {"a 1 0.0009\n# EOF\n", "a 1 @0\n"},
      {"a 1 12345678901234567890.1234567890\n# EOF\n", "a 1 @9223372036854775807\n"},
      {"a 1 1e999999999999\n# EOF\n", "a 1 @9223372036854775807\n"},
      {"a 1 000\n# EOF\n", "a 1 @0\n"},
      {"a_total 1 # {b=\"c\"} 0.5\n# EOF\n", "a_total 1 # {b=\"c\"} 0.5\n"},
      {"a_total 1 2 # {} 0.5 3.5\n# EOF\n", "a_total 1 @2000 # {} 0.5 @3500\n"},
      {"a{b=\" # {\"} 1 # {c=\"}\",} NaN\n# EOF\n", "a{b=\" # {\"} 1 # {c=\"}\"} NaN\n"},
      {"a{b=\"c\",} 1\n# EOF\n", "a{b=\"c\"} 1\n"},
      {"{\"my.metric\",\"my.label\"=\"c\"} 1\n# EOF\n", "{\"my.metric\", \"my.label\"=\"c\"} 1\n"},
      {"# TYPE a_s gauge\n# UNIT a_s s\n# HELP a_s \\\"x\\\" \n# EOF\n",
       "TYPE a_s gauge\nUNIT a_s s\nHELP a_s \"x\" \n"},
      {"# TYPE a stateset\n# TYPE b gaugehistogram\n# TYPE c info\n# TYPE d unknown\n# EOF\n",
       "TYPE a stateset\nTYPE b gaugehistogram\nTYPE c info\nTYPE d unknown\n"},
      {"# TYPE a histogram\na_bucket{le=\"+Inf\"} 1\na_bucket{le=\"5\"} 1\n# EOF\n",
       "TYPE a histogram\na_bucket{le=\"+Inf\"} 1\na_bucket{le=\"5.0\"} 1\n"},
  };
  for (const auto& [body, expected] : cases) {
    EXPECT_EQ(outline(body, kOpenMetrics), expected) << body;
  }
}

TEST(OpenMetricsParser, BoundsAnExemplarWithoutLosingItsSample) {
  const std::string longest = "a 1 # {b=\"" + std::string(127, 'x') + "\"} 1\n# EOF\n";
  EXPECT_EQ(outline(longest, kOpenMetrics).find("exemplar:"), std::string::npos);
  const std::string too_long = "a 1 # {b=\"" + std::string(128, 'x') + "\"} 1\n# EOF\n";
  EXPECT_EQ(outline(too_long, kOpenMetrics),
            "a 1 exemplar: line 1: the exemplar's labels have 129 characters, more than 128\n");
  EXPECT_EQ(outline("a 1 # {b=\"1\",b=\"2\"} 1\n# EOF\n", kOpenMetrics),
            "a 1 exemplar: line 1: label name \"b\" occurs twice\n");
}

TEST(OpenMetricsParser, SaysThatABodyWasCutOff) {
  for (const std::string_view body :
       {"", "a 1", "a 1\n", "a", "# HELP a b", "a 1 2", "a 1 # {} 1"}) {
    EXPECT_NE(outline(body, kOpenMetrics).find("ends without # EOF"), std::string::npos) << body;
  }
}

TEST(ExpositionParser, StaysAtTheEnd) {
  for (const auto format : {kText, kOpenMetrics}) {
    ExpositionParser parser("a 1\n# EOF\n", format);
    while (parser.next() != Entry::kEnd) {
    }
    EXPECT_EQ(parser.next(), Entry::kEnd);
  }
}

TEST(ExpositionParser, TakesTheExpectedSeriesOnlyWhereItStands) {
  struct {
    std::string_view line, expected;
    bool taken;
  } cases[] = {
      {"a{b=\"c\"} 1\n", "a{b=\"c\"}", true},
      {"a{b=\"c\"} 1\n", "a{b=\"d\"}", false},
      {"a 1\n", "a", true},
      {"ab 1\n", "a", false},
      {"a{b=\"c\"} 1\n", "a", false},
      {"a {b=\"c\"} 1\n", "a", false},
      {"a {b=\"c\"} 1\n", "a {b=\"c\"}", true},
      {"a 1\n", "a 1\n and more", false},
      {"a{b=\"c\"}1\n", "a{b=\"c\"}", true},
      {"  a 1\n", "a", true},
      {"a 1\n", "", false},
  };
  for (const auto& [line, expected, taken] : cases) {
    ExpositionParser parser(line, kText);
    ASSERT_EQ(parser.next(expected), Entry::kSample) << line;
    EXPECT_EQ(parser.as_expected(), taken) << line << expected;
    EXPECT_EQ(parser.value(), 1);
    std::vector<Label> labels;
    EXPECT_TRUE(parser.labels(labels));
    EXPECT_FALSE(labels.empty());
  }
}

TEST(ExpositionParser, NormalisesNan) {
  ExpositionParser parser("a nan\nb -NaN\n", kText);
  for (int i = 0; i < 2; ++i) {
    ASSERT_EQ(parser.next(), Entry::kSample);
    EXPECT_EQ(std::bit_cast<uint64_t>(parser.value()), kNormalNanBits);
  }
}

TEST(ExpositionParser, KnowsContentTypes) {
  EXPECT_EQ(format_of_content_type("text/plain; version=0.0.4; charset=utf-8"), kText);
  EXPECT_EQ(format_of_content_type("Text/Plain"), kText);
  EXPECT_EQ(format_of_content_type(" application/openmetrics-text ; version=1.0.0"), kOpenMetrics);
  EXPECT_EQ(format_of_content_type(content_type_of(kText)), kText);
  EXPECT_EQ(format_of_content_type(content_type_of(kOpenMetrics)), kOpenMetrics);
  for (const std::string_view other : {"", "text/html", "application/json", "garbage",
                                       "application/vnd.google.protobuf; encoding=delimited"}) {
    EXPECT_FALSE(format_of_content_type(other)) << other;
  }
}

// Numbers that the short path takes must be those that the exact reader gives.
TEST(ExpositionNumber, ShortDecimalsAreExact) {
  std::mt19937_64 random(1);
  const auto check = [](const std::string& text) {
    double quick = 0;
    const char* after = scan_short_decimal(text.data(), text.data() + text.size(), &quick);
    if (after != text.data() + text.size()) return false;
    const auto exact = parse_double(text);
    EXPECT_TRUE(exact && std::bit_cast<uint64_t>(*exact) == std::bit_cast<uint64_t>(quick)) << text;
    return true;
  };
  size_t taken = 0;
  for (int i = 0; i < 200'000; ++i) {
    std::string text = random() % 4 == 0 ? "-" : "";
    text += std::to_string(random() >> (random() % 64));
    if (random() % 2 == 0)
      text.insert(text[0] == '-' ? 1 + random() % (text.size() - 1) : random() % text.size(), ".");
    if (random() % 3 == 0) {
      text += random() % 2 == 0 ? "e-" : "E+";
      text += std::to_string(random() % 30);
    }
    taken += check(text);
  }
  EXPECT_GT(taken, 100'000u);
  EXPECT_TRUE(check("0"));
  EXPECT_TRUE(check("-0"));
  EXPECT_TRUE(check("9007199254740992"));
  EXPECT_FALSE(check("9007199254740993"));
  EXPECT_FALSE(check("."));
  EXPECT_FALSE(check("1e"));
  EXPECT_FALSE(check("00000000000000000001"));
}

TEST(ExpositionNumber, SpellsFloatsAsGoDoes) {
  struct {
    double value;
    std::string_view go, open_metrics;
  } cases[] = {
      {0, "0", "0.0"},
      {1, "1", "1.0"},
      {-1, "-1", "-1.0"},
      {0.5, "0.5", "0.5"},
      {123456, "123456", "123456.0"},
      {999999.5, "999999.5", "999999.5"},
      {1e6, "1e+06", "1e+06"},
      {2478268416, "2.478268416e+09", "2.478268416e+09"},
      {0.0001, "0.0001", "0.0001"},
      {0.00001, "1e-05", "1e-05"},
      {1e300, "1e+300", "1e+300"},
      {-std::numeric_limits<double>::infinity(), "-Inf", "-Inf"},
      {std::nan(""), "NaN", "NaN"},
  };
  for (const auto& [value, go, open_metrics] : cases) {
    std::string plain;
    std::string spelt;
    append_go_float(plain, value);
    append_open_metrics_float(spelt, value);
    EXPECT_EQ(plain, go);
    EXPECT_EQ(spelt, open_metrics);
    EXPECT_EQ(reference::spell_bound(value), open_metrics);
  }
}

// The fast parser against the plain one -----------------------------------------------------------

void expect_same(std::string_view body, ExpositionFormat format) {
  auto slow = reference::parse(body, format);
  reference::forgive_exemplars(slow);
  const auto fast = reference::parse_fast(body, format);
  ASSERT_EQ(fast.ok, slow.ok) << body;
  ASSERT_EQ(fast.entries.size(), slow.entries.size()) << body;
  for (size_t i = 0; i < fast.entries.size(); ++i) {
    ASSERT_TRUE(fast.entries[i] == slow.entries[i]) << "entry " << i << " of\n" << body;
  }
  // Told what to expect, right or wrong, it reads the same.
  std::vector<std::string> hints;
  for (const auto& entry : slow.entries) {
    if (entry.kind == Entry::kSample) hints.push_back(entry.series);
  }
  ASSERT_TRUE(reference::parse_fast(body, format, hints).entries == fast.entries) << body;
  std::ranges::rotate(hints, hints.begin() + (hints.empty() ? 0 : 1));
  ASSERT_TRUE(reference::parse_fast(body, format, hints).entries == fast.entries) << body;
}

// Found by fuzzing.
TEST(FastParser, ReadsAQuotedNameThatIsNotUtf8AsThePlainOneDoes) {
  using namespace std::string_view_literals;
  for (const auto format : {ExpositionFormat::kText, ExpositionFormat::kOpenMetrics}) {
    expect_same(
        "# HELP \"my.metric\" Dotted.\n# TYPE \"my.metr\\\x91"
        "c\" untyped\n"
        "{\"my.m\0\0# TYPE a\0\0\0\0 count\0er\n#\0"sv,
        format);
    expect_same("# TYPE \"a\\\x91\" untyped\n"sv, format);
    expect_same("# TYPE \"a\x91\" untyped\n"sv, format);
    expect_same("#\0"sv, format);
    expect_same("{\"a\0\n#\0"sv, format);
  }
}

class Generator {
 public:
  explicit Generator(uint64_t seed) : random_(seed) {}

  // Mostly right lines, in pieces that a mutation can break.
  std::string body(bool open_metrics) {
    std::string out;
    for (size_t lines = pick(12); lines-- > 0;) out += line(open_metrics);
    if (open_metrics && pick(8) != 0) out += pick(2) == 0 ? "# EOF" : "# EOF\n";
    return out;
  }

  std::string mutate(std::string body) {
    static constexpr std::string_view kSpice[] = {
        " ",    "\t",   "\n",   "\"",      "\\",      "{",  "}",   ",", "=",
        "#",    "# ",   " # {", "e",       "x",       "1",  "-",   ".", "NaN",
        "\xc3", "\xa9", "\xff", "# EOF\n", "# HELP ", "le", "+Inf"};
    for (size_t times = 1 + pick(3); times-- > 0 && !body.empty();) {
      const size_t at = pick(body.size());
      switch (pick(4)) {
        case 0: body.erase(at, 1 + pick(3)); break;
        case 1: body.insert(at, kSpice[pick(std::size(kSpice))]); break;
        case 2: body[at] = static_cast<char>(random_()); break;
        default: body.insert(at, body.substr(pick(body.size()), pick(10))); break;
      }
    }
    return body;
  }

 private:
  size_t pick(size_t n) { return random_() % n; }

  template <size_t N>
  std::string one_of(const char* const (&words)[N]) {
    return words[pick(N)];
  }

  std::string name() {
    return one_of({"a", "a_total", "x:y", "_", "long_metric_name_seconds_bucket"});
  }
  std::string number() {
    return one_of({"0", "1", "-2.5", "1e3", "0.013300656000000001", "NaN", "+Inf", "-inf",
                   "123456789012345678901", "1.7e-300", "2.478268416e+09", "00012", ".5", "0x1p3"});
  }
  std::string labels(bool open_metrics) {
    std::string out = "{";
    if (pick(6) == 0) out += "\"quoted name\",";
    for (size_t n = pick(4); n-- > 0;) {
      out += one_of({"le", "quantile", "b", "c_d", "\"u.v\"", "_"});
      out +=
          one_of({"=\"\"", "=\"1\"", "=\"x y\"", "=\"\\\\ \\\" \\n \\z\"", "=\"\xc3\xa9t\xc3\xa9\"",
                  "=\"1000000\"", "=\"0.50\"", "=\"some longer value without anything\""});
      if (n > 0 || pick(5) == 0) out += open_metrics ? "," : one_of({",", " , ", " "});
    }
    return out + "}";
  }
  std::string line(bool open_metrics) {
    switch (pick(8)) {
      case 0: return "# HELP " + name() + one_of({" text\n", " \\\\ \\n \\\"\n", " \n", "\n"});
      case 1:
        return "# TYPE " + name() +
               one_of({" counter\n", " histogram\n", " summary\n", " gauge\n", " untyped\n",
                       " info\n"});
      case 2:
        if (!open_metrics) return one_of({"\n", "# comment\n", "#\n", " # TYPE a counter\n"});
        return "# UNIT a_s" + one_of({" s\n", " \n", " m\n"});
      default: break;
    }
    std::string out = pick(10) == 0 ? "" : name();
    if (out.empty() || pick(2) == 0) out += labels(open_metrics);
    out += open_metrics ? " " : one_of({" ", "\t", "  "});
    out += number();
    if (pick(3) == 0) {
      out += open_metrics ? one_of({" 1.5", " 1520879607.789", " 1e3", " -1", " 0.0001"})
                          : one_of({" 1", "\t1520879607789", " 12 "});
    }
    if (open_metrics && pick(4) == 0) {
      out += " # " + labels(true) + " " + number() + one_of({"", " 1.5", " 1"});
    }
    return out + "\n";
  }

  std::mt19937_64 random_;
};

TEST(ExpositionParser, AgreesWithTheReferenceOnRandomBodies) {
  for (const auto format : {kText, kOpenMetrics}) {
    Generator generator(format == kText ? 11 : 12);
    size_t good = 0;
    for (int i = 0; i < 5'000; ++i) {
      const std::string body = generator.body(format == kOpenMetrics);
      good += reference::parse(body, format).ok;
      expect_same(body, format);
      expect_same(generator.mutate(body), format);
      if (HasFatalFailure()) return;
    }
    EXPECT_GT(good, 700u);
  }
}

TEST(ExpositionParser, AgreesWithTheReferenceOnRealBodies) {
  size_t files = 0;
  for (const auto& [name, body] : shared_bodies()) {
    ++files;
    expect_same(body, kText);
    expect_same(body, kOpenMetrics);
  }
  if (files == 0) GTEST_SKIP() << "no bodies in " << shared_data_dir();
}

}  // namespace
}  // namespace strata::wire
