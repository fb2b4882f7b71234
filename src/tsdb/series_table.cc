#include "tsdb/series_table.h"

#include "base/hash.h"

namespace strata::tsdb {
namespace {

// Labels that refusals are counted by; the others count together.
constexpr size_t kMaxRefusedLabels = 64;

/// Room for one more. By a quarter: doubling would leave a third of a large head's memory unused.
template <class T>
void make_room(std::vector<T>& list, size_t more = 1) {
  const size_t needed = list.size() + more;
  if (needed > list.capacity()) list.reserve(std::max(needed, list.size() + list.size() / 4 + 4));
}

void insert_sorted(Postings& list, uint32_t id) {
  make_room(list);
  if (list.empty() || list.back() < id) {
    list.push_back(id);
    return;
  }
  const auto at = std::ranges::lower_bound(list, id);
  if (*at != id) list.insert(at, id);
}

Labels::Iterator labels_begin(std::string_view bytes) {
  return Labels::Iterator(bytes.data(), bytes.data() + bytes.size());
}
Labels::Iterator labels_end(std::string_view bytes) {
  return Labels::Iterator(bytes.data() + bytes.size(), bytes.data() + bytes.size());
}

}  // namespace

/// Fibonacci hashing of both numbers; the high half is the well mixed one.
uint64_t SeriesTable::pair_hash(uint32_t name, uint32_t value) {
  const uint64_t key = (uint64_t{name} << 32) | value;
  const uint64_t mixed = key * 0x9e3779b97f4a7c15u;
  return mixed ^ (mixed >> 29);
}

uint64_t SeriesTable::PairHash::operator()(uint32_t id) const {
  return pair_hash((*pairs)[id].name, (*pairs)[id].value);
}

SeriesTable::SeriesTable() : pair_ids_(PairHash{&pairs_}), series_ids_(RowHash{&rows_}) {}

std::span<const uint32_t> SeriesTable::pairs_of(const Row& row) const {
  return std::span(pairs_of_series_).subspan(row.pairs, row.count);
}

Labels SeriesTable::labels_of(const Row& row) const {
  std::vector<Label> labels;
  labels.reserve(row.count);
  for (const uint32_t pair : pairs_of(row)) {
    labels.push_back({symbols_.text(pairs_[pair].name), symbols_.text(pairs_[pair].value)});
  }
  return Labels::from_sorted(labels);
}

bool SeriesTable::same_labels(const Row& row, std::string_view labels) const {
  auto it = labels_begin(labels);
  const auto end = labels_end(labels);
  for (const uint32_t pair : pairs_of(row)) {
    if (it == end || symbols_.text(pairs_[pair].name) != it->name ||
        symbols_.text(pairs_[pair].value) != it->value) {
      return false;
    }
    ++it;
  }
  return it == end;
}

std::optional<uint32_t> SeriesTable::find_row(std::string_view labels, uint32_t hash) const {
  const uint32_t id = series_ids_.find(hash, [&](uint32_t candidate) NO_THREAD_SAFETY_ANALYSIS {
    const Row& row = rows_[candidate];
    return row.hash == hash && same_labels(row, labels);
  });
  if (id == series_ids_.kNone) return std::nullopt;
  return id;
}

/// `guess` is a pair that the label may well be, or kNone.
uint32_t SeriesTable::intern_pair(const Label& label, uint32_t guess) {
  uint32_t name = Symbols::kNone;
  if (guess != pair_ids_.kNone && symbols_.text(pairs_[guess].name) == label.name) {
    if (symbols_.text(pairs_[guess].value) == label.value) return guess;
    name = pairs_[guess].name;
  }
  if (name == Symbols::kNone) name = symbols_.intern(label.name);
  const uint32_t value = symbols_.intern(label.value);
  const uint64_t hash = pair_hash(name, value);
  const uint32_t found = pair_ids_.find(hash, [&](uint32_t id) NO_THREAD_SAFETY_ANALYSIS {
    return pairs_[id].name == name && pairs_[id].value == value;
  });
  if (found != pair_ids_.kNone) return found;
  const auto id = static_cast<uint32_t>(pairs_.size());
  pairs_.push_back({name, value, {}});
  pair_ids_.insert(hash, id);
  pairs_by_name_[name].push_back(id);
  new_values_.count(name);
  return id;
}

/// Writes the row of a series that is not in the table yet.
void SeriesTable::fill_row(uint32_t id, std::string_view labels, uint32_t hash) {
  const Row last = last_row_ < rows_.size() ? rows_[last_row_] : Row{};
  const auto begin = static_cast<uint32_t>(pairs_of_series_.size());
  make_room(pairs_of_series_, 32);
  uint32_t place = 0;
  for (auto it = labels_begin(labels); it != labels_end(labels); ++it, ++place) {
    const uint32_t guess =
        place < last.count ? pairs_of_series_[last.pairs + place] : pair_ids_.kNone;
    pairs_of_series_.push_back(intern_pair(*it, guess));
  }
  rows_[id] = {
      .pairs = begin, .hash = hash, .touched = generation_, .count = static_cast<uint16_t>(place)};
  last_row_ = id;
  series_ids_.insert(hash, id);
  enlist(id);
}

/// Puts a row into the index.
void SeriesTable::enlist(uint32_t id) {
  Row& row = rows_[id];
  row.alive = true;
  for (const uint32_t pair : pairs_of(row)) add_posting(pairs_[pair].series, id);
  insert_sorted(alive_, id);
}

void SeriesTable::add_posting(Postings& list, uint32_t id) {
  postings_bytes_ -= list.capacity() * sizeof(uint32_t);
  insert_sorted(list, id);
  postings_bytes_ += list.capacity() * sizeof(uint32_t);
}

/// Takes a row out of the index; one at a time, retire() takes many.
void SeriesTable::delist(uint32_t id) {
  Row& row = rows_[id];
  if (!row.alive) return;
  row.alive = false;
  const auto remove = [id](Postings& list) {
    const auto at = std::ranges::lower_bound(list, id);
    if (at != list.end() && *at == id) list.erase(at);
  };
  for (const uint32_t pair : pairs_of(row)) remove(pairs_[pair].series);
  remove(alive_);
}

Result<SeriesId> SeriesTable::get_or_create(const Labels& labels, const SeriesLimits& limits,
                                            const OnCreate& on_create) {
  const auto hash = static_cast<uint32_t>(labels.hash());
  {
    ReaderLock lock(mutex_);
    const auto found = find_row(labels.bytes(), hash);
    if (found && rows_[*found].alive) return SeriesId{*found};
  }
  if (labels.empty()) return bad_data("a series needs at least one label");
  if (labels.size() > UINT16_MAX) return bad_data("a series has too many labels");

  WriterLock lock(mutex_);
  const auto found = find_row(labels.bytes(), hash);
  if (found && rows_[*found].alive) return SeriesId{*found};
  const bool full = (limits.series != 0 && alive_.size() >= limits.series) ||
                    (limits.bytes != 0 && limits.other_bytes + memory_locked() >= limits.bytes);
  if (full) return refuse(labels, limits);
  if (found) {
    rows_[*found].touched = generation_;
    enlist(*found);
    return SeriesId{*found};
  }
  if (rows_.size() >= UINT32_MAX - 1 || pairs_of_series_.size() >= UINT32_MAX - UINT16_MAX) {
    return fail(ErrorCode::kLimit, "series ids are used up; restart to number series anew");
  }
  const auto id = static_cast<uint32_t>(rows_.size());
  make_room(rows_);
  rows_.emplace_back();
  fill_row(id, labels.bytes(), hash);
  ++created_;
  on_create(SeriesId{id}, labels);
  return SeriesId{id};
}

std::unexpected<Error> SeriesTable::refuse(const Labels& labels, const SeriesLimits& limits) {
  ++refused_;
  std::string label(exploding_label(labels));
  if (refused_by_label_.size() >= kMaxRefusedLabels && !refused_by_label_.contains(label)) {
    label = "other";
  }
  ++refused_by_label_[label];
  const std::string what =
      limits.series != 0 && alive_.size() >= limits.series
          ? fmt::format("the head has its limit of {} series", limits.series)
          : fmt::format("the head's memory budget of {} bytes is used up", limits.bytes);
  return fail(ErrorCode::kLimit,
              fmt::format("{}; most new values come with the label {}; refused: {}", what, label,
                          labels.to_string()));
}

/// The label that has had the most new values lately, with those of a series that is refused.
std::string_view SeriesTable::exploding_label(const Labels& labels) {
  for (const Label& label : labels) {
    // Not interned: what is refused must take no memory.
    const uint32_t name = symbols_.find(label.name);
    if (name == Symbols::kNone || !postings_of(label.name, label.value).empty()) continue;
    new_values_.count(name);
  }
  std::string_view worst = kMetricName;
  uint64_t most = 0;
  for (const auto& [name, pairs] : pairs_by_name_) {
    if (new_values_.of(name) <= most) continue;
    most = new_values_.of(name);
    worst = symbols_.text(name);
  }
  return worst;
}

void SeriesTable::restore(std::span<const Definition> series) {
  std::vector<uint32_t> hashes;
  hashes.reserve(series.size());
  WriterLock lock(mutex_);
  for (const Definition& one : series) {
    hashes.push_back(static_cast<uint32_t>(hash64(one.labels)));
    series_ids_.prefetch(hashes.back());
  }
  for (size_t i = 0; i < series.size(); ++i) restore(series[i], hashes[i]);
}

void SeriesTable::restore(const Definition& series, uint32_t hash) {
  const uint32_t index = index_of(series.id);
  if (index < rows_.size() && rows_[index].count > 0) return;
  if (const auto old = find_row(series.labels, hash)) {
    delist(*old);
    purge(*old);
  }
  if (index >= rows_.size()) {
    make_room(rows_, index + 1 - rows_.size());
    rows_.resize(size_t{index} + 1);
  }
  fill_row(index, series.labels, hash);
}

void SeriesTable::reserve(std::span<const SeriesId> ids) {
  if (ids.empty()) return;
  const uint32_t last = index_of(std::ranges::max(ids));
  WriterLock lock(mutex_);
  // Definitions that are lost leave gaps of what was written last; no gap is as wide as this.
  constexpr size_t kWidestGap = 1u << 24;
  if (last >= rows_.size() && last - rows_.size() < kWidestGap) rows_.resize(size_t{last} + 1);
}

Result<> SeriesTable::adopt(std::span<const SeriesId> ids, std::optional<TargetId> target) {
  WriterLock lock(mutex_);
  for (const SeriesId id : ids) {
    if (index_of(id) >= rows_.size() || rows_[index_of(id)].count == 0) {
      return fail(ErrorCode::kNotFound,
                  fmt::format("series {} is unknown, or was forgotten long ago: look it up anew",
                              index_of(id)));
    }
  }
  for (const SeriesId id : ids) {
    Row& row = rows_[index_of(id)];
    row.touched = generation_;
    if (!row.alive) enlist(index_of(id));
    if (!target) {
      row.timed = true;
    } else if (row.home == UINT32_MAX) {
      row.home = index_of(*target);
    } else if (row.home != index_of(*target)) {
      auto& homes = more_homes_[index_of(id)];
      if (std::ranges::find(homes, *target) == homes.end()) homes.push_back(*target);
    }
  }
  return {};
}

Labels SeriesTable::labels(SeriesId id) const {
  ReaderLock lock(mutex_);
  if (index_of(id) >= rows_.size()) return {};
  return labels_of(rows_[index_of(id)]);
}

void SeriesTable::sort_by_labels(std::vector<SeriesId>& ids) const {
  ReaderLock lock(mutex_);
  const auto less = [&](SeriesId a, SeriesId b) NO_THREAD_SAFETY_ANALYSIS {
    const auto left = pairs_of(rows_[index_of(a)]);
    const auto right = pairs_of(rows_[index_of(b)]);
    const auto differ = std::ranges::mismatch(left, right);
    if (differ.in2 == right.end()) return false;
    if (differ.in1 == left.end()) return true;
    const Pair& l = pairs_[*differ.in1];
    const Pair& r = pairs_[*differ.in2];
    const int by_name = symbols_.text(l.name).compare(symbols_.text(r.name));
    return by_name != 0 ? by_name < 0 : symbols_.text(l.value) < symbols_.text(r.value);
  };
  std::ranges::sort(ids, less);
}

void SeriesTable::begin_generation() {
  WriterLock lock(mutex_);
  ++generation_;
}

SeriesTable::Retired SeriesTable::retire(const std::vector<bool>& live) {
  WriterLock lock(mutex_);
  Retired out;
  Postings gone;
  for (const uint32_t id : alive_) {
    Row& row = rows_[id];
    if ((id < live.size() && live[id]) || row.touched == generation_) continue;
    row.alive = false;
    row.timed = false;
    row.home = UINT32_MAX;
    row.touched = generation_;
    more_homes_.erase(id);
    gone.push_back(id);
  }
  out.retired = gone.size();
  retired_ += gone.size();
  if (!gone.empty()) {
    std::vector<uint32_t> touched_pairs;
    for (const uint32_t id : gone) {
      const auto pairs = pairs_of(rows_[id]);
      touched_pairs.insert(touched_pairs.end(), pairs.begin(), pairs.end());
    }
    std::ranges::sort(touched_pairs);
    const auto repeated = std::ranges::unique(touched_pairs);
    touched_pairs.erase(repeated.begin(), repeated.end());
    for (const uint32_t pair : touched_pairs) {
      Postings& list = pairs_[pair].series;
      postings_bytes_ -= list.capacity() * sizeof(uint32_t);
      list = subtract(list, gone);
      list.shrink_to_fit();
      postings_bytes_ += list.capacity() * sizeof(uint32_t);
    }
    alive_ = subtract(alive_, gone);
  }
  for (uint32_t id = 0; id < rows_.size(); ++id) {
    Row& row = rows_[id];
    if (row.alive || row.count == 0 || generation_ - row.touched < kGenerationsKept) continue;
    purge(id);
    ++out.purged;
  }
  if (purged_pairs_ > pairs_of_series_.size() / 2) compact_pairs();
  return out;
}

/// Forgets the labels of a row that is not in the index.
void SeriesTable::purge(uint32_t id) {
  Row& row = rows_[id];
  series_ids_.erase(row.hash, id);
  purged_pairs_ += row.count;
  row.count = 0;
}

void SeriesTable::compact_pairs() {
  std::vector<uint32_t> kept;
  kept.reserve(pairs_of_series_.size() - purged_pairs_);
  for (Row& row : rows_) {
    const auto pairs = pairs_of(row);
    row.pairs = static_cast<uint32_t>(kept.size());
    kept.insert(kept.end(), pairs.begin(), pairs.end());
  }
  pairs_of_series_ = std::move(kept);
  purged_pairs_ = 0;
}

size_t SeriesTable::id_bound() const {
  ReaderLock lock(mutex_);
  return rows_.size();
}

std::vector<MemoryPart> SeriesTable::memory_parts() const {
  size_t by_name = 0;
  for (const auto& [name, pairs] : pairs_by_name_) {
    by_name += sizeof(pairs) + pairs.capacity() * sizeof(uint32_t);
  }
  return {{"series", rows_.capacity() * sizeof(Row) + series_ids_.memory() +
                         alive_.capacity() * sizeof(uint32_t)},
          {"series_labels", pairs_of_series_.capacity() * sizeof(uint32_t)},
          {"label_pairs", pairs_.capacity() * sizeof(Pair) + pair_ids_.memory() + by_name},
          {"postings", postings_bytes_},
          {"symbols", symbols_.memory()},
          {"matchers", matchers_->memory()}};
}

/// The sum, without a look at each label name.
size_t SeriesTable::memory_locked() const {
  return rows_.capacity() * sizeof(Row) + series_ids_.memory() +
         alive_.capacity() * sizeof(uint32_t) + pairs_of_series_.capacity() * sizeof(uint32_t) +
         pairs_.capacity() * (sizeof(Pair) + sizeof(uint32_t)) + pair_ids_.memory() +
         postings_bytes_ + symbols_.memory() + matchers_->memory();
}

size_t SeriesTable::memory() const {
  ReaderLock lock(mutex_);
  return memory_locked();
}

SeriesTableStats SeriesTable::stats() const {
  ReaderLock lock(mutex_);
  return {.series = alive_.size(),
          .created = created_,
          .retired = retired_,
          .refused = refused_,
          .refused_by_label = {refused_by_label_.begin(), refused_by_label_.end()},
          .memory = memory_parts()};
}

}  // namespace strata::tsdb
