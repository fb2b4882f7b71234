// How much memory this process may use.
#pragma once
#include <cstdint>
#include <string>

#include "base/fs.h"

namespace strata::app {

/// The machine's memory, or the smallest limit of the control groups that the process is in (v2,
/// or v1's memory controller), in bytes. 0 when neither can be read.
uint64_t memory_limit(Fs& fs, const std::string& proc = "/proc",
                      const std::string& groups = "/sys/fs/cgroup");

}  // namespace strata::app
