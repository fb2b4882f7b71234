// What each kind of receiver is sent, and how its answers are taken. The bodies were compared with
// those of Alertmanager (tests/e2e/provider_differential_test.py).
#include "alerting/provider.h"

#include <gtest/gtest.h>

#include <fstream>

#include "alerting/notification_templates.h"
#include "alerting/own_kinds.h"
#include "alerting/robot_providers.h"
#include "alerting/wechat.h"
#include "base/temp_dir.h"
#include "net/basic_auth.h"
#include "net/url.h"

namespace strata::alerting {
namespace {

constexpr TimestampMs kAt = 1'700'000'000'000;

Notification notification(bool firing = true) {
  Alert alert;
  alert.labels = Labels{{"alertname", "Slow"}, {"node", "a<b"}, {"severity", "page"}};
  alert.annotations = {{"summary", "Node \"a\" is slow"}};
  alert.starts_at = kAt - 60'000;
  alert.ends_at = firing ? kAt + 60'000 : kAt - 1;
  alert.generator_url = "http://prometheus/graph?g0.expr=up";
  return {.group_key = R"({}:{alertname="Slow"})",
          .group_labels = Labels{{"alertname", "Slow"}},
          .route_labels = {},
          .receiver = "team",
          .reason = Reason::kFirst,
          .at = kAt,
          .alerts = {alert},
          .truncated = 0};
}

class ProviderTest : public testing::Test {
 protected:
  // `section`: one entry of the kind's list, in YAML's flow style.
  void load(const std::string& kind, const std::string& section, const std::string& global = "{}") {
    auto file = parse_alertmanager_file(
        fmt::format("global: {}\nroute: {{receiver: team}}\nreceivers:\n- name: team\n  "
                    "{}_configs: [{}]\n",
                    global, kind, section),
        "am.yml");
    ASSERT_TRUE(file) << file.error().message;
    file_ = *std::move(file);
    const Receiver& receiver = file_.receivers[0];
    to_ = {&receiver, &receiver.integrations[0], file_.texts.get()};
    provider_ = find_provider(kind);
    ASSERT_NE(provider_, nullptr);
  }
  MessageParts parts(const Notification& n = notification()) {
    auto parts = provider_->render({.external_url = "http://strata"}, n, to_);
    EXPECT_TRUE(parts) << parts.error().message;
    return parts.value_or(MessageParts());
  }
  net::ClientRequest request(const Notification& n = notification()) {
    auto request = provider_->request(*to_.integration, parts(n), real_fs());
    EXPECT_TRUE(request) << request.error().message;
    return request.value_or(net::ClientRequest());
  }
  Verdict judge(int status, const std::string& body, net::Headers headers = {}) {
    net::ClientResponse response;
    response.status = status;
    response.body = body;
    response.headers = std::move(headers);
    return provider_->judge(response);
  }

  AlertmanagerFile file_;
  Destination to_;
  const Provider* provider_ = nullptr;
};

TEST_F(ProviderTest, SlackGetsOneAttachment) {
  load("slack",
       "{api_url: 'http://slack/x', channel: '#c', short_fields: true, "
       "fields: [{title: State, value: '{{ .Status }}'}], "
       "actions: [{type: button, text: Go, url: '{{ .ExternalURL }}'}]}");
  const auto sent = request();
  EXPECT_EQ(sent.url, "http://slack/x");
  EXPECT_EQ(sent.headers.value("Content-Type"), "application/json");
  EXPECT_EQ(
      sent.body,
      R"j({"channel":"#c","username":"Alertmanager","attachments":[{"title":"[FIRING:1] Slow (a<b page)","title_link":"http://strata/#/alerts?receiver=team","text":"","fallback":"[FIRING:1] Slow (a<b page) | http://strata/#/alerts?receiver=team","callback_id":"","fields":[{"title":"State","value":"firing","short":true}],"actions":[{"type":"button","text":"Go","url":"http://strata"}],"footer":"","color":"danger","mrkdwn_in":["fallback","pretext","text"]}]})j");
  EXPECT_TRUE(request(notification(false)).body.contains(R"("color":"good")"));
}

TEST_F(ProviderTest, SlackSaysNoUnderStatus200) {
  load("slack", "{api_url: 'http://slack/x'}");
  const net::Headers json = {{"Content-Type", "application/json; charset=utf-8"}};
  EXPECT_TRUE(judge(200, "ok").delivered);
  EXPECT_TRUE(judge(200, R"({"ok":true,"ts":"1.2"})", json).delivered);
  const Verdict unknown = judge(200, R"({"ok":false,"error":"channel_not_found"})", json);
  EXPECT_FALSE(unknown.delivered);
  EXPECT_FALSE(unknown.retriable);
  EXPECT_EQ(unknown.detail, "200, but: channel_not_found");
  EXPECT_TRUE(judge(200, R"({"ok":false,"error":"ratelimited"})", json).retriable);
  EXPECT_TRUE(judge(200, "<html>", json).retriable);
  EXPECT_FALSE(judge(200, "no_text").delivered);
}

TEST_F(ProviderTest, SlackMayPutAMessageInThePlaceOfTheFirstOne) {
  load("slack",
       "{api_url: 'https://slack.com/api/chat.postMessage', http_config: {authorization: "
       "{credentials: xoxb}}, channel: '#c', update_message: true, title: T, text: x}");
  const net::Headers json = {{"Content-Type", "application/json; charset=utf-8"}};
  const auto said =
      judge(200, R"({"ok":true,"channel":"C1","ts":"1.2","message":{"ts":"9"}})", json);
  EXPECT_EQ(said.reference, "C1 1.2");
  const auto asked = [&](Reason reason, const std::string& reference) {
    Notification n = notification();
    n.reason = reason;
    auto all = parts(n);
    if (!reference.empty()) all.emplace_back("reference", reference);
    return *provider_->request(*to_.integration, all, real_fs());
  };
  const auto first = asked(Reason::kFirst, "C1 1.2");
  EXPECT_TRUE(first.url.ends_with("/chat.postMessage")) << "a new fault is a new message";
  EXPECT_TRUE(first.body.starts_with(R"({"channel":"#c","username")"));
  const auto later = asked(Reason::kNewAlerts, said.reference);
  EXPECT_TRUE(later.url.ends_with("/chat.update")) << later.url;
  EXPECT_TRUE(later.body.starts_with(R"({"channel":"C1","ts":"1.2","attachments":[{"title":"T")"))
      << later.body;
  EXPECT_EQ(later.headers.value("Content-Type"), "application/json");
  EXPECT_TRUE(asked(Reason::kRepeat, "").url.ends_with("/chat.postMessage")) << "nothing is known";
  EXPECT_TRUE(judge(200, R"({"ok":false,"error":"message_not_found"})", json).retriable);
  load("slack", "{api_url: 'https://slack.com/api/chat.postMessage', channel: '#c'}");
  EXPECT_TRUE(asked(Reason::kNewAlerts, "C1 1.2").url.ends_with("/chat.postMessage"));
}

TEST_F(ProviderTest, StatusesAreTakenAsAlertmanagerTakesThem) {
  load("webhook", "{url: 'http://h/'}");
  EXPECT_TRUE(judge(204, "").delivered);
  for (const auto& [status, retriable, reason] :
       {std::tuple(400, false, "clientError"), std::tuple(401, false, "authError"),
        std::tuple(403, false, "authError"), std::tuple(429, true, "rateLimited"),
        std::tuple(500, true, "serverError"), std::tuple(503, true, "serverError")}) {
    const Verdict verdict = judge(status, "why", {{"Retry-After", "7"}});
    EXPECT_FALSE(verdict.delivered);
    EXPECT_EQ(verdict.retriable, retriable) << status;
    EXPECT_EQ(verdict.reason, reason) << status;
    EXPECT_EQ(verdict.retry_after, std::chrono::seconds(7));
  }
  load("pagerduty", "{service_key: K}");
  EXPECT_TRUE(judge(403, "").retriable);
}

TEST_F(ProviderTest, PagerdutyIsToldOfBeginAndEndUnderOneKey) {
  load("pagerduty",
       "{routing_key: SECRET, details: {firing: few, runbook: '{{ .GroupLabels.alertname }}'}, "
       "links: [{href: '{{ .ExternalURL }}', text: Strata}, {href: '{{ .CommonLabels.none }}'}]}");
  EXPECT_FALSE(part(parts(), "body").contains("SECRET"));
  const auto sent = request();
  EXPECT_EQ(sent.url, "https://events.pagerduty.com/v2/enqueue");
  EXPECT_EQ(
      sent.body,
      R"j({"routing_key":"SECRET","dedup_key":"cad65463d11e13d83ed22ad561d73269e67fe33734367787065cd4e397bf771c","event_action":"trigger","payload":{"summary":"[FIRING:1] Slow (a<b page)","source":"Alertmanager","severity":"error","custom_details":{"resolved":[],"num_firing":1,"num_resolved":0,"firing":"few","runbook":"Slow"}},"client":"Alertmanager","client_url":"http://strata/#/alerts?receiver=team","links":[{"href":"http://strata","text":"Strata"}]})j");
  EXPECT_TRUE(request(notification(false)).body.contains(R"("event_action":"resolve")"));

  load("pagerduty", "{service_key: OLD}");
  const auto old = request(notification(false));
  EXPECT_EQ(old.url, "https://events.pagerduty.com/generic/2010-04-15/create_event.json");
  EXPECT_TRUE(old.body.starts_with(R"({"service_key":"OLD","incident_key":"cad65463)")) << old.body;
  EXPECT_TRUE(old.body.contains(R"("event_type":"resolve")"));
}

TEST_F(ProviderTest, PagerdutyDetailsThatAreTooLongAreLeftOut) {
  load("pagerduty", "{routing_key: K}");
  Notification many = notification();
  for (int i = 0; i < 3000; ++i) many.alerts.push_back(many.alerts[0]);
  const auto sent = request(many);
  EXPECT_LT(sent.body.size(), 10'000);
  EXPECT_TRUE(sent.body.contains("The details are left out")) << sent.body;
}

TEST_F(ProviderTest, AKeyThatIsATemplateIsRendered) {
  load("pagerduty", "{routing_key: 'key-{{ .CommonLabels.severity }}'}");
  EXPECT_TRUE(request().body.starts_with(R"({"routing_key":"key-page")"));
}

TEST_F(ProviderTest, OpsgenieAlertsAreMadeAndClosedByAlias) {
  load("opsgenie",
       "{api_key: K, update_alerts: true, tags: 'a,,b', priority: P1, details: {node: x}, "
       "responders: [{name: 'one,two', type: teams}, {id: '{{ .CommonLabels.none }}', type: "
       "user}]}");
  const auto made = parts();
  EXPECT_TRUE(
      part(made, "create")
          .contains(
              R"("details":{"alertname":"Slow","severity":"page","node":"x"},"source":"http://strata/#/alerts?receiver=team","responders":[{"name":"one","type":"team"},{"name":"two","type":"team"},{"type":"user"}],"tags":["a","b"],"priority":"P1"})"))
      << part(made, "create");
  EXPECT_EQ(part(made, "message"), R"j({"message":"[FIRING:1] Slow (a<b page)"})j");
  EXPECT_EQ(part(parts(notification(false)), "close"),
            R"({"source":"http://strata/#/alerts?receiver=team"})");
}

TEST_F(ProviderTest, TelegramTakesHtmlWithoutMarkupOfLabels) {
  load("telegram",
       "{bot_token: T, chat_id: -12, message_thread_id: 3, disable_notifications: true, "
       "message: '<b>{{ .CommonLabels.node }}</b>'}");
  const auto sent = request();
  EXPECT_EQ(sent.url, "https://api.telegram.org/botT/sendMessage");
  EXPECT_EQ(
      sent.body,
      R"({"chat_id":"-12","text":"<b>a&lt;b</b>","disable_web_page_preview":"true","parse_mode":"HTML","disable_notification":"true","message_thread_id":"3"})");
  const Verdict flood =
      judge(429, R"({"ok":false,"error_code":429,"parameters":{"retry_after":9}})");
  EXPECT_EQ(flood.retry_after, std::chrono::seconds(9));
}

TEST_F(ProviderTest, TelegramMessagesThatAreTooLongBecomeTheSubject) {
  load("telegram", "{bot_token: T, chat_id: 1}");
  Notification many = notification();
  for (int i = 0; i < 100; ++i) many.alerts.push_back(many.alerts[0]);
  EXPECT_TRUE(part(parts(many), "text").starts_with("[FIRING:101] Slow (a&lt;b page) http"));
}

TEST_F(ProviderTest, AWebhookMayHaveAPayloadOfItsOwn) {
  load("webhook",
       "{url: 'http://h/{{ .Status }}', payload: {state: '{{ .Status }}', "
       "n: '{{ len .Alerts }}', names: ['{{ .GroupLabels.alertname }}', 7, true], "
       "labels: '{{ .CommonLabels | toJson }}'}}");
  const auto sent = request();
  EXPECT_EQ(sent.url, "http://h/firing");
  EXPECT_EQ(sent.body, R"({"state":"firing","n":1,"names":["Slow",7,true],)"
                       R"("labels":{"alertname":"Slow","node":"a<b","severity":"page"}})");
}

TEST_F(ProviderTest, LongTextsAreCutWhereTheProviderWouldRefuseThem) {
  load("discord", "{webhook_url: 'http://h/', title: '{{ .CommonAnnotations.summary }}'}");
  Notification long_one = notification();
  std::string text;
  for (int i = 0; i < 300; ++i) text += "\xc3\xa9";  // é
  long_one.alerts[0].annotations = {{"summary", text}};
  const auto body = request(long_one).body;
  EXPECT_TRUE(body.contains(R"("title":")" + text.substr(0, 510) + "\xe2\x80\xa6\"")) << body;
  EXPECT_EQ(cut_bytes("\xc3\xa9\xc3\xa9\xc3\xa9", 5), "\xc3\xa9\xe2\x80\xa6");
  EXPECT_EQ(cut_runes("abcdef", 3), "abc");
}

TEST_F(ProviderTest, TemplatesOfFilesOverrideTheDefaultOnes) {
  load("slack", "{api_url: 'http://h/'}");
  const TempDir dir;
  std::ofstream(dir.file("own.tmpl"))
      << "{{ define \"__subject\" }}own: {{ .GroupLabels.alertname | toLower }}{{ end }}";
  file_.texts = *NotificationTemplates::load({dir.file("*.tmpl")}, real_fs());
  to_.templates = file_.texts.get();
  EXPECT_TRUE(request().body.contains(R"("title":"own: slow")"));
  std::ofstream(dir.file("bad.tmpl")) << "{{ define \"x\" }}";
  const auto bad = NotificationTemplates::load({dir.file("*.tmpl")}, real_fs());
  ASSERT_FALSE(bad);
  EXPECT_TRUE(bad.error().message.starts_with(dir.file("bad.tmpl") + ": template: bad.tmpl:1: "))
      << bad.error().message;
}

TEST_F(ProviderTest, TheMailPageIsSafeFromWhatLabelsSay) {
  load("slack", "{api_url: 'http://h/'}");
  Notification n = notification();
  n.alerts[0].labels = Labels{{"alertname", "Slow"}, {"node", "<script>alert(1)</script>"}};
  n.alerts[0].generator_url = "javascript:alert(1)";
  Wording wording("http://strata", n, to_);
  const std::string page = wording.html(R"({{ template "email.default.html" . }})");
  ASSERT_TRUE(wording.result()) << wording.result().error().message;
  EXPECT_FALSE(page.contains("<script>")) << page;
  EXPECT_FALSE(page.contains("javascript:")) << page;
  EXPECT_TRUE(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
  EXPECT_TRUE(page.contains(R"(href="http://strata/#/alerts?receiver=team")")) << page;
}

TEST_F(ProviderTest, MailsAreMadeOnceAndForAllAttempts) {
  load("email",
       "{to: 'B <b@x>, c@x', from: strata@x, smarthost: 'h:25', text: '{{ .Status }}', "
       "html: '<i>{{ .CommonLabels.node }}</i>', headers: {X-Team: '{{ .Receiver }}'}, "
       "threading: {enabled: true, thread_by_date: daily}}");
  const auto mail = parts();
  EXPECT_EQ(part(mail, "from"), "strata@x");
  const std::string data(part(mail, "data"));
  for (const auto line :
       {"X-Team: team\r\n", "Subject: [FIRING:1] Slow (a<b page)\r\n", "To: B <b@x>, c@x\r\n",
        "From: strata@x\r\n", "Date: Tue, 14 Nov 2023 22:13:20 +0000\r\n",
        "References: <alert-cad65463d11e13d8-2023-11-14@alertmanager>\r\n", "\r\n\r\nfiring\r\n",
        "<i>a&lt;b</i>"}) {
    EXPECT_TRUE(data.contains(line)) << line << "\n" << data;
  }
  EXPECT_EQ(parts(), mail);
}

class OwnKindTest : public ProviderTest {
 protected:
  void load_own(const std::string& kind, const std::string& section) {
    auto file =
        parse_alertmanager_file("route: {receiver: team}\nreceivers: [{name: team}]\n", "a");
    ASSERT_TRUE(file);
    file_ = *std::move(file);
    const auto own = config::parse_yaml(
        fmt::format("[{{name: team, {}_configs: [{}]}}]", kind, section), "strata.yml");
    ASSERT_TRUE(own) << own.error().message;
    const auto added = add_own_receivers(*own, "strata.yml", file_);
    ASSERT_TRUE(added) << added.error().message;
    to_ = {&file_.receivers[0], &file_.receivers[0].integrations[0], file_.texts.get()};
    provider_ = find_provider(kind);
    ASSERT_NE(provider_, nullptr);
  }
  // What send() asks for; the answer is `response`.
  net::ClientRequest send(const net::ClientResponse& response, Verdict& verdict,
                          const Notification& n = notification()) {
    net::ClientRequest sent;
    const auto fetch = [&](net::ClientRequest request, net::HttpClient::Callback done) {
      sent = std::move(request);
      done(response);
    };
    const ManualClock clock(kAt);
    const SendContext context{.file = {},
                              .integration = to_.integration,
                              .http = std::make_shared<const discover::PeerClient>(
                                  fetch, to_.integration->http, real_fs(), clock),
                              .tcp = {},
                              .tokens = std::make_shared<AccessTokens>(clock),
                              .fs = &real_fs(),
                              .clock = &clock,
                              .timeout = std::chrono::seconds(1),
                              .stop = {}};
    provider_->send(context, parts(n), [&](Verdict v) { verdict = std::move(v); });
    return sent;
  }
  static net::ClientResponse answer(std::string body, int status = 200) {
    net::ClientResponse response;
    response.status = status;
    response.body = std::move(body);
    return response;
  }
};

TEST_F(OwnKindTest, FeishuIsSignedAndSaysNoUnderStatus200) {
  load_own("feishu", "{url: 'http://h/hook', secret: S, text: '{{ .CommonLabels.node }}'}");
  Verdict verdict;
  const auto sent = send(answer(R"({"code":0,"msg":"success"})"), verdict);
  EXPECT_TRUE(verdict.delivered);
  const std::string sign = signature("1700000000\nS", "");
  EXPECT_EQ(
      sent.body,
      R"({"timestamp":"1700000000","sign":")" + sign +
          R"j(","msg_type":"interactive","card":{"header":{"title":{"tag":"plain_text","content":"[FIRING:1] Slow (a<b page)"},"template":"red"},"elements":[{"tag":"markdown","content":"a<b"}]}})j");
  send(answer(R"({"code":19021,"msg":"sign match fail"})"), verdict);
  EXPECT_FALSE(verdict.delivered || verdict.retriable);
  EXPECT_EQ(verdict.detail, "200, but: 19021 sign match fail");
  send(answer(R"({"code":11232,"msg":"frequency limited"})"), verdict);
  EXPECT_TRUE(verdict.retriable);
}

TEST_F(OwnKindTest, DingtalkIsSignedInItsUrl) {
  load_own("dingtalk",
           "{url: 'http://h/robot/send?access_token=T', secret: S, text: t, at_mobiles: ['1']}");
  Verdict verdict;
  const auto sent = send(answer(R"({"errcode":0,"errmsg":"ok"})"), verdict);
  EXPECT_TRUE(verdict.delivered);
  EXPECT_EQ(sent.url, "http://h/robot/send?access_token=T&timestamp=1700000000000&sign=" +
                          net::percent_encode(signature("S", "1700000000000\nS")));
  EXPECT_TRUE(sent.body.contains(R"("text":"t @1"},"at":{"atMobiles":["1"],"isAtAll":false})"));
  send(answer(R"({"errcode":130101,"errmsg":"send too fast"})"), verdict);
  EXPECT_TRUE(verdict.retriable);
  EXPECT_EQ(verdict.retry_after, std::chrono::minutes(10));
}

TEST_F(OwnKindTest, WecomMentionsInText) {
  load_own("wecom", "{url: 'http://h/', text: t, mentioned_mobiles: ['13', '@all']}");
  EXPECT_EQ(request().body,
            R"({"msgtype":"text","text":{"content":"t","mentioned_mobile_list":["13","@all"]}})");
}

TEST_F(OwnKindTest, TwilioSpeaksTwiceAndCollectsAKey) {
  load_own("twilio_voice",
           "{account_sid: AC1, auth_token: T, from: '+1', to: '+2', text: 'a < b'}");
  const auto plain = request();
  EXPECT_EQ(plain.url, "https://api.twilio.com/2010-04-01/Accounts/AC1/Calls.json");
  EXPECT_EQ(plain.headers.value("Authorization"), net::basic_authorization("AC1:T"));
  EXPECT_EQ(part(parts(), "Twiml"),
            R"(<Response><Say language="en-US">a &lt; b</Say><Pause length="1"/>)"
            R"(<Say language="en-US">a &lt; b</Say></Response>)");
  Notification with_key = notification();
  with_key.alerts[0].annotations = {{"ack_url", "http://s/ack?a=1&b=2"}};
  EXPECT_TRUE(part(parts(with_key), "Twiml")
                  .starts_with(R"(<Response><Gather numDigits="1" method="POST" )"
                               R"(action="http://s/ack?a=1&amp;b=2"><Say)"));
  load_own("twilio_sms", "{account_sid: AC1, auth_token: T, from: '+1', to: '+2', text: hi}");
  EXPECT_EQ(request().body, "Body=hi&From=%2B1&To=%2B2");
}

TEST_F(OwnKindTest, ACallOfThePeopleOnCallSaysWhatToDo) {
  Notification call = notification();
  call.alerts[0].annotations = {
      {"ack_url", "http://s/ack/1"}, {"oncall_summary", "P0: Hung on a"}, {"summary", "No tokens"}};
  load_own("twilio_voice", "{account_sid: AC1, auth_token: T, from: '+1', to: '+2'}");
  EXPECT_TRUE(
      part(parts(call), "Twiml")
          .contains("P0: Hung on a. No tokens. Press 1 to take it, 2 to have the next person "
                    "called.</Say>"));
  load_own("twilio_sms", "{account_sid: AC1, auth_token: T, from: '+1', to: '+2'}");
  EXPECT_EQ(part(parts(call), "Body"), "P0: Hung on a No tokens http://s/ack/1");
  load_own("phone", "{url: 'http://h/call', to: '123'}");
  EXPECT_TRUE(part(parts(call), "body")
                  .starts_with(R"({"to":"123","text":"P0: Hung on a. No tokens.",)"
                               R"("ack_url":"http://s/ack/1","id":")"))
      << part(parts(call), "body");
}

TEST_F(OwnKindTest, APhoneServiceMayBeAny) {
  load_own("phone",
           "{url: 'http://h/call', to: '123', text: hi, headers: {X-Key: K}, success: "
           "'\"code\":\"OK\"'}");
  Verdict verdict;
  const auto sent = send(answer(R"({"code":"OK"})"), verdict);
  EXPECT_TRUE(verdict.delivered);
  EXPECT_EQ(sent.headers.value("X-Key"), "K");
  EXPECT_EQ(sent.body, fmt::format(R"({{"to":"123","text":"hi","id":"{}"}})",
                                   sent.headers.value("Idempotency-Key")));
  send(answer(R"({"code":"LIMIT"})"), verdict);
  EXPECT_FALSE(verdict.delivered);
}

TEST_F(OwnKindTest, MistakesAreNamedByPlace) {
  auto file = *parse_alertmanager_file("route: {receiver: team}\nreceivers: [{name: team}]\n", "a");
  const auto add = [&](std::string_view text) {
    const auto added = add_own_receivers(*config::parse_yaml(text, "s"), "s", file);
    return added ? "" : added.error().message;
  };
  EXPECT_TRUE(add("[{name: other}]").starts_with("s:1:9: receiver \"other\" is not in"));
  EXPECT_TRUE(add("[{name: team, feishu_configs: [{urk: x}]}]").contains("urk"));
  EXPECT_TRUE(add("[{name: team, feishu_configs: [{}]}]").contains("url"));
  EXPECT_TRUE(add("[{name: team, phone_configs: [{url: 'http://h/', success: '('}]}]")
                  .contains("no regular expression"));
}

}  // namespace
}  // namespace strata::alerting
