// Two fuzzers in one: bytes read as a tile may be refused but never crash; values made from bytes
// must come back bit for bit.
#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "base/check.h"
#include "tsdb/byte_reader.h"
#include "tsdb/tile.h"

namespace strata::tsdb {
namespace {

constexpr size_t kMaxColumnsRead = 64;

void read_all(std::string_view bytes) {
  const auto tile = TileView::open(bytes);
  if (!tile) return;
  std::vector<TimestampMs> times;
  const bool has_times = tile->timestamps(times).has_value();
  TileScratch scratch;
  SampleColumns out;
  const TimeRange range = tile->time_range();
  const TimeRange part{range.min / 2 + range.max / 2, range.max};
  for (size_t i = 0; i < std::min(tile->columns(), kMaxColumnsRead); ++i) {
    out.clear();
    const bool whole = tile->column(i, {}, out, &scratch).has_value();
    CHECK(out.t.size() == out.v.size());
    CHECK(!whole || has_times);
    out.clear();
    (void)tile->column(i, part, out);
    Sample sample;
    (void)tile->last(i, {}, sample, &scratch);
    (void)tile->stats(i);
    (void)tile->describe(i);
  }
}

// Values of one column: the first byte says of what kind, the next bytes each make one.
std::vector<double> column_from(ByteReader& in, size_t n) {
  const unsigned kind = in.u8();
  const double scale = in.u8() + 1.0;
  std::vector<double> values;
  double last = 0;
  for (size_t i = 0; i < n; ++i) {
    switch (kind % 8) {
      case 0: last = std::bit_cast<double>(in.u64()); break;
      case 1: last += in.u8(); break;
      case 2: last = in.u8() / 10.0 * scale; break;
      case 3: last = in.u8() / scale; break;
      case 4: last = 1 - in.u8() / scale; break;
      case 5: last = static_cast<double>(static_cast<int64_t>(in.u64() >> (kind / 8))); break;
      case 6: last += in.u8() == 7 ? 1 : 0; break;
      default: {
        const unsigned byte = in.u8();
        last = byte > 250 ? std::bit_cast<double>(in.u64()) : byte * scale;
      }
    }
    values.push_back(last);
  }
  return values;
}

void round_trip(ByteReader in) {
  const size_t rows = 1 + (in.u8() | in.u8() << 8) % 1100;
  const size_t columns = in.u8() % 6;
  std::vector<TimestampMs> times;
  auto t = static_cast<TimestampMs>(in.u32());
  const unsigned jitter = in.u8();
  for (size_t r = 0; r < rows; ++r) {
    times.push_back(t += 1 + static_cast<TimestampMs>(jitter == 0 ? 15'000 : in.u8()));
  }
  std::vector<std::vector<uint64_t>> presences(columns);
  std::vector<std::vector<double>> values;
  std::vector<ColumnInput> inputs;
  for (size_t c = 0; c < columns; ++c) {
    auto& words = presences[c];
    const unsigned pattern = in.u8();
    words.assign((rows + 63) / 64, pattern % 2 == 0 ? ~uint64_t{0} : pattern * 0x0101010101010101u);
    if (pattern % 4 == 1) words[pattern / 4 % words.size()] = in.u64();
    size_t present = 0;
    for (size_t r = 0; r < rows; ++r) present += words[r / 64] >> (r % 64) & 1;
    values.push_back(column_from(in, present));
    const unsigned hint = in.u8();
    inputs.push_back({values[c],
                      present == rows && hint % 2 == 0 ? nullptr : words.data(),
                      {hint / 2 % 3, hint / 8}});
  }
  for (size_t c = 0; c < columns; ++c) inputs[c].values = values[c];
  std::string bytes;
  encode_tile(times, inputs, bytes, {.stats = jitter % 2 == 1, .cold = jitter % 4 >= 2});

  const auto tile = TileView::open(bytes);
  CHECK(tile.has_value());
  TileScratch scratch;
  SampleColumns out;
  for (size_t c = 0; c < columns; ++c) {
    out.clear();
    CHECK(tile->column(c, {}, out, c % 2 == 0 ? &scratch : nullptr).has_value());
    CHECK(out.v.size() == values[c].size());
    for (size_t k = 0; k < out.v.size(); ++k) {
      CHECK(std::bit_cast<uint64_t>(out.v[k]) == std::bit_cast<uint64_t>(values[c][k]));
    }
  }
  // What follows in the input damages the tile.
  for (int flips = 0; flips < 4 && in.left() >= 3; ++flips) {
    bytes[in.u32() % bytes.size()] ^= static_cast<char>(1 << flips);
  }
  read_all(bytes);
}

}  // namespace
}  // namespace strata::tsdb

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (size == 0) return 0;
  if (bytes[0] % 2 == 0) {
    strata::tsdb::read_all(bytes.substr(1));
  } else {
    strata::tsdb::round_trip(strata::tsdb::ByteReader(bytes.substr(1)));
  }
  return 0;
}
