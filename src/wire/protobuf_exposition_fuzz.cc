// Whatever protobuf is accepted gives text that the exposition parser accepts.
#include "base/check.h"
#include "wire/protobuf_exposition.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace strata::wire;
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  ProtobufExposition out;
  const ProtobufOptions all{.classic_beside_native = true, .created_series = true};
  if (!read_protobuf_exposition(body, all, out)) return 0;
  ExpositionParser parser(out.text, ExpositionFormat::kOpenMetrics);
  while (true) {
    const auto entry = parser.next();
    CHECK(entry);
    if (*entry == Entry::kEnd) break;
  }
  return 0;
}
