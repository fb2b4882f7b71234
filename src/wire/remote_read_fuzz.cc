// Requests of remote read from outside: whatever is accepted has matchers that can be used.
#include "base/check.h"
#include "wire/remote_read.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace strata;
  const auto request = wire::read_remote_read_request({reinterpret_cast<const char*>(data), size});
  if (!request) return 0;
  const Labels labels{{"__name__", "m"}, {"job", "a"}};
  for (const auto& query : request->queries) {
    for (const auto& matcher : query.matchers) (void)matcher.matches(labels);
  }
  return 0;
}
