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
#include "tsdb/wal_record_v1.h"

namespace strata::tsdb {
namespace {

bool same_bits(std::span<const double> a, std::span<const double> b) {
  const auto bits = [](double v) { return std::bit_cast<uint64_t>(v); };
  return std::ranges::equal(a, b, {}, bits, bits);
}

/// A row that decodes is coded anew under the plan that fits it, and must be the same.
void row(std::string_view coded, std::span<const double> base, std::span<const ColumnPlan> plan) {
  std::vector<double> values;
  if (!decode_row(coded, base, plan, values)) return;
  const std::vector<ColumnPlan> fitting = plan_columns(values, nullptr);
  for (const auto& used : {plan, std::span<const ColumnPlan>(fitting)}) {
    std::string encoded;
    encode_row(encoded, base, used, values);
    std::vector<double> again;
    CHECK(decode_row(encoded, base, used, again));
    CHECK(same_bits(values, again));
  }
}

void scrape(std::string_view payload) {
  const auto record = read_scrape_record(payload);
  if (!record) return;
  RowBase before{.id = record->base_id - 1, .layout = {}, .values = {}, .plan = {}};
  before.values.assign(std::min<size_t>(record->samples, 4096), 1.5);
  before.plan.assign(before.values.size(), ColumnPlan{1, false});
  before.layout = std::make_shared<const Layout>(std::vector<SeriesId>(before.values.size()));
  row(record->row, before.values, before.plan);
  if (record->coded_base.empty()) return;
  const auto base = decode_base(*record, &before);
  if (!base) return;
  row(record->row, (*base)->values, (*base)->plan);
  std::string encoded;
  encode_base(encoded, **base, nullptr);
  std::string record_again;
  encode_base_record(record_again, record->target, encoded);
  const auto again = decode_base(read_scrape_record(record_again).value(), nullptr);
  CHECK(again && same_bits((*again)->values, (*base)->values) && (*again)->plan == (*base)->plan);
  CHECK(std::ranges::equal((*again)->layout->columns(), (*base)->layout->columns()));
}

void scrape_v1(std::string_view payload) {
  v1::DecodedScrape decoded;
  if (!v1::decode_scrape_record(payload, decoded) || decoded.delta.empty()) return;
  if (!decoded.has_base) decoded.base.values.assign(std::min<size_t>(decoded.samples, 4096), 1.5);
  std::vector<double> values;
  (void)v1::decode_row_values(decoded.delta, decoded.base.values, values);
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
  scrape_v1(payload);
  timed(payload);
  TileRecord tile;
  std::string_view rest = payload;
  if (decode_tile_record(rest, tile)) CHECK(rest.size() <= payload.size());
  SeriesLog::read_definition(payload,
                             {.on_series =
                                  [](SeriesId, std::string_view labels) {
                                    CHECK(Labels::from_bytes(std::string(labels)).size() > 0);
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
