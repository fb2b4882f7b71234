#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/check.h"
#include "tsdb/tile_reader.h"

namespace strata::tsdb {

TileScratch::TileScratch() : state_(std::make_unique<State>()) {}
TileScratch::~TileScratch() = default;
TileScratch::TileScratch(TileScratch&&) noexcept = default;
TileScratch& TileScratch::operator=(TileScratch&&) noexcept = default;
size_t TileScratch::memory() const { return state_->memory(); }
void TileScratch::clear() { state_->start({}); }

namespace {

std::unexpected<Error> corrupt(std::string_view what) {
  return fail(ErrorCode::kCorruption, fmt::format("damaged tile: {}", what));
}

}  // namespace

Result<TileView> TileView::open(std::string_view bytes) {
  ByteReader in(bytes);
  TileView tile;
  tile.bytes_ = bytes;
  tile.version_ = in.u8();
  if (in.ok() && (tile.version_ < kTileVersion || tile.version_ > kColdTileVersion)) {
    return corrupt(fmt::format("version {} is not known", tile.version_));
  }
  tile.flags_ = in.u8();
  tile.rows_ = static_cast<uint32_t>(in.varint_up_to(kMaxTileRows - 1)) + 1;
  tile.columns_ = static_cast<uint32_t>(in.varint_up_to(kMaxTileColumns));
  tile.time_range_.min = in.zigzag();
  const uint64_t span = in.varint();
  tile.time_range_.max =
      static_cast<TimestampMs>(static_cast<uint64_t>(tile.time_range_.min) + span);
  const uint64_t times_size = in.varint();
  tile.presence_count_ = static_cast<uint32_t>(in.varint_up_to(kMaxTileColumns));
  const uint64_t presences_size = in.varint();
  tile.length_width_ = in.u8();
  const unsigned shift = tile.flags_ & kVectorShiftMask;
  if (!in.ok() || (tile.flags_ & ~kVectorShiftMask) != 0 || shift < kMinVectorShift ||
      shift > kMaxVectorShift || tile.length_width_ < 1 || tile.length_width_ > 4 ||
      tile.time_range_.max < tile.time_range_.min) {
    return corrupt("its header");
  }
  tile.times_ = in.take(times_size);
  tile.presences_ = in.take(presences_size);
  const size_t bases = tile.columns_ == 0 ? 0 : (tile.columns_ - 1) / kDirectoryGroup;
  tile.directory_ = in.take(bases * 4 + size_t{tile.columns_} * tile.length_width_);
  tile.data_ = in.rest();
  if (!in.ok()) return corrupt("it is cut short");
  const size_t end = TileReader(tile).columns_end();
  if (end != tile.data_.size()) return corrupt("its columns do not fill it");
  return tile;
}

Result<> TileView::timestamps(std::vector<TimestampMs>& out) const {
  return TileReader(*this).read_times(out) ? Result<>{} : corrupt("its times");
}

Result<> TileView::column(size_t i, TimeRange range, SampleColumns& out,
                          TileScratch* scratch) const {
  CHECK(i < columns_);
  if (!range.overlaps(time_range_)) return {};
  const TileReader reader(*this);
  auto& state = TileReader::state(scratch, bytes_);
  if (!reader.load_times(state)) return corrupt("its times");
  TileReader::Column column;
  if (!reader.open_column(i, state, column)) return corrupt(fmt::format("header of column {}", i));
  const auto rows = reader.rows_in(range, state);
  const auto places = reader.places_in(rows, column, state);
  if (places.begin == places.end) return {};

  const size_t start = out.v.size();
  const size_t count = places.end - places.begin;
  out.v.resize(start + count);
  if (!reader.read_values(column, places, scratch != nullptr, state, out.v.data() + start)) {
    out.v.resize(start);
    return corrupt(fmt::format("column {}", i));
  }
  if (column.presence.empty()) {
    out.t.insert(out.t.end(), state.times.begin() + rows.begin, state.times.begin() + rows.end);
  } else {
    out.t.reserve(start + count);
    for (size_t row = rows.begin; row < rows.end; ++row) {
      if ((column.presence[row / 64] >> (row % 64) & 1) != 0) out.t.push_back(state.times[row]);
    }
  }
  return {};
}

Result<bool> TileView::last(size_t i, TimeRange range, Sample& out, TileScratch* scratch) const {
  CHECK(i < columns_);
  if (!range.overlaps(time_range_)) return false;
  const TileReader reader(*this);
  auto& state = TileReader::state(scratch, bytes_);
  if (!reader.load_times(state)) return corrupt("its times");
  TileReader::Column column;
  if (!reader.open_column(i, state, column)) return corrupt(fmt::format("header of column {}", i));
  auto rows = reader.rows_in(range, state);
  auto places = reader.places_in(rows, column, state);
  if (places.begin == places.end) return false;
  places.begin = places.end - 1;
  size_t row = rows.end - 1;
  if (!column.presence.empty()) {
    while ((column.presence[row / 64] >> (row % 64) & 1) == 0) --row;
  }
  double value = 0;
  if (!reader.read_values(column, places, false, state, &value)) {
    return corrupt(fmt::format("column {}", i));
  }
  out = {state.times[row], value};
  return true;
}

Result<std::optional<ColumnStats>> TileView::stats(size_t i) const {
  CHECK(i < columns_);
  const TileReader reader(*this);
  auto& state = TileReader::state(nullptr, bytes_);
  TileReader::Column column;
  if (!reader.open_column(i, state, column)) return corrupt(fmt::format("header of column {}", i));
  const auto& header = column.header;
  if (column.count == 0 || (!header.has_stats && header.scale.form != Form::kConstant)) {
    return std::nullopt;
  }
  ColumnStats stats{.count = column.count};
  if (header.scale.form == Form::kConstant) {
    const double value = header.constant;
    // The sum in row order, as a loop over the values would have it.
    double sum = 0;
    for (uint32_t k = 0; k < column.count; ++k) sum += value;
    const double nan = std::numeric_limits<double>::quiet_NaN();
    const double known = std::isnan(value) ? nan : value;
    stats.min = stats.max = known;
    stats.sum = std::isnan(value) ? nan : sum;
    stats.first = stats.last = value;
    return stats;
  }
  stats.min = header.min;
  stats.max = header.max;
  stats.sum = header.sum;
  const size_t last = column.count - 1;
  if (!reader.read_values(column, {0, 1}, false, state, &stats.first) ||
      !reader.read_values(column, {last, last + 1}, false, state, &stats.last)) {
    return corrupt(fmt::format("column {}", i));
  }
  return stats;
}

Result<std::string> TileView::describe(size_t i) const {
  CHECK(i < columns_);
  const TileReader reader(*this);
  ByteReader in(reader.column_bytes(i));
  const auto header = read_column_header(in, i, columns_);
  if (!in.ok()) return corrupt(fmt::format("header of column {}", i));
  static constexpr std::string_view kForms[] = {"constant", "same",       "integer", "decimal",
                                                "ratio",    "complement", "percent", "bits"};
  std::string text(kForms[static_cast<size_t>(header.scale.form)]);
  if (header.scale.form == Form::kConstant || header.scale.form == Form::kSame) return text;
  if (header.in_family) text += "/family";
  if (header.has_exceptions) text += "/exceptions";
  TileReader::Column column;
  auto& state = TileReader::state(nullptr, bytes_);
  if (!reader.open_column(i, state, column)) return corrupt(fmt::format("column {}", i));
  ByteReader body = column.vectors;
  if (column.count > reader.vector_rows()) body.varint();
  return text + "/" + describe_vector(body.rest());
}

Result<size_t> TileView::column_bytes(size_t i) const {
  CHECK(i < columns_);
  return TileReader(*this).column_bytes(i).size();
}

}  // namespace strata::tsdb
