#include "alerting/provider.h"

#include <algorithm>

#include "alerting/chat_providers.h"
#include "alerting/email.h"
#include "alerting/paging_providers.h"
#include "alerting/phone_providers.h"
#include "alerting/robot_providers.h"
#include "alerting/webhook.h"
#include "alerting/wechat.h"
#include "base/number.h"
#include "base/utf8.h"
#include "net/hmac.h"

namespace strata::alerting {
namespace {

constexpr std::chrono::seconds kSecond{1};

// Paces: what each provider's documentation allows one sender, or a little less.
constexpr Provider kProviders[] = {
    {"dingtalk", render_dingtalk, nullptr, nullptr, {15, 4 * kSecond}, send_dingtalk},
    {"discord", render_discord, webhook_url_request, judge_by_status, {5, kSecond}},
    {"email", render_email, nullptr, nullptr, {}, send_email},
    {"feishu", render_feishu, nullptr, nullptr, {5, kSecond}, send_feishu},
    {"incidentio", render_incidentio, incidentio_request, judge_by_status},
    {"mattermost", render_mattermost, webhook_url_request, judge_by_status},
    {"msteams", render_msteams, webhook_url_request, judge_by_status, {4, kSecond}},
    {"msteamsv2", render_msteamsv2, webhook_url_request, judge_by_status, {4, kSecond}},
    {"opsgenie", render_opsgenie, nullptr, nullptr, {}, send_opsgenie},
    {"pagerduty", render_pagerduty, pagerduty_request, judge_pagerduty},
    {"phone", render_phone, nullptr, nullptr, {}, send_phone},
    {"pushover", render_pushover, pushover_request, judge_by_status, {10, kSecond}},
    {"rocketchat", render_rocketchat, rocketchat_request, judge_rocketchat},
    {"slack", render_slack, slack_request, judge_slack, {5, kSecond}},
    {"telegram", render_telegram, telegram_request, judge_telegram, {20, 3 * kSecond}},
    {"twilio_sms", render_twilio_sms, twilio_request, judge_by_status, {10, kSecond}},
    {"twilio_voice", render_twilio_voice, twilio_request, judge_by_status, {5, kSecond}},
    {"victorops", render_victorops, victorops_request, judge_by_status},
    {"webex", render_webex, webex_request, judge_by_status, {5, kSecond}},
    {"webhook", render_webhook, webhook_request, judge_by_status},
    {"wechat", render_wechat, nullptr, nullptr, {}, send_wechat},
    {"wecom", render_wecom, wecom_request, judge_errcode, {15, 4 * kSecond}},
};

constexpr size_t kMaxDetail = 300;
constexpr uint64_t kLongestRetryAfter = 86'400;  // seconds
constexpr std::string_view kEllipsis = "\xe2\x80\xa6";

// Retry-After in seconds; dates are rare here and taken for "not said".
std::optional<Millis> retry_after(const net::ClientResponse& response) {
  const auto seconds = parse_uint(response.headers.value("Retry-After"));
  if (!seconds) return std::nullopt;
  return std::chrono::seconds(std::min<uint64_t>(*seconds, kLongestRetryAfter));
}

// As Alertmanager names them (notify/util.go).
std::string_view reason_of(int status) {
  if (status == 401 || status == 403) return "authError";
  if (status == 429) return "rateLimited";
  if (status / 100 == 4) return "clientError";
  return status / 100 == 5 ? "serverError" : "other";
}

// Where the first `most` code points end.
size_t runes_end(std::string_view text, size_t most) {
  size_t end = 0;
  for (; most > 0 && end < text.size(); --most) {
    end += std::max<size_t>(1, utf8_sequence_length(text.substr(end)));
  }
  return std::min(end, text.size());
}

}  // namespace

const Provider* find_provider(std::string_view kind) {
  const auto at = std::ranges::find(kProviders, kind, &Provider::kind);
  return at == std::end(kProviders) ? nullptr : at;
}

void send_request(const SendContext& context, net::ClientRequest request,
                  net::HttpClient::Callback done) {
  request.timeout = context.timeout;
  request.max_body_bytes = 1 << 20;
  request.stop = context.stop;
  context.http->prepare(request);
  context.http->fetch(std::move(request), std::move(done));
}

net::ClientRequest post_json(std::string url, std::string body) {
  net::ClientRequest request;
  request.method = "POST";
  request.url = std::move(url);
  request.headers.set("Content-Type", "application/json");
  request.body = std::move(body);
  return request;
}

Verdict unanswered(const Error& error) {
  const bool slow = error.code == ErrorCode::kTimeout;
  return {.delivered = false,
          .retriable = error.code != ErrorCode::kBadData,
          .retry_after = {},
          .reason = slow ? "contextDeadlineExceeded" : "other",
          .detail = error.message};
}

Verdict judge_by_status(const net::ClientResponse& response) {
  Verdict out;
  out.delivered = response.status / 100 == 2;
  out.retriable = response.status == 429 || response.status / 100 == 5;
  out.retry_after = retry_after(response);
  out.reason = reason_of(response.status);
  out.detail = fmt::format("{} {}", response.status, net::reason_phrase(response.status));
  if (!out.delivered && !response.body.empty()) {
    out.detail += ": " + response.body.substr(0, kMaxDetail);
  }
  return out;
}

Verdict refused(const net::ClientResponse& response, std::string why, bool retriable) {
  why.resize(std::min(why.size(), kMaxDetail));
  return {.delivered = false,
          .retriable = retriable,
          .retry_after = retry_after(response),
          .reason = "clientError",
          .detail = fmt::format("{}, but: {}", response.status, why)};
}

std::string cut_runes(std::string_view text, size_t most) {
  if (text.size() <= most || runes_end(text, most) == text.size()) return std::string(text);
  if (most <= 3) return std::string(text.substr(0, runes_end(text, most)));
  return std::string(text.substr(0, runes_end(text, most - 1))).append(kEllipsis);
}

std::string cut_bytes(std::string_view text, size_t most) {
  if (text.size() <= most) return std::string(text);
  if (most < kEllipsis.size()) return std::string(most, '.');
  size_t end = most - kEllipsis.size();
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return std::string(text.substr(0, end)).append(kEllipsis);
}

std::string group_hash(const Notification& notification) {
  return net::hex(net::sha256(notification.group_key));
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
