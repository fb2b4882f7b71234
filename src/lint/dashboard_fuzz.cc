// Whatever the bytes are: a dashboard is read or refused, and what it asks can be linted; the same
// for rule files.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "lint/lint.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace strata;
  constexpr size_t kMaxInput = 4096;
  if (size > kMaxInput) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static const catalog::Catalog catalog = [] {
    const catalog::CatalogFile files[] = {
        {"c", "canonical: [{name: llm_a, type: gauge, unit: ratio, min: 0, max: 1, help: A.}]"},
        {"v",
         "kind: v\ntitle: V\nfrom: v\ndetect: [\"v:*\"]\nlabels: [model_name]\nmetrics:\n"
         "  - {name: \"v:g\", type: gauge, unit: ratio, min: 0, max: 1, sticky: true}\n"
         "  - {name: \"v:c_total\", type: counter, unit: tokens, min: 0, until: \"2\", "
         "replaced_by: "
         "\"v:d_total\"}\n"
         "  - {name: \"v:h\", type: histogram, unit: seconds, min: 0, last_bucket: 10}\n"}};
    return *catalog::Catalog::parse(files);
  }();
  static_cast<void>(lint::lint_dashboard(text, "f", catalog));
  static_cast<void>(lint::lint_rules(text, "f", catalog));
  lint::Subject subject;
  subject.expr = text;
  subject.is_alert = true;
  subject.texts.emplace_back(text);
  static_cast<void>(lint::lint(subject, catalog));
  return 0;
}
