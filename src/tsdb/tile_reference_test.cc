// A decoder written from docs/formats/tile.md alone, one value and one bit at a time: the plain
// twin of tile_reader.cc and bitpack.cc, and the proof that the page says enough.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "model/sample.h"
#include "tsdb/tile.h"
#include "tsdb/tile_shapes.h"

namespace strata::tsdb {
namespace {

class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}
  bool done() const { return at_ == bytes_.size(); }
  unsigned byte() { return static_cast<unsigned char>(bytes_.at(at_++)); }
  uint64_t fixed(unsigned n) {
    uint64_t v = 0;
    for (unsigned i = 0; i < n; ++i) v |= uint64_t{byte()} << (8 * i);
    return v;
  }
  uint64_t varint() {
    uint64_t v = 0;
    for (unsigned shift = 0;; shift += 7) {
      const uint64_t b = byte();
      v |= (b & 127) << shift;
      if (b < 128) return v;
    }
  }
  static uint64_t unzigzag(uint64_t z) { return z % 2 == 0 ? z / 2 : ~(z / 2); }
  uint64_t zigzag() { return unzigzag(varint()); }
  std::string_view take(size_t n) {
    const auto out = bytes_.substr(at_, n);
    EXPECT_EQ(out.size(), n);
    at_ += n;
    return out;
  }
  std::string_view rest() const { return bytes_.substr(at_); }
  double value() {
    const unsigned tag = byte();
    const double inf = std::numeric_limits<double>::infinity();
    switch (tag) {
      case 0: return static_cast<double>(static_cast<int64_t>(zigzag()));
      case 1: return std::bit_cast<double>(uint64_t{0x7ff0000000000002});
      case 2: return std::bit_cast<double>(uint64_t{0x7ff8000000000001});
      case 3: return inf;
      case 4: return -inf;
      case 5: return -0.0;
      case 6: return std::bit_cast<double>(fixed(8));
      default: break;
    }
    const auto i = static_cast<double>(static_cast<int64_t>(zigzag()));
    return i / std::pow(10.0, static_cast<double>(tag - 16));
  }

 private:
  std::string_view bytes_;
  size_t at_ = 0;
};

uint64_t bit(std::string_view bytes, size_t i) {
  return static_cast<unsigned char>(bytes[i / 8]) >> (i % 8) & 1u;
}

std::vector<uint64_t> packed(Reader& in, size_t n, unsigned w) {
  const auto bytes = in.take((n * w + 7) / 8);
  std::vector<uint64_t> out(n);
  const size_t laned = w <= 32 ? n / 128 * 128 : 0;
  for (size_t i = 0; i < n; ++i) {
    for (size_t b = 0; b < w; ++b) {
      size_t at = i * w + b;
      if (i < laned) {
        const size_t in_lane = i % 128 / 4 * w + b;
        at = i / 128 * 128 * w + (in_lane / 32 * 4 + i % 4) * 32 + in_lane % 32;
      }
      out[i] |= bit(bytes, at) << b;
    }
  }
  return out;
}

std::vector<uint64_t> values(Reader& in, size_t n, unsigned w, bool patched) {
  auto out = packed(in, n, w);
  if (!patched) return out;
  size_t at = 0;
  for (uint64_t left = in.varint(); left > 0; --left) {
    at += in.varint();
    out.at(at++) |= in.varint() << w;
  }
  return out;
}

uint64_t bits_at(std::string_view bytes, size_t& at, unsigned n) {
  uint64_t out = 0;
  for (unsigned b = 0; b < n; ++b) out |= bit(bytes, at++) << b;
  return out;
}

std::vector<uint64_t> entropy_coded(Reader& in, size_t n) {
  const unsigned first = in.byte();
  const unsigned last = first + in.byte();
  const unsigned common = first + in.byte();
  std::vector<uint64_t> frequency(256);
  uint64_t left = 4096;
  size_t at = 0;
  for (unsigned t = first; t <= last; ++t) {
    if (t == common) continue;
    const auto width = static_cast<unsigned>(bits_at(in.rest(), at, 4));
    if (width == 0) continue;
    const unsigned kept = std::min(width - 1, 2u);
    frequency[t] = ((1u << kept) + bits_at(in.rest(), at, kept)) << (width - 1 - kept);
    left -= frequency[t];
  }
  frequency[common] = left;
  in.take((at + 7) / 8);
  size_t words = in.varint();
  uint64_t states[2] = {};
  for (uint64_t& state : states) state = in.fixed(4);
  std::vector<unsigned> tokens;
  for (size_t i = 0; i < n; ++i) {
    uint64_t& x = states[i % 2];
    unsigned t = 0;
    uint64_t start = 0;
    while (x % 4096 >= start + frequency[t]) start += frequency[t++];
    tokens.push_back(t);
    x = frequency[t] * (x / 4096) + x % 4096 - start;
    if (x < 65536 && words > 0) {
      x = x * 65536 + in.fixed(2);
      --words;
    }
  }
  EXPECT_EQ(words, 0u);
  EXPECT_EQ(states[0], 65536u);
  EXPECT_EQ(states[1], 65536u);
  std::vector<uint64_t> out;
  size_t extra = 0;
  for (const unsigned t : tokens) {
    const unsigned bits = t < 16 ? 0 : (t - 16) / 4 + 2;
    const uint64_t high = t < 16 ? t : uint64_t{4 + (t - 16) % 4} << bits;
    out.push_back(high + bits_at(in.rest(), extra, bits));
  }
  in.take((extra + 7) / 8);
  return out;
}

std::vector<uint64_t> residuals(Reader& in, size_t n, unsigned packing, unsigned w, bool patched) {
  if (packing == 3) return entropy_coded(in, n);
  if (packing == 0) return values(in, n, w, patched);
  std::vector<uint64_t> out(n);
  std::vector<size_t> places;
  if (packing == 1) {
    const auto bitmap = in.take((n + 7) / 8);
    for (size_t i = 0; i < n; ++i) {
      if (bit(bitmap, i) != 0) places.push_back(i);
    }
  } else {
    const unsigned gap_width = in.byte();
    const size_t count = in.varint();
    size_t at = 0;
    for (const uint64_t gap : packed(in, count, gap_width)) {
      at += gap;
      places.push_back(at++);
    }
  }
  const auto nonzero = values(in, places.size(), w, patched);
  for (size_t k = 0; k < places.size(); ++k) out.at(places[k]) = nonzero[k] + 1;
  return out;
}

void append_vector(Reader& in, size_t n, std::vector<uint64_t>& out) {
  const unsigned head = in.byte();
  const unsigned w = in.byte();
  const unsigned predictor = head & 3;
  const bool with_sign = (head & 16) != 0;
  std::vector<uint64_t> own;
  uint64_t delta = 0;
  if (predictor > 0) own.push_back(in.zigzag());
  if (predictor > 1) own.push_back(own[0] + (delta = in.zigzag()));
  const uint64_t g = (head & 32) != 0 ? in.varint() : 1;
  const bool entropy = (head >> 2 & 3) == 3;
  const uint64_t b = with_sign && !entropy ? 0 : in.zigzag();
  for (const uint64_t r : residuals(in, n - own.size(), head >> 2 & 3, w, (head & 64) != 0)) {
    const uint64_t d = (predictor == 0 ? b : b * g) + (with_sign ? Reader::unzigzag(r) : r) * g;
    if (predictor == 0) own.push_back(d);
    if (predictor == 1) own.push_back(own.back() + d);
    if (predictor == 2) own.push_back(own.back() + (delta += d));
  }
  out.insert(out.end(), own.begin(), own.end());
}

std::vector<uint64_t> integers(Reader& in, size_t n, size_t vector_rows) {
  std::vector<uint64_t> out;
  while (out.size() < n) {
    const size_t left = n - out.size();
    if (left > vector_rows) in.varint();
    append_vector(in, std::min(left, vector_rows), out);
  }
  return out;
}

struct Column {
  std::vector<bool> present;
  std::vector<double> values;
};

class ReferenceTile {
 public:
  explicit ReferenceTile(std::string_view bytes) {
    Reader in(bytes);
    const unsigned version = in.byte();
    EXPECT_TRUE(version == 1 || version == 2);
    vector_rows_ = size_t{1} << in.byte();
    rows_ = in.varint() + 1;
    const size_t columns = in.varint();
    const uint64_t first = in.zigzag();
    in.varint();
    const size_t times_size = in.varint();
    const size_t presences = in.varint();
    in.varint();
    const unsigned width = in.byte();
    Reader times_in(in.take(times_size));
    for (const uint64_t t : integers(times_in, rows_, vector_rows_)) {
      times.push_back(static_cast<TimestampMs>(t + first));
    }
    for (size_t i = 0; i < presences; ++i) {
      const size_t size = in.varint();
      presences_.push_back(presence(Reader(in.take(size))));
    }
    in.take(columns == 0 ? 0 : (columns - 1) / 16 * 4);
    std::vector<size_t> lengths;
    for (size_t i = 0; i < columns; ++i) lengths.push_back(in.fixed(width));
    for (const size_t length : lengths) columns_.push_back(in.take(length));
    EXPECT_TRUE(in.done());
  }

  Column column(size_t i) const {
    Column out;
    decode(i, out);
    return out;
  }

  std::vector<TimestampMs> times;

 private:
  std::vector<bool> presence(Reader in) const {
    std::vector<bool> out;
    if (in.byte() == 1) {
      const auto bytes = in.rest();
      for (size_t r = 0; r < rows_; ++r) out.push_back(bit(bytes, r) != 0);
      return out;
    }
    for (bool present = true; !in.done(); present = !present) {
      out.insert(out.end(), in.varint(), present);
    }
    return out;
  }

  // Returns the column's integers, and its samples in `out`.
  std::vector<uint64_t> decode(size_t i, Column& out) const {
    Reader in(columns_.at(i));
    const unsigned head = in.byte();
    const unsigned form = head & 15;
    out.present.assign(rows_, true);
    if ((head & 0x10) != 0) out.present = presences_.at(in.varint());
    const auto n = static_cast<size_t>(std::ranges::count(out.present, true));
    if ((head & 0x80) != 0) {
      for (int k = 0; k < 3; ++k) in.value();
    }
    const bool in_family = (head & 0x40) != 0;
    const size_t other = form == 1 || in_family ? i - in.zigzag() : 0;
    if (form == 1) return decode(other, out);
    if (form == 0) {
      out.values.assign(n, in.value());
      return {};
    }
    const uint64_t parameter = form == 2 ? 0 : in.varint();
    std::vector<std::pair<size_t, double>> exceptions;
    if ((head & 0x20) != 0) {
      size_t at = 0;
      for (uint64_t left = in.varint(); left > 0; --left) {
        at += in.varint();
        exceptions.emplace_back(at++, in.value());
      }
    }
    auto ints = integers(in, n, vector_rows_);
    EXPECT_TRUE(in.done());
    if (in_family) {
      Column ignored;
      const auto below_ints = decode(other, ignored);
      for (size_t k = 0; k < n; ++k) ints[k] += below_ints.at(k);
    }
    out.values.clear();
    for (const uint64_t integer : ints) out.values.push_back(to_double(form, parameter, integer));
    for (const auto& [at, v] : exceptions) out.values.at(at) = v;
    return ints;
  }

  static double to_double(unsigned form, uint64_t parameter, uint64_t integer) {
    const auto i = static_cast<double>(static_cast<int64_t>(integer));
    const auto n = static_cast<double>(parameter);
    switch (form) {
      case 2: return i;
      case 3: return i / std::pow(10.0, n);
      case 4: return i / n;
      case 5: return 1 - i / n;
      case 6: return i / n * 100;
      default: return std::bit_cast<double>(integer << parameter);
    }
  }

  size_t rows_ = 0;
  size_t vector_rows_ = 0;
  std::vector<std::vector<bool>> presences_;
  std::vector<std::string_view> columns_;
};

TEST(TileReference, ThePlainDecoderAgrees) {
  Random random(1);
  for (int round = 0; round < 60; ++round) {
    const size_t rows = 1 + below(random, round % 6 == 0 ? 1500 : 300);
    std::vector<TimestampMs> times;
    TimestampMs t = static_cast<TimestampMs>(below(random, 1'000'000));
    for (size_t r = 0; r < rows; ++r) {
      times.push_back(t += 1 + static_cast<TimestampMs>(below(random, 20'000)));
    }
    std::vector<std::vector<double>> all;
    std::vector<std::vector<uint64_t>> presences;
    for (int c = 0; c < 24; ++c) {
      auto column = shapes()[below(random, shapes().size())].make(rows, random);
      if (c % 8 == 5) {  // cumulative over the one before, as buckets are
        for (size_t r = 0; r < rows; ++r) {
          const bool both = std::abs(column[r]) < 1e15 && std::abs(all.back()[r]) < 1e15;
          column[r] = both ? std::floor(column[r]) + std::floor(all.back()[r]) : 1;
        }
      }
      all.push_back(std::move(column));
    }
    std::vector<std::vector<double>> present(all.size());
    std::vector<ColumnInput> inputs;
    for (size_t c = 0; c < all.size(); ++c) {
      auto& words = presences.emplace_back((rows + 63) / 64);
      const uint64_t one_in = 2 + below(random, 40);
      for (size_t r = 0; r < rows; ++r) {
        if (c % 3 == 0 && below(random, one_in) == 0) continue;
        words[r / 64] |= uint64_t{1} << (r % 64);
        present[c].push_back(all[c][r]);
      }
      inputs.push_back({present[c],
                        c % 3 == 0 ? words.data() : nullptr,
                        {static_cast<uint32_t>(1 + c / 8), static_cast<uint32_t>(c % 8)}});
    }
    std::string bytes;
    encode_tile(times, inputs, bytes, {.stats = round % 2 == 0, .cold = round % 3 == 1});
    const ReferenceTile reference(bytes);
    const auto tile = *TileView::open(bytes);
    EXPECT_EQ(reference.times, times);
    for (size_t c = 0; c < all.size(); ++c) {
      const auto expected = reference.column(c);
      SampleColumns got;
      ASSERT_TRUE(tile.column(c, {}, got).has_value());
      ASSERT_EQ(got.v.size(), expected.values.size()) << *tile.describe(c);
      for (size_t k = 0; k < got.v.size(); ++k) {
        ASSERT_EQ(std::bit_cast<uint64_t>(got.v[k]), std::bit_cast<uint64_t>(expected.values[k]))
            << *tile.describe(c) << ", value " << k;
      }
      std::vector<TimestampMs> expected_times;
      for (size_t r = 0; r < rows; ++r) {
        if (expected.present[r]) expected_times.push_back(times[r]);
      }
      ASSERT_EQ(got.t, expected_times);
    }
  }
}

// A tile of version 1, kept as bytes: what is on a disk somewhere has to stay readable.
TEST(TileReference, TheGoldenTileOfVersionOneIsRead) {
  static constexpr std::string_view kHex =
      "0109020480a0abfef962b1ea0107000001010100b0ea01020603021e02000514405500110a01040700043faad5"
      "aad5aad5aad57f06ffffffffffff0f005655555555550d20";
  std::string bytes;
  for (size_t i = 0; i < kHex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(std::string(kHex.substr(i, 2)), nullptr, 16));
  }
  const std::vector<TimestampMs> times = {1'700'000'000'000, 1'700'000'015'000, 1'700'000'030'001};
  const std::vector<std::vector<double>> expected = {
      {10, 20, 31}, {0.5, 0.5, 0.5}, {10, 20, 31}, {1.0 / 3, 2.0 / 3, stale_nan()}};
  const auto tile = TileView::open(bytes);
  ASSERT_TRUE(tile.has_value()) << tile.error().message;
  ASSERT_EQ(tile->columns(), expected.size());
  for (size_t c = 0; c < expected.size(); ++c) {
    SampleColumns got;
    ASSERT_TRUE(tile->column(c, {}, got).has_value());
    EXPECT_EQ(got.t, times);
    for (size_t k = 0; k < got.v.size(); ++k) {
      EXPECT_EQ(std::bit_cast<uint64_t>(got.v[k]), std::bit_cast<uint64_t>(expected[c][k]));
      EXPECT_EQ(std::bit_cast<uint64_t>(ReferenceTile(bytes).column(c).values[k]),
                std::bit_cast<uint64_t>(expected[c][k]));
    }
  }
}

}  // namespace
}  // namespace strata::tsdb
