#include <cstddef>
#include <cstdint>
#include <string_view>

#include "config/yaml.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace strata::config;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto tree = parse_yaml(text, "fuzz.yml", {.max_nodes = 20'000});
  if (!tree && tree.error().message.empty()) __builtin_trap();
  return 0;
}
