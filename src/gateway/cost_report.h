// Sums of a ledger's rows by what one chooses: tenants, models, days.
//
// A value that one thread fills. Bounds: kMaxGroups groups; more is an error.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "gateway/prices.h"
#include "gateway/record.h"

namespace strata::gateway {

/// Sums of nano-dollars do not overflow.
__extension__ typedef __int128 WideNanoUsd;

enum class CostKey : uint8_t { kTenant, kModel, kEndpoint, kUpstream, kDay, kHour };

/// "tenant,model": keys of a report. Error: kBadData.
Result<std::vector<CostKey>> parse_cost_keys(std::string_view text);
std::string_view to_string(CostKey key);

struct CostSum {
  uint64_t requests = 0;
  uint64_t failed = 0;    // that did not end with ok
  uint64_t unpriced = 0;  // with tokens, and no price
  Usage usage;
  WideNanoUsd nano_usd = 0;

  void add(const RequestRecord& row);
};

class CostReport {
 public:
  static constexpr size_t kMaxGroups = 1'000'000;

  /// `prices`: in place of the cost that the rows have; or null.
  CostReport(std::vector<CostKey> keys, const PriceTable* prices)
      : keys_(std::move(keys)), prices_(prices) {}

  void add(RequestRecord row);
  /// Groups by their values, in order; a value for each key.
  const std::map<std::vector<std::string>, CostSum>& groups() const { return groups_; }
  const CostSum& total() const { return total_; }
  const std::vector<CostKey>& keys() const { return keys_; }
  bool full() const { return full_; }

 private:
  const std::vector<CostKey> keys_;
  const PriceTable* const prices_;
  std::map<std::vector<std::string>, CostSum> groups_;
  CostSum total_;
  bool full_ = false;
};

/// Nano-dollars as dollars with nine decimals.
std::string dollars(WideNanoUsd nano_usd);

}  // namespace strata::gateway
