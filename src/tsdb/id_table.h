// An open-addressing set of 32-bit ids whose keys live elsewhere: 5 bytes an entry and load up to
// 3/4. The caller brings the hash of an id and the comparison of an id with what is looked for. A
// byte of hash beside each id spares nearly all comparisons of others, each of which is a cache
// miss in a large table.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

namespace strata::tsdb {

/// Not thread-safe. `HashOf` is `uint64_t(uint32_t id)`, used when the table grows or shrinks
/// holes.
template <class HashOf>
class IdTable {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;

  explicit IdTable(HashOf hash_of) : hash_of_(hash_of), slots_(16, kNone), tags_(16) {}

  size_t size() const { return size_; }
  size_t memory() const { return slots_.size() * (sizeof(uint32_t) + 1); }

  template <class Equal>
  uint32_t find(uint64_t hash, Equal equal) const {
    const uint8_t tag = tag_of(hash);
    for (size_t i = hash & mask();; i = (i + 1) & mask()) {
      if (slots_[i] == kNone || (tags_[i] == tag && equal(slots_[i]))) return slots_[i];
    }
  }

  /// Has the memory fetched that find() and insert() of this hash will look at first.
  void prefetch(uint64_t hash) const {
    __builtin_prefetch(&slots_[hash & mask()]);
    __builtin_prefetch(&tags_[hash & mask()]);
  }

  /// REQUIRES: no equal id is in the table.
  void insert(uint64_t hash, uint32_t id) {
    if ((size_ + 1) * 4 > slots_.size() * 3) grow();
    place(hash, id);
    ++size_;
  }

  /// REQUIRES: `id` is in the table.
  void erase(uint64_t hash, uint32_t id) {
    size_t hole = hash & mask();
    while (slots_[hole] != id) hole = (hole + 1) & mask();
    // Pull entries back into the hole until one is at home, so that no search stops short.
    for (size_t i = (hole + 1) & mask(); slots_[i] != kNone; i = (i + 1) & mask()) {
      const size_t home = hash_of_(slots_[i]) & mask();
      if (((i - home) & mask()) >= ((i - hole) & mask())) {
        slots_[hole] = slots_[i];
        tags_[hole] = tags_[i];
        hole = i;
      }
    }
    slots_[hole] = kNone;
    --size_;
  }

 private:
  // Not among the bits that find the slot, below 16 M of these.
  static uint8_t tag_of(uint64_t hash) { return static_cast<uint8_t>(hash >> 24); }
  size_t mask() const { return slots_.size() - 1; }
  void place(uint64_t hash, uint32_t id) {
    size_t i = hash & mask();
    while (slots_[i] != kNone) i = (i + 1) & mask();
    slots_[i] = id;
    tags_[i] = tag_of(hash);
  }
  void grow() { resize(slots_.size() * 2); }
  void resize(size_t slots) {
    std::vector<uint32_t> old(slots, kNone);
    old.swap(slots_);
    tags_.assign(slots, 0);
    for (const uint32_t id : old) {
      if (id != kNone) place(hash_of_(id), id);
    }
  }

  HashOf hash_of_;
  std::vector<uint32_t> slots_;
  std::vector<uint8_t> tags_;
  size_t size_ = 0;
};

}  // namespace strata::tsdb
