// What people and timers decided (silences, acknowledgements, what was sent to whom), in SQLite.
//
//   auto db = TRY(Database::open(dir + "/state.db"));
//   TRY(db->migrate("silences", kSteps));
//   TRY(db->run("INSERT INTO silences VALUES (?, ?)", {id, starts_at}));
//
// Write-ahead log with synchronous=FULL: what is committed survives kill -9 and loss of power.
// Never on the path of samples. Owned by app/; thread-safe: one connection behind one mutex, and
// transactions are short. Bound: what the tables' owners delete.
#pragma once
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "base/mutex.h"
#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace strata::state {

/// Null, an integer, a real, a text.
using Value = std::variant<std::monostate, int64_t, double, std::string>;
using Values = std::initializer_list<Value>;

/// One row of an answer; valid until the callback that got it returns. Columns count from 0.
class Row {
 public:
  explicit Row(sqlite3_stmt* statement) : statement_(statement) {}
  int64_t integer(int column) const;
  double real(int column) const;
  std::string text(int column) const;
  bool is_null(int column) const;

 private:
  sqlite3_stmt* const statement_;
};

using OnRow = std::function<void(const Row&)>;

/// What a transaction's body works with; not to be kept. Errors: kIo (the disk is full, …),
/// kConflict when a constraint does not hold, kInternal for SQL that is wrong.
class Session {
 public:
  Result<> run(std::string_view sql, Values parameters = {});
  Result<> query(std::string_view sql, Values parameters, const OnRow& row);
  /// Rows that the last run() changed.
  int64_t changes() const;

 private:
  friend class Database;
  struct Statements;
  Session(sqlite3* db, Statements& statements, const std::function<void(std::string_view)>& hook)
      : db_(db), statements_(statements), hook_(hook) {}
  std::unexpected<Error> failed(std::string_view what) const;
  Result<sqlite3_stmt*> prepared(std::string_view sql, Values parameters);

  sqlite3* const db_;
  Statements& statements_;
  const std::function<void(std::string_view)>& hook_;  // empty outside tests
};

class Database {
 public:
  /// Creates the file when missing; ":memory:" is a database of its own. Errors: kIo; kConflict
  /// when another process holds it; kCorruption with what to do: a damaged file is not replaced by
  /// an empty one, for then silences and acknowledgements would be gone without a word.
  static Result<std::unique_ptr<Database>> open(const std::string& path);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  /// Brings the tables of `part` to version steps.size(); step i leads from version i to the next
  /// and never changes once it is released. Error: kConflict when a newer Strata wrote the file.
  Result<> migrate(const std::string& part, std::span<const std::string_view> steps);

  /// One statement, committed when it returns.
  Result<> run(std::string_view sql, Values parameters = {});
  Result<> query(std::string_view sql, Values parameters, const OnRow& row) const;
  /// All that `body` runs is committed together, or nothing when it fails.
  Result<> transaction(const std::function<Result<>(Session&)>& body);

  /// Writes a copy of what is committed to `path`, a file that is made, while others go on using
  /// this: SQLite's online backup, a few pages at a time. Errors: kIo; then the file is removed.
  Result<> copy_to(const std::string& path) const;

  /// For tests of crashes: called before each statement, BEGIN and COMMIT too. Set while nobody
  /// else uses the database.
  void set_step_hook(std::function<void(std::string_view sql)> hook);

 private:
  explicit Database(sqlite3* db);

  mutable Mutex mutex_;
  sqlite3* const db_;
  std::function<void(std::string_view)> step_hook_;
  const std::unique_ptr<Session::Statements> statements_ PT_GUARDED_BY(mutex_);
};

}  // namespace strata::state
