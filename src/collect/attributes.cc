#include "collect/attributes.h"

#include "base/number.h"
#include "collect/fields.h"

namespace strata::collect {

std::optional<double> parse_attribute(std::string_view text) {
  if (text.starts_with("0x") || text.starts_with("0X")) {
    if (const auto value = parse_hex(text.substr(2))) return static_cast<double>(*value);
    return std::nullopt;
  }
  if (const auto value = parse_int(text)) return static_cast<double>(*value);
  if (const auto value = parse_uint(text)) return static_cast<double>(*value);
  return std::nullopt;
}

void add_attributes(Host& host, std::string_view dir, std::span<const Attribute> attributes,
                    const std::vector<Label>& labels) {
  for (const Attribute& attribute : attributes) {
    const auto text = host.sys.attribute(join(dir, attribute.file));
    if (!text) continue;
    if (const auto value = parse_attribute(*text)) {
      host.out.family(attribute.metric, attribute.type, attribute.help)
          .add(*value / attribute.per, labels);
    }
  }
}

}  // namespace strata::collect
