#include "tsdb/postings.h"

#include <algorithm>

#include "tsdb/byte_reader.h"

namespace strata::tsdb {
namespace {

// One list this many times longer than the other is galloped through rather than walked.
constexpr size_t kGallopRatio = 16;

// The first place at or after `from` whose id is not below `id`: doubling steps, then bisection.
size_t seek(PostingsView list, size_t from, uint32_t id) {
  size_t step = 1;
  size_t low = from;
  while (low + step < list.size() && list[low + step] < id) {
    low += step;
    step *= 2;
  }
  const auto end = list.begin() + static_cast<ptrdiff_t>(std::min(low + step + 1, list.size()));
  const auto at = std::lower_bound(list.begin() + static_cast<ptrdiff_t>(low), end, id);
  return static_cast<size_t>(at - list.begin());
}

}  // namespace

Postings intersect(PostingsView a, PostingsView b) {
  if (a.size() > b.size()) std::swap(a, b);
  Postings out;
  out.reserve(a.size());
  if (b.size() / kGallopRatio < a.size()) {
    std::ranges::set_intersection(a, b, std::back_inserter(out));
    return out;
  }
  size_t at = 0;
  for (const uint32_t id : a) {
    at = seek(b, at, id);
    if (at == b.size()) break;
    if (b[at] == id) out.push_back(id);
  }
  return out;
}

Postings intersect(std::span<const PostingsView> lists) {
  if (lists.empty()) return {};
  std::vector<PostingsView> sorted(lists.begin(), lists.end());
  std::ranges::sort(sorted, {}, &PostingsView::size);
  Postings out(sorted[0].begin(), sorted[0].end());
  for (size_t i = 1; i < sorted.size() && !out.empty(); ++i) out = intersect(out, sorted[i]);
  return out;
}

Postings unite(PostingsView a, PostingsView b) {
  Postings out;
  out.reserve(a.size() + b.size());
  std::ranges::set_union(a, b, std::back_inserter(out));
  return out;
}

Postings unite(std::span<const PostingsView> lists) {
  // Pairs of pairs: each id is copied once a level.
  std::vector<Postings> level;
  for (size_t i = 0; i < lists.size(); i += 2) {
    level.push_back(unite(lists[i], i + 1 < lists.size() ? lists[i + 1] : PostingsView()));
  }
  while (level.size() > 1) {
    size_t kept = 0;
    for (size_t i = 0; i < level.size(); i += 2) {
      level[kept++] = i + 1 < level.size() ? unite(level[i], level[i + 1]) : std::move(level[i]);
    }
    level.resize(kept);
  }
  return level.empty() ? Postings() : std::move(level[0]);
}

Postings subtract(PostingsView a, PostingsView b) {
  Postings out;
  out.reserve(a.size());
  if (b.size() / kGallopRatio < a.size() && a.size() / kGallopRatio < b.size()) {
    std::ranges::set_difference(a, b, std::back_inserter(out));
    return out;
  }
  if (a.size() <= b.size()) {
    size_t at = 0;
    for (const uint32_t id : a) {
      at = seek(b, at, id);
      if (at == b.size() || b[at] != id) out.push_back(id);
    }
    return out;
  }
  size_t at = 0;
  for (const uint32_t id : b) {
    const size_t next = seek(a, at, id);
    out.insert(out.end(), a.begin() + static_cast<ptrdiff_t>(at),
               a.begin() + static_cast<ptrdiff_t>(next));
    at = next < a.size() && a[next] == id ? next + 1 : next;
  }
  out.insert(out.end(), a.begin() + static_cast<ptrdiff_t>(at), a.end());
  return out;
}

void append_postings(PostingsView ids, std::string& out) {
  uint32_t next = 0;
  for (size_t i = 0; i < ids.size();) {
    size_t end = i + 1;
    while (end < ids.size() && ids[end] == ids[end - 1] + 1) ++end;
    append_varint(out, ids[i] - next);
    append_varint(out, end - i - 1);
    next = ids[end - 1] + 1;
    i = end;
  }
}

Result<> read_postings(std::string_view bytes, uint32_t limit, Postings& out) {
  ByteReader in(bytes);
  uint64_t next = 0;
  while (!in.done()) {
    const uint64_t begin = next + in.varint_up_to(limit);
    const uint64_t end = begin + in.varint_up_to(limit) + 1;
    if (!in.ok() || end > limit) return fail(ErrorCode::kCorruption, "damaged list of series");
    for (uint64_t id = begin; id < end; ++id) out.push_back(static_cast<uint32_t>(id));
    next = end;
  }
  return {};
}

}  // namespace strata::tsdb
