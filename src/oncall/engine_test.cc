// On call and the deliveries under it as one: rules put alerts, people are called through providers
// that are functions of the test, by a clock that is the test's. Nothing has a thread.
#include "oncall/engine.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <map>
#include <set>

#include "base/log.h"
#include "base/temp_dir.h"
#include "config/strata_config.h"

namespace strata::oncall {
namespace {

constexpr TimestampMs kStart = 1'767'603'600'000;  // Monday 2026-01-05 09:00 UTC
constexpr Millis kMinute = std::chrono::minutes(1);

constexpr std::string_view kAlertmanager = R"(
route: {receiver: chat, group_wait: 0s, group_interval: 10s}
receivers:
- {name: chat, webhook_configs: [{url: 'http://chat/'}]}
- {name: alice}
- {name: bob}
)";
constexpr std::string_view kStrata = R"(
receivers:
- {name: alice, phone_configs: [{url: 'http://alice/'}]}
- {name: bob, phone_configs: [{url: 'http://bob/'}]}
oncall:
  people:
  - {name: alice, channels: [{kind: phone, receiver: alice}]}
  - {name: bob, channels: [{kind: phone, receiver: bob}]}
  policies:
  - priority: P0
    steps: [{after: 0s, notify: [alice]}, {after: 1m, notify: [bob]}]
    repeat_after: 1h
  heartbeats: [{name: backup, timeout: 1h, severity: P0}]
  dead_mans_switch: [{url: 'http://watcher/', interval: 1m, alert: Watchdog}]
)";

/// Both engines over one directory; what is asked of the network goes to `net`.
struct Life {
  Life(const std::string& directory, discover::HttpFetch net, ManualClock& at) : clock(at) {
    configure_logging(LogLevel::kError, LogFormat::kLogfmt);
    std::ofstream(directory + "/alertmanager.yml") << kAlertmanager;
    std::ofstream(directory + "/strata.yml") << kStrata;
    alerting = *alerting::Engine::open(
        {.directory = directory,
         .config_file = directory + "/alertmanager.yml",
         .external_url = "http://s",
         .strata_config_file = directory + "/strata.yml"},
        {.http = net, .tcp = {}, .fs = real_fs(), .clock = clock, .metrics = metrics});
    (void)*alerting->database().run("PRAGMA synchronous = OFF");  // a kill loses nothing by it
    oncall = *Engine::open(
        {.directory = directory, .external_url = "http://s"},
        {.alerting = *alerting, .http = net, .fs = real_fs(), .clock = clock, .metrics = metrics},
        config::parse_strata_config(kStrata, "strata.yml")->oncall);
  }
  ~Life() {
    oncall.reset();
    alerting.reset();
  }
  /// As long as one thing leads to the next.
  void rounds() {
    for (int i = 0; i < 4; ++i) {
      oncall->run_once();
      alerting->run_once();
    }
  }
  void put(const std::string& name, const std::string& severity, bool firing = true) {
    alerting::Alert alert;
    alert.labels = Labels{{"alertname", name}, {"node", "a"}, {"severity", severity}};
    alert.starts_at = kStart;
    alert.ends_at = clock.now_ms() + (firing ? 3'600'000 : -1);
    (void)*alerting->put({alert});
  }

  ManualClock& clock;
  metrics::Registry metrics;
  std::unique_ptr<alerting::Engine> alerting;
  std::unique_ptr<Engine> oncall;
};

// "http://alice/" as "alice".
std::string host_of(const net::ClientRequest& request) {
  return request.url.substr(7, request.url.find('/', 7) - 7);
}

class EngineTest : public testing::Test {
 protected:
  void begin() {
    life_.reset();
    life_ = std::make_unique<Life>(
        dir_.path(),
        [this](const net::ClientRequest& request, net::HttpClient::Callback done) {
          const std::string host = host_of(request);
          if (away_.contains(host)) return done(fail(ErrorCode::kUnavailable, "away"));
          ++asked_[host];
          net::ClientResponse response;
          response.status = 200;
          done(std::move(response));
        },
        clock_);
  }
  void pass(Millis time, Millis step = std::chrono::seconds(5)) {
    for (Millis gone{0}; gone < time; gone += step) {
      clock_.advance(step);
      life_->rounds();
    }
  }
  std::vector<Incident> incidents() { return *life_->oncall->store().incidents({}); }

  TempDir dir_;
  ManualClock clock_{kStart};
  std::map<std::string, int> asked_;
  std::set<std::string> away_;
  std::unique_ptr<Life> life_;
};

TEST_F(EngineTest, AProviderThatIsDownForAnHourIsWorkedAroundAndNobodyIsForgotten) {
  begin();
  away_ = {"alice", "chat"};
  life_->put("EngineDown", "P0");
  life_->rounds();
  EXPECT_EQ(asked_["bob"], 0);
  pass(2 * kMinute);
  EXPECT_EQ(asked_["bob"], 1) << "the next person's turn came";
  EXPECT_TRUE(std::ranges::any_of(incidents(), [](const Incident& incident) {
    return incident.alertname == "OncallDeliveryFailed" && incident.place_value == "alice";
  }));
  for (int i = 0; i < 58; ++i) {
    life_->put("EngineDown", "P0");
    pass(kMinute, std::chrono::seconds(30));
  }
  EXPECT_EQ(asked_["alice"], 0);
  EXPECT_EQ(asked_["chat"], 0);
  away_.clear();
  life_->put("EngineDown", "P0");
  pass(6 * kMinute);
  EXPECT_GE(asked_["chat"], 1) << "its message waited";
  EXPECT_GE(asked_["alice"], 1) << "the next round calls her";
}

TEST_F(EngineTest, ARestartDuringEscalationGoesOnWhereItWas) {
  begin();
  life_->put("EngineDown", "P0");
  life_->rounds();
  EXPECT_EQ(asked_["alice"], 1);
  begin();
  pass(std::chrono::seconds(55));
  EXPECT_EQ(asked_["bob"], 0) << "not before his time";
  begin();
  pass(std::chrono::seconds(10));
  EXPECT_EQ(asked_["bob"], 1);
  EXPECT_EQ(asked_["alice"], 1) << "nobody is called twice";
}

TEST_F(EngineTest, AClockThatJumpsAheadOrBackCallsNobodyTwiceAndDelaysNothing) {
  begin();
  life_->put("EngineDown", "P0");
  life_->rounds();
  clock_.jump_to(clock_.now_ms() - 3 * 3'600'000);
  life_->rounds();
  EXPECT_EQ(asked_["alice"], 1);
  pass(std::chrono::seconds(65));
  EXPECT_EQ(asked_["bob"], 1) << "a minute later by any clock";
  ASSERT_TRUE(life_->oncall->acknowledge_page(2, clock_.now_ms()));
  clock_.jump_to(clock_.now_ms() + 2 * 3'600'000);
  life_->rounds();
  EXPECT_LE(asked_["alice"] + asked_["bob"], 3) << "the acknowledgement ran out, and that is all";
}

TEST_F(EngineTest, PingsGoOutWhileTheWatchdogFiresAndStopWhenItStops) {
  begin();
  pass(3 * kMinute);
  EXPECT_EQ(asked_["watcher"], 0) << "no watchdog, no pipeline";
  life_->put("Watchdog", "none");
  for (int i = 0; i < 5; ++i) {
    life_->put("Watchdog", "none");
    pass(kMinute);
  }
  const int while_it_fired = asked_["watcher"];
  EXPECT_GE(while_it_fired, 4);
  EXPECT_LE(while_it_fired, 6);
  pass(20 * kMinute, std::chrono::seconds(20));
  EXPECT_LE(asked_["watcher"], while_it_fired + 5) << "five minutes after its last word";
  const int before = asked_["watcher"];
  pass(5 * kMinute);
  EXPECT_EQ(asked_["watcher"], before);
}

TEST_F(EngineTest, AHeartbeatThatStaysAwayCallsSomebody) {
  begin();
  ASSERT_TRUE(life_->oncall->beat("backup", clock_.now_ms()));
  pass(59 * kMinute, kMinute);
  EXPECT_EQ(asked_["alice"], 0);
  pass(3 * kMinute);
  EXPECT_EQ(asked_["alice"], 1);
  ASSERT_TRUE(life_->oncall->beat("backup", clock_.now_ms()));
  pass(kMinute);
  EXPECT_EQ(incidents().at(0).status, Status::kResolved);
}

// --- Killed before any statement of the database --------------------------------------------

// A fault, a call, a second call, an acknowledgement, the end: phase by phase. Begins with the
// phase that `directory`/phase names; ends itself as kill -9 would before statement `kill_at`. What
// the providers are asked is a line of `directory`/receipts.
void tell_story(const std::string& directory, int64_t kill_at) {
  int phase = 0;
  std::ifstream(directory + "/phase") >> phase;
  ManualClock clock(kStart + phase * 60'000);
  Life life(
      directory,
      [&](const net::ClientRequest& request, net::HttpClient::Callback done) {
        std::ofstream(directory + "/receipts", std::ios::app)
            << host_of(request) << ' ' << request.headers.value("Idempotency-Key")
            << (request.body.contains(R"("status":"resolved")") ? "resolved" : "") << std::endl;
        net::ClientResponse response;
        response.status = 200;
        done(std::move(response));
      },
      clock);
  int64_t statements = 0;
  life.alerting->database().set_step_hook([&](std::string_view sql) {
    if (!sql.starts_with("SELECT") && statements++ == kill_at) ::_exit(9);
  });
  for (; phase < 4; ++phase) {
    std::ofstream(directory + "/phase") << phase << std::endl;
    clock.jump_to(kStart + phase * 60'000);
    life.put("EngineDown", "P0", phase < 3);
    life.rounds();
    if (phase == 1) (void)life.oncall->acknowledge_page(1, clock.now_ms());
    life.rounds();
  }
}

int run_story(const std::string& directory, int64_t kill_at) {
  const pid_t child = ::fork();
  if (child == 0) {
    tell_story(directory, kill_at);
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(EngineCrash, AKillBeforeAnyStatementNeitherForgetsACallNorMakesItTwice) {
  int code = 9;
  int64_t kill_at = 0;
  for (; code == 9; ++kill_at) {
    const TempDir dir;
    code = run_story(dir.path(), kill_at);
    ASSERT_TRUE(code == 9 || code == 0) << code;
    if (code == 9) ASSERT_EQ(run_story(dir.path(), -1), 0) << kill_at;
    std::ifstream file(dir.file("receipts"));
    std::map<std::string, int> told;
    for (std::string line; std::getline(file, line);) ++told[line];
    std::map<std::string, int> messages;  // by provider
    int repeated = 0;
    for (const auto& [line, times] : told) {
      ++messages[line.substr(0, line.find(' '))];
      repeated += times - 1;
    }
    EXPECT_EQ(messages["alice"], 1) << kill_at;
    EXPECT_EQ(messages["bob"], 1) << kill_at;
    EXPECT_EQ(messages["chat"], 2) << "firing and resolved: " << kill_at;
    EXPECT_LE(repeated, 2) << "what was on its way to two providers may come once more: "
                           << kill_at;
  }
  EXPECT_GT(kill_at, 50) << "of " << kill_at << " statements";
}

}  // namespace
}  // namespace strata::oncall
