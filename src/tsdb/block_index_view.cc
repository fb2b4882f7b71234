#include <algorithm>
#include <cstring>

#include "base/hash.h"
#include "tsdb/block_index.h"
#include "tsdb/byte_reader.h"

namespace strata::tsdb {
namespace {

std::unexpected<Error> corrupt(std::string message) {
  return fail(ErrorCode::kCorruption, std::move(message));
}

// Row i of a table of T; the caller has checked that there is one.
template <class T>
T row(std::string_view table, size_t i) {
  T value;
  std::memcpy(&value, table.data() + i * sizeof(T), sizeof(T));
  return value;
}

// A section that is a count, count + 1 ascending offsets, and the bytes that they divide.
Result<uint32_t> count_of(std::string_view section, std::string_view name) {
  ByteReader in(section);
  const uint32_t count = in.u32();
  in.take((size_t{count} + 1) * 4);
  if (!in.ok()) return corrupt(fmt::format("section {} is too short", name));
  return count;
}

// Item i of such a section, or null when its offsets make no sense.
std::optional<std::string_view> item(std::string_view section, uint32_t count, uint32_t i) {
  if (i >= count) return std::nullopt;
  const auto offsets = section.substr(4);
  const auto begin = row<uint32_t>(offsets, i);
  const auto end = row<uint32_t>(offsets, size_t{i} + 1);
  const auto bytes = offsets.substr((size_t{count} + 1) * 4);
  if (begin > end || end > bytes.size()) return std::nullopt;
  return bytes.substr(begin, end - begin);
}

}  // namespace

Result<IndexView> IndexView::open(std::string_view bytes, bool salvage) {
  if (bytes.size() < kFileHeaderBytes + kIndexTailBytes || !bytes.starts_with(kIndexMagic) ||
      !bytes.ends_with(kIndexEndMagic)) {
    return corrupt("it is cut short, or no index");
  }
  const auto tail = bytes.substr(bytes.size() - kIndexTailBytes);
  const size_t count = row<uint32_t>(tail, 0);
  const size_t table_bytes = count * kSectionEntryBytes;
  if (count > kMaxSections || bytes.size() < kFileHeaderBytes + table_bytes + kIndexTailBytes) {
    return corrupt("its table of sections is damaged");
  }
  const auto table = bytes.substr(bytes.size() - kIndexTailBytes - table_bytes, table_bytes + 4);
  if (crc32c(table, crc32c(bytes.substr(0, kFileHeaderBytes))) != row<uint32_t>(tail, 1)) {
    return corrupt("its table of sections is damaged");
  }
  // After the checksum: a flipped bit is no newer version.
  const auto version = row<uint32_t>(bytes.substr(8), 0);
  if (version > kBlockVersion) {
    return bad_data(fmt::format("version {} is newer than this program", version));
  }
  IndexView index;
  std::array<bool, kSections> seen{};
  ByteReader in(table.substr(0, table_bytes));
  for (size_t i = 0; i < count; ++i) {
    const uint32_t id = in.u32();
    const uint32_t crc = in.u32();
    const uint64_t offset = in.u64();
    const uint64_t length = in.u64();
    if (id >= kSections) continue;
    if (offset > bytes.size() || length > bytes.size() - offset) {
      return corrupt(fmt::format("section {} is outside it", kSectionNames[id]));
    }
    index.sections_[id] = bytes.substr(offset, length);
    seen[id] = true;
    if (crc32c(index.sections_[id]) != crc) {
      const auto section = static_cast<Section>(id);
      if (salvage && (section == Section::kMeta || section == Section::kPostings)) {
        index.sections_[id] = {};
        continue;
      }
      return corrupt(fmt::format("section {} at offset {} is damaged", kSectionNames[id], offset));
    }
  }
  for (size_t id = 0; id < kSections; ++id) {
    if (!seen[id]) return corrupt(fmt::format("section {} is missing", kSectionNames[id]));
  }
  TRY(index.check_shape());
  return index;
}

Result<> IndexView::check_shape() {
  symbol_count_ = TRY(count_of(section(Section::kSymbols), "symbols"));
  series_count_ = TRY(count_of(section(Section::kSeries), "series"));
  const auto names = section(Section::kNames);
  const auto values = section(Section::kValues);
  const auto tiles = section(Section::kTiles);
  if (names.size() % sizeof(NameEntry) != 0 || values.size() % sizeof(ValueEntry) != 0 ||
      values.empty() || tiles.size() % sizeof(TileEntry) != 0) {
    return corrupt("a section has part of a row");
  }
  name_count_ = static_cast<uint32_t>(names.size() / sizeof(NameEntry));
  value_count_ = static_cast<uint32_t>(values.size() / sizeof(ValueEntry)) - 1;
  tile_count_ = static_cast<uint32_t>(tiles.size() / sizeof(TileEntry));
  for (uint32_t i = 0; i < name_count_; ++i) {
    const auto entry = name(i);
    if (entry.first_value > value_count_ || entry.values > value_count_ - entry.first_value) {
      return corrupt("a label name has values that are not there");
    }
  }
  return {};
}

std::string_view IndexView::symbol(uint32_t id) const {
  return item(section(Section::kSymbols), symbol_count_, id).value_or(std::string_view());
}

NameEntry IndexView::name(uint32_t i) const { return row<NameEntry>(section(Section::kNames), i); }
ValueEntry IndexView::value(uint32_t i) const {
  return row<ValueEntry>(section(Section::kValues), i);
}
TileEntry IndexView::tile(uint32_t i) const { return row<TileEntry>(section(Section::kTiles), i); }

std::optional<NameEntry> IndexView::find_name(std::string_view text) const {
  uint32_t low = 0;
  uint32_t high = name_count_;
  while (low < high) {
    const uint32_t middle = low + (high - low) / 2;
    if (symbol(name(middle).symbol) < text) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  if (low == name_count_ || symbol(name(low).symbol) != text) return std::nullopt;
  return name(low);
}

std::optional<uint32_t> IndexView::find_value(const NameEntry& name, std::string_view text) const {
  uint32_t low = name.first_value;
  const uint32_t end = name.first_value + name.values;
  uint32_t high = end;
  while (low < high) {
    const uint32_t middle = low + (high - low) / 2;
    if (symbol(value(middle).symbol) < text) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  if (low == end || symbol(value(low).symbol) != text) return std::nullopt;
  return low;
}

Result<> IndexView::postings(uint32_t i, Postings& out) const {
  const auto bytes = section(Section::kPostings);
  const uint32_t begin = value(i).postings;
  const uint32_t end = value(i + 1).postings;
  if (begin > end || end > bytes.size()) return corrupt("a list of series is outside its section");
  return read_postings(bytes.substr(begin, end - begin), series_count_, out);
}

Result<std::string_view> IndexView::series_record(uint32_t series) const {
  const auto record = item(section(Section::kSeries), series_count_, series);
  if (!record) return corrupt(fmt::format("series {} is not there", series));
  return *record;
}

Result<> IndexView::series_labels(uint32_t series, std::vector<SeriesLabel>& out) const {
  out.clear();
  ByteReader in(TRY(series_record(series)));
  const uint64_t count = in.varint_up_to(in.left());
  for (uint64_t i = 0; i < count && in.ok(); ++i) {
    const uint64_t name_row = in.varint();
    const uint64_t nth = in.varint();
    if (name_row >= name_count_ || nth >= name(static_cast<uint32_t>(name_row)).values) {
      in.fail();
      break;
    }
    const auto first = name(static_cast<uint32_t>(name_row)).first_value;
    out.push_back({static_cast<uint32_t>(name_row), first + static_cast<uint32_t>(nth)});
  }
  if (!in.ok()) return corrupt(fmt::format("the labels of series {} make no sense", series));
  return {};
}

Result<> IndexView::series_places(uint32_t series, std::vector<TilePlace>& out) const {
  out.clear();
  ByteReader in(TRY(series_record(series)));
  const uint64_t labels = in.varint_up_to(in.left());
  for (uint64_t i = 0; i < 2 * labels && in.ok(); ++i) in.varint();
  uint64_t tile = 0;
  while (!in.done()) {
    const uint64_t step = in.varint_up_to(tile_count_);
    tile += step;
    const uint64_t column = in.varint_up_to(kMaxTileColumns);
    if (!in.ok() || tile >= tile_count_ || (step == 0 && !out.empty())) {
      in.fail();
      break;
    }
    out.push_back({static_cast<uint32_t>(tile), static_cast<uint32_t>(column)});
  }
  if (!in.ok()) return corrupt(fmt::format("the tiles of series {} make no sense", series));
  return {};
}

}  // namespace strata::tsdb
