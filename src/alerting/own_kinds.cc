#include "alerting/own_kinds.h"

#include <algorithm>

#include "alerting/integration_reader.h"
#include "base/regex.h"
#include "config/glob.h"
#include "config/validate.h"

namespace strata::alerting {
namespace {

using enum SettingType;
using config::YamlEntry;
using config::YamlNode;

constexpr std::string_view kTitle = R"({{ template "strata.default.title" . }})";
constexpr std::string_view kMarkdown = R"({{ template "strata.default.markdown" . }})";
constexpr std::string_view kSpeech = R"({{ template "strata.default.speech" . }})";
constexpr std::string_view kCall = R"({{ template "strata.default.call" . }})";
constexpr std::string_view kSms = R"({{ template "strata.default.sms" . }})";

constexpr Setting kFeishu[] = {{"url", kSecretUrl},      {"url_file", kFile},
                               {"secret", kSecret},      {"secret_file", kFile},
                               {"title", kText, kTitle}, {"text", kText, kMarkdown}};
constexpr Setting kDingtalk[] = {{"url", kSecretUrl},      {"url_file", kFile},
                                 {"secret", kSecret},      {"secret_file", kFile},
                                 {"title", kText, kTitle}, {"text", kText, kMarkdown},
                                 {"at_mobiles", kTexts},   {"at_all", kFlag, "false"}};
constexpr Pair kRobotPairs[] = {{"url", "url_file", "", true}, {"secret", "secret_file"}};

constexpr Setting kWecom[] = {{"url", kSecretUrl},
                              {"url_file", kFile},
                              {"text", kText, kMarkdown},
                              {"mentioned_mobiles", kTexts},
                              {"mentioned_users", kTexts}};
constexpr Pair kUrlPairs[] = {{"url", "url_file", "", true}};

constexpr std::string_view kTwilioUrl = "https://api.twilio.com";
constexpr Setting kTwilioVoice[] = {{"api_url", kUrl, kTwilioUrl},
                                    {.key = "account_sid", .required = true},
                                    {"auth_token", kSecret},
                                    {"auth_token_file", kFile},
                                    {.key = "from", .required = true},
                                    {.key = "to", .required = true},
                                    {"text", kText, kCall},
                                    {"language", kText, "en-US"},
                                    {"ring_timeout", kGoDuration, "30s"}};
constexpr Setting kTwilioSms[] = {{"api_url", kUrl, kTwilioUrl},
                                  {.key = "account_sid", .required = true},
                                  {"auth_token", kSecret},
                                  {"auth_token_file", kFile},
                                  {.key = "from", .required = true},
                                  {.key = "to", .required = true},
                                  {"text", kText, kSms}};
constexpr Pair kTwilioPairs[] = {{"auth_token", "auth_token_file", "", true}};

constexpr Setting kPhone[] = {{"url", kTemplateUrl},
                              {"url_file", kFile},
                              {"method", kText, "POST"},
                              {"to"},
                              {"text", kText, kSpeech},
                              {"content_type", kText, "application/json"},
                              {"body"},
                              {"headers", kTextMap},
                              {"success"},
                              {"timeout", kGoDuration, "0"}};

constexpr IntegrationKind kKinds[] = {{"feishu", true, false, kFeishu, kRobotPairs},
                                      {"dingtalk", true, false, kDingtalk, kRobotPairs},
                                      {"wecom", true, false, kWecom, kUrlPairs},
                                      {"twilio_voice", false, false, kTwilioVoice, kTwilioPairs},
                                      {"twilio_sms", false, false, kTwilioSms, kTwilioPairs},
                                      {"phone", false, false, kPhone, kUrlPairs}};

void check_phone(config::Decoder& d, const YamlNode& node, const Integration& integration) {
  const Settings& settings = integration.settings;
  if (settings.has("success") && !Regex::compile(settings.text("success"))) {
    d.fail(config::mark_of(node, "success"), "phone: success is no regular expression");
  }
  static constexpr std::string_view kMethods[] = {"GET", "POST", "PUT"};
  if (std::ranges::find(kMethods, std::string_view(settings.text("method"))) ==
      std::end(kMethods)) {
    d.fail(config::mark_of(node, "method"), "phone: method is GET, POST or PUT");
  }
}

void read_kind(config::Decoder& d, IntegrationReader& reader, const IntegrationKind& kind,
               const YamlEntry& entry, Receiver& receiver) {
  if (entry.value.kind != YamlNode::Kind::kSequence) {
    return d.mismatch(entry.key, entry.value, "a list");
  }
  size_t index = 0;
  for (const YamlNode& item : entry.value.items) {
    Integration integration = reader.read(kind, index++, item, {});
    if (d.failed()) return;
    if (kind.name == "phone") check_phone(d, item, integration);
    receiver.integrations.push_back(std::move(integration));
  }
}

void read_receiver(config::Decoder& d, IntegrationReader& reader, const YamlNode& node,
                   AlertmanagerFile& file) {
  const YamlEntry* name = node.find("name");
  if (name == nullptr) return d.fail(node.mark, "a receiver needs a name");
  const auto receiver = std::ranges::find(file.receivers, name->value.text, &Receiver::name);
  if (receiver == file.receivers.end()) {
    return d.fail(name->value.mark,
                  fmt::format("receiver \"{}\" is not in alertmanager.yml: name it there, with or "
                              "without anything in it",
                              name->value.text));
  }
  for (const YamlEntry& entry : node.entries) {
    if (entry.key == "name") continue;
    const auto kind = std::ranges::find_if(kKinds, [&](const IntegrationKind& k) {
      return entry.key == fmt::format("{}_configs", k.name);
    });
    if (kind != std::end(kKinds)) {
      read_kind(d, reader, *kind, entry, *receiver);
      continue;
    }
    std::vector<std::string> names = {"name"};
    for (const IntegrationKind& k : kKinds) names.push_back(fmt::format("{}_configs", k.name));
    const std::vector<std::string_view> known(names.begin(), names.end());
    d.fail(entry.key_mark, config::unknown_key(entry.key, known));
  }
}

}  // namespace

std::span<const IntegrationKind> own_integration_kinds() { return kKinds; }

Result<> add_own_receivers(const YamlNode& receivers, std::string_view file_name,
                           AlertmanagerFile& file) {
  if (config::is_null(receivers)) return {};
  config::Decoder d{std::string(file_name)};
  IntegrationReader reader(d, config::directory_of(file_name));
  if (receivers.kind != YamlNode::Kind::kSequence) d.mismatch("receivers", receivers, "a list");
  for (const YamlNode& node : receivers.items) {
    if (node.kind != YamlNode::Kind::kMapping) {
      d.mismatch("receivers", node, "a mapping");
    } else {
      read_receiver(d, reader, node, file);
    }
  }
  return d.result();
}

}  // namespace strata::alerting
