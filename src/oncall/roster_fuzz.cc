// The section `oncall` of strata.yml may be anything: it is refused with its place, or every moment
// of the next weeks has an answer to who is on call.
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "config/strata_config.h"
#include "oncall/roster.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace strata;
  constexpr TimestampMs kNow = 1'767'603'600'000;
  constexpr TimestampMs kWeek = 7 * 86'400'000LL;
  const auto config = config::parse_strata_config(
      std::string_view(reinterpret_cast<const char*>(data), size), "fuzz.yml");
  if (!config) return 0;
  const auto roster = oncall::Roster::make(
      config->oncall, [](const std::string&) { return true; }, real_fs(), kNow);
  if (!roster) return 0;
  for (const auto& schedule : (*roster)->schedules()) {
    TimestampMs at = kNow;
    for (const auto& slot : schedule.slots(kNow, kNow + kWeek, {})) {
      CHECK(slot.since == at && slot.until > slot.since && !slot.person.empty());
      at = slot.until;
    }
    CHECK(at == kNow + kWeek);
  }
  CHECK((*roster)->calendar().next_digest(kNow) > kNow);
  return 0;
}
