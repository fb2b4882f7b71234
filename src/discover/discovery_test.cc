#include "discover/discovery.h"

#include <gtest/gtest.h>

#include <set>

#include "base/temp_dir.h"
#include "config/load.h"

namespace strata::discover {
namespace {

using std::chrono::seconds;

void write_file(const std::string& path, std::string_view text) {
  const auto file = real_fs().create(path);
  ASSERT_TRUE(file);
  ASSERT_TRUE((*file)->append(text));
}

std::vector<DiscoveryJob> parsed(std::string_view text) {
  const Result<config::ParsedConfig> result = config::parse_config(text, "/c.yml");
  EXPECT_TRUE(result) << result.error().message;
  return result ? scrape_jobs(result->config) : std::vector<DiscoveryJob>{};
}

std::vector<std::string> addresses(const std::vector<TargetGroup>& groups) {
  std::vector<std::string> out;
  for (const TargetGroup& group : groups) {
    for (const Labels& target : group.targets) out.emplace_back(target.get("__address__"));
  }
  return out;
}

class Manager : public testing::Test {
 protected:
  /// "job: address address", or "job gone", for each update of one poll.
  std::vector<std::string> poll(seconds now) {
    updates_.clear();
    next_ = manager_.poll(now);
    return updates_;
  }
  void see(const DiscoveryManager::Update& update) {
    std::string line = update.job;
    if (update.gone) line += " gone";
    for (const std::string& address : addresses(update.groups)) line += " " + address;
    updates_.push_back(line);
  }

  TempDir dir_;
  std::vector<std::string> updates_;
  std::set<std::string> up_;  // URLs that answer with metrics
  std::chrono::nanoseconds next_{0};
  DiscoveryManager manager_{"scrape",
                            {.fs = real_fs(),
                             .probe = [this](const std::string& url) -> Result<ProbeResponse> {
                               if (!up_.contains(url))
                                 return fail(ErrorCode::kUnavailable, "connection refused");
                               return ProbeResponse{200, "text/plain", "# HELP a b\n"};
                             },
                             .own_ports = {9090}},
                            [this](const DiscoveryManager::Update& update) { see(update); }};
};

using Lines = std::vector<std::string>;

TEST_F(Manager, ReportsEachJobOnceAndThenWhatChanges) {
  manager_.apply(
      parsed("scrape_configs: [{job_name: a, static_configs: [{targets: [x, y]}]}, "
             "{job_name: empty}]"));
  EXPECT_EQ(poll(seconds(0)), (Lines{"a x y", "empty"}));
  EXPECT_EQ(poll(seconds(100)), Lines{});
  manager_.apply(parsed("scrape_configs: [{job_name: a, static_configs: [{targets: [z]}]}]"));
  EXPECT_EQ(poll(seconds(101)), (Lines{"empty gone", "a z"}));
}

TEST_F(Manager, IsAskedAgainWithinFiveSeconds) {
  manager_.apply(parsed("scrape_configs: [{job_name: a}]"));
  poll(seconds(10));
  EXPECT_EQ(next_, seconds(15));
}

TEST_F(Manager, FollowsTargetFiles) {
  const std::string file = dir_.file("a.json");
  write_file(file, R"([{"targets": ["x:1"], "labels": {"k": "v"}}])");
  manager_.apply(parsed("scrape_configs: [{job_name: f, file_sd_configs: [{files: ['" +
                        dir_.file("*.json") + "']}]}]"));
  EXPECT_EQ(poll(seconds(0)), Lines{"f x:1"});
  EXPECT_EQ(poll(seconds(5)), Lines{});

  write_file(file, R"([{"targets": ["x:1", "y:1"]}])");
  EXPECT_EQ(poll(seconds(6)), Lines{}) << "not due yet";
  EXPECT_EQ(poll(seconds(10)), Lines{"f x:1 y:1"});

  write_file(dir_.file("b.json"), R"([{"targets": ["z:1"]}])");
  EXPECT_EQ(poll(seconds(15)), Lines{"f x:1 y:1 z:1"});

  write_file(file, "[{\"targets\": [");
  EXPECT_EQ(poll(seconds(20)), Lines{}) << "a file being written keeps what it said";
  EXPECT_EQ(manager_.stats().refresh_failures, 1U);

  ASSERT_TRUE(real_fs().remove(file));
  EXPECT_EQ(poll(seconds(25)), Lines{"f z:1"});
}

TEST_F(Manager, AReloadKeepsWhatAFileSaidLast) {
  const std::string file = dir_.file("a.yml");
  const std::string job = "{job_name: f, file_sd_configs: [{files: ['" + file + "']}]}";
  write_file(file, "- targets: ['x:1']\n");
  manager_.apply(parsed("scrape_configs: [" + job + "]"));
  EXPECT_EQ(poll(seconds(0)), Lines{"f x:1"});
  write_file(file, "- targets: [");
  manager_.apply(parsed("scrape_configs: [" + job + ", {job_name: g}]"));
  EXPECT_EQ(poll(seconds(60)), (Lines{"f x:1", "g"}));
}

TEST_F(Manager, FindsWhatAnswersOnUsualPorts) {
  auto jobs = scrape_jobs(config::default_config());
  jobs.erase(jobs.begin(), jobs.begin() + 2);
  jobs[0].local_probe->endpoints.push_back({9090, "self"});
  manager_.apply(jobs);
  up_ = {"http://127.0.0.1:9100/metrics", "http://127.0.0.1:9090/metrics"};
  EXPECT_EQ(poll(seconds(0)), Lines{"local-engines 127.0.0.1:9100"}) << "never our own port";
  up_.insert("http://127.0.0.1:8000/metrics");
  EXPECT_EQ(poll(seconds(29)), Lines{});
  EXPECT_EQ(poll(seconds(30)), Lines{"local-engines 127.0.0.1:8000 127.0.0.1:9100"});

  up_.clear();
  EXPECT_EQ(poll(seconds(60)), Lines{}) << "a silent engine stays a target: up is 0";
  for (int s = 90; s < 30 + 3600; s += 30) EXPECT_EQ(poll(seconds(s)), Lines{}) << s;
  EXPECT_EQ(poll(seconds(30 + 3600)), Lines{"local-engines"}) << "but not for ever";
}

TEST(Exposition, IsToldFromOtherAnswers) {
  const struct {
    ProbeResponse response;
    bool is_one;
  } cases[] = {
      {{200, "text/plain; version=0.0.4", "# HELP a b\n"}, true},
      {{200, "text/plain", "\n# comment\nfoo{a=\"b\"} 1\n"}, true},
      {{200, "", "foo 1\n"}, true},
      {{200, "application/openmetrics-text; version=1.0.0", ""}, true},
      {{200, "application/vnd.google.protobuf", ""}, true},
      {{404, "text/plain", "# HELP a b\n"}, false},
      {{200, "text/html", "<html>"}, false},
      {{200, "application/json", "{}"}, false},
      {{200, "text/plain", "Ollama-is-running\n"}, false},
      {{200, "text/plain", ""}, false},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(looks_like_exposition(c.response), c.is_one)
        << c.response.status << c.response.content_type << c.response.body;
  }
}

std::string error_of(std::string_view text) {
  const auto parsed_file = config::parse_target_file(text, "t.json");
  return parsed_file ? "no error" : parsed_file.error().message;
}

TEST(TargetFiles, AreReadStrictly) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "no error"},
      {"[]", "no error"},
      {"[\n\t{\"targets\": [\"a:1\", \"b\\/c\"], \"labels\": {\"x\": \"\\u00e4\"}}\n]\n",
       "no error"},
      {"- targets: [a]\n  label: {}\n", "t.json:2:3: unknown key \"label\" (did you mean labels?)"},
      {"{}", "t.json:1:1: expected a list, found a mapping"},
      {"[null]", "t.json:1:2: an entry of the list is empty"},
      {"- targets: a\n", "t.json:1:12: targets: expected a list, found \"a\""},
      {"- {targets: [a], labels: {!!binary \"/w==\": b}}\n",
       "t.json:1:27: labels: a label name is not empty and is UTF-8"},
  };
  for (const auto& [text, error] : cases) EXPECT_EQ(error_of(text), error) << text;
}

}  // namespace
}  // namespace strata::discover
