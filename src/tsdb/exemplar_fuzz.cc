// A file of exemplars whose frames agree with their checksums and say anything: it may be refused,
// and what is taken is in order and within its bounds.
#include <cstdint>
#include <string>

#include "base/check.h"
#include "base/temp_dir.h"
#include "tsdb/exemplar_store.h"
#include "tsdb/frame.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace strata;
  static const TempDir dir;
  constexpr size_t kMax = 16;
  std::string frame;
  tsdb::begin_frame(frame);
  frame.append(reinterpret_cast<const char*>(data), size);
  tsdb::end_frame(frame, 0, 0);
  CHECK(real_fs().create_directories(dir.path()).has_value());
  CHECK((*real_fs().create(dir.file("00000001")))->append(frame).has_value());
  const auto store = tsdb::ExemplarStore::open(real_fs(), dir.path(), kMax).value();
  const std::vector<std::vector<Matcher>> all = {{}};
  size_t found = 0;
  for (const auto& series : store->select(all, {})) {
    for (size_t i = 0; i < series.exemplars.size(); ++i, ++found) {
      CHECK(i == 0 || series.exemplars[i - 1].t <= series.exemplars[i].t);
    }
  }
  CHECK(found <= kMax && found == store->stats().stored);
  return 0;
}
