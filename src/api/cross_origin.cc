#include "api/cross_origin.h"

namespace strata::api {

void allow_origin(const Regex& allowed, const net::HttpRequest& request, net::Headers& headers) {
  headers.add("Vary", "Origin");
  const auto origin = request.headers.value("Origin");
  if (origin.empty()) return;
  headers.set("Access-Control-Allow-Headers", "Accept, Authorization, Content-Type, Origin");
  headers.set("Access-Control-Allow-Methods", "GET, POST, OPTIONS");
  headers.set("Access-Control-Expose-Headers", "Date");
  if (allowed.pattern() == ".*") {
    headers.set("Access-Control-Allow-Origin", "*");
  } else if (allowed.full_match(origin)) {
    headers.set("Access-Control-Allow-Origin", origin);
  }
}

bool is_cross_site(const net::HttpRequest& request) {
  const auto site = request.headers.value("Sec-Fetch-Site");
  return site == "cross-site" || site == "same-site";
}

}  // namespace strata::api
