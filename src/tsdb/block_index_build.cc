#include <algorithm>
#include <boost/unordered/unordered_flat_map.hpp>
#include <numeric>

#include "base/hash.h"
#include "tsdb/block_index.h"
#include "tsdb/byte_reader.h"

namespace strata::tsdb {
namespace {

struct TextHash {
  size_t operator()(std::string_view text) const { return hash64(text); }
};

template <class T>
void append_rows(std::string& out, std::span<const T> rows) {
  out.append(reinterpret_cast<const char*>(rows.data()), rows.size_bytes());
}

void append_header(std::string& out, std::string_view magic) {
  out.append(magic);
  append_fixed(out, kBlockVersion);
  append_fixed(out, uint32_t{0});
}

}  // namespace

struct IndexBuilder::Symbols {
  std::deque<std::string> texts;  // by number; a deque does not move them
  boost::unordered_flat_map<std::string_view, uint32_t, TextHash> numbers;
};

// Symbols in the order of their text, and the label pairs that occur, in that order.
struct IndexBuilder::Sorted {
  std::vector<uint32_t> symbols;  // number by rank
  std::vector<uint32_t> ranks;    // the inverse
  std::vector<NameEntry> names;
  std::vector<ValueEntry> values;
  std::vector<std::pair<uint32_t, uint32_t>>
      pairs;                   // ranks of name and value, a row of values each
  std::vector<uint32_t> rows;  // of labels_, the row in values of each
};

IndexBuilder::IndexBuilder() : symbols_(std::make_unique<Symbols>()) {}
IndexBuilder::~IndexBuilder() = default;

uint32_t IndexBuilder::intern(std::string_view text) {
  if (const auto found = symbols_->numbers.find(text); found != symbols_->numbers.end()) {
    return found->second;
  }
  const auto number = static_cast<uint32_t>(symbols_->texts.size());
  symbols_->numbers.emplace(symbols_->texts.emplace_back(text), number);
  return number;
}

uint32_t IndexBuilder::add_series(const Labels& labels) {
  for (const auto& [name, value] : labels) labels_.emplace_back(intern(name), intern(value));
  starts_.push_back(labels_.size());
  return static_cast<uint32_t>(starts_.size() - 2);
}

Labels IndexBuilder::labels(uint32_t series) const {
  std::vector<Label> labels;
  for (size_t i = starts_[series]; i < starts_[series + 1]; ++i) {
    labels.push_back({symbols_->texts[labels_[i].first], symbols_->texts[labels_[i].second]});
  }
  return Labels::from_sorted(labels);
}

uint32_t IndexBuilder::add_tile(const TileEntry& tile) {
  tiles_.push_back(tile);
  return static_cast<uint32_t>(tiles_.size() - 1);
}

std::string IndexBuilder::symbols_section(const Sorted& sorted) const {
  std::string out;
  append_fixed(out, static_cast<uint32_t>(sorted.symbols.size()));
  uint32_t offset = 0;
  append_fixed(out, offset);
  for (const uint32_t number : sorted.symbols) {
    offset += static_cast<uint32_t>(symbols_->texts[number].size());
    append_fixed(out, offset);
  }
  for (const uint32_t number : sorted.symbols) out.append(symbols_->texts[number]);
  return out;
}

// A label is its name's row and, counted from the name's first, its value's: small numbers.
std::string IndexBuilder::series_section(const Sorted& sorted) const {
  std::vector<uint32_t> name_rows(sorted.symbols.size());
  for (uint32_t row = 0; row < sorted.names.size(); ++row) {
    name_rows[sorted.names[row].symbol] = row;
  }
  auto places = places_;
  std::ranges::stable_sort(places, {}, &SeriesPlace::series);
  std::string records;
  std::vector<uint32_t> offsets;
  auto place = places.begin();
  for (uint32_t series = 0; series + 1 < starts_.size(); ++series) {
    offsets.push_back(static_cast<uint32_t>(records.size()));
    append_varint(records, starts_[series + 1] - starts_[series]);
    for (size_t i = starts_[series]; i < starts_[series + 1]; ++i) {
      const uint32_t row = sorted.rows[i];
      const uint32_t name = name_rows[sorted.pairs[row].first];
      append_varint(records, name);
      append_varint(records, row - sorted.names[name].first_value);
    }
    uint32_t tile = 0;
    for (; place != places.end() && place->series == series; ++place) {
      append_varint(records, place->place.tile - tile);
      append_varint(records, place->place.column);
      tile = place->place.tile;
    }
  }
  offsets.push_back(static_cast<uint32_t>(records.size()));
  std::string out;
  append_fixed(out, static_cast<uint32_t>(offsets.size() - 1));
  append_rows(out, std::span<const uint32_t>(offsets));
  out.append(records);
  return out;
}

std::string IndexBuilder::postings_section(const Sorted& sorted,
                                           std::vector<ValueEntry>& values) const {
  // Counting sort of (row, series): series ascend within a row as they were added.
  std::vector<uint32_t> ends(sorted.pairs.size() + 1);
  for (const uint32_t row : sorted.rows) ++ends[row + 1];
  std::partial_sum(ends.begin(), ends.end(), ends.begin());
  std::vector<uint32_t> ids(labels_.size());
  auto next = ends;
  for (uint32_t series = 0; series + 1 < starts_.size(); ++series) {
    for (size_t i = starts_[series]; i < starts_[series + 1]; ++i) {
      ids[next[sorted.rows[i]]++] = series;
    }
  }
  std::string out;
  for (uint32_t row = 0; row < sorted.pairs.size(); ++row) {
    values.push_back({sorted.pairs[row].second, static_cast<uint32_t>(out.size())});
    append_postings(PostingsView(ids).subspan(ends[row], ends[row + 1] - ends[row]), out);
  }
  values.push_back({0, static_cast<uint32_t>(out.size())});
  return out;
}

Result<std::string> IndexBuilder::build(const BlockMeta& meta) const {
  Sorted sorted;
  sorted.symbols.resize(symbols_->texts.size());
  std::iota(sorted.symbols.begin(), sorted.symbols.end(), 0u);
  std::ranges::sort(sorted.symbols, {},
                    [&](uint32_t n) { return std::string_view(symbols_->texts[n]); });
  sorted.ranks.resize(sorted.symbols.size());
  for (uint32_t rank = 0; rank < sorted.symbols.size(); ++rank) {
    sorted.ranks[sorted.symbols[rank]] = rank;
  }
  const auto ranked = [&](const std::pair<uint32_t, uint32_t>& label) {
    return std::pair(sorted.ranks[label.first], sorted.ranks[label.second]);
  };
  boost::unordered_flat_map<uint64_t, uint32_t> row_of;  // of the pair of symbol numbers
  const auto key_of = [](const std::pair<uint32_t, uint32_t>& label) {
    return uint64_t{label.first} << 32 | label.second;
  };
  for (const auto& label : labels_) {
    if (row_of.try_emplace(key_of(label), 0).second) sorted.pairs.push_back(label);
  }
  std::ranges::sort(sorted.pairs, {}, ranked);
  for (uint32_t row = 0; row < sorted.pairs.size(); ++row) {
    row_of[key_of(sorted.pairs[row])] = row;
    sorted.pairs[row] = ranked(sorted.pairs[row]);
    if (row == 0 || sorted.pairs[row].first != sorted.pairs[row - 1].first) {
      sorted.names.push_back({sorted.pairs[row].first, row, 0});
    }
    ++sorted.names.back().values;
  }
  sorted.rows.reserve(labels_.size());
  for (const auto& label : labels_) sorted.rows.push_back(row_of[key_of(label)]);

  std::array<std::string, kSections> sections;
  const auto section = [&](Section s) -> std::string& { return sections[static_cast<size_t>(s)]; };
  section(Section::kMeta) = encode_meta(meta);
  section(Section::kSymbols) = symbols_section(sorted);
  append_rows(section(Section::kNames), std::span<const NameEntry>(sorted.names));
  std::vector<ValueEntry> values;
  section(Section::kPostings) = postings_section(sorted, values);
  append_rows(section(Section::kValues), std::span<const ValueEntry>(values));
  section(Section::kSeries) = series_section(sorted);
  append_rows(section(Section::kTiles), std::span<const TileEntry>(tiles_));

  std::string out;
  append_header(out, kIndexMagic);
  std::string table;
  for (uint32_t s = 0; s < kSections; ++s) {
    if (sections[s].size() >= kMaxIndexBytes) {
      return fail(ErrorCode::kLimit, fmt::format("the block's {} are larger than {} bytes; "
                                                 "write fewer series into one block",
                                                 kSectionNames[s], kMaxIndexBytes));
    }
    append_fixed(table, s);
    append_fixed(table, crc32c(sections[s]));
    append_fixed(table, static_cast<uint64_t>(out.size()));
    append_fixed(table, static_cast<uint64_t>(sections[s].size()));
    out.append(sections[s]);
    out.resize((out.size() + 7) / 8 * 8);
    sections[s] = {};
  }
  append_fixed(table, static_cast<uint32_t>(kSections));
  const uint32_t crc = crc32c(table, crc32c(std::string_view(out).substr(0, kFileHeaderBytes)));
  out.append(table);
  append_fixed(out, crc);
  out.append(kIndexEndMagic);
  return out;
}

}  // namespace strata::tsdb
