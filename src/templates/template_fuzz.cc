// A template may be anything: it parses and runs, or says why not, within its limits.
#include <cstdint>

#include "templates/functions.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace strata;
  using namespace strata::templates;
  TemplateSet set(rule_functions());
  if (!set.parse("t", {reinterpret_cast<const char*>(data), size})) return 0;
  Map labels;
  labels.entries["Labels"] = labels_value({{"a", "b"}, {"c", "d"}});
  labels.entries["Value"] = 12.5;
  labels.entries["List"] = Value(List{Value("a"), Value(int64_t{3}), Value()});
  static_cast<void>(set.execute("t", Value(std::move(labels)),
                                ExecuteLimits{.max_output = 1 << 16, .max_steps = 10'000}));
  return 0;
}
