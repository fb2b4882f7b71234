// How one kind of integration is told: what its message is, the request that brings it, and what
// the answer means. One table of them; a kind that is not in it is refused when the configuration
// is loaded.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "alerting/notification.h"
#include "alerting/outbox.h"
#include "base/fs.h"
#include "discover/peer_client.h"
#include "net/http_client.h"
#include "net/tcp_client.h"

namespace strata::alerting {

class AccessTokens;
/// Holds a dialogue; net::TcpClient::talk, or a test's stand-in.
using TcpTalk = std::function<void(net::TcpRequest, net::TcpClient::Callback)>;

/// What became of an attempt.
struct Verdict {
  bool delivered = false;
  bool retriable = true;
  std::optional<Millis> retry_after;
  /// Alertmanager's word for why: clientError, serverError, authError, rateLimited,
  /// contextDeadlineExceeded, other.
  std::string_view reason = "other";
  std::string detail;  // for people: the provider's id or its error
  /// What the provider calls the message, where a later one may take its place.
  std::string reference = {};
};

/// What messages are made with.
struct RenderContext {
  std::string external_url;  // of Strata, without a slash at its end
};

/// What sending that is more than one request works with; outlives the sending.
struct SendContext {
  std::shared_ptr<const AlertmanagerFile> file;  // keeps the integration
  const Integration* integration = nullptr;
  std::shared_ptr<const discover::PeerClient> http;
  std::shared_ptr<const TcpTalk> tcp;
  std::shared_ptr<AccessTokens> tokens;
  Fs* fs = nullptr;
  const Clock* clock = nullptr;
  std::chrono::nanoseconds timeout{};
  std::stop_token stop;
};
using Sent = std::function<void(Verdict)>;  // called once, on the network's thread or at once

/// So many messages at once, and then one each `every`: what a provider takes from one sender.
struct Pace {
  uint32_t burst = 0;  // 0: any number
  Millis every{0};
};

struct Provider {
  std::string_view kind;
  /// Errors: kBadData, kExecution for a template that fails, kLimit.
  Result<MessageParts> (*render)(const RenderContext& context, const Notification& notification,
                                 const Destination& to);
  /// Credentials that are in files are read now. At the first attempt `parts` has "reference",
  /// where there is one (Message::reference). Errors: kIo, kBadData.
  Result<net::ClientRequest> (*request)(const Integration& integration, const MessageParts& parts,
                                        Fs& fs);
  Verdict (*judge)(const net::ClientResponse& response);
  Pace pace = {};
  /// In place of the two above, where one request is not enough.
  void (*send)(const SendContext& context, const MessageParts& parts, Sent sent) = nullptr;
};

/// One request of a sending, as the integration's http_config says.
void send_request(const SendContext& context, net::ClientRequest request,
                  net::HttpClient::Callback done);
/// Of a peer that did not answer. A bad URL does not get better by trying; a peer that is away may.
Verdict unanswered(const Error& error);

/// Null for a kind that is not supported.
const Provider* find_provider(std::string_view kind);

/// POST, as JSON.
net::ClientRequest post_json(std::string url, std::string body);
/// 2xx is delivered; 429 and 5xx are tried again, after Retry-After where it is said.
Verdict judge_by_status(const net::ClientResponse& response);
/// A 2xx whose body tells of an error: not delivered, and not tried again unless `retriable`.
Verdict refused(const net::ClientResponse& response, std::string why, bool retriable = false);
/// At most `most` code points, or bytes; what is cut off ends in an ellipsis, as Alertmanager cuts.
std::string cut_runes(std::string_view text, size_t most);
std::string cut_bytes(std::string_view text, size_t most);
/// SHA-256 of the group's key in hexadecimal: what joins a group's notifications at a provider.
std::string group_hash(const Notification& notification);
/// The value of a part; "" when it is not there.
std::string_view part(const MessageParts& parts, std::string_view name);
/// The text at `key`, or in the file at `key`_file. Errors: kIo.
Result<std::string> inline_or_file(const Settings& settings, const std::string& key, Fs& fs);

/// The body of a webhook, version 4 (Alertmanager's template.Data as JSON).
std::string webhook_body(const RenderContext& context, const Notification& notification,
                         std::string_view version = "4");

}  // namespace strata::alerting
