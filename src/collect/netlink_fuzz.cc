#include <cstddef>
#include <cstdint>
#include <string_view>

#include "collect/netlink.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::vector<strata::collect::LinkStats> links;
  bool done = false;
  (void)strata::collect::parse_links({reinterpret_cast<const char*>(data), size}, links, done);
  return 0;
}
