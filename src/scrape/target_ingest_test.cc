#include "scrape/target_ingest.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "base/temp_dir.h"
#include "catalog/catalog.h"

namespace strata::scrape {
namespace {

constexpr TimestampMs kStart = 1'700'000'000'000;

// A target over a store of its own.
class TargetIngestTest : public ::testing::Test {
 protected:
  void SetUp() override {
    clock_.jump_to(kStart);
    tsdb::Options options;
    options.path = dir_.file("data");
    auto db = tsdb::Db::open(options, real_fs(), clock_);
    ASSERT_TRUE(db) << db.error().message;
    db_ = std::move(*db);
    config_.job_name = "test";
    target_.labels = Labels{{"job", "test"}, {"instance", "a:1"}};
    target_.url = "http://a:1/metrics";
    target_.interval = target_.timeout = Millis(15'000);
  }

  TargetIngest& ingest() {
    if (!ingest_) {
      ingest_ = std::make_unique<TargetIngest>(
          *db_, metrics_, std::make_shared<const config::ScrapeConfig>(config_), target_);
    }
    return *ingest_;
  }

  // One scrape, 15 s after the last.
  Result<> scrape(std::string_view body) {
    clock_.advance(std::chrono::seconds(15));
    report_ = {};
    return ingest().ingest(clock_.now_ms(), body, wire::ExpositionFormat::kText, report_);
  }

  // All samples of the store as "labels @seconds value", stale markers as "stale".
  std::set<std::string> stored(std::string_view selector_metric = "") {
    std::vector<Matcher> matchers;
    if (!selector_metric.empty()) {
      matchers.push_back(Matcher::equal(std::string(kMetricName), std::string(selector_metric)));
    } else {
      matchers.push_back(
          *Matcher::make(Matcher::Op::kNotRegex, std::string(kMetricName), "up|scrape_.*"));
    }
    std::set<std::string> lines;
    auto set = db_->select(matchers, TimeRange(), 0);
    EXPECT_TRUE(set);
    SampleColumns columns;
    for (size_t i = 0; i < (*set)->size(); ++i) {
      EXPECT_TRUE((*set)->read(i, TimeRange(), columns));
      for (size_t k = 0; k < columns.size(); ++k) {
        const double v = columns.v[k];
        lines.insert(fmt::format("{} @{} {}", (*set)->labels(i).to_string(),
                                 (columns.t[k] - kStart) / 1000,
                                 is_stale_nan(v) ? "stale" : fmt::format("{}", v)));
      }
    }
    return lines;
  }

  TempDir dir_;
  ManualClock clock_;
  metrics::Registry registry_;
  Metrics metrics_{registry_};
  std::unique_ptr<tsdb::Db> db_;
  config::ScrapeConfig config_;
  discover::Target target_;
  std::unique_ptr<TargetIngest> ingest_;
  Report report_;
};

using Lines = std::set<std::string>;

TEST_F(TargetIngestTest, StoresSamplesWithTheTargetsLabels) {
  ASSERT_TRUE(scrape("a{x=\"1\"} 5\n"));
  EXPECT_EQ(stored(), (Lines{R"(a{instance="a:1", job="test", x="1"} @15 5)"}));
  EXPECT_EQ(stored("up"), (Lines{R"(up{instance="a:1", job="test"} @15 1)"}));
  EXPECT_EQ(report_.scraped, 1u);
  EXPECT_EQ(report_.post_relabel, 1u);
  EXPECT_EQ(report_.series_added, 1u);
}

TEST_F(TargetIngestTest, KeepsAClashingLabelAsExported) {
  ASSERT_TRUE(scrape("a{job=\"own\"} 1\n"));
  EXPECT_EQ(stored(), (Lines{R"(a{exported_job="own", instance="a:1", job="test"} @15 1)"}));
}

TEST_F(TargetIngestTest, HonorsTheTargetsOwnLabelsWhenToldTo) {
  config_.honor_labels = true;
  ASSERT_TRUE(scrape("a{job=\"own\"} 1\n"));
  EXPECT_EQ(stored(), (Lines{R"(a{instance="a:1", job="own"} @15 1)"}));
}

TEST_F(TargetIngestTest, MarksAVanishedSeriesStaleOnce) {
  ASSERT_TRUE(scrape("a 1\nb 1\n"));
  ASSERT_TRUE(scrape("a 2\n"));
  ASSERT_TRUE(scrape("a 3\n"));
  EXPECT_EQ(stored("b"), (Lines{R"(b{instance="a:1", job="test"} @15 1)",
                                R"(b{instance="a:1", job="test"} @30 stale)"}));
}

TEST_F(TargetIngestTest, FollowsLinesThatMoveComeAndGo) {
  ASSERT_TRUE(scrape("a 1\nb 1\nc 1\n"));
  EXPECT_EQ(report_.series_added, 3u);
  ASSERT_TRUE(scrape("c 2\nnew 2\na 2\nb 2\n"));
  EXPECT_EQ(report_.series_added, 1u);
  ASSERT_TRUE(scrape("new 3\na 3\n"));
  EXPECT_EQ(report_.series_added, 0u);
  EXPECT_EQ(stored("a").size(), 3u);
  EXPECT_EQ(stored("c"), (Lines{R"(c{instance="a:1", job="test"} @15 1)",
                                R"(c{instance="a:1", job="test"} @30 2)",
                                R"(c{instance="a:1", job="test"} @45 stale)"}));
}

TEST_F(TargetIngestTest, AFailedScrapeEndsEverySeriesAndTheNextBringsThemBack) {
  ASSERT_TRUE(scrape("a 1\n"));
  clock_.advance(std::chrono::seconds(15));
  ASSERT_TRUE(ingest().fail(clock_.now_ms(), Report()));
  ASSERT_TRUE(scrape("a 3\n"));
  EXPECT_EQ(stored("a"), (Lines{R"(a{instance="a:1", job="test"} @15 1)",
                                R"(a{instance="a:1", job="test"} @30 stale)",
                                R"(a{instance="a:1", job="test"} @45 3)"}));
  EXPECT_EQ(stored("up"), (Lines{R"(up{instance="a:1", job="test"} @15 1)",
                                 R"(up{instance="a:1", job="test"} @30 0)",
                                 R"(up{instance="a:1", job="test"} @45 1)"}));
}

TEST_F(TargetIngestTest, ABodyThatBreaksOffStoresNothingOfItself) {
  ASSERT_TRUE(scrape("a 1\nb 1\n"));
  EXPECT_FALSE(scrape("a 2\nb{x=\"unterm\n"));
  EXPECT_EQ(stored("a"), (Lines{R"(a{instance="a:1", job="test"} @15 1)",
                                R"(a{instance="a:1", job="test"} @30 stale)"}));
  ASSERT_TRUE(scrape("a 3\nb 3\n"));
  EXPECT_EQ(stored("b").size(), 3u);
}

TEST_F(TargetIngestTest, EndsEverythingWhenTheTargetIsGone) {
  ASSERT_TRUE(scrape("a 1\n"));
  ASSERT_TRUE(ingest().end(clock_.now_ms() + 1000));
  EXPECT_EQ(stored("a").count(R"(a{instance="a:1", job="test"} @16 stale)"), 1u);
  EXPECT_EQ(stored("up").count(R"(up{instance="a:1", job="test"} @16 stale)"), 1u);
}

TEST_F(TargetIngestTest, TheFirstOfARepeatedSeriesCounts) {
  ASSERT_TRUE(scrape("a{x=\"1\",y=\"2\"} 1\na{y=\"2\",x=\"1\"} 2\n"));
  ASSERT_TRUE(scrape("a{x=\"1\",y=\"2\"} 3\na{y=\"2\",x=\"1\"} 4\n"));
  EXPECT_EQ(stored(), (Lines{R"(a{instance="a:1", job="test", x="1", y="2"} @15 1)",
                             R"(a{instance="a:1", job="test", x="1", y="2"} @30 3)"}));
  EXPECT_EQ(metrics_.duplicate_timestamp.value(), 2u);
}

TEST_F(TargetIngestTest, KeepsTimestampsThatTheTargetSets) {
  ASSERT_TRUE(scrape(fmt::format("a 1 {}\nb 2\n", kStart + 5000)));
  ASSERT_TRUE(scrape(fmt::format("a 1 {}\n", kStart + 6000)));
  EXPECT_EQ(stored("a"), (Lines{R"(a{instance="a:1", job="test"} @5 1)",
                                R"(a{instance="a:1", job="test"} @6 1)"}));
  EXPECT_EQ(stored("b").count(R"(b{instance="a:1", job="test"} @30 stale)"), 1u);
}

TEST_F(TargetIngestTest, IgnoresThemWhenToldTo) {
  config_.honor_timestamps = false;
  ASSERT_TRUE(scrape(fmt::format("a 1 {}\n", kStart + 5000)));
  EXPECT_EQ(stored("a"), (Lines{R"(a{instance="a:1", job="test"} @15 1)"}));
}

TEST_F(TargetIngestTest, SampleLimitFailsTheWholeScrape) {
  config_.sample_limit = 2;
  ASSERT_TRUE(scrape("a 1\nb 1\n"));
  const auto refused = scrape("a 2\nb 2\nc 2\n");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, "sample limit exceeded (limit: 2)");
  EXPECT_EQ(stored("a").count(R"(a{instance="a:1", job="test"} @30 stale)"), 1u);
  EXPECT_EQ(metrics_.exceeded_sample_limit.value(), 1u);
}

TEST_F(TargetIngestTest, LabelLimitsNameTheLabel) {
  config_.label_value_length_limit = 10;
  const auto refused = scrape("a{long=\"" + std::string(100, 'x') + "\"} 1\n");
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("label_value_length_limit exceeded"), std::string::npos);
  EXPECT_NE(refused.error().message.find("long"), std::string::npos);
}

TEST_F(TargetIngestTest, MetricRelabellingDropsAndRenames) {
  config::RelabelConfig drop;
  drop.source_labels = {"__name__"};
  drop.regex = *Regex::compile("b.*");
  drop.action = config::RelabelAction::kDrop;
  config_.metric_relabel_configs.push_back(drop);
  ASSERT_TRUE(scrape("a 1\nb 1\nbb 1\n"));
  ASSERT_TRUE(scrape("a 2\nb 2\nbb 2\n"));
  EXPECT_EQ(stored().size(), 2u);
  EXPECT_EQ(report_.scraped, 3u);
  EXPECT_EQ(report_.post_relabel, 1u);
}

TEST_F(TargetIngestTest, ReadsMetadata) {
  ASSERT_TRUE(scrape("# HELP a What it is.\n# TYPE a counter\na 1\n"));
  const auto metadata = ingest().metadata();
  ASSERT_TRUE(metadata->contains("a"));
  EXPECT_EQ(metadata->at("a").type, MetricType::kCounter);
  EXPECT_EQ(metadata->at("a").help, "What it is.");
}

TEST_F(TargetIngestTest, GoesOnAfterReconfiguration) {
  ASSERT_TRUE(scrape("a 1\nb 1\n"));
  auto config = std::make_shared<config::ScrapeConfig>(config_);
  config::RelabelConfig drop;
  drop.source_labels = {"__name__"};
  drop.regex = *Regex::compile("b");
  drop.action = config::RelabelAction::kDrop;
  config->metric_relabel_configs.push_back(drop);
  ingest().reconfigure(config, target_);
  ASSERT_TRUE(scrape("a 2\nb 2\n"));
  EXPECT_EQ(stored("a").size(), 2u);
  EXPECT_EQ(stored("b").count(R"(b{instance="a:1", job="test"} @30 stale)"), 1u);
}

// The remembered lines are an optimisation: a target that forgets everything between scrapes must
// store the same. Bodies lose, gain, move and repeat lines at random, and some are cut off.
TEST_F(TargetIngestTest, StoresTheSameAsWithoutPrediction) {
  std::mt19937 random(11);
  const auto roll = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  discover::Target plain_target = target_;
  plain_target.labels = Labels{{"job", "test"}, {"instance", "plain"}};
  plain_target.url = "http://plain/metrics";
  TargetIngest plain(*db_, metrics_, std::make_shared<const config::ScrapeConfig>(config_),
                     plain_target);

  std::vector<std::string> names;
  for (int i = 0; i < 40; ++i) names.push_back(fmt::format("m{}{{k=\"{}\"}}", i % 7, i));
  for (int round = 0; round < 300; ++round) {
    if (roll(4) == 0)
      std::swap(names[static_cast<size_t>(roll(40))], names[static_cast<size_t>(roll(40))]);
    std::string body;
    for (const auto& name : names) {
      if (roll(60) == 0) continue;
      body += fmt::format("{} {}\n", name, roll(5));
      if (roll(90) == 0) body += fmt::format("{} {}\n", name, roll(5));
    }
    if (roll(20) == 0) body.resize(body.size() - static_cast<size_t>(roll(9)) - 1);
    const auto predicted = scrape(body);
    // The same body to the one that remembers nothing.
    plain.reconfigure(std::make_shared<const config::ScrapeConfig>(config_), plain_target);
    Report report;
    const auto expected =
        plain.ingest(clock_.now_ms(), body, wire::ExpositionFormat::kText, report);
    ASSERT_EQ(predicted.has_value(), expected.has_value());
    ASSERT_EQ(report_.series_added, report.series_added) << round;
    ASSERT_EQ(report_.post_relabel, report.post_relabel) << round;
  }
  Lines a, b;
  for (const auto& line : stored()) {
    const size_t at = line.find("instance=\"plain\"");
    if (at == std::string::npos) {
      a.insert(line);
    } else {
      b.insert(std::string(line).replace(at, 16, "instance=\"a:1\""));
    }
  }
  EXPECT_EQ(a, b);
  EXPECT_GT(a.size(), 5000u);
}

// A protobuf field with a length before it; all here are shorter than 128 bytes.
std::string field(uint8_t number, std::string_view bytes) {
  return std::string{static_cast<char>(number << 3 | 2), static_cast<char>(bytes.size())} +
         std::string(bytes);
}

TEST_F(TargetIngestTest, ProtobufIsStoredAsTextIs) {
  const std::string two = {9, 0, 0, 0, 0, 0, 0, 0, 0x40};  // field 1, the double 2
  const std::string label = field(1, "k") + field(2, "v");
  const std::string metric = field(1, label) + field(3, two);
  const std::string family = field(1, "c_total") + field(2, "Help.") + field(4, metric);
  const std::string body = static_cast<char>(family.size()) + family;
  const auto scrape_protobuf = [&](std::string_view bytes) {
    clock_.advance(std::chrono::seconds(15));
    report_ = {};
    return ingest().ingest_protobuf(clock_.now_ms(), bytes, report_);
  };
  ASSERT_TRUE(scrape_protobuf(body));
  EXPECT_EQ(report_.scraped, 1U);
  EXPECT_EQ(stored().size(), 1U);
  EXPECT_TRUE(stored().begin()->starts_with(R"(c_total{instance="a:1", job="test", k="v"})"))
      << *stored().begin();
  const auto metadata = ingest().metadata();
  ASSERT_TRUE(metadata->contains("c_total"));
  EXPECT_EQ(metadata->find("c_total")->second.type, MetricType::kCounter);

  EXPECT_FALSE(scrape_protobuf(body.substr(0, 5)));
  EXPECT_EQ(stored().size(), 2U) << "a stale marker";
}

/// Native histograms of the store: "labels @seconds count".
class TargetHistogramsTest : public TargetIngestTest {
 protected:
  std::set<std::string> histograms() {
    std::set<std::string> lines;
    const Matcher all = Matcher::make(Matcher::Op::kRegex, std::string(kMetricName), ".+").value();
    auto set = db_->select({&all, 1}, {}, 0);
    SampleColumns columns;
    for (size_t i = 0; i < (*set)->size(); ++i) {
      EXPECT_TRUE((*set)->read(i, {}, columns));
      for (size_t k = 0; k < columns.h.size(); ++k) {
        const int64_t at = (columns.t[k] - kStart) / 1000;
        const auto labels = (*set)->labels(i).to_string();
        if (columns.h[k]) lines.insert(fmt::format("{} @{} {}", labels, at, columns.h[k]->count));
        if (is_stale_nan(columns.v[k])) lines.insert(fmt::format("{} @{} stale", labels, at));
      }
    }
    return lines;
  }
  Result<> scrape_open_metrics(std::string_view body) {
    clock_.advance(std::chrono::seconds(15));
    report_ = {};
    return ingest().ingest(clock_.now_ms(), body, wire::ExpositionFormat::kOpenMetrics, report_);
  }
  std::string exemplars() {
    std::string out;
    const std::vector<std::vector<Matcher>> all = {{}};
    for (const auto& series : db_->exemplars(all, {})) {
      for (const auto& e : series.exemplars) {
        out += fmt::format("{} {} {}@{}\n", series.series.to_string(), e.labels.to_string(),
                           e.value, (e.t - kStart) / 1000);
      }
    }
    return out;
  }
};

constexpr std::string_view kClassic = R"(# TYPE h histogram
h_bucket{le="1"} 2
h_bucket{le="+Inf"} 3
h_sum 4.5
h_count 3
other 1
)";

TEST_F(TargetHistogramsTest, ClassicOnesAreConverted) {
  config_.convert_classic_histograms_to_nhcb = true;
  ASSERT_TRUE(scrape(kClassic));
  EXPECT_EQ(report_.scraped, 2u);
  EXPECT_EQ(report_.post_relabel, 2u);
  EXPECT_EQ(report_.series_added, 2u);
  ASSERT_TRUE(scrape(kClassic));
  EXPECT_EQ(report_.post_relabel, 2u);
  ASSERT_TRUE(scrape("other 1\n"));
  EXPECT_EQ(histograms(), (Lines{R"(h{instance="a:1", job="test"} @15 3)",
                                 R"(h{instance="a:1", job="test"} @30 3)",
                                 R"(h{instance="a:1", job="test"} @45 stale)"}));
  EXPECT_TRUE(stored("h_bucket").empty());
  EXPECT_EQ(stored("other").size(), 3u);
}

TEST_F(TargetHistogramsTest, ClassicOnesStayBesideWhenToldTo) {
  config_.convert_classic_histograms_to_nhcb = true;
  config_.always_scrape_classic_histograms = true;
  ASSERT_TRUE(scrape(kClassic));
  EXPECT_EQ(report_.post_relabel, 6u);
  EXPECT_EQ(histograms().size(), 1u);
  EXPECT_EQ(stored("h_bucket").size(), 2u);
}

TEST_F(TargetHistogramsTest, AFailedScrapeEndsThem) {
  config_.convert_classic_histograms_to_nhcb = true;
  ASSERT_TRUE(scrape(kClassic));
  EXPECT_FALSE(scrape("no number\n"));
  EXPECT_EQ(histograms(), (Lines{R"(h{instance="a:1", job="test"} @15 3)",
                                 R"(h{instance="a:1", job="test"} @30 stale)"}));
}

TEST_F(TargetHistogramsTest, TheBucketLimitFailsTheScrape) {
  config_.convert_classic_histograms_to_nhcb = true;
  config_.native_histogram_bucket_limit = 1;
  EXPECT_FALSE(scrape(kClassic));
  EXPECT_TRUE(histograms().empty());
}

TEST_F(TargetHistogramsTest, ExemplarsAreStoredWithTheSeries) {
  const std::string_view body =
      "# TYPE c counter\n"
      "c_total{x=\"1\"} 5 # {trace_id=\"abc\"} 0.5 1700000010\n"
      "c_total{x=\"2\"} 6 # {trace_id=\"def\"} 0.7\n"
      "# EOF\n";
  ASSERT_TRUE(scrape_open_metrics(body));
  ASSERT_TRUE(scrape_open_metrics(body));
  EXPECT_EQ(exemplars(),
            "c_total{instance=\"a:1\", job=\"test\", x=\"1\"} {trace_id=\"abc\"} 0.5@10\n"
            "c_total{instance=\"a:1\", job=\"test\", x=\"2\"} {trace_id=\"def\"} 0.7@15\n");
}

TEST_F(TargetHistogramsTest, ExemplarsOfConvertedHistogramsAreTheirs) {
  config_.convert_classic_histograms_to_nhcb = true;
  ASSERT_TRUE(
      scrape_open_metrics("# TYPE h histogram\n"
                          "h_bucket{le=\"+Inf\"} 3 # {id=\"a\"} 0.5 1700000010\n"
                          "h_count 3\nh_sum 1\n# EOF\n"));
  EXPECT_EQ(exemplars(), "h{instance=\"a:1\", job=\"test\"} {id=\"a\"} 0.5@10\n");
}

class CreatedZerosTest : public TargetHistogramsTest {
 protected:
  void open() {
    ingest_ = std::make_unique<TargetIngest>(
        *db_, metrics_, std::make_shared<const config::ScrapeConfig>(config_), target_, nullptr,
        IngestFeatures{.created_zeros = true});
  }
  Result<> scrape_counter(double value, double created) {
    return scrape_open_metrics(
        fmt::format("# TYPE c counter\nc_total{{x=\"1\"}} {}\nc_created{{x=\"1\"}} {}\n# EOF\n",
                    value, created));
  }
};

TEST_F(CreatedZerosTest, ACounterBeginsWithAZero) {
  open();
  ASSERT_TRUE(scrape_counter(5, 1'700'000'010));
  ASSERT_TRUE(scrape_counter(6, 1'700'000'010));
  const std::string series = R"(c_total{instance="a:1", job="test", x="1"} @)";
  EXPECT_EQ(stored(), (Lines{series + "10 0", series + "15 5", series + "30 6"}));
  // It was made anew, and then the process that scrapes.
  ASSERT_TRUE(scrape_counter(1, 1'700'000'040));
  open();
  ASSERT_TRUE(scrape_counter(2, 1'700'000'040));
  EXPECT_EQ(stored(), (Lines{series + "10 0", series + "15 5", series + "30 6", series + "40 0",
                             series + "45 1", series + "60 2"}));
  // Neither a beginning before samples that are there nor one in the future.
  ASSERT_TRUE(scrape_counter(3, 1'700'000'050));
  ASSERT_TRUE(scrape_counter(4, 1'700'000'999));
  EXPECT_EQ(stored().size(), 8u);
}

TEST_F(CreatedZerosTest, AllPartsOfAHistogramBegin) {
  open();
  ASSERT_TRUE(
      scrape_open_metrics("# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\n"
                          "h_count 2\nh_sum 3\nh_created 1700000005\n# EOF\n"));
  size_t zeros = 0;
  for (const std::string& line : stored()) zeros += line.ends_with(" @5 0");
  EXPECT_EQ(zeros, 4u);
  EXPECT_EQ(stored().size(), 8u);
}

// With the built-in catalog.
class CanonicalIngestTest : public TargetIngestTest {
 protected:
  TargetIngest& translating(bool keep_raw = true) {
    const std::shared_ptr<const catalog::Catalog> catalog(std::shared_ptr<const void>(),
                                                          &catalog::Catalog::builtin());
    ingest().translate_by({.catalog = catalog, .keep_raw = keep_raw});
    return ingest();
  }
  static std::string labels(std::string_view extra = "") {
    return fmt::format(R"({{engine_kind="vllm", instance="a:1", job="test", node="a"{}}})", extra);
  }
};

TEST_F(CanonicalIngestTest, StoresCanonicalSeriesBesideRawOnes) {
  translating();
  ASSERT_TRUE(scrape("vllm:num_requests_running 3\nvllm:kv_cache_usage_perc 0.5\n"));
  ASSERT_TRUE(scrape("vllm:num_requests_running 4\nvllm:kv_cache_usage_perc 0.25\n"));
  EXPECT_EQ(stored("llm_requests_running"), (Lines{"llm_requests_running" + labels() + " @15 3",
                                                   "llm_requests_running" + labels() + " @30 4"}));
  EXPECT_EQ(stored("llm_kv_cache_usage_ratio").size(), 2u);
  EXPECT_EQ(stored("vllm:num_requests_running").size(), 2u);
  EXPECT_EQ(stored("llm_engine_info").size(), 2u);
}

TEST_F(CanonicalIngestTest, ReportsCountRawSamplesOnly) {
  translating();
  ASSERT_TRUE(scrape("vllm:num_requests_running 3\n"));
  EXPECT_EQ(report_.scraped, 1u);
  EXPECT_EQ(report_.post_relabel, 1u);
  EXPECT_EQ(report_.series_added, 1u);
  ASSERT_TRUE(scrape("vllm:num_requests_running 3\nvllm:num_requests_waiting 1\n"));
  EXPECT_EQ(report_.series_added, 1u);
}

TEST_F(CanonicalIngestTest, EndsACanonicalSeriesWithTheRawOneThatItIs) {
  translating();
  ASSERT_TRUE(scrape("vllm:num_requests_running 3\nvllm:num_requests_waiting 1\n"));
  ASSERT_TRUE(scrape("vllm:num_requests_running 3\n"));
  EXPECT_EQ(stored("llm_requests_waiting"),
            (Lines{"llm_requests_waiting" + labels() + " @15 1",
                   "llm_requests_waiting" + labels() + " @30 stale"}));
  clock_.advance(std::chrono::seconds(15));
  ASSERT_TRUE(ingest().fail(clock_.now_ms(), Report()));
  EXPECT_TRUE(
      stored("llm_requests_running").contains("llm_requests_running" + labels() + " @45 stale"));
  ASSERT_TRUE(scrape("vllm:num_requests_running 5\n"));
  EXPECT_TRUE(
      stored("llm_requests_running").contains("llm_requests_running" + labels() + " @60 5"));
}

TEST_F(CanonicalIngestTest, ACanonicalSeriesGoesOnWhenTheEngineRenamesItsMetric) {
  translating();
  ASSERT_TRUE(scrape("vllm:gpu_cache_usage_perc 0.1\n"));
  ASSERT_TRUE(scrape("vllm:kv_cache_usage_perc 0.2\nvllm:gpu_cache_usage_perc 0.9\n"));
  ASSERT_TRUE(scrape("vllm:kv_cache_usage_perc 0.3\n"));
  EXPECT_EQ(stored("llm_kv_cache_usage_ratio"),
            (Lines{"llm_kv_cache_usage_ratio" + labels() + " @15 0.1",
                   "llm_kv_cache_usage_ratio" + labels() + " @30 0.2",
                   "llm_kv_cache_usage_ratio" + labels() + " @45 0.3"}));
}

TEST_F(CanonicalIngestTest, KeepsOnlyWhatHasNoCanonicalNameWhereRawSeriesAreNotKept) {
  translating(false);
  const std::string body =
      "vllm:num_requests_running 3\nvllm:engine_healthy 1\nvllm:num_requests_waiting 2\n";
  ASSERT_TRUE(scrape(body));
  ASSERT_TRUE(scrape(body));
  ASSERT_TRUE(scrape("vllm:engine_healthy 1\nvllm:num_requests_waiting 2\n"));
  ASSERT_TRUE(ingest().end(clock_.now_ms() + 1));
  EXPECT_TRUE(stored("vllm:num_requests_running").empty());
  EXPECT_TRUE(stored("vllm:num_requests_waiting").empty());
  EXPECT_EQ(stored("vllm:engine_healthy").size(), 4u);
  EXPECT_EQ(stored("llm_requests_running").size(), 3u);  // two samples and its end
  EXPECT_EQ(stored("llm_requests_waiting").size(), 4u);
}

TEST_F(CanonicalIngestTest, DescribesCanonicalFamilies) {
  translating();
  ASSERT_TRUE(scrape("# TYPE vllm:prompt_tokens_total counter\nvllm:prompt_tokens_total 3\n"));
  const auto metadata = ingest().metadata();
  ASSERT_TRUE(metadata->contains("llm_prompt_tokens_total"));
  EXPECT_EQ(metadata->at("llm_prompt_tokens_total").type, MetricType::kCounter);
}

TEST_F(CanonicalIngestTest, LeavesTargetsAloneThatTheCatalogDoesNotKnow) {
  translating();
  ASSERT_TRUE(scrape("node_load1 1\n"));
  EXPECT_EQ(stored(), (Lines{R"(node_load1{instance="a:1", job="test"} @15 1)"}));
}

// Native histograms, made of an engine's classic ones.
class CanonicalHistogramsTest : public TargetHistogramsTest {
 protected:
  TargetIngest& translating(bool keep_raw = true) {
    config_.convert_classic_histograms_to_nhcb = true;
    const std::shared_ptr<const catalog::Catalog> catalog(std::shared_ptr<const void>(),
                                                          &catalog::Catalog::builtin());
    ingest().translate_by({.catalog = catalog, .keep_raw = keep_raw});
    return ingest();
  }
  static std::string body(std::string_view family, int count) {
    return fmt::format(
        "# TYPE {0} histogram\n{0}_bucket{{le=\"1\"}} 0\n{0}_bucket{{le=\"+Inf\"}} {1}\n"
        "{0}_sum {1}\n{0}_count {1}\n",
        family, count);
  }
  static constexpr std::string_view kLabels =
      R"({engine_kind="vllm", instance="a:1", job="test", node="a"})";
};

TEST_F(CanonicalHistogramsTest, AreStoredBesideRawOnes) {
  translating();
  const std::string wait = body("vllm:time_to_first_token_seconds", 3);
  const std::string queue = body("vllm:request_queue_time_seconds", 5);
  ASSERT_TRUE(scrape(wait + queue));
  ASSERT_TRUE(scrape(queue + wait)) << "in another order";
  const auto lines = histograms();
  for (const int at : {15, 30}) {
    EXPECT_TRUE(
        lines.contains(fmt::format("llm_time_to_first_token_seconds{} @{} 3", kLabels, at)));
    EXPECT_TRUE(lines.contains(fmt::format("llm_request_queue_seconds{} @{} 5", kLabels, at)));
  }
  EXPECT_EQ(lines.size(), 8u);
}

TEST_F(CanonicalHistogramsTest, EndWithTheRawOneThatTheyAre) {
  translating();
  ASSERT_TRUE(scrape(body("vllm:time_to_first_token_seconds", 3) + "vllm:engine_healthy 1\n"));
  ASSERT_TRUE(scrape("vllm:engine_healthy 1\n"));
  EXPECT_TRUE(
      histograms().contains(fmt::format("llm_time_to_first_token_seconds{} @30 stale", kLabels)));
}

TEST_F(CanonicalHistogramsTest, TakeThePlaceOfRawOnesThatAreNotKept) {
  translating(false);
  ASSERT_TRUE(scrape(body("vllm:time_to_first_token_seconds", 3)));
  ASSERT_TRUE(scrape(body("vllm:time_to_first_token_seconds", 4)));
  EXPECT_EQ(histograms(), (Lines{fmt::format("llm_time_to_first_token_seconds{} @15 3", kLabels),
                                 fmt::format("llm_time_to_first_token_seconds{} @30 4", kLabels)}));
}

}  // namespace
}  // namespace strata::scrape
