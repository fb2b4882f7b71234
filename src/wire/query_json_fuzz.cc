// Whatever bytes come: an error, or a result that is the same when written and read again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "wire/query_json.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace strata::wire;
  (void)parse_query_nodes({reinterpret_cast<const char*>(data), size});
  const auto read = parse_query_response({reinterpret_cast<const char*>(data), size});
  if (!read) return 0;
  std::string once;
  append_query_response(once, *read);
  const auto again = parse_query_response(once);
  if (!again) std::abort();
  std::string twice;
  append_query_response(twice, *again);
  if (once != twice) std::abort();
  return 0;
}
