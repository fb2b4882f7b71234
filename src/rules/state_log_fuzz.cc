// A state file may be anything: what is sound in it is read.
#include <cstdint>

#include "base/temp_dir.h"
#include "rules/state_log.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace strata;
  static const TempDir dir;
  static const ManualClock clock;
  const std::string path = dir.file("alerts");
  {
    auto file = real_fs().create(path);
    std::string bytes = "strata alerts 1\n";
    bytes.append(reinterpret_cast<const char*>(data), size);
    if (!file || !(*file)->append(bytes)) return 0;
  }
  const auto log = rules::StateLog::open(dir.file(""), real_fs(), clock);
  if (log) static_cast<void>((*log)->alerts("rule"));
  return 0;
}
