// Strings interned once: a label name or value is a 32-bit number everywhere in the head.
#pragma once
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "tsdb/id_table.h"

namespace strata::tsdb {

/// Not thread-safe; owned by SeriesTable. Symbols are never removed: they go with the process.
class Symbols {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;

  Symbols();
  uint32_t intern(std::string_view text);
  /// kNone when no such symbol exists.
  uint32_t find(std::string_view text) const;
  /// Stays valid while this lives.
  std::string_view text(uint32_t symbol) const { return texts_[symbol]; }
  size_t size() const { return texts_.size(); }
  size_t memory() const;

 private:
  struct HashOf {
    const std::vector<std::string_view>* texts;
    uint64_t operator()(uint32_t symbol) const;
  };
  std::string_view store(std::string_view text);

  std::vector<std::string_view> texts_;
  std::vector<std::unique_ptr<char[]>> pages_;
  size_t page_used_ = 0;
  size_t page_bytes_ = 0;
  IdTable<HashOf> table_;
};

}  // namespace strata::tsdb
