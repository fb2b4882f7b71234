// Group robots: Feishu (Lark), DingTalk, WeCom. Signed where the robot has a secret; all of them
// say no under status 200. Private to alerting/.
#pragma once
#include "alerting/provider.h"

namespace strata::alerting {

/// A card with a coloured head (open.feishu.cn, "custom bot").
Result<MessageParts> render_feishu(const RenderContext& context, const Notification& notification,
                                   const Destination& to);
void send_feishu(const SendContext& context, const MessageParts& parts, Sent sent);

Result<MessageParts> render_dingtalk(const RenderContext& context, const Notification& notification,
                                     const Destination& to);
void send_dingtalk(const SendContext& context, const MessageParts& parts, Sent sent);

/// Markdown; text where somebody is mentioned, for markdown mentions nobody by number.
Result<MessageParts> render_wecom(const RenderContext& context, const Notification& notification,
                                  const Destination& to);
Result<net::ClientRequest> wecom_request(const Integration& integration, const MessageParts& parts,
                                         Fs& fs);

/// base64(HMAC-SHA-256(key, text)).
std::string signature(std::string_view key, std::string_view text);

}  // namespace strata::alerting
