// Forms, and what a Content-Type says of them: any bytes are read, and what is found is in them.
#include <cstdint>
#include <cstdlib>

#include "gateway/form_body.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  const std::string_view type = all.substr(0, all.find('\n'));
  const std::string_view body = all.substr(std::min(all.size(), type.size() + 1));
  const std::string boundary = strata::gateway::form_boundary(type);
  for (const std::string_view bounds : {std::string_view(boundary), std::string_view("b")}) {
    const auto value = strata::gateway::form_field(body, bounds, "model");
    if (value && body.find(*value) == body.npos) std::abort();
  }
  return 0;
}
