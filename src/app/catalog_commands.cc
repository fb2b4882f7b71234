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
  const auto loaded = catalog::load_catalog(paths, real_fs());
  if (!loaded) {
    fmt::print(stderr, "FAILED: {}\n", loaded.error().message);
    return 1;
  }
  const auto& known = **loaded;
  size_t metrics = 0;
  for (const auto& source : known.sources()) metrics += source.metrics.size();
  fmt::print("SUCCESS: {} engines and exporters, {} metrics, {} canonical\n",
             known.sources().size(), metrics, known.canonical().size());
  return 0;
}

int catalog_doc() {
  fmt::print("{}", catalog::markdown(catalog::Catalog::builtin()));
  return 0;
}

}  // namespace strata::app
