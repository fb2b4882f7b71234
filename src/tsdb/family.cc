#include "tsdb/family.h"

#include <algorithm>
#include <unordered_map>

#include "base/number.h"

namespace strata::tsdb {
namespace {

constexpr std::string_view kBucketSuffix = "_bucket";
constexpr std::string_view kLe = "le";

struct Bucket {
  uint32_t series = 0;
  uint32_t group = 0;
  double le = 0;
};

// The labels without le, as the bytes that Labels would have for them.
std::string sibling_key(const Labels& labels) {
  std::string key;
  for (const auto& [name, value] : labels) {
    if (name == kLe) continue;
    key.append(name).append(1, '\0').append(value).append(1, '\0');
  }
  return key;
}

}  // namespace

std::vector<FamilyHint> histogram_families(std::span<const Labels> series) {
  std::vector<Bucket> buckets;
  std::unordered_map<std::string, uint32_t> groups;
  std::vector<uint32_t> sizes{0};
  for (uint32_t i = 0; i < series.size(); ++i) {
    if (!series[i].metric_name().ends_with(kBucketSuffix)) continue;
    const auto le = parse_double(series[i].get(kLe));
    if (!le || *le != *le) continue;
    const auto [group, added] =
        groups.try_emplace(sibling_key(series[i]), static_cast<uint32_t>(sizes.size()));
    if (added) sizes.push_back(0);
    ++sizes[group->second];
    buckets.push_back({i, group->second, *le});
  }
  std::ranges::sort(buckets, {},
                    [](const Bucket& b) { return std::tuple(b.group, b.le, b.series); });
  std::vector<FamilyHint> hints(series.size());
  for (uint32_t i = 0, position = 0; i < buckets.size(); ++i) {
    position = i > 0 && buckets[i].group == buckets[i - 1].group ? position + 1 : 0;
    if (sizes[buckets[i].group] < 2) continue;
    hints[buckets[i].series] = {buckets[i].group, position};
  }
  return hints;
}

}  // namespace strata::tsdb
