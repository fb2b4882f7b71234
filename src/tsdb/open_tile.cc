#include "tsdb/open_tile.h"

#include <cstring>

#include "base/check.h"

namespace strata::tsdb {
namespace {

// Rows that a block of memory has room for: a tile wastes half a block on average, and an
// allocation takes as long as coding a row's first hundred columns.
constexpr size_t kRowsPerBlock = 6;

std::atomic<uint64_t> next_tile_number = 1;

/// The last group of columns that a thread decoded, row by row as it was asked for.
struct DecodedGroup {
  uint64_t tile = 0;
  size_t group = 0;
  uint32_t rows = 0;  // a bit each
  std::array<std::array<double, kRowGroup>, kTileRows> values;
};
static_assert(kTileRows <= 32, "a bit a row");

}  // namespace

OpenTile::OpenTile(OpenTileBytes total)
    : total_(std::move(total)), number_(next_tile_number.fetch_add(1)) {
  count(sizeof(OpenTile));
}

OpenTile::~OpenTile() { total_->fetch_sub(memory(), std::memory_order_relaxed); }

void OpenTile::count(size_t bytes) {
  bytes_.fetch_add(bytes, std::memory_order_relaxed);
  total_->fetch_add(bytes, std::memory_order_relaxed);
}

const char* OpenTile::store(std::string_view coded) {
  if (block_size_ - block_used_ < coded.size()) {
    block_size_ = std::max<size_t>(256, coded.size() * kRowsPerBlock);
    block_used_ = 0;
    blocks_.push_back(std::make_unique_for_overwrite<char[]>(block_size_));
    count(block_size_);
  }
  char* at = blocks_.back().get() + block_used_;
  std::memcpy(at, coded.data(), coded.size());
  block_used_ += coded.size();
  return at;
}

void OpenTile::write(uint32_t row, TimestampMs t, const RowBasePtr& base, std::string_view coded,
                     const ColumnMap& map) {
  times_[row] = t;
  if (run_count_ == 0 || runs_[run_count_ - 1u]->base != base) {
    runs_[run_count_] = std::make_unique<const Run>(Run{base, map});
    count(sizeof(Run) + base->memory() + map.capacity() * sizeof(uint32_t));
    ++run_count_;
  }
  run_of_[row] = static_cast<uint8_t>(run_count_ - 1);
  rows_[row] = {};
  if (!coded.empty()) rows_[row] = {store(coded), static_cast<uint32_t>(coded.size())};
}

std::optional<double> OpenTile::value(uint32_t row, uint32_t column) const {
  const Run& run = *runs_[run_of_[row]];
  if (!run.map.empty()) column = column < run.map.size() ? run.map[column] : kAbsent;
  if (column >= run.base->values.size()) return std::nullopt;
  if (rows_[row].at == nullptr) return run.base->values[column];

  static thread_local DecodedGroup decoded;
  const size_t group = column / kRowGroup;
  if (decoded.tile != number_ || decoded.group != group) {
    decoded.tile = number_;
    decoded.group = group;
    decoded.rows = 0;
  }
  if ((decoded.rows >> row & 1) == 0) {
    RowReader in(rows_[row].coded(), run.base->values, run.base->plan);
    for (size_t g = 0; g < group && in.ok(); ++g) in.skip();
    if (!in.ok() || !in.next(decoded.values[row].data())) return std::nullopt;
    decoded.rows |= 1u << row;
  }
  return decoded.values[row][column % kRowGroup];
}

void OpenTile::decode(uint32_t row, std::vector<double>& out) const {
  const RowBase& base = *runs_[run_of_[row]]->base;
  if (rows_[row].at == nullptr) {
    out = base.values;
    return;
  }
  CHECK(decode_row(rows_[row].coded(), base.values, base.plan, out));
}

}  // namespace strata::tsdb
