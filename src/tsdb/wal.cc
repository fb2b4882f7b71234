#include "tsdb/wal.h"

#include "base/log.h"
#include "tsdb/frame.h"

namespace strata::tsdb {

Result<std::unique_ptr<Wal>> Wal::open(Fs& fs, std::string dir, uint64_t segment_bytes) {
  TRY(fs.create_directories(dir));
  std::unique_ptr<Wal> wal(new Wal(fs, std::move(dir), segment_bytes));
  const auto entries = TRY(fs.list(wal->dir_));
  MutexLock lock(wal->mutex_);
  for (const DirEntry& entry : entries) {
    const uint64_t number = parse_numbered_name(entry.name);
    if (number == 0 || entry.is_directory) continue;
    wal->found_.push_back(number);
    wal->sizes_[number] = entry.size;
    wal->unsynced_.insert(number);  // the process that wrote it may have been killed before
    wal->segment_ = std::max(wal->segment_, number);
  }
  wal->names_unsynced_ = !wal->found_.empty();
  wal->adopt_kept();
  std::ranges::sort(wal->found_);
  return wal;
}

std::string Wal::path(uint64_t segment) const { return dir_ + "/" + numbered_name(segment); }

Result<> Wal::begin_segment() {
  file_.reset();
  const uint64_t number = segment_ + 1;
  file_ = TRY(FrameFile::create(fs_, path(number)));
  segment_ = number;
  sizes_[number] = 0;
  names_unsynced_ = true;
  return {};
}

Result<uint64_t> Wal::append(std::string& frame, uint64_t only_in) {
  MutexLock lock(mutex_);
  if (file_ && file_->size() >= segment_bytes_) file_.reset();
  if (only_in != kAnySegment && (!file_ || segment_ != only_in)) return kAnySegment;
  if (!file_) TRY(begin_segment());
  end_frame(frame, 0, sequence_);
  TRY(file_->append(frame));
  ++sequence_;
  sizes_[segment_] = file_->size();
  bytes_written_ += frame.size();
  unsynced_.insert(segment_);
  return segment_;
}

Result<> Wal::sync() {
  std::set<uint64_t> segments;
  bool names = false;
  {
    MutexLock lock(mutex_);
    if (unsynced_.empty()) return {};
    segments.swap(unsynced_);
    std::swap(names, names_unsynced_);
    ++syncs_;
  }
  Result<> result;
  for (const uint64_t segment : segments) {
    result = sync_file(fs_, path(segment));
    if (!result) break;
  }
  if (result && names) result = fs_.sync_dir(dir_);
  if (result) return {};

  // After a failed fsync the kernel may have let go of the pages, so what is in those segments is
  // safe only once it is in tiles; new rows go to a new segment.
  MutexLock lock(mutex_);
  ++sync_failures_;
  unsynced_.insert(segments.begin(), segments.end());
  names_unsynced_ |= names;
  file_.reset();
  return result;
}

uint64_t Wal::roll() {
  MutexLock lock(mutex_);
  file_.reset();
  return segment_ + 1;
}

void Wal::mark_damaged(uint64_t segment) {
  MutexLock lock(mutex_);
  damaged_.insert(segment);
}

void Wal::drop_before(uint64_t segment) {
  struct Dropped {
    uint64_t number;
    bool damaged, kept;
  };
  std::vector<Dropped> dropped;
  {
    MutexLock lock(mutex_);
    const uint64_t end = file_ ? std::min(segment, segment_) : segment;
    for (auto it = sizes_.begin(); it != sizes_.end() && it->first < end;) {
      const bool damaged = damaged_.contains(it->first);
      dropped.push_back({it->first, damaged, !damaged && move_aside(it->first, it->second)});
      unsynced_.erase(it->first);
      it = sizes_.erase(it);
    }
    trim_kept();
  }
  for (const auto& [number, damaged, kept] : dropped) {
    if (kept) continue;
    if (damaged) {
      keep_aside(fs_, path(number));
    } else if (auto removed = fs_.remove(path(number)); !removed) {
      log_warn("a log segment could not be removed",
               {{"file", path(number)}, {"error", removed.error().message}});
    }
  }
}

std::string Wal::kept_path(uint64_t segment) const {
  return dir_ + "-kept/" + numbered_name(segment);
}

// Numbers go on after those that are kept, or a reader would take a new segment for an old one.
void Wal::adopt_kept() {
  const auto entries = fs_.list(dir_ + "-kept");
  if (!entries) return;  // not there
  for (const DirEntry& entry : *entries) {
    const uint64_t number = parse_numbered_name(entry.name);
    if (number == 0 || entry.is_directory) continue;
    kept_[number] = entry.size;
    segment_ = std::max(segment_, number);
  }
}

// False: nobody reads it, or it cannot be kept.
bool Wal::move_aside(uint64_t segment, uint64_t size) {
  if (segment < keep_from_) return false;
  auto moved = fs_.create_directories(dir_ + "-kept");
  if (moved) moved = fs_.rename(path(segment), kept_path(segment));
  if (!moved) {
    ++kept_removed_;
    log_warn("a log segment could not be kept for its readers",
             {{"file", path(segment)}, {"error", moved.error().message}});
    return false;
  }
  kept_[segment] = size;
  return true;
}

void Wal::trim_kept() {
  uint64_t bytes = 0;
  for (const auto& [number, size] : kept_) bytes += size;
  while (!kept_.empty()) {
    const auto [number, size] = *kept_.begin();
    const bool unread = number >= keep_from_;
    if (unread && bytes <= keep_bytes_) break;
    if (auto removed = fs_.remove(kept_path(number)); !removed) {
      log_warn("a log segment could not be removed",
               {{"file", kept_path(number)}, {"error", removed.error().message}});
    }
    if (unread) {
      ++kept_removed_;
      log_error("a log segment that was not read yet made room: its reader is too far behind",
                {{"file", kept_path(number)}, {"bytes_kept", bytes}});
    }
    bytes -= size;
    kept_.erase(kept_.begin());
  }
}

void Wal::keep(uint64_t from, uint64_t max_bytes) {
  MutexLock lock(mutex_);
  keep_from_ = from;
  keep_bytes_ = max_bytes;
  trim_kept();
}

std::optional<Wal::Found> Wal::find(uint64_t from) const {
  MutexLock lock(mutex_);
  const auto kept = kept_.lower_bound(from);
  const auto there = sizes_.lower_bound(from);
  if (kept == kept_.end() && there == sizes_.end()) return std::nullopt;
  if (there == sizes_.end() || (kept != kept_.end() && kept->first < there->first)) {
    return Found{kept->first, kept_path(kept->first), true};
  }
  return Found{there->first, path(there->first), !file_ || there->first < segment_};
}

std::pair<uint64_t, uint64_t> Wal::end() const {
  MutexLock lock(mutex_);
  return file_ ? std::pair(segment_, file_->size()) : std::pair(segment_ + 1, uint64_t{0});
}

uint64_t Wal::next_segment() const {
  MutexLock lock(mutex_);
  return file_ ? segment_ : segment_ + 1;
}

WalStats Wal::stats() const {
  MutexLock lock(mutex_);
  WalStats out{.segments = sizes_.size(),
               .bytes_written = bytes_written_,
               .syncs = syncs_,
               .sync_failures = sync_failures_,
               .kept_removed = kept_removed_};
  for (const auto& [number, size] : kept_) out.kept_bytes += size;
  for (const auto& [number, size] : sizes_) out.bytes += size;
  return out;
}

}  // namespace strata::tsdb
