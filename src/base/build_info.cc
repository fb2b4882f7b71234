#include "base/build_info.h"

// CMakeLists.txt defines these for this file alone, so that a commit rebuilds one object.
#ifndef STRATA_VERSION
#error "STRATA_VERSION is not defined"
#endif

namespace strata {

const BuildInfo& build_info() {
#if defined(__x86_64__)
  static constexpr std::string_view kPlatform = "linux/amd64";
#elif defined(__aarch64__)
  static constexpr std::string_view kPlatform = "linux/arm64";
#else
  static constexpr std::string_view kPlatform = "linux/unknown";
#endif
  static constexpr BuildInfo kInfo{STRATA_VERSION, STRATA_REVISION, STRATA_BRANCH,
                                   "clang " __clang_version__, kPlatform};
  return kInfo;
}

}  // namespace strata
