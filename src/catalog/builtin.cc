#include <span>
#include <vector>

#include "catalog/catalog.h"

// The table that cmake/embed_catalog.cmake makes.
struct EmbeddedCatalogFile {
  const char* name;
  const char* begin;
  const char* end;
};
extern "C" const EmbeddedCatalogFile strata_catalog_files[];
extern "C" const uint64_t strata_catalog_file_count;

namespace strata::catalog {

std::span<const CatalogFile> builtin_files() {
  static const std::vector<CatalogFile> files = [] {
    std::vector<CatalogFile> out;
    for (const auto& file : std::span(strata_catalog_files, strata_catalog_file_count)) {
      out.push_back({file.name, std::string(file.begin, file.end)});
    }
    return out;
  }();
  return files;
}

}  // namespace strata::catalog
