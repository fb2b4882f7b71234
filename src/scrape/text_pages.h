// Texts one after the other in few allocations. They stay where they are until all go at once.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

namespace strata::scrape {

/// Not thread-safe. At most a quarter more than the texts, or a page.
class TextPages {
 public:
  std::string_view add(std::string_view text) {
    if (text.size() > room_) {
      // In step with what is there: many targets are small, and there may be many of them.
      room_ = std::max(std::clamp(bytes_ / 4, kMinPage, kMaxPage), text.size());
      bytes_ += room_;
      pages_.push_back(std::make_unique_for_overwrite<char[]>(room_));
      next_ = pages_.back().get();
    }
    char* at = next_;
    std::copy_n(text.data(), text.size(), at);
    next_ += text.size();
    room_ -= text.size();
    return {at, text.size()};
  }

 private:
  static constexpr size_t kMinPage = 1024;
  static constexpr size_t kMaxPage = 64u << 10;
  std::vector<std::unique_ptr<char[]>> pages_;
  char* next_ = nullptr;
  size_t room_ = 0;
  size_t bytes_ = 0;
};

}  // namespace strata::scrape
