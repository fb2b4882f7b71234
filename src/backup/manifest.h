// What is in a backup, file by file, with checksums: the file MANIFEST at its top, which is written
// last. A backup without one is none. docs/formats/backup.md is the format.
//
// Text of lines, so that a person can read it and `crc32c` can check it. Bound: kMaxFiles.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/sample.h"

namespace strata::backup {

inline constexpr std::string_view kManifestName = "MANIFEST";
/// The version of what a backup looks like. Files in it have versions of their own.
inline constexpr uint64_t kBackupVersion = 1;
inline constexpr size_t kMaxFiles = 10'000'000;

struct FileEntry {
  std::string path;  // below the backup: "data/blocks/…/index"; no "..", not absolute
  uint64_t size = 0;
  uint32_t crc = 0;  // CRC32C

  friend bool operator==(const FileEntry&, const FileEntry&) = default;
};

struct Manifest {
  TimestampMs made_at = 0;
  std::string made_by;  // Strata's version
  std::vector<FileEntry> files;

  uint64_t bytes() const;
  friend bool operator==(const Manifest&, const Manifest&) = default;
};

std::string to_text(const Manifest& manifest);
/// Errors: kCorruption when it is not whole; kConflict when a newer Strata wrote it.
Result<Manifest> parse_manifest(std::string_view text);

}  // namespace strata::backup
