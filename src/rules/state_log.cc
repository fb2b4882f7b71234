#include "rules/state_log.h"

#include <bit>
#include <cstring>
#include <set>

#include "base/hash.h"
#include "base/log.h"

namespace strata::rules {
namespace {

constexpr std::string_view kMagic = "strata alerts 1\n";
constexpr uint64_t kMinRewrite = 1 << 20;  // a file smaller than this is left as it is
constexpr TimestampMs kAliveEvery = 10'000;
constexpr std::chrono::seconds kSyncEvery{1};
constexpr uint32_t kMaxRecord = 16 << 20;

enum class Kind : uint8_t { kAlert = 1, kRemoved = 2, kAlive = 3 };

void put_integer(std::string& out, uint64_t value) {
  for (int shift = 0; shift < 64; shift += 8) out += static_cast<char>(value >> shift);
}
void put_text(std::string& out, std::string_view text) {
  const auto size = static_cast<uint32_t>(text.size());
  for (int shift = 0; shift < 32; shift += 8) out += static_cast<char>(size >> shift);
  out += text;
}

// Reads what put_* wrote; after a short read everything is zero and `bad` set.
class Cursor {
 public:
  explicit Cursor(std::string_view bytes) : bytes_(bytes) {}
  uint64_t integer(size_t width) {
    const std::string_view raw = take(width);
    uint64_t value = 0;
    for (size_t i = 0; i < raw.size(); ++i) {
      value |= static_cast<uint64_t>(static_cast<unsigned char>(raw[i])) << (8 * i);
    }
    return value;
  }
  TimestampMs time() { return static_cast<TimestampMs>(integer(8)); }
  std::string_view text() { return take(integer(4)); }
  bool bad() const { return bad_; }
  size_t left() const { return bytes_.size(); }

 private:
  std::string_view take(size_t size) {
    if (size > bytes_.size()) {
      bad_ = true;
      return {};
    }
    const std::string_view out = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return out;
  }
  std::string_view bytes_;
  bool bad_ = false;
};

void put_frame(std::string& out, std::string_view record) {
  std::string head;
  put_text(head, record);
  head.resize(4);
  const uint32_t crc = crc32c(record);
  for (int shift = 0; shift < 32; shift += 8) head += static_cast<char>(crc >> shift);
  out.append(head).append(record);
}

// The next frame's record; empty at the end and where the bytes are damaged.
std::string_view next_frame(std::string_view& bytes) {
  Cursor head(bytes.substr(0, 8));
  const auto size = head.integer(4);
  const auto crc = head.integer(4);
  if (head.bad() || size == 0 || size > kMaxRecord || bytes.size() - 8 < size) return {};
  const std::string_view record = bytes.substr(8, size);
  if (crc32c(record) != crc) return {};
  bytes.remove_prefix(8 + size);
  return record;
}

std::string alert_record(std::string_view key, const Alert& alert) {
  std::string out;
  out += static_cast<char>(Kind::kAlert);
  put_text(out, key);
  put_text(out, alert.labels.bytes());
  put_text(out, alert.series.bytes());
  out += static_cast<char>(alert.state);
  put_integer(out, std::bit_cast<uint64_t>(alert.value));
  for (const TimestampMs t : {alert.active_at, alert.fired_at, alert.resolved_at,
                              alert.keep_firing_since, alert.no_data_since}) {
    put_integer(out, static_cast<uint64_t>(t));
  }
  put_integer(out, alert.annotations.size());
  for (const auto& [name, value] : alert.annotations) {
    put_text(out, name);
    put_text(out, value);
  }
  return out;
}

// Whether the bytes are a Labels', as Labels::from_bytes() wants them.
bool is_labels(std::string_view bytes) {
  std::string_view last;
  while (!bytes.empty()) {
    std::string_view part[2];
    for (std::string_view& text : part) {
      if (bytes.empty()) return false;
      size_t size = static_cast<unsigned char>(bytes[0]);
      bytes.remove_prefix(1);
      if (size == 0xff) {
        Cursor wide(bytes.substr(0, 4));
        size = wide.integer(4);
        if (wide.bad()) return false;
        bytes.remove_prefix(4);
      }
      if (size > bytes.size()) return false;
      text = bytes.substr(0, size);
      bytes.remove_prefix(size);
    }
    if (part[0] <= last || part[1].empty()) return false;
    last = part[0];
  }
  return true;
}

// REQUIRES: the kind and the key were read.
bool read_alert(Cursor& in, Alert& alert) {
  const std::string_view labels = in.text();
  const std::string_view series = in.text();
  const auto state = in.integer(1);
  if (in.bad() || state > 2 || !is_labels(labels) || !is_labels(series)) return false;
  alert.labels = Labels::from_bytes(std::string(labels));
  alert.series = Labels::from_bytes(std::string(series));
  alert.state = static_cast<AlertState>(state);
  alert.value = std::bit_cast<double>(in.integer(8));
  for (TimestampMs* t : {&alert.active_at, &alert.fired_at, &alert.resolved_at,
                         &alert.keep_firing_since, &alert.no_data_since}) {
    *t = in.time();
  }
  const uint64_t annotations = in.integer(8);
  if (in.bad() || annotations > in.left()) return false;
  for (uint64_t i = 0; i < annotations && !in.bad(); ++i) {
    const std::string_view name = in.text();
    const std::string_view value = in.text();
    alert.annotations.emplace_back(name, value);
  }
  return !in.bad();
}

std::string removed_record(std::string_view key, const Labels& labels) {
  std::string out;
  out += static_cast<char>(Kind::kRemoved);
  put_text(out, key);
  put_text(out, labels.bytes());
  return out;
}

std::string alive_record(TimestampMs at) {
  std::string out;
  out += static_cast<char>(Kind::kAlive);
  put_integer(out, static_cast<uint64_t>(at));
  return out;
}

}  // namespace

Result<std::unique_ptr<StateLog>> StateLog::open(const std::string& directory, Fs& fs,
                                                 const Clock& clock) {
  TRY(fs.create_directories(directory));
  auto log = std::unique_ptr<StateLog>(new StateLog(directory + "/alerts", fs, clock));
  TRY(log->load());
  return log;
}

Result<> StateLog::load() {
  MutexLock lock(mutex_);
  std::string bytes;
  if (fs_.exists(path_)) bytes = TRY(fs_.read_file(path_));
  if (!bytes.empty() && !bytes.starts_with(kMagic)) {
    log_error("the file of alert states is damaged; it is kept beside, and alerts begin anew",
              {{"file", path_ + ".damaged"}});
    TRY(fs_.rename(path_, path_ + ".damaged"));
    bytes.clear();
  }
  if (bytes.empty()) return rewrite();
  std::string_view rest = std::string_view(bytes).substr(kMagic.size());
  while (true) {
    const std::string_view record = next_frame(rest);
    if (record.empty()) break;
    apply(record);
  }
  last_written_ = alive_at_;
  if (!rest.empty()) {
    log_warn("the end of the file of alert states was damaged; it is dropped",
             {{"file", path_}, {"bytes", rest.size()}});
    return rewrite();
  }
  file_ = TRY(fs_.open_append(path_));
  return {};
}

void StateLog::apply(std::string_view record) {
  Cursor in(record);
  const auto kind = static_cast<Kind>(in.integer(1));
  if (kind == Kind::kAlive) {
    alive_at_ = std::max(alive_at_, in.time());
    return;
  }
  const std::string key(in.text());
  const std::string labels(in.text());
  if (in.bad()) return;
  const auto found = live_.find({key, labels});
  if (found != live_.end()) {
    live_bytes_ -= found->second.size();
    live_.erase(found);
  }
  if (kind != Kind::kAlert) return;
  live_bytes_ += record.size();
  live_.emplace(std::pair(key, labels), std::string(record));
}

std::vector<Alert> StateLog::alerts(std::string_view key) const {
  std::vector<Alert> out;
  MutexLock lock(mutex_);
  for (auto it = live_.lower_bound({std::string(key), ""});
       it != live_.end() && it->first.first == key; ++it) {
    Cursor in(it->second);
    in.integer(1);
    in.text();
    Alert alert;
    if (read_alert(in, alert)) out.push_back(std::move(alert));
  }
  return out;
}

Result<> StateLog::write(std::string_view key, std::span<const Alert> changed,
                         std::span<const Labels> removed, TimestampMs at) {
  if (changed.empty() && removed.empty()) return {};
  MutexLock lock(mutex_);
  std::string frames;
  const auto add = [&](const std::string& record) REQUIRES(mutex_) {
    put_frame(frames, record);
    apply(record);
  };
  for (const Alert& alert : changed) add(alert_record(key, alert));
  for (const Labels& labels : removed) add(removed_record(key, labels));
  add(alive_record(at));
  return append(frames);
}

void StateLog::mark_alive(TimestampMs at) {
  MutexLock lock(mutex_);
  if (at - alive_at_ < kAliveEvery) return;
  std::string frames;
  const std::string record = alive_record(at);
  apply(record);
  put_frame(frames, record);
  // Not written: the next mark, or the next change, says it again.
  static_cast<void>(append(frames));
}

Result<> StateLog::append(std::string_view frames) {
  const uint64_t size = file_ ? file_->size() + frames.size() : 0;
  if (!file_ || (size > kMinRewrite && size > 4 * live_bytes_)) return rewrite();
  if (auto appended = file_->append(frames); !appended) {
    file_.reset();  // where it ends is unknown: the next write makes it anew
    return appended;
  }
  if (clock_.steady() - synced_at_ < kSyncEvery) return {};
  synced_at_ = clock_.steady();
  return file_->sync();
}

// All that is live, to a new file that takes the old one's place.
Result<> StateLog::rewrite() {
  file_.reset();
  std::string bytes(kMagic);
  for (const auto& [key, record] : live_) put_frame(bytes, record);
  put_frame(bytes, alive_record(alive_at_));
  const std::string fresh = path_ + ".new";
  auto file = TRY(fs_.create(fresh));
  TRY(file->append(bytes));
  TRY(file->sync());
  file.reset();
  TRY(fs_.rename(fresh, path_));
  TRY(fs_.sync_dir(path_.substr(0, path_.rfind('/'))));
  file_ = TRY(fs_.open_append(path_));
  synced_at_ = clock_.steady();
  return {};
}

Result<> StateLog::keep_only(const std::vector<std::string>& keys) {
  const std::set<std::string_view> known(keys.begin(), keys.end());
  MutexLock lock(mutex_);
  bool erased = false;
  for (auto entry = live_.begin(); entry != live_.end();) {
    if (known.contains(entry->first.first)) {
      ++entry;
      continue;
    }
    erased = true;
    live_bytes_ -= entry->second.size();
    entry = live_.erase(entry);
  }
  return erased ? rewrite() : Result<>();
}

Result<> StateLog::sync() {
  MutexLock lock(mutex_);
  return file_ ? file_->sync() : rewrite();
}

uint64_t StateLog::file_bytes() const {
  MutexLock lock(mutex_);
  return file_ ? file_->size() : 0;
}

}  // namespace strata::rules
