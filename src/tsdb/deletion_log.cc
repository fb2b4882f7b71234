#include "tsdb/deletion_log.h"

#include <algorithm>

#include "tsdb/frame_file.h"
#include "tsdb/record.h"

namespace strata::tsdb {
namespace {

constexpr uint8_t kVersion = 1;
constexpr uint8_t kInHead = 1;
constexpr size_t kMaxMatchers = 1000;
constexpr size_t kMaxBlocks = 1u << 20;

std::unexpected<Error> corrupt() {
  return fail(ErrorCode::kCorruption, "a deletion's record is damaged");
}

}  // namespace

bool Deletion::concerns(std::string_view block) const {
  return std::ranges::find(blocks, block) != blocks.end();
}

bool Deletion::selects(const Labels& labels) const {
  return std::ranges::all_of(matchers, [&](const Matcher& m) { return m.matches(labels); });
}

std::string encode_deletion(const Deletion& deletion) {
  std::string out;
  record::put_byte(out, kVersion);
  record::put_byte(out, deletion.in_head ? kInHead : 0);
  record::put_zigzag(out, deletion.asked_at);
  record::put_zigzag(out, deletion.range.min);
  record::put_zigzag(out, deletion.range.max);
  record::put_varint(out, deletion.matchers.size());
  for (const Matcher& matcher : deletion.matchers) {
    record::put_byte(out, static_cast<uint8_t>(matcher.op()));
    record::put_string(out, matcher.name());
    record::put_string(out, matcher.value());
  }
  record::put_varint(out, deletion.blocks.size());
  for (const std::string& block : deletion.blocks) record::put_string(out, block);
  return out;
}

Result<Deletion> decode_deletion(std::string_view payload) {
  record::Reader in(payload);
  const uint8_t version = in.byte();
  if (in.ok() && version > kVersion) {
    return bad_data(fmt::format("deletions of version {} are newer than this program", version));
  }
  Deletion out;
  const uint8_t flags = in.byte();
  out.in_head = (flags & kInHead) != 0;
  out.asked_at = in.zigzag();
  out.range.min = in.zigzag();
  out.range.max = in.zigzag();
  const uint64_t matchers = in.bounded(kMaxMatchers);
  for (uint64_t i = 0; i < matchers && in.ok(); ++i) {
    const uint8_t op = in.byte();
    std::string name(in.string());
    std::string value(in.string());
    if (!in.ok() || op > static_cast<uint8_t>(Matcher::Op::kNotRegex)) return corrupt();
    auto matcher = Matcher::make(static_cast<Matcher::Op>(op), std::move(name), std::move(value));
    if (!matcher) return corrupt();
    out.matchers.push_back(std::move(*matcher));
  }
  const uint64_t blocks = in.bounded(kMaxBlocks);
  for (uint64_t i = 0; i < blocks && in.ok(); ++i) out.blocks.emplace_back(in.string());
  // Without a matcher it would hide everything.
  if (!in.ok() || !in.done() || version == 0 || out.matchers.empty()) return corrupt();
  return out;
}

Result<std::unique_ptr<DeletionLog>> DeletionLog::open(
    Fs& fs, std::string dir, const std::function<void(const FrameDamage&)>& on_damage) {
  std::unique_ptr<DeletionLog> log(new DeletionLog(fs, std::move(dir)));
  const std::string path = log->dir_ + "/tombstones";
  if (!fs.exists(path)) return log;
  const std::string bytes = TRY(fs.read_file(path));
  FrameReader reader(bytes);
  Frame frame;
  Deletions deletions;
  std::vector<FrameDamage> damage;
  while (reader.next(frame)) {
    auto deletion = decode_deletion(frame.payload);
    if (deletion) {
      deletions.push_back(std::move(*deletion));
    } else if (deletion.error().code == ErrorCode::kBadData) {
      return std::unexpected(deletion.error().within(path));
    } else {
      damage.push_back({frame.offset, frame.payload.size() + kFrameHeader, 1, false});
    }
  }
  damage.insert(damage.end(), reader.damage().begin(), reader.damage().end());
  MutexLock lock(log->mutex_);
  if (!damage.empty()) {
    // The file is only ever renamed into place whole: a torn end is damage here.
    for (FrameDamage& d : damage) {
      d.torn = false;
      on_damage(d);
    }
    keep_aside(fs, path);
    TRY(log->save(std::move(deletions)));
  } else {
    log->pending_ = std::make_shared<const Deletions>(std::move(deletions));
  }
  return log;
}

DeletionsPtr DeletionLog::pending() const {
  MutexLock lock(mutex_);
  return pending_;
}

Result<> DeletionLog::save(Deletions deletions) {
  std::string frames;
  uint32_t sequence = 0;
  for (const Deletion& deletion : deletions) {
    const size_t begin = begin_frame(frames);
    frames += encode_deletion(deletion);
    end_frame(frames, begin, sequence++);
  }
  const std::string path = dir_ + "/tombstones";
  const std::string temporary = path + ".tmp";
  {
    auto file = TRY(fs_.create(temporary));
    TRY(file->append(frames));
    TRY(file->sync());
  }
  TRY(fs_.rename(temporary, path));
  // From here on the file says it, whatever becomes of the sync: so must memory.
  pending_ = std::make_shared<const Deletions>(std::move(deletions));
  return fs_.sync_dir(dir_);
}

Result<> DeletionLog::add(Deletion deletion) {
  MutexLock lock(mutex_);
  if (pending_->size() >= kMaxDeletions) {
    return fail(ErrorCode::kLimit,
                fmt::format("{} deletions are pending, the limit; carry them out first: POST "
                            "/api/v1/admin/tsdb/clean_tombstones",
                            kMaxDeletions));
  }
  for (const std::string& block : writing_) {
    if (!deletion.concerns(block)) deletion.blocks.push_back(block);
  }
  Deletions all = *pending_;
  all.push_back(std::move(deletion));
  return save(std::move(all));
}

DeletionsPtr DeletionLog::writing(const std::string& block) {
  MutexLock lock(mutex_);
  writing_.insert(block);
  return pending_;
}

Result<> DeletionLog::writing_from_head(const std::string& block) {
  MutexLock lock(mutex_);
  Deletions all = *pending_;
  bool changed = false;
  for (Deletion& deletion : all) {
    if (!deletion.in_head || deletion.concerns(block)) continue;
    deletion.blocks.push_back(block);
    changed = true;
  }
  if (changed) TRY(save(std::move(all)));
  writing_.insert(block);
  return {};
}

void DeletionLog::written(const std::string& block) {
  MutexLock lock(mutex_);
  writing_.erase(block);
}

Result<size_t> DeletionLog::forget(const std::function<bool(const std::string&)>& block_exists,
                                   TimestampMs head_min) {
  MutexLock lock(mutex_);
  if (pending_->empty()) return 0;
  Deletions left;
  bool changed = false;
  for (Deletion deletion : *pending_) {
    const size_t before = deletion.blocks.size();
    std::erase_if(deletion.blocks, [&](const std::string& block) NO_THREAD_SAFETY_ANALYSIS {
      return !writing_.contains(block) && !block_exists(block);
    });
    changed |= deletion.blocks.size() != before;
    if (deletion.in_head && head_min > deletion.range.max) {
      deletion.in_head = false;
      changed = true;
    }
    if (deletion.in_head || !deletion.blocks.empty()) left.push_back(std::move(deletion));
  }
  const size_t done = pending_->size() - left.size();
  if (changed || done > 0) TRY(save(std::move(left)));
  return done;
}

}  // namespace strata::tsdb
