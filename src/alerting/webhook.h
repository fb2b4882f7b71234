// The generic webhook: Alertmanager's version 4 body, to any URL.
#pragma once
#include "alerting/notification_templates.h"
#include "alerting/provider.h"
#include "base/json.h"

namespace strata::alerting {

Result<MessageParts> render_webhook(const RenderContext& context, const Notification& notification,
                                    const Destination& to);
/// One of its alerts, as templates' toJson writes it too.
void write_alert(JsonWriter& json, const Alert& alert, TimestampMs at);
/// A value of the configuration in which texts are templates, as JSON. What a text renders to is
/// read as YAML: a number, a list or a mapping becomes one.
void write_templated(JsonWriter& json, const config::YamlNode& node, Wording& wording);
void write_text(JsonWriter& json, const std::string& rendered);

Result<net::ClientRequest> webhook_request(const Integration& integration,
                                           const MessageParts& parts, Fs& fs);

}  // namespace strata::alerting
