#include "net/http.h"

#include <algorithm>
#include <array>

#include "net/gzip.h"

namespace strata::net {
namespace {

struct StatusName {
  int status;
  std::string_view name;
};
// RFC 9110, section 15; 428-431 and 511 from RFC 6585.
constexpr auto kStatusNames = std::to_array<StatusName>({
    {100, "Continue"},
    {101, "Switching Protocols"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {203, "Non-Authoritative Information"},
    {204, "No Content"},
    {205, "Reset Content"},
    {206, "Partial Content"},
    {300, "Multiple Choices"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {402, "Payment Required"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {407, "Proxy Authentication Required"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {426, "Upgrade Required"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {511, "Network Authentication Required"},
});

/// Whether gzip is named, or '*' is, without q=0.
bool list_allows_gzip(std::string_view accept) {
  bool star = false;
  while (!accept.empty()) {
    const size_t comma = std::min(accept.find(','), accept.size());
    std::string_view item = accept.substr(0, comma);
    accept.remove_prefix(std::min(comma + 1, accept.size()));
    const size_t semicolon = std::min(item.find(';'), item.size());
    std::string_view coding = item.substr(0, semicolon);
    while (coding.starts_with(' ') || coding.starts_with('\t')) coding.remove_prefix(1);
    while (coding.ends_with(' ') || coding.ends_with('\t')) coding.remove_suffix(1);
    const size_t q = item.find("q=", semicolon);
    const bool refused = q != std::string_view::npos &&
                         item.substr(q + 2).find_first_not_of("0. \t") == std::string_view::npos;
    if (equals_ignoring_case(coding, "gzip") || equals_ignoring_case(coding, "x-gzip")) {
      return !refused;
    }
    if (coding == "*") star = !refused;
  }
  return star;
}

bool has_form_body(const HttpRequest& request) {
  if (request.method != "POST" && request.method != "PUT" && request.method != "PATCH")
    return false;
  const std::string_view type = request.headers.value("content-type");
  std::string_view media = type.substr(0, std::min(type.find(';'), type.size()));
  while (media.ends_with(' ')) media.remove_suffix(1);
  return equals_ignoring_case(media, "application/x-www-form-urlencoded");
}

}  // namespace

HttpResponse text_response(int status, std::string body) {
  return {status, {{"Content-Type", "text/plain; charset=utf-8"}}, std::move(body)};
}

HttpResponse json_response(int status, std::string body) {
  return {status, {{"Content-Type", "application/json"}}, std::move(body)};
}

std::string_view reason_phrase(int status) {
  const auto* found = std::ranges::lower_bound(kStatusNames, status, {}, &StatusName::status);
  return found != kStatusNames.end() && found->status == status ? found->name : "";
}

Result<FormValues> form_values(const HttpRequest& request) {
  FormValues values;
  if (has_form_body(request)) {
    if (auto parsed = parse_form(request.body, values); !parsed) {
      return std::unexpected(parsed.error().within("form"));
    }
  }
  if (auto parsed = parse_form(request.query, values); !parsed) {
    return std::unexpected(parsed.error().within("query"));
  }
  return values;
}

Result<> set_target(HttpRequest& request, std::string_view target) {
  request.target = target;
  // The absolute form, as proxies send it (RFC 9112, 3.2.2).
  if (!target.starts_with('/') && target.contains("://")) {
    const size_t authority = target.find("://") + 3;
    const size_t path = target.find_first_of("/?", authority);
    target = path == std::string_view::npos ? std::string_view("/") : target.substr(path);
  }
  target = target.substr(0, target.find('#'));
  const size_t question = std::min(target.find('?'), target.size());
  request.query = target.substr(std::min(question + 1, target.size()));
  request.path = TRY(percent_decode(target.substr(0, question)));
  if (request.path.contains('\0')) return bad_data("the path has a zero byte");
  return {};
}

bool accepts_gzip(const HttpRequest& request) {
  return list_allows_gzip(request.headers.value("accept-encoding"));
}

void gzip_response(const HttpRequest& request, HttpResponse& response) {
  static constexpr size_t kWorthIt = 1024;
  if (response.body.size() <= kWorthIt || response.headers.contains("content-encoding")) return;
  if (!response.headers.has_token("vary", "accept-encoding")) {
    response.headers.add("Vary", "Accept-Encoding");
  }
  if (!accepts_gzip(request)) return;
  response.body = gzip_compress(response.body);
  response.headers.add("Content-Encoding", "gzip");
}

}  // namespace strata::net
