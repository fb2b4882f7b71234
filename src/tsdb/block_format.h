// Names and numbers of the block's files, as docs/formats/block.md lays them out.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "tsdb/block.h"

namespace strata::tsdb {

inline constexpr std::string_view kDataFile = "data";
inline constexpr std::string_view kIndexFile = "index";
inline constexpr std::string_view kMetaFile = "meta.json";

inline constexpr std::string_view kDataMagic = "STRATADT";
inline constexpr std::string_view kIndexMagic = "STRATAIX";
inline constexpr std::string_view kIndexEndMagic = "STRATAND";

/// Magic, version, flags (none yet).
inline constexpr size_t kFileHeaderBytes = 16;
/// Length and CRC32C before each tile in `data`.
inline constexpr size_t kTileFrameBytes = 8;

enum class Section : uint32_t { kMeta, kSymbols, kNames, kValues, kPostings, kSeries, kTiles };
inline constexpr size_t kSections = 7;
inline constexpr std::array<std::string_view, kSections> kSectionNames = {
    "meta", "symbols", "names", "values", "postings", "series", "tiles"};
/// Identifier, CRC32C, offset, length.
inline constexpr size_t kSectionEntryBytes = 24;
/// Number of sections, CRC32C of the table, magic.
inline constexpr size_t kIndexTailBytes = 16;
/// Readers pass over sections that they do not know, up to so many.
inline constexpr size_t kMaxSections = 64;

/// A row of the section `names`.
struct NameEntry {
  uint32_t symbol = 0;
  uint32_t first_value = 0;  // row of `values`
  uint32_t values = 0;
};
/// A row of the section `values`; one more follows the last, for its postings' end.
struct ValueEntry {
  uint32_t symbol = 0;
  uint32_t postings = 0;  // offset in the section `postings`
};
/// A row of the section `tiles`.
struct TileEntry {
  uint64_t offset = 0;
  int64_t min_time = 0;
  int64_t max_time = 0;
  uint32_t length = 0;
  uint32_t rows = 0;
  uint32_t columns = 0;
  uint32_t flags = 0;  // none yet
};
static_assert(sizeof(NameEntry) == 12 && sizeof(ValueEntry) == 8 && sizeof(TileEntry) == 40);

/// The section `meta`, and meta.json for people.
std::string encode_meta(const BlockMeta& meta);
Result<BlockMeta> decode_meta(std::string_view bytes);
std::string meta_json(const BlockMeta& meta);
/// Times and number of samples from the text of meta.json, as far as it can be read: to say what is
/// lost with a block whose index is damaged.
BlockMeta peek_meta_json(std::string_view text);

}  // namespace strata::tsdb
