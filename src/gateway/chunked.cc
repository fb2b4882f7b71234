#include "gateway/chunked.h"

#include <algorithm>
#include <cstring>

namespace strata::gateway {

ChunkedDecoder::Decoded ChunkedDecoder::decode(std::span<char> bytes) {
  Decoded decoded;
  while (decoded.used < bytes.size() && !done() && !failed()) {
    if (state_ != State::kData) {
      state_ = after(bytes[decoded.used++]);
      continue;
    }
    const auto size = static_cast<size_t>(std::min<uint64_t>(left_, bytes.size() - decoded.used));
    if (decoded.payload != decoded.used) {
      std::memmove(bytes.data() + decoded.payload, bytes.data() + decoded.used, size);
    }
    decoded.payload += size;
    decoded.used += size;
    left_ -= size;
    if (left_ == 0) state_ = State::kDataCr;
  }
  return decoded;
}

ChunkedDecoder::State ChunkedDecoder::size_digit(char c) {
  int digit = -1;
  if (c >= '0' && c <= '9') {
    digit = c - '0';
  } else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f') {
    digit = (c | 0x20) - 'a' + 10;
  }
  if (digit >= 0) {
    if (left_ >> 56 != 0) return State::kFailed;
    left_ = left_ * 16 + static_cast<uint64_t>(digit);
    any_digit_ = true;
    return State::kSize;
  }
  if (!any_digit_) return State::kFailed;
  if (c == '\r') return State::kSizeLf;
  return c == ';' || c == ' ' || c == '\t' ? State::kExtension : State::kFailed;
}

ChunkedDecoder::State ChunkedDecoder::after(char c) {
  switch (state_) {
    case State::kSize:
    case State::kExtension:
      if (++line_ > kMaxLine) return State::kFailed;
      if (state_ == State::kSize) return size_digit(c);
      if (c == '\r') return State::kSizeLf;
      return c == '\n' ? State::kFailed : State::kExtension;
    case State::kSizeLf:
      if (c != '\n') return State::kFailed;
      line_ = 0;
      any_digit_ = false;
      return left_ == 0 ? State::kTrailer : State::kData;
    case State::kDataCr: return c == '\r' ? State::kDataLf : State::kFailed;
    case State::kDataLf: return c == '\n' ? State::kSize : State::kFailed;
    case State::kTrailer:
    case State::kInTrailer:
      if (++line_ > kMaxTrailer) return State::kFailed;
      if (c == '\r') return state_ == State::kTrailer ? State::kLastLf : State::kTrailerLf;
      return c == '\n' ? State::kFailed : State::kInTrailer;
    case State::kTrailerLf: return c == '\n' ? State::kTrailer : State::kFailed;
    case State::kLastLf: return c == '\n' ? State::kDone : State::kFailed;
    case State::kData:
    case State::kDone:
    case State::kFailed: break;
  }
  return State::kFailed;
}

}  // namespace strata::gateway
