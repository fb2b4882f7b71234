#include "tsdb/open_tile.h"

#include <cstring>

namespace strata::tsdb {

const uint64_t* OpenTile::bitmap(uint32_t row) const {
  // Doubles and words have one size; the arena's tail is used as words only.
  static_assert(sizeof(double) == sizeof(uint64_t));
  const double* words = arena_.get() + kTileRows * stride_ + row * ((stride_ + 63) / 64);
  return reinterpret_cast<const uint64_t*>(words);
}

void OpenTile::write(uint32_t row, TimestampMs t, std::span<const double> values,
                     std::span<const uint32_t> columns) {
  times_[row] = t;
  double* to = arena_.get() + row * stride_;
  if (columns.empty()) {
    std::memcpy(to, values.data(), values.size_bytes());
    dense_[row] = static_cast<uint32_t>(values.size());
    return;
  }
  dense_[row] = kSparse;
  auto* bits = const_cast<uint64_t*>(bitmap(row));
  std::memset(bits, 0, (stride_ + 63) / 64 * sizeof(uint64_t));
  for (size_t i = 0; i < values.size(); ++i) {
    to[columns[i]] = values[i];
    bits[columns[i] / 64] |= uint64_t{1} << (columns[i] % 64);
  }
}

TilePool::TilePool(size_t max_idle_bytes) : state_(std::make_shared<State>()) {
  state_->max_idle_bytes = max_idle_bytes;
}

std::shared_ptr<OpenTile> TilePool::make(size_t columns) {
  // Steps of an eighth: few enough sizes that arenas are found again.
  size_t step = 8;
  while (step * 16 < columns) step *= 2;
  const size_t stride = (columns + step - 1) / step * step;
  const size_t bytes = OpenTile::arena_words(stride) * sizeof(double);
  std::unique_ptr<double[]> arena;
  {
    MutexLock lock(state_->mutex);
    auto& idle = state_->idle[stride];
    if (!idle.empty()) {
      arena = std::move(idle.back());
      idle.pop_back();
      state_->idle_bytes -= bytes;
    } else {
      state_->bytes += bytes;
    }
  }
  if (!arena) arena = std::make_unique_for_overwrite<double[]>(OpenTile::arena_words(stride));
  return {new OpenTile(stride, std::move(arena)),
          [state = state_](OpenTile* tile) { give_back(*state, tile); }};
}

void TilePool::give_back(State& state, OpenTile* tile) {
  const std::unique_ptr<OpenTile> owned(tile);
  const size_t bytes = tile->memory();
  MutexLock lock(state.mutex);
  if (state.idle_bytes + bytes > state.max_idle_bytes) {
    state.bytes -= bytes;
    return;
  }
  state.idle_bytes += bytes;
  state.idle[tile->stride()].push_back(std::move(tile->arena_));
}

size_t TilePool::memory() const {
  MutexLock lock(state_->mutex);
  return state_->bytes;
}

}  // namespace strata::tsdb
