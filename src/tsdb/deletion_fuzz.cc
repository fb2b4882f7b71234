// The file of deletions, from bytes: what is decoded encodes to something that decodes to the same.
#include "base/check.h"
#include "tsdb/deletion_log.h"

using namespace strata::tsdb;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto deletion = decode_deletion(bytes);
  if (!deletion) return 0;
  const std::string encoded = encode_deletion(*deletion);
  const auto again = decode_deletion(encoded);
  CHECK(again && encode_deletion(*again) == encoded);
  return 0;
}
