// YAML -> Source, CanonicalMetric. The keys of the catalog's files are those that fields() lists
// (reader.cc). Private to catalog/.
#pragma once
#include <string>
#include <vector>

#include "catalog/catalog.h"
#include "config/yaml.h"

namespace strata::catalog {

/// `like: vllm` with a prefix replaced: a source whose metrics are another's under other names.
struct Likeness {
  std::string kind;
  std::string from;
  std::string to;
  bool bare_counters = false;  // its counters may lack _total
};

struct SourceFile {
  Source source;
  Likeness like;
  config::YamlMark like_mark;
};

/// What one file holds: a source, or the canonical metrics.
struct ParsedFile {
  std::vector<CanonicalMetric> canonical;
  std::vector<SourceFile> sources;  // none or one
};

/// Errors: kBadData with file:line:column: what YAML, the keys and each entry alone can get wrong.
/// What entries say of each other is checked by Catalog::parse().
Result<ParsedFile> read_file(const CatalogFile& file);

}  // namespace strata::catalog
