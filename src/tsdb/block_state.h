// What a BlockReader holds, and what a thread remembers between reads of blocks.
#pragma once
#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/fs.h"
#include "tsdb/block.h"
#include "tsdb/block_histograms.h"
#include "tsdb/block_index.h"

namespace strata::tsdb {

struct BlockReader::State {
  enum Checked : uint8_t { kUnknown, kGood, kBad };

  std::string dir;
  std::unique_ptr<MappedFile> index_file;
  std::unique_ptr<MappedFile> data_file;
  std::string_view data;
  IndexView index;
  BlockMeta meta;
  Result<std::unique_ptr<BlockHistograms>> histograms;
  uint64_t number = 0;                                // of this reader; never used again
  mutable std::vector<std::atomic<uint8_t>> checked;  // of each tile

  static uint64_t next_number();
  Result<std::string_view> tile_bytes(uint32_t i) const;
  Error in_index(const Error& error) const;
  Error in_tile(uint32_t i, std::string_view what) const;
};

/// The scratches of the tiles that a thread read last. A query reads series after series over the
/// same few tiles, so times and families need not be decoded again for each. Holds at most kSlots
/// scratches and, between reads, kMaxBytes.
class ScratchCache {
 public:
  static constexpr size_t kSlots = 32;
  static constexpr size_t kMaxBytes = size_t{16} << 20;

  static ScratchCache& of_thread();

  /// The scratch of one tile, accounted for when given back.
  class Lease {
   public:
    Lease(ScratchCache& cache, size_t slot) : cache_(cache), slot_(slot) {}
    ~Lease() { cache_.give_back(slot_); }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    TileScratch& get() { return cache_.slots_[slot_].scratch; }

   private:
    ScratchCache& cache_;
    size_t slot_;
  };
  Lease lease(uint64_t reader, uint32_t tile);

 private:
  struct Slot {
    uint64_t reader = 0;  // 0: free
    uint32_t tile = 0;
    uint64_t used = 0;
    size_t bytes = 0;
    TileScratch scratch;
  };
  size_t oldest(size_t but) const;
  void drop(size_t slot);
  void give_back(size_t slot);

  std::vector<Slot> slots_;
  uint64_t uses_ = 0;
  size_t bytes_ = 0;
};

}  // namespace strata::tsdb
