// Whatever the bytes are: the parser answers, and what it accepts prints to a text that reads back
// as the same tree, on one line and over several.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "promql/parser.h"
#include "promql/series_description.h"

namespace {

// Short texts: what long ones add is covered by the limits' own tests.
constexpr size_t kMaxInput = 1024;

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace strata::promql;
  if (size > kMaxInput) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const ParserOptions options = ParserOptions::everything();
  static_cast<void>(parse_selector(text));
  static_cast<void>(parse_series_description(text));
  const auto expr = parse(text, options);
  if (!expr) return 0;
  const std::string printed = to_string(**expr);
  require(to_string(*clone(**expr)) == printed);
  const auto again = parse(printed, options);
  require(again.has_value());
  require(to_string(**again) == printed);
  const auto broken = parse(pretty(**expr), options);
  require(broken.has_value());
  require(to_string(**broken) == printed);
  return 0;
}
