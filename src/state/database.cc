#include "state/database.h"

#include <sqlite3.h>

#include <cstdio>
#include <map>

namespace strata::state {
namespace {

struct Finalize {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using StatementPtr = std::unique_ptr<sqlite3_stmt, Finalize>;

constexpr size_t kMaxStatements = 256;
constexpr int kPagesAtATime = 256;  // of a copy, while others wait

ErrorCode code_of(int status) {
  switch (status & 0xff) {
    case SQLITE_CONSTRAINT: return ErrorCode::kConflict;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return ErrorCode::kConflict;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return ErrorCode::kCorruption;
    case SQLITE_IOERR:
    case SQLITE_FULL:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY: return ErrorCode::kIo;
    default: return ErrorCode::kInternal;
  }
}

int bind(sqlite3_stmt* statement, int at, const Value& value) {
  if (const auto* integer = std::get_if<int64_t>(&value)) {
    return sqlite3_bind_int64(statement, at, *integer);
  }
  if (const auto* real = std::get_if<double>(&value)) {
    return sqlite3_bind_double(statement, at, *real);
  }
  if (const auto* text = std::get_if<std::string>(&value)) {
    return sqlite3_bind_text64(statement, at, text->data(), text->size(), SQLITE_TRANSIENT,
                               SQLITE_UTF8);
  }
  return sqlite3_bind_null(statement, at);
}

}  // namespace

// Compiled once each; all are dropped when there are too many, which only a mistake could make.
struct Session::Statements {
  std::map<std::string, StatementPtr, std::less<>> by_sql;
};

int64_t Row::integer(int column) const { return sqlite3_column_int64(statement_, column); }
double Row::real(int column) const { return sqlite3_column_double(statement_, column); }
bool Row::is_null(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}
std::string Row::text(int column) const {
  const auto* bytes = sqlite3_column_text(statement_, column);
  const auto size = static_cast<size_t>(sqlite3_column_bytes(statement_, column));
  return bytes == nullptr ? "" : std::string(reinterpret_cast<const char*>(bytes), size);
}

std::unexpected<Error> Session::failed(std::string_view what) const {
  return fail(code_of(sqlite3_extended_errcode(db_)),
              fmt::format("state database: {}: {}", what, sqlite3_errmsg(db_)));
}

Result<sqlite3_stmt*> Session::prepared(std::string_view sql, Values parameters) {
  auto& by_sql = statements_.by_sql;
  auto at = by_sql.find(sql);
  if (at == by_sql.end()) {
    if (by_sql.size() >= kMaxStatements) by_sql.clear();
    sqlite3_stmt* made = nullptr;
    const int status = sqlite3_prepare_v3(db_, sql.data(), static_cast<int>(sql.size()),
                                          SQLITE_PREPARE_PERSISTENT, &made, nullptr);
    if (status != SQLITE_OK) return failed(sql);
    at = by_sql.emplace(std::string(sql), StatementPtr(made)).first;
  }
  sqlite3_stmt* statement = at->second.get();
  sqlite3_reset(statement);
  sqlite3_clear_bindings(statement);
  int number = 0;
  for (const Value& value : parameters) {
    if (bind(statement, ++number, value) != SQLITE_OK) return failed(sql);
  }
  return statement;
}

Result<> Session::run(std::string_view sql, Values parameters) {
  return query(sql, parameters, [](const Row&) {});
}

Result<> Session::query(std::string_view sql, Values parameters, const OnRow& row) {
  if (hook_) hook_(sql);
  sqlite3_stmt* statement = TRY(prepared(sql, parameters));
  int status = SQLITE_ROW;
  while ((status = sqlite3_step(statement)) == SQLITE_ROW) row(Row(statement));
  if (status != SQLITE_DONE) {
    auto error = failed(sql);
    sqlite3_reset(statement);
    return error;
  }
  sqlite3_reset(statement);
  return {};
}

int64_t Session::changes() const { return sqlite3_changes64(db_); }

Result<std::unique_ptr<Database>> Database::open(const std::string& path) {
  sqlite3* db = nullptr;
  const int status = sqlite3_open_v2(
      path.c_str(), &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  std::unique_ptr<Database> out(new Database(db));
  if (status != SQLITE_OK) {
    return fail(ErrorCode::kIo, fmt::format("{}: {}", path, sqlite3_errstr(status)));
  }
  // Exclusive: no other process, and no shared memory file beside it.
  for (const auto* pragma :
       {"PRAGMA locking_mode=EXCLUSIVE", "PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL",
        "PRAGMA foreign_keys=ON", "PRAGMA journal_size_limit=16777216",
        "CREATE TABLE IF NOT EXISTS parts (name TEXT PRIMARY KEY, version INTEGER NOT NULL)"}) {
    const auto done = out->run(pragma);
    if (done) continue;
    if (done.error().code == ErrorCode::kCorruption) {
      return fail(ErrorCode::kCorruption,
                  fmt::format("{} is damaged ({}): move it away to start without silences and "
                              "incidents, or put a backup in its place",
                              path, done.error().message));
    }
    return std::unexpected(done.error().within(path));
  }
  return out;
}

Database::Database(sqlite3* db) : db_(db), statements_(std::make_unique<Session::Statements>()) {}

Database::~Database() {
  statements_->by_sql.clear();
  sqlite3_close(db_);
}

Result<> Database::migrate(const std::string& part, std::span<const std::string_view> steps) {
  return transaction([&](Session& session) -> Result<> {
    int64_t version = 0;
    TRY(session.query("SELECT version FROM parts WHERE name = ?", {part},
                      [&](const Row& row) { version = row.integer(0); }));
    if (version > static_cast<int64_t>(steps.size())) {
      return fail(ErrorCode::kConflict,
                  fmt::format("the state database was written by a newer Strata ({} is at version "
                              "{}, this one knows {}): run that one, or restore a backup",
                              part, version, steps.size()));
    }
    for (auto at = static_cast<size_t>(version); at < steps.size(); ++at) {
      TRY(session.run(steps[at]));
    }
    return session.run(
        "INSERT INTO parts VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET version = "
        "excluded.version",
        {part, static_cast<int64_t>(steps.size())});
  });
}

// What is written between two steps is written to the copy too: it is this connection that writes.
Result<> Database::copy_to(const std::string& path) const {
  sqlite3* copy = nullptr;
  int status =
      sqlite3_open_v2(path.c_str(), &copy, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
  sqlite3_backup* backup = nullptr;
  if (status == SQLITE_OK) {
    MutexLock lock(mutex_);
    backup = sqlite3_backup_init(copy, "main", db_, "main");
    if (backup == nullptr) status = sqlite3_errcode(copy);
  }
  while (status == SQLITE_OK) {
    MutexLock lock(mutex_);
    status = sqlite3_backup_step(backup, kPagesAtATime);
  }
  {
    MutexLock lock(mutex_);
    sqlite3_backup_finish(backup);
  }
  sqlite3_close(copy);
  if (status == SQLITE_DONE) return {};
  std::remove(path.c_str());
  return fail(ErrorCode::kIo,
              fmt::format("copying the state database to {}: {}", path, sqlite3_errstr(status)));
}

void Database::set_step_hook(std::function<void(std::string_view)> hook) {
  step_hook_ = std::move(hook);
}

Result<> Database::run(std::string_view sql, Values parameters) {
  MutexLock lock(mutex_);
  return Session(db_, *statements_, step_hook_).run(sql, parameters);
}

Result<> Database::query(std::string_view sql, Values parameters, const OnRow& row) const {
  MutexLock lock(mutex_);
  return Session(db_, *statements_, step_hook_).query(sql, parameters, row);
}

Result<> Database::transaction(const std::function<Result<>(Session&)>& body) {
  MutexLock lock(mutex_);
  Session session(db_, *statements_, step_hook_);
  TRY(session.run("BEGIN IMMEDIATE"));
  auto done = body(session);
  if (done) done = session.run("COMMIT");
  if (!done) (void)session.run("ROLLBACK");  // its failure changes nothing: the error is `done`
  return done;
}

}  // namespace strata::state
