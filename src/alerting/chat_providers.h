// Chat rooms: Slack, Mattermost, Rocket.Chat, Discord, Microsoft Teams, Webex, Telegram. Bodies as
// Alertmanager 0.34 sends them (notify/<kind>/<kind>.go). Private to alerting/.
#pragma once
#include "alerting/provider.h"

namespace strata::alerting {

Result<MessageParts> render_slack(const RenderContext& context, const Notification& notification,
                                  const Destination& to);
Result<net::ClientRequest> slack_request(const Integration& integration, const MessageParts& parts,
                                         Fs& fs);
/// An incoming webhook answers "ok", the API JSON; both may say no under status 200.
Verdict judge_slack(const net::ClientResponse& response);

Result<MessageParts> render_mattermost(const RenderContext& context,
                                       const Notification& notification, const Destination& to);
Result<MessageParts> render_rocketchat(const RenderContext& context,
                                       const Notification& notification, const Destination& to);
Result<net::ClientRequest> rocketchat_request(const Integration& integration,
                                              const MessageParts& parts, Fs& fs);
Verdict judge_rocketchat(const net::ClientResponse& response);

Result<MessageParts> render_discord(const RenderContext& context, const Notification& notification,
                                    const Destination& to);
Result<MessageParts> render_msteams(const RenderContext& context, const Notification& notification,
                                    const Destination& to);
Result<MessageParts> render_msteamsv2(const RenderContext& context,
                                      const Notification& notification, const Destination& to);
/// To `webhook_url`: Discord, Mattermost, both of Teams.
Result<net::ClientRequest> webhook_url_request(const Integration& integration,
                                               const MessageParts& parts, Fs& fs);

Result<MessageParts> render_webex(const RenderContext& context, const Notification& notification,
                                  const Destination& to);
Result<net::ClientRequest> webex_request(const Integration& integration, const MessageParts& parts,
                                         Fs& fs);

Result<MessageParts> render_telegram(const RenderContext& context, const Notification& notification,
                                     const Destination& to);
Result<net::ClientRequest> telegram_request(const Integration& integration,
                                            const MessageParts& parts, Fs& fs);
Verdict judge_telegram(const net::ClientResponse& response);

}  // namespace strata::alerting
