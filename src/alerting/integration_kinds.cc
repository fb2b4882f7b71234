// The table of receivers: keys, defaults and pairs as in Alertmanager 0.34 (config/notifiers.go,
// notify/*/config.go).
#include "alerting/integration.h"

namespace strata::alerting {
namespace {

using enum SettingType;

constexpr Setting kThreading[] = {{"enabled", kFlag, "false"}, {"thread_by_date"}};
constexpr Setting kEmail[] = {
    {.key = "to", .required = true},
    {.key = "from", .global = "smtp_from"},
    {.key = "hello", .global = "smtp_hello"},
    {.key = "smarthost", .type = kHostPort, .global = "smtp_smarthost"},
    {.key = "auth_username", .global = "smtp_auth_username"},
    {"auth_password", kSecret},
    {"auth_password_file", kFile},
    {"auth_secret", kSecret},
    {"auth_secret_file", kFile},
    {.key = "auth_identity", .global = "smtp_auth_identity"},
    {"headers", kTextMap},
    {"html", kText, R"({{ template "email.default.html" . }})"},
    {"text"},
    {.key = "require_tls", .type = kFlag, .global = "smtp_require_tls"},
    {.key = "force_implicit_tls", .type = kFlag, .global = "smtp_force_implicit_tls"},
    {"threading", kRecord, "", "", false, kThreading}};
constexpr Pair kEmailPairs[] = {{"auth_password", "auth_password_file", "smtp_auth_password"},
                                {"auth_secret", "auth_secret_file", "smtp_auth_secret"}};

constexpr Setting kDiscord[] = {{"webhook_url", kSecretUrl},
                                {"webhook_url_file", kFile},
                                {"content"},
                                {"title", kText, R"({{ template "discord.default.title" . }})"},
                                {"message", kText, R"({{ template "discord.default.message" . }})"},
                                {"username"},
                                {"avatar_url"}};
constexpr Pair kWebhookUrlPairs[] = {{"webhook_url", "webhook_url_file", "", true}};

constexpr Setting kIncidentio[] = {{"url", kUrl},
                                   {"url_file", kFile},
                                   {"alert_source_token", kSecret},
                                   {"alert_source_token_file", kFile},
                                   {"max_alerts", kCount, "0"},
                                   {"timeout", kGoDuration, "0"}};
constexpr Pair kIncidentioPairs[] = {{"url", "url_file", "", true},
                                     {"alert_source_token", "alert_source_token_file"}};

constexpr Setting kJiraField[] = {{"template"}, {"enable_update", kFlag, "true"}};
constexpr Setting kJira[] = {
    {.key = "api_url", .type = kUrl, .global = "jira_api_url", .required = true},
    {"api_type", kText, "auto"},
    {.key = "project", .required = true},
    {"summary", kRecord, R"({{ template "jira.default.summary" . }})", "", false, kJiraField},
    {"description", kRecord, R"({{ template "jira.default.description" . }})", "", false,
     kJiraField},
    {"labels", kTexts},
    {"priority", kText, R"({{ template "jira.default.priority" . }})"},
    {.key = "issue_type", .required = true},
    {"reopen_transition"},
    {"resolve_transition"},
    {"wont_fix_resolution"},
    {"reopen_duration", kDuration, "0s"},
    {"fields", kAny}};

constexpr Setting kMattermostField[] = {
    {.key = "title", .required = true}, {.key = "value", .required = true}, {"short", kFlag}};
constexpr Setting kMattermostAttachment[] = {
    {"fallback"},    {"color"},
    {"pretext"},     {"text"},
    {"author_name"}, {"author_link"},
    {"author_icon"}, {"title"},
    {"title_link"},  {"thumb_url"},
    {"footer"},      {"footer_icon"},
    {"image_url"},   {"fields", kRecords, "", "", false, kMattermostField}};
constexpr Setting kMattermostProps[] = {{"card"}};
constexpr Setting kMattermostPriority[] = {
    {"priority"}, {"requested_ack", kFlag}, {"persistent_notifications", kFlag}};
constexpr Setting kMattermost[] = {
    {"webhook_url", kSecretUrl},
    {"webhook_url_file", kFile},
    {"channel"},
    {"username", kText, R"({{ template "mattermost.default.username" . }})"},
    {"text", kText, R"({{ template "mattermost.default.text" . }})"},
    {"fallback", kText, R"({{ template "mattermost.default.fallback" . }})"},
    {"color", kText, R"({{ template "mattermost.default.color" . }})"},
    {"pretext"},
    {"author_name"},
    {"author_link"},
    {"author_icon"},
    {"title", kText, R"({{ template "mattermost.default.title" . }})"},
    {"title_link", kText, R"({{ template "mattermost.default.titlelink" . }})"},
    {"fields", kRecords, "", "", false, kMattermostField},
    {"thumb_url"},
    {"footer"},
    {"footer_icon"},
    {"image_url"},
    {"icon_url"},
    {"icon_emoji"},
    {"attachments", kRecords, "", "", false, kMattermostAttachment},
    {"type"},
    {"props", kRecord, "", "", false, kMattermostProps},
    {"priority", kRecord, "", "", false, kMattermostPriority}};
constexpr Pair kMattermostPairs[] = {
    {"webhook_url", "webhook_url_file", "mattermost_webhook_url", true}};

constexpr Setting kMsteams[] = {{"webhook_url", kSecretUrl},
                                {"webhook_url_file", kFile},
                                {"title", kText, R"({{ template "msteams.default.title" . }})"},
                                {"summary", kText, R"({{ template "msteams.default.summary" . }})"},
                                {"text", kText, R"({{ template "msteams.default.text" . }})"}};
constexpr Setting kMsteamsV2[] = {{"webhook_url", kSecretUrl},
                                  {"webhook_url_file", kFile},
                                  {"title", kText, R"({{ template "msteamsv2.default.title" . }})"},
                                  {"text", kText, R"({{ template "msteamsv2.default.text" . }})"}};

constexpr Setting kOpsgenieResponder[] = {{"id"}, {"name"}, {"username"}, {"type"}};
constexpr Setting kOpsgenie[] = {
    {"api_key", kSecret},
    {"api_key_file", kFile},
    {.key = "api_url", .type = kUrl, .global = "opsgenie_api_url"},
    {"message", kText, R"({{ template "opsgenie.default.message" . }})"},
    {"description", kText, R"({{ template "opsgenie.default.description" . }})"},
    {"source", kText, R"({{ template "opsgenie.default.source" . }})"},
    {"details", kTextMap},
    {"entity"},
    {"responders", kRecords, "", "", false, kOpsgenieResponder},
    {"actions"},
    {"tags"},
    {"note"},
    {"priority"},
    {"update_alerts", kFlag, "false"}};
constexpr Pair kOpsgeniePairs[] = {{"api_key", "api_key_file", "opsgenie_api_key", true}};

constexpr Setting kPagerdutyImage[] = {{"src"}, {"alt"}, {"href"}};
constexpr Setting kPagerdutyLink[] = {{"href"}, {"text"}};
constexpr Setting kPagerduty[] = {
    {"service_key", kSecret},
    {"service_key_file", kFile},
    {"routing_key", kSecret},
    {"routing_key_file", kFile},
    {.key = "url", .type = kUrl, .global = "pagerduty_url"},
    {"client", kText, R"({{ template "pagerduty.default.client" . }})"},
    {"client_url", kText, R"({{ template "pagerduty.default.clientURL" . }})"},
    {"description", kText, R"({{ template "pagerduty.default.description" .}})"},
    {"details", kAny},
    {"images", kRecords, "", "", false, kPagerdutyImage},
    {"links", kRecords, "", "", false, kPagerdutyLink},
    {"source"},
    {"severity"},
    {"class"},
    {"component"},
    {"group"},
    {"timeout", kGoDuration, "0"}};
constexpr Pair kPagerdutyPairs[] = {{"routing_key", "routing_key_file"},
                                    {"service_key", "service_key_file"}};

constexpr Setting kPushover[] = {
    {"user_key", kSecret},
    {"user_key_file", kFile},
    {"token", kSecret},
    {"token_file", kFile},
    {"title", kText, R"({{ template "pushover.default.title" . }})"},
    {"message", kText, R"({{ template "pushover.default.message" . }})"},
    {"url", kText, R"({{ template "pushover.default.url" . }})"},
    {"url_title"},
    {"device"},
    {"sound"},
    {"priority", kText, R"({{ if eq .Status "firing" }}2{{ else }}0{{ end }})"},
    {"retry", kGoDuration, "1m"},
    {"expire", kGoDuration, "1h"},
    {"ttl", kGoDuration, "0"},
    {"html", kFlag, "false"},
    {"monospace", kFlag, "false"}};
constexpr Pair kPushoverPairs[] = {{"user_key", "user_key_file", "", true},
                                   {"token", "token_file", "", true}};

constexpr Setting kRocketchatField[] = {{"short", kFlag}, {"title"}, {"value"}};
constexpr Setting kRocketchatAction[] = {{"type"},
                                         {"text"},
                                         {"url"},
                                         {"imageurl"},
                                         {"iswebview", kFlag},
                                         {"webviewheightratio"},
                                         {"msg"},
                                         {"msginchatwindow", kFlag},
                                         {"msgprocessingtype"}};
constexpr Setting kRocketchat[] = {
    {.key = "api_url", .type = kUrl, .global = "rocketchat_api_url"},
    {"token_id", kSecret},
    {"token_id_file", kFile},
    {"token", kSecret},
    {"token_file", kFile},
    {"channel"},
    {"color", kText, R"({{ if eq .Status "firing" }}red{{ else }}green{{ end }})"},
    {"title", kText, R"({{ template "rocketchat.default.title" . }})"},
    {"title_link", kText, R"({{ template "rocketchat.default.titlelink" . }})"},
    {"text", kText, R"({{ template "rocketchat.default.text" . }})"},
    {"fields", kRecords, "", "", false, kRocketchatField},
    {"short_fields", kFlag, "false"},
    {"emoji", kText, R"({{ template "rocketchat.default.emoji" . }})"},
    {"icon_url", kText, R"({{ template "rocketchat.default.iconurl" . }})"},
    {"image_url"},
    {"thumb_url"},
    {"link_names", kFlag, "false"},
    {"actions", kRecords, "", "", false, kRocketchatAction}};
constexpr Pair kRocketchatPairs[] = {{"token", "token_file", "rocketchat_token", true},
                                     {"token_id", "token_id_file", "rocketchat_token_id", true}};

constexpr Setting kSlackField[] = {
    {.key = "title", .required = true}, {.key = "value", .required = true}, {"short", kFlag}};
constexpr Setting kSlackConfirm[] = {
    {.key = "text", .required = true}, {"title"}, {"ok_text"}, {"dismiss_text"}};
constexpr Setting kSlackAction[] = {{.key = "type", .required = true},
                                    {.key = "text", .required = true},
                                    {"url"},
                                    {"style"},
                                    {"name"},
                                    {"value"},
                                    {"confirm", kRecord, "", "", false, kSlackConfirm}};
constexpr Setting kSlack[] = {
    {"api_url", kSecretUrl},
    {"api_url_file", kFile},
    {"app_token", kSecret},
    {"app_token_file", kFile},
    {.key = "app_url", .type = kUrl, .global = "slack_app_url"},
    {"channel"},
    {"username", kText, R"({{ template "slack.default.username" . }})"},
    {"color", kText, R"({{ template "slack.default.color" . }})"},
    {"title", kText, R"({{ template "slack.default.title" . }})"},
    {"title_link", kText, R"({{ template "slack.default.titlelink" . }})"},
    {"pretext", kText, R"({{ template "slack.default.pretext" . }})"},
    {"text", kText, R"({{ template "slack.default.text" . }})"},
    {"message_text"},
    {"fields", kRecords, "", "", false, kSlackField},
    {"short_fields", kFlag, "false"},
    {"footer", kText, R"({{ template "slack.default.footer" . }})"},
    {"fallback", kText, R"({{ template "slack.default.fallback" . }})"},
    {"callback_id", kText, R"({{ template "slack.default.callbackid" . }})"},
    {"icon_emoji", kText, R"({{ template "slack.default.iconemoji" . }})"},
    {"icon_url", kText, R"({{ template "slack.default.iconurl" . }})"},
    {"image_url"},
    {"thumb_url"},
    {"link_names", kFlag, "false"},
    {"mrkdwn_in", kTexts},
    {"actions", kRecords, "", "", false, kSlackAction},
    {"update_message", kFlag, "false"},
    {"timeout", kGoDuration, "0"}};
// Where they come from when absent is Slack's own matter (integration_checks.cc).
constexpr Pair kSlackPairs[] = {{"api_url", "api_url_file"}, {"app_token", "app_token_file"}};

constexpr Setting kSigv4[] = {
    {"region"},   {"access_key"},  {"secret_key", kSecret},          {"profile"},
    {"role_arn"}, {"external_id"}, {"use_fips_sts_endpoint", kFlag}, {"service_name"}};
constexpr Setting kSns[] = {{"api_url"},
                            {"sigv4", kRecord, "", "", false, kSigv4},
                            {"topic_arn"},
                            {"phone_number"},
                            {"target_arn"},
                            {"subject", kText, R"({{ template "sns.default.subject" . }})"},
                            {"message", kText, R"({{ template "sns.default.message" . }})"},
                            {"attributes", kTextMap},
                            {"use_aws_http_client", kFlag, "false"}};

constexpr Setting kTelegram[] = {
    {.key = "api_url", .type = kUrl, .global = "telegram_api_url"},
    {"bot_token", kSecret},
    {"bot_token_file", kFile},
    {"chat_id", kInteger, "0"},
    {"chat_id_file", kFile},
    {"message_thread_id", kInteger, "0"},
    {"message", kText, R"({{ template "telegram.default.message" . }})"},
    {"disable_notifications", kFlag, "false"},
    {"parse_mode", kText, "HTML"}};
constexpr Pair kTelegramPairs[] = {{"bot_token", "bot_token_file", "telegram_bot_token", true}};

constexpr Setting kVictorops[] = {
    {"api_key", kSecret},
    {"api_key_file", kFile},
    {.key = "api_url", .type = kUrl, .global = "victorops_api_url"},
    {.key = "routing_key", .required = true},
    {"message_type", kText, "CRITICAL"},
    {"state_message", kText, R"({{ template "victorops.default.state_message" . }})"},
    {"entity_display_name", kText, R"({{ template "victorops.default.entity_display_name" . }})"},
    {"monitoring_tool", kText, R"({{ template "victorops.default.monitoring_tool" . }})"},
    {"custom_fields", kTextMap}};
constexpr Pair kVictoropsPairs[] = {{"api_key", "api_key_file", "victorops_api_key", true}};

constexpr Setting kWebex[] = {{.key = "api_url", .type = kUrl, .global = "webex_api_url"},
                              {"message", kText, R"({{ template "webex.default.message" . }})"},
                              {.key = "room_id", .required = true}};

constexpr Setting kWebhook[] = {{"url", kTemplateUrl},
                                {"url_file", kFile},
                                {"max_alerts", kCount, "0"},
                                {"timeout", kGoDuration, "0"},
                                {"payload", kAny}};
constexpr Pair kUrlPairs[] = {{"url", "url_file", "", true}};

constexpr Setting kWechat[] = {{"api_secret", kSecret},
                               {"api_secret_file", kFile},
                               {.key = "corp_id", .global = "wechat_api_corp_id", .required = true},
                               {"message", kText, R"({{ template "wechat.default.message" . }})"},
                               {.key = "api_url", .type = kUrl, .global = "wechat_api_url"},
                               {"to_user", kText, R"({{ template "wechat.default.to_user" . }})"},
                               {"to_party", kText, R"({{ template "wechat.default.to_party" . }})"},
                               {"to_tag", kText, R"({{ template "wechat.default.to_tag" . }})"},
                               {"agent_id", kText, R"({{ template "wechat.default.agent_id" . }})"},
                               {"message_type", kText, "text"}};
constexpr Pair kWechatPairs[] = {{"api_secret", "api_secret_file", "wechat_api_secret", true}};

constexpr IntegrationKind kKinds[] = {
    {"discord", true, false, kDiscord, kWebhookUrlPairs},
    {"email", false, false, kEmail, kEmailPairs},
    {"incidentio", true, false, kIncidentio, kIncidentioPairs},
    {"jira", true, false, kJira},
    {"mattermost", true, false, kMattermost, kMattermostPairs},
    {"msteams", true, false, kMsteams, kWebhookUrlPairs},
    {"msteamsv2", true, false, kMsteamsV2, kWebhookUrlPairs},
    {"opsgenie", true, true, kOpsgenie, kOpsgeniePairs},
    {"pagerduty", true, false, kPagerduty, kPagerdutyPairs},
    {"pushover", true, false, kPushover, kPushoverPairs},
    {"rocketchat", false, true, kRocketchat, kRocketchatPairs},
    {"slack", false, true, kSlack, kSlackPairs},
    {"sns", true, false, kSns},
    {"telegram", true, false, kTelegram, kTelegramPairs},
    {"victorops", true, false, kVictorops, kVictoropsPairs},
    {"webex", true, false, kWebex},
    {"webhook", true, false, kWebhook, kUrlPairs},
    {"wechat", false, true, kWechat, kWechatPairs},
};

constexpr Setting kGlobal[] = {
    {"jira_api_url", kUrl},
    {"smtp_from"},
    {"smtp_hello", kText, "localhost"},
    {"smtp_smarthost", kHostPort},
    {"smtp_auth_username"},
    {"smtp_auth_password", kSecret},
    {"smtp_auth_password_file", kFile},
    {"smtp_auth_secret", kSecret},
    {"smtp_auth_secret_file", kFile},
    {"smtp_auth_identity"},
    {"smtp_require_tls", kFlag, "true"},
    {"smtp_force_implicit_tls", kFlag},
    {"slack_api_url", kSecretUrl},
    {"slack_api_url_file", kFile},
    {"slack_app_token", kSecret},
    {"slack_app_token_file", kFile},
    {"slack_app_url", kUrl, "https://slack.com/api/chat.postMessage"},
    {"pagerduty_url", kUrl, "https://events.pagerduty.com/v2/enqueue"},
    {"opsgenie_api_url", kUrl, "https://api.opsgenie.com/"},
    {"opsgenie_api_key", kSecret},
    {"opsgenie_api_key_file", kFile},
    {"wechat_api_url", kUrl, "https://qyapi.weixin.qq.com/cgi-bin/"},
    {"wechat_api_secret", kSecret},
    {"wechat_api_secret_file", kFile},
    {"wechat_api_corp_id"},
    {"victorops_api_url", kUrl, "https://alert.victorops.com/integrations/generic/20131114/alert/"},
    {"victorops_api_key", kSecret},
    {"victorops_api_key_file", kFile},
    {"telegram_api_url", kUrl, "https://api.telegram.org"},
    {"telegram_bot_token", kSecret},
    {"telegram_bot_token_file", kFile},
    {"webex_api_url", kUrl, "https://webexapis.com/v1/messages"},
    {"rocketchat_api_url", kUrl, "https://open.rocket.chat/"},
    {"rocketchat_token", kSecret},
    {"rocketchat_token_file", kFile},
    {"rocketchat_token_id", kSecret},
    {"rocketchat_token_id_file", kFile},
    {"mattermost_webhook_url", kSecretUrl},
    {"mattermost_webhook_url_file", kFile}};

constexpr Pair kGlobalPairs[] = {{"slack_app_token", "slack_app_token_file"},
                                 {"slack_api_url", "slack_api_url_file"},
                                 {"opsgenie_api_key", "opsgenie_api_key_file"},
                                 {"victorops_api_key", "victorops_api_key_file"},
                                 {"telegram_bot_token", "telegram_bot_token_file"},
                                 {"smtp_auth_password", "smtp_auth_password_file"},
                                 {"smtp_auth_secret", "smtp_auth_secret_file"},
                                 {"rocketchat_token", "rocketchat_token_file"},
                                 {"rocketchat_token_id", "rocketchat_token_id_file"},
                                 {"wechat_api_secret", "wechat_api_secret_file"},
                                 {"mattermost_webhook_url", "mattermost_webhook_url_file"}};

}  // namespace

std::span<const IntegrationKind> integration_kinds() { return kKinds; }
std::span<const Setting> global_settings() { return kGlobal; }
std::span<const Pair> global_pairs() { return kGlobalPairs; }

}  // namespace strata::alerting
