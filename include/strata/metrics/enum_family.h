// A family whose labels are enumerations: every series exists from the start, at zero, and is found
// by index, without hashing. An enumeration says what it is as a label:
//
//   enum class Outcome { kOk, kError };
//   template <>
//   struct strata::metrics::EnumLabel<Outcome> {
//     static constexpr Key key = "outcome";
//     static constexpr std::array<std::string_view, 2> values = {"ok", "error"};
//   };
//   auto& requests = registry.enum_counter<Outcome>("requests_total", "Requests.");
//   requests.with(Outcome::kOk).inc();
//
// Values count from 0, one for each entry of `values`. Thread-safe. Bounds: kMaxEnumSeries series a
// family, checked while compiling; a value outside its enumeration counts as the last one.
#pragma once
#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "strata/metrics/family.h"

namespace strata::metrics {

template <class E>
struct EnumLabel;

inline constexpr size_t kMaxEnumSeries = 4096;

template <class Instrument, class... Enums>
class EnumFamily final : public detail::FamilyBase {
  static_assert(sizeof...(Enums) > 0 && detail::valid_keys<EnumLabel<Enums>::key...>(),
                "label keys are letters, digits and '_', differ, and do not begin with \"__\"");
  static constexpr size_t kSeries = (EnumLabel<Enums>::values.size() * ...);
  static_assert(kSeries > 0 && kSeries <= kMaxEnumSeries, "too many series");

 public:
  using Shape = typename Instrument::Shape;

  EnumFamily(std::string_view name, std::string_view help, std::string constant_labels, Shape shape)
      : FamilyBase(name, help, std::move(constant_labels)), shape_(std::move(shape)) {
    for (size_t i = 0; i < kSeries; ++i) {
      series_.push_back(std::make_unique<Series>(labels_of(i), shape_));
    }
  }

  Instrument& with(Enums... values) {
    size_t index = 0;
    ((index = index * EnumLabel<Enums>::values.size() +
              std::min(static_cast<size_t>(values), EnumLabel<Enums>::values.size() - 1)),
     ...);
    return series_[index]->instrument;
  }

  static const void* static_type_id() {
    static const char id = 0;
    return &id;
  }
  const void* type_id() const override { return static_type_id(); }

  void expose(detail::Exposition& to, const detail::CellReader& reader,
              detail::SteadyTime) override {
    to.family(name_, help_, Instrument::kType);
    for (const auto& series : series_) series->instrument.expose(to, reader, name_, series->labels);
  }

 private:
  struct Series {
    Series(std::string written, const Shape& shape)
        : labels(std::move(written)), instrument(shape) {}
    const std::string labels;
    Instrument instrument;
  };

  std::string labels_of(size_t index) const {
    std::array<std::string_view, sizeof...(Enums)> values;
    size_t left = kSeries;
    size_t i = 0;
    ((left /= EnumLabel<Enums>::values.size(),
      values[i++] = EnumLabel<Enums>::values[index / left % EnumLabel<Enums>::values.size()]),
     ...);
    return detail::written_labels<EnumLabel<Enums>::key...>(constant_labels_, values);
  }

  const Shape shape_;
  std::vector<std::unique_ptr<Series>> series_;
};

}  // namespace strata::metrics
