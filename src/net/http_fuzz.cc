// Whatever bytes come: a request parses the same in one piece and in two, and what it gives is read
// by the URL, form and header functions; a response is read whole and cut.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "net/http_parser.h"

namespace strata::net {
namespace {

struct Parsed {
  HttpRequest request;
  size_t used = 0;
  int rejected = 0;
  bool done = false;
};

void parse(std::string_view bytes, size_t cut, Parsed& out) {
  RequestParser parser(out.request, {.header_bytes = 4096, .body_bytes = 4096});
  for (const size_t end : {cut, bytes.size()}) {
    if (parser.rejected() || parser.done()) break;
    if (end == out.used) continue;
    out.used += parser.feed(bytes.substr(out.used, end - out.used));
    CHECK(out.used <= end);
  }
  out.done = parser.done() && !parser.rejected();
  if (parser.rejected()) out.rejected = parser.rejected()->status;
}

void parse_response(std::string_view bytes, size_t cut) {
  Gunzip gunzip;
  ClientResponse response;
  ResponseParser parser(response, {.header_bytes = 4096, .body_bytes = 4096, .gunzip = &gunzip});
  size_t used = 0;
  for (const size_t end : {cut, bytes.size()}) {
    if (parser.done() || end == used) continue;
    const auto fed = parser.feed(bytes.substr(used, end - used));
    if (!fed) return;
    used += *fed;
  }
  if (!parser.done()) (void)parser.finish();
  CHECK(response.body.size() <= 4096);
}

}  // namespace
}  // namespace strata::net

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace strata::net;
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  const size_t cut = bytes.empty() ? 0 : data[0] % bytes.size();
  Parsed whole;
  Parsed cut_in_two;
  parse(bytes, bytes.size(), whole);
  parse(bytes, cut, cut_in_two);
  if (whole.done || cut_in_two.done) {
    CHECK(whole.done == cut_in_two.done && whole.used == cut_in_two.used);
    CHECK(whole.request.body == cut_in_two.request.body);
    CHECK(whole.request.path == cut_in_two.request.path);
    CHECK(whole.request.headers.size() == cut_in_two.request.headers.size());
    (void)form_values(whole.request);
  }
  parse_response(bytes, cut);
  (void)parse_host_port(bytes);
  if (const auto url = parse_url(bytes)) {
    const auto again = parse_url(url->to_string());
    CHECK(again && again->target == url->target && again->port == url->port);
    (void)resolve_url(*url, bytes.substr(cut));
  }
  FormValues values;
  if (parse_form(bytes, values)) {
    FormValues again;
    CHECK(parse_form(values.encode(), again) && again.size() == values.size());
  }
  return 0;
}
