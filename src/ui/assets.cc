#include "ui/assets.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/embedded_file.h"
#include "base/hash.h"

// The table that cmake/make_ui_table.cmake makes: sorted by name.
extern "C" const strata::EmbeddedFile strata_ui_assets[];
extern "C" const uint64_t strata_ui_asset_count;

namespace strata::ui {
namespace {

std::string_view content_type_of(std::string_view path) {
  if (path.ends_with(".html")) return "text/html; charset=utf-8";
  if (path.ends_with(".js")) return "text/javascript; charset=utf-8";
  if (path.ends_with(".css")) return "text/css; charset=utf-8";
  if (path.ends_with(".svg")) return "image/svg+xml";
  if (path.ends_with(".json")) return "application/json; charset=utf-8";
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
    const std::string_view bytes = file.bytes();
    const std::string_view name = file.name;
    assets.push_back(
        {name, content_type_of(name), bytes, etag_of(bytes), name.starts_with("assets/")});
  }
  return assets;
}

// As in web/src/app.tsx; those of Prometheus (graph, query, tsdb-status, …) and of Grafana (d/…)
// too, which links in alerts and in chats point to.
constexpr std::string_view kPages[] = {
    "overview",          "dashboards", "explore",   "graph",       "query",  "alerts",
    "silences",          "rules",      "incidents", "oncall",      "config", "flags",
    "service-discovery", "status",     "targets",   "tsdb-status", "cost",
};
constexpr std::string_view kFolders[] = {"d", "incidents"};  // and one or two segments below

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

const Asset* find_page(std::string_view path) {
  if (path.starts_with('/')) path.remove_prefix(1);
  if (path.ends_with('/')) path.remove_suffix(1);
  const size_t slash = path.find('/');
  if (slash == std::string_view::npos) {
    const bool known = std::ranges::find(kPages, path) != std::end(kPages);
    return known ? find_asset("index.html") : nullptr;
  }
  const auto depth = std::ranges::count(path, '/');
  const bool known = std::ranges::find(kFolders, path.substr(0, slash)) != std::end(kFolders);
  if (!known || depth > 2) return nullptr;
  return find_asset(depth == 1 ? "index1.html" : "index2.html");
}

}  // namespace strata::ui
