// What the tile's encoder and reader share: constants and the headers of tile and column, as
// docs/formats/tile.md lays them out.
#pragma once
#include <cstdint>
#include <string_view>

#include "tsdb/byte_reader.h"
#include "tsdb/form.h"

namespace strata::tsdb {

/// 2 differs from 1 only in that integer vectors may be entropy coded.
inline constexpr uint8_t kTileVersion = 1;
inline constexpr uint8_t kColdTileVersion = 2;

/// Rows of a vector: what a reader decodes at least. A power of two, in the low bits of the flags.
/// Entropy coded ones have a table each, so they are as long as may be.
inline constexpr unsigned kVectorShift = 9;
inline constexpr unsigned kColdVectorShift = 13;
inline constexpr unsigned kMinVectorShift = 5;
inline constexpr unsigned kMaxVectorShift = 13;
inline constexpr uint8_t kVectorShiftMask = 0x0f;

/// A column in the directory is found from the offset of the first of its group.
inline constexpr size_t kDirectoryGroup = 16;

/// A column may be coded as a difference from one that is itself a difference, so often.
inline constexpr size_t kMaxFamilyDepth = 512;

/// Flags beside the form in a column's first byte.
inline constexpr uint8_t kFormMask = 0x0f;
inline constexpr uint8_t kColumnPresence = 0x10;
inline constexpr uint8_t kColumnExceptions = 0x20;
inline constexpr uint8_t kColumnFamily = 0x40;
inline constexpr uint8_t kColumnStats = 0x80;

/// How a presence bitmap is written.
enum class PresenceKind : uint8_t { kRuns, kBitmap };

struct ColumnHeader {
  Scale scale;
  bool has_presence = false;
  bool has_exceptions = false;
  bool has_stats = false;
  bool in_family = false;
  uint32_t presence = 0;             // which bitmap
  uint32_t other = 0;                // kSame: the column it equals; in a family: the one it adds to
  double min = 0, max = 0, sum = 0;  // has_stats
  double constant = 0;
};

/// Reads the header of column `index` of `columns`, up to its exceptions; marks `in` failed when it
/// is not one.
ColumnHeader read_column_header(ByteReader& in, size_t index, size_t columns);

}  // namespace strata::tsdb
