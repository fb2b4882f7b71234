// A range query's answer as a small picture for a terminal.
#pragma once
#include <cstddef>
#include <string>

#include "model/query_value.h"

namespace strata::app {

/// All series in one frame of `width` columns, drawn with braille dots (2 x 4 a character), with
/// the scale on its left and the time below it; then each series' name with its lowest, average,
/// highest and last value, for the first twenty. Histograms and values that are not finite are not
/// drawn.
std::string plot(const Matrix& matrix, size_t width);

}  // namespace strata::app
