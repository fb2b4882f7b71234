// /api/v1/labels, label/<name>/values, series.
#include <set>

#include "api/api.h"
#include "api/escaped_name.h"
#include "api/handlers.h"
#include "base/json.h"
#include "base/utf8.h"
#include "wire/query_json.h"

namespace strata::api {
namespace {

// Cuts what is beyond the request's limit and says so.
template <class T>
void cut(Call& call, std::vector<T>& found, size_t limit) {
  if (limit == 0 || found.size() <= limit) return;
  found.resize(limit);
  call.warnings.emplace_back("results truncated due to limit");
}

// The union over the selectors (or one call for everything when there are none).
template <class Find>
Result<Reply> names(Call& call, const Find& find) {
  const auto limit = TRY(call.limit());
  const auto range = TRY(call.range());
  const auto selectors = TRY(call.selectors());
  std::vector<std::string> found;
  if (selectors.empty()) found = TRY(find(std::span<const Matcher>(), range));
  for (const auto& matchers : selectors) {
    auto more = TRY(find(std::span<const Matcher>(matchers), range));
    std::ranges::move(more, std::back_inserter(found));
  }
  if (selectors.size() > 1) {
    std::ranges::sort(found);
    found.erase(std::ranges::unique(found).begin(), found.end());
  }
  cut(call, found, limit);
  const size_t count = found.size();
  return array_reply(call, count, [found = std::move(found)](size_t i, std::string& out) {
    append_json_string(out, found[i]);
  });
}

}  // namespace

Result<Reply> label_names(const Services& services, Call& call) {
  return names(call, [&](std::span<const Matcher> matchers, TimeRange range) {
    return services.source.label_names(matchers, range);
  });
}

Result<Reply> label_values(const Services& services, Call& call) {
  const std::string name = unescape_name(call.path_parameter);
  if (name.empty() || !is_utf8(name)) {
    return bad_data(fmt::format("invalid label name: \"{}\"", name));
  }
  return names(call, [&](std::span<const Matcher> matchers, TimeRange range) {
    return services.source.label_values(name, matchers, range);
  });
}

Result<Reply> series(const Services& services, Call& call) {
  const auto limit = TRY(call.limit());
  const auto range = TRY(call.range());
  const auto selectors = TRY(call.selectors());
  if (selectors.empty()) return bad_data("no match[] parameter provided");
  std::vector<Labels> found;
  for (const auto& matchers : selectors) {
    const auto set = TRY(services.source.select(matchers, range, 0));
    for (size_t i = 0; i < set->size(); ++i) found.push_back(set->labels(i));
  }
  std::ranges::sort(found);
  found.erase(std::ranges::unique(found).begin(), found.end());
  cut(call, found, limit);
  const size_t count = found.size();
  return array_reply(call, count, [found = std::move(found)](size_t i, std::string& out) {
    wire::append_labels_json(out, found[i]);
  });
}

}  // namespace strata::api
