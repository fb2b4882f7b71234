// A rule file may be anything: it is read, or refused with its place.
#include <cstdint>

#include "rules/rule_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static_cast<void>(
      strata::rules::parse_rule_file({reinterpret_cast<const char*>(data), size}, "fuzz.yml"));
  return 0;
}
