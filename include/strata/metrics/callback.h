// Metrics whose values are asked for when they are exposed: what another object knows already.
#pragma once
#include <array>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "strata/metrics/exposition.h"
#include "strata/metrics/family.h"
#include "strata/metrics/names.h"

namespace strata::metrics {

/// What a callback with labels is given: emit(value, label values...) once a series, each
/// combination of values once.
template <Key... Keys>
class Emit {
 public:
  Emit(detail::Exposition& to, std::string_view name, const std::string& constant_labels,
       detail::Type type)
      : to_(to), name_(name), constant_labels_(constant_labels), type_(type) {}

  template <class... Texts>
    requires(sizeof...(Texts) == sizeof...(Keys))
  void operator()(double value, const Texts&... texts) const {
    const std::string labels =
        detail::written_labels<Keys...>(constant_labels_, std::array{std::string_view(texts)...});
    if (type_ == detail::Type::kCounter) return to_.counter(name_, labels, value);
    to_.gauge(name_, labels, value);
  }

 private:
  detail::Exposition& to_;
  std::string_view name_;
  const std::string& constant_labels_;
  const detail::Type type_;
};

namespace detail {

class CallbackFamily final : public FamilyBase {
 public:
  using Function =
      std::function<void(Exposition&, std::string_view name, const std::string& constant_labels)>;

  CallbackFamily(std::string_view name, std::string_view help, std::string constant_labels,
                 Type type, Function function)
      : FamilyBase(name, help, std::move(constant_labels)),
        type_(type),
        function_(std::move(function)) {}

  static const void* static_type_id() {
    static const char id = 0;
    return &id;
  }
  const void* type_id() const override { return static_type_id(); }

  /// False when the family has a function already.
  bool revive(Function& function) {
    std::lock_guard lock(mutex_);
    if (function_) return false;
    function_ = std::move(function);
    return true;
  }
  /// Waits for a call that is running.
  void stop() {
    std::lock_guard lock(mutex_);
    function_ = nullptr;
  }
  void expose(Exposition& to, const CellReader&, SteadyTime) override {
    std::lock_guard lock(mutex_);
    if (!function_) return;
    const size_t before = to.mark();
    try {
      to.family(name_, help_, type_);
      function_(to, name_, constant_labels_);
    } catch (...) {
      to.roll_back(before);  // a scrape without this family, rather than no scrape
    }
  }

 private:
  const Type type_;
  std::mutex mutex_;
  Function function_;  // guarded by mutex_
};

}  // namespace detail

/// Keeps a callback registered; its destructor waits until the function no longer runs. Hold no
/// lock there that the function takes. May outlive the registry.
class [[nodiscard]] Callback {
 public:
  Callback() = default;
  explicit Callback(std::shared_ptr<detail::CallbackFamily> family) : family_(std::move(family)) {}
  Callback(Callback&&) noexcept = default;
  Callback& operator=(Callback&& other) noexcept {
    reset();
    family_ = std::move(other.family_);
    return *this;
  }
  ~Callback() { reset(); }

  void reset() {
    if (family_ != nullptr) family_->stop();
    family_ = nullptr;
  }

 private:
  std::shared_ptr<detail::CallbackFamily> family_;
};

}  // namespace strata::metrics
