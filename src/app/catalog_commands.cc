#include "app/catalog_commands.h"

#include <cstdio>

#include "base/fs.h"
#include "catalog/page.h"

namespace strata::app {

int catalog_explain(const std::vector<std::string>& names) {
  int code = 0;
  for (const auto& name : names) {
    const auto text = catalog::explain(catalog::Catalog::builtin(), name);
    if (text.empty()) {
      fmt::print(stderr, "{}: not in the catalog, nor anything like it\n", name);
      code = 1;
    } else {
      fmt::print("{}", text);
    }
  }
  return code;
}

int catalog_list(const std::string& kind) {
  const auto text = catalog::list(catalog::Catalog::builtin(), kind);
  if (!text) {
    fmt::print(stderr, "{}\n", text.error().message);
    return 1;
  }
  fmt::print("{}", *text);
  return 0;
}

int catalog_check(const std::vector<std::string>& paths) {
  std::vector<catalog::CatalogFile> files(catalog::builtin_files().begin(),
                                          catalog::builtin_files().end());
  for (const auto& path : paths) {
    auto text = real_fs().read_file(path);
    if (!text) {
      fmt::print(stderr, "FAILED: {}\n", text.error().message);
      return 1;
    }
    files.push_back({path, std::move(*text)});
  }
  const auto parsed = catalog::Catalog::parse(files);
  if (!parsed) {
    fmt::print(stderr, "FAILED: {}\n", parsed.error().message);
    return 1;
  }
  size_t metrics = 0;
  for (const auto& source : parsed->sources()) metrics += source.metrics.size();
  fmt::print("SUCCESS: {} engines and exporters, {} metrics, {} canonical\n",
             parsed->sources().size(), metrics, parsed->canonical().size());
  return 0;
}

int catalog_doc() {
  fmt::print("{}", catalog::markdown(catalog::Catalog::builtin()));
  return 0;
}

}  // namespace strata::app
