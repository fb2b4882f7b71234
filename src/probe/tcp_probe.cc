#include "net/url.h"
#include "probe/probes.h"

namespace strata::probe {

void probe_tcp(net::TcpClient& client, const config::TcpProbe& config, const ProbeRequest& request,
               Done done) {
  Outcome outcome;
  outcome.gauge("probe_failed_due_to_regex", "Whether a regular expression made the probe fail.",
                0);
  const auto where = net::parse_host_port(request.target);
  if (!where || where->host.empty() || where->port == 0) {
    outcome.fail("a TCP target is host:port");
    return done(std::move(outcome));
  }
  net::TcpRequest talk{.host = where->host,
                       .port = where->port,
                       .timeout = request.timeout,
                       .stop = request.stop,
                       .trace = std::make_shared<net::RequestTrace>()};
  if (config.tls) {
    talk.tls = discover::tls_options(config.tls_config);
    if (talk.tls->server_name.empty()) talk.tls->server_name = request.hostname;
  }
  for (const auto& step : config.query_response) {
    auto& next = talk.steps.emplace_back();
    if (!step.expect.empty()) next.expect = *Regex::compile(step.expect);  // checked with the file
    if (!step.send.empty()) next.send = step.send + "\n";
  }
  const auto trace = talk.trace;
  client.talk(std::move(talk), [outcome = std::move(outcome), trace,
                                done = std::move(done)](Result<> result) mutable {
    outcome.success = result.has_value();
    if (!result) {
      outcome.fail(result.error().message);
      const bool mismatch = result.error().code == ErrorCode::kExecution;
      outcome.families.front().samples.front().value = mismatch ? 1 : 0;
    }
    outcome.add_connection(*trace);
    done(std::move(outcome));
  });
}

}  // namespace strata::probe
