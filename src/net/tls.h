// TLS settings as values; the library that does it stays inside net.
#pragma once
#include <compare>
#include <cstdint>
#include <string>

namespace strata::net {

enum class TlsVersion : uint8_t { kTls10 = 0, kTls11, kTls12, kTls13 };

/// A client's side. For each of ca, cert and key: a file, or its PEM text inline, or neither.
/// Files are read again when they change.
struct TlsOptions {
  std::string ca_file = {}, ca_pem = {};  // neither: the system's certificates
  std::string cert_file = {}, cert_pem = {};
  std::string key_file = {}, key_pem = {};
  std::string server_name = {};  // sent (SNI) and verified in place of the URL's host
  bool insecure_skip_verify = false;
  TlsVersion min_version = TlsVersion::kTls12;
  TlsVersion max_version = TlsVersion::kTls13;
  auto operator<=>(const TlsOptions&) const = default;
};

/// As in web.yml's client_auth_type (Go's tls.ClientAuthType).
enum class ClientAuth : uint8_t {
  kNone,
  kRequest,           // asked for, not verified
  kRequireAny,        // must be there, not verified
  kVerifyIfGiven,     // verified when there
  kRequireAndVerify,  // must be there and be signed by the client CA
};

/// A server's side. Files are read again when they change, so a renewed certificate needs no
/// restart.
struct ServerTlsOptions {
  std::string cert_file = {};  // PEM, the chain after it
  std::string key_file = {};
  std::string client_ca_file = {};
  ClientAuth client_auth = ClientAuth::kNone;
  TlsVersion min_version = TlsVersion::kTls12;
  TlsVersion max_version = TlsVersion::kTls13;
  std::string ciphers = {};  // OpenSSL's list for TLS 1.2 and below; empty: its default
  auto operator<=>(const ServerTlsOptions&) const = default;
};

}  // namespace strata::net
