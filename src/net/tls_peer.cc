#include "net/tls_peer.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <ctime>
#include <memory>

namespace strata::net {
namespace {

std::string hex(const unsigned char* bytes, size_t size) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (size_t i = 0; i < size; ++i) {
    text += kDigits[bytes[i] >> 4];
    text += kDigits[bytes[i] & 15];
  }
  return text;
}

int64_t expiry_of(X509* certificate) {
  std::tm time{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &time) != 1) return 0;
  return timegm(&time);
}

/// 0 when there is none.
int64_t first_expiry(const STACK_OF(X509) * chain) {
  int64_t first = 0;
  for (int i = 0; i < sk_X509_num(chain); ++i) {
    const int64_t expiry = expiry_of(sk_X509_value(chain, i));
    if (first == 0 || expiry < first) first = expiry;
  }
  return first;
}

std::string text_of(const X509_NAME* name) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new(BIO_s_mem()), BIO_free);
  X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253);
  const char* data = nullptr;
  const auto size = BIO_get_mem_data(out.get(), &data);
  return {data, static_cast<size_t>(size)};
}

std::string names_of(X509* certificate) {
  using Names = std::unique_ptr<GENERAL_NAMES, decltype(&GENERAL_NAMES_free)>;
  const Names names(static_cast<GENERAL_NAMES*>(
                        X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)),
                    GENERAL_NAMES_free);
  std::string text;
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_DNS) continue;
    if (!text.empty()) text += ',';
    text.append(reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)),
                static_cast<size_t>(ASN1_STRING_length(name->d.dNSName)));
  }
  return text;
}

std::string serial_of(X509* certificate) {
  const ASN1_INTEGER* serial = X509_get0_serialNumber(certificate);
  return hex(ASN1_STRING_get0_data(serial), static_cast<size_t>(ASN1_STRING_length(serial)));
}

}  // namespace

TlsPeer describe_peer(const ssl_st* ssl) {
  TlsPeer peer;
  peer.version = SSL_get_version(ssl);  // "TLSv1.3"
  if (peer.version.starts_with("TLSv")) peer.version.replace(0, 4, "TLS ");
  if (peer.version == "TLS 1") peer.version = "TLS 1.0";
  if (const SSL_CIPHER* cipher = SSL_get_current_cipher(ssl)) {
    peer.cipher = SSL_CIPHER_standard_name(cipher);
  }
  peer.earliest_expiry = first_expiry(SSL_get_peer_cert_chain(ssl));
  if (SSL_get_verify_result(ssl) == X509_V_OK) {
    peer.chain_expiry = first_expiry(SSL_get0_verified_chain(ssl));
  }
  X509* own = SSL_get0_peer_certificate(ssl);
  if (own == nullptr) return peer;
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  X509_digest(own, EVP_sha256(), digest, &size);
  peer.fingerprint_sha256 = hex(digest, size);
  peer.subject = text_of(X509_get_subject_name(own));
  peer.issuer = text_of(X509_get_issuer_name(own));
  peer.serial = serial_of(own);
  peer.names = names_of(own);
  return peer;
}

}  // namespace strata::net
