// A backup: a directory of files and their MANIFEST (manifest.h). Written, checked, and put back.
//
//   BACKUP/MANIFEST
//   BACKUP/data/...     a data directory
//   BACKUP/config/...   configuration
//
// What is not finished is beside under another name, so that a backup, and a restored directory,
// is there whole or not at all; what a run that was killed left there is removed by the next one.
// Functions without state, for one thread. Memory: a file is mapped, and copied in pieces.
#pragma once
#include <functional>
#include <string>

#include "backup/manifest.h"
#include "base/fs.h"

namespace strata::backup {

/// Called between pieces of a file.
struct Progress {
  uint64_t done = 0;   // bytes
  uint64_t bytes = 0;  // of all
  std::string_view path;
};
using OnProgress = std::function<void(const Progress&)>;

/// Where what is not finished lies: "DIR.partial".
std::string partial_name(const std::string& dir);

/// Copies the tree `from` to `to`, which does not exist or is empty, and says in its MANIFEST what
/// there is. Errors: kConflict when something is at `to`; kLimit when the disk has not room for it;
/// kIo.
Result<Manifest> write(Fs& fs, const std::string& from, const std::string& to, TimestampMs now,
                       const OnProgress& progress);

/// Reads all of a backup and compares. Errors: kNotFound when it is none; kCorruption, naming the
/// files that are not as they were.
Result<Manifest> check(Fs& fs, const std::string& backup, const OnProgress& progress);

struct Restore {
  std::string backup;
  std::string data_dir;    // becomes what data/ was
  std::string config_dir;  // becomes what config/ was; empty: it stays in the backup
};
/// Errors: as check(); kConflict when there is something in one of the directories; kIo. Nothing is
/// in them then.
Result<Manifest> restore(Fs& fs, const Restore& what, const OnProgress& progress);

}  // namespace strata::backup
