#include "scrape/manager.h"

#include <gtest/gtest.h>

#include "base/temp_dir.h"

namespace strata::scrape {
namespace {

// Real time, real threads; targets are collectors inside the test that count their scrapes.
class ManagerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    tsdb::Options options;
    options.path = dir_.file("data");
    auto db = tsdb::Db::open(options, real_fs(), real_clock());
    ASSERT_TRUE(db) << db.error().message;
    db_ = std::move(*db);
    loop_.start();
    client_ = std::make_unique<net::HttpClient>(loop_);
    manager_ = std::make_unique<Manager>(
        ManagerDeps{.db = *db_,
                    .loop = loop_,
                    .client = *client_,
                    .work = work_,
                    .collect = collect_,
                    .clock = real_clock(),
                    .metrics = registry_,
                    .sources = {{"count", [this](std::string& out) { count(out); }}}});
  }
  void TearDown() override {
    manager_->stop();
    client_.reset();
    loop_.stop();
  }

  void count(std::string& out) {
    MutexLock lock(mutex_);
    out += fmt::format("n {}\n", ++scrapes_);
    changed_.notify_all();
  }
  void wait_for_scrapes(int more) {
    MutexLock lock(mutex_);
    const int goal = scrapes_ + more;
    while (scrapes_ < goal) changed_.wait(lock);
  }

  static std::shared_ptr<config::ScrapeConfig> job() {
    auto config = std::make_shared<config::ScrapeConfig>();
    config->job_name = "j";
    config->scrape_interval = config->scrape_timeout = Millis(5);
    config->in_process = "count";
    return config;
  }
  static std::vector<discover::TargetGroup> group(std::initializer_list<std::string_view> hosts) {
    discover::TargetGroup group{.source = "static/0", .labels = {}, .targets = {}};
    for (const auto host : hosts) group.targets.push_back(Labels{{"__address__", host}});
    return {group};
  }

  SampleColumns samples(std::string_view instance, std::string_view metric = "n") {
    const std::vector<Matcher> matchers = {Matcher::equal("__name__", std::string(metric)),
                                           Matcher::equal("instance", std::string(instance))};
    SampleColumns columns;
    const auto set = db_->select(matchers, TimeRange(), 0);
    EXPECT_TRUE(set);
    if ((*set)->size() == 1) {
      EXPECT_TRUE((*set)->read(0, TimeRange(), columns));
    }
    return columns;
  }

  TempDir dir_;
  metrics::Registry registry_;
  std::unique_ptr<tsdb::Db> db_;
  ThreadPool work_{"work", 2};
  ThreadPool collect_{"collect", 1};
  net::Loop loop_;
  std::unique_ptr<net::HttpClient> client_;
  std::unique_ptr<Manager> manager_;
  Mutex mutex_;
  CondVar changed_;
  int scrapes_ GUARDED_BY(mutex_) = 0;
};

TEST_F(ManagerTest, ScrapesAtTheIntervalUntilStopped) {
  manager_->set_job("j", job(), group({"a"}));
  wait_for_scrapes(10);
  manager_->stop();
  const auto columns = samples("a");
  EXPECT_GE(columns.size(), 9u);
  for (size_t i = 1; i < columns.size(); ++i) EXPECT_GT(columns.t[i], columns.t[i - 1]);
  // Stopping the server ends no series: the next start goes on with them.
  EXPECT_FALSE(is_stale_nan(columns.v.back()));
}

TEST_F(ManagerTest, EndsTheSeriesOfATargetThatIsGone) {
  manager_->set_job("j", job(), group({"a", "b"}));
  wait_for_scrapes(6);
  manager_->set_job("j", job(), group({"b"}));
  wait_for_scrapes(6);
  manager_->stop();
  const auto gone = samples("a");
  ASSERT_GT(gone.size(), 1u);
  EXPECT_TRUE(is_stale_nan(gone.v.back()));
  EXPECT_TRUE(is_stale_nan(samples("a", "up").v.back()));
  EXPECT_FALSE(is_stale_nan(samples("b").v.back()));
}

TEST_F(ManagerTest, ATargetThatStaysKeepsItsSeriesThroughAReload) {
  manager_->set_job("j", job(), group({"a"}));
  wait_for_scrapes(5);
  manager_->set_job("j", job(), group({"a"}));
  wait_for_scrapes(5);
  manager_->stop();
  const auto columns = samples("a");
  EXPECT_GE(columns.size(), 8u);
  for (const double v : columns.v) EXPECT_FALSE(is_stale_nan(v));
}

TEST_F(ManagerTest, ForgetsAJobThatIsGone) {
  manager_->set_job("j", job(), group({"a"}));
  wait_for_scrapes(2);
  manager_->set_job("j", nullptr, {});
  EXPECT_TRUE(manager_->status().empty());
}

TEST_F(ManagerTest, ReportsTargetsWithHealthAndWhatWasDropped) {
  auto config = job();
  config::RelabelConfig drop;
  drop.source_labels = {"__address__"};
  drop.regex = *Regex::compile("b");
  drop.action = config::RelabelAction::kDrop;
  config->relabel_configs.push_back(drop);
  manager_->set_job("j", config, group({"a", "b"}));
  wait_for_scrapes(3);
  const auto status = manager_->status();
  ASSERT_EQ(status.size(), 1u);
  ASSERT_EQ(status[0].active.size(), 1u);
  EXPECT_EQ(status[0].active[0].health, Health::kUp);
  EXPECT_EQ(status[0].active[0].last_samples, 1u);
  EXPECT_EQ(status[0].dropped_count, 1u);
}

TEST_F(ManagerTest, TargetLimitFailsEveryScrapeOfTheJob) {
  auto config = job();
  config->target_limit = 1;
  manager_->set_job("j", config, group({"a", "b"}));
  const auto failing = [&] {
    const auto status = manager_->status();
    return status[0].active.size() == 2 && status[0].active[0].health == Health::kDown;
  };
  while (!failing()) std::this_thread::yield();
  EXPECT_NE(manager_->status()[0].active[0].last_error.find("target_limit exceeded (limit: 1)"),
            std::string::npos);
}

TEST_F(ManagerTest, AcceptsAsPrometheusDoes) {
  EXPECT_EQ(accept_header(*job()),
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
            "application/openmetrics-text;version=0.0.1;q=0.5,"
            "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
            "text/plain;version=0.0.4;q=0.3,*/*;q=0.1");
}

}  // namespace
}  // namespace strata::scrape
