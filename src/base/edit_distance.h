// How far two words are from each other: for "did you mean …?".
#pragma once
#include <cstddef>
#include <string_view>

namespace strata {

/// Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`, or
/// `most` + 1 when there are more (optimal string alignment distance).
size_t edit_distance(std::string_view a, std::string_view b, size_t most);

}  // namespace strata
