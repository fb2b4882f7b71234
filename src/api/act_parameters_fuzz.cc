// Bodies of what people and their programs post: read, or refused.
#include <cstddef>
#include <cstdint>

#include "api/act_parameters.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace strata;
  net::HttpRequest request;
  request.method = "POST";
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  request.body = text;
  request.headers.set("Content-Type", text.starts_with('{') ? "application/json"
                                                            : "application/x-www-form-urlencoded");
  if (size % 3 == 0) request.headers.set("Authorization", std::string(text.substr(0, 100)));
  const auto call = api::Call::make(request, {});
  if (!call) return 0;
  const auto parameters = api::ActParameters::read(*call);
  if (!parameters) return 0;
  (void)parameters->actor();
  (void)parameters->time("end");
  (void)parameters->get("text");
  return 0;
}
