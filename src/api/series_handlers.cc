// /api/v1/labels, label/<name>/values, series.
#include <set>

#include "api/api.h"
#include "api/handlers.h"
#include "base/json.h"

namespace strata::api {
namespace {

// The union over the selectors (or one call for everything when there are none), cut at the limit.
template <class Find>
Result<net::HttpResponse> names(Call& call, const Find& find) {
  const auto limit = TRY(call.limit());
  const auto range = TRY(call.range());
  const auto selectors = TRY(call.selectors());
  std::vector<std::string> found;
  if (selectors.empty()) {
    found = TRY(find(std::span<const Matcher>(), range));
  } else {
    std::set<std::string> merged;
    for (const auto& matchers : selectors) {
      for (auto& name : TRY(find(std::span<const Matcher>(matchers), range))) {
        merged.insert(std::move(name));
      }
    }
    found.assign(merged.begin(), merged.end());
  }
  if (limit > 0 && found.size() > limit) {
    found.resize(limit);
    call.warnings.emplace_back("results truncated due to limit");
  }
  std::string data;
  JsonWriter json(data);
  json.begin_array();
  for (const auto& name : found) json.string(name);
  json.end_array();
  return success(call, data);
}

// Prometheus' escape for names that are not classic in a URL path: U__ and _<hex>_ for a code
// point, __ for an underscore. Text that is not such an escape is returned as it is.
std::string unescape_name(std::string_view name) {
  if (!name.starts_with("U__")) return std::string(name);
  std::string out;
  for (size_t i = 3; i < name.size(); ++i) {
    if (name[i] != '_') {
      out += name[i];
      continue;
    }
    if (i + 1 < name.size() && name[i + 1] == '_') {
      out += '_';
      ++i;
      continue;
    }
    uint32_t code = 0;
    size_t digits = 0;
    size_t at = i + 1;
    for (; at < name.size() && digits < 7; ++at, ++digits) {
      const char c = name[at];
      const int digit = c >= '0' && c <= '9'   ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
      if (digit < 0) break;
      code = code * 16 + static_cast<uint32_t>(digit);
    }
    if (digits == 0 || at >= name.size() || name[at] != '_' || code > 0x10ffff) {
      return std::string(name);
    }
    const auto put = [&](uint32_t byte) { out += static_cast<char>(byte); };
    if (code < 0x80) {
      put(code);
    } else if (code < 0x800) {
      put(0xc0 | code >> 6), put(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
      put(0xe0 | code >> 12), put(0x80 | (code >> 6 & 0x3f)), put(0x80 | (code & 0x3f));
    } else {
      put(0xf0 | code >> 18), put(0x80 | (code >> 12 & 0x3f));
      put(0x80 | (code >> 6 & 0x3f)), put(0x80 | (code & 0x3f));
    }
    i = at;
  }
  return out;
}

}  // namespace

Result<net::HttpResponse> label_names(const Services& services, Call& call) {
  return names(call, [&](std::span<const Matcher> matchers, TimeRange range) {
    return services.source.label_names(matchers, range);
  });
}

Result<net::HttpResponse> label_values(const Services& services, Call& call) {
  const std::string name = unescape_name(call.path_parameter);
  return names(call, [&](std::span<const Matcher> matchers, TimeRange range) {
    return services.source.label_values(name, matchers, range);
  });
}

Result<net::HttpResponse> series(const Services& services, Call& call) {
  const auto limit = TRY(call.limit());
  const auto range = TRY(call.range());
  const auto selectors = TRY(call.selectors());
  if (selectors.empty()) return bad_data("no match[] parameter provided");
  std::set<Labels> found;
  for (const auto& matchers : selectors) {
    const auto set = TRY(services.source.select(matchers, range, 0));
    for (size_t i = 0; i < set->size(); ++i) found.insert(set->labels(i));
  }
  std::string data;
  JsonWriter json(data);
  json.begin_array();
  size_t written = 0;
  for (const auto& labels : found) {
    if (limit > 0 && written++ == limit) {
      call.warnings.emplace_back("results truncated due to limit");
      break;
    }
    json.begin_object();
    for (const auto& label : labels) json.key(label.name).string(label.value);
    json.end_object();
  }
  json.end_array();
  return success(call, data);
}

}  // namespace strata::api
