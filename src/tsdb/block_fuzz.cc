// A block's index made of arbitrary sections, with checksums that agree: it may be refused, but
// nothing read through it may crash.
#include <cstdint>
#include <string>

#include "base/check.h"
#include "base/hash.h"
#include "tsdb/block_index.h"
#include "tsdb/byte_reader.h"

namespace strata::tsdb {
namespace {

// Cuts the input into sections and writes the file around them.
std::string index_of(std::string_view input) {
  ByteReader in(input);
  std::string out(kIndexMagic);
  append_fixed(out, kBlockVersion);
  append_fixed(out, uint32_t{0});
  std::string table;
  for (uint32_t s = 0; s < kSections; ++s) {
    const size_t wanted = in.u8() | in.u8() << 8;
    const auto section = s + 1 == kSections ? in.rest() : in.take(std::min(wanted, in.left()));
    append_fixed(table, s);
    append_fixed(table, crc32c(section));
    append_fixed(table, static_cast<uint64_t>(out.size()));
    append_fixed(table, static_cast<uint64_t>(section.size()));
    out.append(section);
  }
  append_fixed(table, static_cast<uint32_t>(kSections));
  const uint32_t crc = crc32c(table, crc32c(std::string_view(out).substr(0, kFileHeaderBytes)));
  out.append(table);
  append_fixed(out, crc);
  out.append(kIndexEndMagic);
  return out;
}

void use(const IndexView& index) {
  (void)index.meta();
  Postings ids;
  std::vector<IndexView::SeriesLabel> labels;
  std::vector<TilePlace> places;
  for (uint32_t i = 0; i < index.name_count(); ++i) {
    const auto name = index.name(i);
    (void)index.find_name(index.symbol(name.symbol));
    for (uint32_t v = name.first_value; v < name.first_value + name.values; ++v) {
      (void)index.find_value(name, index.symbol(index.value(v).symbol));
      ids.clear();
      (void)index.postings(v, ids);
      for (const uint32_t id : ids) CHECK(id < index.series_count());
    }
  }
  for (uint32_t s = 0; s < std::min(index.series_count(), 1000u); ++s) {
    if (index.series_labels(s, labels)) {
      for (const auto& label : labels) CHECK(label.name < index.name_count());
    }
    if (index.series_places(s, places)) {
      for (const auto& place : places) (void)index.tile(place.tile);
    }
  }
}

}  // namespace
}  // namespace strata::tsdb

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  (void)strata::tsdb::IndexView::open(input);
  const auto bytes = strata::tsdb::index_of(input);
  if (const auto index = strata::tsdb::IndexView::open(bytes)) strata::tsdb::use(*index);
  return 0;
}
