// Files of /proc that topology reads, and field lists.
#include <cstddef>
#include <cstdint>

#include "collect/dcgm_fields.h"
#include "collect/topology.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::map<uint64_t, uint16_t> ports;
  strata::collect::parse_listening(text, ports);
  static_cast<void>(strata::collect::container_id(text));
  static_cast<void>(strata::collect::first_address(text));
  static_cast<void>(strata::collect::parse_dcgm_fields(text, "f.csv"));
  return 0;
}
