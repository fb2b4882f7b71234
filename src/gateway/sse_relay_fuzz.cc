// Whatever stream comes, wherever it is cut: nothing is lost when nothing is stripped, and what is
// stripped and counted does not depend on the cut.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "gateway/sse_relay.h"

namespace strata::gateway {
namespace {

struct Relayed {
  std::string out;
  uint64_t events = 0;
  uint64_t output = 0;
  bool done = false;
};

Relayed relayed(std::string_view bytes, size_t cut, SseRelay::Options options) {
  SseRelay relay(options);
  Relayed result;
  result.out += relay.feed(bytes.substr(0, cut));
  result.out += relay.feed(bytes.substr(cut));
  result.out += relay.finish();
  result.events = relay.content_events();
  result.output = relay.usage().output;
  result.done = relay.done();
  return result;
}

}  // namespace
}  // namespace strata::gateway

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace strata::gateway;
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  const size_t cut = bytes.empty() ? 0 : data[0] % bytes.size();
  constexpr SseRelay::Options kStrip{
      .strip_frame = true, .strip_members = true, .strip_null_usage = true};
  const Relayed plain = relayed(bytes, cut, {});
  CHECK(plain.out == bytes);
  const Relayed whole = relayed(bytes, bytes.size(), kStrip);
  const Relayed in_two = relayed(bytes, cut, kStrip);
  CHECK(whole.out == in_two.out);
  CHECK(whole.events == in_two.events && whole.output == in_two.output);
  CHECK(whole.done == in_two.done && plain.events == whole.events);
  return 0;
}
