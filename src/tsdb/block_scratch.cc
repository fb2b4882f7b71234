#include "tsdb/block_state.h"

namespace strata::tsdb {

ScratchCache& ScratchCache::of_thread() {
  static thread_local ScratchCache cache;
  return cache;
}

ScratchCache::Lease ScratchCache::lease(uint64_t reader, uint32_t tile) {
  if (slots_.empty()) slots_.resize(kSlots);
  ++uses_;
  for (size_t i = 0; i < slots_.size(); ++i) {
    if (slots_[i].reader == reader && slots_[i].tile == tile) {
      slots_[i].used = uses_;
      return {*this, i};
    }
  }
  const size_t slot = oldest(slots_.size());
  slots_[slot].reader = reader;
  slots_[slot].tile = tile;
  slots_[slot].used = uses_;
  slots_[slot].scratch.clear();
  return {*this, slot};
}

size_t ScratchCache::oldest(size_t but) const {
  size_t found = but == 0 ? 1 : 0;
  for (size_t i = 0; i < slots_.size(); ++i) {
    if (i != but && slots_[i].used < slots_[found].used) found = i;
  }
  return found;
}

void ScratchCache::drop(size_t slot) {
  bytes_ -= slots_[slot].bytes;
  slots_[slot] = Slot();
}

void ScratchCache::give_back(size_t slot) {
  const size_t held = slots_[slot].scratch.memory();
  bytes_ += held - slots_[slot].bytes;
  slots_[slot].bytes = held;
  while (bytes_ > kMaxBytes) {
    const size_t victim = oldest(slot);
    if (slots_[victim].bytes == 0) {
      drop(slot);  // this one alone is too large
      return;
    }
    drop(victim);
  }
}

}  // namespace strata::tsdb
