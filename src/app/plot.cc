#include "app/plot.h"

#include <algorithm>
#include <cmath>
#include <ctime>
#include <limits>
#include <vector>

namespace strata::app {
namespace {

constexpr size_t kHeight = 14;      // lines
constexpr size_t kScaleWidth = 11;  // columns left of the frame
constexpr size_t kListed = 20;

std::string short_number(double v) { return fmt::format("{:.4g}", v); }

std::string clock_text(TimestampMs t) {
  const std::time_t seconds = t / 1000;
  std::tm parts{};
  ::localtime_r(&seconds, &parts);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%m-%d %H:%M:%S", &parts)};
}

struct Bounds {
  TimestampMs first = kMaxTime;
  TimestampMs last = kMinTime;
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();

  bool empty() const { return first > last || low > high; }
};

bool is_drawn(const Point& point) { return !point.h && std::isfinite(point.v); }

Bounds bounds_of(const Matrix& matrix) {
  Bounds bounds;
  for (const auto& series : matrix) {
    for (const Point& point : series.points) {
      if (!is_drawn(point)) continue;
      bounds.first = std::min(bounds.first, point.t);
      bounds.last = std::max(bounds.last, point.t);
      bounds.low = std::min(bounds.low, point.v);
      bounds.high = std::max(bounds.high, point.v);
    }
  }
  return bounds;
}

/// Dots, four rows and two columns a character (Unicode's braille block).
class Canvas {
 public:
  Canvas(size_t columns, size_t lines)
      : columns_(columns), lines_(lines), cells_(columns * lines) {}

  size_t width() const { return columns_ * 2; }
  size_t height() const { return lines_ * 4; }

  /// (0, 0) is at the top left.
  void dot(size_t x, size_t y) {
    static constexpr unsigned kBits[4][2] = {
        {0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
    cells_[y / 4 * columns_ + x / 2] |= kBits[y % 4][x % 2];
  }

  void append_line(size_t line, std::string& out) const {
    for (size_t c = 0; c < columns_; ++c) {
      const unsigned code = 0x2800 + cells_[line * columns_ + c];
      out += static_cast<char>(0xE0 | code >> 12);
      out += static_cast<char>(0x80 | (code >> 6 & 0x3F));
      out += static_cast<char>(0x80 | (code & 0x3F));
    }
  }

 private:
  const size_t columns_;
  const size_t lines_;
  std::vector<unsigned> cells_;
};

// `fraction` of [0, 1] as one of `count` places.
size_t place(double fraction, size_t count) {
  return static_cast<size_t>(
      std::lround(std::clamp(fraction, 0.0, 1.0) * static_cast<double>(count - 1)));
}

void draw(const Matrix& matrix, const Bounds& bounds, Canvas& canvas) {
  const double span = static_cast<double>(bounds.last - bounds.first);
  const double range = bounds.high - bounds.low;
  for (const auto& series : matrix) {
    for (const Point& point : series.points) {
      if (!is_drawn(point)) continue;
      const double x = span > 0 ? static_cast<double>(point.t - bounds.first) / span : 0.5;
      const double y = range > 0 ? (bounds.high - point.v) / range : 0.5;
      canvas.dot(place(x, canvas.width()), place(y, canvas.height()));
    }
  }
}

void list_series(const Matrix& matrix, std::string& out) {
  for (size_t i = 0; i < std::min(matrix.size(), kListed); ++i) {
    double low = std::numeric_limits<double>::infinity();
    double high = -low;
    double sum = 0;
    size_t count = 0;
    double last = 0;
    for (const Point& point : matrix[i].points) {
      if (!is_drawn(point)) continue;
      low = std::min(low, point.v);
      high = std::max(high, point.v);
      sum += point.v;
      last = point.v;
      ++count;
    }
    if (count == 0) continue;
    out += fmt::format("{}\n    min {}  avg {}  max {}  last {}\n", matrix[i].metric.to_string(),
                       short_number(low), short_number(sum / static_cast<double>(count)),
                       short_number(high), short_number(last));
  }
  if (matrix.size() > kListed) out += fmt::format("... and {} more\n", matrix.size() - kListed);
}

}  // namespace

std::string plot(const Matrix& matrix, size_t width) {
  const Bounds bounds = bounds_of(matrix);
  if (bounds.empty()) return "nothing to draw\n";
  Canvas canvas(std::max(width, kScaleWidth + 20) - kScaleWidth - 2, kHeight);
  draw(matrix, bounds, canvas);
  std::string out;
  for (size_t line = 0; line < kHeight; ++line) {
    const double at = bounds.high - (bounds.high - bounds.low) * static_cast<double>(line) /
                                        static_cast<double>(kHeight - 1);
    const bool labelled = line == 0 || line == kHeight - 1 || line == kHeight / 2;
    out += fmt::format("{:>{}} |", labelled ? short_number(at) : "", kScaleWidth);
    canvas.append_line(line, out);
    out += '\n';
  }
  const std::string from = clock_text(bounds.first);
  const std::string to = clock_text(bounds.last);
  const size_t room = canvas.width() / 2;
  const size_t gap = room > from.size() + to.size() ? room - from.size() - to.size() : 1;
  out += fmt::format("{:>{}}  {}{:>{}}{}\n", "", kScaleWidth, from, "", gap, to);
  list_series(matrix, out);
  return out;
}

}  // namespace strata::app
