// Services that page people: PagerDuty, Opsgenie, VictorOps, Pushover, incident.io. Bodies as
// Alertmanager 0.34 sends them (notify/<kind>/<kind>.go). Private to alerting/.
//
// Keys and tokens come into the request when it is made, never into what is kept of it.
#pragma once
#include "alerting/provider.h"

namespace strata::alerting {

/// Events API v2, or v1 with `service_key`.
Result<MessageParts> render_pagerduty(const RenderContext& context,
                                      const Notification& notification, const Destination& to);
Result<net::ClientRequest> pagerduty_request(const Integration& integration,
                                             const MessageParts& parts, Fs& fs);
/// v1 says 403 for "too fast".
Verdict judge_pagerduty(const net::ClientResponse& response);

Result<MessageParts> render_opsgenie(const RenderContext& context, const Notification& notification,
                                     const Destination& to);
/// The alert is made or closed; with update_alerts its message and description are set besides.
void send_opsgenie(const SendContext& context, const MessageParts& parts, Sent sent);

Result<MessageParts> render_victorops(const RenderContext& context,
                                      const Notification& notification, const Destination& to);
Result<net::ClientRequest> victorops_request(const Integration& integration,
                                             const MessageParts& parts, Fs& fs);

Result<MessageParts> render_pushover(const RenderContext& context, const Notification& notification,
                                     const Destination& to);
Result<net::ClientRequest> pushover_request(const Integration& integration,
                                            const MessageParts& parts, Fs& fs);

Result<MessageParts> render_incidentio(const RenderContext& context,
                                       const Notification& notification, const Destination& to);
Result<net::ClientRequest> incidentio_request(const Integration& integration,
                                              const MessageParts& parts, Fs& fs);

}  // namespace strata::alerting
