// The store's and the pools' series, read when /metrics is asked.
#pragma once
#include <vector>

#include "base/thread_pool.h"
#include "strata/metrics.h"
#include "tsdb/db.h"

namespace strata::app {

/// Live as long as the result; `db` outlives it. Names are Prometheus' where it has them.
std::vector<metrics::Callback> store_metrics(metrics::Registry& registry, const tsdb::Db& db);
std::vector<metrics::Callback> pool_metrics(metrics::Registry& registry, const ThreadPool& work);

}  // namespace strata::app
