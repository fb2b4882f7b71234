// Bytes of the head's files: frames, and every record that a frame may hold. What is decoded is
// encoded and decoded again, and must be the same.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "tsdb/frame.h"
#include "tsdb/series_log.h"
#include "tsdb/tile_store.h"
#include "tsdb/wal_record.h"

namespace strata::tsdb {
namespace {

bool same_bits(std::span<const double> a, std::span<const double> b) {
  const auto bits = [](double v) { return std::bit_cast<uint64_t>(v); };
  return std::ranges::equal(a, b, {}, bits, bits);
}

void scrape(std::string_view payload) {
  DecodedScrape decoded;
  if (!decode_scrape_record(payload, decoded)) return;
  std::vector<double> values;
  if (decoded.delta.empty()) {
    values = decoded.base.values;
  } else {
    if (!decoded.has_base) decoded.base.values.assign(std::min<size_t>(decoded.samples, 4096), 1.5);
    if (!decode_row_values(decoded.delta, decoded.base.values, values)) return;
  }
  std::string encoded;
  encode_values(encoded, decoded.base.values, values);
  std::string_view rest = encoded;
  std::vector<double> again;
  CHECK(decode_values(rest, decoded.base.values, again) && rest.empty());
  CHECK(same_bits(values, again));
  if (!decoded.has_base) return;
  std::string columns;
  encode_columns(columns, decoded.base.columns);
  rest = columns;
  std::vector<SeriesId> columns_again;
  CHECK(decode_columns(rest, decoded.base.columns.size(), columns_again));
  CHECK(columns_again == decoded.base.columns);
}

void timed(std::string_view payload) {
  std::vector<LoggedSample> samples;
  if (!decode_timed_record(payload, samples)) return;
  std::string encoded;
  encode_timed_record(encoded, samples);
  std::vector<LoggedSample> again;
  CHECK(decode_timed_record(encoded, again) && again.size() == samples.size());
  for (size_t i = 0; i < samples.size(); ++i) {
    CHECK(again[i].sample.series == samples[i].sample.series);
    CHECK(again[i].sample.t == samples[i].sample.t);
    CHECK(same_bits({&again[i].sample.v, 1}, {&samples[i].sample.v, 1}));
    CHECK(again[i].late == samples[i].late);
  }
}

void record(std::string_view payload) {
  scrape(payload);
  timed(payload);
  TileRecord tile;
  std::string_view rest = payload;
  if (decode_tile_record(rest, tile)) CHECK(rest.size() <= payload.size());
  SeriesLog::read_definition(payload, {.on_series =
                                           [](SeriesId, const Labels& labels) {
                                             CHECK(Labels::from_bytes(labels.bytes()).size() > 0);
                                           },
                                       .on_target = [](TargetId, std::string_view) {}});
}

}  // namespace
}  // namespace strata::tsdb

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace strata::tsdb;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  record(bytes);
  // The same bytes as a file: alone, and behind a whole frame.
  std::string file;
  const size_t begin = begin_frame(file);
  file += bytes;
  end_frame(file, begin, 0);
  for (const std::string& content : {std::string(bytes), file + std::string(bytes)}) {
    FrameReader reader(content);
    Frame frame;
    uint64_t whole = 0;
    while (reader.next(frame)) whole += frame.payload.size() + kFrameHeader;
    for (const FrameDamage& damage : reader.damage()) whole += damage.bytes;
    CHECK(whole == content.size());
  }
  return 0;
}
