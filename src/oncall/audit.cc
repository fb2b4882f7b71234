#include "oncall/audit.h"

#include "net/hmac.h"

namespace strata::oncall {
namespace {

// The triggers' time is the machine's: two years, as kKept.
constexpr std::string_view kSteps[] = {
    R"(CREATE TABLE audit (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  incident INTEGER NOT NULL,  -- 0: of none
  detail TEXT NOT NULL,
  hash TEXT NOT NULL
))",
    "CREATE INDEX audit_of ON audit (incident, id)",
    R"(CREATE TRIGGER audit_unchanged BEFORE UPDATE ON audit BEGIN
  SELECT RAISE(ABORT, 'the audit log is append-only');
END)",
    R"(CREATE TRIGGER audit_kept BEFORE DELETE ON audit
  WHEN OLD.at > (strftime('%s', 'now') - 730 * 86400) * 1000 BEGIN
  SELECT RAISE(ABORT, 'the audit log is append-only');
END)"};

constexpr std::string_view kColumns = "id, at, actor, action, incident, detail, hash";

Event event_of(const state::Row& row) {
  return {.id = row.integer(0),
          .at = row.integer(1),
          .actor = row.text(2),
          .action = row.text(3),
          .incident = row.integer(4),
          .detail = row.text(5),
          .hash = row.text(6)};
}

}  // namespace

Result<std::unique_ptr<Audit>> Audit::open(state::Database& db, std::string key) {
  TRY(db.migrate("audit", kSteps));
  return std::unique_ptr<Audit>(new Audit(db, std::move(key)));
}

std::string Audit::hash_of(std::string_view previous, const Event& event) const {
  // Lengths keep texts apart that read the same when they are joined.
  const auto digest = net::hmac_sha256(
      key_, fmt::format("audit {} {} {}:{} {}:{} {} {}:{}", previous, event.at, event.actor.size(),
                        event.actor, event.action.size(), event.action, event.incident,
                        event.detail.size(), event.detail));
  std::string out;
  for (size_t i = 0; i < 16; ++i) out += fmt::format("{:02x}", digest[i]);
  return out;
}

Result<> Audit::append(state::Session& session, std::span<const Event> events) {
  if (events.empty()) return {};
  std::string last;
  TRY(session.query("SELECT hash FROM audit ORDER BY id DESC LIMIT 1", {},
                    [&](const state::Row& row) { last = row.text(0); }));
  for (const Event& event : events) {
    last = hash_of(last, event);
    TRY(
        session.run("INSERT INTO audit (at, actor, action, incident, detail, hash) "
                    "VALUES (?, ?, ?, ?, ?, ?)",
                    {event.at, event.actor, event.action, event.incident, event.detail, last}));
  }
  return {};
}

Result<std::vector<Event>> Audit::read(const AuditFilter& filter) const {
  std::vector<Event> out;
  TRY(db_.query(fmt::format("SELECT {} FROM audit WHERE at >= ? AND at <= ? AND (? = '' OR actor = "
                            "?) AND (? = '' OR action = ?) AND (? = 0 OR incident = ?) "
                            "ORDER BY id DESC LIMIT ?",
                            kColumns),
                {filter.start, filter.end, filter.actor, filter.actor, filter.action, filter.action,
                 filter.incident, filter.incident, static_cast<int64_t>(filter.limit)},
                [&](const state::Row& row) { out.push_back(event_of(row)); }));
  return out;
}

Result<std::optional<int64_t>> Audit::first_broken() const {
  std::optional<int64_t> broken;
  std::string last;
  bool first = true;
  TRY(db_.query(fmt::format("SELECT {} FROM audit ORDER BY id", kColumns), {},
                [&](const state::Row& row) {
                  const Event event = event_of(row);
                  // What stood before the first was deleted when its time was over.
                  const bool whole = (first && event.id > 1) || event.hash == hash_of(last, event);
                  if (!whole && !broken) broken = event.id;
                  last = event.hash;
                  first = false;
                }));
  return broken;
}

Result<> Audit::collect_garbage(TimestampMs now) {
  return db_.run("DELETE FROM audit WHERE at < ?", {now - kKept.count()});
}

}  // namespace strata::oncall
