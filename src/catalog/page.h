// The catalog for people: one name explained, a list, the reference page.
#pragma once
#include <string>
#include <string_view>

#include "catalog/catalog.h"

namespace strata::catalog {

/// What is known of a raw or canonical name, over several lines; for an unknown one its likeliest
/// meanings. "" when nothing is like it.
std::string explain(const Catalog& catalog, std::string_view name);

/// One line for the reason why a name gives no data: that it is gone and what took over, or what
/// has to be switched on. "" when there is none. For hints beside empty answers.
std::string why_absent(const Catalog& catalog, std::string_view series_name);

/// Every source, or every metric of one. Error: kNotFound for a kind that there is not.
Result<std::string> list(const Catalog& catalog, std::string_view kind);

/// docs/catalog.md.
std::string markdown(const Catalog& catalog);

}  // namespace strata::catalog
