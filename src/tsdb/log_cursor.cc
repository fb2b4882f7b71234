#include "tsdb/log_cursor.h"

#include "base/log.h"
#include "tsdb/db_impl.h"
#include "tsdb/histogram_record.h"

namespace strata::tsdb {

Result<bool> LogCursor::next(std::vector<TimedSample>& samples,
                             std::vector<TimedHistogram>& histograms) {
  while (true) {
    if (!file_ && !TRY(open_segment())) return false;
    Frame frame;
    if (!reader_.next(frame)) {
      if (!TRY(leave_segment())) return false;
      continue;
    }
    position_.offset = begin_ + reader_.offset();
    const size_t before = samples.size() + histograms.size();
    if (auto read = record(frame.payload, &samples, &histograms); !read) {
      ++skipped_;
      log_error("a log record could not be read again",
                {{"segment", position_.segment}, {"error", read.error().message}});
    }
    if (samples.size() + histograms.size() > before) return true;
  }
}

// Maps the position's segment, or the next one that there is, and learns the bases before it.
Result<bool> LogCursor::open_segment() {
  // A log that was empty at a start counts from 1 again; all that is in it is new.
  if (position_.segment > db_.wal->end().first) position_ = {};
  const auto found = db_.wal->find(position_.segment);
  if (!found) return false;
  if (found->segment != position_.segment) {
    // The first segment of all may have any number.
    if (position_.segment != 0) ++skipped_;
    position_ = {found->segment, 0};
  }
  auto file = db_.fs.map(found->path);
  if (!file && file.error().code == ErrorCode::kNotFound) return false;  // just moved: next time
  file_ = TRY(std::move(file));
  bases_.clear();
  const auto bytes = file_->bytes();
  position_.offset = std::min<uint64_t>(position_.offset, bytes.size());
  FrameReader before(bytes.substr(0, position_.offset));
  Frame frame;
  while (before.next(frame)) (void)record(frame.payload, nullptr, nullptr);
  begin_ = position_.offset;
  reader_ = FrameReader(bytes.substr(begin_));
  return true;
}

// At the end of what is mapped: maps more, goes to the next segment, or (false) has to wait.
Result<bool> LogCursor::leave_segment() {
  const auto found = db_.wal->find(position_.segment);  // before the look at its size
  if (!found) return false;
  if (found->segment != position_.segment) {  // it was removed, perhaps with an unread end
    ++skipped_;
    file_.reset();
    position_ = {found->segment, 0};
    return true;
  }
  auto file = db_.fs.map(found->path);
  if (!file && file.error().code == ErrorCode::kNotFound) return false;
  auto mapped = TRY(std::move(file));
  file_ = std::move(mapped);
  begin_ = std::min<uint64_t>(position_.offset, file_->bytes().size());
  reader_ = FrameReader(file_->bytes().substr(begin_));
  // A frame that is being written shows in part: the rest of it comes, unless the writer died.
  FrameReader ahead = reader_;
  if (Frame frame; ahead.next(frame)) return true;
  if (!found->closed) return false;
  file_.reset();
  position_ = {position_.segment + 1, 0};
  return true;
}

Result<> LogCursor::record(std::string_view payload, std::vector<TimedSample>* samples,
                           std::vector<TimedHistogram>* histograms) {
  switch (TRY(record_kind(payload))) {
    case RecordKind::kBase:
    case RecordKind::kRow: return scrape(payload, samples);
    case RecordKind::kTimed:
      if (samples == nullptr) return {};
      TRY(decode_timed_record(payload, timed_));
      for (const LoggedSample& logged : timed_) samples->push_back(logged.sample);
      return {};
    case RecordKind::kHistograms: {
      if (histograms == nullptr) return {};
      std::vector<LoggedHistogram> logged;
      TRY(decode_histogram_record(payload, logged));
      for (auto& one : logged) histograms->push_back(std::move(one.sample));
      return {};
    }
    case RecordKind::kBaseV1:
    case RecordKind::kRowV1: break;
  }
  return fail(ErrorCode::kNotFound, "it is in the form of an older version");
}

// As db_recovery.cc reads it. A null `out` only learns the base.
Result<> LogCursor::scrape(std::string_view payload, std::vector<TimedSample>* out) {
  const ScrapeRecord record = TRY(read_scrape_record(payload));
  RowBasePtr& base = bases_[index_of(record.target)];
  const bool known = base && base->id == record.base_id;
  const auto add = [out](const RowBase& of, TimestampMs t, std::span<const double> values) {
    const auto columns = of.layout->columns();
    for (size_t i = 0; i < values.size(); ++i) out->push_back({columns[i], t, values[i]});
  };
  if (!known && !record.coded_base.empty()) {
    base = TRY(decode_base(record, base.get()));
    if (out != nullptr) add(*base, base->t, base->values);
  }
  if (!record.has_row || out == nullptr) return {};
  if (!base || base->id != record.base_id || base->values.size() != record.samples) {
    return fail(ErrorCode::kNotFound, "the row it refers to was lost");
  }
  TRY(decode_row(record.row, base->values, base->plan, values_));
  const auto t = static_cast<TimestampMs>(static_cast<uint64_t>(base->t) +
                                          static_cast<uint64_t>(record.since_base));
  add(*base, t, values_);
  return {};
}

Labels LogCursor::labels(SeriesId id) const { return db_.table.labels(id); }

}  // namespace strata::tsdb
