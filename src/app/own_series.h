// The series of parts that keep their own counts, read when /metrics is asked.
#pragma once
#include <vector>

#include "base/thread_pool.h"
#include "discover/discovery.h"
#include "net/http_client.h"
#include "net/http_server.h"
#include "strata/metrics.h"
#include "tsdb/db.h"

namespace strata::app {

/// Live as long as the result; what is read from outlives it. Names are Prometheus' where it has
/// them.
std::vector<metrics::Callback> store_metrics(metrics::Registry& registry, const tsdb::Db& db);
std::vector<metrics::Callback> pool_metrics(metrics::Registry& registry, const ThreadPool& work);
std::vector<metrics::Callback> net_metrics(metrics::Registry& registry,
                                           const net::HttpServer& server,
                                           std::vector<const net::HttpClient*> clients);
std::vector<metrics::Callback> discovery_metrics(metrics::Registry& registry,
                                                 const discover::DiscoveryManager& discovery);

}  // namespace strata::app
