#include "tsdb/symbols.h"

#include <cstring>

#include "base/hash.h"

namespace strata::tsdb {
namespace {
constexpr size_t kPage = 64u << 10;
}

uint64_t Symbols::HashOf::operator()(uint32_t symbol) const { return hash64((*texts)[symbol]); }

Symbols::Symbols() : page_used_(kPage), table_(HashOf{&texts_}) {}

std::string_view Symbols::store(std::string_view text) {
  if (text.empty()) return {};
  if (text.size() > kPage / 4) {  // a page of its own, in front of the one being filled
    auto own = std::make_unique_for_overwrite<char[]>(text.size());
    std::memcpy(own.get(), text.data(), text.size());
    const std::string_view stored(own.get(), text.size());
    pages_.insert(pages_.empty() ? pages_.end() : pages_.end() - 1, std::move(own));
    page_bytes_ += text.size();
    return stored;
  }
  if (page_used_ + text.size() > kPage || page_bytes_ == 0) {
    pages_.push_back(std::make_unique_for_overwrite<char[]>(kPage));
    page_used_ = 0;
    page_bytes_ += kPage;
  }
  char* at = pages_.back().get() + page_used_;
  std::memcpy(at, text.data(), text.size());
  page_used_ += text.size();
  return {at, text.size()};
}

uint32_t Symbols::find(std::string_view text) const {
  return table_.find(hash64(text), [&](uint32_t id) { return texts_[id] == text; });
}

uint32_t Symbols::intern(std::string_view text) {
  const uint64_t hash = hash64(text);
  const uint32_t found = table_.find(hash, [&](uint32_t id) { return texts_[id] == text; });
  if (found != kNone) return found;
  const auto symbol = static_cast<uint32_t>(texts_.size());
  texts_.push_back(store(text));
  table_.insert(hash, symbol);
  return symbol;
}

size_t Symbols::memory() const {
  return page_bytes_ + texts_.capacity() * sizeof(std::string_view) + table_.memory();
}

}  // namespace strata::tsdb
