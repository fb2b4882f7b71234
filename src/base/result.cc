#include "base/result.h"

namespace strata {

std::string_view to_string(ErrorCode code) {
  switch (code) {
    case ErrorCode::kBadData: return "bad_data";
    case ErrorCode::kNotFound: return "not_found";
    case ErrorCode::kConflict: return "conflict";
    case ErrorCode::kUnauthorized: return "unauthorized";
    case ErrorCode::kLimit: return "limit";
    case ErrorCode::kExecution: return "execution";
    case ErrorCode::kTimeout: return "timeout";
    case ErrorCode::kCanceled: return "canceled";
    case ErrorCode::kUnavailable: return "unavailable";
    case ErrorCode::kIo: return "io";
    case ErrorCode::kCorruption: return "corruption";
    case ErrorCode::kInternal: return "internal";
  }
  return "internal";
}

}  // namespace strata
