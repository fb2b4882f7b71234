// Health, reload, /metrics, and the web page.
#include "api/api.h"
#include "api/handlers.h"
#include "metrics/own_metrics.h"
#include "net/gzip.h"
#include "rules/shipped.h"
#include "ui/assets.h"

namespace strata::api {

Result<Reply> healthy(const Services&, Call&) {
  return net::text_response(200, "Strata is healthy.\n");
}

Result<Reply> ready(const Services& services, Call&) {
  if (services.ready()) return net::text_response(200, "Strata is ready.\n");
  return net::text_response(503, "Strata is starting.\n");
}

Result<Reply> reload(const Services& services, Call&) {
  auto reloaded = services.reload();
  if (reloaded) return net::text_response(200, "");
  return net::text_response(
      500, "failed to reload the configuration: " + reloaded.error().message + "\n");
}

Result<Reply> metrics_page(const Services& services, Call& call) {
  const auto format = metrics::negotiate_format(call.request().headers.value("Accept"));
  net::HttpResponse response;
  response.headers.set("Content-Type", format == metrics::Format::kText
                                           ? "text/plain; version=0.0.4; charset=utf-8"
                                           : "application/openmetrics-text; version=1.0.0; "
                                             "charset=utf-8");
  services.own_exposition(response.body, format);
  return response;
}

Result<Reply> runbook_page(const Services&, Call& call) {
  if (const auto page = rules::runbook(call.path_parameter)) {
    return net::text_response(200, std::string(*page));
  }
  return error_response(404, "not_found", "there is no runbook on " + call.path_parameter);
}

Result<Reply> not_here_yet(const Services&, Call& call) {
  return error_response(501, "unavailable",
                        call.request().path + " is not part of this version of Strata yet");
}

constexpr size_t kMaxAssetBytes = size_t{16} << 20;

std::unique_ptr<net::HttpResponse> asset(const net::HttpRequest& request) {
  const ui::Asset* found = ui::find_asset(request.path);
  if (found == nullptr) found = ui::find_page(request.path);
  if (found == nullptr) return nullptr;
  auto response = std::make_unique<net::HttpResponse>();
  response->headers.set("Content-Type", found->content_type);
  response->headers.set("ETag", found->etag);
  response->headers.set("Cache-Control",
                        found->immutable ? "public, max-age=31536000, immutable" : "no-cache");
  response->headers.set("Content-Security-Policy", ui::kContentSecurityPolicy);
  response->headers.set("X-Content-Type-Options", "nosniff");
  response->headers.set("Vary", "Accept-Encoding");
  if (request.headers.has_token("If-None-Match", found->etag)) {
    response->status = 304;
    return response;
  }
  if (request.headers.has_token("Accept-Encoding", "gzip")) {
    response->headers.set("Content-Encoding", "gzip");
    response->body.assign(found->gzipped_bytes);
    return response;
  }
  // Every browser takes gzip; this is for curl.
  auto plain = net::gzip_decompress(found->gzipped_bytes, kMaxAssetBytes);
  if (!plain) return std::make_unique<net::HttpResponse>(error_response(plain.error()));
  response->body = std::move(*plain);
  return response;
}

}  // namespace strata::api
