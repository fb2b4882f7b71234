// The Accept header of a scrape: whatever bytes a client sends, a format comes out.
#include <cstdint>
#include <string_view>

#include "metrics/own_metrics.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view accept(reinterpret_cast<const char*>(data), size);
  (void)strata::metrics::negotiate_format(accept);
  return 0;
}
