#include "oncall/desk.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <set>

#include "base/log.h"
#include "base/temp_dir.h"
#include "config/strata_config.h"
#include "oncall/ack_links.h"

namespace strata::oncall {
namespace {

constexpr TimestampMs kSecond = 1000;
constexpr TimestampMs kMinute = 60 * kSecond;
constexpr TimestampMs kStart = 1'767'603'600'000;  // Monday 2026-01-05 09:00 UTC

constexpr std::string_view kConfig = R"(
oncall:
  people:
  - name: alice
    channels: [{kind: phone, receiver: alice-phone}, {kind: sms, receiver: alice-sms}, {kind: chat, receiver: sre}]
  - name: bob
    channels: [{kind: phone, receiver: bob-phone}, {kind: chat, receiver: sre}]
  schedules:
  - name: primary
    layers: [{people: [alice, bob], rotation: weekly, starts: "2026-01-05 09:00"}]
)";

std::shared_ptr<const Roster> roster(std::string_view text = kConfig) {
  const auto config = config::parse_strata_config(text, "strata.yml");
  EXPECT_TRUE(config) << config.error().message;
  auto made = Roster::make(
      config->oncall, [](const std::string& name) { return name != "nowhere"; }, real_fs(), kStart);
  EXPECT_TRUE(made) << made.error().message;
  return *made;
}

// A life of the desk over one database, which survives it. Messages are delivered by hand.
class DeskTest : public testing::Test {
 protected:
  void SetUp() override {
    configure_logging(LogLevel::kError, LogFormat::kLogfmt);
    begin();
  }
  void begin() {
    desk_.reset();
    store_.reset();
    audit_.reset();
    outbox_.reset();
    log_.reset();
    db_.reset();
    db_ = *state::Database::open(dir_.file("state.db"));
    ASSERT_TRUE(db_->run("PRAGMA synchronous = OFF"));
    log_ = *alerting::NotificationLog::open(*db_);
    outbox_ = *alerting::Outbox::open(*db_, now_);
    audit_ = *Audit::open(*db_, std::string(32, 'k'));
    store_ = *Store::open(*db_, *outbox_, *audit_);
    desk_ = *Desk::open(
        {.store = *store_,
         .outbox = *outbox_,
         .render = [](const std::string& receiver,
                      const alerting::Notification& n) -> Result<std::vector<alerting::Rendered>> {
           std::string text;
           for (const auto& [name, value] : n.common_annotations()) {
             if (name == "oncall_summary") text = value;
           }
           alerting::Rendered one{
               .key = {.group = n.group_key, .receiver = receiver, .integration = "webhook"},
               .parts = {{"body", text}}};
           return std::vector{one};
         },
         .ack_url = [](int64_t page, TimestampMs) { return std::to_string(page); }},
        roster_, now_);
  }

  alerting::Alert alert(const std::string& name, const std::string& node,
                        const std::string& severity) {
    alerting::Alert out;
    out.labels = Labels{{"alertname", name}, {"node", node}, {"severity", severity}};
    out.starts_at = now_;
    out.ends_at = now_ + 100'000 * kMinute;
    return out;
  }
  void observe() { ASSERT_TRUE(desk_->observe(alerts_, now_)); }
  void fire(const std::string& name, const std::string& node, const std::string& severity) {
    alerts_.push_back({.alert = alert(name, node, severity), .suppressed = false});
    observe();
  }
  void end_all() {
    for (auto& one : alerts_) one.alert.ends_at = now_;
    observe();
  }
  // What goes to receivers now: "alice-phone: P0: EngineDown on a".
  std::vector<std::string> tick(TimestampMs later = 0, std::set<std::string> away = {}) {
    now_ += later;
    const auto problems = desk_->tick(now_);
    EXPECT_TRUE(problems) << problems.error().message;
    if (problems) problems_ = *problems;
    std::vector<std::string> out;
    for (const auto& message : *outbox_->take_due(now_, 1000)) {
      const alerting::Attempt attempt{.message = message.id,
                                      .at = now_,
                                      .took = Millis(1),
                                      .delivered = !away.contains(message.key.receiver),
                                      .detail = "busy"};
      if (!attempt.delivered) {
        EXPECT_TRUE(outbox_->failed(message, attempt, false, {}));
        continue;
      }
      EXPECT_TRUE(outbox_->succeeded(message, attempt));
      out.push_back(message.key.receiver + ": " + message.parts[0].second);
    }
    std::ranges::sort(out);
    return out;
  }
  Incident only() {
    const auto all = *store_->incidents({});
    EXPECT_EQ(all.size(), 1u);
    return all.at(0);
  }

  TempDir dir_;
  TimestampMs now_ = kStart;
  std::shared_ptr<const Roster> roster_ = roster();
  std::vector<Observed> alerts_;
  std::vector<Problem> problems_;
  std::unique_ptr<state::Database> db_;
  std::unique_ptr<alerting::NotificationLog> log_;
  std::unique_ptr<alerting::Outbox> outbox_;
  std::unique_ptr<Audit> audit_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<Desk> desk_;
};

using Words = std::vector<std::string>;

TEST_F(DeskTest, AP0CallsAtOnceThenAgainThenTheNextPersonThenEverybodyThenFromTheBeginning) {
  fire("EngineDown", "a", "P0");
  const std::string what = ": P0: EngineDown on a";
  EXPECT_EQ(tick(), (Words{"alice-phone" + what, "alice-sms" + what, "sre" + what}));
  EXPECT_EQ(tick(kMinute), Words{});
  EXPECT_EQ(tick(kMinute), (Words{"alice-phone" + what}));
  EXPECT_EQ(tick(3 * kMinute), (Words{"bob-phone" + what}));
  EXPECT_EQ(tick(5 * kMinute),
            (Words{"alice-phone" + what, "alice-sms" + what, "bob-phone" + what}));
  EXPECT_EQ(tick(5 * kMinute), (Words{"alice-phone" + what, "alice-sms" + what, "sre" + what}));
  EXPECT_EQ(only().round, 2);
}

TEST_F(DeskTest, AcknowledgingStopsTheCallsUntilItExpiresWhileTheFaultLasts) {
  fire("EngineDown", "a", "P0");
  EXPECT_EQ(tick().size(), 3u);
  ASSERT_TRUE(desk_->acknowledge(1, "alice", {}, now_));
  EXPECT_EQ(only().owner, "alice");
  for (int i = 0; i < 29; ++i) EXPECT_EQ(tick(kMinute), Words{});
  EXPECT_EQ(tick(kMinute).size(), 3u) << "it expired, and the calls begin anew";
  EXPECT_EQ(only().status, Status::kOpen);
}

TEST_F(DeskTest, AnIncidentResolvesWithItsLastAlertAndNobodyIsCalledAnyMore) {
  fire("EngineDown", "a", "P0");
  EXPECT_EQ(tick().size(), 3u);
  end_all();
  EXPECT_EQ(only().status, Status::kResolved);
  EXPECT_EQ(tick(10 * kMinute), Words{});
  EXPECT_EQ(desk_->live(), 0u);
  EXPECT_EQ(desk_->acknowledge(1, "alice", {}, now_).error().code, ErrorCode::kConflict);
  EXPECT_EQ(desk_->acknowledge(7, "alice", {}, now_).error().code, ErrorCode::kNotFound);
}

TEST_F(DeskTest, AlertsOfOneKeyJoinAndAWorseOneRaises) {
  fire("Slow", "a", "warning");
  EXPECT_EQ(tick(), (Words{"sre: P2: Slow on a"}));
  alerts_.push_back({.alert = alert("Slow", "a", "P0"), .suppressed = false});
  observe();
  EXPECT_EQ(only().alert_count, 2);
  EXPECT_EQ(tick(kMinute).size(), 3u);
}

TEST_F(DeskTest, AStormIsOneCallAPerson) {
  for (int i = 0; i < 2000; ++i) {
    alerts_.push_back(
        {.alert = alert("EngineDown", "node-" + std::to_string(i), "P0"), .suppressed = false});
  }
  observe();
  EXPECT_EQ(desk_->live(), 2000u);
  const auto calls = tick();
  ASSERT_EQ(calls.size(), 3u);
  EXPECT_EQ(calls[0],
            "alice-phone: 2000 incidents, the worst P0: EngineDown on node-0, EngineDown on "
            "node-1, EngineDown on node-2 and others");
}

TEST_F(DeskTest, APhoneRingsAtMostOnceAMinuteAndWhatCameMeanwhileIsInTheNextCall) {
  fire("EngineDown", "a", "P0");
  tick();
  fire("EngineDown", "b", "P0");
  fire("EngineDown", "c", "P0");
  const auto early = tick(20 * kSecond);
  EXPECT_EQ(std::ranges::count_if(early, [](auto& t) { return t.starts_with("alice-phone"); }), 0);
  const auto later = tick(40 * kSecond);
  EXPECT_EQ(later, (Words{"alice-phone: 2 incidents, the worst P0: EngineDown on b, EngineDown on "
                          "c"}));
}

TEST_F(DeskTest, WhatIsSilencedCallsNobodyUntilItIsNotAnyMore) {
  fire("EngineDown", "a", "P0");
  alerts_[0].suppressed = true;
  observe();
  EXPECT_TRUE(only().suppressed);
  EXPECT_EQ(tick(), Words{});
  EXPECT_EQ(tick(30 * kMinute), Words{});
  alerts_[0].suppressed = false;
  observe();
  EXPECT_EQ(tick().size(), 3u);
}

TEST_F(DeskTest, ACallThatDoesNotArriveGoesToTheNextChannelAndIsReported) {
  fire("EngineDown", "a", "P0");
  EXPECT_EQ(tick(0, {"alice-phone", "alice-sms", "sre"}), Words{});
  const auto calls = tick(10 * kSecond);
  EXPECT_EQ(calls.size(), 2u) << "sms instead of phone, chat instead of sms";
  ASSERT_FALSE(problems_.empty());
  EXPECT_EQ(problems_[0].name, "alice-phone");
}

TEST_F(DeskTest, AP2CallsByPhoneWithinHoursOnly) {
  fire("Slow", "a", "P2");
  EXPECT_EQ(tick(), (Words{"sre: P2: Slow on a"}));
  EXPECT_EQ(tick(45 * kMinute), (Words{"sre: P2: Slow on a"}));
  EXPECT_EQ(tick(15 * kMinute), (Words{"alice-phone: P2: Slow on a"}));
}

TEST_F(DeskTest, AP2CallsByMessageOutOfHours) {
  now_ += 12 * 60 * kMinute;  // 21:00
  fire("Slow", "a", "P2");
  tick();
  tick(45 * kMinute);
  Words calls = tick(15 * kMinute);
  for (auto& one : tick()) calls.push_back(one);
  EXPECT_EQ(calls, (Words{"alice-sms: P2: Slow on a", "sre: P2: Slow on a"}));
}

TEST_F(DeskTest, AP3WaitsForTheNextWorkdaysDigest) {
  now_ += 4 * 24 * 60 * kMinute + 60 * kMinute;  // Friday 10:00
  fire("DiskFilling", "a", "info");
  fire("CertificateExpires", "b", "info");
  EXPECT_EQ(tick(), Words{});
  end_all();
  EXPECT_EQ(tick(3 * 24 * 60 * kMinute - 31 * kMinute), Words{});
  EXPECT_EQ(tick(kMinute), (Words{"sre: 2 incidents, the worst P3: DiskFilling on a, "
                                  "CertificateExpires on b"}))
      << "Monday 09:30, of what is over, too";
}

TEST_F(DeskTest, ARestartContinuesWhereItWas) {
  fire("EngineDown", "a", "P0");
  EXPECT_EQ(tick().size(), 3u);
  begin();
  ASSERT_TRUE(desk_->observe({}, now_)) << "nobody has spoken of the alert yet";
  EXPECT_EQ(only().status, Status::kOpen);
  EXPECT_EQ(tick(kMinute), Words{});
  EXPECT_EQ(tick(kMinute), (Words{"alice-phone: P0: EngineDown on a"}));
  now_ += Desk::kGrace.count();
  ASSERT_TRUE(desk_->observe({}, now_));
  EXPECT_EQ(only().status, Status::kResolved);
}

TEST_F(DeskTest, AClockThatIsSetBackDelaysNothing) {
  now_ += 120 * kMinute;  // so that it is set back within one week of the rotation
  fire("EngineDown", "a", "P0");
  tick();
  now_ -= 60 * kMinute;
  tick();
  EXPECT_EQ(tick(2 * kMinute), (Words{"alice-phone: P0: EngineDown on a"}));
}

TEST_F(DeskTest, ResolvedByHandStaysSoUntilSomethingNewFires) {
  fire("EngineDown", "a", "P0");
  ASSERT_TRUE(desk_->resolve(1, "alice", now_));
  observe();
  EXPECT_EQ(tick(kMinute), Words{});
  EXPECT_EQ(only().status, Status::kResolved);
  fire("EngineDown", "a", "P1");
  EXPECT_EQ((*store_->incidents({})).size(), 2u);
}

TEST_F(DeskTest, ADrillCallsItsReceiverOnly) {
  ASSERT_TRUE(desk_->drill(Priority::kP0, "drill", "alice", now_));
  const auto calls = tick();
  EXPECT_EQ(calls.size(), 3u);
  for (const auto& call : calls) EXPECT_TRUE(call.starts_with("drill: ")) << call;
}

TEST_F(DeskTest, EscalatingTakesTheNextStepNow) {
  fire("EngineDown", "a", "P0");
  tick();
  ASSERT_TRUE(desk_->escalate(1, "alice", now_));
  tick();
  ASSERT_TRUE(desk_->escalate(1, "alice", now_));
  EXPECT_EQ(tick(), (Words{"bob-phone: P0: EngineDown on a"}));
}

TEST_F(DeskTest, TheAuditLogCannotBeChangedUnnoticed) {
  fire("EngineDown", "a", "P0");
  ASSERT_TRUE(desk_->note(1, "alice", "looking", now_));
  EXPECT_FALSE(db_->run("UPDATE audit SET detail = 'nothing'"));
  EXPECT_FALSE(db_->run("DELETE FROM audit"));
  EXPECT_EQ(*audit_->first_broken(), std::nullopt);
  ASSERT_TRUE(db_->run("DROP TRIGGER audit_unchanged"));
  ASSERT_TRUE(db_->run("UPDATE audit SET detail = 'nothing' WHERE action = 'noted'"));
  EXPECT_TRUE(audit_->first_broken()->has_value());
}

// The whole story in one process: a fault, a call, a second call, an acknowledgement, the end. Goes
// on wherever an earlier process was killed; ends itself as kill -9 would before statement
// `kill_at`. What reaches the receivers is appended to `receipts`.
void tell_story(const std::string& database, const std::string& receipts, int64_t kill_at) {
  const auto db = *state::Database::open(database);
  (void)*db->run("PRAGMA synchronous = OFF");  // a killed process loses nothing by it
  auto log = *alerting::NotificationLog::open(*db);
  auto outbox = *alerting::Outbox::open(*db, kStart);
  auto audit = *Audit::open(*db, std::string(32, 'k'));
  auto store = *Store::open(*db, *outbox, *audit);
  const auto render =
      [](const std::string& receiver,
         const alerting::Notification& n) -> Result<std::vector<alerting::Rendered>> {
    return std::vector{alerting::Rendered{
        .key = {.group = n.group_key, .receiver = receiver, .integration = "webhook"},
        .parts = {}}};
  };
  auto desk = *Desk::open({.store = *store,
                           .outbox = *outbox,
                           .render = render,
                           .ack_url = [](int64_t, TimestampMs) { return std::string(); }},
                          roster(), kStart);
  int64_t statements = 0;
  db->set_step_hook([&](std::string_view sql) {
    if (!sql.starts_with("SELECT") && statements++ == kill_at) ::_exit(9);
  });
  Observed observed;
  observed.alert.labels = Labels{{"alertname", "EngineDown"}, {"node", "a"}, {"severity", "P0"}};
  observed.alert.starts_at = kStart;
  const auto until = [&](TimestampMs now, TimestampMs ends_at) {
    observed.alert.ends_at = ends_at;
    (void)*desk->observe(std::span(&observed, 1), now);
    (void)*desk->tick(now);
    for (const auto& message : *outbox->take_due(now, 100)) {
      std::ofstream(receipts, std::ios::app) << message.key.receiver << ' ' << message.id << '\n';
      (void)*outbox->succeeded(
          message, {.message = message.id, .at = now, .delivered = true, .detail = "ok"});
    }
    (void)*desk->tick(now);
  };
  const TimestampMs for_ever = kStart + 1000 * kMinute;
  const auto incidents = *store->incidents({});
  const Status before = incidents.empty() ? Status::kOpen : incidents[0].status;
  if (before == Status::kOpen) {
    until(kStart, for_ever);
    until(kStart + 2 * kMinute, for_ever);
    (void)*desk->acknowledge(1, "alice", {}, kStart + 3 * kMinute);
  }
  until(kStart + 5 * kMinute, before == Status::kResolved ? kStart : for_ever);
  until(kStart + 6 * kMinute, kStart);
}

TEST(DeskCrash, AKillBeforeAnyStatementNeitherForgetsACallNorRepeatsOne) {
  const auto run = [](const std::string& db, const std::string& receipts, int64_t kill_at) {
    const pid_t child = ::fork();
    if (child == 0) {
      tell_story(db, receipts, kill_at);
      ::_exit(0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  };
  int code = 9;
  for (int64_t kill_at = 0; code == 9; ++kill_at) {
    const TempDir dir;
    const std::string receipts = dir.file("receipts");
    code = run(dir.file("state.db"), receipts, kill_at);
    ASSERT_TRUE(code == 9 || code == 0) << code;
    if (code == 9) ASSERT_EQ(run(dir.file("state.db"), receipts, -1), 0) << kill_at;
    std::ifstream file(receipts);
    std::multiset<std::string> told;
    for (std::string line; std::getline(file, line);) told.insert(line);
    const std::set<std::string> messages(told.begin(), told.end());
    EXPECT_EQ(messages.size(), 4u) << "at once by three ways, and the phone again: " << kill_at;
    EXPECT_LE(told.size(), 5u) << "what was on its way may come twice: " << kill_at;
    const auto db = *state::Database::open(dir.file("state.db"));
    int64_t resolved = 0;
    ASSERT_TRUE(db->query("SELECT COUNT(*) FROM incidents WHERE status = 2", {},
                          [&](const state::Row& row) { resolved = row.integer(0); }));
    EXPECT_EQ(resolved, 1) << kill_at;
  }
}

TEST(Roster, SaysWhatIsWrongAndWhere) {
  const auto error = [](std::string_view text) {
    const auto config = config::parse_strata_config(text, "strata.yml");
    if (!config) return config.error().message;
    const auto made = Roster::make(
        config->oncall, [](const std::string& name) { return name != "nowhere"; }, real_fs(),
        kStart);
    return made ? std::string("none") : made.error().message;
  };
  EXPECT_EQ(error("oncall: {people: [{name: a, channels: [{kind: phone, receiver: nowhere}]}]}"),
            "strata.yml:1:19: a: no receiver \"nowhere\" in alertmanager.yml");
  EXPECT_EQ(error("oncall:\n"
                  "  people: [{name: a, channels: [{kind: phone, receiver: x}]}]\n"
                  "  schedules:\n"
                  "  - {name: s, layers: [{people: [a], hours: 09:00-17:00}]}\n"),
            "strata.yml:4:5: s: nobody is on call from 2026-01-05 17:00 UTC to 2026-01-06 09:00 "
            "UTC; add a layer or a fallback");
  EXPECT_EQ(error("oncall: {policies: [{priority: P0, steps: [{notify: [nobody]}]}]}"),
            "strata.yml:1:44: notify: \"nobody\" is neither a schedule, a person nor everyone");
}

TEST(AckLinks, OnlyOursAndOnlyWhileTheyAreValid) {
  const AckLinks links(std::string(32, 'a'));
  const AckLinks others(std::string(32, 'b'));
  const std::string token = links.token(17, kStart);
  EXPECT_EQ(links.page_of(token, kStart), 17);
  EXPECT_EQ(links.page_of(token, kStart + AckLinks::kValid.count() + kSecond), std::nullopt);
  EXPECT_EQ(others.page_of(token, kStart), std::nullopt);
  EXPECT_EQ(links.page_of("18" + token.substr(2), kStart), std::nullopt);
  EXPECT_EQ(links.page_of("", kStart), std::nullopt);
  EXPECT_EQ(links.page_of("17--", kStart), std::nullopt);
}

}  // namespace
}  // namespace strata::oncall
