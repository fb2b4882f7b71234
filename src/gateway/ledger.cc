#include "gateway/ledger.h"

#include <fmt/format.h>

#include <condition_variable>
#include <cstring>
#include <vector>

#include "base/hash.h"
#include "base/log.h"
#include "gateway/endpoint.h"

namespace strata::gateway {
namespace {

constexpr std::string_view kMagic = "STRLEDG1";
constexpr std::string_view kSuffix = ".ledger";
constexpr size_t kRecordHead = 8;  // size, checksum
constexpr uint32_t kMaxRecord = 64 << 10;
constexpr size_t kMaxTexts = 200'000;
constexpr size_t kMaxText = 1024;
constexpr std::chrono::milliseconds kWriteEvery{250};
constexpr int kSyncEvery = 4;  // writes
constexpr TimestampMs kFileMs = 24LL * 3600 * 1000;
constexpr int64_t kNoCost = INT64_MIN;

enum RecordType : char { kText = 'T', kRow = 'R' };

template <class T>
void put(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

/// Takes values off the front of a record's payload.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}
  template <class T>
  T take() {
    T value{};
    if (bytes_.size() < sizeof value) {
      ok_ = false;
      return value;
    }
    std::memcpy(&value, bytes_.data(), sizeof value);
    bytes_.remove_prefix(sizeof value);
    return value;
  }
  std::string_view rest() const { return bytes_; }
  bool ok() const { return ok_; }

 private:
  std::string_view bytes_;
  bool ok_ = true;
};

/// Puts size and checksum before what `out` has from `begin` on.
void seal(std::string& out, size_t begin) {
  const std::string_view payload = std::string_view(out).substr(begin + kRecordHead);
  const uint32_t head[2] = {static_cast<uint32_t>(payload.size()), crc32c(payload)};
  std::memcpy(out.data() + begin, head, sizeof head);
}

void put_row(std::string& out, const RequestRecord& row, const uint32_t (&texts)[4]) {
  const size_t begin = out.size();
  out.append(kRecordHead, '\0');
  out += kRow;
  put(out, row.at_ms);
  put(out, row.id);
  for (const uint32_t text : texts) put(out, text);
  put(out, static_cast<uint8_t>(row.outcome));
  put(out, static_cast<uint8_t>(row.stream));
  put(out, static_cast<uint8_t>(row.usage_source));
  put(out, row.attempts);
  put(out, row.status);
  put(out, row.price_version);
  for (const uint64_t tokens : {row.usage.input, row.usage.cached, row.usage.cache_write,
                                row.usage.output, row.usage.reasoning}) {
    put(out, static_cast<uint32_t>(std::min<uint64_t>(tokens, UINT32_MAX)));
  }
  for (const auto time : {row.duration, row.ttfb, row.ttft, row.last}) {
    put(out, static_cast<int64_t>(time.count()));
  }
  put(out, row.request_bytes);
  put(out, row.response_bytes);
  put(out, row.cost_nano_usd.value_or(kNoCost));
  seal(out, begin);
}

bool take_row(Reader& in, const std::vector<std::string>& texts, RequestRecord& row) {
  const auto text = [&](uint32_t id) { return id < texts.size() ? texts[id] : std::string(); };
  row.at_ms = in.take<TimestampMs>();
  row.id = in.take<uint64_t>();
  row.model = text(in.take<uint32_t>());
  row.tenant = text(in.take<uint32_t>());
  row.endpoint = text(in.take<uint32_t>());
  row.upstream = text(in.take<uint32_t>());
  const auto outcome = in.take<uint8_t>();
  row.stream = in.take<uint8_t>() != 0;
  const auto source = in.take<uint8_t>();
  if (outcome >= kOutcomes || source > static_cast<uint8_t>(UsageSource::kNone)) return false;
  row.outcome = static_cast<Outcome>(outcome);
  row.usage_source = static_cast<UsageSource>(source);
  row.attempts = in.take<uint8_t>();
  row.status = in.take<uint16_t>();
  row.price_version = in.take<uint32_t>();
  for (uint64_t* tokens : {&row.usage.input, &row.usage.cached, &row.usage.cache_write,
                           &row.usage.output, &row.usage.reasoning}) {
    *tokens = in.take<uint32_t>();
  }
  for (auto* time : {&row.duration, &row.ttfb, &row.ttft, &row.last}) {
    *time = RequestRecord::Nanos(in.take<int64_t>());
  }
  row.request_bytes = in.take<uint64_t>();
  row.response_bytes = in.take<uint64_t>();
  const auto cost = in.take<int64_t>();
  row.cost_nano_usd = cost == kNoCost ? std::nullopt : std::optional(cost);
  return in.ok();
}

}  // namespace

Ledger::Ledger(const config::GatewayLedger& config, Fs& fs, const Clock& clock)
    : config_(config), fs_(fs), clock_(clock) {}

Result<std::unique_ptr<Ledger>> Ledger::open(const config::GatewayLedger& config, Fs& fs,
                                             const Clock& clock) {
  auto ledger = std::unique_ptr<Ledger>(new Ledger(config, fs, clock));
  TRY(fs.create_directories(config.path));
  ledger->lock_ = TRY(fs.lock(config.path + "/lock"));
  TRY(ledger->begin_file());
  ledger->prune();
  ledger->writer_ =
      std::jthread([self = ledger.get()](const std::stop_token& stop) { self->run(stop); });
  return ledger;
}

Ledger::~Ledger() {
  if (!writer_.joinable()) return;
  writer_.request_stop();
  writer_.join();
  write(true);
}

Result<> Ledger::begin_file() {
  MutexLock lock(file_mutex_);
  file_since_ = clock_.now_ms();
  std::string path;
  for (int more = 0; path.empty() || fs_.exists(path); ++more) {
    path = fmt::format("{}/{:013}-{:02}{}", config_.path, file_since_, more, kSuffix);
  }
  file_ = TRY(fs_.create(path));
  return file_->append(kMagic);
}

uint32_t Ledger::text_id(std::string_view text) {
  text = text.substr(0, kMaxText);
  const auto [at, is_new] = texts_.try_emplace(std::string(text), texts_.size());
  if (!is_new) return at->second;
  const size_t begin = pending_.size();
  pending_.append(kRecordHead, '\0');
  pending_ += kText;
  put(pending_, at->second);
  pending_ += text;
  seal(pending_, begin);
  return at->second;
}

void Ledger::append(const RequestRecord& record) {
  MutexLock lock(mutex_);
  if (pending_.size() > kMaxPending || texts_.size() > kMaxTexts) {
    ++lost_;
    return;
  }
  const uint32_t texts[4] = {text_id(record.model), text_id(record.tenant),
                             text_id(record.endpoint), text_id(record.upstream)};
  put_row(pending_, record, texts);
  ++pending_rows_;
}

void Ledger::flush() { write(false); }

void Ledger::run(const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any woken;
  for (int turn = 1; !stop.stop_requested(); ++turn) {
    std::unique_lock lock(mutex);
    woken.wait_for(lock, stop, kWriteEvery, [] { return false; });
    write(turn % kSyncEvery == 0);
  }
}

void Ledger::write(bool sync) {
  MutexLock file_lock(file_mutex_);
  uint64_t rows = 0;
  bool full = false;
  {
    MutexLock lock(mutex_);
    writing_.swap(pending_);
    pending_.clear();
    rows = std::exchange(pending_rows_, 0);
    const bool old = clock_.now_ms() - file_since_ > kFileMs;
    full = file_ == nullptr || old || file_->size() + writing_.size() > kMaxFile ||
           texts_.size() > kMaxTexts;
    if (full) texts_.clear();  // the next file begins with what comes from here on
  }
  Result<> wrote;
  if (file_ != nullptr && !writing_.empty()) wrote = file_->append(writing_);
  if (wrote && file_ != nullptr && (sync || full)) wrote = file_->sync();
  if (file_ == nullptr || !wrote) {
    lost_ += rows;
    if (!wrote) log_error("the ledger cannot be written", {{"error", wrote.error().message}});
    MutexLock lock(mutex_);
    lost_ += std::exchange(pending_rows_, 0);  // they name texts whose definitions were lost
    pending_.clear();
    texts_.clear();
    full = true;
  }
  writing_.clear();
  if (!full) return;
  file_.reset();
  file_lock.unlock();
  if (const auto begun = begin_file(); !begun) {
    log_error("the ledger cannot begin a file", {{"error", begun.error().message}});
  }
  prune();
  file_lock.lock();
}

void Ledger::prune() {
  const auto entries = fs_.list(config_.path);
  if (!entries) return;
  std::vector<DirEntry> files;
  uint64_t size = 0;
  for (const DirEntry& entry : *entries) {
    if (!entry.name.ends_with(kSuffix)) continue;
    files.push_back(entry);
    size += entry.size;
  }
  const TimestampMs oldest = clock_.now_ms() - config_.keep.count();
  for (size_t i = 0; i + 1 < files.size(); ++i) {  // never the open one
    const bool old = files[i].changed_ms < oldest;
    if (!old && size <= static_cast<uint64_t>(config_.max_size.bytes)) break;
    (void)fs_.remove(config_.path + "/" + files[i].name);
    size -= files[i].size;
  }
}

Result<bool> read_ledger_file(std::string_view bytes,
                              const std::function<void(const RequestRecord& row)>& row) {
  if (!bytes.starts_with(kMagic)) return fail(ErrorCode::kCorruption, "not a ledger's file");
  bytes.remove_prefix(kMagic.size());
  std::vector<std::string> texts;
  RequestRecord record;
  while (!bytes.empty()) {
    Reader head(bytes);
    const auto size = head.take<uint32_t>();
    const auto checksum = head.take<uint32_t>();
    if (!head.ok() || size == 0 || size > kMaxRecord || head.rest().size() < size) return false;
    const std::string_view payload = head.rest().substr(0, size);
    if (crc32c(payload) != checksum) return false;
    Reader in(payload.substr(1));
    if (payload[0] == kText) {
      if (in.take<uint32_t>() != texts.size()) return false;
      texts.emplace_back(in.rest());
    } else if (payload[0] == kRow) {
      if (!take_row(in, texts, record)) return false;
      row(record);
    }  // a type that this version does not know is passed over
    bytes.remove_prefix(kRecordHead + size);
  }
  return true;
}

Result<> read_ledger(Fs& fs, const std::string& directory, TimestampMs from, TimestampMs to,
                     const std::function<void(const RequestRecord& row)>& row) {
  for (const DirEntry& entry : TRY(fs.list(directory))) {
    if (!entry.name.ends_with(kSuffix) || entry.size < kMagic.size()) continue;
    const std::string path = directory + "/" + entry.name;
    const auto file = TRY(fs.map(path));
    const auto whole = read_ledger_file(file->bytes(), [&](const RequestRecord& record) {
      if (record.at_ms >= from && record.at_ms < to) row(record);
    });
    if (!whole) return std::unexpected(whole.error().within(path));
    if (!*whole) log_warn("a ledger's file ends in bytes that are no row", {{"file", path}});
  }
  return {};
}

}  // namespace strata::gateway
