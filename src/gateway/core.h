// What the connections of one gateway share. Private to gateway/.
//
// Everything is touched on the loop's thread, except what says otherwise.
#pragma once
#include <memory>
#include <unordered_set>

#include "base/clock.h"
#include "config/gateway_config.h"
#include "gateway/budgets.h"
#include "gateway/ledger.h"
#include "gateway/meter.h"
#include "gateway/prices.h"
#include "gateway/router.h"
#include "gateway/tenants.h"
#include "gateway/upstream_call.h"
#include "net/connection_count.h"
#include "net/http_client.h"
#include "net/resolver.h"
#include "net/tls_context.h"

namespace strata::gateway {

class Connection;

/// What a reload replaces; a request keeps the version that it began with.
struct Settings {
  config::GatewayConfig config;
  std::shared_ptr<Tenants> tenants;
  std::shared_ptr<const PriceTable> prices;
  std::shared_ptr<Router> router;
};

struct GatewayCore {
  GatewayCore(net::Loop& l, const config::GatewayConfig& config)
      : loop(l), resolver(l), meter(config.tenants.max_labels) {}

  net::Loop& loop;
  net::Resolver resolver;
  net::ClientTlsContexts tls;
  std::unique_ptr<net::ServerTlsContext> server_tls;  // null: plain
  const Clock& clock = real_clock();
  std::shared_ptr<const Settings> settings;
  Meter meter;
  Budgets budgets;
  std::unique_ptr<Ledger> ledger;  // null: none is kept

  net::HttpClient* client = nullptr;  // for what is asked beside requests; outlives connections

  std::unordered_set<Connection*> connections;
  bool stopping = false;
  uint64_t in_flight = 0;       // requests
  uint64_t buffered_bytes = 0;  // of their bodies
  uint64_t last_id = 0;
  /// Retries that may be made: a tenth of the requests, and a few to begin with.
  double retry_budget = kRetryBurst;
  static constexpr double kRetryBurst = 10;
  static constexpr double kRetryShare = 0.1;

  UpstreamCall::Context call_context() { return {loop, resolver, tls}; }

  net::ConnectionCount running;  // its acceptor counts, too; any thread
};

}  // namespace strata::gateway
