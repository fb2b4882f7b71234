// Text inside HTML or XML that we write ourselves.
#pragma once
#include <string>
#include <string_view>

namespace strata {

/// `text` as content or as a quoted attribute; control characters, which XML forbids, are spaces.
std::string markup_escaped(std::string_view text);

}  // namespace strata
