#include "app/tls_options.h"

namespace strata::app {
namespace {

net::TlsVersion net_version(config::TlsVersion version) {
  switch (version) {
    case config::TlsVersion::kTls10: return net::TlsVersion::kTls10;
    case config::TlsVersion::kTls11: return net::TlsVersion::kTls11;
    case config::TlsVersion::kUnset:
    case config::TlsVersion::kTls12: return net::TlsVersion::kTls12;
    case config::TlsVersion::kTls13: return net::TlsVersion::kTls13;
  }
  return net::TlsVersion::kTls12;
}

}  // namespace

net::ServerTlsOptions tls_options(const config::TlsServerConfig& config) {
  net::ServerTlsOptions tls;
  tls.cert_file = config.cert_file;
  tls.cert_pem = config.cert;
  tls.key_file = config.key_file;
  tls.key_pem = config.key.reveal();
  tls.client_ca_file = config.client_ca_file;
  tls.client_ca_pem = config.client_ca;
  tls.client_auth = static_cast<net::ClientAuth>(config.client_auth_type);
  tls.client_allowed_sans = config.client_allowed_sans;
  tls.cipher_suites = config.cipher_suites;
  tls.curves = config.curve_preferences;
  tls.prefer_server_ciphers = config.prefer_server_cipher_suites;
  tls.min_version = net_version(config.min_version);
  tls.max_version = net_version(config.max_version);
  return tls;
}

}  // namespace strata::app
