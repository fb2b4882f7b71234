// Mail by SMTP (`email_configs`). Private to alerting/.
#pragma once
#include "alerting/provider.h"

namespace strata::alerting {

/// The whole message is made here, its Message-Id too: sent twice, it is the same mail.
Result<MessageParts> render_email(const RenderContext& context, const Notification& notification,
                                  const Destination& to);
void send_email(const SendContext& context, const MessageParts& parts, Sent sent);

}  // namespace strata::alerting
