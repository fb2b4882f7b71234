// /api/v1/search/*: names and values that fit what was typed, best or in order, as lines of JSON
// (web/api/v1/search.go): batches of results, then a line that says whether there were more.
#include <set>

#include "api/api.h"
#include "api/handlers.h"
#include "api/search_score.h"
#include "base/json.h"
#include "base/number.h"

namespace strata::api {
namespace {

constexpr size_t kDefaultLimit = 100;
constexpr size_t kMaxLimit = 10'000;
constexpr size_t kMaxTerms = 32;
constexpr size_t kCheckEvery = 4096;  // values between looks at the stop token

enum class Order : uint8_t { kNames, kNamesDown, kScores };

struct Search {
  std::vector<std::vector<Matcher>> selectors;
  TimeRange range;
  std::vector<std::string> terms;
  SearchFilter::Algorithm algorithm = SearchFilter::Algorithm::kSubsequence;
  double threshold = 0;
  bool case_sensitive = true;
  Order order = Order::kNames;
  bool include_score = false;
  size_t limit = kDefaultLimit;
  size_t batch = kDefaultLimit;
};

struct Found {
  std::string name;
  double score = 0;
};

Result<size_t> count(const Call& call, std::string_view name) {
  const auto text = call.parameter(name);
  if (text.empty()) return kDefaultLimit;
  const auto value = parse_uint(text);
  if (!value || *value == 0) {
    return bad_data(fmt::format("invalid {} \"{}\": must be a positive integer", name, text));
  }
  return static_cast<size_t>(*value);
}

Result<Order> read_order(const Call& call, bool has_terms) {
  const auto by = call.parameter("sort_by");
  const auto direction = call.parameter("sort_dir");
  if (!by.empty() && by != "alpha" && by != "score") {
    return bad_data(fmt::format("invalid sort_by \"{}\": must be \"alpha\" or \"score\"", by));
  }
  if (!direction.empty() && by.empty()) {
    return bad_data("sort_dir is only valid when sort_by is set");
  }
  if (!direction.empty() && by == "score") {
    return bad_data("sort_dir is not supported for sort_by=score");
  }
  if (!direction.empty() && direction != "asc" && direction != "dsc") {
    return bad_data(fmt::format("invalid sort_dir \"{}\": must be \"asc\" or \"dsc\"", direction));
  }
  if (by == "score" && !has_terms) return bad_data("sort_by=score requires search[] to be set");
  if (by == "score") return Order::kScores;
  return direction == "dsc" ? Order::kNamesDown : Order::kNames;
}

Result<> read_fuzziness(const Call& call, Search& search) {
  if (const auto text = call.parameter("fuzz_threshold"); !text.empty()) {
    const auto value = parse_uint(text);
    if (!value || *value > 100) {
      return bad_data(fmt::format("invalid fuzz_threshold \"{}\": must be 0-100", text));
    }
    search.threshold = static_cast<double>(*value) / 100;
  }
  const auto algorithm = call.parameter("fuzz_alg");
  if (algorithm == "jarowinkler") {
    search.algorithm = SearchFilter::Algorithm::kJaroWinkler;
  } else if (!algorithm.empty() && algorithm != "subsequence") {
    return bad_data(fmt::format(
        "unsupported fuzz_alg \"{}\": must be one of [subsequence jarowinkler]", algorithm));
  }
  return {};
}

Result<Search> read_search(const Services& services, const Call& call) {
  Search search;
  const auto now = services.clock.now_ms();
  search.range.min = TRY(call.time_or("start", now - 3'600'000));
  search.range.max = TRY(call.time_or("end", now));
  if (search.range.max < search.range.min) {
    return bad_data("end timestamp must not be before start timestamp");
  }
  search.selectors = TRY(call.selectors());
  for (const auto term : call.parameters("search[]")) search.terms.emplace_back(term);
  if (search.terms.size() > kMaxTerms) {
    return bad_data(fmt::format("too many search[] terms: got {}, maximum is {}",
                                search.terms.size(), kMaxTerms));
  }
  TRY(read_fuzziness(call, search));
  search.case_sensitive = TRY(call.boolean("case_sensitive", true));
  search.include_score = TRY(call.boolean("include_score", false));
  search.order = TRY(read_order(call, !search.terms.empty()));
  search.limit = TRY(count(call, "limit"));
  if (search.limit > kMaxLimit) {
    return bad_data(fmt::format("limit {} exceeds the maximum of {}", search.limit, kMaxLimit));
  }
  search.batch = TRY(count(call, "batch_size"));
  return search;
}

// The union over the selectors of what `find` gives, scored, in order; one more than the limit.
template <class Find>
Result<std::vector<Found>> run(const Search& search, const Call& call, const Find& find) {
  std::vector<std::string> names;
  if (search.selectors.empty()) names = TRY(find(std::span<const Matcher>()));
  for (const auto& matchers : search.selectors) {
    auto more = TRY(find(std::span<const Matcher>(matchers)));
    std::ranges::move(more, std::back_inserter(names));
  }
  std::ranges::sort(names);
  names.erase(std::ranges::unique(names).begin(), names.end());

  SearchFilter filter(search.terms, search.algorithm, search.threshold, search.case_sensitive);
  std::vector<Found> found;
  size_t looked = 0;
  for (auto& name : names) {
    if (++looked % kCheckEvery == 0 && call.stop().stop_requested()) {
      return fail(ErrorCode::kCanceled, "the client left");
    }
    if (const auto score = filter.score(name)) found.push_back({std::move(name), *score});
  }
  if (search.order == Order::kNamesDown) std::ranges::reverse(found);
  if (search.order == Order::kScores) {
    std::ranges::stable_sort(found, std::greater(), &Found::score);
  }
  if (found.size() > search.limit) found.resize(search.limit + 1);
  return found;
}

// `{"results":[…]}` for each batch, at least one, then the trailer. `field` writes what a result
// has besides its name and score.
Reply lines(const Search& search, std::vector<Found> found, std::string_view key,
            const std::function<void(JsonWriter&, const Found&)>& field = {}) {
  const bool more = found.size() > search.limit;
  if (more) found.resize(search.limit);
  net::HttpResponse response;
  response.headers.set("Content-Type", "application/x-ndjson; charset=utf-8");
  auto& out = response.body;
  for (size_t at = 0; at == 0 || at < found.size(); at += search.batch) {
    JsonWriter json(out);
    json.begin_object().key("results").begin_array();
    for (size_t i = at; i < std::min(found.size(), at + search.batch); ++i) {
      json.begin_object().key(key).string(found[i].name);
      if (search.include_score) json.key("score").number(found[i].score);
      if (field) field(json, found[i]);
      json.end_object();
    }
    json.end_array().end_object();
    out += '\n';
  }
  out += fmt::format("{{\"status\":\"success\",\"has_more\":{}}}\n", more);
  return response;
}

// What any target says of each family; the first to say it counts.
std::map<std::string, Metadata, std::less<>> known_metadata(const Services& services) {
  std::map<std::string, Metadata, std::less<>> known;
  for (const auto& job : services.scrape.status()) {
    for (const auto& status : job.active) {
      known.insert(status.metadata->begin(), status.metadata->end());
    }
  }
  return known;
}

}  // namespace

Result<Reply> search_metric_names(const Services& services, Call& call) {
  const auto search = TRY(read_search(services, call));
  const bool include_metadata = TRY(call.boolean("include_metadata", false));
  auto found = TRY(run(search, call, [&](std::span<const Matcher> matchers) {
    return services.source.label_values(kMetricName, matchers, search.range);
  }));
  if (!include_metadata || found.empty()) return lines(search, std::move(found), "name");
  const auto known = known_metadata(services);
  return lines(search, std::move(found), "name", [&](JsonWriter& json, const Found& one) {
    const auto about = known.find(one.name);
    if (about == known.end()) return;
    json.key("type").string(to_string(about->second.type));
    if (!about->second.help.empty()) json.key("help").string(about->second.help);
    if (!about->second.unit.empty()) json.key("unit").string(about->second.unit);
  });
}

Result<Reply> search_label_names(const Services& services, Call& call) {
  const auto search = TRY(read_search(services, call));
  auto found = TRY(run(search, call, [&](std::span<const Matcher> matchers) {
    return services.source.label_names(matchers, search.range);
  }));
  return lines(search, std::move(found), "name");
}

Result<Reply> search_label_values(const Services& services, Call& call) {
  const auto search = TRY(read_search(services, call));
  const auto label = call.parameter("label");
  if (label.empty()) return bad_data("missing required parameter \"label\"");
  auto found = TRY(run(search, call, [&](std::span<const Matcher> matchers) {
    return services.source.label_values(label, matchers, search.range);
  }));
  return lines(search, std::move(found), "value");
}

}  // namespace strata::api
