#include "oncall/store.h"

#include <algorithm>

#include "base/json.h"
#include "discover/json_reader.h"

namespace strata::oncall {
namespace {

constexpr std::string_view kSteps[] = {
    R"(CREATE TABLE incidents (
  id INTEGER PRIMARY KEY,
  alertname TEXT NOT NULL,
  place_label TEXT NOT NULL,
  place_value TEXT NOT NULL,
  priority INTEGER NOT NULL,       -- 0 to 3
  status INTEGER NOT NULL,         -- open, acknowledged, resolved
  suppressed INTEGER NOT NULL,
  drill_receiver TEXT NOT NULL,
  opened_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  acknowledged_at INTEGER,
  acknowledged_by TEXT NOT NULL,
  acknowledged_until INTEGER,
  resolved_at INTEGER,
  resolved_by TEXT NOT NULL,
  owner TEXT NOT NULL,
  alert_count INTEGER NOT NULL,
  firing_count INTEGER NOT NULL,
  round INTEGER NOT NULL,
  step INTEGER NOT NULL,
  next_step_at INTEGER
))",
    "CREATE INDEX incidents_by_status ON incidents (status, opened_at)",
    R"(CREATE TABLE incident_alerts (
  incident INTEGER NOT NULL REFERENCES incidents (id) ON DELETE CASCADE,
  fingerprint INTEGER NOT NULL,
  labels TEXT NOT NULL,            -- JSON
  annotations TEXT NOT NULL,       -- JSON
  starts_at INTEGER NOT NULL,
  ended_at INTEGER,
  PRIMARY KEY (incident, fingerprint)
) WITHOUT ROWID)",
    R"(CREATE TABLE pages (
  id INTEGER PRIMARY KEY,
  person TEXT NOT NULL,
  kind TEXT NOT NULL,
  receiver TEXT NOT NULL,
  why TEXT NOT NULL,
  state INTEGER NOT NULL,          -- waiting, sent, delivered, failed, withdrawn
  regardless INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  not_before INTEGER NOT NULL,
  sent_at INTEGER,
  detail TEXT NOT NULL,
  attempts INTEGER NOT NULL
))",
    "CREATE INDEX pages_by_state ON pages (state)",
    R"(CREATE TABLE page_incidents (
  page INTEGER NOT NULL REFERENCES pages (id) ON DELETE CASCADE,
  incident INTEGER NOT NULL,
  PRIMARY KEY (page, incident)
) WITHOUT ROWID)",
    "CREATE INDEX pages_of_incident ON page_incidents (incident)",
    R"(CREATE TABLE page_messages (
  page INTEGER NOT NULL REFERENCES pages (id) ON DELETE CASCADE,
  message INTEGER NOT NULL,        -- in the outbox
  PRIMARY KEY (page, message)
) WITHOUT ROWID)",
    R"(CREATE TABLE overrides (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  schedule TEXT NOT NULL,
  person TEXT NOT NULL,
  starts_at INTEGER NOT NULL,
  ends_at INTEGER NOT NULL,
  created_by TEXT NOT NULL
))",
    "CREATE TABLE heartbeats (name TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID"};

constexpr std::string_view kIncidentColumns =
    "id, alertname, place_label, place_value, priority, status, suppressed, drill_receiver, "
    "opened_at, updated_at, acknowledged_at, acknowledged_by, acknowledged_until, resolved_at, "
    "resolved_by, owner, alert_count, firing_count, round, step, next_step_at";

state::Value or_null(const std::optional<TimestampMs>& t) {
  return t ? state::Value(*t) : state::Value();
}

std::optional<TimestampMs> time_or_none(const state::Row& row, int column) {
  if (row.is_null(column)) return std::nullopt;
  return row.integer(column);
}

Incident incident_of(const state::Row& row) {
  return {.id = row.integer(0),
          .alertname = row.text(1),
          .place_label = row.text(2),
          .place_value = row.text(3),
          .priority = static_cast<Priority>(row.integer(4)),
          .status = static_cast<Status>(row.integer(5)),
          .suppressed = row.integer(6) != 0,
          .drill_receiver = row.text(7),
          .opened_at = row.integer(8),
          .updated_at = row.integer(9),
          .acknowledged_at = time_or_none(row, 10),
          .acknowledged_by = row.text(11),
          .acknowledged_until = time_or_none(row, 12),
          .resolved_at = time_or_none(row, 13),
          .resolved_by = row.text(14),
          .owner = row.text(15),
          .alert_count = row.integer(16),
          .firing_count = row.integer(17),
          .round = row.integer(18),
          .step = row.integer(19),
          .next_step_at = time_or_none(row, 20)};
}

template <class Pairs>
std::string json_of(const Pairs& pairs) {
  std::string out;
  JsonWriter json(out);
  json.begin_object();
  for (const auto& [name, value] : pairs) json.key(name).string(value);
  json.end_object();
  return out;
}

alerting::StringPairs pairs_of(const std::string& json) {
  alerting::StringPairs out;
  discover::JsonReader reader(json);
  reader.object([&](std::string_view name) {
    reader.string(out.emplace_back(std::string(name), "").second);
  });
  return out;
}

Labels labels_of(const std::string& json) {
  const auto pairs = pairs_of(json);
  std::vector<Label> labels;
  for (const auto& [name, value] : pairs) labels.push_back({name, value});
  return Labels::from(std::move(labels));
}

Result<> write(state::Session& session, const Incident& i) {
  return session.run(
      "INSERT INTO incidents VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT (id) "
      "DO "
      "UPDATE SET priority = excluded.priority, status = excluded.status, suppressed = "
      "excluded.suppressed, updated_at = excluded.updated_at, acknowledged_at = "
      "excluded.acknowledged_at, acknowledged_by = excluded.acknowledged_by, acknowledged_until = "
      "excluded.acknowledged_until, resolved_at = excluded.resolved_at, resolved_by = "
      "excluded.resolved_by, owner = excluded.owner, alert_count = excluded.alert_count, "
      "firing_count = excluded.firing_count, round = excluded.round, step = excluded.step, "
      "next_step_at = excluded.next_step_at",
      {i.id,
       i.alertname,
       i.place_label,
       i.place_value,
       static_cast<int64_t>(i.priority),
       static_cast<int64_t>(i.status),
       int64_t{i.suppressed},
       i.drill_receiver,
       i.opened_at,
       i.updated_at,
       or_null(i.acknowledged_at),
       i.acknowledged_by,
       or_null(i.acknowledged_until),
       or_null(i.resolved_at),
       i.resolved_by,
       i.owner,
       i.alert_count,
       i.firing_count,
       i.round,
       i.step,
       or_null(i.next_step_at)});
}

Result<> write(state::Session& session, int64_t incident, const IncidentAlert& alert) {
  return session.run("INSERT OR REPLACE INTO incident_alerts VALUES (?, ?, ?, ?, ?, ?)",
                     {incident, static_cast<int64_t>(alert.fingerprint), json_of(alert.labels),
                      json_of(alert.annotations), alert.starts_at, or_null(alert.ended_at)});
}

Result<> write(state::Session& session, const Page& p) {
  TRY(session.run(
      "INSERT INTO pages VALUES (?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT (id) DO UPDATE SET "
      "state = excluded.state, why = excluded.why, not_before = excluded.not_before, "
      "sent_at = excluded.sent_at, detail = excluded.detail, attempts = excluded.attempts",
      {p.id, p.person, p.kind, p.receiver, p.why, static_cast<int64_t>(p.state),
       int64_t{p.regardless}, p.created_at, p.not_before, or_null(p.sent_at), p.detail,
       p.attempts}));
  // Who is in a call is decided until it is sent.
  if (p.state != Page::State::kWaiting && p.state != Page::State::kSent) return {};
  for (const int64_t incident : p.incidents) {
    TRY(session.run("INSERT OR IGNORE INTO page_incidents VALUES (?, ?)", {p.id, incident}));
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Store>> Store::open(state::Database& db, alerting::Outbox& outbox,
                                           Audit& audit) {
  TRY(db.migrate("oncall", kSteps));
  return std::unique_ptr<Store>(new Store(db, outbox, audit));
}

Result<> Store::commit(Changes& changes, TimestampMs now) {
  auto done = db_.transaction(
      [&](state::Session& session) -> Result<> { return commit(session, changes, now); });
  if (!done && (!changes.outgoing.empty() || !changes.withdrawn.empty())) (void)outbox_.recount();
  return done;
}

Result<> Store::commit(state::Session& session, Changes& changes, TimestampMs now) {
  for (const Incident& incident : changes.incidents) TRY(write(session, incident));
  for (const auto& [incident, alert] : changes.alerts) TRY(write(session, incident, alert));
  for (const Page& page : changes.pages) TRY(write(session, page));
  for (const Outgoing& outgoing : changes.outgoing) {
    const auto page = std::ranges::find(changes.pages, outgoing.page, &Page::id);
    for (const auto& message : outgoing.messages) {
      const int64_t id = TRY(outbox_.post(session, message.key, message.parts, now));
      TRY(session.run("INSERT INTO page_messages VALUES (?, ?)", {outgoing.page, id}));
      page->messages.push_back(id);
    }
  }
  for (const int64_t message : changes.withdrawn) {
    TRY(outbox_.withdraw(session, message, now));
  }
  return audit_.append(session, changes.events);
}

Result<std::vector<Incident>> Store::incidents(const IncidentFilter& filter) const {
  const auto wants = [&](Status status) {
    return int64_t{filter.statuses.empty() ||
                   std::ranges::find(filter.statuses, status) != filter.statuses.end()};
  };
  std::vector<Incident> out;
  TRY(db_.query(fmt::format("SELECT {} FROM incidents WHERE ((status = 0 AND ?) OR (status = 1 AND "
                            "?) OR (status = 2 AND ?)) AND (? < 0 OR priority = ?) "
                            "ORDER BY status, opened_at DESC, id DESC LIMIT ?",
                            kIncidentColumns),
                {wants(Status::kOpen), wants(Status::kAcknowledged), wants(Status::kResolved),
                 filter.priority ? static_cast<int64_t>(*filter.priority) : -1,
                 filter.priority ? static_cast<int64_t>(*filter.priority) : -1,
                 static_cast<int64_t>(std::min<size_t>(filter.limit, 100'000))},
                [&](const state::Row& row) { out.push_back(incident_of(row)); }));
  return out;
}

Result<std::optional<Incident>> Store::incident(int64_t id) const {
  std::optional<Incident> out;
  TRY(db_.query(fmt::format("SELECT {} FROM incidents WHERE id = ?", kIncidentColumns), {id},
                [&](const state::Row& row) { out = incident_of(row); }));
  return out;
}

// Those that are not over, and those that were ended by hand or wait for a digest.
Result<std::vector<Incident>> Store::live_incidents() const {
  std::vector<Incident> out;
  TRY(db_.query(fmt::format("SELECT {} FROM incidents WHERE status < 2 OR firing_count > 0 OR "
                            "next_step_at IS NOT NULL",
                            kIncidentColumns),
                {}, [&](const state::Row& row) { out.push_back(incident_of(row)); }));
  return out;
}

Result<std::map<Status, int64_t>> Store::counts() const {
  std::map<Status, int64_t> out = {
      {Status::kOpen, 0}, {Status::kAcknowledged, 0}, {Status::kResolved, 0}};
  TRY(db_.query(
      "SELECT status, COUNT(*) FROM incidents GROUP BY status", {},
      [&](const state::Row& row) { out[static_cast<Status>(row.integer(0))] = row.integer(1); }));
  return out;
}

Result<std::vector<IncidentAlert>> Store::alerts(int64_t incident) const {
  std::vector<IncidentAlert> out;
  TRY(
      db_.query("SELECT fingerprint, labels, annotations, starts_at, ended_at FROM incident_alerts "
                "WHERE incident = ? ORDER BY ended_at IS NOT NULL, starts_at, fingerprint",
                {incident}, [&](const state::Row& row) {
                  out.push_back({.fingerprint = static_cast<uint64_t>(row.integer(0)),
                                 .labels = labels_of(row.text(1)),
                                 .annotations = pairs_of(row.text(2)),
                                 .starts_at = row.integer(3),
                                 .ended_at = time_or_none(row, 4)});
                }));
  return out;
}

Result<std::vector<Page>> Store::read_pages(std::string_view where,
                                            state::Values parameters) const {
  std::vector<Page> out;
  TRY(db_.query(
      fmt::format("SELECT id, person, kind, receiver, why, state, regardless, created_at, "
                  "not_before, sent_at, detail, attempts FROM pages WHERE {} ORDER BY id",
                  where),
      parameters, [&](const state::Row& row) {
        out.push_back({.id = row.integer(0),
                       .person = row.text(1),
                       .kind = row.text(2),
                       .receiver = row.text(3),
                       .why = row.text(4),
                       .state = static_cast<Page::State>(row.integer(5)),
                       .regardless = row.integer(6) != 0,
                       .created_at = row.integer(7),
                       .not_before = row.integer(8),
                       .sent_at = time_or_none(row, 9),
                       .detail = row.text(10),
                       .attempts = row.integer(11),
                       .incidents = {},
                       .messages = {}});
      }));
  for (Page& page : out) {
    TRY(db_.query("SELECT incident FROM page_incidents WHERE page = ?", {page.id},
                  [&](const state::Row& row) { page.incidents.push_back(row.integer(0)); }));
    TRY(db_.query("SELECT message FROM page_messages WHERE page = ?", {page.id},
                  [&](const state::Row& row) { page.messages.push_back(row.integer(0)); }));
  }
  return out;
}

Result<std::vector<Page>> Store::pages_of(int64_t incident) const {
  return read_pages("id IN (SELECT page FROM page_incidents WHERE incident = ?)", {incident});
}

Result<std::optional<Page>> Store::page(int64_t id) const {
  auto pages = TRY(read_pages("id = ?", {id}));
  if (pages.empty()) return std::optional<Page>();
  return std::optional(std::move(pages[0]));
}

Result<std::vector<Page>> Store::open_pages() const { return read_pages("state < 2", {}); }

Result<std::map<std::string, TimestampMs>> Store::last_sent() const {
  std::map<std::string, TimestampMs> out;
  TRY(
      db_.query("SELECT receiver, MAX(sent_at) FROM pages WHERE sent_at IS NOT NULL GROUP BY "
                "receiver",
                {}, [&](const state::Row& row) { out[row.text(0)] = row.integer(1); }));
  return out;
}

Result<int64_t> Store::last_id(std::string_view table) const {
  int64_t out = 0;
  TRY(db_.query(fmt::format("SELECT MAX(id) FROM {}", table), {},
                [&](const state::Row& row) { out = row.integer(0); }));
  return out;
}

Result<std::vector<Override>> Store::overrides(TimestampMs now) const {
  std::vector<Override> out;
  TRY(
      db_.query("SELECT id, schedule, person, starts_at, ends_at, created_by FROM overrides WHERE "
                "ends_at > ? ORDER BY id",
                {now}, [&](const state::Row& row) {
                  out.push_back({.id = row.integer(0),
                                 .schedule = row.text(1),
                                 .person = row.text(2),
                                 .starts_at = row.integer(3),
                                 .ends_at = row.integer(4),
                                 .created_by = row.text(5)});
                }));
  return out;
}

Result<Override> Store::add_override(Override made, const Event& event, TimestampMs now) {
  const auto there = TRY(overrides(now));
  if (there.size() >= kMaxOverrides) {
    return fail(ErrorCode::kLimit, fmt::format("there are {} overrides already", kMaxOverrides));
  }
  TRY(db_.transaction([&](state::Session& session) -> Result<> {
    TRY(
        session.query("INSERT INTO overrides (schedule, person, starts_at, ends_at, created_by) "
                      "VALUES (?, ?, ?, ?, ?) RETURNING id",
                      {made.schedule, made.person, made.starts_at, made.ends_at, made.created_by},
                      [&](const state::Row& row) { made.id = row.integer(0); }));
    return audit_.append(session, std::span(&event, 1));
  }));
  return made;
}

Result<> Store::remove_override(int64_t id, const Event& event) {
  return db_.transaction([&](state::Session& session) -> Result<> {
    TRY(session.run("DELETE FROM overrides WHERE id = ?", {id}));
    if (session.changes() == 0) {
      return fail(ErrorCode::kNotFound, fmt::format("there is no override {}", id));
    }
    return audit_.append(session, std::span(&event, 1));
  });
}

Result<std::map<std::string, TimestampMs>> Store::heartbeats() const {
  std::map<std::string, TimestampMs> out;
  TRY(db_.query("SELECT name, at FROM heartbeats", {},
                [&](const state::Row& row) { out[row.text(0)] = row.integer(1); }));
  return out;
}

Result<> Store::beat(const std::string& name, TimestampMs now) {
  return db_.run("INSERT OR REPLACE INTO heartbeats VALUES (?, ?)", {name, now});
}

Result<> Store::collect_garbage(TimestampMs now) {
  TRY(db_.run("DELETE FROM incidents WHERE resolved_at < ?", {now - kKept.count()}));
  TRY(db_.run("DELETE FROM pages WHERE created_at < ? AND state >= 2", {now - kKept.count()}));
  return db_.run("DELETE FROM overrides WHERE ends_at < ?", {now - kKept.count()});
}

}  // namespace strata::oncall
