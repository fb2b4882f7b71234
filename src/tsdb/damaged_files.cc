#include "tsdb/damaged_files.h"

#include <algorithm>

#include "base/log.h"

namespace strata::tsdb {

void expire_damaged(Fs& fs, const Options& options, TimestampMs now) {
  struct Kept {
    int64_t since_ms = 0;
    std::string path;
  };
  std::vector<Kept> kept;
  for (const char* part : {"", "/wal", "/tiles", "/blocks"}) {
    const std::string dir = options.path + part;
    const auto entries = fs.list(dir);
    if (!entries) continue;  // not there yet
    for (const DirEntry& entry : *entries) {
      if (entry.name.find(".damaged") == std::string::npos) continue;
      kept.push_back({entry.changed_ms, dir + "/" + entry.name});
    }
  }
  std::ranges::sort(kept, std::greater(), &Kept::since_ms);
  const int64_t oldest = now - options.keep_damaged.count();
  for (size_t i = 0; i < kept.size(); ++i) {
    if (i < options.max_damaged && kept[i].since_ms >= oldest) continue;
    if (auto removed = fs.remove_all(kept[i].path); !removed) {
      log_warn("a damaged file that was kept aside could not be removed",
               {{"file", kept[i].path}, {"error", removed.error().message}});
    } else {
      log_info("a damaged file was kept aside long enough and is removed",
               {{"file", kept[i].path}, {"since_ms", kept[i].since_ms}});
    }
  }
}

}  // namespace strata::tsdb
