// Reads DNS messages and resolv.conf from arbitrary bytes.
#include "base/check.h"
#include "net/dns_message.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto message = strata::net::parse_dns_message(bytes);
  if (message) CHECK(message->answers.size() <= size / 11);  // the shortest record's size
  const auto settings = strata::net::parse_resolv_conf(bytes);
  CHECK(!strata::net::dns_candidates(settings, "a").empty());
  return 0;
}
