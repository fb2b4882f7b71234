// Section `catalog` of strata.yml: whether scraped series also get their canonical names.
// scrape/canonical_columns.h applies it.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace strata::config {

/// What may be said for one job.
struct CatalogRules {
  /// Whether its series are translated.
  bool translate = true;
  /// Whether a raw series that has become a canonical one is stored as well.
  bool keep_raw = true;
  friend bool operator==(const CatalogRules&, const CatalogRules&) = default;
};

struct CatalogJob {
  std::string job_name;
  CatalogRules rules;  // what is not said is as for all jobs
};

struct CatalogConfig {
  CatalogRules rules;
  /// Catalog files of one's own; a kind that is built in too replaces the built-in one.
  std::vector<std::string> files;
  std::vector<CatalogJob> jobs;

  const CatalogRules& of(std::string_view job) const;
};

}  // namespace strata::config
