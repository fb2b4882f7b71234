// TLS contexts (certificates, keys, versions) made from options, and made anew when their files
// change. OpenSSL stays behind this and tls_stream.cc.
//
// ClientTlsContexts and ServerTlsContext are each used on one loop's thread. Bounds: a
// ClientTlsContexts keeps kMaxContexts, and forgets all of them when more are asked for.
#pragma once
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "net/tls.h"

struct ssl_ctx_st;  // OpenSSL's SSL_CTX
struct ssl_st;      // and SSL

namespace strata::net {

using TlsContext = std::shared_ptr<ssl_ctx_st>;

/// Error: kBadData, naming the file.
Result<TlsContext> make_client_context(const TlsOptions& options);
Result<TlsContext> make_server_context(const ServerTlsOptions& options);

/// Whether a peer whose certificate cannot be verified is refused: only then does a certificate say
/// who the peer is.
bool refuses_unverified(const ssl_st* ssl);

/// When a set of files last changed, as far as the file system tells.
class FileStamps {
 public:
  explicit FileStamps(const std::vector<std::string>& paths);  // empty paths are skipped
  bool operator==(const FileStamps&) const = default;

 private:
  std::vector<std::pair<int64_t, int64_t>> stamps_;  // modification time in ns, inode
};

class ClientTlsContexts {
 public:
  Result<TlsContext> get(const TlsOptions& options);

 private:
  static constexpr size_t kMaxContexts = 256;
  struct Entry {
    FileStamps stamps;
    TlsContext context;
  };
  std::map<TlsOptions, Entry> entries_;
};

class ServerTlsContext {
 public:
  static Result<std::unique_ptr<ServerTlsContext>> load(ServerTlsOptions options);
  /// Looks at the files at most once a second. Files that cannot be used are logged, and the
  /// context that there was stays.
  const TlsContext& current();

 private:
  ServerTlsContext(ServerTlsOptions options, TlsContext context);

  const ServerTlsOptions options_;
  TlsContext context_;
  FileStamps stamps_;
  std::chrono::steady_clock::time_point looked_at_;
};

}  // namespace strata::net
