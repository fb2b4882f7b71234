// Base64 (RFC 4648), with padding.
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace strata {

/// kUrl: with - and _ in place of + and /, so that it may stand in a URL.
enum class Base64 : bool { kStandard, kUrl };

std::string base64_encode(std::string_view bytes, Base64 alphabet = Base64::kStandard);
/// Empty when it is not base64.
std::optional<std::string> base64_decode(std::string_view text,
                                         Base64 alphabet = Base64::kStandard);

}  // namespace strata
