// The client library: what it counts and what it writes. Threads are in metrics_threads_test.cc.
#include "strata/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <random>
#include <stdexcept>

namespace strata::metrics {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

// The exposition without the library's own families, which come last.
std::string user_text(Registry& registry, Format format = Format::kText) {
  std::string text = registry.text(format);
  const std::string_view suffix = format == Format::kText ? "_total " : " ";
  for (const std::string name : {"metrics_overflow_lookups", "metrics_name_conflicts"}) {
    const size_t own = text.find("# HELP " + name + std::string(suffix));
    if (own != std::string::npos) return text.substr(0, own);
  }
  return text;
}

TEST(Counter, CountsByOneAndByMany) {
  Registry registry;
  Counter& counter = registry.counter("jobs_total", "Jobs.");
  EXPECT_EQ(counter.value(), 0u);
  counter.inc();
  counter.inc(41);
  EXPECT_EQ(counter.value(), 42u);
}

TEST(Counter, KeepsWholeNumbersThatADoubleCannot) {
  Registry registry;
  registry.counter("big_total", "Big.").inc((uint64_t{1} << 53) + 1);
  EXPECT_THAT(registry.text(), HasSubstr("big_total 9007199254740993\n"));
}

TEST(FloatCounter, NeverFalls) {
  Registry registry;
  FloatCounter& counter = registry.float_counter("busy_seconds_total", "Busy.");
  counter.add(0.25);
  counter.add(-1);
  counter.add(std::nan(""));
  counter.add(1.5);
  EXPECT_EQ(counter.value(), 1.75);
}

TEST(Gauge, GoesUpAndDown) {
  Registry registry;
  Gauge& gauge = registry.gauge("in_flight", "In flight.");
  gauge.set(10);
  gauge.inc();
  gauge.dec();
  gauge.sub(2.5);
  EXPECT_EQ(gauge.value(), 7.5);
  gauge.set(-std::numeric_limits<double>::infinity());
  EXPECT_THAT(registry.text(), HasSubstr("in_flight -Inf\n"));
}

TEST(Histogram, PutsAValueIntoTheFirstBucketThatHoldsIt) {
  Registry registry;
  Histogram& histogram = registry.histogram("size_bytes", "Size.", {1, 2, 4});
  for (const double value : {-1.0, 1.0, 1.5, 2.0, 4.0, 4.1, HUGE_VAL}) histogram.observe(value);
  const Histogram::Value value = histogram.value();
  EXPECT_THAT(value.buckets, ElementsAre(2, 2, 1, 2));
  EXPECT_EQ(value.count, 7u);
}

TEST(Histogram, NanIsCountedButNotSummed) {
  Registry registry;
  Histogram& histogram = registry.histogram("size_bytes", "Size.", {1});
  histogram.observe(0.5);
  histogram.observe(std::nan(""));
  EXPECT_THAT(histogram.value().buckets, ElementsAre(1, 1));
  EXPECT_EQ(histogram.value().sum, 0.5);
}

TEST(Histogram, AgreesWithALinearSearchForEveryNumberOfBounds) {
  std::mt19937_64 random(7);
  std::uniform_real_distribution<double> any(-10, 310);
  for (size_t size = 0; size <= 300; size += size < 20 ? 1 : 35) {
    Registry registry;
    const std::vector<double> asked = linear_buckets(0, 1, size);
    Histogram& histogram = registry.histogram("x", "X.", asked);
    const size_t kept = std::min(size, detail::HistogramShape::kMaxBounds);
    std::vector<uint64_t> expected(kept + 1);
    for (int i = 0; i < 500; ++i) {
      const double value = i % 3 == 0 ? std::floor(any(random)) : any(random);
      size_t bucket = 0;
      while (bucket < kept && value > asked[bucket]) ++bucket;
      ++expected[bucket];
      histogram.observe(value);
    }
    EXPECT_EQ(histogram.value().buckets, expected) << size << " bounds";
  }
}

TEST(Histogram, SortsItsBoundsAndDropsUselessOnes) {
  const detail::HistogramShape shape({2, 1, HUGE_VAL, 2, std::nan(""), -HUGE_VAL});
  EXPECT_THAT(shape.bounds, ElementsAre(-HUGE_VAL, 1, 2));
}

TEST(Histogram, BucketsAreMadeByRule) {
  EXPECT_THAT(exponential_buckets(1, 2, 4), ElementsAre(1, 2, 4, 8));
  EXPECT_THAT(linear_buckets(-1, 0.5, 3), ElementsAre(-1, -0.5, 0));
}

TEST(Timer, ObservesOnceWhenItEnds) {
  Registry registry;
  Histogram& histogram = registry.histogram("took_seconds", "Took.");
  {
    Timer timer = histogram.time();
    EXPECT_GE(timer.stop(), 0);
    EXPECT_EQ(timer.stop(), 0);
  }
  {
    const Timer timer = histogram.time();
  }
  {
    Timer timer = histogram.time();
    timer.discard();
  }
  EXPECT_EQ(histogram.value().count, 2u);
}

TEST(Family, FindsTheSameSeriesAgain) {
  Registry registry;
  auto& requests = registry.counter<"method", "code">("requests_total", "Requests.");
  Counter& get = requests.with("GET", "200");
  for (int i = 0; i < 1000; ++i) requests.with("GET", std::to_string(i)).inc();
  EXPECT_EQ(&requests.with(std::string("GET"), std::string_view("200")), &get);
  EXPECT_EQ(get.value(), 1u);
  EXPECT_NE(&requests.with("200", "GET"), &get);
  EXPECT_NE(&requests.with("GET2", "00"), &get);
}

TEST(Family, FoldsWhatIsPastItsCapIntoOneSeriesAndCountsIt) {
  Registry registry;
  auto& tokens = registry.counter<"tenant">("tokens_total", "Tokens.", {.max_series = 2});
  for (const char* tenant : {"a", "b", "c", "d", "a", "c"}) tokens.with(tenant).inc();
  EXPECT_EQ(user_text(registry),
            "# HELP tokens_total Tokens.\n"
            "# TYPE tokens_total counter\n"
            "tokens_total{tenant=\"a\"} 2\n"
            "tokens_total{tenant=\"b\"} 1\n"
            "tokens_total{tenant=\"_overflow\"} 3\n");
  EXPECT_THAT(registry.text(),
              HasSubstr("metrics_overflow_lookups_total{metric=\"tokens_total\"} 3\n"));
}

TEST(Family, AnOverflowLabelOfTheUsersOwnSharesTheSeries) {
  Registry registry;
  auto& tokens = registry.counter<"tenant">("tokens_total", "Tokens.", {.max_series = 1});
  tokens.with("_overflow").inc();
  tokens.with("b").inc();
  EXPECT_EQ(tokens.with("_overflow").value(), 2u);
}

// A clock that tests own. One test at a time reads it.
detail::SteadyTime fake_now;
detail::SteadyTime read_fake_now() { return fake_now; }

TEST(ExpiringFamily, ASeriesNobodyUsesGoesAwayAndBeginsAgainAtZero) {
  Registry registry({.labels = {}, .now = read_fake_now});
  auto& family = registry.expiring_counter<"peer">("sent_total", "Sent.", seconds(60));
  family.with("a")->inc(5);
  EXPECT_THAT(registry.text(), HasSubstr("sent_total{peer=\"a\"} 5\n"));
  fake_now += seconds(59);
  EXPECT_THAT(registry.text(), HasSubstr("peer=\"a\""));
  fake_now += seconds(1);
  EXPECT_THAT(registry.text(), Not(HasSubstr("peer=\"a\"")));
  family.with("b")->inc();
  family.with("a")->inc();
  EXPECT_THAT(registry.text(), HasSubstr("sent_total{peer=\"b\"} 1\nsent_total{peer=\"a\"} 1\n"));
}

TEST(ExpiringFamily, AHeldSeriesStays) {
  Registry registry({.labels = {}, .now = read_fake_now});
  auto& family = registry.expiring_gauge<"peer">("queue", "Queue.", seconds(60));
  {
    Held<Gauge> held = family.with("a");
    const Held<Gauge> copy = held;
    held = family.with("b");
    held->set(2);
    for (int i = 0; i < 3; ++i) {
      (void)registry.text();
      fake_now += seconds(61);
    }
    EXPECT_THAT(registry.text(), HasSubstr("queue{peer=\"a\"} 0\nqueue{peer=\"b\"} 2\n"));
  }
  fake_now += seconds(61);
  EXPECT_THAT(registry.text(), Not(HasSubstr("queue{")));
}

TEST(ExpiringFamily, ExpiryMakesRoomUnderTheCap) {
  Registry registry({.labels = {}, .now = read_fake_now});
  auto& family =
      registry.expiring_histogram<"s">("x", "X.", seconds(60), {1, 2}, {.max_series = 1});
  family.with("a")->observe(1);
  family.with("b")->observe(2);
  EXPECT_THAT(registry.text(), HasSubstr("x_count{s=\"_overflow\"} 1\n"));
  fake_now += seconds(60);
  (void)registry.text();
  family.with("b")->observe(2);
  EXPECT_THAT(registry.text(), HasSubstr("x_bucket{s=\"b\",le=\"1\"} 0\n"));
}

TEST(Registry, GivesTheSameMetricForTheSameName) {
  Registry registry;
  EXPECT_EQ(&registry.counter("a_total", "A."), &registry.counter("a_total", "A."));
  EXPECT_EQ(&registry.counter<"x">("b_total", "B."), &registry.counter<"x">("b_total", "B."));
  EXPECT_EQ(&registry.histogram("h", "H.", {1}), &registry.histogram("h", "H.", {2}));
}

TEST(Registry, ANameTakenByAnotherKindWorksUnseenAndIsCounted) {
  Registry registry;
  registry.gauge("a", "A.").set(1);
  Histogram& other = registry.histogram("a", "A.");
  other.observe(1);
  EXPECT_EQ(other.value().count, 1u);
  (void)registry.gauge<"x">("a", "A.").with("1");
  const Callback callback = registry.callback_gauge("a", "A.", [] { return 9.0; });
  EXPECT_EQ(user_text(registry), "# HELP a A.\n# TYPE a gauge\na 1\n");
  EXPECT_THAT(registry.text(), HasSubstr("metrics_name_conflicts_total 3\n"));
}

TEST(Registry, CellsOfADestroyedRegistryAreCleanForTheNext) {
  for (int i = 0; i < 3; ++i) {
    Registry registry;
    Histogram& histogram = registry.histogram("h", "H.", linear_buckets(0, 1, 200));
    EXPECT_EQ(histogram.value().count, 0u);
    histogram.observe(3);
    EXPECT_EQ(histogram.value().count, 1u);
  }
}

TEST(Registry, LabelsOfItsOwnStandFirstOnEverySeries) {
  Registry registry({.labels = {{"node", "n\"1"}, {"bad-name", "x"}}});
  registry.counter("a_total", "A.").inc();
  registry.gauge<"k">("b", "B.").with("v").set(1);
  const Callback callback = registry.callback_gauge("c", "C.", [] { return 1.0; });
  registry.histogram("d", "D.", {}).observe(1);
  EXPECT_EQ(user_text(registry),
            "# HELP a_total A.\n# TYPE a_total counter\na_total{node=\"n\\\"1\"} 1\n"
            "# HELP b B.\n# TYPE b gauge\nb{node=\"n\\\"1\",k=\"v\"} 1\n"
            "# HELP c C.\n# TYPE c gauge\nc{node=\"n\\\"1\"} 1\n"
            "# HELP d D.\n# TYPE d histogram\n"
            "d_bucket{node=\"n\\\"1\",le=\"+Inf\"} 1\n"
            "d_sum{node=\"n\\\"1\"} 1\nd_count{node=\"n\\\"1\"} 1\n");
}

TEST(Callback, IsAskedWhileItLivesAndMayBeRegisteredAgain) {
  Registry registry;
  double value = 1;
  Callback callback = registry.callback_gauge("c", "C.", [&] { return value; });
  EXPECT_THAT(registry.text(), HasSubstr("\nc 1\n"));
  value = 2;
  EXPECT_THAT(registry.text(), HasSubstr("\nc 2\n"));
  callback.reset();
  EXPECT_EQ(user_text(registry), "");
  callback = registry.callback_gauge("c", "C.", [] { return 3.0; });
  EXPECT_THAT(registry.text(), HasSubstr("\nc 3\n"));
}

TEST(Callback, GivesManySeries) {
  Registry registry;
  const Callback callback =
      registry.callback_counter<"pool", "state">("threads_total", "Threads.", [](auto& emit) {
        emit(3, "net", "busy");
        emit(0.5, std::string("work"), "idle");
      });
  EXPECT_EQ(user_text(registry),
            "# HELP threads_total Threads.\n# TYPE threads_total counter\n"
            "threads_total{pool=\"net\",state=\"busy\"} 3\n"
            "threads_total{pool=\"work\",state=\"idle\"} 0.5\n");
}

TEST(Callback, OneThatThrowsIsLeftOut) {
  Registry registry;
  registry.gauge("z", "Z.").set(1);
  const Callback callback =
      registry.callback_gauge("c", "C.", []() -> double { throw std::runtime_error("away"); });
  EXPECT_EQ(user_text(registry), "# HELP z Z.\n# TYPE z gauge\nz 1\n");
}

TEST(Callback, MayOutliveTheRegistry) {
  auto registry = std::make_unique<Registry>();
  Callback callback = registry->callback_gauge("c", "C.", [] { return 1.0; });
  registry.reset();
  callback.reset();
}

TEST(Exposition, EscapesHelpAndValues) {
  Registry registry;
  registry.gauge<"path">("a", "A \\ \"b\"\nc").with("C:\\x\n\"y\"").set(1);
  EXPECT_EQ(user_text(registry),
            "# HELP a A \\\\ \"b\"\\nc\n# TYPE a gauge\na{path=\"C:\\\\x\\n\\\"y\\\"\"} 1\n");
  EXPECT_THAT(user_text(registry, Format::kOpenMetrics),
              HasSubstr("# HELP a A \\\\ \\\"b\\\"\\nc\n"));
}

TEST(Exposition, OpenMetricsNamesCounterFamiliesWithoutTotal) {
  Registry registry;
  registry.counter("a_total", "A.").inc();
  registry.histogram("h_seconds", "H.", {0.5, 1, 1e6, 1e-7}).observe(1);
  EXPECT_EQ(user_text(registry, Format::kOpenMetrics),
            "# HELP a A.\n# TYPE a counter\na_total 1\n"
            "# HELP h_seconds H.\n# TYPE h_seconds histogram\n"
            "h_seconds_bucket{le=\"1e-07\"} 0\n"
            "h_seconds_bucket{le=\"0.5\"} 0\n"
            "h_seconds_bucket{le=\"1.0\"} 1\n"
            "h_seconds_bucket{le=\"1e+06\"} 1\n"
            "h_seconds_bucket{le=\"+Inf\"} 1\n"
            "h_seconds_sum 1\nh_seconds_count 1\n");
  EXPECT_THAT(registry.text(Format::kOpenMetrics), testing::EndsWith("\n# EOF\n"));
  EXPECT_THAT(registry.text(), Not(HasSubstr("# EOF")));
}

TEST(Exposition, AFamilyWithoutSeriesIsNotWritten) {
  Registry registry;
  registry.counter<"x">("a_total", "A.");
  EXPECT_EQ(user_text(registry), "");
}

detail::SteadyTime summary_now;

TEST(Summary, GivesQuantilesOfTheWindowAndTotalsOfAllTime) {
  const detail::SummaryShape shape{.quantiles = {0.5, 0.99},
                                   .window = std::chrono::minutes(10),
                                   .now = [] { return summary_now; }};
  Summary summary(shape);
  EXPECT_TRUE(std::isnan(summary.quantile(0.5)));
  for (int i = 1; i <= 1000; ++i) summary.observe(i / 1000.0);
  EXPECT_NEAR(summary.quantile(0.5), 0.5, 0.005);
  EXPECT_NEAR(summary.quantile(0.99), 0.99, 0.01);
  EXPECT_NEAR(summary.quantile(0), 0.001, 0.00001);

  summary_now += std::chrono::minutes(8);
  for (int i = 0; i < 3000; ++i) summary.observe(5);
  EXPECT_NEAR(summary.quantile(0.5), 5, 0.05);
  EXPECT_NEAR(summary.quantile(0.1), 0.4, 0.01) << "the first ones are still in the window";
  summary_now += std::chrono::minutes(4);
  EXPECT_NEAR(summary.quantile(0.1), 5, 0.05);
  summary_now += std::chrono::hours(5);
  EXPECT_TRUE(std::isnan(summary.quantile(0.5)));
}

TEST(Summary, IsExposedUnderItsQuantiles) {
  Registry registry;
  auto& family = registry.summary<"slice">("took_seconds", "Time.", {0.5, 1});
  family.with("eval").observe(std::nan(""));
  EXPECT_EQ(user_text(registry),
            "# HELP took_seconds Time.\n# TYPE took_seconds summary\n"
            "took_seconds{slice=\"eval\",quantile=\"0.5\"} NaN\n"
            "took_seconds{slice=\"eval\",quantile=\"1\"} NaN\n"
            "took_seconds_sum{slice=\"eval\"} 0\n"
            "took_seconds_count{slice=\"eval\"} 1\n");
}

TEST(Names, AreCheckedAtRunTimeToo) {
  EXPECT_TRUE(MetricName::parse("a:b_1"));
  for (const char* bad : {"", "1a", "a-b", "a b", "\xc3\xa4"}) {
    EXPECT_FALSE(MetricName::parse(bad)) << bad;
  }
  EXPECT_TRUE(CounterName::parse("a_total"));
  EXPECT_FALSE(CounterName::parse("a"));
  EXPECT_FALSE(CounterName::parse("_total"));
  static_assert(detail::valid_keys<"a", "b_1">());
  static_assert(!detail::valid_keys<"a", "a">());
  static_assert(!detail::valid_keys<"__a">() && !detail::valid_keys<"a:b">());
}

std::string read_file(const char* path) {
  std::ifstream file(path);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

TEST(Example, StandsInTheDocumentationAsItIsCompiled) {
  const std::string example = read_file("src/metrics/testdata/example.cc");
  ASSERT_FALSE(example.empty());
  EXPECT_THAT(read_file("docs/metrics-library.md"), HasSubstr("```cpp\n" + example + "```"));
}

// Users need not have our compiler.
TEST(Example, CompilesWithGccAsCxx20) {
  if (std::system("g++ --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "no g++ here";
  const std::string command =
      "g++ -std=c++20 -Wall -Wextra -Wpedantic -Wshadow -Werror -fsyntax-only -I include "
      "src/metrics/testdata/example.cc";
  EXPECT_EQ(std::system(command.c_str()), 0) << command;
}

}  // namespace
}  // namespace strata::metrics
