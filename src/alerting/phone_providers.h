// Phones: calls and messages by Twilio, and any service that makes a call for an HTTP request.
// Private to alerting/.
//
// A call that was taken by the provider is delivered; whether somebody picked up is the business of
// who redials (oncall/).
#pragma once
#include "alerting/provider.h"

namespace strata::alerting {

/// Speaks the text twice. Where the alerts have an annotation `ack_url` (oncall/), a key press is
/// collected and posted there.
Result<MessageParts> render_twilio_voice(const RenderContext& context,
                                         const Notification& notification, const Destination& to);
Result<MessageParts> render_twilio_sms(const RenderContext& context,
                                       const Notification& notification, const Destination& to);
/// POST to Calls.json or Messages.json of the account.
Result<net::ClientRequest> twilio_request(const Integration& integration, const MessageParts& parts,
                                          Fs& fs);

/// `body` rendered, or {"to","text","id"}; the header Idempotency-Key is the message's.
Result<MessageParts> render_phone(const RenderContext& context, const Notification& notification,
                                  const Destination& to);
/// `success` is looked for in the answer's body.
void send_phone(const SendContext& context, const MessageParts& parts, Sent sent);

}  // namespace strata::alerting
