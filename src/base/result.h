// Errors as values. Every operation that can fail for a reason outside the program returns a
// Result; exceptions never cross a module of ours, and a broken invariant ends the process (CHECK).
#pragma once
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace strata {

/// What kind of failure it was: decides HTTP status, Prometheus' errorType and exit code, once.
enum class ErrorCode : uint8_t {
  kBadData,       // the input is wrong: 400 bad_data
  kNotFound,      // 404 not_found
  kConflict,      // already exists, or in use: 409
  kUnauthorized,  // 401
  kLimit,         // a limit of ours was reached: 422 execution
  kExecution,     // a query that is well formed cannot be evaluated: 422 execution
  kTimeout,       // 503 timeout
  kCanceled,      // 503 canceled
  kUnavailable,   // not ready yet, or a peer is away: 503 unavailable
  kIo,            // a file or socket failed: 500 internal
  kCorruption,    // stored bytes are not what was written: 500 internal
  kInternal,      // 500 internal
};

/// `message` starts in lower case, has no newline, and says what happened, where
/// (file:line:column for text that a person wrote) and, where that is not obvious, what to do.
struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;

  /// The same error with "context: " before its message.
  Error within(std::string_view context) const {
    return {code, std::string(context).append(": ").append(message)};
  }
};

template <class T = void>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> fail(ErrorCode code, std::string message) {
  return std::unexpected(Error{code, std::move(message)});
}
inline std::unexpected<Error> bad_data(std::string message) {
  return fail(ErrorCode::kBadData, std::move(message));
}

/// "not_found", "bad_data", …: for logs and metrics labels.
std::string_view to_string(ErrorCode code);

}  // namespace strata

// The value of a Result, or return its error from the enclosing function (CO_TRY: coroutine).
#define TRY(expression)                                       \
  ({                                                          \
    auto&& try_result_ = (expression);                        \
    if (!try_result_) [[unlikely]] {                          \
      return std::unexpected(std::move(try_result_).error()); \
    }                                                         \
    *std::move(try_result_);                                  \
  })
#define CO_TRY(expression)                                       \
  ({                                                             \
    auto&& try_result_ = (expression);                           \
    if (!try_result_) [[unlikely]] {                             \
      co_return std::unexpected(std::move(try_result_).error()); \
    }                                                            \
    *std::move(try_result_);                                     \
  })
