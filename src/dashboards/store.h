// Dashboards as Grafana writes them, from three places: those in the binary (dashboards/*.json),
// those of a folder that somebody provisions (`dashboards.folder` of strata.yml), and those that
// were saved through the API, with their versions, in SQLite. Of one uid the saved one goes before
// the folder's, and that before the binary's: saving changes neither file nor binary, and deleting
// what was saved brings back what was there before.
//
//   auto store = TRY(Store::open({.directory = dir, .folder = "boards"}, fs, clock));
//   TRY(store->save(body, "alice"));
//
// The JSON itself belongs to the page: only uid, title, tags and version are read here, and the
// rest is kept byte by byte. Owned by app/; thread-safe. Bounds: kMaxBytes a dashboard, kMaxSaved
// of them, kMaxVersions of each, kMaxFiles of the folder.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/fs.h"
#include "base/mutex.h"
#include "base/result.h"
#include "model/sample.h"

namespace strata::state {
class Database;
}

namespace strata::dashboards {

enum class Source : uint8_t { kBuiltIn, kFile, kSaved };
std::string_view to_string(Source source);  // "built-in", "file", "saved"

/// What is read of a dashboard's JSON.
struct Head {
  std::string uid;
  std::string title;
  std::vector<std::string> tags;
  int64_t version = 0;
};
/// Errors: kBadData for what is no JSON object or has no title.
Result<Head> read_head(std::string_view json);

struct Dashboard {
  Head head;
  Source source = Source::kBuiltIn;
  std::string json;
};

struct Version {
  int64_t version = 0;
  TimestampMs created = 0;
  std::string by;
  std::string message;
};

/// A request to save, as Grafana's POST /api/dashboards/db has it.
struct Save {
  std::string json = {};     // "dashboard"
  std::string message = {};  // why
  bool overwrite = false;    // whatever was saved meanwhile
};
/// Error: kBadData.
Result<Save> read_save(std::string_view body);

struct Options {
  std::string directory;  // of the database
  std::string folder;     // of provisioned files; "": none
};

class Store {
 public:
  static constexpr size_t kMaxBytes = size_t{10} << 20;
  static constexpr int64_t kMaxSaved = 2000;
  static constexpr int64_t kMaxVersions = 50;
  static constexpr size_t kMaxFiles = 1000;

  /// Errors: the database's. A file of the folder that cannot be read is logged and left out.
  static Result<std::unique_ptr<Store>> open(Options options, Fs& fs, const Clock& clock);
  ~Store();

  /// Reads `folder` anew. Error: kNotFound when there is none; then what was read stays.
  Result<> reload(const std::string& folder);

  /// One of each uid, without its JSON, by title.
  Result<std::vector<Dashboard>> list() const;
  /// `version` 0: the latest. Error: kNotFound.
  Result<Dashboard> get(std::string_view uid, int64_t version = 0) const;
  /// Newest first; empty for one that was never saved.
  Result<std::vector<Version>> versions(std::string_view uid) const;
  /// Its uid and its new version; one without a uid gets one from its title, so that pushing it
  /// again meets it. Errors: kBadData, kLimit, kConflict when a newer version was saved meanwhile
  /// and `overwrite` is not set.
  Result<Head> save(const Save& save, std::string_view by);
  /// What was saved under `uid`, with all versions. Error: kNotFound.
  Result<> remove(std::string_view uid);

  /// For backups.
  const state::Database& database() const { return *db_; }

 private:
  Store(Fs& fs, const Clock& clock);
  const Dashboard* find_given(std::string_view uid) const REQUIRES(mutex_);

  Fs& fs_;
  const Clock& clock_;
  std::unique_ptr<state::Database> db_;
  std::vector<Dashboard> built_in_;
  mutable Mutex mutex_;
  std::vector<Dashboard> files_ GUARDED_BY(mutex_);
};

/// The dashboards of the binary.
std::vector<Dashboard> built_in();

}  // namespace strata::dashboards
