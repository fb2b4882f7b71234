#include "wire/snappy_block.h"

#include <fmt/format.h>
#include <snappy.h>

namespace strata::wire {

Result<> snappy_decompress(std::string_view block, size_t limit, std::string& out) {
  size_t size = 0;
  if (!snappy::GetUncompressedLength(block.data(), block.size(), &size)) {
    return bad_data("snappy: the block has no length");
  }
  if (size > limit) {
    return fail(ErrorCode::kLimit,
                fmt::format("snappy: {} bytes decompressed; the limit is {}", size, limit));
  }
  // A copy of 64 bytes takes three: what claims more is made up, and not worth the memory.
  constexpr size_t kBestRatio = 22;
  if (size / kBestRatio > block.size()) return bad_data("snappy: the block is cut short");
  out.resize(size);
  if (!snappy::RawUncompress(block.data(), block.size(), out.data())) {
    return bad_data("snappy: the block is damaged");
  }
  return {};
}

void snappy_compress(std::string_view bytes, std::string& out) {
  snappy::Compress(bytes.data(), bytes.size(), &out);
}

}  // namespace strata::wire
