#include "alerting/provider.h"

#include <algorithm>

#include "alerting/webhook.h"
#include "base/number.h"
#include "discover/peer_client.h"

namespace strata::alerting {
namespace {

constexpr Provider kProviders[] = {
    {"webhook", render_webhook, webhook_request, judge_by_status},
};

constexpr size_t kMaxDetail = 300;

// Retry-After in seconds; dates are rare here and taken for "not said".
std::optional<Millis> retry_after(const net::ClientResponse& response) {
  const auto seconds = parse_uint(response.headers.value("Retry-After"));
  if (!seconds || *seconds > 86'400) return std::nullopt;
  return std::chrono::seconds(*seconds);
}

}  // namespace

const Provider* find_provider(std::string_view kind) {
  const auto at = std::ranges::find(kProviders, kind, &Provider::kind);
  return at == std::end(kProviders) ? nullptr : at;
}

Verdict judge_by_status(const net::ClientResponse& response) {
  Verdict out;
  out.delivered = response.status / 100 == 2;
  out.retriable = response.status == 429 || response.status / 100 == 5;
  out.retry_after = retry_after(response);
  out.detail = fmt::format("{} {}", response.status, net::reason_phrase(response.status));
  if (!out.delivered && !response.body.empty()) {
    out.detail += ": " + response.body.substr(0, kMaxDetail);
  }
  return out;
}

std::string_view part(const MessageParts& parts, std::string_view name) {
  const auto at = std::ranges::find(parts, name, &std::pair<std::string, std::string>::first);
  return at == parts.end() ? std::string_view() : at->second;
}

Result<std::string> inline_or_file(const Settings& settings, const std::string& key, Fs& fs) {
  if (settings.has(key) || !settings.has(key + "_file")) return settings.text(key);
  return discover::read_credential(fs, settings.text(key + "_file"));
}

}  // namespace strata::alerting
