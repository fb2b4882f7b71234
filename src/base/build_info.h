// Which build this is.
#pragma once
#include <string_view>

namespace strata {

struct BuildInfo {
  std::string_view version;   // SemVer, as in CMakeLists.txt
  std::string_view revision;  // git commit at configure time, or "unknown"
  std::string_view branch;
  std::string_view compiler;
  std::string_view platform;  // "linux/amd64"
};

const BuildInfo& build_info();

}  // namespace strata
