#include "alerting/email.h"

#include <algorithm>

#include "alerting/notification_templates.h"
#include "alerting/smtp.h"
#include "net/hmac.h"
#include "net/url.h"
#include "templates/time_text.h"

namespace strata::alerting {
namespace {

using Headers = std::vector<std::pair<std::string, std::string>>;

bool has(const Headers& headers, std::string_view name) {
  return std::ranges::any_of(headers, [&](const auto& header) {
    return std::ranges::equal(
        header.first, name, {}, [](char c) { return std::tolower(c); },
        [](char c) { return std::tolower(c); });
  });
}

std::string date_text(TimestampMs t, std::string_view layout) {
  return templates::format_time({.nanoseconds = t * 1'000'000}, layout);
}

// All mails of a group are one thread, or one thread a day: they answer a mail that never was.
void add_threading(const Settings& settings, const Notification& notification, Headers& headers) {
  const config::YamlNode* threading = settings.node("threading");
  if (threading == nullptr) return;
  const auto* enabled = threading->find("enabled");
  if (enabled == nullptr || !config::as_bool(enabled->value).value_or(false)) return;
  const auto* by_date = threading->find("thread_by_date");
  const bool daily = by_date != nullptr && by_date->value.text == "daily";
  const std::string root =
      fmt::format("<alert-{}-{}@alertmanager>", group_hash(notification).substr(0, 16),
                  daily ? date_text(notification.at, "2006-01-02") : "");
  headers.emplace_back("References", root);
  headers.emplace_back("In-Reply-To", root);
}

Headers headers_of(const Settings& settings, const Notification& notification, Wording& wording) {
  Headers out;
  if (const config::YamlNode* own = settings.node("headers")) {
    for (const config::YamlEntry& header : own->entries) {
      out.emplace_back(header.key, wording.text(header.value.text));
    }
  }
  const auto add = [&](std::string_view name, std::string_view text) {
    if (!has(out, name)) out.emplace_back(name, wording.text(text));
  };
  add("Subject", R"({{ template "email.default.subject" . }})");
  add("To", settings.text("to"));
  add("From", settings.text("from"));
  const std::string id = net::hex(net::sha256(
      fmt::format("{} {} {}", notification.group_key, notification.at, settings.text("to"))));
  add("Message-Id", fmt::format("<{}.{}@strata>", notification.at, id.substr(0, 24)));
  add("Date", date_text(notification.at, "Mon, 02 Jan 2006 15:04:05 -0700"));
  add_threading(settings, notification, out);
  return out;
}

Result<SmtpOptions> options_of(const Settings& settings, const net::HostPort& host, Fs& fs) {
  SmtpOptions out;
  out.host = host.host;
  if (settings.has("hello")) out.hello = settings.text("hello");
  out.implicit_tls =
      settings.has("force_implicit_tls") ? settings.flag("force_implicit_tls") : host.port == 465;
  out.require_tls = settings.flag("require_tls") && !out.implicit_tls;
  out.login.user = settings.text("auth_username");
  out.login.identity = settings.text("auth_identity");
  if (out.login.user.empty()) return out;
  out.login.password = TRY(inline_or_file(settings, "auth_password", fs));
  out.login.secret = TRY(inline_or_file(settings, "auth_secret", fs));
  return out;
}

Verdict judge(const Result<>& talked, const SmtpDialogue& dialogue) {
  if (talked)
    return {.delivered = true, .retriable = false, .retry_after = {}, .detail = dialogue.receipt()};
  Verdict out = unanswered(talked.error());
  if (talked.error().code == ErrorCode::kBadData) out.reason = "clientError";
  if (talked.error().code == ErrorCode::kUnauthorized) out.reason = "authError";
  return out;
}

}  // namespace

Result<MessageParts> render_email(const RenderContext& context, const Notification& notification,
                                  const Destination& to) {
  const Settings& settings = to.integration->settings;
  Wording wording(context.external_url, notification, to);
  const std::string from = wording.setting("from");
  const std::string recipients = wording.setting("to");
  const auto headers = headers_of(settings, notification, wording);
  const std::string text = wording.setting("text");
  const std::string html = wording.html(settings.text("html"));
  TRY(wording.result());
  const auto sender = TRY(parse_addresses(from));
  if (sender.size() != 1) return bad_data("from: exactly one mail address");
  TRY(parse_addresses(recipients));
  const std::string boundary = "strata-" + net::hex(net::sha256(text + html)).substr(0, 32);
  return MessageParts{{"from", sender[0]},
                      {"to", recipients},
                      {"data", compose_mail(headers, text, html, boundary)}};
}

void send_email(const SendContext& context, const MessageParts& parts, Sent sent) {
  const Settings& settings = context.integration->settings;
  const auto host = net::parse_host_port(settings.text("smarthost"));
  if (!host) return sent(unanswered(host.error()));
  auto options = options_of(settings, *host, *context.fs);
  if (!options) return sent(unanswered(options.error()));
  auto recipients = parse_addresses(part(parts, "to"));
  if (!recipients) return sent(unanswered(recipients.error()));
  net::TcpRequest request;
  request.host = host->host;
  request.port = host->port;
  request.start_tls = discover::tls_options(context.integration->smtp_tls);
  if (options->implicit_tls) request.tls = request.start_tls;
  request.timeout = context.timeout;
  request.stop = context.stop;
  const auto dialogue = std::make_shared<SmtpDialogue>(
      *std::move(options), Mail{.from = std::string(part(parts, "from")),
                                .to = *std::move(recipients),
                                .data = std::string(part(parts, "data"))});
  request.dialogue = [dialogue](std::string_view line) { return dialogue->line(line); };
  (*context.tcp)(std::move(request), [dialogue, sent = std::move(sent)](Result<> talked) {
    sent(judge(talked, *dialogue));
  });
}

}  // namespace strata::alerting
