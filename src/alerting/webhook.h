// The generic webhook: Alertmanager's version 4 body, to any URL.
#pragma once
#include "alerting/provider.h"

namespace strata::alerting {

Result<MessageParts> render_webhook(const RenderContext& context, const Notification& notification,
                                    const Destination& to);
Result<net::ClientRequest> webhook_request(const Integration& integration,
                                           const MessageParts& parts, Fs& fs);

}  // namespace strata::alerting
