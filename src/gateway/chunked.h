// The chunked transfer coding (RFC 9112, 7.1), undone in place: the payload of what was read moves
// together at the front of the buffer, so that it goes on in one piece however finely it came cut.
//
// One object reads one body. Not thread-safe. Bounds: kMaxLine bytes of a size line, kMaxTrailer of
// trailers, which are dropped.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

namespace strata::gateway {

class ChunkedDecoder {
 public:
  static constexpr size_t kMaxLine = 4096;
  static constexpr size_t kMaxTrailer = size_t{16} << 10;

  struct Decoded {
    size_t payload = 0;  // bytes, now at the front
    size_t used = 0;     // bytes read; fewer than there were when the body ended in them
  };
  /// All of `bytes` that belong to the body.
  Decoded decode(std::span<char> bytes);

  bool done() const { return state_ == State::kDone; }
  /// The bytes are no chunks: the connection cannot go on.
  bool failed() const { return state_ == State::kFailed; }

 private:
  enum class State : uint8_t {
    kSize,       // digits of a chunk's size
    kExtension,  // up to the line's end
    kSizeLf,
    kData,
    kDataCr,
    kDataLf,
    kTrailer,    // at the start of a line
    kInTrailer,  // in a line
    kTrailerLf,  // its LF
    kLastLf,
    kDone,
    kFailed,
  };
  State after(char c);
  State size_digit(char c);

  State state_ = State::kSize;
  uint64_t left_ = 0;  // of the chunk
  size_t line_ = 0;    // bytes of the size line, or of the trailers
  bool any_digit_ = false;
};

}  // namespace strata::gateway
