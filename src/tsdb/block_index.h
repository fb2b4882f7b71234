// The block's index: built from series and tiles, and read in place.
#pragma once
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/labels.h"
#include "tsdb/block_format.h"
#include "tsdb/postings.h"

namespace strata::tsdb {

/// Collects what the index holds; a series costs 8 bytes a label and 12 a place. Not thread-safe.
class IndexBuilder {
 public:
  IndexBuilder();
  ~IndexBuilder();

  uint32_t add_series(const Labels& labels);
  size_t series_count() const { return starts_.size() - 1; }
  Labels labels(uint32_t series) const;

  uint32_t add_tile(const TileEntry& tile);
  void add_place(uint32_t series, TilePlace place) { places_.push_back({series, place}); }

  /// The whole file. Error: kLimit when it would be larger than offsets can say.
  Result<std::string> build(const BlockMeta& meta) const;

 private:
  struct Symbols;
  struct Sorted;
  struct SeriesPlace {
    uint32_t series;
    TilePlace place;
  };
  uint32_t intern(std::string_view text);
  std::string symbols_section(const Sorted& sorted) const;
  std::string series_section(const Sorted& sorted) const;
  std::string postings_section(const Sorted& sorted, std::vector<ValueEntry>& values) const;

  std::unique_ptr<Symbols> symbols_;
  std::vector<std::pair<uint32_t, uint32_t>> labels_;  // symbols of name and value
  std::vector<size_t> starts_{0};                      // of each series in labels_, and the end
  std::vector<SeriesPlace> places_;
  std::vector<TileEntry> tiles_;
};

/// Reads the file's bytes, which stay where they are. Immutable, thread-safe. What is out of bounds
/// in bytes that a checksum vouches for is kCorruption all the same.
class IndexView {
 public:
  /// Checks header, table and every section's checksum. With `salvage`, sections without which
  /// series and their places are still known (meta, postings) may be damaged; they are then empty.
  static Result<IndexView> open(std::string_view bytes, bool salvage = false);

  Result<BlockMeta> meta() const { return decode_meta(section(Section::kMeta)); }
  uint32_t series_count() const { return series_count_; }
  uint32_t tile_count() const { return tile_count_; }
  uint32_t name_count() const { return name_count_; }

  /// Empty when there is no such symbol.
  std::string_view symbol(uint32_t id) const;
  NameEntry name(uint32_t i) const;
  ValueEntry value(uint32_t i) const;
  TileEntry tile(uint32_t i) const;
  /// By text, or null; names and the values of a name are sorted.
  std::optional<NameEntry> find_name(std::string_view text) const;
  /// The row in `values`, or null.
  std::optional<uint32_t> find_value(const NameEntry& name, std::string_view text) const;
  /// Appends the series of row `value` of `values`.
  Result<> postings(uint32_t value, Postings& out) const;

  struct SeriesLabel {
    uint32_t name = 0;   // row of `names`
    uint32_t value = 0;  // row of `values`
  };
  /// Replaces `out`. The labels of a series, sorted by name.
  Result<> series_labels(uint32_t series, std::vector<SeriesLabel>& out) const;
  /// Replaces `out`, ascending by tile.
  Result<> series_places(uint32_t series, std::vector<TilePlace>& out) const;

 private:
  std::string_view section(Section s) const { return sections_[static_cast<size_t>(s)]; }
  Result<> check_shape();
  Result<std::string_view> series_record(uint32_t series) const;

  std::array<std::string_view, kSections> sections_;
  uint32_t symbol_count_ = 0;
  uint32_t name_count_ = 0;
  uint32_t value_count_ = 0;
  uint32_t series_count_ = 0;
  uint32_t tile_count_ = 0;
};

}  // namespace strata::tsdb
