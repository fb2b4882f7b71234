// A family: all series of one name, told apart by the values of its label keys. The keys are part
// of the family's type, so a lookup with a value missing does not compile.
//
// Finding a series takes no lock: the table of series is read as it stands, and a bigger one
// replaces it when it fills. A new series takes the family's mutex. Series are written in the order
// in which they were made, the same at every scrape.
//
// Bounds: FamilyOptions::max_series. Label values past that share one series whose values all read
// "_overflow", and each lookup that ends there is counted.
#pragma once
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "strata/metrics/cells.h"
#include "strata/metrics/exposition.h"
#include "strata/metrics/instruments.h"
#include "strata/metrics/names.h"

namespace strata::metrics {

struct FamilyOptions {
  size_t max_series = 2000;
};

namespace detail {

inline constexpr std::string_view kOverflowValue = "_overflow";

using SteadyTime = std::chrono::steady_clock::time_point;

/// What a Registry sees of a family.
class FamilyBase {
 public:
  FamilyBase(std::string_view name, std::string_view help, std::string constant_labels)
      : name_(name), help_(help), constant_labels_(std::move(constant_labels)) {}
  virtual ~FamilyBase() = default;
  FamilyBase(const FamilyBase&) = delete;
  FamilyBase& operator=(const FamilyBase&) = delete;

  const std::string& name() const { return name_; }
  /// Equal for families of one C++ type.
  virtual const void* type_id() const = 0;
  virtual void expose(Exposition& to, const CellReader& reader, SteadyTime now) = 0;
  /// Lookups that ended in the overflow series.
  virtual uint64_t overflowed() const { return 0; }
  virtual bool has_cap() const { return false; }

 protected:
  const std::string name_;
  const std::string help_;
  const std::string constant_labels_;
};

template <size_t N>
size_t hash_values(const std::array<std::string_view, N>& values) {
  size_t hash = N;
  for (const std::string_view value : values) {
    hash = (hash ^ std::hash<std::string_view>{}(value)) * 0x9E3779B97F4A7C15u;
  }
  return hash ^ (hash >> 32);
}

template <size_t N>
std::array<std::string_view, N> overflow_values() {
  std::array<std::string_view, N> values;
  values.fill(kOverflowValue);
  return values;
}

template <Key... Keys>
std::string written_labels(std::string labels,
                           const std::array<std::string_view, sizeof...(Keys)>& values) {
  [[maybe_unused]] size_t i = 0;
  (append_label(labels, Keys.view(), values[i++]), ...);
  return labels;
}

template <class Instrument, size_t N>
struct Series {
  Series(const std::array<std::string_view, N>& label_values, size_t hash_of_values,
         std::string written, const typename Instrument::Shape& shape)
      : hash(hash_of_values), labels(std::move(written)), instrument(shape) {
    for (size_t i = 0; i < N; ++i) values[i] = label_values[i];
  }
  bool has(size_t other_hash, const std::array<std::string_view, N>& others) const {
    if (hash != other_hash) return false;
    for (size_t i = 0; i < N; ++i) {
      if (values[i] != others[i]) return false;
    }
    return true;
  }

  std::array<std::string, N> values;
  const size_t hash;
  const std::string labels;  // in their written form, constant ones first
  Instrument instrument;
};

/// Open addressing, read without a lock while one thread at a time inserts. Nothing is removed.
template <class Series>
class SeriesTable {
 public:
  template <class Values>
  Series* find(size_t hash, const Values& values) const {
    const Slots& slots = *current_.load(std::memory_order_acquire);
    for (size_t i = hash & slots.mask;; i = (i + 1) & slots.mask) {
      Series* series = slots.at[i].load(std::memory_order_acquire);
      if (series == nullptr || series->has(hash, values)) return series;
    }
  }
  /// `count`: how many series it holds already.
  void insert(Series& series, size_t count) {
    if ((count + 1) * 2 > generations_.back()->mask + 1) grow();
    place(*generations_.back(), series);
  }

 private:
  struct Slots {
    explicit Slots(size_t size) : mask(size - 1), at(new std::atomic<Series*>[size]()) {}
    const size_t mask;
    const std::unique_ptr<std::atomic<Series*>[]> at;
  };

  static void place(Slots& slots, Series& series) {
    size_t i = series.hash & slots.mask;
    while (slots.at[i].load(std::memory_order_relaxed) != nullptr) i = (i + 1) & slots.mask;
    slots.at[i].store(&series, std::memory_order_release);
  }
  // The old table stays, since someone may be reading it: all old ones are as big as the new one.
  void grow() {
    const Slots& old = *generations_.back();
    auto bigger = std::make_unique<Slots>((old.mask + 1) * 2);
    for (size_t i = 0; i <= old.mask; ++i) {
      if (Series* series = old.at[i].load(std::memory_order_relaxed)) place(*bigger, *series);
    }
    current_.store(bigger.get(), std::memory_order_release);
    generations_.push_back(std::move(bigger));
  }

  std::vector<std::unique_ptr<Slots>> generations_ = first_generation();
  std::atomic<const Slots*> current_{generations_.back().get()};

  static std::vector<std::unique_ptr<Slots>> first_generation() {
    std::vector<std::unique_ptr<Slots>> first;
    first.push_back(std::make_unique<Slots>(8));
    return first;
  }
};

}  // namespace detail

/// The series of one name. References from with() stay valid as long as the registry: look a series
/// up once and keep it where the values are known early. Thread-safe.
template <class Instrument, Key... Keys>
class Family final : public detail::FamilyBase {
  static_assert(detail::valid_keys<Keys...>(),
                "label keys are letters, digits and '_', differ, and do not begin with \"__\"");
  static_assert(((Keys.view() != "le") && ...), "\"le\" belongs to histograms");
  static_assert(((Keys.view() != "quantile") && ...), "\"quantile\" belongs to summaries");

 public:
  using Shape = typename Instrument::Shape;
  using Values = std::array<std::string_view, sizeof...(Keys)>;

  Family(std::string_view name, std::string_view help, std::string constant_labels, Shape shape,
         FamilyOptions options = {})
      : FamilyBase(name, help, std::move(constant_labels)),
        shape_(std::move(shape)),
        options_(options) {}

  /// The series with these values, in the order of the keys; made when it does not exist. Values
  /// must be UTF-8.
  template <class... Texts>
    requires(sizeof...(Texts) == sizeof...(Keys))
  Instrument& with(const Texts&... texts) {
    const Values values{std::string_view(texts)...};
    const size_t hash = detail::hash_values(values);
    if (auto* series = table_.find(hash, values)) return series->instrument;
    return make(hash, values);
  }

  static const void* static_type_id() {
    static const char id = 0;
    return &id;
  }
  const void* type_id() const override { return static_type_id(); }
  bool has_cap() const override { return sizeof...(Keys) > 0; }
  uint64_t overflowed() const override { return overflowed_.load(std::memory_order_relaxed); }

  void expose(detail::Exposition& to, const detail::CellReader& reader,
              detail::SteadyTime) override {
    std::lock_guard lock(mutex_);
    if (series_.empty()) return;
    to.family(name_, help_, Instrument::kType);
    for (const auto& series : series_) {
      series->instrument.expose(to, reader, name_, series->labels);
    }
  }

 private:
  using Series = detail::Series<Instrument, sizeof...(Keys)>;

  Instrument& make(size_t hash, Values values) {
    std::lock_guard lock(mutex_);
    if (auto* series = table_.find(hash, values)) return series->instrument;
    if (series_.size() >= options_.max_series && sizeof...(Keys) > 0) {
      overflowed_.fetch_add(1, std::memory_order_relaxed);
      if (overflow_ != nullptr) return overflow_->instrument;
      values = detail::overflow_values<sizeof...(Keys)>();
      hash = detail::hash_values(values);
      if ((overflow_ = table_.find(hash, values))) return overflow_->instrument;
      return (overflow_ = &add(hash, values))->instrument;
    }
    return add(hash, values).instrument;
  }
  Series& add(size_t hash, const Values& values) {
    auto series = std::make_unique<Series>(
        values, hash, detail::written_labels<Keys...>(constant_labels_, values), shape_);
    table_.insert(*series, series_.size());
    series_.push_back(std::move(series));
    return *series_.back();
  }

  const Shape shape_;
  const FamilyOptions options_;
  std::mutex mutex_;                             // guards the two below, and insertion
  std::vector<std::unique_ptr<Series>> series_;  // in the order of creation
  Series* overflow_ = nullptr;
  detail::SeriesTable<Series> table_;
  std::atomic<uint64_t> overflowed_{0};
};

/// Holds one series of an expiring family, which cannot expire while it is held. Cheap to move, and
/// must not outlive the registry.
template <class Instrument>
class Held {
 public:
  Held(Instrument& instrument, std::atomic<uint32_t>& holders)
      : instrument_(&instrument), holders_(&holders) {
    holders_->fetch_add(1, std::memory_order_relaxed);
  }
  Held(Held&& other) noexcept
      : instrument_(other.instrument_), holders_(std::exchange(other.holders_, nullptr)) {}
  Held(const Held& other) : Held(*other.instrument_, *other.holders_) {}
  Held& operator=(Held other) noexcept {
    std::swap(instrument_, other.instrument_);
    std::swap(holders_, other.holders_);
    return *this;
  }
  ~Held() {
    if (holders_ != nullptr) holders_->fetch_sub(1, std::memory_order_release);
  }

  Instrument& operator*() const { return *instrument_; }
  Instrument* operator->() const { return instrument_; }

 private:
  Instrument* instrument_;
  std::atomic<uint32_t>* holders_;
};

/// A family whose series go away when nobody has held them for `idle`: for label values that come
/// and go, such as upstreams or sessions. Lookups take a mutex. Looked at when metrics are exposed.
template <class Instrument, Key... Keys>
class ExpiringFamily final : public detail::FamilyBase {
  static_assert(sizeof...(Keys) > 0 && detail::valid_keys<Keys...>(),
                "label keys are letters, digits and '_', differ, and do not begin with \"__\"");

 public:
  using Shape = typename Instrument::Shape;
  using Values = std::array<std::string_view, sizeof...(Keys)>;

  ExpiringFamily(std::string_view name, std::string_view help, std::string constant_labels,
                 Shape shape, std::chrono::nanoseconds idle, FamilyOptions options)
      : FamilyBase(name, help, std::move(constant_labels)),
        shape_(std::move(shape)),
        idle_(idle),
        options_(options) {}

  /// As Family::with. A series that expired begins again at zero.
  template <class... Texts>
    requires(sizeof...(Texts) == sizeof...(Keys))
  Held<Instrument> with(const Texts&... texts) {
    Values values{std::string_view(texts)...};
    size_t hash = detail::hash_values(values);
    std::lock_guard lock(mutex_);
    Entry* entry = find(hash, values);
    if (entry == nullptr && entries_.size() >= options_.max_series) {
      overflowed_.fetch_add(1, std::memory_order_relaxed);
      values = detail::overflow_values<sizeof...(Keys)>();
      hash = detail::hash_values(values);
      entry = find(hash, values);
    }
    if (entry == nullptr) entry = &add(hash, values);
    entry->used = true;
    return Held<Instrument>(entry->series.instrument, entry->holders);
  }

  static const void* static_type_id() {
    static const char id = 0;
    return &id;
  }
  const void* type_id() const override { return static_type_id(); }
  bool has_cap() const override { return true; }
  uint64_t overflowed() const override { return overflowed_.load(std::memory_order_relaxed); }

  void expose(detail::Exposition& to, const detail::CellReader& reader,
              detail::SteadyTime now) override {
    std::lock_guard lock(mutex_);
    std::erase_if(entries_, [&](const std::unique_ptr<Entry>& entry) {
      // Each of the two is looked at: a series in use stays even when `idle` is zero.
      const bool held = entry->holders.load(std::memory_order_acquire) > 0;
      if (std::exchange(entry->used, false) || held) {
        entry->last_used = now;
        return false;
      }
      if (now - entry->last_used < idle_) return false;
      erase_from_index(*entry);
      return true;
    });
    if (entries_.empty()) return;
    to.family(name_, help_, Instrument::kType);
    for (const auto& entry : entries_) {
      entry->series.instrument.expose(to, reader, name_, entry->series.labels);
    }
  }

 private:
  struct Entry {
    detail::Series<Instrument, sizeof...(Keys)> series;
    std::atomic<uint32_t> holders{0};
    bool used = true;  // looked up since the last exposition
    detail::SteadyTime last_used{};
  };

  Entry* find(size_t hash, const Values& values) {
    auto [first, last] = index_.equal_range(hash);
    for (; first != last; ++first) {
      if (first->second->series.has(hash, values)) return first->second;
    }
    return nullptr;
  }
  Entry& add(size_t hash, const Values& values) {
    entries_.push_back(std::unique_ptr<Entry>(new Entry{
        {values, hash, detail::written_labels<Keys...>(constant_labels_, values), shape_}}));
    index_.emplace(hash, entries_.back().get());
    return *entries_.back();
  }
  void erase_from_index(const Entry& entry) {
    auto [first, last] = index_.equal_range(entry.series.hash);
    while (first != last && first->second != &entry) ++first;
    if (first != last) index_.erase(first);
  }

  const Shape shape_;
  const std::chrono::nanoseconds idle_;
  const FamilyOptions options_;
  std::mutex mutex_;  // guards the two below
  std::vector<std::unique_ptr<Entry>> entries_;
  std::unordered_multimap<size_t, Entry*> index_;
  std::atomic<uint64_t> overflowed_{0};
};

}  // namespace strata::metrics
