#include "backup/staging.h"

#include <algorithm>
#include <array>
#include <filesystem>

#include "base/log.h"

namespace strata::backup {
namespace {

// Of the store: its snapshot has them (tsdb/db.h); the mark that a process has it open; and what is
// no part of a backup.
constexpr std::array kStoreParts = {"series", "wal",        "wal-kept", "tiles",
                                    "blocks", "tombstones", "open",     "snapshots"};

bool is_of_store(const std::string& name) {
  return std::ranges::any_of(kStoreParts, [&](const char* part) { return name == part; });
}

bool is_lock(const std::string& name) { return name == "lock" || name.ends_with(".lock"); }

bool is_left_over(const std::string& name) {
  return name.ends_with(".damaged") || name.ends_with(".partial") || name.ends_with(".tmp");
}

bool is_database(const std::string& name) {
  return name.ends_with(".db") || name.ends_with(".db-wal") || name.ends_with(".db-shm") ||
         name.ends_with(".db-journal");
}

// A file that is gone meanwhile has a successor, or was not wanted any more.
Result<> copy_file(Fs& fs, const std::string& from, const std::string& to) {
  const auto bytes = fs.read_file(from);
  if (!bytes && bytes.error().code == ErrorCode::kNotFound) return {};
  if (!bytes) return std::unexpected(bytes.error());
  const auto file = TRY(fs.create(to));
  return file->append(*bytes);
}

Result<> copy_others(Fs& fs, const std::string& from, const std::string& to, bool top) {
  TRY(fs.create_directories(to));
  for (const DirEntry& entry : TRY(fs.list(from))) {
    const std::string path = from + "/" + entry.name;
    if (top && is_of_store(entry.name)) continue;
    if (is_lock(entry.name) || is_left_over(entry.name) || is_database(entry.name)) continue;
    if (entry.is_directory) {
      TRY(copy_others(fs, path, to + "/" + entry.name, false));
    } else {
      TRY(copy_file(fs, path, to + "/" + entry.name));
    }
  }
  return {};
}

Result<> find_databases(Fs& fs, const std::string& dir, const std::string& below,
                        std::vector<std::string>& out) {
  for (const DirEntry& entry : TRY(fs.list(dir))) {
    if (below.empty() && is_of_store(entry.name)) continue;
    const std::string path = below.empty() ? entry.name : below + "/" + entry.name;
    if (entry.is_directory) TRY(find_databases(fs, dir + "/" + entry.name, path, out));
    if (!entry.is_directory && entry.name.ends_with(".db")) out.push_back(path);
  }
  return {};
}

// A backup that lacks one would look like one that has all.
Result<> check_databases(Fs& fs, const Sources& sources) {
  for (const auto& path : TRY(database_files(fs, sources.data_dir))) {
    const bool known =
        std::ranges::find(sources.databases, path, &OpenDatabase::path) != sources.databases.end();
    if (known) continue;
    return fail(ErrorCode::kConflict,
                fmt::format("{}/{} is a database that Strata has not opened and cannot copy; move "
                            "it out of the data directory",
                            sources.data_dir, path));
  }
  return {};
}

// Parts of the log that targets of remote write still need and the store does not.
Result<> link_kept_log(Fs& fs, const std::string& data_dir, const std::string& to) {
  if (!fs.exists(data_dir + "/wal-kept")) return {};
  TRY(fs.create_directories(to + "/wal-kept"));
  for (const DirEntry& entry : TRY(fs.list(data_dir + "/wal-kept"))) {
    if (fs.exists(fmt::format("{}/wal/{}", to, entry.name))) continue;  // it came here just now
    const auto linked = fs.link(fmt::format("{}/wal-kept/{}", data_dir, entry.name),
                                fmt::format("{}/wal-kept/{}", to, entry.name));
    if (!linked && linked.error().code != ErrorCode::kNotFound) return linked;
  }
  return {};
}

}  // namespace

Result<std::vector<std::string>> database_files(Fs& fs, const std::string& data_dir) {
  std::vector<std::string> out;
  TRY(find_databases(fs, data_dir, "", out));
  return out;
}

Result<> stage(Fs& fs, const Sources& sources, const std::string& dir) {
  TRY(check_databases(fs, sources));
  if (fs.exists(dir)) TRY(fs.remove_all(dir));
  TRY(fs.create_directories(dir));
  const std::string data = dir + "/data";
  const std::string others = dir + "/others";
  TRY(copy_others(fs, sources.data_dir, others, true));
  TRY(sources.store.snapshot(data));
  TRY(link_kept_log(fs, sources.data_dir, data));
  for (const DirEntry& entry : TRY(fs.list(others))) {
    TRY(fs.rename(others + "/" + entry.name, data + "/" + entry.name));
  }
  TRY(fs.remove_all(others));
  for (const auto& [path, database] : sources.databases) {
    const std::string to = data + "/" + path;
    TRY(fs.create_directories(to.substr(0, to.rfind('/'))));
    TRY(database->copy_to(to));
  }
  for (const auto& [path, name] : sources.configuration) {
    const std::string to = fmt::format("{}/config/{}", dir, name);
    TRY(fs.create_directories(to.substr(0, to.rfind('/'))));
    TRY(copy_file(fs, path, to));
  }
  return {};
}

std::vector<ConfigFile> named_below(const std::string& base,
                                    const std::vector<std::string>& files) {
  namespace stdfs = std::filesystem;
  const auto root = stdfs::absolute(base).lexically_normal();
  std::vector<ConfigFile> out;
  for (const auto& file : files) {
    const auto path = stdfs::absolute(file).lexically_normal();
    const auto relative = path.lexically_relative(root);
    const bool below = !relative.empty() && *relative.begin() != "..";
    auto name = below ? relative.string() : "elsewhere" + path.string();
    const bool known = std::ranges::find(out, name, &ConfigFile::name) != out.end();
    if (!known) out.push_back({file, std::move(name)});
  }
  return out;
}

}  // namespace strata::backup
