#include "backup/manifest.h"

#include <charconv>

#include "base/hash.h"
#include "base/number.h"

namespace strata::backup {
namespace {

std::unexpected<Error> damaged(std::string_view what) {
  return fail(ErrorCode::kCorruption, fmt::format("the backup's MANIFEST is damaged: {}", what));
}

// The text up to the next `end`, which is taken off too.
std::optional<std::string_view> take(std::string_view& text, char end) {
  const size_t at = text.find(end);
  if (at == std::string_view::npos) return std::nullopt;
  const auto word = text.substr(0, at);
  text.remove_prefix(at + 1);
  return word;
}

std::optional<uint32_t> parse_crc(std::string_view text) {
  uint32_t crc = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), crc, 16);
  if (text.size() != 8 || error != std::errc() || end != text.data() + text.size()) return {};
  return crc;
}

bool is_path_below(std::string_view path) {
  if (path.empty() || path.front() == '/' || path.back() == '/') return false;
  while (!path.empty()) {
    const auto part = path.substr(0, path.find('/'));
    if (part.empty() || part == "." || part == ".." || part.contains('\0')) return false;
    path.remove_prefix(std::min(path.size(), part.size() + 1));
  }
  return true;
}

// "file CRC SIZE PATH"
std::optional<FileEntry> parse_file(std::string_view line) {
  if (take(line, ' ') != "file") return std::nullopt;
  const auto crc = take(line, ' ').and_then(parse_crc);
  const auto size = take(line, ' ').and_then([](auto text) { return parse_uint(text); });
  if (!crc || !size || !is_path_below(line)) return std::nullopt;
  return FileEntry{std::string(line), *size, *crc};
}

}  // namespace

uint64_t Manifest::bytes() const {
  uint64_t sum = 0;
  for (const auto& file : files) sum += file.size;
  return sum;
}

std::string to_text(const Manifest& manifest) {
  std::string out = fmt::format("strata-backup {}\nmade {} {}\n", kBackupVersion, manifest.made_at,
                                manifest.made_by);
  for (const auto& file : manifest.files) {
    out += fmt::format("file {:08x} {} {}\n", file.crc, file.size, file.path);
  }
  out += fmt::format("end {:08x}\n", crc32c(out));
  return out;
}

Result<Manifest> parse_manifest(std::string_view text) {
  std::string_view rest = text;
  if (take(rest, ' ') != "strata-backup") return damaged("it does not begin as one");
  const auto version = take(rest, '\n').and_then([](auto line) { return parse_uint(line); });
  if (!version) return damaged("it has no version");
  if (*version > kBackupVersion) {
    return fail(ErrorCode::kConflict,
                fmt::format("the backup is of version {}, this Strata knows {}: restore it with "
                            "the Strata that made it, or a newer one",
                            *version, kBackupVersion));
  }
  Manifest out;
  if (take(rest, ' ') != "made") return damaged("it does not say when it was made");
  const auto made_at = take(rest, ' ').and_then([](auto word) { return parse_uint(word); });
  const auto made_by = take(rest, '\n');
  if (!made_at || *made_at > INT64_MAX || !made_by)
    return damaged("it does not say when it was made");
  out.made_at = static_cast<TimestampMs>(*made_at);
  out.made_by = *made_by;
  while (!rest.starts_with("end ")) {
    const auto line = take(rest, '\n');
    auto file = line.and_then(parse_file);
    if (!file) return damaged("a line is no file's, or the end is missing");
    if (out.files.size() == kMaxFiles) return damaged("it names too many files");
    out.files.push_back(std::move(*file));
  }
  const auto whole = text.substr(0, text.size() - rest.size());
  const auto line = take(rest, '\n');
  const auto crc = line ? parse_crc(line->substr(4)) : std::nullopt;
  if (crc != crc32c(whole) || !rest.empty()) return damaged("its checksum is wrong");
  return out;
}

}  // namespace strata::backup
