// How one kind of integration is told: what its message is, the request that brings it, and what
// the answer means. One table of them; a kind that is not in it is refused when the configuration
// is loaded.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "alerting/notification.h"
#include "alerting/outbox.h"
#include "base/fs.h"
#include "net/http_client.h"

namespace strata::alerting {

/// What became of an attempt.
struct Verdict {
  bool delivered = false;
  bool retriable = true;
  std::optional<Millis> retry_after;
  std::string detail;  // for people: the provider's id or its error
};

/// What messages are made with.
struct RenderContext {
  std::string external_url;  // of Strata, without a slash at its end
};

struct Provider {
  std::string_view kind;
  /// Errors: kBadData, kExecution for a template that fails, kLimit.
  Result<MessageParts> (*render)(const RenderContext& context, const Notification& notification,
                                 const Destination& to);
  /// Credentials that are in files are read now. Errors: kIo, kBadData.
  Result<net::ClientRequest> (*request)(const Integration& integration, const MessageParts& parts,
                                        Fs& fs);
  Verdict (*judge)(const net::ClientResponse& response);
};

/// Null for a kind that is not supported.
const Provider* find_provider(std::string_view kind);

/// 2xx is delivered; 429 and 5xx are tried again, after Retry-After where it is said.
Verdict judge_by_status(const net::ClientResponse& response);
/// The value of a part; "" when it is not there.
std::string_view part(const MessageParts& parts, std::string_view name);
/// The text at `key`, or in the file at `key`_file. Errors: kIo.
Result<std::string> inline_or_file(const Settings& settings, const std::string& key, Fs& fs);

/// The body of a webhook, version 4 (Alertmanager's template.Data as JSON).
std::string webhook_body(const RenderContext& context, const Notification& notification);

}  // namespace strata::alerting
