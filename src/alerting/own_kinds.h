// Kinds of receivers that Alertmanager does not have: group robots of Feishu, DingTalk and WeCom,
// calls and messages by Twilio, and any service that makes phone calls for an HTTP request. They
// are in strata.yml, so that alertmanager.yml stays a file that Alertmanager loads too:
//
//   receivers:
//   - name: chat                  # of alertmanager.yml; gets these besides what it has there
//     feishu_configs: [{url: 'https://open.feishu.cn/open-apis/bot/v2/hook/…', secret: …}]
#pragma once
#include <span>
#include <string>
#include <string_view>

#include "alerting/config.h"

namespace strata::alerting {

std::span<const IntegrationKind> own_integration_kinds();

/// Adds what `receivers` of strata.yml says to the receivers of `file`. Errors: kBadData as
/// "file:line:column: what".
Result<> add_own_receivers(const config::YamlNode& receivers, std::string_view file_name,
                           AlertmanagerFile& file);

}  // namespace strata::alerting
