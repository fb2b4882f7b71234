#include "promql/quote.h"

#include "base/number.h"
#include "model/labels.h"

namespace strata::promql {

std::string number_text(double value) {
  std::string out;
  append_double_g(out, value);
  return out;
}

void append_label_name(std::string& out, std::string_view name) {
  if (is_classic_label_name(name)) {
    out.append(name);
  } else {
    append_quoted(out, name);
  }
}

}  // namespace strata::promql
