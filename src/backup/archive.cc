#include "backup/archive.h"

#include <algorithm>
#include <set>

#include "base/build_info.h"
#include "base/hash.h"

namespace strata::backup {
namespace {

constexpr size_t kPiece = size_t{4} << 20;
constexpr size_t kMaxNamed = 10;  // of damaged files, in a message

// Names of the files below `dir`, as FileEntry has them, without their checksums.
Result<> list_tree(Fs& fs, const std::string& dir, const std::string& below,
                   std::vector<FileEntry>& out) {
  for (const DirEntry& entry : TRY(fs.list(dir))) {
    const std::string path = below.empty() ? entry.name : below + "/" + entry.name;
    if (entry.is_directory) {
      TRY(list_tree(fs, dir + "/" + entry.name, path, out));
    } else {
      if (path.contains('\n')) return bad_data(fmt::format("{}: a line break in a name", path));
      out.push_back({path, entry.size, 0});
    }
  }
  return {};
}

std::string parent_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

Result<> check_absent(Fs& fs, const std::string& dir) {
  if (!fs.exists(dir)) return {};
  const auto entries = fs.list(dir);
  if (entries && entries->empty()) return {};
  return fail(ErrorCode::kConflict,
              fmt::format("{} is there already and is not empty: name another directory", dir));
}

// Counts what is copied or read, for whoever watches.
class Meter {
 public:
  Meter(uint64_t bytes, const OnProgress& on_progress)
      : progress_{.done = 0, .bytes = bytes, .path = {}}, on_progress_(on_progress) {}
  void at(std::string_view path, size_t more) {
    progress_.done += more;
    progress_.path = path;
    if (on_progress_) on_progress_(progress_);
  }

 private:
  Progress progress_;
  const OnProgress& on_progress_;
};

// Reads `from`, writes it to `to` where there is one; gives size and checksum of what was read.
Result<FileEntry> transfer(Fs& fs, const std::string& from, const std::string* to, std::string path,
                           Meter& meter) {
  const auto source = TRY(fs.map(from));
  std::unique_ptr<AppendFile> target;
  if (to != nullptr) target = TRY(fs.create(*to));
  FileEntry entry{std::move(path), source->bytes().size(), 0};
  for (std::string_view rest = source->bytes(); !rest.empty();) {
    const auto piece = rest.substr(0, kPiece);
    rest.remove_prefix(piece.size());
    entry.crc = crc32c(piece, entry.crc);
    if (target) TRY(target->append(piece));
    meter.at(entry.path, piece.size());
  }
  if (target) TRY(target->sync());
  return entry;
}

Result<> check_room(Fs& fs, const std::string& where, uint64_t bytes) {
  const uint64_t room = TRY(fs.free_bytes(where));
  if (room >= bytes) return {};
  return fail(ErrorCode::kLimit, fmt::format("{} MB are needed and {} MB are free in {}",
                                             (bytes >> 20) + 1, room >> 20, where));
}

// Makes the directories of `files` below `dir`, each once.
Result<> make_directories(Fs& fs, const std::string& dir, const std::vector<FileEntry>& files) {
  TRY(fs.create_directories(dir));
  std::set<std::string> made;
  for (const auto& file : files) {
    const std::string parent = parent_of(dir + "/" + file.path);
    if (made.insert(parent).second) TRY(fs.create_directories(parent));
  }
  return {};
}

Result<> sync_directories(Fs& fs, const std::string& dir) {
  for (const DirEntry& entry : TRY(fs.list(dir))) {
    if (entry.is_directory) TRY(sync_directories(fs, dir + "/" + entry.name));
  }
  return fs.sync_dir(dir);
}

// Gives what is whole at `partial` its name.
Result<> put_in_place(Fs& fs, const std::string& partial, const std::string& dir) {
  TRY(sync_directories(fs, partial));
  if (fs.exists(dir)) TRY(fs.remove(dir));  // it is empty
  TRY(fs.rename(partial, dir));
  return fs.sync_dir(parent_of(dir));
}

Result<Manifest> read_manifest(Fs& fs, const std::string& backup) {
  auto text = fs.read_file(fmt::format("{}/{}", backup, kManifestName));
  if (!text && text.error().code == ErrorCode::kNotFound) {
    return fail(ErrorCode::kNotFound,
                fmt::format("{} is no backup, or one that was not finished: there is no {} in it",
                            backup, kManifestName));
  }
  auto manifest = parse_manifest(TRY(std::move(text)));
  if (!manifest) return std::unexpected(manifest.error().within(backup));
  return manifest;
}

// Which files are not as the manifest says, as a message; empty: all are.
class Damage {
 public:
  void add(const std::string& path) {
    if (++count_ <= kMaxNamed) names_ += (names_.empty() ? "" : ", ") + path;
  }
  Result<> result(const std::string& backup) const {
    if (count_ == 0) return {};
    return fail(ErrorCode::kCorruption,
                fmt::format("{}: {} file(s) are missing or not as they were: {}{}", backup, count_,
                            names_, count_ > kMaxNamed ? ", …" : ""));
  }

 private:
  size_t count_ = 0;
  std::string names_;
};

std::string without_slash(std::string dir) {
  while (dir.size() > 1 && dir.ends_with('/')) dir.pop_back();
  return dir;
}

// Where a file of the backup goes; empty: it stays.
std::string destination(const FileEntry& file, const std::string& data, const std::string& config) {
  constexpr std::string_view kData = "data/", kConfig = "config/";
  if (file.path.starts_with(kData)) return data + "/" + file.path.substr(kData.size());
  if (file.path.starts_with(kConfig) && !config.empty()) {
    return config + "/" + file.path.substr(kConfig.size());
  }
  return "";
}

}  // namespace

std::string partial_name(const std::string& dir) { return without_slash(dir) + ".partial"; }

Result<Manifest> write(Fs& fs, const std::string& from, const std::string& to_dir, TimestampMs now,
                       const OnProgress& progress) {
  const std::string to = without_slash(to_dir);
  TRY(check_absent(fs, to));
  const std::string partial = partial_name(to);
  if (fs.exists(partial)) TRY(fs.remove_all(partial));
  Manifest manifest{.made_at = now, .made_by = std::string(build_info().version), .files = {}};
  TRY(list_tree(fs, from, "", manifest.files));
  TRY(make_directories(fs, partial, manifest.files));
  TRY(check_room(fs, partial, manifest.bytes()));
  Meter meter(manifest.bytes(), progress);
  for (auto& file : manifest.files) {
    const std::string target = partial + "/" + file.path;
    file = TRY(transfer(fs, from + "/" + file.path, &target, file.path, meter));
  }
  auto list = TRY(fs.create(fmt::format("{}/{}", partial, kManifestName)));
  TRY(list->append(to_text(manifest)));
  TRY(list->sync());
  TRY(put_in_place(fs, partial, to));
  return manifest;
}

Result<Manifest> check(Fs& fs, const std::string& backup, const OnProgress& progress) {
  auto manifest = TRY(read_manifest(fs, backup));
  Meter meter(manifest.bytes(), progress);
  Damage damage;
  for (const auto& file : manifest.files) {
    const auto read = transfer(fs, backup + "/" + file.path, nullptr, file.path, meter);
    if (!read && read.error().code != ErrorCode::kNotFound) return std::unexpected(read.error());
    if (!read || *read != file) damage.add(file.path);
  }
  TRY(damage.result(backup));
  return manifest;
}

Result<Manifest> restore(Fs& fs, const Restore& what, const OnProgress& progress) {
  auto manifest = TRY(read_manifest(fs, what.backup));
  const std::string data_dir = without_slash(what.data_dir);
  const std::string config_dir = without_slash(what.config_dir);
  TRY(check_absent(fs, data_dir));
  if (!config_dir.empty()) TRY(check_absent(fs, config_dir));
  const std::string data = partial_name(data_dir);
  const std::string config = config_dir.empty() ? "" : partial_name(config_dir);
  for (const auto& dir : {data, config}) {
    if (dir.empty()) continue;
    if (fs.exists(dir)) TRY(fs.remove_all(dir));
    TRY(fs.create_directories(dir));
  }
  TRY(check_room(fs, data, manifest.bytes()));
  Meter meter(manifest.bytes(), progress);
  Damage damage;
  for (const auto& file : manifest.files) {
    const std::string to = destination(file, data, config);
    if (!to.empty()) TRY(fs.create_directories(parent_of(to)));
    const auto read =
        transfer(fs, what.backup + "/" + file.path, to.empty() ? nullptr : &to, file.path, meter);
    if (!read && read.error().code != ErrorCode::kNotFound) return std::unexpected(read.error());
    if (!read || *read != file) damage.add(file.path);
  }
  if (auto whole = damage.result(what.backup); !whole) {
    (void)fs.remove_all(data);
    if (!config.empty()) (void)fs.remove_all(config);
    return std::unexpected(whole.error());
  }
  if (!config.empty()) TRY(put_in_place(fs, config, config_dir));
  TRY(put_in_place(fs, data, data_dir));
  return manifest;
}

}  // namespace strata::backup
