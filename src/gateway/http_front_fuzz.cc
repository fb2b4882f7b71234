// Whatever bytes come: a head parses or is refused, what it says fits what it holds, and a body's
// chunks come out the same in one piece and in two.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "gateway/chunked.h"
#include "gateway/http_head.h"

namespace strata::gateway {
namespace {

std::string decoded(std::string body, size_t cut, bool& failed) {
  ChunkedDecoder decoder;
  std::string out;
  size_t used = 0;
  for (const size_t end : {cut, body.size()}) {
    const auto got = decoder.decode(std::span(body.data() + used, end - used));
    CHECK(got.payload <= got.used && got.used <= end - used);
    out.append(body, used, got.payload);
    used += got.used;
    if (decoder.done()) break;
  }
  failed = decoder.failed();
  return out;
}

void check_request(std::string_view text) {
  RequestHead head;
  if (parse_request_head(text, head)) return;
  CHECK(!head.method.empty() && !head.target.empty());
  size_t lengths = 0;
  size_t codings = 0;
  for (const HeadField& field : head.fields) {
    CHECK(field.name.data() >= text.data() && field.value.size() <= text.size());
    lengths += head.value("content-length").data() == field.value.data() ? 1 : 0;
    codings += head.value("transfer-encoding").data() == field.value.data() ? 1 : 0;
    (void)is_hop_by_hop(head, field.name);
  }
  CHECK(lengths == 0 || codings == 0);
}

}  // namespace
}  // namespace strata::gateway

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace strata::gateway;
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  const size_t cut = bytes.empty() ? 0 : data[0] % bytes.size();
  const size_t head = head_size(bytes);
  CHECK(head == 0 || head_size(bytes.substr(0, head), cut < head ? cut : 0) == head);
  if (head > 0) {
    check_request(bytes.substr(0, head));
    ResponseHead response;
    (void)parse_response_head(bytes.substr(0, head), (cut & 1) != 0, response);
  }
  bool failed = false;
  bool failed_in_two = false;
  const std::string whole = decoded(std::string(bytes), bytes.size(), failed);
  const std::string in_two = decoded(std::string(bytes), cut, failed_in_two);
  CHECK(failed == failed_in_two && whole == in_two);
  return 0;
}
