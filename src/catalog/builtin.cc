#include <span>
#include <vector>

#include "base/embedded_file.h"
#include "catalog/catalog.h"

// The table that cmake/embed_files.cmake makes.
extern "C" const strata::EmbeddedFile strata_catalog_files[];
extern "C" const uint64_t strata_catalog_file_count;

namespace strata::catalog {

std::span<const CatalogFile> builtin_files() {
  static const std::vector<CatalogFile> files = [] {
    std::vector<CatalogFile> out;
    for (const auto& file : std::span(strata_catalog_files, strata_catalog_file_count)) {
      out.push_back({file.name, std::string(file.bytes())});
    }
    return out;
  }();
  return files;
}

}  // namespace strata::catalog
