// Whatever the bytes are: a catalog file is read or refused; what is read can be asked, explained
// and used to translate.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "catalog/page.h"
#include "catalog/translate.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace strata;
  const catalog::CatalogFile files[] = {
      {"canonical.yaml",
       "canonical: [{name: llm_a, type: gauge, help: A.}, {name: llm_b, type: histogram, help: "
       "B.}]"},
      {"fuzz.yaml", std::string(reinterpret_cast<const char*>(data), size)}};
  const auto catalog = catalog::Catalog::parse(files);
  if (!catalog) return 0;
  static_cast<void>(catalog::markdown(*catalog));
  static_cast<void>(catalog->nearest("llm_a", 3));
  for (const auto& source : catalog->sources()) {
    for (const auto& metric : source.metrics) {
      for (const std::string suffix : {"", "_bucket", "_sum"}) {
        LabelsBuilder labels;
        labels.set(kMetricName, metric.name + suffix).set("le", "0.5").set("instance", "[::1]:1");
        for (const auto& suggestion : catalog::translate(*catalog, labels.build())) {
          static_cast<void>(catalog::apply(suggestion, 3));
        }
      }
      static_cast<void>(catalog::explain(*catalog, metric.name));
      static_cast<void>(catalog->detect(metric.name));
    }
  }
  return 0;
}
