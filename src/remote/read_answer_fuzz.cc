// Answers to remote read, in both forms: whatever is accepted has as many values as times.
#include "base/check.h"
#include "remote/remote_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace strata;
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  for (const auto form :
       {wire::kChunkedReadContentType, std::string_view("application/x-protobuf")}) {
    const auto series = remote::read_answer(form, body);
    if (!series) continue;
    for (const auto& one : *series) {
      CHECK(one.samples.v.size() == one.samples.t.size());
      CHECK(one.samples.h.empty() || one.samples.h.size() == one.samples.t.size());
    }
  }
  return 0;
}
