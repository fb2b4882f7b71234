#include "alerting/outbox.h"

#include <algorithm>
#include <random>

namespace strata::alerting {
namespace {

constexpr std::string_view kSteps[] = {
    R"(CREATE TABLE outbox (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  group_key TEXT NOT NULL,
  receiver TEXT NOT NULL,
  integration TEXT NOT NULL,
  idx INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  state TEXT NOT NULL,              -- waiting, trying, delivered, given up
  attempts INTEGER NOT NULL,
  next_attempt_at INTEGER NOT NULL,
  done_at INTEGER
))",
    "CREATE INDEX outbox_due ON outbox (state, next_attempt_at)",
    R"(CREATE TABLE outbox_parts (
  message INTEGER NOT NULL REFERENCES outbox (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (message, name)
) WITHOUT ROWID)",
    R"(CREATE TABLE outbox_attempts (
  message INTEGER NOT NULL REFERENCES outbox (id) ON DELETE CASCADE,
  at INTEGER NOT NULL,
  took_ms INTEGER NOT NULL,
  delivered INTEGER NOT NULL,
  detail TEXT NOT NULL
))",
    "CREATE INDEX outbox_attempts_of ON outbox_attempts (message)",
    "CREATE INDEX outbox_keys ON outbox (group_key, receiver, integration, idx, id)",
    R"(CREATE TABLE outbox_references (
  group_key TEXT NOT NULL,
  receiver TEXT NOT NULL,
  integration TEXT NOT NULL,
  idx INTEGER NOT NULL,
  reference TEXT NOT NULL,          -- what the provider calls the last message of this key
  at INTEGER NOT NULL,
  PRIMARY KEY (group_key, receiver, integration, idx)
) WITHOUT ROWID)"};

Result<> note(state::Session& session, const Attempt& attempt) {
  return session.run("INSERT INTO outbox_attempts VALUES (?, ?, ?, ?, ?)",
                     {attempt.message, attempt.at, attempt.took.count(), int64_t{attempt.delivered},
                      attempt.detail});
}

Result<> finish(state::Session& session, const Message& message, const std::string& state,
                TimestampMs at) {
  // What was said stays readable by its attempts; the text itself is not needed any more.
  TRY(session.run("DELETE FROM outbox_parts WHERE message = ?", {message.id}));
  return session.run("UPDATE outbox SET state = ?, done_at = ? WHERE id = ?",
                     {state, at, message.id});
}

}  // namespace

Millis backoff(int64_t attempts, uint64_t random) {
  const int64_t longest = std::min<int64_t>(1000LL << std::min<int64_t>(attempts - 1, 10), 300'000);
  return Millis(longest / 2 + static_cast<int64_t>(random % static_cast<uint64_t>(longest / 2)));
}

Result<std::unique_ptr<Outbox>> Outbox::open(state::Database& db, TimestampMs now) {
  TRY(db.migrate("outbox", kSteps));
  // What was being tried when the process ended may or may not have arrived: tried again.
  TRY(db.run("UPDATE outbox SET state = 'waiting', next_attempt_at = ? WHERE state = 'trying'",
             {now}));
  std::unique_ptr<Outbox> out(new Outbox(db));
  TRY(out->recount());
  return out;
}

Result<> Outbox::recount() {
  return db_.query("SELECT COUNT(*) FROM outbox WHERE state IN ('waiting', 'trying')", {},
                   [&](const state::Row& row) { waiting_ = static_cast<size_t>(row.integer(0)); });
}

Result<> Outbox::check_room(const MessageParts& parts) const {
  size_t bytes = 0;
  for (const auto& [name, value] : parts) bytes += value.size();
  if (bytes > kMaxMessage) {
    return fail(ErrorCode::kLimit, fmt::format("a message of {} bytes is too long", bytes));
  }
  if (waiting() >= kMaxWaiting) {
    return fail(ErrorCode::kLimit, fmt::format("{} messages are waiting already", kMaxWaiting));
  }
  return {};
}

// Long messages are few; the rest is bounded by its number.
Result<> Outbox::check_bytes(const MessageParts& parts) const {
  size_t bytes = 0;
  for (const auto& [name, value] : parts) bytes += value.size();
  if (bytes <= kLongMessage) return {};
  size_t total = 0;
  TRY(db_.query("SELECT COALESCE(SUM(LENGTH(value)), 0) FROM outbox_parts", {},
                [&](const state::Row& row) { total = static_cast<size_t>(row.integer(0)); }));
  if (total + bytes <= kMaxBytes) return {};
  return fail(ErrorCode::kLimit, fmt::format("{} bytes of messages are waiting already", total));
}

Result<int64_t> Outbox::add(const LogKey& key, const LogEntry& entry, const MessageParts& parts,
                            TimestampMs now) {
  int64_t id = 0;
  TRY(check_room(parts));
  TRY(check_bytes(parts));
  auto added = db_.transaction([&](state::Session& session) -> Result<> {
    TRY(supersede(session, key, now));
    id = TRY(post(session, key, parts, now));
    return NotificationLog::write(session, key, entry);
  });
  if (!added) {
    (void)recount();  // when it fails too, the count is right again after the next start
    return std::unexpected(added.error());
  }
  return id;
}

Result<> Outbox::supersede(state::Session& session, const LogKey& key, TimestampMs now) {
  std::vector<int64_t> older;
  TRY(
      session.query("SELECT id FROM outbox WHERE state = 'waiting' AND group_key = ? AND "
                    "receiver = ? AND integration = ? AND idx = ?",
                    {key.group, key.receiver, key.integration, key.index},
                    [&](const state::Row& row) { older.push_back(row.integer(0)); }));
  for (const int64_t id : older) {
    TRY(session.run("DELETE FROM outbox_parts WHERE message = ?", {id}));
    TRY(session.run("UPDATE outbox SET state = 'superseded', done_at = ? WHERE id = ?", {now, id}));
    --waiting_;
  }
  return {};
}

Result<int64_t> Outbox::post(state::Session& session, const LogKey& key, const MessageParts& parts,
                             TimestampMs now) {
  TRY(check_room(parts));
  int64_t id = 0;
  TRY(
      session.query("INSERT INTO outbox (group_key, receiver, integration, idx, created_at, "
                    "state, attempts, next_attempt_at) VALUES (?, ?, ?, ?, ?, 'waiting', 0, ?) "
                    "RETURNING id",
                    {key.group, key.receiver, key.integration, key.index, now, now},
                    [&](const state::Row& row) { id = row.integer(0); }));
  for (const auto& [name, value] : parts) {
    TRY(session.run("INSERT INTO outbox_parts VALUES (?, ?, ?)", {id, name, value}));
  }
  ++waiting_;
  return id;
}

Result<bool> Outbox::withdraw(state::Session& session, int64_t message, TimestampMs now) {
  TRY(
      session.run("UPDATE outbox SET state = 'given up', done_at = ? WHERE id = ? AND state = "
                  "'waiting'",
                  {now, message}));
  if (session.changes() == 0) return false;
  TRY(session.run("DELETE FROM outbox_parts WHERE message = ?", {message}));
  --waiting_;
  return true;
}

std::string Outbox::state_of(int64_t message) const {
  std::string out;
  // A failure to read shows as one that is not known: asked again later.
  (void)db_.query("SELECT state FROM outbox WHERE id = ?", {message},
                  [&](const state::Row& row) { out = row.text(0); });
  return out;
}

Result<std::vector<Message>> Outbox::take_due(TimestampMs now, size_t limit) {
  std::vector<Message> out;
  TRY(db_.transaction([&](state::Session& session) -> Result<> {
    TRY(
        session.query("SELECT id, group_key, receiver, integration, idx, created_at, attempts, "
                      "next_attempt_at FROM outbox WHERE state = 'waiting' AND next_attempt_at <= "
                      "? ORDER BY next_attempt_at, id LIMIT ?",
                      {now, static_cast<int64_t>(limit)}, [&](const state::Row& row) {
                        out.push_back({.id = row.integer(0),
                                       .key = {.group = row.text(1),
                                               .receiver = row.text(2),
                                               .integration = row.text(3),
                                               .index = row.integer(4)},
                                       .parts = {},
                                       .created_at = row.integer(5),
                                       .attempts = row.integer(6) + 1,
                                       .next_attempt_at = row.integer(7)});
                      }));
    size_t bytes = 0;
    size_t taken = 0;
    for (Message& message : out) {
      if (bytes > kMaxTaken) break;
      ++taken;
      TRY(session.query("SELECT name, value FROM outbox_parts WHERE message = ?", {message.id},
                        [&](const state::Row& row) {
                          message.parts.emplace_back(row.text(0), row.text(1));
                          bytes += message.parts.back().second.size();
                        }));
      TRY(session.query(
          "SELECT reference FROM outbox_references WHERE group_key = ? AND receiver "
          "= ? AND integration = ? AND idx = ?",
          {message.key.group, message.key.receiver, message.key.integration, message.key.index},
          [&](const state::Row& row) { message.reference = row.text(0); }));
      TRY(session.run("UPDATE outbox SET state = 'trying', attempts = attempts + 1 WHERE id = ?",
                      {message.id}));
    }
    out.resize(taken);
    return {};
  }));
  return out;
}

Result<> Outbox::postpone(const std::vector<std::pair<int64_t, TimestampMs>>& messages) {
  if (messages.empty()) return {};
  return db_.transaction([&](state::Session& session) -> Result<> {
    for (const auto& [id, until] : messages) {
      TRY(
          session.run("UPDATE outbox SET state = 'waiting', attempts = attempts - 1, "
                      "next_attempt_at = ? WHERE id = ?",
                      {until, id}));
    }
    return {};
  });
}

Result<> Outbox::succeeded(const Message& message, const Attempt& attempt,
                           const std::string& reference) {
  TRY(db_.transaction([&](state::Session& session) -> Result<> {
    TRY(note(session, attempt));
    if (!reference.empty()) {
      TRY(session.run("INSERT OR REPLACE INTO outbox_references VALUES (?, ?, ?, ?, ?, ?)",
                      {message.key.group, message.key.receiver, message.key.integration,
                       message.key.index, reference, attempt.at}));
    }
    return finish(session, message, "delivered", attempt.at);
  }));
  --waiting_;
  return {};
}

Result<bool> Outbox::failed(const Message& message, const Attempt& attempt, bool retriable,
                            std::optional<Millis> retry_after) {
  static thread_local std::mt19937_64 random{std::random_device()()};
  const Millis wait =
      std::max(retry_after.value_or(Millis(0)), backoff(message.attempts, random()));
  const TimestampMs next = attempt.at + wait.count();
  bool over = !retriable || next - message.created_at > kGiveUpAfter.count();
  TRY(db_.transaction([&](state::Session& session) -> Result<> {
    TRY(note(session, attempt));
    bool newer = false;
    TRY(
        session.query("SELECT 1 FROM outbox WHERE id > ? AND group_key = ? AND receiver = ? AND "
                      "integration = ? AND idx = ? LIMIT 1",
                      {message.id, message.key.group, message.key.receiver, message.key.integration,
                       message.key.index},
                      [&](const state::Row&) { newer = true; }));
    if (newer) {
      over = true;
      return finish(session, message, "superseded", attempt.at);
    }
    if (!over) {
      return session.run("UPDATE outbox SET state = 'waiting', next_attempt_at = ? WHERE id = ?",
                         {next, message.id});
    }
    TRY(NotificationLog::erase(session, message.key));
    return finish(session, message, "given up", attempt.at);
  }));
  if (over) --waiting_;
  return over;
}

std::vector<Attempt> Outbox::attempts(int64_t message) const {
  std::vector<Attempt> out;
  // A failure to read shows as no attempts: this is for people to look at.
  (void)db_.query(
      "SELECT at, took_ms, delivered, detail FROM outbox_attempts WHERE message = ? "
      "ORDER BY rowid",
      {message}, [&](const state::Row& row) {
        out.push_back({.message = message,
                       .at = row.integer(0),
                       .took = Millis(row.integer(1)),
                       .delivered = row.integer(2) != 0,
                       .detail = row.text(3)});
      });
  return out;
}

std::optional<TimestampMs> Outbox::next_due() const {
  std::optional<TimestampMs> out;
  (void)db_.query("SELECT MIN(next_attempt_at) FROM outbox WHERE state = 'waiting'", {},
                  [&](const state::Row& row) {
                    if (!row.is_null(0)) out = row.integer(0);
                  });
  return out;
}

Result<> Outbox::collect_garbage(TimestampMs now) {
  TRY(db_.run("DELETE FROM outbox_references WHERE at < ?", {now - kKept.count()}));
  return db_.run("DELETE FROM outbox WHERE done_at < ?", {now - kKept.count()});
}

}  // namespace strata::alerting
