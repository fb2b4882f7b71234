// Any bytes: an error or families that hold together, never a crash.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "collect/textfile.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto families =
      strata::collect::parse_textfile({reinterpret_cast<const char*>(data), size});
  if (!families) {
    CHECK(families.error().message.starts_with("line "));
    return 0;
  }
  for (const auto& family : *families) CHECK(strata::is_classic_metric_name(family.name));
  return 0;
}
