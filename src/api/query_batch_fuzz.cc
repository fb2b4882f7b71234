// Bodies of POST /api/v1/query_batch: what is read, or refused.
#include <cstddef>
#include <cstdint>

#include "api/query_batch.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  (void)strata::api::read_batch({reinterpret_cast<const char*>(data), size});
  return 0;
}
