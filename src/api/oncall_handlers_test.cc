// Incidents, links, key presses, schedules, overrides, heartbeats and the audit log, asked over
// HTTP over a real desk whose thread is this test.
#include <fstream>

#include "alerting/engine.h"
#include "api/api_for_test.h"
#include "config/strata_config.h"
#include "oncall/engine.h"
#include "oncall/key_press.h"

namespace strata::api {
namespace {

constexpr std::string_view kAlertmanager =
    "route: {receiver: nobody}\n"
    "receivers: [{name: nobody}, {name: twilio}, {name: any}, {name: drill}]\n";
constexpr std::string_view kStrata = R"(
receivers:
- name: twilio
  twilio_voice_configs: [{account_sid: AC1, auth_token: secret, from: '+1', to: '+2'}]
- name: any
  phone_configs: [{url: 'http://127.0.0.1:9/'}]
oncall:
  people:
  - {name: alice, channels: [{kind: phone, receiver: twilio}]}
  - {name: bob, channels: [{kind: phone, receiver: any}]}
  schedules:
  - {name: primary, layers: [{people: [alice, bob], rotation: weekly, starts: '2023-11-13 09:00'}]}
  policies:
  - priority: P0
    steps: [{after: 0s, notify: [alice]}, {after: 1m, notify: [bob]}]
  heartbeats: [{name: backup, timeout: 1h}]
)";

class OncallHandlersTest : public ApiTest {
 protected:
  void SetUp() override {
    ApiTest::SetUp();
    std::ofstream(dir_.file("alertmanager.yml")) << kAlertmanager;
    std::ofstream(dir_.file("strata.yml")) << kStrata;
    const auto fetch = [this](auto request, auto done) {
      client_->fetch(std::move(request), std::move(done));
    };
    auto alerting = alerting::Engine::open(
        {.directory = dir_.file("alerting"),
         .config_file = dir_.file("alertmanager.yml"),
         .external_url = "http://s",
         .strata_config_file = dir_.file("strata.yml")},
        {.http = fetch, .tcp = {}, .fs = real_fs(), .clock = clock_, .metrics = registry_});
    ASSERT_TRUE(alerting) << alerting.error().message;
    alerting_ = *std::move(alerting);
    const auto config = config::parse_strata_config(kStrata, "strata.yml");
    ASSERT_TRUE(config) << config.error().message;
    auto oncall =
        oncall::Engine::open({.directory = dir_.file("alerting"), .external_url = "http://s"},
                             {.alerting = *alerting_,
                              .http = fetch,
                              .fs = real_fs(),
                              .clock = clock_,
                              .metrics = registry_},
                             config->oncall);
    ASSERT_TRUE(oncall) << oncall.error().message;
    oncall_ = *std::move(oncall);
    auto all = services();
    all.alerting = alerting_.get();
    all.oncall = oncall_.get();
    serve(std::move(all));
  }
  void TearDown() override {
    if (server_) server_->stop(std::chrono::seconds(10));
    oncall_.reset();
    alerting_.reset();
    ApiTest::TearDown();
  }

  // An engine is down, and whoever is to be called for it has been.
  void fire() {
    alerting::Alert alert;
    alert.labels = Labels{{"alertname", "Down"}, {"node", "a"}, {"severity", "P0"}};
    alert.starts_at = clock_.now_ms();
    alert.ends_at = clock_.now_ms() + 3'600'000;
    ASSERT_TRUE(alerting_->put({alert}));
    oncall_->run_once();
  }
  net::ClientResponse post(std::string_view target, std::string text = "",
                           net::Headers headers = {}) {
    if (!headers.contains("Content-Type")) {
      headers.set("Content-Type",
                  text.starts_with('{') ? "application/json" : "application/x-www-form-urlencoded");
    }
    return ask(target, "POST", std::move(headers), std::move(text));
  }
  std::string status(int64_t id = 1) {
    return std::string(to_string((*oncall_->store().incident(id))->status));
  }
  std::string link(int64_t page = 1) {
    return "/ack/" + oncall_->links().token(page, clock_.now_ms());
  }

  std::unique_ptr<alerting::Engine> alerting_;
  std::unique_ptr<oncall::Engine> oncall_;
};

TEST_F(OncallHandlersTest, AnIncidentIsListedShownAndActedUpon) {
  fire();
  const auto list = body("/api/v1/incidents");
  EXPECT_TRUE(list.contains(R"("title":"Down on a","alertname":"Down")")) << list;
  EXPECT_TRUE(list.contains(R"("counts":{"open":1,"acknowledged":0,"resolved":0})")) << list;
  EXPECT_TRUE(body("/api/v1/incidents?priority=P1").contains(R"("incidents":[])"));
  EXPECT_EQ(ask("/api/v1/incidents?status=broken").status, 400);
  EXPECT_EQ(ask("/api/v1/incidents/2").status, 404);
  EXPECT_EQ(ask("/api/v1/incidents/one").status, 404);
  EXPECT_TRUE(body("/api/v1/incidents/1").contains(R"("action":"paged")"));

  EXPECT_EQ(post("/api/v1/incidents/1/acknowledge").status, 400) << "nobody acts";
  EXPECT_EQ(post("/api/v1/incidents/1/acknowledge", "actor=strata").status, 400);
  EXPECT_EQ(post("/api/v1/incidents/1/acknowledge", "actor=carol&for=nonsense").status, 400);
  EXPECT_EQ(post("/api/v1/incidents/1/acknowledge", "actor=carol&for=2h").status, 200);
  EXPECT_EQ(status(), "acknowledged");
  EXPECT_EQ(post("/api/v1/incidents/1/unacknowledge", R"({"actor":"carol"})").status, 200);
  EXPECT_EQ(status(), "open");
  EXPECT_EQ(post("/api/v1/incidents/1/note", R"({"actor":"carol","text":)").status, 400);
  EXPECT_EQ(post("/api/v1/incidents/1/note", R"({"actor":"carol","text":"a \"b\""})").status, 200);
  EXPECT_EQ(post("/api/v1/incidents/1/assign", "owner=bob", {{"X-Strata-Actor", "carol"}}).status,
            200);
  EXPECT_EQ(post("/api/v1/incidents/1/resolve", "actor=carol").status, 200);
  EXPECT_EQ(post("/api/v1/incidents/1/resolve", "actor=carol").status, 409);
  const auto whole = body("/api/v1/incidents/1");
  EXPECT_TRUE(whole.contains(R"("actor":"carol","action":"noted","incident":1,"detail":"a \"b\"")"))
      << whole;
  EXPECT_TRUE(whole.contains(R"("owner":"bob")"));
}

TEST_F(OncallHandlersTest, ALinkShowsThenAcknowledgesInTheNameOfThePersonCalled) {
  fire();
  const auto shown = ask(link());
  EXPECT_EQ(shown.status, 200);
  EXPECT_TRUE(shown.body.contains("Acknowledge as alice"));
  EXPECT_EQ(status(), "open") << "looking changes nothing";
  EXPECT_EQ(post(link()).status, 200);
  EXPECT_EQ((*oncall_->store().incident(1))->acknowledged_by, "alice");
  EXPECT_EQ(post(link()).status, 200) << "a second time does no harm";
  EXPECT_TRUE(body(link()).contains("Nothing to acknowledge"));
  EXPECT_EQ(ask("/ack/1-2-3").status, 404);
  EXPECT_EQ(ask("/ack/-").status, 404);
  EXPECT_EQ(ask(link(99)).status, 404);
  const std::string old = link();
  clock_.advance(oncall::AckLinks::kValid + std::chrono::seconds(2));
  EXPECT_EQ(post(old).status, 404);
}

TEST_F(OncallHandlersTest, AKeyPressOfTwilioCountsOnlyWhenItIsSigned) {
  fire();
  const std::string path = link();
  EXPECT_EQ(post(path, "Digits=1").status, 403);
  EXPECT_EQ(post(path, "Digits=1", {{"X-Twilio-Signature", "AAAA"}}).status, 403);
  EXPECT_EQ(status(), "open");
  net::FormValues form;
  form.add("Digits", "1");
  form.add("CallSid", "CA1");
  const auto signature = oncall::twilio_signature("secret", "http://s" + path, form);
  EXPECT_EQ(post(path, "Digits=2&CallSid=CA1", {{"X-Twilio-Signature", signature}}).status, 403);
  const auto pressed = post(path, form.encode(), {{"X-Twilio-Signature", signature}});
  EXPECT_EQ(pressed.status, 200);
  EXPECT_TRUE(pressed.body.contains("<Response><Say>")) << pressed.body;
  EXPECT_EQ(status(), "acknowledged");
}

TEST_F(OncallHandlersTest, OtherPhonesNeedTheLinkAlone) {
  fire();
  clock_.advance(std::chrono::minutes(1));
  oncall_->run_once();  // bob's turn
  EXPECT_EQ(post(link(2), "Digits=7").status, 200);
  EXPECT_EQ(status(), "open") << "no key that means anything";
  EXPECT_EQ(post(link(2), "Digits=2").status, 200);
  oncall_->run_once();
  EXPECT_TRUE(body("/api/v1/incidents/1").contains(R"("actor":"bob","action":"escalated")"));
  EXPECT_EQ(post(link(2), "Digits=1").status, 200);
  EXPECT_EQ((*oncall_->store().incident(1))->acknowledged_by, "bob");
  EXPECT_EQ(post(link(2), "Digits=1", {{"X-Twilio-Signature", "AAAA"}}).status, 403)
      << "what says that it is Twilio's has to be";
}

TEST_F(OncallHandlersTest, ScheduleSlotsAndOverrides) {
  EXPECT_TRUE(body("/api/v1/oncall?time=1700000000&ahead=6d")
                  .contains(R"("slots":[{"person":"alice","since":"2023-11-14T22:13:20.000Z",)"
                            R"("until":"2023-11-20T09:00:00.000Z","from":"layer 1"},)"
                            R"({"person":"bob","since":"2023-11-20T09:00:00.000Z",)"
                            R"("until":"2023-11-20T22:13:20.000Z","from":"layer 1"}])"));
  EXPECT_EQ(ask("/api/v1/oncall?ahead=57d").status, 400);
  EXPECT_EQ(ask("/api/v1/oncall?time=1").status, 400);

  const std::string form = "schedule=primary&person=bob&end=1700003600";
  EXPECT_EQ(post("/api/v1/oncall/overrides", form).status, 400) << "nobody acts";
  EXPECT_EQ(post("/api/v1/oncall/overrides", form + "&actor=carol").status, 200);
  EXPECT_EQ(post("/api/v1/oncall/overrides", form + "0&actor=carol&person=x").status, 200)
      << "the first person counts";
  for (const std::string_view wrong :
       {"schedule=no&person=bob&end=1700003600", "schedule=primary&person=no&end=1700003600",
        "schedule=primary&person=bob&end=1600003600", "schedule=primary&person=bob&end=soon",
        "schedule=primary&person=bob"}) {
    EXPECT_EQ(post("/api/v1/oncall/overrides", fmt::format("{}&actor=carol", wrong)).status, 400)
        << wrong;
  }
  EXPECT_TRUE(body("/api/v1/oncall").contains(R"("now":{"person":"bob")"));
  EXPECT_EQ(ask("/api/v1/oncall/overrides/1?actor=carol", "DELETE").status, 200);
  EXPECT_EQ(ask("/api/v1/oncall/overrides/1?actor=carol", "DELETE").status, 404);
}

TEST_F(OncallHandlersTest, AHeartbeatThatStaysAwayFiresAndItsReturnEndsIt) {
  EXPECT_EQ(post("/api/v1/heartbeats/nobody").status, 404);
  EXPECT_EQ(post("/api/v1/heartbeats/backup", std::string(1000, '\xff')).status, 200)
      << "whatever the body is";
  oncall_->run_once();
  clock_.advance(std::chrono::minutes(59));
  oncall_->run_once();
  EXPECT_TRUE(body("/api/v1/heartbeats").contains(R"("missing":false)"));
  clock_.advance(std::chrono::minutes(2));
  oncall_->run_once();
  oncall_->run_once();
  EXPECT_TRUE(body("/api/v1/heartbeats").contains(R"("missing":true)"));
  EXPECT_TRUE(body("/api/v1/incidents").contains(R"("title":"HeartbeatMissing on backup")"));
  EXPECT_EQ(post("/api/v1/heartbeats/backup").status, 200);
  clock_.advance(std::chrono::minutes(6));
  oncall_->run_once();
  oncall_->run_once();
  EXPECT_TRUE(body("/api/v1/incidents?status=resolved").contains("HeartbeatMissing on backup"));
}

TEST_F(OncallHandlersTest, TheAuditLogIsReadFilteredExportedAndVerified) {
  fire();
  EXPECT_EQ(post("/api/v1/incidents/1/note", "actor=%3Dcmd&text=-1").status, 200);
  EXPECT_TRUE(body("/api/v1/audit?action=noted").contains(R"("actor":"=cmd")"));
  EXPECT_FALSE(body("/api/v1/audit?action=noted").contains(R"("action":"opened")"));
  const auto csv = ask("/api/v1/audit?format=csv&actor=%3Dcmd");
  EXPECT_EQ(csv.headers.value("Content-Type"), "text/csv; charset=utf-8");
  EXPECT_TRUE(csv.body.contains(R"("'=cmd","noted",1,"'-1")")) << csv.body;
  EXPECT_TRUE(body("/api/v1/audit?verify=true").contains("every entry is as it was written"));
}

TEST_F(OncallHandlersTest, ADrillNeedsAReceiver) {
  EXPECT_EQ(post("/api/v1/alerts/drill", "actor=carol&priority=P7").status, 400);
  EXPECT_EQ(post("/api/v1/alerts/drill", "actor=carol").status, 400);
  EXPECT_EQ(post("/api/v1/alerts/drill", "actor=carol&receiver=nowhere").status, 400);
  EXPECT_EQ(post("/api/v1/alerts/drill", "actor=carol&receiver=drill").status, 200);
}

TEST_F(ApiTest, WithoutADeskThereAreNoIncidents) {
  EXPECT_EQ(ask("/api/v1/incidents").status, 503);
  EXPECT_EQ(ask("/ack/1-2-3").status, 503);
}

}  // namespace
}  // namespace strata::api
