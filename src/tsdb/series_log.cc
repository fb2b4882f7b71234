#include "tsdb/series_log.h"

#include "base/log.h"
#include "tsdb/record.h"

namespace strata::tsdb {
namespace {

constexpr uint8_t kSeries = 1;
constexpr uint8_t kTarget = 2;

// Beyond it, definitions are written before anyone asks; keeps the buffer small when a million
// series appear at once.
constexpr size_t kMaxPending = 1u << 20;

/// Whether these may be Labels::bytes(), which are taken on trust elsewhere.
bool are_labels(std::string_view bytes) {
  record::Reader in(bytes);
  std::string_view last;
  size_t count = 0;
  for (; !in.done(); ++count) {
    const auto text = [&in] {
      const uint8_t length = in.byte();
      if (length != 0xff) return in.take(length);
      const std::string_view text = in.take(in.fixed<uint32_t>());
      if (text.size() < 0xff) in.fail();  // would not equal the same labels written as they are
      return text;
    };
    const std::string_view name = text();
    const std::string_view value = text();
    if (!in.ok() || name.empty() || value.empty() || name <= last) return false;
    last = name;
  }
  return count > 0 && count <= UINT16_MAX;
}

std::string series_payload(SeriesId id, const Labels& labels) {
  std::string out;
  record::put_byte(out, kSeries);
  record::put_varint(out, index_of(id));
  out += labels.bytes();
  return out;
}

std::string target_payload(TargetId id, std::string_view key) {
  std::string out;
  record::put_byte(out, kTarget);
  record::put_varint(out, index_of(id));
  out += key;
  return out;
}

void append_framed(std::string& out, std::string_view payload, uint32_t sequence) {
  const size_t begin = begin_frame(out);
  out += payload;
  end_frame(out, begin, sequence);
}

}  // namespace

bool SeriesLog::read_definition(std::string_view payload, const Handlers& handlers) {
  record::Reader in(payload);
  const uint8_t kind = in.byte();
  const auto id = static_cast<uint32_t>(in.bounded(UINT32_MAX - 1));
  if (!in.ok()) return false;
  if (kind == kTarget) {
    handlers.on_target(TargetId{id}, in.rest());
    return true;
  }
  if (kind != kSeries || !are_labels(in.rest())) return false;
  handlers.on_series(SeriesId{id}, in.rest());
  return true;
}

Result<std::unique_ptr<SeriesLog>> SeriesLog::open(Fs& fs, std::string dir,
                                                   const Handlers& handlers) {
  std::unique_ptr<SeriesLog> log(new SeriesLog(fs, std::move(dir)));
  uint64_t end = 0;
  uint32_t sequence = 0;
  // A crash in the middle of rewrite() may leave only the new file, under its temporary name; it
  // was synced before the old one was touched.
  const std::string temporary = log->path_ + ".tmp";
  if (!fs.exists(log->path_) && fs.exists(temporary)) TRY(fs.rename(temporary, log->path_));
  if (fs.exists(log->path_)) {
    const auto mapping = TRY(fs.map(log->path_));
    FrameReader reader(mapping->bytes());
    Frame frame;
    while (reader.next(frame)) {
      end = reader.offset();
      sequence = frame.sequence + 1;
      if (!read_definition(frame.payload, handlers)) {
        log->damage_.push_back({frame.offset, frame.payload.size() + kFrameHeader, 1, false});
      }
    }
    if (handlers.on_end) handlers.on_end();
    const auto& damage = reader.damage();
    log->damage_.insert(log->damage_.end(), damage.begin(), damage.end());
  }
  // Bytes after the last whole frame are cut off only when they are a write that did not finish:
  // otherwise the file stays as it is until rewrite() keeps it aside.
  if (!log->damage_.empty() && !log->damage_.back().torn) {
    const auto& last = log->damage_.back();
    end = std::max(end, last.offset + last.bytes);
  }
  MutexLock lock(log->mutex_);
  log->file_ = TRY(FrameFile::resume(fs, log->path_, end));
  log->size_ = end;
  log->sequence_ = sequence;
  // The process that wrote it may have been killed before it synced.
  log->unsynced_ = log->name_unsynced_ = true;
  return log;
}

void SeriesLog::add(std::string_view payload) {
  MutexLock lock(mutex_);
  append_framed(pending_, payload, sequence_++);
  if (rewriting_) append_framed(added_meanwhile_, payload, 0);
  has_pending_.store(true, std::memory_order_release);
  if (pending_.size() >= kMaxPending) (void)flush_locked();  // else the next append says why not
}

void SeriesLog::add_series(SeriesId id, const Labels& labels) { add(series_payload(id, labels)); }
void SeriesLog::add_target(TargetId id, std::string_view key) { add(target_payload(id, key)); }

Result<> SeriesLog::flush() {
  if (!has_pending_.load(std::memory_order_acquire)) return {};
  MutexLock lock(mutex_);
  return flush_locked();
}

Result<> SeriesLog::flush_locked() {
  if (pending_.empty()) return {};
  if (!file_) file_ = TRY(FrameFile::resume(fs_, path_, size_));
  TRY(file_->append(pending_));
  size_ = file_->size();
  pending_.clear();
  if (pending_.capacity() > 2 * kMaxPending) pending_.shrink_to_fit();
  unsynced_ = true;
  has_pending_.store(false, std::memory_order_release);
  return {};
}

Result<> SeriesLog::sync() {
  bool name = false;
  {
    MutexLock lock(mutex_);
    TRY(flush_locked());
    if (!unsynced_ && !name_unsynced_) return {};
    unsynced_ = false;
    std::swap(name, name_unsynced_);
  }
  auto result = sync_file(fs_, path_);
  if (result && name) result = fs_.sync_dir(dir_);
  if (!result) {
    MutexLock lock(mutex_);
    unsynced_ = true;
    name_unsynced_ |= name;
  }
  return result;
}

Result<> SeriesLog::rewrite(
    const std::function<void(const AddSeries&, const AddTarget&)>& write_all) {
  {
    MutexLock lock(mutex_);
    rewriting_ = true;
    added_meanwhile_.clear();
  }
  std::string all;
  uint32_t sequence = 0;
  write_all(
      [&](SeriesId id, const Labels& labels) {
        append_framed(all, series_payload(id, labels), sequence++);
      },
      [&](TargetId id, std::string_view key) {
        append_framed(all, target_payload(id, key), sequence++);
      });
  const std::string temporary = path_ + ".tmp";
  const auto written = [&]() -> Result<> {
    auto file = TRY(FrameFile::create(fs_, temporary));
    TRY(file.append(all));
    return sync_file(fs_, temporary);
  }();

  MutexLock lock(mutex_);
  rewriting_ = false;
  if (!written) return written;
  if (!damage_.empty()) {
    keep_aside(fs_, path_);
    damage_.clear();
  }
  TRY(fs_.rename(temporary, path_));
  file_.reset();  // the next flush opens the new file
  size_ = all.size();
  // What was added meanwhile is written (again, for some) by the next flush.
  pending_ = std::move(added_meanwhile_);
  added_meanwhile_ = {};
  sequence_ = 0;
  has_pending_.store(!pending_.empty(), std::memory_order_release);
  unsynced_ = name_unsynced_ = true;
  return {};
}

uint64_t SeriesLog::bytes() const {
  MutexLock lock(mutex_);
  return size_;
}

}  // namespace strata::tsdb
