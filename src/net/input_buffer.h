// The bytes that a connection has read and not used yet.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>

namespace strata::net {

/// Grows by doubling; whoever fills it bounds it, by using what it holds before reading more. Not
/// thread-safe.
class InputBuffer {
 public:
  std::string_view unread() const { return {bytes_.get() + begin_, end_ - begin_}; }
  /// The same bytes, for who decodes them in place.
  std::span<char> unread_bytes() { return {bytes_.get() + begin_, end_ - begin_}; }
  void consume(size_t n) {
    begin_ += n;
    if (begin_ == end_) begin_ = end_ = 0;
  }
  /// Room for at least `n` more bytes.
  std::span<char> prepare(size_t n) {
    if (capacity_ - end_ < n) make_room(n);
    return {bytes_.get() + end_, capacity_ - end_};
  }
  void commit(size_t n) { end_ += n; }
  /// Gives memory back when nothing is unread and more than `keep` is held.
  void shrink(size_t keep) {
    if (begin_ != end_ || capacity_ <= keep) return;
    bytes_.reset();
    capacity_ = 0;
  }

 private:
  void make_room(size_t n) {
    const size_t size = end_ - begin_;
    if (capacity_ - size < n) {
      const size_t capacity = std::max(size + n, capacity_ * 2);
      auto bytes = std::make_unique_for_overwrite<char[]>(capacity);
      if (size > 0) std::memcpy(bytes.get(), bytes_.get() + begin_, size);
      bytes_ = std::move(bytes);
      capacity_ = capacity;
    } else {
      std::memmove(bytes_.get(), bytes_.get() + begin_, size);
    }
    begin_ = 0;
    end_ = size;
  }

  std::unique_ptr<char[]> bytes_;
  size_t capacity_ = 0;
  size_t begin_ = 0;
  size_t end_ = 0;
};

}  // namespace strata::net
