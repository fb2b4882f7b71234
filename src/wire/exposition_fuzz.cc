// The fast parser must read any bytes as the plain one does, in both formats.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "wire/openmetrics_validator.h"
#include "wire/reference_parser.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace strata::wire;
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  for (const auto format : {ExpositionFormat::kText, ExpositionFormat::kOpenMetrics}) {
    auto slow = reference::parse(body, format);
    reference::forgive_exemplars(slow);
    const auto fast = reference::parse_fast(body, format);
    if (fast.ok != slow.ok || fast.entries != slow.entries) std::abort();
    std::vector<std::string> hints;
    for (const auto& entry : slow.entries) {
      if (entry.kind == Entry::kSample) hints.push_back(entry.series);
    }
    if (reference::parse_fast(body, format, hints).entries != fast.entries) std::abort();
  }
  static_cast<void>(validate_open_metrics(body));
  return 0;
}
