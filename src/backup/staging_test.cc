#include "backup/staging.h"

#include <gtest/gtest.h>

#include "base/log.h"
#include "base/temp_dir.h"

namespace strata::backup {
namespace {

constexpr TimestampMs kStart = 1'700'006'400'000;
constexpr std::string_view kSteps[] = {"CREATE TABLE notes (text TEXT)"};

class StagingTest : public testing::Test {
 protected:
  void SetUp() override {
    configure_logging(LogLevel::kError, LogFormat::kLogfmt);
    store_ = open(dir_.file("data"));
    ASSERT_TRUE(real_fs().create_directories(dir_.file("data/alerting")));
    notes_ = *state::Database::open(dir_.file("data/alerting/state.db"));
    ASSERT_TRUE(notes_->migrate("notes", kSteps));
    ASSERT_TRUE(notes_->run("INSERT INTO notes VALUES ('kept')"));
  }
  std::unique_ptr<tsdb::Db> open(const std::string& path) {
    tsdb::Options options{.path = path, .retention_time = Millis(0)};
    auto store = tsdb::Db::open(options, real_fs(), clock_);
    EXPECT_TRUE(store) << store.error().message;
    return store ? *std::move(store) : nullptr;
  }
  // Five hours: blocks, tiles and a log.
  void scrape(int rows) {
    std::vector<tsdb::SeriesId> ids;
    for (int i = 0; i < 3; ++i) {
      ids.push_back(*store_->series({{"__name__", "m"}, {"i", std::to_string(i)}}));
    }
    for (int row = 0; row < rows; ++row) {
      const double v = row;
      ASSERT_TRUE(store_->append_scrape(store_->target("t"), clock_.now_ms(), ids,
                                        std::vector{v, v + 1, v + 2}));
      clock_.advance(std::chrono::seconds(60));
      store_->maintain();
    }
  }
  static size_t samples(const tsdb::Db& store) {
    const std::vector matchers{Matcher::equal("__name__", "m")};
    const auto set = store.select(matchers, {kMinTime, kMaxTime}, 0);
    size_t count = 0;
    SampleColumns columns;
    for (size_t i = 0; set && i < (*set)->size(); ++i) {
      EXPECT_TRUE((*set)->read(i, {kMinTime, kMaxTime}, columns));
      count += columns.size();
    }
    return count;
  }
  void put(const std::string& name, std::string_view bytes) {
    const std::string path = dir_.file(name);
    ASSERT_TRUE(real_fs().create_directories(path.substr(0, path.rfind('/'))));
    const auto file = real_fs().create(path);
    ASSERT_TRUE(file && (*file)->append(bytes));
  }
  Result<> stage() {
    return backup::stage(
        real_fs(),
        {.store = *store_,
         .data_dir = dir_.file("data"),
         .databases = {{"alerting/state.db", notes_.get()}},
         .configuration = named_below(
             dir_.file("etc"), {dir_.file("etc/prometheus.yml"), dir_.file("etc/rules/a.yml"),
                                dir_.file("away/b.yml")})},
        dir_.file("data/snapshots/backup"));
  }
  std::string staged(const std::string& name) { return dir_.file("data/snapshots/backup/" + name); }

  TempDir dir_;
  ManualClock clock_{kStart};
  std::unique_ptr<tsdb::Db> store_;
  std::unique_ptr<state::Database> notes_;
};

TEST_F(StagingTest, HasAllThatWasAcknowledgedAndNothingLater) {
  scrape(300);
  ASSERT_TRUE(stage());
  scrape(10);
  ASSERT_TRUE(notes_->run("INSERT INTO notes VALUES ('later')"));
  const auto copy = open(staged("data"));
  EXPECT_EQ(samples(*copy), 900u);
  EXPECT_EQ(samples(*store_), 930u);
  EXPECT_EQ(copy->stats().damaged_records, 0u);
  const auto notes = state::Database::open(staged("data/alerting/state.db"));
  ASSERT_TRUE(notes) << notes.error().message;
  std::vector<std::string> found;
  ASSERT_TRUE((*notes)->query("SELECT text FROM notes", {},
                              [&](const state::Row& row) { found.push_back(row.text(0)); }));
  EXPECT_EQ(found, std::vector<std::string>{"kept"});
}

TEST_F(StagingTest, FilesOfOthersComeAlongAndLocksDoNot) {
  put("data/rules/alerts", "state");
  put("data/remote-write/1.position", "here");
  put("data/wal-kept/00000000", "log");
  put("data/snapshots/old/series", "old");
  put("data/alerting/oncall.key", "key");
  ASSERT_TRUE(stage());
  EXPECT_EQ(*real_fs().read_file(staged("data/rules/alerts")), "state");
  EXPECT_EQ(*real_fs().read_file(staged("data/remote-write/1.position")), "here");
  EXPECT_EQ(*real_fs().read_file(staged("data/wal-kept/00000000")), "log");
  EXPECT_EQ(*real_fs().read_file(staged("data/alerting/oncall.key")), "key");
  EXPECT_FALSE(real_fs().exists(staged("data/lock")));
  EXPECT_FALSE(real_fs().exists(staged("data/open")));
  EXPECT_FALSE(real_fs().exists(staged("data/snapshots")));
}

TEST_F(StagingTest, ADatabaseThatNobodyCopiesIsNamed) {
  put("data/dashboards/new.db", "somebody added this");
  const auto staged = stage();
  ASSERT_FALSE(staged);
  EXPECT_TRUE(staged.error().message.contains("dashboards/new.db")) << staged.error().message;
  EXPECT_EQ(*database_files(real_fs(), dir_.file("data")),
            (std::vector<std::string>{"alerting/state.db", "dashboards/new.db"}));
}

TEST_F(StagingTest, ConfigurationKeepsItsNames) {
  put("etc/prometheus.yml", "one");
  put("etc/rules/a.yml", "two");
  put("away/b.yml", "three");
  ASSERT_TRUE(stage());
  EXPECT_EQ(*real_fs().read_file(staged("config/prometheus.yml")), "one");
  EXPECT_EQ(*real_fs().read_file(staged("config/rules/a.yml")), "two");
  EXPECT_EQ(*real_fs().read_file(staged("config/elsewhere" + dir_.file("away/b.yml"))), "three");
}

TEST_F(StagingTest, AnotherOneTakesThePlaceOfTheLast) {
  scrape(5);
  ASSERT_TRUE(stage());
  scrape(5);
  ASSERT_TRUE(stage());
  EXPECT_EQ(samples(*open(staged("data"))), 30u);
}

}  // namespace
}  // namespace strata::backup
