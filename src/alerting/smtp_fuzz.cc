// A mail server's lines, whatever they are, neither crash nor hold up the dialogue.
#include <cstddef>
#include <cstdint>

#include "alerting/smtp.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace strata::alerting;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  SmtpDialogue dialogue({.host = "localhost",
                         .hello = "h",
                         .require_tls = size % 2 == 0,
                         .login = {.user = "u", .password = "p", .secret = "s", .identity = ""}},
                        {.from = "a@x", .to = {"b@x"}, .data = "x"});
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    if (dialogue.line(text.substr(0, end)).ends) break;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  (void)parse_addresses(std::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
