#include "alerting/integration_reader.h"

#include <algorithm>

#include "config/glob.h"
#include "config/http_section.h"
#include "config/secret.h"
#include "config/url.h"
#include "config/validate.h"

namespace strata::alerting {
namespace {

using config::YamlEntry;
using config::YamlNode;

const Setting* find(std::span<const Setting> settings, std::string_view key) {
  const auto at = std::ranges::find(settings, key, &Setting::key);
  return at == settings.end() ? nullptr : &*at;
}

void unknown(config::Decoder& d, const YamlEntry& entry, std::span<const Setting> settings,
             std::span<const std::string_view> more = {}) {
  std::vector<std::string_view> known(more.begin(), more.end());
  for (const Setting& setting : settings) known.push_back(setting.key);
  d.fail(entry.key_mark, config::unknown_key(entry.key, known));
}

bool is_template(std::string_view text) { return text.contains("{{"); }

// What is wrong with a URL that requests are to be sent to; "" when nothing is.
std::string_view url_fault(std::string_view url) {
  const auto parts = config::split_url(url);
  if (parts.scheme != "http" && parts.scheme != "https") return "a URL begins with http or https";
  if (parts.host.empty()) return "the URL has no host";
  return "";
}

bool is_host_port(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon + 1 == text.size()) return false;
  const std::string_view host = text.substr(0, colon);
  return !host.contains(':') || (host.starts_with('[') && host.ends_with(']'));
}

}  // namespace

void IntegrationReader::check_url(const Setting& setting, const YamlNode& value) {
  const bool secret = setting.type != SettingType::kUrl;
  if (secret && value.text == config::Secret::kHidden) return;
  if (setting.type == SettingType::kTemplateUrl && (value.text.empty() || is_template(value.text)))
    return;
  const auto fault = url_fault(value.text);
  if (!fault.empty()) decoder_.fail(value.mark, fmt::format("{}: {}", setting.key, fault));
}

void IntegrationReader::read_record(const Setting& setting, const YamlNode& value) {
  // Jira's fields may be plain text as well.
  if (value.kind == YamlNode::Kind::kScalar && !setting.fallback.empty()) return;
  if (value.kind != YamlNode::Kind::kMapping) {
    return decoder_.mismatch(setting.key, value, "a mapping");
  }
  Settings ignored;
  for (const YamlEntry& entry : value.entries) {
    const Setting* field = find(setting.fields, entry.key);
    if (field == nullptr) {
      unknown(decoder_, entry, setting.fields);
    } else {
      read_setting(*field, entry.value, ignored);
    }
  }
  for (const Setting& field : setting.fields) {
    if (!field.required || ignored.has(field.key)) continue;
    decoder_.fail(value.mark, fmt::format("{}: {} is missing", setting.key, field.key));
  }
}

void IntegrationReader::read_setting(const Setting& setting, const YamlNode& value, Settings& out) {
  if (config::is_null(value)) return out.set(setting.key, value);
  YamlNode kept = value;
  const auto scalar = [&](std::string_view expected, bool fine) {
    if (value.kind != YamlNode::Kind::kScalar || !fine) {
      decoder_.mismatch(setting.key, value, expected);
    }
  };
  switch (setting.type) {
    case SettingType::kText:
    case SettingType::kSecret: scalar("text", true); break;
    case SettingType::kFile:
      scalar("a path", true);
      kept.text = config::join_path(directory_, value.text);
      break;
    case SettingType::kUrl:
    case SettingType::kSecretUrl:
    case SettingType::kTemplateUrl:
      scalar("a URL", true);
      if (value.kind == YamlNode::Kind::kScalar) check_url(setting, value);
      break;
    case SettingType::kFlag: scalar("true or false", config::as_bool(value).has_value()); break;
    case SettingType::kInteger: scalar("an integer", config::as_int(value).has_value()); break;
    case SettingType::kCount: scalar("a number from 0", config::as_uint(value).has_value()); break;
    case SettingType::kDuration:
      scalar("a duration such as 5m", parse_duration(value.text).has_value());
      break;
    case SettingType::kGoDuration:
      scalar("a duration such as 10s", parse_go_duration(value.text).has_value());
      break;
    case SettingType::kHostPort:
      scalar("host:port", value.text.empty() || is_host_port(value.text));
      break;
    case SettingType::kTextMap: {
      config::StringPairs pairs;
      decode(decoder_, setting.key, value, pairs);
      break;
    }
    case SettingType::kTexts: {
      std::vector<std::string> texts;
      decode(decoder_, setting.key, value, texts);
      break;
    }
    case SettingType::kRecord: read_record(setting, value); break;
    case SettingType::kRecords:
      if (value.kind != YamlNode::Kind::kSequence) {
        decoder_.mismatch(setting.key, value, "a list");
        break;
      }
      for (const YamlNode& item : value.items) {
        if (config::is_null(item)) {
          decoder_.empty_entry(setting.key, item);
        } else {
          read_record(setting, item);
        }
      }
      break;
    case SettingType::kAny: break;
  }
  out.set(setting.key, std::move(kept));
}

config::HttpClientConfig IntegrationReader::read_http(const YamlNode& section) {
  config::HttpClientConfig out;
  if (const YamlEntry* http = section.find("http_config"); http != nullptr) {
    decode_http_section(decoder_, "http_config", http->value, directory_, out);
  }
  return out;
}

void IntegrationReader::at_most_one(const YamlNode& node, std::string_view a, std::string_view b,
                                    const Settings& settings) {
  if (!settings.has(a) || !settings.has(b)) return;
  decoder_.fail(config::mark_of(node, b),
                fmt::format("at most one of {} and {} may be set: remove one", a, b));
}

GlobalSection IntegrationReader::read_global(const YamlNode& node) {
  static constexpr std::string_view kOthers[] = {"resolve_timeout", "http_config",
                                                 "smtp_tls_config"};
  GlobalSection out;
  for (const Setting& setting : global_settings()) {
    if (!setting.fallback.empty())
      out.settings.set_text(setting.key, std::string(setting.fallback));
  }
  if (config::is_null(node)) return out;
  if (node.kind != YamlNode::Kind::kMapping) {
    decoder_.mismatch("global", node, "a mapping");
    return out;
  }
  out.http = read_http(node);
  for (const YamlEntry& entry : node.entries) {
    if (const Setting* setting = find(global_settings(), entry.key)) {
      read_setting(*setting, entry.value, out.settings);
    } else if (entry.key == "smtp_tls_config") {
      if (!config::is_null(entry.value)) {
        decode_tls_section(decoder_, entry.key, entry.value, directory_, out.smtp_tls);
      }
    } else if (std::ranges::find(kOthers, entry.key) == std::end(kOthers)) {
      unknown(decoder_, entry, global_settings(), kOthers);
    }
  }
  for (const Pair& pair : global_pairs()) {
    at_most_one(node, pair.inline_key, pair.file_key, out.settings);
  }
  const auto& s = out.settings;
  const bool token = s.has("slack_app_token") || s.has("slack_app_token_file");
  const bool url = s.has("slack_api_url") || s.has("slack_api_url_file");
  // The app's own address beside its token is the usual way to write it.
  if (token && url && s.text("slack_api_url") != s.text("slack_app_url")) {
    decoder_.fail(config::mark_of(node, "slack_api_url"),
                  "at most one of slack_app_token and slack_api_url (or their files) may be set");
  }
  return out;
}

void IntegrationReader::apply_pair(const IntegrationKind& kind, const Pair& pair,
                                   const YamlNode& node, Settings& settings,
                                   const GlobalSection& global) {
  at_most_one(node, pair.inline_key, pair.file_key, settings);
  if (settings.has(pair.inline_key) || settings.has(pair.file_key)) return;
  if (!pair.global.empty()) {
    const std::string global_file = std::string(pair.global) + "_file";
    for (const auto& [own, from] :
         {std::pair<std::string_view, std::string_view>{pair.inline_key, pair.global},
          std::pair<std::string_view, std::string_view>{pair.file_key, global_file}}) {
      if (global.settings.has(from)) settings.set(own, *global.settings.node(from));
    }
  }
  if (!pair.required || settings.has(pair.inline_key) || settings.has(pair.file_key)) return;
  decoder_.fail(
      node.mark,
      fmt::format("{}: {} is missing: set it or {}{}", kind.name, pair.inline_key, pair.file_key,
                  pair.global.empty() ? "" : fmt::format(", or {} in global", pair.global)));
}

void IntegrationReader::check_required(const IntegrationKind& kind, const YamlNode& node,
                                       const Settings& settings) {
  for (const Setting& setting : kind.settings) {
    if (!setting.required || settings.has(setting.key)) continue;
    decoder_.fail(node.mark,
                  fmt::format("{}: {} is missing{}", kind.name, setting.key,
                              setting.global.empty()
                                  ? ""
                                  : fmt::format(": set it, or {} in global", setting.global)));
  }
}

Integration IntegrationReader::read(const IntegrationKind& kind, size_t index, const YamlNode& node,
                                    const GlobalSection& global) {
  static constexpr std::string_view kCommon[] = {"send_resolved", "http_config"};
  Integration out{.kind = &kind,
                  .index = index,
                  .send_resolved = kind.send_resolved,
                  .http = global.http,
                  .smtp_tls = global.smtp_tls,
                  .settings = {}};
  YamlNode empty;
  empty.kind = YamlNode::Kind::kMapping;
  empty.mark = node.mark;
  const bool is_empty = config::is_null(node);
  if (is_empty && !kind.empty_is_fine) {
    decoder_.fail(node.mark, fmt::format("an entry of {}_configs is empty", kind.name));
    return out;
  }
  const YamlNode& section = is_empty ? empty : node;
  if (section.kind != YamlNode::Kind::kMapping) {
    decoder_.mismatch(kind.name, section, "a mapping");
    return out;
  }
  const bool email = kind.name == "email";
  for (const Setting& setting : kind.settings) {
    if (!setting.fallback.empty()) {
      out.settings.set_text(setting.key, std::string(setting.fallback));
    }
    const bool from_global = !setting.global.empty() && global.settings.has(setting.global);
    if (from_global) out.settings.set(setting.key, *global.settings.node(setting.global));
  }
  for (const YamlEntry& entry : section.entries) {
    if (const Setting* setting = find(kind.settings, entry.key)) {
      // `key:` with nothing is as if it were absent where `global` has it.
      const bool keeps_global = config::is_null(entry.value) && !setting->global.empty();
      if (!keeps_global) read_setting(*setting, entry.value, out.settings);
    } else if (entry.key == "send_resolved") {
      decode(decoder_, entry.key, entry.value, out.send_resolved);
    } else if (email && entry.key == "tls_config") {
      decode_tls_section(decoder_, entry.key, entry.value, directory_, out.smtp_tls);
    } else if (entry.key != "http_config" || email) {
      unknown(decoder_, entry, kind.settings, kCommon);
    }
  }
  if (!email && config::is_given(section, "http_config")) out.http = read_http(section);
  if (decoder_.failed()) return out;
  for (const Pair& pair : kind.pairs) apply_pair(kind, pair, section, out.settings, global);
  check_required(kind, section, out.settings);
  if (!decoder_.failed()) check_integration(decoder_, section, out, global);
  return out;
}

}  // namespace strata::alerting
