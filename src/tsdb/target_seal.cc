// TargetHead's way from rows in memory to encoded tiles in files.
#include <algorithm>
#include <bit>

#include "tsdb/frame.h"
#include "tsdb/target_head.h"

namespace strata::tsdb {
namespace {

// A wider layout is split, so that one tile's buffers stay small and its columns are near.
constexpr size_t kColumnsPerTile = 16384;
static_assert(kColumnsPerTile <= kMaxTileColumns);
static_assert(kTileRows <= 64, "one word of presence a column");

/// Columns [first, first + count) of a tile, gathered from its rows. Reused, so that sealing does
/// not allocate.
struct Gathered {
  std::vector<double> row;
  std::vector<double> values;  // column after column
  std::vector<uint64_t> presence;
  std::vector<ColumnInput> columns;
};

void gather(const RowTile& tile, size_t first, size_t count, std::span<const FamilyHint> families,
            Gathered& out) {
  const uint32_t rows = tile.rows;
  const uint64_t all = rows == 64 ? ~uint64_t{0} : (uint64_t{1} << rows) - 1;
  out.values.resize(count * rows);
  out.presence.assign(count, 0);
  out.columns.resize(count);
  for (uint32_t row = 0; row < rows; ++row) {
    tile.storage->decode(row, out.row);
    const OpenTile::ColumnMap& map = tile.storage->map(row);
    const size_t known = map.empty() ? out.row.size() : map.size();
    const size_t end = std::min(count, known - std::min(first, known));
    for (size_t i = 0; i < end; ++i) {
      const size_t from = map.empty() ? first + i : map[first + i];
      if (from == OpenTile::kAbsent) continue;
      const auto n = static_cast<size_t>(std::popcount(out.presence[i]));
      out.values[i * rows + n] = out.row[from];
      out.presence[i] |= uint64_t{1} << row;
    }
  }
  for (size_t i = 0; i < count; ++i) {
    const auto n = static_cast<size_t>(std::popcount(out.presence[i]));
    out.columns[i] = {.values = {out.values.data() + i * rows, n},
                      .presence = out.presence[i] == all ? nullptr : &out.presence[i],
                      .family = families.empty() ? FamilyHint{} : families[first + i]};
  }
}

Result<SealedTile> seal_columns(const HeadContext& context, TargetId target, const RowTile& tile,
                                size_t first, size_t count) {
  static thread_local Gathered gathered;
  static thread_local std::string frame;
  gather(tile, first, count, tile.layout->families(context.table), gathered);

  const auto columns = tile.layout->columns().subspan(first, count);
  const TileRecord record{.owner = index_of(target),
                          .first_column = static_cast<uint32_t>(first),
                          .columns = {columns.begin(), columns.end()},
                          .range = tile.range(),
                          .rows = tile.rows};
  frame.clear();
  begin_frame(frame);
  encode_tile_record(frame, record);
  const size_t tile_at = frame.size();
  encode_tile(tile.storage->times(tile.rows), gathered.columns, frame);

  SealedTile sealed{.range = tile.range(),
                    .rows = tile.rows,
                    .first_column = static_cast<uint32_t>(first),
                    .layout = tile.layout};
  TRY(context.tiles.append(frame, tile_at, sealed));
  return sealed;
}

}  // namespace

Result<> TargetHead::seal(const HeadContext& context) {
  MutexLock seal_lock(seal_mutex_);
  while (true) {
    RowTile tile;
    {
      MutexLock lock(mutex_);
      if (full_.empty()) return {};
      tile = full_.front();
    }
    std::vector<SealedTile> sealed;
    for (size_t first = 0; first < tile.layout->size(); first += kColumnsPerTile) {
      const size_t count = std::min(kColumnsPerTile, tile.layout->size() - first);
      auto part = seal_columns(context, id_, tile, first, count);
      if (!part) {
        for (const SealedTile& done : sealed) context.tiles.drop(done);
        return std::unexpected(std::move(part).error());
      }
      sealed.push_back(std::move(*part));
    }
    MutexLock lock(mutex_);
    for (SealedTile& part : sealed) {
      const auto at = std::ranges::upper_bound(
          sealed_, part.range.min, {}, [](const SealedTile& other) { return other.range.min; });
      sealed_.insert(at, std::move(part));
    }
    full_.erase(full_.begin());
  }
}

}  // namespace strata::tsdb
