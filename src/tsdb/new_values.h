// Which label brings new values lately: the one to name when the head is full.
#pragma once
#include <cstdint>
#include <unordered_map>

namespace strata::tsdb {

/// Not thread-safe; owned by SeriesTable. Bounded by the number of label names.
class NewValues {
 public:
  /// A value that no series had came for the label of this name (a symbol).
  void count(uint32_t name) {
    ++counts_[name];
    if (++total_ < kWindow) return;
    total_ = 0;
    for (auto& [symbol, n] : counts_) total_ += n /= 2;
  }
  uint64_t of(uint32_t name) const {
    const auto found = counts_.find(name);
    return found == counts_.end() ? 0 : found->second;
  }

 private:
  // "Lately" is about so many values; older ones count half, a quarter, and so on.
  static constexpr uint64_t kWindow = 8192;
  std::unordered_map<uint32_t, uint64_t> counts_;
  uint64_t total_ = 0;
};

}  // namespace strata::tsdb
