#include "probe/probes.h"

namespace strata::probe {
namespace {

bool matches_any(const std::vector<Regex>& patterns, std::string_view text) {
  return std::ranges::any_of(patterns, [&](const auto& p) { return p.partial_match(text); });
}

// Whether a header's condition holds for any of the header's values.
bool header_matches(const config::HeaderMatch& match, const net::Headers& headers) {
  for (const auto [name, value] : headers) {
    if (net::equals_ignoring_case(name, match.header) && match.regexp.partial_match(value)) {
      return true;
    }
  }
  return false;
}

// Empty when the response is as it should be.
std::string wrong_status(const config::HttpProbe& config, int status) {
  const auto& valid = config.valid_status_codes;
  const bool good = valid.empty()
                        ? status / 100 == 2
                        : std::ranges::find(valid, static_cast<uint64_t>(status)) != valid.end();
  return good ? "" : fmt::format("the status is {}", status);
}

std::string wrong_text(const config::HttpProbe& config, const net::ClientResponse& response) {
  for (const auto& match : config.fail_if_header_matches) {
    const bool absent = !response.headers.contains(match.header);
    if (absent ? !match.allow_missing : header_matches(match, response.headers)) {
      return fmt::format("header {} {}", match.header,
                         absent ? "is missing" : "is as it should not be");
    }
  }
  for (const auto& match : config.fail_if_header_not_matches) {
    const bool absent = !response.headers.contains(match.header);
    if (absent ? !match.allow_missing : !header_matches(match, response.headers)) {
      return fmt::format("header {} {}", match.header,
                         absent ? "is missing" : "is not as it should be");
    }
  }
  if (matches_any(config.fail_if_body_matches_regexp, response.body)) {
    return "the body matches what it should not";
  }
  for (const auto& pattern : config.fail_if_body_not_matches_regexp) {
    if (!pattern.partial_match(response.body))
      return "the body does not match " + pattern.pattern();
  }
  return {};
}

double http_version(int version) { return version / 10 + (version % 10) * 0.1; }

void judge(const config::HttpProbe& config, const net::ClientResponse& response,
           const net::RequestTrace& trace, Outcome& outcome) {
  outcome.success = true;
  if (const auto wrong = wrong_status(config, response.status); !wrong.empty()) {
    outcome.fail(wrong);
  } else if (const auto text = wrong_text(config, response); !text.empty()) {
    outcome.fail(text);
    outcome.families.front().samples.front().value = 1;  // probe_failed_due_to_regex
  }
  const auto& versions = config.valid_http_versions;
  const auto spoken = fmt::format("HTTP/{}.{}", trace.http_version / 10, trace.http_version % 10);
  if (!versions.empty() && std::ranges::find(versions, spoken) == versions.end()) {
    outcome.fail(spoken + " was spoken");
  }
  if (trace.tls && config.fail_if_ssl) outcome.fail("the last request was over TLS");
  if (!trace.tls && config.fail_if_not_ssl) outcome.fail("the last request was not over TLS");
}

Outcome outcome_of(const config::HttpProbe& config, const net::RequestTrace& trace,
                   const Result<net::ClientResponse>& response) {
  Outcome outcome;
  outcome.gauge("probe_failed_due_to_regex", "Whether a regular expression made the probe fail.",
                0);
  double length = -1;
  double body = 0;
  int status = 0;
  if (response) {
    judge(config, *response, trace, outcome);
    status = response->status;
    body = static_cast<double>(response->body.size());
    if (response->headers.contains("content-length")) {
      length = static_cast<double>(response->wire_bytes);
    }
  } else {
    outcome.fail(response.error().message);
  }
  outcome.gauge("probe_http_status_code", "Status of the response; 0: none came.", status);
  outcome.gauge("probe_http_version", "Version of HTTP of the response.",
                http_version(trace.http_version));
  outcome.gauge("probe_http_redirects", "Redirects that were followed.",
                static_cast<double>(trace.redirects));
  outcome.gauge("probe_http_ssl", "Whether the last request was over TLS.", trace.tls ? 1 : 0);
  outcome.gauge("probe_http_content_length", "Length of the body as it came; -1: not announced.",
                length);
  outcome.gauge("probe_http_uncompressed_body_length", "Length of the body.", body);
  add_http_trace(outcome, trace);
  return outcome;
}

}  // namespace

void add_http_trace(Outcome& outcome, const net::RequestTrace& trace) {
  using net::Phase;
  const std::pair<std::string_view, std::chrono::nanoseconds> phases[] = {
      {"resolve", trace.in(Phase::kResolve)},
      {"connect", trace.in(Phase::kConnect) + trace.in(Phase::kProxy)},
      {"tls", trace.in(Phase::kTls)},
      {"processing", trace.in(Phase::kSend) + trace.in(Phase::kWait)},
      {"transfer", trace.in(Phase::kRead)}};
  for (const auto& [phase, time] : phases) {
    outcome.gauge("probe_http_duration_seconds", "How long the phases of the request took.",
                  std::chrono::duration<double>(time).count(), Labels{{"phase", phase}});
  }
  outcome.add_connection(trace);
}

void probe_http(const discover::PeerClient& peer, const config::HttpProbe& config,
                const ProbeRequest& request, Done done) {
  net::ClientRequest ask;
  const bool has_scheme =
      request.target.starts_with("http://") || request.target.starts_with("https://");
  ask.method = config.method;
  ask.url = has_scheme ? request.target : "http://" + request.target;
  ask.timeout = request.timeout;
  ask.max_body_bytes = static_cast<size_t>(config.body_size_limit.bytes);
  ask.accept_gzip = false;
  ask.keep_alive = false;
  ask.body = config.body;
  ask.stop = request.stop;
  ask.trace = std::make_shared<net::RequestTrace>();
  peer.prepare(ask);
  for (const auto& [name, value] : config.headers) ask.headers.set(name, value);
  if (!request.hostname.empty()) {
    ask.headers.set("Host", request.hostname);
    if (ask.tls.server_name.empty()) ask.tls.server_name = request.hostname;
  }
  const auto trace = ask.trace;
  peer.fetch(std::move(ask),
             [config, trace, done = std::move(done)](Result<net::ClientResponse> response) mutable {
               done(outcome_of(config, *trace, response));
             });
}

}  // namespace strata::probe
