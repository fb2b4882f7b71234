#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <unordered_map>

#include "base/check.h"
#include "base/hash.h"
#include "tsdb/int_vector.h"
#include "tsdb/tile.h"
#include "tsdb/tile_format.h"

namespace strata::tsdb {
namespace {

// Forms other than the smallest may leave this share of a column to exceptions.
constexpr size_t kExceptionShare = 4;
// With fewer exceptions than this share, no other form is tried.
constexpr size_t kFewExceptions = 64;

constexpr uint32_t kAllPresent = UINT32_MAX;
constexpr uint32_t kNoColumn = UINT32_MAX;

// One way to write a column's values.
struct Candidate {
  Scale scale;
  std::vector<int64_t> integers;
  std::vector<Exception> exceptions;
  std::vector<VectorPlan> vectors;
  size_t bytes = SIZE_MAX;
};

size_t exceptions_size(std::span<const Exception> exceptions) {
  return exceptions.empty() ? 0 : varint_size(exceptions.size()) + exceptions.size() * 4;
}

void append_exceptions(std::span<const Exception> exceptions, std::string& out) {
  append_varint(out, exceptions.size());
  uint32_t next = 0;
  for (const auto& [position, value] : exceptions) {
    append_varint(out, position - next);
    append_value(out, value);
    next = position + 1;
  }
}

void append_stats(std::span<const double> values, std::string& out) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  double min = nan;
  double max = nan;
  double sum = 0;
  for (const double v : values) {
    if (std::isnan(v)) continue;
    min = std::isnan(min) ? v : std::min(min, v);
    max = std::isnan(max) ? v : std::max(max, v);
    sum += v;
  }
  append_value(out, min);
  append_value(out, max);
  append_value(out, std::isnan(min) ? nan : sum);
}

// Scratch memory of one thread, reused from tile to tile.
class TileEncoder {
 public:
  void encode(std::span<const TimestampMs> timestamps, std::span<const ColumnInput> columns,
              std::string& out, const TileOptions& options);

 private:
  // Of a column already written: what later ones may refer to.
  struct Written {
    size_t offset = 0;  // in pieces_
    size_t length = 0;
    uint32_t presence = kAllPresent;
    uint32_t same_as = kNoColumn;  // form kSame
    Form form = Form::kConstant;
    uint16_t depth = 0;  // columns below it in its family
  };

  void order_columns(bool families);
  uint32_t presence_of(const ColumnInput& column);
  void encode_column(uint32_t index);
  uint32_t find_same(uint32_t index);
  void choose_form(std::span<const double> values);
  void try_form(std::optional<Scale> scale, std::span<const double> values, size_t max_exceptions);
  void enter_family(uint32_t index, FamilyHint hint);
  bool try_family(uint32_t index, FamilyHint hint);
  void append_integers(const Candidate& candidate);
  void plan_integers(Candidate& candidate);
  void append_directory(std::string& out) const;

  std::span<const ColumnInput> columns_;
  size_t rows_ = 0;
  TileOptions options_;
  unsigned vector_shift_ = kVectorShift;

  std::vector<uint32_t> order_;
  std::vector<Written> written_;
  std::string pieces_;  // columns, in the order of order_
  std::string piece_;
  std::string vector_;

  std::vector<uint64_t> presences_;                      // distinct bitmaps, words_ words each
  std::unordered_map<uint64_t, uint32_t> presence_ids_;  // by hash
  const uint64_t* last_presence_ = nullptr;
  size_t last_presence_count_ = 0;
  uint32_t last_presence_id_ = 0;
  std::string presence_bytes_;

  std::vector<uint32_t> same_slots_;  // hash table of columns by content; kNoColumn: free
  std::vector<uint64_t> hashes_;

  VectorEncoder vectors_;
  Candidate best_;
  Candidate trial_;

  uint32_t family_group_ = 0;
  uint32_t family_column_ = kNoColumn;  // what the next bucket is taken from
  std::vector<int64_t> family_integers_;
};

uint8_t bytes_for(uint64_t value) {
  return static_cast<uint8_t>((std::bit_width(value | 1) + 7) / 8);
}

// Buckets of one histogram follow each other, lowest first; all else keeps its place.
void TileEncoder::order_columns(bool families) {
  order_.resize(columns_.size());
  std::iota(order_.begin(), order_.end(), 0u);
  if (!families) return;
  std::ranges::sort(order_, {}, [&](uint32_t i) {
    return std::tuple(columns_[i].family.group, columns_[i].family.position, i);
  });
}

// A bitmap is written as the lengths of its runs, or as it is.
void append_presence(const uint64_t* words, size_t rows, std::string& out) {
  std::string runs(1, static_cast<char>(PresenceKind::kRuns));
  for (size_t row = 0, start = 0; row < rows; start = row) {
    const bool present = (words[row / 64] >> (row % 64) & 1) != 0;
    if (row == 0 && !present) append_varint(runs, 0);  // the first run is of rows that are there
    while (row < rows && ((words[row / 64] >> (row % 64) & 1) != 0) == present) ++row;
    append_varint(runs, row - start);
  }
  const size_t bitmap_size = (rows + 7) / 8;
  if (runs.size() > bitmap_size + 1) {
    runs.assign(1, static_cast<char>(PresenceKind::kBitmap));
    runs.append(reinterpret_cast<const char*>(words), bitmap_size);
  }
  append_varint(out, runs.size());
  out.append(runs);
}

uint32_t TileEncoder::presence_of(const ColumnInput& column) {
  if (column.presence == nullptr) {
    CHECK(column.values.size() == rows_);
    return kAllPresent;
  }
  if (column.presence == last_presence_) {
    CHECK(column.values.size() == last_presence_count_);
    return last_presence_id_;
  }
  const size_t words = (rows_ + 63) / 64;
  const size_t start = presences_.size();
  presences_.insert(presences_.end(), column.presence, column.presence + words);
  if (rows_ % 64 != 0) presences_.back() &= (uint64_t{1} << (rows_ % 64)) - 1;
  const std::span added(presences_.data() + start, words);
  size_t count = 0;
  for (const uint64_t word : added) count += static_cast<size_t>(std::popcount(word));
  CHECK(column.values.size() == count);

  uint32_t id = kAllPresent;
  bool known = count == rows_;
  if (!known) {
    id = static_cast<uint32_t>(start / words);
    const std::string_view bytes(reinterpret_cast<const char*>(added.data()), words * 8);
    const auto [same, first] = presence_ids_.try_emplace(hash64(bytes), id);
    known =
        !first && std::memcmp(&presences_[same->second * words], added.data(), bytes.size()) == 0;
    if (known) id = same->second;
  }
  if (known) {
    presences_.resize(start);
  } else {
    append_presence(added.data(), rows_, presence_bytes_);
  }
  last_presence_ = column.presence;
  last_presence_count_ = count;
  last_presence_id_ = id;
  return id;
}

void TileEncoder::encode(std::span<const TimestampMs> timestamps,
                         std::span<const ColumnInput> columns, std::string& out,
                         const TileOptions& options) {
  CHECK(!timestamps.empty() && timestamps.size() <= kMaxTileRows);
  CHECK(columns.size() <= kMaxTileColumns);
  columns_ = columns;
  rows_ = timestamps.size();
  options_ = options;
  vector_shift_ = options.cold ? kColdVectorShift : kVectorShift;
  vectors_.allow_entropy(options.cold);
  pieces_.clear();
  presences_.clear();
  presence_bytes_.clear();
  presence_ids_.clear();
  last_presence_ = nullptr;
  family_group_ = 0;
  family_column_ = kNoColumn;
  written_.assign(columns.size(), {});
  hashes_.assign(columns.size(), 0);
  same_slots_.assign(std::bit_ceil(columns.size() * 2 + 1), kNoColumn);

  order_columns(options.families);
  for (const uint32_t i : order_) encode_column(i);

  piece_.clear();
  best_.integers.resize(rows_);
  for (size_t r = 0; r < rows_; ++r) {
    CHECK(r == 0 || timestamps[r] > timestamps[r - 1]);
    best_.integers[r] = static_cast<int64_t>(static_cast<uint64_t>(timestamps[r]) -
                                             static_cast<uint64_t>(timestamps[0]));
  }
  plan_integers(best_);
  append_integers(best_);

  out += static_cast<char>(options.cold ? kColdTileVersion : kTileVersion);
  out += static_cast<char>(vector_shift_);
  append_varint(out, rows_ - 1);
  append_varint(out, columns.size());
  append_zigzag(out, timestamps.front());
  append_varint(
      out, static_cast<uint64_t>(timestamps.back()) - static_cast<uint64_t>(timestamps.front()));
  append_varint(out, piece_.size());
  append_varint(out, presences_.size() / ((rows_ + 63) / 64));
  append_varint(out, presence_bytes_.size());
  size_t longest = 0;
  for (const auto& written : written_) longest = std::max(longest, written.length);
  const uint8_t width = bytes_for(longest);
  out += static_cast<char>(width);
  out.append(piece_);
  out.append(presence_bytes_);

  size_t offset = 0;
  for (size_t i = 0; i < columns.size(); ++i) {
    if (i != 0 && i % kDirectoryGroup == 0) append_fixed(out, static_cast<uint32_t>(offset));
    offset += written_[i].length;
  }
  for (const auto& written : written_) {
    out.append(reinterpret_cast<const char*>(&written.length), width);
  }
  for (const auto& written : written_) out.append(pieces_, written.offset, written.length);
}

// An earlier column with the same values in the same rows, or kNoColumn; remembers this one.
uint32_t TileEncoder::find_same(uint32_t index) {
  const auto values = columns_[index].values;
  const std::string_view bytes(reinterpret_cast<const char*>(values.data()), values.size() * 8);
  const uint64_t hash = hash64(bytes, written_[index].presence);
  hashes_[index] = hash;
  const size_t mask = same_slots_.size() - 1;
  size_t slot = hash & mask;
  for (; same_slots_[slot] != kNoColumn; slot = (slot + 1) & mask) {
    const uint32_t other = same_slots_[slot];
    if (hashes_[other] == hash && written_[other].presence == written_[index].presence &&
        std::memcmp(columns_[other].values.data(), values.data(), bytes.size()) == 0) {
      return other;
    }
  }
  same_slots_[slot] = index;
  return kNoColumn;
}

void TileEncoder::encode_column(uint32_t index) {
  const auto& column = columns_[index];
  const auto values = column.values;
  auto& written = written_[index];
  written.presence = presence_of(column);
  written.offset = pieces_.size();
  piece_.clear();
  uint8_t flags = written.presence == kAllPresent ? 0 : kColumnPresence;
  const auto begin = [&](Form form) {
    written.form = form;
    piece_ += static_cast<char>(static_cast<uint8_t>(form) | flags);
    if ((flags & kColumnPresence) != 0) append_varint(piece_, written.presence);
    if ((flags & kColumnStats) != 0) append_stats(values, piece_);
  };

  // One value, in all rows: memory equal to itself a place further on.
  if (values.size() < 2 ||
      std::memcmp(values.data(), values.data() + 1, (values.size() - 1) * 8) == 0) {
    begin(Form::kConstant);
    append_value(piece_, values.empty() ? 0 : values[0]);
  } else if (const uint32_t same = find_same(index); same != kNoColumn) {
    flags = 0;  // all is as in the other column
    begin(Form::kSame);
    append_zigzag(piece_, int64_t{index} - int64_t{same});
    written.same_as = same;
    if (options_.families) enter_family(index, column.family);
  } else {
    choose_form(values);
    const bool in_family = options_.families && try_family(index, column.family);
    if (in_family) flags |= kColumnFamily;
    if (options_.stats) flags |= kColumnStats;
    if (!best_.exceptions.empty()) flags |= kColumnExceptions;
    begin(best_.scale.form);
    if (best_.scale.form == Form::kInteger) {
      if (in_family) append_zigzag(piece_, int64_t{index} - int64_t{family_column_});
    } else {
      append_varint(piece_, best_.scale.parameter);
    }
    if (!best_.exceptions.empty()) append_exceptions(best_.exceptions, piece_);
    append_integers(in_family ? trial_ : best_);
    if (options_.families) enter_family(index, column.family);
  }
  pieces_.append(piece_);
  written.length = piece_.size();
}

// Leaves the smallest way to write `values` in best_.
void TileEncoder::choose_form(std::span<const double> values) {
  best_.bytes = SIZE_MAX;
  const size_t few = values.size() / kFewExceptions;
  const size_t many = values.size() / kExceptionShare;
  const auto good = [&] { return best_.bytes != SIZE_MAX && best_.exceptions.size() <= few; };
  try_form(Scale{Form::kInteger, 0}, values, many);
  if (good()) return;
  try_form(find_decimal(values), values, many);
  if (good()) return;
  try_form(find_ratio(values), values, many);
  if (good()) return;
  try_form(find_bits(values), values, 0);
}

void TileEncoder::try_form(std::optional<Scale> scale, std::span<const double> values,
                           size_t max_exceptions) {
  if (!scale) return;
  trial_.scale = *scale;
  trial_.exceptions.clear();
  trial_.integers.resize(values.size());
  if (!to_integers(*scale, values, trial_.integers, trial_.exceptions, max_exceptions)) return;
  plan_integers(trial_);
  trial_.bytes += exceptions_size(trial_.exceptions);
  if (trial_.bytes < best_.bytes) std::swap(best_, trial_);
}

void TileEncoder::plan_integers(Candidate& candidate) {
  candidate.vectors.clear();
  candidate.bytes = 0;
  const std::span<const int64_t> all(candidate.integers);
  for (size_t at = 0; at < all.size(); at += size_t{1} << vector_shift_) {
    const auto part = all.subspan(at, std::min(all.size() - at, size_t{1} << vector_shift_));
    candidate.vectors.push_back(vectors_.plan(part));
    candidate.bytes += candidate.vectors.back().bytes;
  }
}

// The vectors, each but the last after its length.
void TileEncoder::append_integers(const Candidate& candidate) {
  const std::span<const int64_t> all(candidate.integers);
  for (size_t v = 0; v < candidate.vectors.size(); ++v) {
    const size_t at = v << vector_shift_;
    const auto part = all.subspan(at, std::min(all.size() - at, size_t{1} << vector_shift_));
    if (v + 1 == candidate.vectors.size()) {
      vectors_.encode(part, candidate.vectors[v], piece_);
    } else {
      vector_.clear();
      vectors_.encode(part, candidate.vectors[v], vector_);
      append_varint(piece_, vector_.size());
      piece_.append(vector_);
    }
  }
}

// Whether the column in best_ is smaller as what it adds to the bucket below it; trial_ then holds
// the difference.
bool TileEncoder::try_family(uint32_t index, FamilyHint hint) {
  if (hint.group == 0 || hint.group != family_group_ || family_column_ == kNoColumn ||
      best_.scale.form != Form::kInteger ||
      written_[family_column_].presence != written_[index].presence ||
      written_[family_column_].depth + 1u >= kMaxFamilyDepth) {
    return false;
  }
  trial_.integers.resize(best_.integers.size());
  for (size_t i = 0; i < trial_.integers.size(); ++i) {
    trial_.integers[i] = static_cast<int64_t>(static_cast<uint64_t>(best_.integers[i]) -
                                              static_cast<uint64_t>(family_integers_[i]));
  }
  plan_integers(trial_);
  if (trial_.bytes >= best_.bytes) return false;
  written_[index].depth = static_cast<uint16_t>(written_[family_column_].depth + 1);
  return true;
}

// Makes the column just written the one that the next bucket is taken from. Constant buckets never
// are: taking one away changes no difference.
void TileEncoder::enter_family(uint32_t index, FamilyHint hint) {
  if (hint.group == 0) return;
  if (hint.group != family_group_) family_column_ = kNoColumn;
  family_group_ = hint.group;
  const auto& written = written_[index];
  if (written.same_as == kNoColumn) {
    if (written.form != Form::kInteger) return;
    family_column_ = index;
    family_integers_ = best_.integers;
    return;
  }
  if (written.same_as == family_column_ || written_[written.same_as].form != Form::kInteger) return;
  family_column_ = written.same_as;
  family_integers_.resize(columns_[index].values.size());
  trial_.exceptions.clear();
  to_integers({Form::kInteger, 0}, columns_[index].values, family_integers_, trial_.exceptions,
              SIZE_MAX / 2);
}

}  // namespace

void encode_tile(std::span<const TimestampMs> timestamps, std::span<const ColumnInput> columns,
                 std::string& out, const TileOptions& options) {
  static thread_local TileEncoder encoder;
  encoder.encode(timestamps, columns, out, options);
}

}  // namespace strata::tsdb
