#include "net/tls_context.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <sys/stat.h>

#include <array>

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

int accept_any(int, X509_STORE_CTX*) { return 1; }

void set_client_auth(SSL_CTX* ctx, ClientAuth auth) {
  const int required = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  switch (auth) {
    case ClientAuth::kNone: return SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, nullptr);
    case ClientAuth::kRequest: return SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, accept_any);
    case ClientAuth::kRequireAny: return SSL_CTX_set_verify(ctx, required, accept_any);
    case ClientAuth::kVerifyIfGiven: return SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, nullptr);
    case ClientAuth::kRequireAndVerify: return SSL_CTX_set_verify(ctx, required, nullptr);
  }
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
  const Pem cert = TRY(read_pem("certificate", options.cert_file, ""));
  const Pem key = TRY(read_pem("key", options.key_file, ""));
  if (auto used = use_certificate(ctx.get(), cert, key); !used) {
    return std::unexpected(used.error());
  }
  if (!options.client_ca_file.empty()) {
    const Pem ca = TRY(read_pem("client CA", options.client_ca_file, ""));
    if (auto trusted = trust(ctx.get(), ca, true); !trusted) {
      return std::unexpected(trusted.error());
    }
  } else if (options.client_auth >= ClientAuth::kVerifyIfGiven) {
    return bad_data("TLS: client certificates cannot be verified without a client CA file");
  }
  if (!options.ciphers.empty() &&
      SSL_CTX_set_cipher_list(ctx.get(), options.ciphers.c_str()) != 1) {
    return bad_data("TLS: cipher list \"" + options.ciphers + "\": " + tls_reason());
  }
  set_client_auth(ctx.get(), options.client_auth);
  // A session that is resumed with a client certificate needs to know whose it is.
  static constexpr unsigned char kSessionId[] = "strata";
  SSL_CTX_set_session_id_context(ctx.get(), kSessionId, sizeof kSessionId - 1);
  return ctx;
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
