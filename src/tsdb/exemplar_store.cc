#include "tsdb/exemplar_store.h"

#include <algorithm>
#include <bit>

#include "base/log.h"
#include "base/utf8.h"
#include "tsdb/frame.h"
#include "tsdb/record.h"

namespace strata::tsdb {
namespace {

constexpr uint8_t kNewSeries = 1;
constexpr uint8_t kOwnTime = 2;
// Series that a lost record may have defined.
constexpr size_t kMaxHole = 1u << 16;
// A file is closed at this share of the ring.
constexpr size_t kFilesOfRing = 4;

size_t runes(const Labels& labels) {
  size_t n = 0;
  for (const auto& [name, value] : labels) {
    for (const std::string_view text : {name, value}) {
      n += static_cast<size_t>(
          std::ranges::count_if(text, [](char c) { return (c & '\xc0') != '\x80'; }));
    }
  }
  return n;
}

void put_labels(std::string& out, const Labels& labels) {
  record::put_varint(out, labels.size());
  for (const auto& [name, value] : labels) {
    record::put_string(out, name);
    record::put_string(out, value);
  }
}

Labels get_labels(record::Reader& in) {
  constexpr uint64_t kMaxLabels = 1u << 16;
  std::vector<Label> labels;
  const uint64_t count = in.bounded(kMaxLabels);
  for (uint64_t i = 0; i < count && in.ok(); ++i) {
    const std::string_view name = in.string();
    labels.push_back({name, in.string()});
  }
  return in.ok() ? Labels::from(std::move(labels)) : Labels();
}

bool selected(const Labels& labels, std::span<const std::vector<Matcher>> selectors) {
  return std::ranges::any_of(selectors, [&](const std::vector<Matcher>& matchers) {
    return std::ranges::all_of(matchers,
                               [&](const Matcher& m) { return m.matches(labels.get(m.name())); });
  });
}

}  // namespace

Result<std::unique_ptr<ExemplarStore>> ExemplarStore::open(Fs& fs, std::string dir, size_t max) {
  std::unique_ptr<ExemplarStore> store(
      new ExemplarStore(fs, std::move(dir), std::min(max, kMaxExemplars)));
  TRY(fs.create_directories(store->dir_));
  MutexLock lock(store->mutex_);
  for (const DirEntry& entry : TRY(fs.list(store->dir_))) {
    const uint64_t number = parse_numbered_name(entry.name);
    if (number == 0 || entry.is_directory) continue;
    store->file_number_ = std::max(store->file_number_, number);
    TRY(store->read_file(number));
  }
  store->counters_.appended = store->counters_.out_of_order = store->counters_.too_long = 0;
  store->remove_old_files();
  return store;
}

Result<> ExemplarStore::read_file(uint64_t number) {
  const auto mapping = TRY(fs_.map(path(number)));
  FrameReader reader(mapping->bytes());
  Frame frame;
  std::vector<Labels> series;
  in_files_[number] = 0;
  bool damaged = false;
  while (reader.next(frame)) damaged |= !read_record(frame.payload, series);
  in_files_[number] = counters_.appended;
  for (const auto& [other, count] : in_files_) {
    if (other != number) in_files_[number] -= count;
  }
  for (const FrameDamage& d : reader.damage()) damaged |= !d.torn;
  if (damaged) {
    log_error("a file of exemplars is damaged; what is whole in it is used",
              {{"file", path(number)}});
  }
  return {};
}

/// False: it does not parse, or refers to a series whose definition was lost.
bool ExemplarStore::read_record(std::string_view payload, std::vector<Labels>& series) {
  record::Reader in(payload);
  const uint64_t count = in.bounded(payload.size());
  bool whole = true;
  for (uint64_t i = 0; i < count; ++i) {
    const uint8_t flags = in.byte();
    const uint64_t number = in.bounded(UINT32_MAX);
    if ((flags & kNewSeries) != 0) {
      Labels labels = get_labels(in);
      // A hole is a record that was lost; one that large is none.
      if (!in.ok() || number > series.size() + kMaxHole) return false;
      if (number >= series.size()) series.resize(number + 1);
      series[number] = std::move(labels);
    }
    NewExemplar e;
    e.exemplar.labels = get_labels(in);
    e.exemplar.value = in.fixed<double>();
    e.t = in.zigzag();
    if ((flags & kOwnTime) != 0) e.exemplar.timestamp = e.t;
    if (!in.ok()) return false;
    if (number >= series.size() || series[number].empty()) {
      whole = false;
      continue;
    }
    e.series = series[number];
    if (max_ > 0 && wanted(e)) put(e);
  }
  return whole && in.done();
}

/// As Prometheus decides it: not one that is there already, nor one that is older than its series'
/// newest. Of those without a time of their own, the time of the scrape does not count.
bool ExemplarStore::wanted(const NewExemplar& e) {
  if (runes(e.exemplar.labels) > kMaxExemplarRunes) {
    ++counters_.too_long;
    return false;
  }
  const auto found = series_.find(e.series);
  if (found == series_.end()) return true;
  const Slot& newest = ring_[found->second->last];
  const bool same_time = (!newest.own_time && !e.exemplar.timestamp) || newest.exemplar.t == e.t;
  const bool same_value =
      std::bit_cast<uint64_t>(newest.exemplar.value) == std::bit_cast<uint64_t>(e.exemplar.value);
  if (same_time && same_value && newest.exemplar.labels == e.exemplar.labels) return false;
  const bool older = e.t < newest.exemplar.t ||
                     (e.t == newest.exemplar.t && e.exemplar.value < newest.exemplar.value);
  if (older) ++counters_.out_of_order;
  return !older;
}

void ExemplarStore::drop_oldest() {
  Slot& slot = ring_[next_];
  if (slot.series == nullptr) return;
  // Appended in the order of the ring, the oldest of all is the first of its series.
  Series& series = *slot.series;
  counters_.memory -= sizeof(Slot) + slot.exemplar.labels.bytes().size();
  --counters_.stored;
  series.first = slot.next;
  slot = Slot();
  if (series.first != kNone) return;
  counters_.memory -= sizeof(Series) + 2 * series.labels.bytes().size();
  series_.erase(Labels(series.labels));
}

void ExemplarStore::put(const NewExemplar& e) {
  if (ring_.size() < max_) {
    next_ = ring_.size();
    ring_.emplace_back();
  } else {
    drop_oldest();
  }
  std::unique_ptr<Series>& series = series_[e.series];
  if (!series) {
    series = std::make_unique<Series>();
    series->labels = e.series;
    counters_.memory += sizeof(Series) + 2 * e.series.bytes().size();
  }
  const auto place = static_cast<uint32_t>(next_);
  ring_[place] = {.series = series.get(),
                  .exemplar = {e.exemplar.labels, e.exemplar.value, e.t},
                  .own_time = e.exemplar.timestamp.has_value()};
  (series->first == kNone ? series->first : ring_[series->last].next) = place;
  series->last = place;
  counters_.memory += sizeof(Slot) + e.exemplar.labels.bytes().size();
  ++counters_.stored;
  ++counters_.appended;
  counters_.last_time = e.t;
  next_ = (next_ + 1) % max_;
}

void ExemplarStore::encode(std::string& out, const NewExemplar& e) {
  Series& series = *series_.at(e.series);
  uint8_t flags = e.exemplar.timestamp ? kOwnTime : 0;
  if (series.file != file_number_) {
    flags |= kNewSeries;
    series.file = file_number_;
    series.number = series_in_file_++;
  }
  record::put_byte(out, flags);
  record::put_varint(out, series.number);
  if ((flags & kNewSeries) != 0) put_labels(out, series.labels);
  put_labels(out, e.exemplar.labels);
  record::put_fixed(out, e.exemplar.value);
  record::put_zigzag(out, e.t);
}

Result<> ExemplarStore::append(std::span<const NewExemplar> exemplars) {
  MutexLock lock(mutex_);
  if (max_ == 0) return {};
  std::vector<const NewExemplar*> accepted;
  for (const NewExemplar& e : exemplars) {
    if (e.series.empty() || !wanted(e)) continue;
    put(e);
    accepted.push_back(&e);
  }
  // Those that were overwritten within the batch have no series to be written under.
  std::erase_if(accepted, [&](const NewExemplar* e)
                              NO_THREAD_SAFETY_ANALYSIS { return !series_.contains(e->series); });
  if (accepted.empty()) return {};
  auto written = write(accepted);
  // What the file has of the definitions is not known: the next one has them all.
  if (!written) file_.reset();
  return written;
}

Result<> ExemplarStore::write(std::span<const NewExemplar* const> exemplars) {
  if (file_ && in_files_[file_number_] >= std::max<size_t>(max_ / kFilesOfRing, 1)) {
    TRY(sync_file(fs_, file_->path()));
    file_.reset();
    remove_old_files();
  }
  if (!file_) {
    ++file_number_;
    series_in_file_ = 0;
    sequence_ = 0;
    file_ = TRY(FrameFile::create(fs_, path(file_number_)));
    name_unsynced_ = true;
  }
  std::string frame;
  begin_frame(frame);
  record::put_varint(frame, exemplars.size());
  for (const NewExemplar* e : exemplars) encode(frame, *e);
  end_frame(frame, 0, sequence_);
  TRY(file_->append(frame));
  ++sequence_;
  in_files_[file_number_] += exemplars.size();
  unsynced_ = true;
  return {};
}

/// Removes files when those behind them hold a whole ring.
void ExemplarStore::remove_old_files() {
  uint64_t newer = 0;
  for (auto it = in_files_.end(); it != in_files_.begin();) {
    --it;
    const bool full = newer >= max_;
    newer += it->second;
    if (!full && it->second > 0) continue;
    if (auto removed = fs_.remove(path(it->first)); !removed) {
      log_warn("an old file of exemplars could not be removed",
               {{"error", removed.error().message}});
    }
    it = in_files_.erase(it);
  }
}

std::vector<SeriesExemplars> ExemplarStore::select(std::span<const std::vector<Matcher>> selectors,
                                                   TimeRange range) const {
  std::vector<SeriesExemplars> out;
  MutexLock lock(mutex_);
  for (const auto& [labels, series] : series_) {
    if (!selected(labels, selectors)) continue;
    SeriesExemplars found{labels, {}};
    for (uint32_t i = series->first; i != kNone; i = ring_[i].next) {
      if (range.contains(ring_[i].exemplar.t)) found.exemplars.push_back(ring_[i].exemplar);
    }
    if (!found.exemplars.empty()) out.push_back(std::move(found));
  }
  std::ranges::sort(out, {}, &SeriesExemplars::series);
  return out;
}

void ExemplarStore::resize(size_t max) {
  MutexLock lock(mutex_);
  max = std::min(max, kMaxExemplars);
  if (max == max_) return;
  std::vector<Slot> old = std::exchange(ring_, {});
  const size_t oldest = old.size() == max_ ? next_ : 0;
  SeriesMap series = std::exchange(series_, {});
  const uint64_t appended = counters_.appended;
  max_ = max;
  next_ = 0;
  counters_.stored = 0;
  counters_.memory = 0;
  const size_t skip = old.size() > max ? old.size() - max : 0;
  for (size_t i = skip; i < old.size(); ++i) {
    const Slot& slot = old[(oldest + i) % old.size()];
    if (slot.series == nullptr) continue;
    NewExemplar e{
        slot.series->labels, {slot.exemplar.labels, slot.exemplar.value, {}}, slot.exemplar.t};
    if (slot.own_time) e.exemplar.timestamp = e.t;
    put(e);
  }
  counters_.appended = appended;
  file_.reset();  // the series are new ones: the next file defines them
}

Result<> ExemplarStore::sync() {
  std::string current;
  bool name = false;
  {
    MutexLock lock(mutex_);
    if (!unsynced_ || !file_) return {};
    current = file_->path();
    unsynced_ = false;
    name = std::exchange(name_unsynced_, false);
  }
  Result<> result = sync_file(fs_, current);
  if (result && name) result = fs_.sync_dir(dir_);
  if (result) return {};
  MutexLock lock(mutex_);
  unsynced_ = true;
  name_unsynced_ |= name;
  return result;
}

ExemplarStats ExemplarStore::stats() const {
  MutexLock lock(mutex_);
  ExemplarStats out = counters_;
  out.series = series_.size();
  out.max = max_;
  const size_t oldest = ring_.size() == max_ && max_ > 0 ? next_ : 0;
  if (out.stored > 0) out.oldest_time = ring_[oldest].exemplar.t;
  return out;
}

}  // namespace strata::tsdb
