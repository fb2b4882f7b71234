// Sorted lists of series ids, and set operations on them.
//
// Every list is strictly ascending; so is every result. Functions are pure and thread-safe.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace strata::tsdb {

using Postings = std::vector<uint32_t>;
using PostingsView = std::span<const uint32_t>;

/// Ids in both. O(small * log(large / small)): gallops through the longer list.
Postings intersect(PostingsView a, PostingsView b);
/// Ids in all of `lists` (none: empty), shortest first.
Postings intersect(std::span<const PostingsView> lists);
/// Ids in either.
Postings unite(PostingsView a, PostingsView b);
/// Ids in any of `lists`.
Postings unite(std::span<const PostingsView> lists);
/// Ids in `a` that are not in `b`; gallops through the longer list.
Postings subtract(PostingsView a, PostingsView b);

/// Appends `ids` as runs of consecutive ids: for each, varint(ids left out since the last run) and
/// varint(length - 1). A list that follows the series' order is a few bytes.
void append_postings(PostingsView ids, std::string& out);
/// Appends the ids in `bytes`. Error: kCorruption when they are not strictly ascending or not below
/// `limit`, or when bytes are missing or left over.
Result<> read_postings(std::string_view bytes, uint32_t limit, Postings& out);

}  // namespace strata::tsdb
