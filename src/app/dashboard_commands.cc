#include "app/dashboard_commands.h"

#include <cstdio>
#include <cstdlib>

#include "base/fs.h"
#include "base/json.h"
#include "dashboards/store.h"
#include "discover/json_reader.h"
#include "net/http_client.h"

namespace strata::app {
namespace {

using discover::JsonReader;

int failed(const Error& error) {
  fmt::print(stderr, "strata: {}\n", error.message);
  return 1;
}

struct Entry {
  std::string uid;
  std::string title;
  std::string source;
};

std::vector<Entry> read_entries(std::string_view json) {
  std::vector<Entry> entries;
  JsonReader reader(json);
  reader.array([&] {
    Entry& one = entries.emplace_back();
    reader.object([&](std::string_view key) {
      if (key == "uid") return reader.string(one.uid);
      if (key == "title") return reader.string(one.title);
      if (key == "source") return reader.string(one.source);
      reader.skip();
    });
  });
  return entries;
}

// The member of a JSON object as it stands there; "" when it has none.
std::string_view member(std::string_view json, std::string_view name) {
  std::string_view found;
  JsonReader reader(json);
  reader.object([&](std::string_view key) {
    const bool wanted = key == name;
    const auto value = reader.skip();
    if (wanted) found = value;
  });
  return found;
}

std::string text_member(std::string_view json, std::string_view name) {
  std::string text;
  if (const auto value = member(json, name); value.starts_with('"')) JsonReader(value).string(text);
  return text;
}

// "…/engine.json" → "engine".
std::string stem(std::string_view path) {
  path = path.substr(path.find_last_of('/') + 1);
  return std::string(path.substr(0, path.rfind('.')));
}

void replace_all(std::string& text, const std::string& what, const std::string& with) {
  for (size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size()) {
    text.replace(at, what.size(), with);
  }
}

// ${DS_PROMETHEUS} and the like, which Grafana's import dialog asks for and its API does not.
void fill_inputs(std::string& dashboard, const std::string& data_source) {
  if (data_source.empty()) return;
  std::vector<std::string> names;
  JsonReader reader(member(dashboard, "__inputs"));
  reader.array([&] { names.push_back(text_member(reader.skip(), "name")); });
  for (const auto& name : names) {
    if (!name.empty()) replace_all(dashboard, "${" + name + "}", data_source);
  }
}

// Without what only an export has, and without an id, which is another server's.
Result<std::string> cleaned(std::string_view dashboard) {
  std::string out;
  JsonWriter writer(out);
  writer.begin_object().key("id").null();
  JsonReader reader(dashboard);
  reader.object([&](std::string_view key) {
    const std::string name(key);
    const auto value = reader.skip();
    if (name == "id" || name.starts_with("__")) return;
    writer.key(name).raw(value);
  });
  writer.end_object();
  TRY(reader.finish());
  return out;
}

Result<> write_new(const std::string& path, std::string_view text) {
  if (real_fs().exists(path)) return bad_data(path + " is there already");
  const auto file = TRY(real_fs().create(path));
  TRY(file->append(text));
  return file->sync();
}

std::string file_name(std::string_view uid) {
  std::string name;
  for (const char c : uid) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    name += plain || c == '-' || c == '_' ? c : '-';
  }
  return name + ".json";
}

}  // namespace

Result<std::string> wrap_dashboard(std::string_view text, std::string_view name,
                                   const DashboardCommands& command) {
  std::string dashboard(text.substr(std::min(text.size(), text.find_first_not_of(" \t\r\n"))));
  if (dashboard.starts_with('[')) dashboard = R"({"panels":)" + dashboard + "}";
  JsonReader whole(dashboard);
  if (!whole.skip().starts_with('{')) return bad_data("this is no JSON object");
  TRY(whole.finish());
  if (const auto inner = member(dashboard, "dashboard"); inner.starts_with('{')) {
    dashboard = std::string(inner);
  }
  if (text_member(dashboard, "title").empty()) {
    if (member(dashboard, "panels").empty()) return bad_data("it has neither title nor panels");
    std::string titled = R"({"title":)";
    append_json_string(titled, name);
    dashboard = titled + "," + dashboard.substr(dashboard.find('{') + 1);
  }
  fill_inputs(dashboard, command.data_source);
  std::string body;
  JsonWriter json(body);
  json.begin_object().key("dashboard").raw(TRY(cleaned(dashboard)));
  if (!command.folder.empty()) json.key("folderUid").string(command.folder);
  json.key("message").string(command.message).key("overwrite").boolean(command.overwrite);
  json.end_object();
  return body;
}

Result<std::string> DashboardCommands::ask(const std::string& method, const std::string& path,
                                           const std::string& body) const {
  net::Loop loop("client");
  loop.start();
  net::HttpClient client(loop);
  net::ClientRequest request{.method = method, .url = url, .body = body};
  while (request.url.ends_with('/')) request.url.pop_back();
  request.url += path;
  if (!body.empty()) request.headers.set("Content-Type", "application/json");
  std::string token;
  if (!token_file.empty()) {
    token = TRY(real_fs().read_file(token_file));
    while (token.ends_with('\n') || token.ends_with('\r')) token.pop_back();
  } else if (const char* given = std::getenv("GRAFANA_TOKEN"); given != nullptr) {
    token = given;
  }
  if (!token.empty()) request.headers.set("Authorization", "Bearer " + token);
  auto response = client.fetch_sync(std::move(request));
  if (!response) return std::unexpected(response.error().within("cannot ask " + url));
  if (response->status / 100 == 2) return std::move(response->body);
  const auto reason = text_member(response->body, "message");
  return fail(ErrorCode::kUnavailable,
              fmt::format("{} answered {}: {}", url, response->status,
                          reason.empty() ? response->body.substr(0, 300) : reason));
}

int DashboardCommands::list() const {
  std::vector<Entry> entries;
  if (url.empty()) {
    for (const auto& one : dashboards::built_in()) {
      entries.push_back({one.head.uid, one.head.title, "built-in"});
    }
  } else {
    const auto answer = ask("GET", "/api/search?type=dash-db");
    if (!answer) return failed(answer.error());
    if (json) return fmt::print("{}\n", *answer), 0;
    entries = read_entries(*answer);
  }
  size_t width = 0;
  for (const auto& one : entries) width = std::max(width, one.uid.size());
  for (const auto& one : entries) {
    fmt::print("{:<{}}  {}{}\n", one.uid, width, one.title,
               one.source.empty() ? "" : "  (" + one.source + ")");
  }
  return 0;
}

bool DashboardCommands::wants(const std::string& uid) const {
  return uids.empty() || std::ranges::find(uids, uid) != uids.end();
}

Result<size_t> DashboardCommands::export_from_binary() const {
  size_t written = 0;
  for (const auto& one : dashboards::built_in()) {
    if (!wants(one.head.uid)) continue;
    TRY(write_new(directory + "/" + file_name(one.head.uid), one.json));
    ++written;
  }
  return written;
}

Result<size_t> DashboardCommands::export_from_server() const {
  size_t written = 0;
  const auto list = TRY(ask("GET", "/api/search?type=dash-db&limit=5000"));
  for (const auto& entry : read_entries(list)) {
    if (!wants(entry.uid)) continue;
    const auto answer = TRY(ask("GET", "/api/dashboards/uid/" + entry.uid));
    TRY(write_new(directory + "/" + file_name(entry.uid), member(answer, "dashboard")));
    ++written;
  }
  return written;
}

int DashboardCommands::export_all() const {
  if (const auto made = real_fs().create_directories(directory); !made) return failed(made.error());
  const auto written = url.empty() ? export_from_binary() : export_from_server();
  if (!written) return failed(written.error());
  fmt::print("{} dashboards written to {}\n", *written, directory);
  if (*written >= uids.size()) return 0;
  return failed(
      {ErrorCode::kNotFound, fmt::format("{} of {} dashboards were found", *written, uids.size())});
}

Result<> DashboardCommands::push_one(const std::string& file) const {
  const auto text = TRY(real_fs().read_file(file));
  auto body = wrap_dashboard(text, stem(file), *this);
  if (!body) return std::unexpected(body.error().within(file));
  const auto answer = ask("POST", "/api/dashboards/db", *body);
  if (!answer) return std::unexpected(answer.error().within(file));
  std::string base = url;
  while (base.ends_with('/')) base.pop_back();
  fmt::print("{}: {}{} version {}\n", file, base, text_member(*answer, "url"),
             member(*answer, "version"));
  return {};
}

int DashboardCommands::push() const {
  int code = 0;
  for (const auto& file : files) {
    if (const auto pushed = push_one(file); !pushed) code = failed(pushed.error());
  }
  return code;
}

}  // namespace strata::app
