// What Alertmanager demands of one kind of receiver only (config/config.go, config/notifiers.go,
// notify/*/config.go of 0.34).
#include <algorithm>
#include <array>
#include <set>

#include "alerting/integration_reader.h"
#include "config/secret.h"
#include "config/validate.h"

namespace strata::alerting {
namespace {

using config::Decoder;
using config::YamlEntry;
using config::YamlNode;

struct Check {
  Decoder& d;
  const YamlNode& node;
  Integration& integration;
  const GlobalSection& global;

  bool has(std::string_view key) const { return integration.settings.has(key); }
  const std::string& text(std::string_view key) const { return integration.settings.text(key); }
  void fail(std::string_view key, std::string_view what) const {
    d.fail(config::mark_of(node, key), fmt::format("{}: {}", integration.kind->name, what));
  }
  void one_of(std::string_view key, std::initializer_list<std::string_view> values) const {
    if (std::ranges::find(values, std::string_view(text(key))) != values.end()) return;
    fail(key, fmt::format("{} is {}", key, config::one_of(values)));
  }
};

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

void check_email(const Check& c) {
  if (!c.has("smarthost")) {
    c.fail("smarthost", "smarthost is missing: set it, or smtp_smarthost in global");
  }
  if (!c.has("from")) c.fail("from", "from is missing: set it, or smtp_from in global");
  std::set<std::string> names;
  if (const YamlNode* headers = c.integration.settings.node("headers")) {
    for (const YamlEntry& header : headers->entries) {
      if (names.insert(lower(header.key)).second) continue;
      c.d.fail(header.key_mark, fmt::format("email: header {} is there twice", header.key));
    }
  }
  const YamlNode* threading = c.integration.settings.node("threading");
  const YamlEntry* enabled = threading != nullptr ? threading->find("enabled") : nullptr;
  if (enabled == nullptr || !config::as_bool(enabled->value).value_or(false)) return;
  for (const auto header : {"references", "in-reply-to"}) {
    if (names.contains(header)) {
      c.fail("headers", fmt::format("threading sets the header {} itself", header));
    }
  }
  const YamlEntry* by_date = threading->find("thread_by_date");
  if (by_date == nullptr || (by_date->value.text != "none" && by_date->value.text != "daily")) {
    c.fail("threading", "threading: thread_by_date is none or daily");
  }
}

void check_incidentio(const Check& c) {
  const bool token = c.has("alert_source_token") || c.has("alert_source_token_file");
  const bool own_http = config::is_given(c.node, "http_config");
  const bool authorized = own_http && c.integration.http.authorization.has_value();
  if (authorized && token) {
    c.fail("alert_source_token",
           "alert_source_token and http_config.authorization exclude each "
           "other");
  }
  if (own_http && !authorized && !token) {
    c.fail("http_config",
           "set alert_source_token, alert_source_token_file or http_config.authorization");
  }
}

void check_opsgenie(const Check& c) {
  const YamlNode* responders = c.integration.settings.node("responders");
  if (responders == nullptr) return;
  static constexpr std::string_view kTypes[] = {"team", "teams", "user", "escalation", "schedule"};
  for (const YamlNode& responder : responders->items) {
    const auto value = [&](std::string_view key) -> std::string {
      const YamlEntry* entry = responder.find(key);
      return entry == nullptr ? "" : entry->value.text;
    };
    if (value("id").empty() && value("name").empty() && value("username").empty()) {
      c.d.fail(responder.mark, "opsgenie: a responder has an id, a name or a username");
    }
    const std::string type = value("type");
    if (!type.contains("{{") &&
        std::ranges::find(kTypes, std::string_view(lower(type))) == std::end(kTypes)) {
      c.d.fail(responder.mark,
               fmt::format("opsgenie: a responder's type is {}", config::one_of(kTypes)));
    }
  }
}

void check_pagerduty(const Check& c) {
  if (!c.has("routing_key") && !c.has("routing_key_file") && !c.has("service_key") &&
      !c.has("service_key_file")) {
    c.fail("routing_key", "set routing_key or service_key, or one of their files");
  }
  if (!c.has("source")) c.integration.settings.set_text("source", c.text("client"));
}

void check_slack_action(const Check& c, const YamlNode& action) {
  const auto given = [&](std::string_view key) { return config::is_given(action, key); };
  if (!given("url") && !given("name")) {
    c.d.fail(action.mark, "slack: an action has a name or a url");
  }
}

void check_slack(const Check& c) {
  auto& settings = c.integration.settings;
  bool url = c.has("api_url") || c.has("api_url_file");
  bool token = c.has("app_token") || c.has("app_token_file");
  if (url && token) {
    return c.fail("app_token", "at most one of api_url and app_token (or their files) may be set");
  }
  if (settings.flag("update_message") &&
      c.text("api_url") != "https://slack.com/api/chat.postMessage") {
    return c.fail("update_message",
                  "update_message needs a bot's token, and api_url "
                  "https://slack.com/api/chat.postMessage");
  }
  const auto adopt = [&](std::string_view own, std::string_view from) {
    if (c.global.settings.has(from)) settings.set(own, *c.global.settings.node(from));
  };
  const bool own_authorization =
      config::is_given(c.node, "http_config") && c.integration.http.authorization.has_value();
  if (!token && !own_authorization && !c.has("api_url")) {
    adopt("app_token", "slack_app_token");
    adopt("app_token_file", "slack_app_token_file");
  }
  if (!url) {
    adopt("api_url", "slack_api_url");
    adopt("api_url_file", "slack_api_url_file");
  }
  url = c.has("api_url") || c.has("api_url_file");
  token = c.has("app_token") || c.has("app_token_file");
  if (!url && !token) {
    return c.fail("api_url",
                  "api_url is missing: set it, api_url_file or app_token, or "
                  "slack_api_url or slack_app_token in global");
  }
  if (token) {
    if (c.integration.http.authorization) {
      return c.fail("http_config", "http_config.authorization and a token exclude each other");
    }
    c.integration.http.authorization =
        config::Authorization{.type = "Bearer",
                              .credentials = config::Secret(c.text("app_token")),
                              .credentials_file = c.text("app_token_file")};
    settings.set_text("api_url", c.text("app_url"));
  }
  if (const YamlNode* actions = settings.node("actions")) {
    for (const YamlNode& action : actions->items) check_slack_action(c, action);
  }
}

void check_sns(const Check& c) {
  // Alertmanager's own test, as it stands: an odd number of the three.
  const bool ok = c.has("target_arn") ^ c.has("topic_arn") ^ c.has("phone_number");
  if (!ok) c.fail("topic_arn", "set one of topic_arn, target_arn and phone_number");
}

void check_telegram(const Check& c) {
  const bool id = c.integration.settings.integer("chat_id") != 0;
  if (!id && !c.has("chat_id_file")) c.fail("chat_id", "chat_id or chat_id_file is missing");
  if (id && c.has("chat_id_file")) {
    c.fail("chat_id_file", "at most one of chat_id and chat_id_file may be set: remove one");
  }
  c.one_of("parse_mode", {"", "Markdown", "MarkdownV2", "HTML"});
}

void check_victorops(const Check& c) {
  static constexpr std::string_view kReserved[] = {
      "routing_key",     "message_type", "state_message", "entity_display_name",
      "monitoring_tool", "entity_id",    "entity_state"};
  const YamlNode* fields = c.integration.settings.node("custom_fields");
  if (fields == nullptr) return;
  for (const YamlEntry& field : fields->entries) {
    if (std::ranges::find(kReserved, std::string_view(field.key)) == std::end(kReserved)) continue;
    c.d.fail(field.key_mark, fmt::format("victorops: {} is no custom field", field.key));
  }
}

void check_webex(const Check& c) {
  if (config::is_given(c.node, "http_config") && c.integration.http.authorization) return;
  c.fail("http_config", "http_config.authorization is missing");
}

void check_pushover(const Check& c) {
  if (c.integration.settings.flag("html") && c.integration.settings.flag("monospace")) {
    c.fail("monospace", "at most one of html and monospace may be set: remove one");
  }
}

void with_slash(const Check& c) {
  std::string url = c.text("api_url");
  if (!url.empty() && !url.ends_with('/')) {
    c.integration.settings.set_text("api_url", std::move(url) + "/");
  }
}

}  // namespace

void check_integration(Decoder& d, const YamlNode& node, Integration& integration,
                       const GlobalSection& global) {
  const Check c{d, node, integration, global};
  const std::string_view kind = integration.kind->name;
  if (kind == "email") return check_email(c);
  if (kind == "incidentio") return check_incidentio(c);
  if (kind == "jira") return c.one_of("api_type", {"auto", "cloud", "datacenter"});
  if (kind == "pagerduty") return check_pagerduty(c);
  if (kind == "pushover") return check_pushover(c);
  if (kind == "slack") return check_slack(c);
  if (kind == "sns") return check_sns(c);
  if (kind == "telegram") return check_telegram(c);
  if (kind == "webex") return check_webex(c);
  if (kind == "opsgenie") check_opsgenie(c);
  if (kind == "victorops") check_victorops(c);
  auto& proxy = integration.http.proxy;
  if (kind == "msteamsv2" && proxy.proxy_url.empty()) proxy.proxy_url = global.http.proxy.proxy_url;
  if (kind == "wechat") c.one_of("message_type", {"text", "markdown"});
  if (kind == "opsgenie" || kind == "victorops" || kind == "wechat") with_slash(c);
}

}  // namespace strata::alerting
