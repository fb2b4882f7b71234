#include "interop/prometheus_index.h"

#include "base/hash.h"
#include "interop/prometheus_bytes.h"

namespace strata::interop {
namespace {

// References of series are 32 bits wide and count units of 16 bytes; section lengths are 32 bits.
constexpr uint64_t kMaxSeriesOffset = (uint64_t{1} << 32) * kSeriesAlignment;
constexpr uint64_t kMaxSectionBytes = UINT32_MAX;

void pad(std::string& out, size_t alignment) {
  out.append((alignment - out.size() % alignment) % alignment, '\0');
}

void append_text(std::string& out, std::string_view text) {
  append_uvarint(out, text.size());
  out += text;
}

}  // namespace

/// Leaves room for the length.
size_t PrometheusIndexBuilder::begin_section() {
  const size_t begin = out_.size();
  append_u32(out_, 0);
  return begin;
}

void PrometheusIndexBuilder::end_section(size_t begin) {
  const auto content = std::string_view(out_).substr(begin + 4);
  if (content.size() > kMaxSectionBytes) too_large_ = true;
  std::string length;
  append_u32(length, static_cast<uint32_t>(content.size()));
  const uint32_t crc = crc32c(content);
  out_.replace(begin, length.size(), length);
  append_u32(out_, crc);
}

void PrometheusIndexBuilder::add_symbols(const Labels& labels) {
  const auto add = [this](std::string_view text) {
    if (!symbols_.contains(text)) symbols_.emplace(text, 0);
  };
  for (const Label& label : labels) add(label.name), add(label.value);
}

void PrometheusIndexBuilder::write_symbols() {
  append_u32(out_, kIndexMagic);
  out_ += static_cast<char>(kIndexVersion);
  symbols_at_ = out_.size();
  const size_t begin = begin_section();
  append_u32(out_, static_cast<uint32_t>(symbols_.size()));
  uint32_t number = 0;
  for (auto& [text, symbol] : symbols_) {
    symbol = number++;
    append_text(out_, text);
  }
  end_section(begin);
  pad(out_, kSeriesAlignment);
  series_at_ = out_.size();
}

void PrometheusIndexBuilder::write_series(const Labels& labels, std::string_view chunks) {
  pad(out_, kSeriesAlignment);
  if (out_.size() >= kMaxSeriesOffset) too_large_ = true;
  const auto ref = static_cast<uint32_t>(out_.size() / kSeriesAlignment);
  std::string entry;
  append_uvarint(entry, labels.size());
  for (const Label& label : labels) {
    append_uvarint(entry, symbols_.find(label.name)->second);
    append_uvarint(entry, symbols_.find(label.value)->second);
    postings_[std::string(label.name)][std::string(label.value)].series.push_back(ref);
  }
  entry += chunks;
  all_.series.push_back(ref);
  append_uvarint(out_, entry.size());
  out_ += entry;
  append_u32(out_, crc32c(entry));
}

void PrometheusIndexBuilder::write_postings(Postings& postings) {
  pad(out_, 4);
  postings.offset = out_.size();
  const size_t begin = begin_section();
  append_u32(out_, static_cast<uint32_t>(postings.series.size()));
  for (const uint32_t ref : postings.series) append_u32(out_, ref);
  end_section(begin);
}

void PrometheusIndexBuilder::write_postings_table() {
  size_t lists = 1;
  for (const auto& [name, values] : postings_) lists += values.size();
  const size_t begin = begin_section();
  append_u32(out_, static_cast<uint32_t>(lists));
  const auto append = [this](std::string_view name, std::string_view value, uint64_t offset) {
    append_uvarint(out_, 2);  // texts in the key
    append_text(out_, name);
    append_text(out_, value);
    append_uvarint(out_, offset);
  };
  append("", "", all_.offset);
  for (const auto& [name, values] : postings_) {
    for (const auto& [value, list] : values) append(name, value, list.offset);
  }
  end_section(begin);
}

Result<std::string> PrometheusIndexBuilder::finish() {
  pad(out_, 4);
  const uint64_t postings_at = out_.size();
  write_postings(all_);
  for (auto& [name, values] : postings_) {
    for (auto& [value, list] : values) write_postings(list);
  }
  // Nobody reads label indices any more; their table is there, and empty.
  const uint64_t label_table_at = out_.size();
  const size_t begin = begin_section();
  append_u32(out_, 0);
  end_section(begin);
  const uint64_t postings_table_at = out_.size();
  write_postings_table();
  std::string toc;
  for (const uint64_t offset :
       {symbols_at_, series_at_, postings_at, label_table_at, postings_at, postings_table_at}) {
    append_u64(toc, offset);
  }
  append_u32(toc, crc32c(toc));
  out_ += toc;
  if (too_large_) {
    return fail(ErrorCode::kLimit, "the index is too large for one block; select fewer series");
  }
  return std::move(out_);
}

}  // namespace strata::interop
