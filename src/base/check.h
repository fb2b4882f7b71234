// Invariants. CHECK is always on and ends the process with file and line; DCHECK only in builds
// with assertions. Neither may be reachable by input: corrupt or hostile bytes are an Error.
#pragma once

namespace strata {
[[noreturn]] void check_failed(const char* file, int line, const char* condition);
}

#define CHECK(condition)                                      \
  do {                                                        \
    if (!(condition)) [[unlikely]] {                          \
      ::strata::check_failed(__FILE__, __LINE__, #condition); \
    }                                                         \
  } while (false)

#ifdef NDEBUG
#define DCHECK(condition) static_cast<void>(0)
#else
#define DCHECK(condition) CHECK(condition)
#endif
