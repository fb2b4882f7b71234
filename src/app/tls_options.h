// web.yml's TLS settings as the HTTP server takes them.
#pragma once
#include "config/web_config.h"
#include "net/tls.h"

namespace strata::app {

net::ServerTlsOptions tls_options(const config::TlsServerConfig& config);

}  // namespace strata::app
