// What a TLS connection says about its peer, as values.
#pragma once
#include "net/request_trace.h"

struct ssl_st;  // OpenSSL's SSL

namespace strata::net {

/// After the handshake.
TlsPeer describe_peer(const ssl_st* ssl);

}  // namespace strata::net
