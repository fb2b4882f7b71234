// Snappy's block format: what bodies of remote write and remote read are compressed with.
// Pure functions.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace strata::wire {

/// Replaces `out`, whose memory is used again. Errors: kLimit when more than `limit` bytes would
/// come out (looked up before anything is allocated), kBadData for bytes that are no such block.
Result<> snappy_decompress(std::string_view block, size_t limit, std::string& out);

/// Replaces `out`.
void snappy_compress(std::string_view bytes, std::string& out);

}  // namespace strata::wire
