#include "ui/assets.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/hash.h"

// The table that cmake/ui_assets.cmake makes: sorted by name.
struct EmbeddedFile {
  const char* name;
  const char* begin;
  const char* end;
};
extern "C" const EmbeddedFile strata_ui_assets[];
extern "C" const uint64_t strata_ui_asset_count;

namespace strata::ui {
namespace {

std::string_view content_type_of(std::string_view path) {
  if (path.ends_with(".html")) return "text/html; charset=utf-8";
  if (path.ends_with(".js")) return "text/javascript; charset=utf-8";
  if (path.ends_with(".css")) return "text/css; charset=utf-8";
  if (path.ends_with(".svg")) return "image/svg+xml";
  return "application/octet-stream";
}

std::string etag_of(std::string_view bytes) {
  constexpr char kHex[] = "0123456789abcdef";
  const uint64_t hash = hash64(bytes);
  std::string etag = "\"";
  for (int shift = 60; shift >= 0; shift -= 4) etag += kHex[(hash >> shift) & 15];
  return etag += '"';
}

std::vector<Asset> read_table() {
  std::vector<Asset> assets;
  for (const EmbeddedFile& file : std::span(strata_ui_assets, strata_ui_asset_count)) {
    const std::string_view bytes(file.begin, file.end);
    assets.push_back({file.name, content_type_of(file.name), bytes, etag_of(bytes)});
  }
  return assets;
}

}  // namespace

std::span<const Asset> all_assets() {
  static const std::vector<Asset> assets = read_table();
  return assets;
}

const Asset* find_asset(std::string_view path) {
  if (path.starts_with('/')) path.remove_prefix(1);
  if (path.empty()) path = "index.html";
  const auto assets = all_assets();
  const auto found = std::ranges::lower_bound(assets, path, {}, &Asset::path);
  return found != assets.end() && found->path == path ? &*found : nullptr;
}

}  // namespace strata::ui
