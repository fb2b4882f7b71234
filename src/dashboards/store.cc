#include "dashboards/store.h"

#include <algorithm>
#include <map>
#include <span>

#include "base/embedded_file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/log.h"
#include "discover/json_reader.h"
#include "state/database.h"

// The table that cmake/embed_files.cmake makes.
extern "C" const strata::EmbeddedFile strata_dashboards_files[];
extern "C" const uint64_t strata_dashboards_file_count;

namespace strata::dashboards {
namespace {

constexpr std::string_view kSteps[] = {
    "CREATE TABLE dashboards (uid TEXT PRIMARY KEY, title TEXT NOT NULL, version INTEGER NOT NULL)"
    " STRICT",
    "CREATE TABLE dashboard_versions (uid TEXT NOT NULL, version INTEGER NOT NULL,"
    " created INTEGER NOT NULL, by TEXT NOT NULL, message TEXT NOT NULL, json TEXT NOT NULL,"
    " PRIMARY KEY (uid, version)) STRICT",
};

// A name that the same title always gets: 14 letters, as Grafana's own.
std::string uid_of_title(std::string_view title) {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz012345";
  std::string uid;
  uint64_t hash = hash64(title);
  for (int i = 0; i < 12; ++i, hash >>= 5) uid += kLetters[hash & 31];
  return uid;
}

bool is_uid(std::string_view uid) {
  return !uid.empty() && uid.size() <= 100 && std::ranges::all_of(uid, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '_' || c == '.';
  });
}

// The same JSON with another uid and version, and without an id, which means nothing elsewhere.
std::string stamped(std::string_view json, const Head& head) {
  discover::JsonReader reader(json);
  std::string out;
  JsonWriter writer(out);
  writer.begin_object().key("id").null().key("uid").string(head.uid);
  writer.key("version").integer(head.version);
  reader.object([&](std::string_view key) {
    const std::string name(key);
    const auto value = reader.skip();
    if (name != "id" && name != "uid" && name != "version") writer.key(name).raw(value);
  });
  writer.end_object();
  return out;
}

Result<Dashboard> read_file(Fs& fs, const std::string& path, std::string_view name) {
  auto json = TRY(fs.read_file(path));
  if (json.size() > Store::kMaxBytes) return fail(ErrorCode::kLimit, "it is larger than 10 MiB");
  auto head = TRY(read_head(json));
  if (!is_uid(head.uid)) head.uid = uid_of_title(name);
  return Dashboard{.head = std::move(head), .source = Source::kFile, .json = std::move(json)};
}

const Dashboard* find(std::span<const Dashboard> among, std::string_view uid) {
  const auto found = std::ranges::find_if(among, [&](const auto& d) { return d.head.uid == uid; });
  return found == among.end() ? nullptr : &*found;
}

Dashboard without_json(const Dashboard& dashboard) {
  return {.head = dashboard.head, .source = dashboard.source, .json = {}};
}

}  // namespace

std::vector<Dashboard> built_in() {
  std::vector<Dashboard> all;
  for (const auto& file : std::span(strata_dashboards_files, strata_dashboards_file_count)) {
    std::string json(file.bytes());
    auto head = read_head(json);  // a test reads them all
    if (head) all.push_back({std::move(*head), Source::kBuiltIn, std::move(json)});
  }
  return all;
}

Store::Store(Fs& fs, const Clock& clock) : fs_(fs), clock_(clock) {}
Store::~Store() = default;

Result<std::unique_ptr<Store>> Store::open(Options options, Fs& fs, const Clock& clock) {
  std::unique_ptr<Store> store(new Store(fs, clock));
  TRY(fs.create_directories(options.directory));
  store->db_ = TRY(state::Database::open(options.directory + "/dashboards.db"));
  TRY(store->db_->migrate("dashboards", kSteps));
  store->built_in_ = built_in();
  if (!options.folder.empty()) TRY(store->reload(options.folder));
  return store;
}

Result<> Store::reload(const std::string& folder) {
  std::vector<Dashboard> files;
  if (!folder.empty()) {
    for (const auto& entry : TRY(fs_.list(folder))) {
      if (entry.is_directory || !entry.name.ends_with(".json")) continue;
      const auto path = folder + "/" + entry.name;
      if (files.size() == kMaxFiles) {
        log_warn("only the first files of the dashboards' folder are read",
                 {{"folder", folder}, {"files", std::to_string(kMaxFiles)}});
        break;
      }
      auto dashboard = read_file(fs_, path, entry.name);
      if (dashboard) {
        files.push_back(std::move(*dashboard));
      } else {
        log_warn("a dashboard is left out", {{"file", path}, {"error", dashboard.error().message}});
      }
    }
  }
  const MutexLock lock(mutex_);
  files_ = std::move(files);
  return {};
}

const Dashboard* Store::find_given(std::string_view uid) const {
  const auto* file = find(files_, uid);
  return file != nullptr ? file : find(built_in_, uid);
}

Result<std::vector<Dashboard>> Store::list() const {
  std::map<std::string, Dashboard, std::less<>> by_uid;
  for (const auto& one : built_in_) by_uid[one.head.uid] = without_json(one);
  {
    const MutexLock lock(mutex_);
    for (const auto& one : files_) by_uid[one.head.uid] = without_json(one);
  }
  TRY(
      db_->query("SELECT v.json, v.version FROM dashboards d JOIN dashboard_versions v"
                 " ON v.uid = d.uid AND v.version = d.version",
                 {}, [&](const state::Row& row) {
                   auto head = read_head(row.text(0));
                   if (!head) return;
                   head->version = row.integer(1);
                   by_uid[head->uid] = {.head = *head, .source = Source::kSaved, .json = {}};
                 }));
  std::vector<Dashboard> all;
  for (auto& [uid, dashboard] : by_uid) all.push_back(std::move(dashboard));
  std::ranges::stable_sort(all, {}, [](const Dashboard& one) { return one.head.title; });
  return all;
}

Result<Dashboard> Store::get(std::string_view uid, int64_t version) const {
  Dashboard found;
  TRY(
      db_->query("SELECT v.json FROM dashboard_versions v JOIN dashboards d ON v.uid = d.uid"
                 " WHERE v.uid = ?1 AND v.version = iif(?2 = 0, d.version, ?2)",
                 {std::string(uid), version}, [&](const state::Row& row) {
                   found.json = row.text(0);
                   found.source = Source::kSaved;
                 }));
  if (!found.json.empty()) {
    found.head = TRY(read_head(found.json));
    return found;
  }
  const MutexLock lock(mutex_);
  const auto* given = version == 0 ? find_given(uid) : nullptr;
  if (given == nullptr) return fail(ErrorCode::kNotFound, fmt::format("no dashboard {}", uid));
  return *given;
}

Result<std::vector<Version>> Store::versions(std::string_view uid) const {
  std::vector<Version> all;
  TRY(
      db_->query("SELECT version, created, by, message FROM dashboard_versions WHERE uid = ?"
                 " ORDER BY version DESC",
                 {std::string(uid)}, [&](const state::Row& row) {
                   all.push_back({row.integer(0), row.integer(1), row.text(2), row.text(3)});
                 }));
  return all;
}

Result<Head> Store::save(const Save& save, std::string_view by) {
  if (save.json.size() > kMaxBytes) {
    return fail(ErrorCode::kLimit, "a dashboard has 10 MiB at most");
  }
  auto head = TRY(read_head(save.json));
  if (head.uid.empty()) head.uid = uid_of_title(head.title);
  if (!is_uid(head.uid)) {
    return bad_data("a uid is 1 to 100 letters, digits, '-', '_' and '.': " + head.uid);
  }
  TRY(db_->transaction([&](state::Session& session) -> Result<> {
    int64_t latest = 0, saved = 0;
    TRY(session.query("SELECT version FROM dashboards WHERE uid = ?", {head.uid},
                      [&](const state::Row& row) { latest = row.integer(0); }));
    TRY(session.query("SELECT count(*) FROM dashboards", {},
                      [&](const state::Row& row) { saved = row.integer(0); }));
    if (latest == 0 && saved >= kMaxSaved) {
      return fail(ErrorCode::kLimit, fmt::format("{} dashboards are saved already", kMaxSaved));
    }
    if (latest != 0 && !save.overwrite && head.version != latest) {
      return fail(ErrorCode::kConflict,
                  fmt::format("{} was saved meanwhile: version {} is the latest, not {}",
                              head.title, latest, head.version));
    }
    head.version = latest + 1;
    TRY(session.run("INSERT INTO dashboard_versions VALUES (?, ?, ?, ?, ?, ?)",
                    {head.uid, head.version, clock_.now_ms(), std::string(by), save.message,
                     stamped(save.json, head)}));
    TRY(
        session.run("INSERT INTO dashboards VALUES (?1, ?2, ?3) ON CONFLICT (uid) DO UPDATE SET"
                    " title = ?2, version = ?3",
                    {head.uid, head.title, head.version}));
    return session.run("DELETE FROM dashboard_versions WHERE uid = ? AND version <= ?",
                       {head.uid, head.version - kMaxVersions});
  }));
  return head;
}

Result<> Store::remove(std::string_view uid) {
  return db_->transaction([&](state::Session& session) -> Result<> {
    TRY(session.run("DELETE FROM dashboards WHERE uid = ?", {std::string(uid)}));
    if (session.changes() == 0) {
      return fail(ErrorCode::kNotFound, fmt::format("no dashboard {} was saved", uid));
    }
    return session.run("DELETE FROM dashboard_versions WHERE uid = ?", {std::string(uid)});
  });
}

}  // namespace strata::dashboards
