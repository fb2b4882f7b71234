// What is read is written as it was.
#include "backup/manifest.h"
#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto manifest = strata::backup::parse_manifest({reinterpret_cast<const char*>(data), size});
  if (!manifest) return 0;
  const auto again = strata::backup::parse_manifest(strata::backup::to_text(*manifest));
  CHECK(again && *again == *manifest);
  return 0;
}
