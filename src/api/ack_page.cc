// /ack/TOKEN: a page for a phone, with one button. GET changes nothing, for chats fetch links to
// show a preview; POST acknowledges. A phone provider that collected a key posts `Digits`.
#include <algorithm>

#include "api/api.h"
#include "api/handlers.h"
#include "base/log.h"
#include "base/markup.h"
#include "oncall/engine.h"

namespace strata::api {
namespace {

Reply page(int status, std::string_view heading, std::string_view body) {
  net::HttpResponse response;
  response.status = status;
  response.headers.set("Content-Type", "text/html; charset=utf-8");
  // The address is the permission: it goes nowhere else.
  response.headers.set("Referrer-Policy", "no-referrer");
  response.headers.set("Cache-Control", "no-store");
  response.headers.set("Content-Security-Policy",
                       "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
                       "frame-ancestors 'none'");
  response.body = fmt::format(
      "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" "
      "content=\"width=device-width, initial-scale=1\"><meta name=\"robots\" "
      "content=\"noindex\"><title>{0}</title><style>body{{font:18px/1.5 "
      "system-ui,sans-serif;margin:2rem auto;max-width:32rem;padding:0 "
      "1rem;color-scheme:light dark}}button{{font:inherit;font-weight:600;width:100%;padding:1rem;"
      "border:0;border-radius:.5rem;background:#2563eb;color:#fff}}</style><h1>{0}</h1>{1}",
      heading, body);
  return response;
}

// What a phone provider says to whoever pressed the key (TwiML).
Reply spoken(std::string_view text) {
  net::HttpResponse response;
  response.headers.set("Content-Type", "text/xml; charset=utf-8");
  response.body =
      fmt::format("<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Say>{}</Say></Response>",
                  markup_escaped(text));
  return response;
}

std::string list(const std::vector<oncall::Incident>& incidents) {
  constexpr size_t kShown = 50;
  std::string out = "<ul>";
  for (size_t i = 0; i < std::min(incidents.size(), kShown); ++i) {
    const auto& one = incidents[i];
    out += fmt::format("<li>{} {} &mdash; {}{}", to_string(one.priority),
                       markup_escaped(one.title()), to_string(one.status),
                       one.status == oncall::Status::kAcknowledged
                           ? " by " + markup_escaped(one.acknowledged_by)
                           : "");
  }
  if (incidents.size() > kShown) out += fmt::format("<li>and {} more", incidents.size() - kShown);
  return out + "</ul>";
}

Result<Reply> pressed(oncall::Engine& oncall, const Call& call, int64_t id, std::string_view digits,
                      TimestampMs now) {
  net::FormValues form;
  TRY(net::parse_form(call.request().body, form));
  if (const auto right = oncall.check_key_press(id, call.path_parameter, form,
                                                call.request().headers.value("X-Twilio-Signature"));
      !right) {
    if (right.error().code != ErrorCode::kUnauthorized) return std::unexpected(right.error());
    log_warn("a key press was refused", {{"error", right.error().message}});
    return page(403, "Not signed", "<p>" + markup_escaped(right.error().message));
  }
  if (digits == "1") {
    TRY(oncall.acknowledge_page(id, now));
    return spoken("Acknowledged. Thank you.");
  }
  if (digits != "2") return spoken("Nothing was done.");
  const auto called = TRY(oncall.store().page(id));
  for (const int64_t incident : called ? called->incidents : std::vector<int64_t>()) {
    // What is resolved by now has nobody to be escalated to.
    (void)oncall.desk().escalate(incident, called->person, now);
  }
  oncall.wake();
  return spoken("Somebody else is called.");
}

}  // namespace

Result<Reply> acknowledge_by_link(const Services& services, Call& call) {
  if (services.oncall == nullptr) return page(503, "Not available", "");
  oncall::Engine& oncall = *services.oncall;
  const auto now = services.clock.now_ms();
  const auto id = oncall.links().page_of(call.path_parameter, now);
  if (!id) return page(404, "This link is not valid", "<p>It may be older than a day.");
  if (call.request().method == "POST") {
    if (const auto digits = call.parameter("Digits"); !digits.empty()) {
      return pressed(oncall, call, *id, digits, now);
    }
    return page(200, "Acknowledged", list(TRY(oncall.acknowledge_page(*id, now))));
  }
  const auto called = TRY(oncall.store().page(*id));
  if (!called) return page(404, "This call is not known any more", "");
  std::vector<oncall::Incident> incidents;
  bool open = false;
  for (const int64_t one : called->incidents) {
    const auto incident = TRY(oncall.store().incident(one));
    if (!incident) continue;
    open |= incident->status == oncall::Status::kOpen;
    incidents.push_back(*incident);
  }
  return page(200, open ? "Somebody has to come" : "Nothing to acknowledge",
              list(incidents) + (open ? "<form method=\"post\"><button>Acknowledge as " +
                                            markup_escaped(called->person) + "</button></form>"
                                      : ""));
}

}  // namespace strata::api
