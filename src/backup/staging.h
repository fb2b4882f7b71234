// All of a server's state as it is at one time, in a directory that nobody changes any more, from
// where a backup is copied (archive.h): made while the server runs, in about the time that it takes
// to name files.
//
//   DIR/data/...     a data directory: a snapshot of the store (hard links), copies of databases
//                    (SQLite's online backup), and what else is there
//   DIR/config/...   the files of the configuration
//
// What each part promises after a restore: samples and silences that were acknowledged before the
// call are there. Positions of remote write are copied before the log is, so that a target may get
// samples again, and never misses some.
//
// One caller at a time. Files in the data directory that are not of the store and no database are
// copied as they are: they are logs of records, which may be cut anywhere.
#pragma once
#include <string>
#include <vector>

#include "base/fs.h"
#include "state/database.h"
#include "tsdb/db.h"

namespace strata::backup {

struct OpenDatabase {
  std::string path;  // below the data directory: "alerting/state.db"
  const state::Database* database = nullptr;
};

struct ConfigFile {
  std::string path;  // where it is
  std::string name;  // below config/
};

struct Sources {
  tsdb::Db& store;
  std::string data_dir;
  std::vector<OpenDatabase> databases;  // those that are open in this process
  std::vector<ConfigFile> configuration;
};

/// Below a data directory, those that there are. Error: kIo.
Result<std::vector<std::string>> database_files(Fs& fs, const std::string& data_dir);

/// `dir` is in the store's file system; what is there is replaced. Errors: kIo; kConflict when the
/// data directory has a database that is not among the sources'.
Result<> stage(Fs& fs, const Sources& sources, const std::string& dir);

/// Names of configuration files: below `base` as they are there, others as "elsewhere/…".
std::vector<ConfigFile> named_below(const std::string& base, const std::vector<std::string>& files);

}  // namespace strata::backup
