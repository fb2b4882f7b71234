#include "alerting/config.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "alerting/route.h"

namespace strata::alerting {
namespace {

std::string error_of(std::string_view text) {
  const auto file = parse_alertmanager_file(text, "am.yml");
  return file ? "" : file.error().message;
}

constexpr std::string_view kSmallest = "route: {receiver: a}\nreceivers: [{name: a}]\n";

TEST(AlertmanagerFile, TheSmallest) {
  const auto file = parse_alertmanager_file(kSmallest, "am.yml");
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->resolve_timeout, std::chrono::minutes(5));
  EXPECT_EQ(file->receivers.size(), 1U);
  EXPECT_EQ(file->original, kSmallest);
}

TEST(AlertmanagerFile, MistakesSayWhereAndWhat) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"", "am.yml:1:1: the file is empty"},
      {"receivers: [{name: a}]", "route is missing"},
      {"route: {receiver: a, matcher: [x]}\nreceivers: [{name: a}]",
       "am.yml:1:22: unknown key \"matcher\""},
      {"route: {receiver: b}\nreceivers: [{name: a}]", "am.yml:1:19: receiver \"b\" is not"},
      {"route: {receiver: a, matchers: [x=1]}\nreceivers: [{name: a}]", "it has no matchers"},
      {"route: {receiver: a, continue: true}\nreceivers: [{name: a}]", "cannot continue"},
      {"route: {receiver: a, group_by: [a, a]}\nreceivers: [{name: a}]", "group_by has a twice"},
      {"route: {receiver: a, group_by: [a, '...']}\nreceivers: [{name: a}]", "no others beside"},
      {"route: {receiver: a, group_interval: 0s}\nreceivers: [{name: a}]", "longer than 0"},
      {"route: {receiver: a, routes: [{mute_time_intervals: [n]}]}\nreceivers: [{name: a}]",
       "time interval \"n\" is not defined"},
      {"route: {receiver: a}\nreceivers: [{name: a}, {name: a}]", "receiver \"a\" is there twice"},
      {"route: {receiver: a}\nreceivers: [{name: a, slack_configs: [{channel: c}]}]",
       "slack: api_url is missing"},
      {"route: {receiver: a}\nreceivers: [{name: a, webhook_configs: [{url: 'ftp://x'}]}]",
       "url: a URL begins with http"},
      {"route: {receiver: a}\nreceivers: [{name: a, webhook_configs: [{url: 'http://x', urls: "
       "1}]}]",
       "unknown key \"urls\""},
      {"route: {receiver: a}\nreceivers: [{name: a, email_configs: [{to: x}]}]",
       "email: smarthost is missing"},
      {"route: {receiver: a}\nreceivers: [{name: a, pushover_configs: [{token: x}]}]",
       "pushover: user_key is missing"},
      {"route: {receiver: a}\nreceivers: [{name: a}]\ntime_intervals: [{name: n, time_intervals: "
       "[{location: Mars/Base}]}]",
       "unknown time zone \"Mars/Base\""},
      {"route: {receiver: a}\nreceivers: [{name: a}]\ntime_intervals: [{name: n, time_intervals: "
       "[{times: [{start_time: '22:00', end_time: '06:00'}]}]}]",
       "end_time is after start_time"},
      {"route: {receiver: a}\nreceivers: [{name: a}]\ninhibit_rules: [{source_matchers: ['a b']}]",
       "bad matcher format: a b"},
  };
  for (const auto& [text, expected] : cases) {
    EXPECT_NE(error_of(text).find(expected), std::string::npos) << text << "\n" << error_of(text);
  }
}

TEST(AlertmanagerFile, WhatIsAbsentComesFromGlobal) {
  const auto file = parse_alertmanager_file(
      "global: {slack_api_url: 'http://slack/x', smtp_smarthost: 'mail:25', smtp_from: f}\n"
      "route: {receiver: a}\n"
      "receivers:\n"
      "- name: a\n"
      "  slack_configs: [{channel: c}, {api_url: 'http://other/', send_resolved: true}, null]\n"
      "  email_configs: [{to: t, smarthost: 'own:25'}]\n",
      "am.yml");
  ASSERT_TRUE(file) << file.error().message;
  const auto& integrations = file->receivers[0].integrations;
  ASSERT_EQ(integrations.size(), 4U);
  EXPECT_EQ(integrations[0].settings.text("smarthost"), "own:25");
  EXPECT_EQ(integrations[0].settings.text("from"), "f");
  EXPECT_TRUE(integrations[0].settings.flag("require_tls"));
  EXPECT_EQ(integrations[1].settings.text("api_url"), "http://slack/x");
  EXPECT_FALSE(integrations[1].send_resolved);
  EXPECT_EQ(integrations[2].settings.text("api_url"), "http://other/");
  EXPECT_TRUE(integrations[2].send_resolved);
  EXPECT_EQ(integrations[3].settings.text("username"),
            "{{ template \"slack.default.username\" . }}");
  EXPECT_EQ(integrations[3].index, 2U);
}

std::filesystem::path shared_folder() {
  const char* shared = std::getenv("STRATA_SHARED_DATA");
  return std::filesystem::path(shared != nullptr ? shared : "../shared/data") / "alertmanager";
}

// What each refused file of Alertmanager's own tests is refused for; the others load.
TEST(AlertmanagerFile, AlertmanagersOwnFiles) {
  const auto folder = shared_folder() / "config";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << folder << " is absent";
  const std::map<std::string, std::string_view> refused = {
      {"conf.mattermost-both-webhook-url-and-file.yml", "at most one of mattermost_webhook_url"},
      {"conf.mattermost-no-webhook-url.yml", "webhook_url is missing"},
      {"conf.mattermost-valid-receiver-both-webhook-url-and-file.yml",
       "at most one of mattermost_webhook_url"},
      {"conf.nil-match_re-route.yml", "the regular expression is missing"},
      {"conf.nil-source_match_re-inhibition.yml", "the regular expression is missing"},
      {"conf.nil-target_match_re-inhibition.yml", "the regular expression is missing"},
      {"conf.opsgenie-both-file-and-apikey.yml", "at most one of opsgenie_api_key"},
      {"conf.opsgenie-default-apikey-old-team.yml", "unknown key \"teams\""},
      {"conf.opsgenie-no-apikey.yml", "api_key is missing"},
      {"conf.rocketchat-both-token-and-tokenfile.yml", "at most one of rocketchat_token "},
      {"conf.rocketchat-both-tokenid-and-tokenidfile.yml", "at most one of rocketchat_token_id "},
      {"conf.rocketchat-no-token.yml", "token is missing"},
      {"conf.slack-both-file-and-token.yml", "at most one of slack_app_token and"},
      {"conf.slack-both-file-and-url.yml", "at most one of slack_api_url"},
      {"conf.slack-both-url-and-token.yml", "at most one of slack_app_token and slack_api_url"},
      {"conf.slack-no-api-url-or-token.yml", "api_url is missing"},
      {"conf.slack-update-message-and-webhook.yml", "update_message needs a bot's token"},
      {"conf.smtp-both-password-and-file.yml", "at most one of smtp_auth_password"},
      {"conf.sns-invalid.yml", "set one of topic_arn"},
      {"conf.telegram-both-bot-token-and-file.yml", "at most one of telegram_bot_token"},
      {"conf.telegram-no-bot-token.yml", "bot_token is missing"},
      {"conf.telegram-valid-receiver-both-bot-token-and-file.yml",
       "at most one of telegram_bot_token"},
      {"conf.victorops-both-file-and-apikey.yml", "at most one of victorops_api_key"},
      {"conf.victorops-no-apikey.yml", "api_key is missing"},
      {"conf.wechat-both-file-and-secret.yml", "at most one of wechat_api_secret"},
      {"conf.wechat-no-api-secret.yml", "api_secret is missing"},
  };
  size_t loaded = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename();
    const auto file = load_alertmanager_file(entry.path());
    const std::string error = file ? "" : file.error().message;
    const auto reason = refused.find(name);
    if (reason == refused.end()) {
      EXPECT_TRUE(file) << name << ": " << error;
      loaded += file ? 1 : 0;
    } else {
      EXPECT_NE(error.find(reason->second), std::string::npos) << name << ": " << error;
    }
  }
  EXPECT_GE(loaded, 19U);
}

TEST(RouteTree, TheRoutingExampleOfAlertmanager) {
  const auto path = shared_folder() / "conf.routing.yml";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is absent";
  const auto file = load_alertmanager_file(path);
  ASSERT_TRUE(file) << file.error().message;
  const RouteTree tree(file->route);
  EXPECT_FALSE(tree.match({{"alertname", "x"}}).empty());
}

constexpr std::string_view kTree = R"(
route:
  receiver: default
  group_by: [alertname]
  group_wait: 10s
  routes:
  - matchers: [team="db"]
    receiver: db
    continue: true
    group_by: []
  - matchers: ['team=~"db|web"']
    receiver: web
    group_wait: 0s
    routes:
    - match: {severity: critical}
      receiver: pager
      group_by: ['...']
    - match_re: {severity: "warn.*"}
  - matchers: [env=""]
    receiver: no-env
receivers: [{name: default}, {name: db}, {name: web}, {name: pager}, {name: no-env}]
)";

TEST(RouteTree, TheDeepestNodesThatMatch) {
  const auto file = parse_alertmanager_file(kTree, "am.yml");
  ASSERT_TRUE(file) << file.error().message;
  const RouteTree tree(file->route);
  const auto receivers = [&](const Labels& labels) {
    std::string out;
    for (const Route* route : tree.match(labels)) out += route->receiver + " ";
    return out;
  };
  EXPECT_EQ(receivers({{"team", "db"}}), "db web ");
  EXPECT_EQ(receivers({{"team", "web"}, {"severity", "critical"}}), "pager ");
  EXPECT_EQ(receivers({{"team", "web"}, {"severity", "warning"}}), "web ");
  EXPECT_EQ(receivers({{"team", "x"}}), "no-env ") << "a missing label is an empty one";
  EXPECT_EQ(receivers({{"team", "x"}, {"env", "prod"}}), "default ");
}

TEST(RouteTree, AbsentOptionsAreTheParents) {
  const auto file = parse_alertmanager_file(kTree, "am.yml");
  ASSERT_TRUE(file);
  const RouteTree tree(file->route);
  const Route* pager = tree.match({{"team", "web"}, {"severity", "critical"}})[0];
  EXPECT_EQ(pager->group_wait, Millis(0));
  EXPECT_EQ(pager->group_interval, std::chrono::minutes(5));
  EXPECT_EQ(pager->key, R"({}/{team=~"db|web"}/{severity="critical"})");
  EXPECT_EQ(pager->id, R"({}/{team=~"db|web"}/1/{severity="critical"}/0)");
  const Labels labels = {{"alertname", "A"}, {"team", "db"}};
  EXPECT_EQ(pager->group_labels(labels), labels) << "... groups by every label";
  EXPECT_EQ(tree.match(labels)[0]->group_labels(labels), Labels()) << "an empty list: one group";
  EXPECT_EQ(tree.root().group_labels(labels), Labels({{"alertname", "A"}}));
}

}  // namespace
}  // namespace strata::alerting
