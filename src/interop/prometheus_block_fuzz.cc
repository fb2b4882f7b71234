// A block of Prometheus made of arbitrary bytes with checksums that agree: it may be refused, but
// nothing that reads it may crash.
#include <cstdint>
#include <string>

#include "base/check.h"
#include "base/hash.h"
#include "base/temp_dir.h"
#include "interop/prometheus_block.h"
#include "interop/prometheus_bytes.h"

namespace strata::interop {
namespace {

void write(const std::string& path, std::string_view bytes) {
  auto file = real_fs().create(path);
  CHECK(file.has_value() && (*file)->append(bytes).has_value());
}

std::string section(std::string_view content) {
  std::string out;
  append_u32(out, static_cast<uint32_t>(content.size()));
  out += content;
  append_u32(out, crc32c(content));
  return out;
}

// The first three bytes say where the input is cut: symbols, one series, tombstones, chunks.
void make_block(const std::string& dir, std::string_view input) {
  const auto take = [&input](size_t n) {
    const auto out = input.substr(0, n);
    input.remove_prefix(out.size());
    return out;
  };
  const auto length = [&] { return input.empty() ? size_t{0} : static_cast<uint8_t>(take(1)[0]); };
  const size_t symbols_length = length(), series_length = length(), stones_length = length();
  std::string index;
  append_u32(index, kIndexMagic);
  index += static_cast<char>(kIndexVersion);
  index += section(take(symbols_length));
  index.append((kSeriesAlignment - index.size() % kSeriesAlignment) % kSeriesAlignment, '\0');
  const uint64_t series_at = index.size();
  const auto series = take(series_length);
  append_uvarint(index, series.size());
  index += series;
  append_u32(index, crc32c(series));
  std::string toc;
  for (const uint64_t offset : {uint64_t{kIndexHeader}, series_at, uint64_t{0}, uint64_t{0},
                                uint64_t{index.size()}, uint64_t{0}}) {
    append_u64(toc, offset);
  }
  append_u32(toc, crc32c(toc));
  write(dir + "/index", index + toc);

  std::string stones;
  append_u32(stones, kTombstonesMagic);
  stones += static_cast<char>(kTombstonesVersion);
  const auto content = take(stones_length);
  stones += content;
  append_u32(stones, crc32c(content));
  write(dir + "/tombstones", stones);

  // One chunk at byte 8, its checksum right.
  std::string chunks;
  append_u32(chunks, kChunksMagic);
  chunks += static_cast<char>(kChunksVersion);
  chunks.append(kChunksHeader - chunks.size(), '\0');
  append_uvarint(chunks, input.empty() ? 0 : input.size() - 1);
  chunks += input;
  append_u32(chunks, crc32c(input));
  write(dir + "/chunks/000001", chunks);
}

}  // namespace
}  // namespace strata::interop

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace strata;
  static const TempDir dir;
  static const bool made = real_fs().create_directories(dir.file("chunks")).has_value();
  CHECK(made);
  interop::make_block(dir.path(), {reinterpret_cast<const char*>(data), size});
  const auto block = interop::PrometheusBlock::open(real_fs(), dir.path());
  if (!block) return 0;
  SampleColumns samples;
  for (size_t i = 0; i < (*block)->series_count(); ++i) {
    (void)(*block)->labels(i);
    if (!(*block)->read(i, {}, samples)) continue;
    for (size_t k = 1; k < samples.size(); ++k) CHECK(samples.t[k - 1] < samples.t[k]);
  }
  return 0;
}
