#include "state/database.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <thread>

#include "base/temp_dir.h"

namespace strata::state {
namespace {

constexpr std::string_view kSteps[] = {"CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT)",
                                       "ALTER TABLE notes ADD COLUMN weight REAL"};

std::vector<std::string> notes(const Database& db) {
  std::vector<std::string> out;
  const auto asked = db.query("SELECT text FROM notes ORDER BY id", {},
                              [&](const Row& row) { out.push_back(row.text(0)); });
  EXPECT_TRUE(asked) << asked.error().message;
  return out;
}

class DatabaseTest : public testing::Test {
 protected:
  std::unique_ptr<Database> open() {
    auto db = Database::open(path_);
    EXPECT_TRUE(db) << db.error().message;
    return db ? *std::move(db) : nullptr;
  }
  TempDir dir_;
  const std::string path_ = dir_.file("state.db");
};

TEST_F(DatabaseTest, KeepsWhatWasCommitted) {
  {
    auto db = open();
    ASSERT_TRUE(db->migrate("notes", kSteps));
    ASSERT_TRUE(
        db->run("INSERT INTO notes VALUES (?, ?, ?)", {int64_t{1}, std::string("a\0b", 3), 0.5}));
  }
  auto db = open();
  ASSERT_TRUE(db->migrate("notes", kSteps)) << "a second time changes nothing";
  EXPECT_EQ(notes(*db), std::vector<std::string>{std::string("a\0b", 3)});
  ASSERT_TRUE(db->query("SELECT weight, NULL FROM notes", {}, [](const Row& row) {
    EXPECT_EQ(row.real(0), 0.5);
    EXPECT_TRUE(row.is_null(1));
  }));
}

TEST_F(DatabaseTest, OlderTablesAreBroughtUpToDate) {
  {
    auto db = open();
    ASSERT_TRUE(db->migrate("notes", std::span(kSteps).first(1)));
    ASSERT_TRUE(db->run("INSERT INTO notes VALUES (1, 'old')"));
  }
  auto db = open();
  ASSERT_TRUE(db->migrate("notes", kSteps));
  ASSERT_TRUE(db->run("UPDATE notes SET weight = 1"));
  EXPECT_EQ(notes(*db), std::vector<std::string>{"old"});
  const auto older = db->migrate("notes", std::span(kSteps).first(1));
  ASSERT_FALSE(older);
  EXPECT_TRUE(older.error().message.contains("newer Strata")) << older.error().message;
}

TEST_F(DatabaseTest, ATransactionIsAllOrNothing) {
  auto db = open();
  ASSERT_TRUE(db->migrate("notes", kSteps));
  const auto failed = db->transaction([](Session& session) -> Result<> {
    TRY(session.run("INSERT INTO notes (id, text) VALUES (1, 'a')"));
    EXPECT_EQ(session.changes(), 1);
    return session.run("INSERT INTO notes (id, text) VALUES (1, 'b')");
  });
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, ErrorCode::kConflict);
  EXPECT_TRUE(notes(*db).empty());
  ASSERT_TRUE(db->transaction(
      [](Session& session) { return session.run("INSERT INTO notes (text) VALUES ('c')"); }));
  EXPECT_EQ(notes(*db).size(), 1U);
}

TEST_F(DatabaseTest, OneProcessHasIt) {
  auto db = open();
  ASSERT_TRUE(db->migrate("notes", kSteps));
  const auto second = Database::open(path_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kConflict);
}

TEST_F(DatabaseTest, DamageIsAnErrorThatSaysWhatToDo) {
  {
    std::ofstream file(path_);
    file << std::string(8192, 'x');
  }
  const auto damaged = Database::open(path_);
  ASSERT_FALSE(damaged);
  EXPECT_EQ(damaged.error().code, ErrorCode::kCorruption);
  EXPECT_TRUE(damaged.error().message.contains("move it away")) << damaged.error().message;
}

TEST_F(DatabaseTest, WrongSqlIsAnError) {
  auto db = open();
  EXPECT_FALSE(db->run("SELEKT 1"));
  EXPECT_FALSE(Database::open("/proc/none/state.db"));
}

TEST_F(DatabaseTest, ACopyHasWhatWasCommittedWhenItEnds) {
  auto db = open();
  ASSERT_TRUE(db->migrate("notes", kSteps));
  ASSERT_TRUE(db->run("INSERT INTO notes VALUES (1, 'here', 1)"));
  ASSERT_TRUE(db->copy_to(dir_.file("copy.db")));
  ASSERT_TRUE(db->run("INSERT INTO notes VALUES (2, 'later', 1)"));
  const auto copy = Database::open(dir_.file("copy.db"));
  ASSERT_TRUE(copy) << copy.error().message;
  EXPECT_EQ(notes(**copy), std::vector<std::string>{"here"});
  const auto failed = db->copy_to(dir_.file("nowhere/copy.db"));
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, ErrorCode::kIo);
}

TEST_F(DatabaseTest, WritersGoOnWhileACopyIsMade) {
  auto db = open();
  ASSERT_TRUE(db->migrate("notes", kSteps));
  const std::string text(4000, 'x');  // a page a note: a copy takes several steps
  ASSERT_TRUE(db->transaction([&](Session& session) -> Result<> {
    for (int64_t i = 0; i < 2000; ++i) {
      TRY(session.run("INSERT INTO notes VALUES (?, ?, 1)", {i, text}));
    }
    return {};
  }));
  std::jthread writer([&](std::stop_token stop) {
    for (int64_t i = 2000; !stop.stop_requested(); ++i) {
      EXPECT_TRUE(db->transaction([&](Session& session) -> Result<> {
        TRY(session.run("INSERT INTO notes VALUES (?, 'a', 1)", {2 * i}));
        return session.run("INSERT INTO notes VALUES (?, 'b', 1)", {2 * i + 1});
      }));
    }
  });
  ASSERT_TRUE(db->copy_to(dir_.file("copy.db")));
  writer.request_stop();
  writer.join();
  const auto copy = Database::open(dir_.file("copy.db"));
  ASSERT_TRUE(copy) << copy.error().message;
  const auto found = notes(**copy);
  EXPECT_GE(found.size(), 2000u);
  EXPECT_EQ(std::ranges::count(found, "a"), std::ranges::count(found, "b"));
}

}  // namespace
}  // namespace strata::state
