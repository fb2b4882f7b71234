// statfs(2) with a deadline. A mount whose server is gone (NFS, FUSE) makes statfs sleep where no
// signal reaches, so each round runs on a thread of its own, and one that does not come back in
// time is left behind with what it was asking.
//
// Owned by the filesystem collector; one caller at a time. A mount that hangs is answered with an
// error, without asking, until the thread that hangs in it returns; at most kMaxStuck threads hang,
// beyond that nothing is asked at all.
#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/mutex.h"

namespace strata::collect {

/// What statfs says of one mount: sizes in bytes, files in inodes. `error` is empty or errno's
/// text.
struct MountStats {
  double size = 0, free = 0, available = 0;
  double files = 0, files_free = 0;
  std::string error;
};

MountStats ask_statfs(const std::string& path);

class MountProbe {
 public:
  static constexpr size_t kMaxStuck = 32;
  static constexpr const char* kTimeout = "mountpoint timeout";  // node_exporter's word for it
  using Ask = std::function<MountStats(const std::string& path)>;

  /// One round takes at most `deadline`.
  explicit MountProbe(std::chrono::milliseconds deadline, Ask ask = ask_statfs);

  /// One answer a path, in order.
  std::vector<MountStats> round(const std::vector<std::string>& paths);
  /// How many threads hang now.
  size_t stuck() const { return stuck_.size(); }

 private:
  struct Round;
  struct Stuck {
    std::string path;
    std::shared_ptr<Round> round;
  };
  bool is_stuck(const std::string& path) const;
  void forget_recovered();

  const std::chrono::milliseconds deadline_;
  const Ask ask_;
  std::vector<Stuck> stuck_;
};

}  // namespace strata::collect
