#include "gateway/cost_report.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <array>
#include <utility>

namespace strata::gateway {
namespace {

constexpr std::array<std::pair<std::string_view, CostKey>, 6> kKeys = {
    {{"tenant", CostKey::kTenant},
     {"model", CostKey::kModel},
     {"endpoint", CostKey::kEndpoint},
     {"upstream", CostKey::kUpstream},
     {"day", CostKey::kDay},
     {"hour", CostKey::kHour}}};

std::string value_of(CostKey key, const RequestRecord& row) {
  const auto time = [&] { return fmt::gmtime(static_cast<std::time_t>(row.at_ms / 1000)); };
  switch (key) {
    case CostKey::kTenant: return row.tenant;
    case CostKey::kModel: return row.model;
    case CostKey::kEndpoint: return row.endpoint;
    case CostKey::kUpstream: return row.upstream;
    case CostKey::kDay: return fmt::format("{:%Y-%m-%d}", time());
    case CostKey::kHour: break;
  }
  return fmt::format("{:%Y-%m-%dT%H}:00Z", time());
}

}  // namespace

Result<std::vector<CostKey>> parse_cost_keys(std::string_view text) {
  std::vector<CostKey> keys;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    const auto* const known = std::ranges::find(kKeys, word, [](const auto& k) { return k.first; });
    if (known == kKeys.end()) {
      return bad_data("\"" + std::string(word) +
                      "\" is not one of tenant, model, endpoint, upstream, day, hour");
    }
    keys.push_back(known->second);
  }
  if (keys.empty()) return bad_data("by what? tenant, model, endpoint, upstream, day or hour");
  return keys;
}

std::string_view to_string(CostKey key) {
  return std::ranges::find(kKeys, key, [](const auto& k) { return k.second; })->first;
}

void CostSum::add(const RequestRecord& row) {
  ++requests;
  if (row.outcome != Outcome::kOk) ++failed;
  usage.input += row.usage.input;
  usage.cached += row.usage.cached;
  usage.cache_write += row.usage.cache_write;
  usage.output += row.usage.output;
  usage.reasoning += row.usage.reasoning;
  if (row.cost_nano_usd) {
    nano_usd += *row.cost_nano_usd;
  } else if (row.usage_source != UsageSource::kNone) {
    ++unpriced;
  }
}

void CostReport::add(RequestRecord row) {
  if (prices_ != nullptr && row.usage_source != UsageSource::kNone) {
    const auto cost = prices_->cost(row.model, row.at_ms, row.usage);
    row.cost_nano_usd = cost ? std::optional(cost->nano_usd) : std::nullopt;
  }
  total_.add(row);
  std::vector<std::string> values;
  for (const CostKey key : keys_) values.push_back(value_of(key, row));
  auto group = groups_.find(values);
  if (group == groups_.end()) {
    if (groups_.size() == kMaxGroups) {
      full_ = true;
      return;
    }
    group = groups_.try_emplace(std::move(values)).first;
  }
  group->second.add(row);
}

std::string dollars(WideNanoUsd nano_usd) {
  constexpr WideNanoUsd kDollar = 1'000'000'000;
  return fmt::format("{}.{:09}", static_cast<int64_t>(nano_usd / kDollar),
                     static_cast<int64_t>(nano_usd % kDollar));
}

}  // namespace strata::gateway
