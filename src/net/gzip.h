// gzip (RFC 1952) over zlib, in one piece and as a stream, with limits.
#pragma once
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace strata::net {

/// Level 1 (fast) to 9 (small).
std::string gzip_compress(std::string_view bytes, int level = 1);

/// All of `bytes`, which may be several members in a row. Error: kBadData when they are no gzip or
/// are cut short, kLimit when the text would exceed `max_bytes`.
Result<std::string> gzip_decompress(std::string_view bytes, size_t max_bytes);

/// Compresses what comes in pieces, into one member. Not thread-safe; 270 KiB of state.
class Gzip {
 public:
  explicit Gzip(int level = 1);
  ~Gzip();
  Gzip(Gzip&&) noexcept;
  Gzip& operator=(Gzip&&) noexcept;

  /// Appends to `out` what is ready of the compressed form.
  void feed(std::string_view bytes, std::string& out);
  /// Appends all of what was fed, so that the reader can have it now. Costs a few bytes.
  void flush(std::string& out);
  /// Appends the rest. The last call.
  void finish(std::string& out);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Decompresses what comes in pieces. One object serves one stream after another (reset) and keeps
/// its 40 KiB of state. Not thread-safe.
class Gunzip {
 public:
  Gunzip();
  ~Gunzip();
  Gunzip(Gunzip&&) noexcept;
  Gunzip& operator=(Gunzip&&) noexcept;

  void reset();
  /// Appends to `out`, whose size may grow up to `max_bytes`. Errors as gzip_decompress.
  Result<> feed(std::string_view bytes, std::string& out, size_t max_bytes);
  /// Whether the stream may end here: at least one member, and the last is whole.
  bool finished() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace strata::net
