// Bodies of POST /api/dashboards/db: what is read, or refused.
#include <cstddef>
#include <cstdint>

#include "dashboards/store.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto save = strata::dashboards::read_save(text)) {
    (void)strata::dashboards::read_head(save->json);
  }
  (void)strata::dashboards::read_head(text);
  return 0;
}
