#include "tsdb/tile_reader.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace strata::tsdb {
namespace {

void add(std::span<int64_t> to, std::span<const int64_t> from) {
  for (size_t i = 0; i < to.size(); ++i) {
    to[i] = static_cast<int64_t>(static_cast<uint64_t>(to[i]) + static_cast<uint64_t>(from[i]));
  }
}

// Moves `in` past the exceptions and gives their bytes.
std::string_view skip_exceptions(ByteReader& in, uint32_t count) {
  const std::string_view from = in.rest();
  const uint64_t n = in.varint_up_to(count);
  for (uint64_t i = 0; i < n && in.ok(); ++i) {
    in.varint();
    read_value(in);
  }
  return from.substr(0, from.size() - in.left());
}

// Puts the exceptions that are among `places` into `out`, which holds those places.
bool patch_exceptions(std::string_view bytes, TileReader::Span places, uint32_t count,
                      double* out) {
  ByteReader in(bytes);
  const uint64_t n = in.varint();
  size_t next = 0;
  for (uint64_t i = 0; i < n; ++i) {
    next += in.varint_up_to(count);
    const double value = read_value(in);
    if (!in.ok() || next >= count) return false;
    if (next >= places.begin && next < places.end) out[next - places.begin] = value;
    ++next;
  }
  return in.done();
}

}  // namespace

ColumnHeader read_column_header(ByteReader& in, size_t index, size_t columns) {
  ColumnHeader header;
  const uint8_t byte = in.u8();
  header.has_presence = (byte & kColumnPresence) != 0;
  header.has_exceptions = (byte & kColumnExceptions) != 0;
  header.in_family = (byte & kColumnFamily) != 0;
  header.has_stats = (byte & kColumnStats) != 0;
  header.scale.form = static_cast<Form>(byte & kFormMask);
  if (header.has_presence) {
    header.presence = static_cast<uint32_t>(in.varint_up_to(kMaxTileColumns));
  }
  if (header.has_stats) {
    header.min = read_value(in);
    header.max = read_value(in);
    header.sum = read_value(in);
  }
  if (header.in_family && header.scale.form != Form::kInteger) in.fail();
  if (header.scale.form == Form::kSame || header.in_family) {
    const int64_t back = in.zigzag();
    const auto limit = static_cast<int64_t>(columns);
    const auto other = static_cast<int64_t>(index) - std::clamp(back, -limit, limit);
    if (other < 0 || other >= limit || back == 0) in.fail();
    header.other = static_cast<uint32_t>(other);
  }
  switch (header.scale.form) {
    case Form::kConstant: header.constant = read_value(in); break;
    case Form::kSame:
    case Form::kInteger: break;
    case Form::kDecimal: header.scale.parameter = in.varint_up_to(kMaxDecimals); break;
    case Form::kRatio:
    case Form::kComplement:
    case Form::kPercent: header.scale.parameter = in.varint(); break;
    case Form::kBits: header.scale.parameter = in.varint_up_to(63); break;
    default: in.fail();
  }
  return header;
}

void TileScratch::State::start(std::string_view tile) {
  if (tile.data() == bytes.data() && tile.size() == bytes.size() && !tile.empty()) return;
  bytes = tile;
  has_times = false;
  has_presence = false;
  family_size = 0;
  family_first = 1;
  family_last = 0;
}

size_t TileScratch::State::memory() const {
  size_t held = times.capacity() * sizeof(TimestampMs) + presence.capacity() * sizeof(uint64_t) +
                (integers.capacity() + addend.capacity()) * sizeof(int64_t);
  for (const auto& member : family) held += member.sums.capacity() * sizeof(int64_t);
  return held;
}

TileScratch::State& TileReader::state(TileScratch* scratch, std::string_view bytes) {
  static thread_local TileScratch forgetful;
  if (scratch == nullptr) forgetful.clear();
  auto& state = *(scratch == nullptr ? forgetful : *scratch).state_;
  state.start(bytes);
  return state;
}

size_t TileReader::column_length(size_t i) const {
  const size_t bases = (size_t{tile_.columns_} - 1) / kDirectoryGroup;
  const char* at = tile_.directory_.data() + bases * 4 + i * tile_.length_width_;
  const auto byte = [&](size_t k) -> size_t { return static_cast<unsigned char>(at[k]); };
  switch (tile_.length_width_) {
    case 1: return byte(0);
    case 2: return byte(0) | byte(1) << 8;
    case 3: return byte(0) | byte(1) << 8 | byte(2) << 16;
    default: return byte(0) | byte(1) << 8 | byte(2) << 16 | byte(3) << 24;
  }
}

size_t TileReader::column_offset(size_t i) const {
  const size_t group = i / kDirectoryGroup;
  size_t offset = 0;
  if (group > 0) {
    uint32_t base;
    std::memcpy(&base, tile_.directory_.data() + (group - 1) * 4, 4);
    offset = base;
  }
  for (size_t k = group * kDirectoryGroup; k < i; ++k) offset += column_length(k);
  return offset;
}

size_t TileReader::columns_end() const {
  if (tile_.columns_ == 0) return 0;
  const size_t last = tile_.columns_ - 1;
  return column_offset(last) + column_length(last);
}

std::string_view TileReader::column_bytes(size_t i) const {
  const size_t offset = column_offset(i);
  // A directory that lies gives a column without a header, which opens as corrupt.
  if (offset > tile_.data_.size()) return {};
  return tile_.data_.substr(offset, column_length(i));
}

// Vector v of a column; the vectors before it are skipped by their lengths.
bool TileReader::read_vector(const Column& column, size_t v, std::span<int64_t> out) const {
  ByteReader in = column.vectors;
  const size_t vectors = (column.count + vector_rows() - 1) / vector_rows();
  for (size_t skipped = 0; skipped < v; ++skipped) in.take(in.varint());
  if (v + 1 < vectors) in = ByteReader(in.take(in.varint()));
  return in.ok() && decode_vector(in, out) && in.ok() && in.done();
}

bool TileReader::read_times(std::vector<TimestampMs>& out) const {
  Column times;
  times.count = tile_.rows_;
  times.vectors = ByteReader(tile_.times_);
  out.resize(tile_.rows_);
  for (size_t at = 0; at < out.size(); at += vector_rows()) {
    const size_t n = std::min(vector_rows(), out.size() - at);
    if (!read_vector(times, at / vector_rows(), std::span(out).subspan(at, n))) return false;
  }
  const auto first = static_cast<uint64_t>(tile_.time_range_.min);
  for (auto& t : out) t = static_cast<TimestampMs>(static_cast<uint64_t>(t) + first);
  bool ascending = true;
  for (size_t i = 1; i < out.size(); ++i) ascending &= out[i] > out[i - 1];
  return ascending && out.front() == tile_.time_range_.min && out.back() == tile_.time_range_.max;
}

bool TileReader::load_times(TileScratch::State& state) const {
  if (!state.has_times) state.has_times = read_times(state.times);
  return state.has_times;
}

bool TileReader::read_presence(std::string_view bytes, std::vector<uint64_t>& words) const {
  words.assign((tile_.rows_ + 63) / 64, 0);
  ByteReader in(bytes);
  const uint8_t kind = in.u8();
  if (kind == static_cast<uint8_t>(PresenceKind::kBitmap)) {
    const auto bitmap = in.take((tile_.rows_ + 7) / 8);
    if (!in.ok() || !in.done()) return false;
    std::memcpy(words.data(), bitmap.data(), bitmap.size());
    return tile_.rows_ % 64 == 0 || words.back() >> (tile_.rows_ % 64) == 0;
  }
  if (kind != static_cast<uint8_t>(PresenceKind::kRuns)) return false;
  bool present = true;
  size_t row = 0;
  while (!in.done()) {
    const size_t run = in.varint_up_to(tile_.rows_ - row);
    if (present) {
      for (size_t k = row; k < row + run; ++k) words[k / 64] |= uint64_t{1} << (k % 64);
    }
    row += run;
    present = !present;
  }
  return in.ok() && row == tile_.rows_;
}

bool TileReader::load_presence(uint32_t id, TileScratch::State& state) const {
  if (state.has_presence && state.presence_id == id) return true;
  state.has_presence = false;
  if (id >= tile_.presence_count_) return false;
  ByteReader in(tile_.presences_);
  for (uint32_t skipped = 0; skipped < id && in.ok(); ++skipped) in.take(in.varint());
  const auto bytes = in.take(in.varint());
  if (!in.ok() || !read_presence(bytes, state.presence)) return false;
  state.presence_ranks.resize(state.presence.size());
  uint32_t count = 0;
  for (size_t w = 0; w < state.presence.size(); ++w) {
    state.presence_ranks[w] = count;
    count += static_cast<uint32_t>(std::popcount(state.presence[w]));
  }
  state.presence_count = count;
  state.presence_id = id;
  state.has_presence = true;
  return true;
}

bool TileReader::open_column(size_t i, TileScratch::State& state, Column& out) const {
  ByteReader in(column_bytes(i));
  out.header = read_column_header(in, i, tile_.columns_);
  if (!in.ok()) return false;
  if (out.header.scale.form == Form::kSame) {
    if (!in.done()) return false;
    i = out.header.other;
    in = ByteReader(column_bytes(i));
    out.header = read_column_header(in, i, tile_.columns_);
    if (!in.ok() || out.header.scale.form == Form::kSame) return false;
  }
  out.index = static_cast<uint32_t>(i);
  out.count = tile_.rows_;
  out.presence = {};
  if (out.header.has_presence) {
    if (!load_presence(out.header.presence, state)) return false;
    out.count = state.presence_count;
    out.presence = state.presence;
  }
  out.exceptions = {};
  if (out.header.has_exceptions) {
    if (out.header.scale.form == Form::kConstant) return false;
    out.exceptions = skip_exceptions(in, out.count);
  }
  out.vectors = in;
  return in.ok() && in.done() == (out.header.scale.form == Form::kConstant);
}

TileReader::Span TileReader::rows_in(TimeRange range, const TileScratch::State& state) const {
  const auto& times = state.times;
  if (range.min <= times.front() && range.max >= times.back()) return {0, times.size()};
  const auto begin = std::ranges::lower_bound(times, range.min);
  const auto end = std::ranges::upper_bound(begin, times.end(), range.max);
  return {static_cast<size_t>(begin - times.begin()), static_cast<size_t>(end - times.begin())};
}

TileReader::Span TileReader::places_in(Span rows, const Column& column,
                                       const TileScratch::State& state) const {
  if (column.presence.empty()) return rows;
  const auto rank = [&](size_t row) -> size_t {
    if (row == tile_.rows_) return column.count;
    const uint64_t below = column.presence[row / 64] & ((uint64_t{1} << (row % 64)) - 1);
    return state.presence_ranks[row / 64] + static_cast<size_t>(std::popcount(below));
  };
  return {rank(rows.begin), rank(rows.end)};
}

// Fills state.chain with the column and those that it adds to, down to the family's first or to one
// whose sums are remembered; the family is then cut to that one.
bool TileReader::open_chain(const Column& column, TileScratch::State& state) const {
  state.chain.clear();
  state.chain.push_back(column);
  size_t known = 0;
  while (state.chain.back().header.in_family) {
    const Column& above = state.chain.back();
    const uint32_t other = above.header.other;
    known = state.family_size;
    while (known > 0 && state.family[known - 1].column != other) --known;
    if (known > 0 && state.family[known - 1].sums.size() != column.count) return false;
    if (known > 0) break;
    if (state.chain.size() > kMaxFamilyDepth) return false;
    Column below;
    if (!open_column(other, state, below) || below.index != other ||
        below.header.scale.form != Form::kInteger || below.count != column.count ||
        below.header.has_presence != column.header.has_presence ||
        below.header.presence != column.header.presence) {
      return false;
    }
    state.chain.push_back(below);
  }
  state.family_size = known;
  return true;
}

// Decodes state.chain from the bottom and remembers the sums.
bool TileReader::extend_family(TileScratch::State& state) const {
  for (; !state.chain.empty(); state.chain.pop_back()) {
    const Column& column = state.chain.back();
    if (state.family.size() == state.family_size) state.family.emplace_back();
    auto& member = state.family[state.family_size];
    member.column = column.index;
    member.sums.resize(column.count);
    // The range may be that of a longer column's family.
    for (size_t v = state.family_first; v <= state.family_last; ++v) {
      const size_t at = v * vector_rows();
      if (at >= column.count) break;
      const size_t n = std::min(vector_rows(), column.count - at);
      const auto part = std::span(member.sums).subspan(at, n);
      if (!read_vector(column, v, part)) return false;
      if (state.family_size > 0) {
        add(part, std::span(state.family[state.family_size - 1].sums).subspan(at, n));
      }
    }
    ++state.family_size;
  }
  return true;
}

bool TileReader::read_values(const Column& column, Span places, bool remember,
                             TileScratch::State& state, double* out) const {
  const auto& header = column.header;
  if (header.scale.form == Form::kConstant) {
    std::fill_n(out, places.end - places.begin, header.constant);
    return true;
  }
  const size_t rows = vector_rows();
  const size_t first = places.begin / rows;
  const size_t last = (places.end - 1) / rows;
  const int64_t* sums = nullptr;
  if (header.in_family) {
    // Sums are remembered for the vectors that are asked for, again and again the same ones.
    if (first < state.family_first || last > state.family_last) {
      state.family_size = 0;
      state.family_first = first;
      state.family_last = last;
    }
    size_t known = state.family_size;
    while (known > 0 && state.family[known - 1].column != column.index) --known;
    if (known > 0) {
      sums = state.family[known - 1].sums.data();
    } else {
      if (!open_chain(column, state)) return false;
      if (remember) {
        if (!extend_family(state)) {
          state.family_size = 0;
          return false;
        }
        sums = state.family[state.family_size - 1].sums.data();
      }
    }
  }
  state.integers.resize(rows);
  state.addend.resize(rows);
  for (size_t v = first; v <= last; ++v) {
    const size_t at = v * rows;
    const size_t n = std::min(rows, column.count - at);
    std::span<const int64_t> integers;
    if (sums != nullptr) {
      integers = {sums + at, n};
    } else {
      const std::span decoded(state.integers.data(), n);
      if (!read_vector(column, v, decoded)) return false;
      if (header.in_family) {
        const std::span below(state.addend.data(), n);
        for (size_t k = 1; k < state.chain.size(); ++k) {
          if (!read_vector(state.chain[k], v, below)) return false;
          add(decoded, below);
        }
        if (state.family_size > 0) {
          add(decoded, std::span(state.family[state.family_size - 1].sums).subspan(at, n));
        }
      }
      integers = decoded;
    }
    const size_t from = std::max(places.begin, at) - at;
    const size_t to = std::min(places.end, at + n) - at;
    to_doubles(header.scale, integers.subspan(from, to - from), out + (at + from - places.begin));
  }
  return column.exceptions.empty() ||
         patch_exceptions(column.exceptions, places, column.count, out);
}

}  // namespace strata::tsdb
