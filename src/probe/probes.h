// The kinds of probes. Each starts one and calls `done` once, on the loop's thread or at once.
#pragma once
#include <functional>

#include "config/probe_config.h"
#include "discover/peer_client.h"
#include "net/tcp_client.h"
#include "probe/outcome.h"

namespace strata::probe {

using Done = std::move_only_function<void(Outcome)>;

struct ProbeRequest {
  std::string target;
  std::string hostname;  // the Host header, or the name that a certificate must have; may be empty
  std::chrono::nanoseconds timeout{0};
  std::stop_token stop;
};

void probe_http(const discover::PeerClient& peer, const config::HttpProbe& config,
                const ProbeRequest& request, Done done);
void probe_tcp(net::TcpClient& client, const config::TcpProbe& config, const ProbeRequest& request,
               Done done);
/// One token of the engine whose OpenAI API answers at the target.
void probe_canary(std::shared_ptr<const discover::PeerClient> peer,
                  const config::CanaryProbe& config, const ProbeRequest& request, Done done);

/// probe_http_duration_seconds by phase, and what add_connection() says.
void add_http_trace(Outcome& outcome, const net::RequestTrace& trace);

}  // namespace strata::probe
