// TLS settings as values; the library that does it stays inside net.
#pragma once
#include <compare>
#include <cstdint>
#include <string>
#include <vector>

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

/// A server's side. For each of cert, key and client CA: a file, or its PEM text inline. Files are
/// read again when they change, so a renewed certificate needs no restart.
struct ServerTlsOptions {
  std::string cert_file = {}, cert_pem = {};  // the chain after it
  std::string key_file = {}, key_pem = {};
  std::string client_ca_file = {}, client_ca_pem = {};
  ClientAuth client_auth = ClientAuth::kNone;
  /// A client certificate must name one of these, exactly: a DNS name, IP or mail address, or URI
  /// of its subjectAltName. Empty: any will do.
  std::vector<std::string> client_allowed_sans = {};
  TlsVersion min_version = TlsVersion::kTls12;
  TlsVersion max_version = TlsVersion::kTls13;
  /// For TLS 1.2 and below, by IANA name (TLS_ECDHE_…); those of 1.3 are always there, as in Go.
  /// Empty: OpenSSL's default.
  std::vector<std::string> cipher_suites = {};
  /// "CurveP256", "X25519": most wanted first. Empty: OpenSSL's default.
  std::vector<std::string> curves = {};
  bool prefer_server_ciphers = true;
  auto operator<=>(const ServerTlsOptions&) const = default;
};

}  // namespace strata::net
