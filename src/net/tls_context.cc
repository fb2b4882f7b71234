#include "net/tls_context.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <functional>

#include "base/fs.h"
#include "base/log.h"

namespace strata::net {
namespace {

template <class T, void (*kFree)(T*)>
struct Freed {
  void operator()(T* p) const { kFree(p); }
};
void free_bio(BIO* bio) { BIO_free_all(bio); }
using Bio = std::unique_ptr<BIO, Freed<BIO, free_bio>>;
using Cert = std::unique_ptr<X509, Freed<X509, X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY, EVP_PKEY_free>>;

/// The reason of the oldest error that OpenSSL has kept for this thread; forgets them all.
std::string tls_reason() {
  const unsigned long code = ERR_get_error();  // NOLINT(google-runtime-int): OpenSSL's type
  ERR_clear_error();
  const char* reason = code != 0 ? ERR_reason_error_string(code) : nullptr;
  return reason != nullptr ? reason : "unknown error";
}

Bio memory_bio(std::string_view text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

/// A key that needs a password is an error: nobody is there to type it.
int no_password(char*, int, int, void*) { return -1; }

/// The PEM text of what is given as a file or inline, with a name for messages; empty when neither.
struct Pem {
  std::string text;
  std::string where;
};
Result<Pem> read_pem(std::string_view what, const std::string& file,
                     const std::string& inline_pem) {
  if (file.empty()) return Pem{inline_pem, std::string(what) + " (inline)"};
  auto text = real_fs().read_file(file);
  if (!text) return bad_data("TLS " + std::string(what) + ": " + text.error().message);
  return Pem{*std::move(text), std::string(what) + " file " + file};
}

Result<> use_certificate(SSL_CTX* ctx, const Pem& cert, const Pem& key) {
  const Bio bio = memory_bio(cert.text);
  const Cert leaf(PEM_read_bio_X509(bio.get(), nullptr, no_password, nullptr));
  if (!leaf || SSL_CTX_use_certificate(ctx, leaf.get()) != 1) {
    return bad_data("TLS " + cert.where + ": no usable certificate: " + tls_reason());
  }
  while (Cert next{PEM_read_bio_X509(bio.get(), nullptr, no_password, nullptr)}) {
    if (SSL_CTX_add1_chain_cert(ctx, next.get()) != 1) {
      return bad_data("TLS " + cert.where + ": bad chain: " + tls_reason());
    }
  }
  ERR_clear_error();  // the end of the PEM text
  const Bio key_bio = memory_bio(key.text);
  const Key parsed(PEM_read_bio_PrivateKey(key_bio.get(), nullptr, no_password, nullptr));
  if (!parsed) return bad_data("TLS " + key.where + ": no usable private key: " + tls_reason());
  if (SSL_CTX_use_PrivateKey(ctx, parsed.get()) != 1 || SSL_CTX_check_private_key(ctx) != 1) {
    return bad_data("TLS " + key.where + " does not belong to " + cert.where + ": " + tls_reason());
  }
  return {};
}

/// Trusts the certificates in `ca`; with `names`, they are also named to the peer as acceptable.
Result<> trust(SSL_CTX* ctx, const Pem& ca, bool names) {
  X509_STORE* store = SSL_CTX_get_cert_store(ctx);
  const Bio bio = memory_bio(ca.text);
  size_t count = 0;
  while (Cert cert{PEM_read_bio_X509(bio.get(), nullptr, no_password, nullptr)}) {
    X509_STORE_add_cert(store, cert.get());  // a duplicate is no error
    if (names) SSL_CTX_add_client_CA(ctx, cert.get());
    ++count;
  }
  ERR_clear_error();
  if (count == 0) return bad_data("TLS " + ca.where + ": no certificate in it");
  return {};
}

/// Where distributions keep their certificates: OpenSSL's own default is its build's (Debian's).
void trust_system(SSL_CTX* ctx) {
  static constexpr std::array kBundles = {
      "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
      "/etc/ssl/ca-bundle.pem", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
      "/etc/ssl/cert.pem"};
  SSL_CTX_set_default_verify_paths(ctx);
  struct stat status{};
  for (const char* bundle : kBundles) {
    if (::stat(bundle, &status) != 0) continue;
    SSL_CTX_load_verify_locations(ctx, bundle, nullptr);
    break;
  }
  ERR_clear_error();
}

int version_number(TlsVersion version) {
  switch (version) {
    case TlsVersion::kTls10: return TLS1_VERSION;
    case TlsVersion::kTls11: return TLS1_1_VERSION;
    case TlsVersion::kTls12: return TLS1_2_VERSION;
    case TlsVersion::kTls13: return TLS1_3_VERSION;
  }
  return TLS1_2_VERSION;
}

TlsContext make_context(const SSL_METHOD* method, TlsVersion min, TlsVersion max) {
  TlsContext ctx(SSL_CTX_new(method), SSL_CTX_free);
  // OpenSSL 3 speaks 1.0 and 1.1 at security level 0 only; whoever sets them wants them.
  if (min < TlsVersion::kTls12) SSL_CTX_set_security_level(ctx.get(), 0);
  SSL_CTX_set_min_proto_version(ctx.get(), version_number(min));
  SSL_CTX_set_max_proto_version(ctx.get(), version_number(max));
  // An idle connection then keeps no record buffers.
  SSL_CTX_set_mode(ctx.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_options(ctx.get(), SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  return ctx;
}

// The names that a server lets in: they live with its context.
using Names = std::vector<std::string>;
int names_index() {
  static const int index = SSL_CTX_get_ex_new_index(
      0, nullptr, nullptr, nullptr,
      [](void*, void* names, CRYPTO_EX_DATA*, int, long, void*) {  // NOLINT(google-runtime-int)
        delete static_cast<Names*>(names);
      });
  return index;
}

/// "" for a kind of name that is not compared.
std::string text_of_name(const GENERAL_NAME& name) {
  if (name.type == GEN_IPADD) {
    const unsigned char* bytes = ASN1_STRING_get0_data(name.d.iPAddress);
    const int family = ASN1_STRING_length(name.d.iPAddress) == 4 ? AF_INET : AF_INET6;
    char text[INET6_ADDRSTRLEN] = {};
    return inet_ntop(family, bytes, text, sizeof text) != nullptr ? text : "";
  }
  if (name.type != GEN_DNS && name.type != GEN_EMAIL && name.type != GEN_URI) return "";
  const auto* bytes = reinterpret_cast<const char*>(ASN1_STRING_get0_data(name.d.ia5));
  return {bytes, static_cast<size_t>(ASN1_STRING_length(name.d.ia5))};
}

bool names_one_of(X509* cert, const Names& allowed) {
  auto* names =
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(cert, NID_subject_alt_name, nullptr, nullptr));
  bool found = false;
  for (int i = 0; i < sk_GENERAL_NAME_num(names) && !found; ++i) {
    const std::string name = text_of_name(*sk_GENERAL_NAME_value(names, i));
    found = !name.empty() && std::ranges::find(allowed, name) != allowed.end();
  }
  GENERAL_NAMES_free(names);
  return found;
}

int accept_named(int verified, X509_STORE_CTX* store) {
  if (verified == 0 || X509_STORE_CTX_get_error_depth(store) != 0) return verified;
  const auto* ssl =
      static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  const auto* allowed =
      static_cast<Names*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), names_index()));
  if (allowed == nullptr || names_one_of(X509_STORE_CTX_get_current_cert(store), *allowed)) {
    return 1;
  }
  X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
  return 0;
}

int accept_unverified(int, X509_STORE_CTX* store) { return accept_named(1, store); }

void set_client_auth(SSL_CTX* ctx, const ServerTlsOptions& options) {
  if (!options.client_allowed_sans.empty()) {
    SSL_CTX_set_ex_data(ctx, names_index(), new Names(options.client_allowed_sans));
  }
  const int required = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  switch (options.client_auth) {
    case ClientAuth::kNone: return SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, nullptr);
    case ClientAuth::kRequest: return SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, accept_unverified);
    case ClientAuth::kRequireAny: return SSL_CTX_set_verify(ctx, required, accept_unverified);
    case ClientAuth::kVerifyIfGiven: return SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, accept_named);
    case ClientAuth::kRequireAndVerify: return SSL_CTX_set_verify(ctx, required, accept_named);
  }
}

/// `items` with colons between, as OpenSSL's lists have them.
std::string colon_list(const std::vector<std::string>& items,
                       const std::function<std::string(const std::string&)>& name) {
  std::string out;
  for (const std::string& item : items) {
    const std::string text = name(item);
    if (!text.empty()) out.append(out.empty() ? "" : ":").append(text);
  }
  return out;
}

Result<> set_algorithms(SSL_CTX* ctx, const ServerTlsOptions& options) {
  if (options.prefer_server_ciphers) SSL_CTX_set_options(ctx, SSL_OP_CIPHER_SERVER_PREFERENCE);
  const std::string ciphers =
      colon_list(options.cipher_suites, [](const std::string& name) -> std::string {
        const std::string_view known = OPENSSL_cipher_name(name.c_str());
        // Those of 1.3 have names of their own and another list.
        return known == "(NONE)" || known.starts_with("TLS_") ? "" : std::string(known);
      });
  if (!ciphers.empty() && SSL_CTX_set_cipher_list(ctx, ciphers.c_str()) != 1) {
    return bad_data("TLS: cipher suites " + ciphers + ": " + tls_reason());
  }
  const std::string groups = colon_list(options.curves, [](const std::string& name) {
    return name.starts_with("CurveP") ? "P-" + name.substr(6) : name;
  });
  if (!groups.empty() && SSL_CTX_set1_groups_list(ctx, groups.c_str()) != 1) {
    return bad_data("TLS: curves " + groups + ": " + tls_reason());
  }
  return {};
}

std::vector<std::string> files_of(const TlsOptions& o) {
  return {o.ca_file, o.cert_file, o.key_file};
}
std::vector<std::string> files_of(const ServerTlsOptions& o) {
  return {o.cert_file, o.key_file, o.client_ca_file};
}

}  // namespace

Result<TlsContext> make_client_context(const TlsOptions& options) {
  const TlsContext ctx =
      make_context(TLS_client_method(), options.min_version, options.max_version);
  const Pem ca = TRY(read_pem("CA", options.ca_file, options.ca_pem));
  const Pem cert = TRY(read_pem("certificate", options.cert_file, options.cert_pem));
  const Pem key = TRY(read_pem("key", options.key_file, options.key_pem));
  if (cert.text.empty() != key.text.empty()) {
    return bad_data("TLS: a client certificate and its key are set together or not at all");
  }
  if (!cert.text.empty()) {
    if (auto used = use_certificate(ctx.get(), cert, key); !used) {
      return std::unexpected(used.error());
    }
  }
  if (options.insecure_skip_verify) {
    SSL_CTX_set_verify(ctx.get(), SSL_VERIFY_NONE, nullptr);
    return ctx;
  }
  SSL_CTX_set_verify(ctx.get(), SSL_VERIFY_PEER, nullptr);
  if (ca.text.empty()) {
    trust_system(ctx.get());
  } else if (auto trusted = trust(ctx.get(), ca, false); !trusted) {
    return std::unexpected(trusted.error());
  }
  return ctx;
}

Result<TlsContext> make_server_context(const ServerTlsOptions& options) {
  const TlsContext ctx =
      make_context(TLS_server_method(), options.min_version, options.max_version);
  const Pem cert = TRY(read_pem("certificate", options.cert_file, options.cert_pem));
  const Pem key = TRY(read_pem("key", options.key_file, options.key_pem));
  if (auto used = use_certificate(ctx.get(), cert, key); !used) {
    return std::unexpected(used.error());
  }
  const Pem ca = TRY(read_pem("client CA", options.client_ca_file, options.client_ca_pem));
  if (!ca.text.empty()) {
    if (auto trusted = trust(ctx.get(), ca, true); !trusted) {
      return std::unexpected(trusted.error());
    }
  } else if (options.client_auth >= ClientAuth::kVerifyIfGiven) {
    return bad_data("TLS: client certificates cannot be verified without a client CA file");
  }
  if (auto set = set_algorithms(ctx.get(), options); !set) return std::unexpected(set.error());
  set_client_auth(ctx.get(), options);
  // A session that is resumed with a client certificate needs to know whose it is.
  static constexpr unsigned char kSessionId[] = "strata";
  SSL_CTX_set_session_id_context(ctx.get(), kSessionId, sizeof kSessionId - 1);
  return ctx;
}

bool refuses_unverified(const ssl_st* ssl) {
  const auto callback = SSL_get_verify_callback(ssl);
  return (SSL_get_verify_mode(ssl) & SSL_VERIFY_PEER) != 0 &&
         (callback == nullptr || callback == accept_named);
}

FileStamps::FileStamps(const std::vector<std::string>& paths) {
  for (const std::string& path : paths) {
    struct stat status{};
    if (path.empty() || ::stat(path.c_str(), &status) != 0) {
      stamps_.emplace_back(0, 0);
    } else {
      stamps_.emplace_back(status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec,
                           static_cast<int64_t>(status.st_ino));
    }
  }
}

Result<TlsContext> ClientTlsContexts::get(const TlsOptions& options) {
  FileStamps stamps(files_of(options));
  const auto found = entries_.find(options);
  if (found != entries_.end() && found->second.stamps == stamps) return found->second.context;
  TlsContext context = TRY(make_client_context(options));
  if (entries_.size() >= kMaxContexts) entries_.clear();
  entries_.insert_or_assign(options, Entry{std::move(stamps), context});
  return context;
}

ServerTlsContext::ServerTlsContext(ServerTlsOptions options, TlsContext context)
    : options_(std::move(options)),
      context_(std::move(context)),
      stamps_(files_of(options_)),
      looked_at_(std::chrono::steady_clock::now()) {}

Result<std::unique_ptr<ServerTlsContext>> ServerTlsContext::load(ServerTlsOptions options) {
  TlsContext context = TRY(make_server_context(options));
  return std::unique_ptr<ServerTlsContext>(
      new ServerTlsContext(std::move(options), std::move(context)));
}

const TlsContext& ServerTlsContext::current() {
  const auto now = std::chrono::steady_clock::now();
  if (now - looked_at_ < std::chrono::seconds(1)) return context_;
  looked_at_ = now;
  FileStamps stamps(files_of(options_));
  if (stamps == stamps_) return context_;
  if (auto made = make_server_context(options_)) {
    context_ = *std::move(made);
    log_info("TLS certificate read again", {{"file", options_.cert_file}});
  } else {
    log_warn("TLS certificate changed but cannot be used: the old one stays",
             {{"error", made.error().message}});
  }
  stamps_ = std::move(stamps);
  return context_;
}

}  // namespace strata::net
