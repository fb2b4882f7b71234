#include "dashboards/annotations.h"

#include <algorithm>

#include "base/json.h"
#include "discover/json_reader.h"
#include "state/database.h"

namespace strata::dashboards {
namespace {

using discover::JsonReader;

constexpr std::string_view kSteps[] = {
    "CREATE TABLE annotations (id INTEGER PRIMARY KEY AUTOINCREMENT, time INTEGER NOT NULL,"
    " time_end INTEGER NOT NULL, dashboard TEXT NOT NULL, panel INTEGER NOT NULL,"
    " by TEXT NOT NULL, text TEXT NOT NULL, tags TEXT NOT NULL) STRICT",
    "CREATE INDEX annotations_by_time ON annotations (time)",
};
constexpr std::string_view kColumns =
    "SELECT id, time, time_end, dashboard, panel, by, text, tags FROM annotations ";

std::vector<std::string> read_tags(JsonReader& reader) {
  std::vector<std::string> tags;
  reader.array([&] { reader.string(tags.emplace_back()); });
  return tags;
}

std::string tags_json(const std::vector<std::string>& tags) {
  std::string out;
  JsonWriter json(out);
  json.begin_array();
  for (const auto& tag : tags) json.string(tag);
  json.end_array();
  return out;
}

Annotation read_row(const state::Row& row) {
  Annotation one{.id = row.integer(0),
                 .time = row.integer(1),
                 .time_end = row.integer(2),
                 .dashboard_uid = row.text(3),
                 .panel_id = row.integer(4),
                 .by = row.text(5),
                 .text = row.text(6)};
  const std::string tags = row.text(7);
  JsonReader reader(tags);
  one.tags = read_tags(reader);
  return one;
}

Result<> apply(const AnnotationEdit& edit, Annotation& one) {
  const bool was_moment = one.time_end == one.time;
  if (edit.time) one.time = *edit.time;
  if (edit.time_end && *edit.time_end != 0) one.time_end = *edit.time_end;
  if (!edit.time_end && was_moment) one.time_end = one.time;
  if (edit.dashboard_uid) one.dashboard_uid = *edit.dashboard_uid;
  if (edit.panel_id) one.panel_id = *edit.panel_id;
  if (edit.text) one.text = *edit.text;
  if (edit.tags) one.tags = *edit.tags;
  if (one.text.empty()) return bad_data("an annotation needs a text");
  if (one.time < 0 || one.time_end < one.time) return bad_data("timeEnd is before time");
  const auto too_long = [](size_t size) { return size > Annotations::kMaxTextBytes; };
  if (too_long(one.text.size()) || too_long(tags_json(one.tags).size()) ||
      too_long(one.dashboard_uid.size())) {
    return bad_data("an annotation's text and tags may have 16 KiB each");
  }
  return {};
}

bool has_tags(const Annotation& one, const AnnotationQuery& query) {
  const auto has = [&](const std::string& tag) {
    return std::ranges::find(one.tags, tag) != one.tags.end();
  };
  if (query.tags.empty()) return true;
  return query.any_tag ? std::ranges::any_of(query.tags, has)
                       : std::ranges::all_of(query.tags, has);
}

std::unexpected<Error> no_such(int64_t id) {
  return fail(ErrorCode::kNotFound, "there is no annotation " + std::to_string(id));
}

}  // namespace

Result<AnnotationEdit> read_annotation(std::string_view body) {
  JsonReader reader(body);
  AnnotationEdit edit;
  reader.object([&](std::string_view key) {
    if (key == "time") return reader.integer(edit.time.emplace());
    if (key == "timeEnd") return reader.integer(edit.time_end.emplace());
    if (key == "dashboardUID") return reader.string(edit.dashboard_uid.emplace());
    if (key == "panelId") return reader.integer(edit.panel_id.emplace());
    if (key == "text") return reader.string(edit.text.emplace());
    if (key == "tags") return void(edit.tags = read_tags(reader));
    reader.skip();
  });
  TRY(reader.finish());
  return edit;
}

Annotations::Annotations(const Clock& clock) : clock_(clock) {}
Annotations::~Annotations() = default;

Result<std::unique_ptr<Annotations>> Annotations::open(const std::string& directory, Fs& fs,
                                                       const Clock& clock) {
  std::unique_ptr<Annotations> out(new Annotations(clock));
  TRY(fs.create_directories(directory));
  out->db_ = TRY(state::Database::open(directory + "/annotations.db"));
  TRY(out->db_->migrate("annotations", kSteps));
  return out;
}

Result<int64_t> Annotations::add(const AnnotationEdit& edit, std::string_view by) {
  const TimestampMs now = clock_.now_ms();
  Annotation one{.time = now, .time_end = now, .by = std::string(by)};
  TRY(apply(edit, one));
  int64_t id = 0;
  TRY(db_->transaction([&](state::Session& session) -> Result<> {
    TRY(
        session.run("INSERT INTO annotations (time, time_end, dashboard, panel, by, text, tags)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?)",
                    {one.time, one.time_end, one.dashboard_uid, one.panel_id, one.by, one.text,
                     tags_json(one.tags)}));
    TRY(session.query("SELECT last_insert_rowid()", {},
                      [&](const state::Row& row) { id = row.integer(0); }));
    return session.run("DELETE FROM annotations WHERE id <= ?", {id - kMaxKept});
  }));
  return id;
}

Result<> Annotations::change(int64_t id, const AnnotationEdit& edit) {
  Annotation one = TRY(get(id));
  TRY(apply(edit, one));
  return db_->run(
      "UPDATE annotations SET time = ?, time_end = ?, dashboard = ?, panel = ?,"
      " text = ?, tags = ? WHERE id = ?",
      {one.time, one.time_end, one.dashboard_uid, one.panel_id, one.text, tags_json(one.tags), id});
}

Result<> Annotations::remove(int64_t id) {
  return db_->transaction([&](state::Session& session) -> Result<> {
    TRY(session.run("DELETE FROM annotations WHERE id = ?", {id}));
    if (session.changes() == 0) return no_such(id);
    return {};
  });
}

Result<Annotation> Annotations::get(int64_t id) const {
  std::optional<Annotation> found;
  TRY(db_->query(std::string(kColumns) + "WHERE id = ?", {id},
                 [&](const state::Row& row) { found = read_row(row); }));
  if (!found) return no_such(id);
  return *found;
}

Result<std::vector<Annotation>> Annotations::find(const AnnotationQuery& query) const {
  std::vector<Annotation> found;
  const size_t limit = std::min(query.limit, kMaxAnswer);
  TRY(db_->query(
      std::string(kColumns) + "WHERE time <= ? AND time_end >= ? ORDER BY time DESC, id DESC",
      {query.to, query.from}, [&](const state::Row& row) {
        if (found.size() >= limit) return;
        Annotation one = read_row(row);
        const bool here = query.dashboard_uid.empty() || one.dashboard_uid.empty() ||
                          one.dashboard_uid == query.dashboard_uid;
        if (here && has_tags(one, query)) found.push_back(std::move(one));
      }));
  return found;
}

}  // namespace strata::dashboards
