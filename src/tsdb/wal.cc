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
  std::vector<std::pair<uint64_t, bool>> dropped;
  {
    MutexLock lock(mutex_);
    const uint64_t end = file_ ? std::min(segment, segment_) : segment;
    for (auto it = sizes_.begin(); it != sizes_.end() && it->first < end;) {
      dropped.emplace_back(it->first, damaged_.contains(it->first));
      unsynced_.erase(it->first);
      it = sizes_.erase(it);
    }
  }
  for (const auto& [number, damaged] : dropped) {
    if (damaged) {
      keep_aside(fs_, path(number));
    } else if (auto removed = fs_.remove(path(number)); !removed) {
      log_warn("a log segment could not be removed",
               {{"file", path(number)}, {"error", removed.error().message}});
    }
  }
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
               .sync_failures = sync_failures_};
  for (const auto& [number, size] : sizes_) out.bytes += size;
  return out;
}

}  // namespace strata::tsdb
