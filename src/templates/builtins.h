// Go's own template functions. Private to the module.
#pragma once
#include "templates/template.h"

namespace strata::templates {

/// and and or are not here: they do not evaluate all of their arguments.
const Functions& builtin_functions();

/// An argument that is not what a function wants: becomes an error in Go's words.
std::unexpected<Error> wrong_type(std::string_view expected, const Value& got);

std::string html_escaped(std::string_view text);
std::string js_escaped(std::string_view text);
/// As Go's url.QueryEscape.
std::string query_escaped(std::string_view text);

}  // namespace strata::templates
