// strata catalog …: what engines and exporters call things. Each returns the process' exit code.
#pragma once
#include <string>
#include <vector>

namespace strata::app {

/// Says what the catalog knows of each name; 1 when of one it knows nothing.
int catalog_explain(const std::vector<std::string>& names);
/// The engines and exporters, or the metrics of one.
int catalog_list(const std::string& kind);
/// Whether the files are a valid catalog together with what is built in.
int catalog_check(const std::vector<std::string>& paths);
/// docs/catalog.md.
int catalog_doc();

}  // namespace strata::app
