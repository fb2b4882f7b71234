// Section `query` of strata.yml: who answers queries.
#pragma once
#include <string>

#include "config/http_client_config.h"
#include "model/duration.h"

namespace strata::config {

/// An engine with Prometheus' HTTP API that is asked instead of the local store.
struct QueryBackendConfig {
  std::string url;         // /api/v1/… is appended; empty: the local store
  Millis timeout{30'000};  // of a request
  HttpClientConfig http;
  friend bool operator==(const QueryBackendConfig&, const QueryBackendConfig&) = default;
};

struct QueryConfig {
  QueryBackendConfig backend;
};

}  // namespace strata::config
