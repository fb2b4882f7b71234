// Talks to peers as one HTTP client section of the configuration says: TLS, proxy, redirects,
// headers and credentials. The one place where config::HttpClientConfig becomes requests; shared by
// scraping and by discovery over HTTP.
//
// Files of credentials are read for each request, so that rotated ones count at once. Thread-safe.
#pragma once
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/fs.h"
#include "config/http_client_config.h"
#include "discover/oauth2.h"
#include "net/http_client.h"

namespace strata::discover {

class PeerClient {
 public:
  /// `fetch`, `fs` and `clock` outlive this.
  PeerClient(HttpFetch fetch, config::HttpClientConfig config, Fs& fs = real_fs(),
             const Clock& clock = real_clock());

  /// Fills in what is the same for every request: TLS, proxy, redirects.
  void prepare(net::ClientRequest& request) const;
  /// Adds headers and credentials to a prepared request, and sends it. Getting a token counts
  /// towards its timeout. `done` is called once, perhaps at once. Errors: HttpClient's, and those
  /// of credentials that cannot be had (kIo, kUnauthorized).
  void fetch(net::ClientRequest request, net::HttpClient::Callback done) const;

 private:
  Result<> add_headers(net::Headers& headers) const;
  void fetch_with_token(net::ClientRequest request, net::HttpClient::Callback done) const;

  const HttpFetch fetch_;
  const config::HttpClientConfig config_;
  Fs& fs_;
  const Clock& clock_;
  std::shared_ptr<OAuth2Tokens> tokens_;  // null without oauth2
};

/// What stands in a credential's file, without blanks and newlines around it. Error: kNotFound,
/// kIo.
Result<std::string> read_credential(Fs& fs, const std::string& path);

/// TLS and proxy of a request.
net::TlsOptions tls_options(const config::TlsConfig& config);
void set_proxy(const config::ProxyConfig& config, net::ClientRequest& request);

}  // namespace strata::discover
