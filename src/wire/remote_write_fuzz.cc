// Whatever is read as a message of remote write says the same after it was written and read again.
#include "base/check.h"
#include "wire/remote_write.h"
#include "wire/snappy_block.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace strata;
  using namespace strata::wire;
  if (size == 0) return 0;
  const auto version = data[0] % 2 == 0 ? RemoteWriteVersion::k1 : RemoteWriteVersion::k2;
  std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  std::string decompressed;
  if (data[0] >= 128 && snappy_decompress(body, size_t{1} << 20, decompressed)) body = decompressed;
  const auto reader = RemoteWriteReader::open(body, version);
  if (!reader) return 0;
  RemoteSeries series;
  RemoteSeries again;
  for (size_t i = 0; i < reader->size(); ++i) {
    if (!reader->read(i, series)) continue;
    const auto labels = Labels::from(series.labels);
    RemoteWriteWriter writer(version);
    writer.add(labels, series.samples, series.histograms, {}, nullptr);
    std::string written;
    writer.finish(written);
    const auto second = RemoteWriteReader::open(written, version);
    CHECK(second && second->size() == 1 && second->read(0, again));
    CHECK(Labels::from(again.labels) == labels);
    CHECK(again.samples.size() == series.samples.size());
    CHECK(again.histograms.size() == series.histograms.size());
  }
  return 0;
}
