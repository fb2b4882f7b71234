// Where collectors put their samples: families by name, in the order in which they first appear.
//
// Not thread-safe; one for all collections, begin() and finish() around each. Names and label
// values come from the kernel, which promises nothing: what is not a metric name gets underscores,
// what is not UTF-8 gets U+FFFD. At most kMaxSamples samples a collection; the rest are dropped and
// overflowed() says so.
#pragma once
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "model/metric_family.h"

namespace strata::collect {

class Families {
 public:
  static constexpr size_t kMaxSamples = 1'000'000;

  /// One family of the collection that runs now; a value, cheap to copy.
  class Handle {
   public:
    void add(double value, std::initializer_list<Label> labels = {}) const;
    void add(double value, const std::vector<Label>& labels) const;

   private:
    friend class Families;
    Handle(Families* families, size_t index) : families_(families), index_(index) {}
    Families* families_;
    size_t index_;
  };

  /// Samples go to the end of `out` from here until finish().
  void begin(std::vector<MetricFamily>& out);
  /// Removes families that got no sample.
  void finish();

  /// The family of that name; of type and help the first ones count.
  Handle family(std::string_view name, MetricType type, std::string_view help);
  Handle counter(std::string_view name, std::string_view help) {
    return family(name, MetricType::kCounter, help);
  }
  Handle gauge(std::string_view name, std::string_view help) {
    return family(name, MetricType::kGauge, help);
  }
  Handle untyped(std::string_view name, std::string_view help) {
    return family(name, MetricType::kUnknown, help);
  }

  /// A sample of a histogram or summary that was read from text.
  void add_with_suffix(Handle family, std::string_view suffix, double value,
                       const std::vector<Label>& labels);

  size_t samples() const { return samples_; }
  bool overflowed() const { return overflowed_; }

 private:
  struct Slot {
    uint64_t collection = 0;
    size_t index = 0;
  };
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };

  void push(size_t index, std::string_view suffix, double value);

  std::vector<MetricFamily>* out_ = nullptr;
  size_t first_ = 0;
  uint64_t collection_ = 0;
  size_t samples_ = 0;
  bool overflowed_ = false;
  std::unordered_map<std::string, Slot, Hash, std::equal_to<>> slots_;
  std::vector<Label> scratch_;
  std::vector<std::string> repaired_;
};

}  // namespace strata::collect
