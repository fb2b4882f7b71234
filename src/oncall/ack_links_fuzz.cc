// What comes to /ack/TOKEN from outside: a token, and the form of a key press with its signature.
// Neither may do more than be refused: the token that is right is not among what a fuzzer finds.
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "oncall/ack_links.h"
#include "oncall/key_press.h"
#include "oncall/mock_phone.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace strata;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static const oncall::AckLinks links(std::string(32, 'k'));
  CHECK(!links.page_of(text, 0));
  const size_t half = size / 2;
  net::FormValues form;
  if (net::parse_form(text.substr(0, half), form)) {
    (void)oncall::signed_by_twilio("token", text.substr(half), form, text);
  }
  net::HttpRequest request;
  request.method = "POST";
  request.path = "/" + std::string(text.substr(0, size % 32));
  request.headers.set("Content-Type", "application/x-www-form-urlencoded");
  request.body = text;
  (void)oncall::read_mock_call(request);
  return 0;
}
