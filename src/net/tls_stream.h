// TLS over a connected socket.
#pragma once
#include <memory>
#include <string>

#include "net/stream.h"
#include "net/tls_context.h"

namespace strata::net {

/// `name` is what the certificate must be for, a host name or an address; it is sent (SNI) when it
/// is a name.
std::unique_ptr<Stream> make_tls_client_stream(Socket socket, const TlsContext& context,
                                               std::string name);
std::unique_ptr<Stream> make_tls_server_stream(Socket socket, const TlsContext& context);

}  // namespace strata::net
