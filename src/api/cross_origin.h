// Requests that pages of other sites make: which of them may read answers (CORS), and which may
// change something (none).
#pragma once
#include "base/regex.h"
#include "net/http.h"

namespace strata::api {

/// Adds the headers that Prometheus answers a request with an Origin with
/// (util/httputil/cors.go); `allowed` is --web.cors.origin.
void allow_origin(const Regex& allowed, const net::HttpRequest& request, net::Headers& headers);

/// Whether a browser says that a page of another site made this request (Fetch Metadata's
/// Sec-Fetch-Site). Such a page may read what CORS lets it; it may not stop the server.
bool is_cross_site(const net::HttpRequest& request);

}  // namespace strata::api
