// What a request and a response are: plain values that server, client and handlers pass on.
#pragma once
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/headers.h"
#include "net/url.h"

namespace strata::net {

struct HttpRequest {
  std::string method = {};  // as sent: "GET"
  std::string target = {};  // as sent: "/api/v1/query?query=up"
  std::string path = {};    // percent-decoded, without the query: "/api/v1/query"
  std::string query = {};   // as sent, after the '?': "query=up"
  int version = 11;         // 10 or 11
  Headers headers = {};
  std::string body = {};            // chunks joined; content-encoding left as it is
  std::string remote_address = {};  // "10.0.0.7:51234"
  bool tls = false;
  std::string tls_client_name = {};  // common name of a client certificate that was verified
};

struct HttpResponse {
  int status = 200;
  /// Content-Length, Connection, Date and Server are the server's to add.
  Headers headers = {};
  std::string body = {};
};

HttpResponse text_response(int status, std::string body);  // text/plain; charset=utf-8
HttpResponse json_response(int status, std::string body);  // application/json

/// "Not Found" for 404; "" for a status that has no name in RFC 9110.
std::string_view reason_phrase(int status);

/// The query's values and, for POST, PUT and PATCH with an application/x-www-form-urlencoded body,
/// the body's before them: the order of Go's Request.Form, which Prometheus' API is written
/// against. Error: kBadData, kLimit.
Result<FormValues> form_values(const HttpRequest& request);

/// Splits `target` into path (decoded) and query. Error: kBadData.
Result<> set_target(HttpRequest& request, std::string_view target);

/// Whether the request's Accept-Encoding allows gzip (RFC 9110, 12.5.3).
bool accepts_gzip(const HttpRequest& request);

/// Replaces the response's body by its gzip form (level 1) when the request accepts that, the body
/// is larger than 1 KiB and no Content-Encoding is set; adds Vary in either case. For handlers to
/// call where they run, on the work pool: the loop never compresses.
void gzip_response(const HttpRequest& request, HttpResponse& response);

}  // namespace strata::net
