// UTF-8, as RFC 3629 has it.
#pragma once
#include <cstddef>
#include <string_view>

namespace strata {

/// Bytes of the valid UTF-8 sequence that `text` starts with (1-4), or 0: overlong forms,
/// surrogates and code points above U+10FFFF are invalid.
size_t utf8_sequence_length(std::string_view text);
bool is_utf8(std::string_view text);

}  // namespace strata
