// Exemplars: one observation of many that stands for the rest, with the trace that it belongs to,
// so that a graph leads to a request. OpenMetrics and protobuf carry them, the text format does
// not.
//
// The latest one of a counter, or of each bucket, is kept. Memory for them is taken when the first
// comes. Thread-safe; who finds another thread at a slot leaves it alone: that one is as good.
#pragma once
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace strata::metrics {

/// counter.inc(1, {{"trace_id", id}}). Names and values together: at most 128 characters
/// (OpenMetrics); a longer one is left out, the observation counts.
class Exemplar {
 public:
  static constexpr size_t kMaxCharacters = 128;
  using Label = std::pair<std::string_view, std::string_view>;

  // NOLINTNEXTLINE(google-explicit-constructor): it stands in braces where it is used.
  Exemplar(std::initializer_list<Label> labels) : labels_(labels) {}
  std::initializer_list<Label> labels() const { return labels_; }

 private:
  std::initializer_list<Label> labels_;
};

namespace detail {

struct ExemplarValue {
  std::string labels;  // in their written form
  double value = 0;
  int64_t unix_ms = 0;
};

/// The latest exemplar of one counter or bucket.
class ExemplarSlot {
 public:
  void set(const Exemplar& exemplar, double value) noexcept {
    if (busy_.test_and_set(std::memory_order_acquire)) return;
    size_ = 0;
    size_t characters = 0;
    for (const auto& [key, text] : exemplar.labels()) {
      characters += key.size() + text.size();
      if (characters > Exemplar::kMaxCharacters) break;
      if (size_ > 0) put(',');
      put(key);
      put("=\"");
      for (const char c : text) put_escaped(c);
      put('"');
    }
    if (characters > Exemplar::kMaxCharacters) size_ = 0;
    value_ = value;
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    unix_ms_ = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
    busy_.clear(std::memory_order_release);
  }
  /// Empty labels: there is none.
  ExemplarValue get() const {
    while (busy_.test_and_set(std::memory_order_acquire)) {
    }
    ExemplarValue out{std::string(text_.data(), size_), value_, unix_ms_};
    busy_.clear(std::memory_order_release);
    return out;
  }

 private:
  void put(char c) noexcept { text_[size_++] = c; }
  void put(std::string_view text) noexcept {
    std::memcpy(text_.data() + size_, text.data(), text.size());
    size_ += text.size();
  }
  void put_escaped(char c) noexcept {
    if (c == '\\' || c == '"' || c == '\n') put('\\');
    put(c == '\n' ? 'n' : c);
  }

  // Every character escaped, every label with =, quotes and a comma.
  static constexpr size_t kRoom = size_t{6} * Exemplar::kMaxCharacters;

  mutable std::atomic_flag busy_;
  double value_ = 0;
  int64_t unix_ms_ = 0;
  size_t size_ = 0;
  std::array<char, kRoom> text_;
};

/// As many slots as an instrument has buckets, made when they are needed.
class ExemplarSlots {
 public:
  explicit ExemplarSlots(size_t count) : count_(count) {}
  ~ExemplarSlots() { delete[] slots_.load(std::memory_order_relaxed); }
  ExemplarSlots(const ExemplarSlots&) = delete;
  ExemplarSlots& operator=(const ExemplarSlots&) = delete;

  void set(size_t slot, const Exemplar& exemplar, double value) {
    ExemplarSlot* slots = slots_.load(std::memory_order_acquire);
    if (slots == nullptr) {
      auto made = std::make_unique<ExemplarSlot[]>(count_);
      if (slots_.compare_exchange_strong(slots, made.get(), std::memory_order_acq_rel)) {
        slots = made.release();
      }
    }
    slots[slot].set(exemplar, value);
  }
  ExemplarValue get(size_t slot) const {
    const ExemplarSlot* const slots = slots_.load(std::memory_order_acquire);
    return slots == nullptr ? ExemplarValue() : slots[slot].get();
  }
  bool any() const { return slots_.load(std::memory_order_acquire) != nullptr; }

 private:
  const size_t count_;
  std::atomic<ExemplarSlot*> slots_{nullptr};
};

}  // namespace detail
}  // namespace strata::metrics
