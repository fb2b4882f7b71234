#include "app/backup_commands.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>

#include "backup/archive.h"
#include "backup/staging.h"
#include "base/log.h"
#include "base/rfc3339.h"
#include "discover/json_reader.h"
#include "net/http_client.h"
#include "net/loop.h"

namespace strata::app {
namespace {

int failed(const Error& error) {
  fmt::print(stderr, "strata: {}\n", error.message);
  return 1;
}

// On a terminal a line that changes, elsewhere one every tenth.
backup::OnProgress progress_printer(std::string_view what) {
  return [what, terminal = ::isatty(STDERR_FILENO) == 1,
          shown = uint64_t{0}](const backup::Progress& progress) mutable {
    const uint64_t percent = progress.bytes == 0 ? 100 : progress.done * 100 / progress.bytes;
    const bool last = progress.done == progress.bytes;
    if (percent < shown + (terminal ? 1 : 10) && !last) return;
    shown = percent;
    fmt::print(stderr, "{}{} {}% of {} MB{}", terminal ? "\r" : "", what, percent,
               (progress.bytes >> 20) + 1, terminal && !last ? "" : "\n");
  };
}

void print_summary(std::string_view what, const std::string& where,
                   const backup::Manifest& manifest) {
  fmt::print("{} {}: {} files, {} MB, made {} by Strata {}\n", what, where, manifest.files.size(),
             (manifest.bytes() >> 20) + 1, rfc3339(manifest.made_at), manifest.made_by);
}

// Asks the server; gives what stands behind "data" of its answer.
Result<std::string> ask(const BackupCommand& command, const std::string& method) {
  net::Loop loop("client");
  loop.start();
  net::HttpClient client(loop);
  net::ClientRequest request{.method = method, .url = command.url};
  while (request.url.ends_with('/')) request.url.pop_back();
  request.url += "/api/v1/admin/backup";
  request.timeout = std::chrono::minutes(10);  // a start of the copy waits for the store's upkeep
  auto response = client.fetch_sync(std::move(request));
  if (!response) return std::unexpected(response.error().within("asking " + command.url));
  std::string error = response->body, directory;
  discover::JsonReader reader(response->body);
  reader.object([&](std::string_view key) {
    if (key == "error") return reader.string(error);
    if (key != "data") return static_cast<void>(reader.skip());
    reader.object([&](std::string_view name) {
      if (name == "directory") return reader.string(directory);
      reader.skip();
    });
  });
  if (response->status / 100 == 2) return directory;
  return fail(ErrorCode::kUnavailable,
              fmt::format("{} answered {}: {}", command.url, response->status, error));
}

Result<backup::Manifest> copy(const std::string& staged, const std::string& to) {
  ::umask(077);  // there are credentials among the configuration
  return backup::write(real_fs(), staged, to, real_clock().now_ms(), progress_printer("copied"));
}

Result<backup::Manifest> backup_running(const BackupCommand& command) {
  const std::string staged = TRY(ask(command, "POST"));
  if (!real_fs().exists(staged)) {
    return fail(ErrorCode::kNotFound,
                fmt::format("{} made its copy in {}, which is not on this machine: run this where "
                            "the server runs",
                            command.url, staged));
  }
  auto manifest = copy(staged, command.directory);
  if (const auto dropped = ask(command, "DELETE"); !dropped) {
    fmt::print(stderr, "warning: {} stays, and takes room: {}\n", staged, dropped.error().message);
  }
  return manifest;
}

Result<backup::Manifest> backup_stopped(const BackupCommand& command) {
  Fs& fs = real_fs();
  if (!fs.exists(command.data_dir + "/series")) {
    return fail(ErrorCode::kNotFound, fmt::format("{} is no data directory", command.data_dir));
  }
  tsdb::Options options{
      .path = command.data_dir, .retention_time = Millis(0), .cold_after = Millis(0)};
  auto store = tsdb::Db::open(options, fs, real_clock());
  if (!store && store.error().code == ErrorCode::kConflict) {
    return fail(ErrorCode::kConflict,
                fmt::format("{}; while a server runs on it, give --url instead of --storage.path",
                            store.error().message));
  }
  if (!store) return std::unexpected(store.error());
  std::vector<std::unique_ptr<state::Database>> open;
  backup::Sources sources{
      .store = **store, .data_dir = command.data_dir, .databases = {}, .configuration = {}};
  for (const auto& name : TRY(backup::database_files(fs, command.data_dir))) {
    open.push_back(TRY(state::Database::open(fmt::format("{}/{}", command.data_dir, name))));
    sources.databases.push_back({name, open.back().get()});
  }
  sources.configuration = backup::named_below(configuration_directory(command.configuration),
                                              TRY(configuration_files(command.configuration, fs)));
  const std::string staged = command.data_dir + "/snapshots/backup";
  TRY(fs.create_directories(command.data_dir + "/snapshots"));
  TRY(backup::stage(fs, sources, staged));
  auto manifest = copy(staged, command.directory);
  TRY(fs.remove_all(staged));
  return manifest;
}

}  // namespace

int backup(const BackupCommand& command) {
  configure_logging(LogLevel::kWarn, LogFormat::kLogfmt);
  const auto manifest = command.url.empty() ? backup_stopped(command) : backup_running(command);
  if (!manifest) return failed(manifest.error());
  print_summary("backup", command.directory, *manifest);
  return 0;
}

int restore(const RestoreCommand& command) {
  if (command.check) {
    const auto manifest = backup::check(real_fs(), command.backup, progress_printer("checked"));
    if (!manifest) return failed(manifest.error());
    print_summary("good:", command.backup, *manifest);
    return 0;
  }
  ::umask(077);
  const auto manifest = backup::restore(
      real_fs(),
      {.backup = command.backup, .data_dir = command.data_dir, .config_dir = command.config_dir},
      progress_printer("restored"));
  if (!manifest) return failed(manifest.error());
  print_summary("restored", command.data_dir, *manifest);
  if (command.config_dir.empty()) {
    fmt::print("the configuration is in {}/config\n", command.backup);
  }
  return 0;
}

}  // namespace strata::app
