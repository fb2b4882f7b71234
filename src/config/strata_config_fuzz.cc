// strata.yml: never crashes, whatever it says.
#include "config/strata_config.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static_cast<void>(strata::config::parse_strata_config(text, "strata.yml"));
  return 0;
}
