// Whatever body comes, wherever it is cut: the same members are found at the same places, and what
// is found stands there. Of objects that are whole, the cursor that reads them at once finds the
// same.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "gateway/json_cursor.h"
#include "gateway/ledger.h"
#include "gateway/usage.h"
#include "gateway/usage_request.h"

namespace strata::gateway {
namespace {

void check_value(const FoundMember& found, std::string_view bytes) {
  if (!found.there() || found.end == 0) return;
  CHECK(found.begin <= found.end && found.end <= bytes.size());
}

}  // namespace
}  // namespace strata::gateway

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace strata::gateway;
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  const size_t cut = bytes.empty() ? 0 : data[0] % bytes.size();
  BodyScanner whole(kPrompt);
  BodyScanner in_two(kPrompt);
  whole.feed(bytes);
  in_two.feed(bytes.substr(0, cut));
  in_two.feed(bytes.substr(cut));
  CHECK(whole.whole() == in_two.whole() && whole.inside() == in_two.inside());
  for (size_t i = 0; i < kPromptMembers; ++i) {
    CHECK(whole[i].times == in_two[i].times && whole[i].value == in_two[i].value);
    CHECK(whole[i].begin == in_two[i].begin && whole[i].end == in_two[i].end);
    check_value(whole[i], bytes);
  }
  if (whole.whole()) (void)request_usage(whole, true);
  (void)read_event(bytes);
  Usage usage;
  read_usage(bytes, false, usage);
  (void)json_string(bytes);
  (void)read_ledger_file(bytes, [](const RequestRecord&) {});
  return 0;
}
