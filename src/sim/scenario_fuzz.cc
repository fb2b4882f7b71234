// Any bytes are a scenario or an error that says where.
#include <cstdint>
#include <cstdlib>

#include "sim/scenario.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto scenario = strata::sim::Scenario::parse(text, "scenario.yml");
  if (!scenario && scenario.error().message.empty()) std::abort();
  return 0;
}
