// strata import text: exposition text whose samples carry their times.
#include <algorithm>
#include <map>
#include <unordered_map>

#include "interop/store_import.h"
#include "tsdb/sample_merge.h"
#include "tsdb/window.h"
#include "wire/exposition.h"

namespace strata::interop {
namespace {

// Samples held before they are written: 24 bytes each, and as much again while they are sorted.
constexpr size_t kMaxHeld = 12'000'000;
constexpr size_t kMaxBlocksAWrite = 64;
constexpr int kWiden = 3;  // as blocks are merged
constexpr size_t kMaxSeries = 20'000'000;
constexpr size_t kProgressEvery = 10'000'000;

wire::ExpositionFormat format_of(std::string_view text) {
  while (text.ends_with('\n')) text.remove_suffix(1);
  return text.ends_with("# EOF") ? wire::ExpositionFormat::kOpenMetrics
                                 : wire::ExpositionFormat::kText;
}

struct Held {
  uint32_t series = 0;
  TimestampMs t = 0;
  double v = 0;
};

class TextImport {
 public:
  TextImport(StoreImport& import, const Progress& progress)
      : import_(import), progress_(progress) {}

  Result<> file(const std::string& name, std::string_view text);
  /// Writes what is held.
  Result<> flush();
  uint64_t duplicates() const { return duplicates_; }
  uint64_t without_time() const { return without_time_; }

 private:
  Result<> sample(wire::ExpositionParser& parser);
  Result<> write_block(TimestampMs start, std::span<const Held> samples);

  StoreImport& import_;
  const Progress& progress_;
  // By the text of the series, as it stands in a file; spellings of one series share a number.
  std::unordered_map<std::string, uint32_t> by_text_;
  std::unordered_map<Labels, uint32_t> by_labels_;
  std::vector<const Labels*> labels_;
  std::vector<Held> held_;
  uint64_t read_ = 0;
  uint64_t duplicates_ = 0;
  uint64_t without_time_ = 0;
  std::string key_;
};

Result<> TextImport::sample(wire::ExpositionParser& parser) {
  const auto t = parser.timestamp();
  if (!t) {
    ++without_time_;
    return {};
  }
  key_.assign(parser.series());
  const auto [found, added] = by_text_.try_emplace(key_, 0);
  if (added) {
    std::vector<Label> labels;
    TRY(parser.labels(labels));
    const auto number = static_cast<uint32_t>(labels_.size());
    const auto [entry, is_new] = by_labels_.try_emplace(Labels::from_sorted(labels), number);
    if (is_new) labels_.push_back(&entry->first);
    if (by_text_.size() > kMaxSeries) {
      return fail(ErrorCode::kLimit, fmt::format("more than {} series in one import", kMaxSeries));
    }
    found->second = entry->second;
  }
  held_.push_back({found->second, *t, parser.value()});
  if (++read_ % kProgressEvery == 0) progress_(fmt::format("{} samples read", read_));
  if (held_.size() >= kMaxHeld) TRY(flush());
  return {};
}

Result<> TextImport::file(const std::string& name, std::string_view text) {
  progress_(fmt::format("reading {} ({} bytes)", name, text.size()));
  wire::ExpositionParser parser(text, format_of(text));
  for (;;) {
    const auto entry = parser.next();
    if (!entry) return std::unexpected(entry.error().within(name));
    if (*entry == wire::Entry::kEnd) return {};
    if (*entry != wire::Entry::kSample) continue;
    if (const auto done = sample(parser); !done) {
      return std::unexpected(done.error().within(fmt::format("{}:{}", name, parser.line())));
    }
  }
}

Result<> TextImport::flush() {
  if (held_.empty()) return {};
  const auto [first, last] = std::ranges::minmax(held_, {}, &Held::t);
  Millis span = std::chrono::hours(2);
  const auto distance = static_cast<uint64_t>(last.t) - static_cast<uint64_t>(first.t);
  while (distance / static_cast<uint64_t>(span.count()) >= kMaxBlocksAWrite) span *= kWiden;
  // Stable: of two samples with one time the first in the text stays.
  std::ranges::stable_sort(held_, {}, [span](const Held& h) {
    return std::tuple(tsdb::window_start(h.t, span), h.series, h.t);
  });
  for (size_t i = 0; i < held_.size();) {
    const TimestampMs start = tsdb::window_start(held_[i].t, span);
    size_t end = i;
    while (end < held_.size() && tsdb::window_start(held_[end].t, span) == start) ++end;
    TRY(write_block(start, std::span(held_).subspan(i, end - i)));
    i = end;
  }
  held_.clear();
  return {};
}

Result<> TextImport::write_block(TimestampMs start, std::span<const Held> samples) {
  auto writer = TRY(import_.new_block(start));
  struct Target {
    std::vector<uint32_t> numbers;
    std::vector<SampleColumns> columns;
  };
  std::map<std::pair<std::string_view, std::string_view>, Target> targets;
  for (size_t i = 0; i < samples.size();) {
    const uint32_t series = samples[i].series;
    SampleColumns column;
    for (; i < samples.size() && samples[i].series == series; ++i) {
      if (!column.t.empty() && column.t.back() == samples[i].t) {
        ++duplicates_;
        continue;
      }
      column.t.push_back(samples[i].t);
      column.v.push_back(samples[i].v);
    }
    const Labels& labels = *labels_[series];
    Target& target = targets[{labels.get("job"), labels.get("instance")}];
    target.numbers.push_back(writer->add_series(labels));
    target.columns.push_back(std::move(column));
  }
  for (auto& [key, target] : targets) {
    constexpr size_t kMost = tsdb::kMaxTileColumns;
    for (size_t at = 0; at < target.numbers.size(); at += kMost) {
      const size_t n = std::min(kMost, target.numbers.size() - at);
      TRY(write_columns(*writer, std::span(target.numbers).subspan(at, n),
                        std::span(target.columns).subspan(at, n)));
    }
  }
  return import_.finish_block(*writer);
}

}  // namespace

Result<ImportStats> import_text(Fs& fs, std::span<const std::string> files,
                                const std::string& store, const Progress& progress) {
  auto import = TRY(StoreImport::begin(fs, store));
  TextImport text(*import, progress);
  for (const std::string& name : files) {
    const auto mapping = TRY(fs.map(name));
    TRY(text.file(name, mapping->bytes()));
  }
  TRY(text.flush());
  ImportStats stats = TRY(import->publish());
  stats.duplicates = text.duplicates();
  stats.without_time = text.without_time();
  return stats;
}

}  // namespace strata::interop
