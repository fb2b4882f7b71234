// Bodies of POST /api/annotations: what is read, or refused.
#include <cstddef>
#include <cstdint>

#include "dashboards/annotations.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  (void)strata::dashboards::read_annotation({reinterpret_cast<const char*>(data), size});
  return 0;
}
