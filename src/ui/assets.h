// The web page, inside the binary: every file that web/ was built into (without Node.js, those of
// ui/fallback), gzipped once. What is returned lives as long as the process. Thread-safe.
#pragma once
#include <span>
#include <string>
#include <string_view>

namespace strata::ui {

struct Asset {
  std::string_view path;           // "assets/index-Bx2.js", without a leading slash
  std::string_view content_type;   // "text/html; charset=utf-8"
  std::string_view gzipped_bytes;  // send with Content-Encoding: gzip
  std::string etag;                // quoted, as in the ETag header; changes with the bytes
  bool immutable;                  // its name has a hash of its bytes: it may be kept for ever
};

/// The headers that every asset is sent with. Nothing is loaded from elsewhere, and no script or
/// style stands in the HTML.
inline constexpr std::string_view kContentSecurityPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'";

/// The asset at `path`, with or without a leading '/'; "" and "/" are index.html. Null when there
/// is none. The page's own URLs are relative, so it works under any prefix that the server strips.
const Asset* find_asset(std::string_view path);

/// The HTML for a path that the page's own code shows ("/alerts", "/d/UID/SLUG"): one of a few
/// copies, by how far the files are above it. Null for every other path, so that a client of the
/// API is never answered with a page.
const Asset* find_page(std::string_view path);

/// All of them, by path.
std::span<const Asset> all_assets();

}  // namespace strata::ui
