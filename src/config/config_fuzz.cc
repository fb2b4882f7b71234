// No input may crash the parser; what it accepts prints as YAML that it accepts again.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "config/load.h"
#include "config/web_config.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace strata::config;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Environment none = [](std::string_view) { return std::optional<std::string>(); };
  (void)parse_web_config(text, "web.yml");
  const auto parsed = parse_config(text, "/etc/fuzz.yml", none);
  if (!parsed) return 0;
  const std::string printed = to_yaml(parsed->config);
  if (!parse_config(printed, "/etc/fuzz.yml", none)) __builtin_trap();
  return 0;
}
