// Small things of base/ that have no file of their own to be tested in.
#include <gtest/gtest.h>

#include <numeric>
#include <set>

#include "base/fault_fs.h"
#include "base/gate.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/regex.h"
#include "base/temp_dir.h"
#include "base/thread_pool.h"
#include "base/utf8.h"

namespace strata {
namespace {

TEST(Json, WritesNestedValuesWithCommas) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().key("a").integer(1).key("b").begin_array().string("x\"\n").number(0.5);
  json.number(std::nan("")).boolean(true).end_array().key("c").begin_object().end_object();
  json.end_object();
  EXPECT_EQ(out, R"({"a":1,"b":["x\"\n",0.5,null,true],"c":{}})");
}

TEST(Json, ReplacesInvalidUtf8) {
  std::string out;
  append_json_string(out, "a\xff\xc3\xa9\x01");
  EXPECT_EQ(out, "\"a\xef\xbf\xbd\xc3\xa9\\u0001\"");
}

TEST(Utf8, RefusesOverlongSurrogatesAndTooLarge) {
  EXPECT_TRUE(is_utf8("aé€😀"));
  for (const auto* bad : {"\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "\x80"}) {
    EXPECT_FALSE(is_utf8(bad));
  }
}

TEST(Utf8, FindsOneBadByteAnywhereInAsciiText) {
  for (size_t size = 0; size < 40; ++size) {
    std::string text(size, 'x');
    EXPECT_TRUE(is_utf8(text));
    for (char& c : text) {
      c = '\x80';
      EXPECT_FALSE(is_utf8(text));
      c = 'x';
    }
  }
}

TEST(Hash, Xxh64MatchesItsSpecification) {
  EXPECT_EQ(xxh64(""), 0xef46db3751d8e999u);
  EXPECT_EQ(xxh64("abc"), 0x44bc2cf5ad770999u);
}

TEST(Hash, Crc32cMatchesRfc3720) {
  EXPECT_EQ(crc32c("123456789"), 0xe3069283u);
  EXPECT_EQ(crc32c("6789", crc32c("12345")), 0xe3069283u);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aau);
}

TEST(Regex, IsAnchoredAndDotMatchesNewline) {
  const auto regex = Regex::compile("a.b|c");
  ASSERT_TRUE(regex);
  EXPECT_TRUE(regex->full_match("a\nb"));
  EXPECT_FALSE(regex->full_match("xa b"));
  EXPECT_TRUE(regex->partial_match("xcx"));
  EXPECT_FALSE(Regex::compile("a(").has_value());
}

TEST(Regex, ExpandsReferencesAsGo) {
  const auto regex = Regex::compile("(?<host>[^:]+):([0-9]+)");
  ASSERT_TRUE(regex);
  std::vector<std::string_view> groups;
  ASSERT_TRUE(regex->full_match("node1:9100", &groups));
  EXPECT_EQ(regex->expand("$host/${2}x$2x$$ $", groups), "node1/9100x$ $");
}

TEST(ThreadPool, ParallelForRunsEveryIndexOnce) {
  ThreadPool pool("test", 3);
  std::vector<std::atomic<int>> ran(1000);
  pool.parallel_for(Lane::kQuery, ran.size(), [&](size_t i) { ++ran[i]; });
  for (const auto& count : ran) EXPECT_EQ(count, 1);
}

TEST(ThreadPool, QueriesLeaveAWorkerForIngest) {
  Mutex mutex;
  CondVar changed;
  bool release = false;
  bool ingested = false;
  ThreadPool pool("test", 2);  // ends before what its tasks use
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(pool.submit(Lane::kQuery, [&] {
      MutexLock lock(mutex);
      while (!release) changed.wait(lock);
    }));
  }
  ASSERT_TRUE(pool.submit(Lane::kIngest, [&] {
    MutexLock lock(mutex);
    ingested = true;
    changed.notify_all();
  }));
  MutexLock lock(mutex);
  while (!ingested) changed.wait(lock);
  release = true;
  changed.notify_all();
}

TEST(ThreadPool, AQuerysPartsRunOnEveryWorker) {
  ThreadPool pool("test", 2);
  Mutex mutex;
  CondVar changed;
  std::set<std::thread::id> threads;
  bool done = false;
  ASSERT_TRUE(pool.submit(Lane::kQuery, [&] {
    // Each of the first two parts waits for the other: they run at once, on two threads.
    pool.parallel_for(Lane::kQuery, 2, [&](size_t) {
      MutexLock lock(mutex);
      threads.insert(std::this_thread::get_id());
      changed.notify_all();
      while (threads.size() < 2) changed.wait(lock);
    });
    MutexLock lock(mutex);
    done = true;
    changed.notify_all();
  }));
  MutexLock lock(mutex);
  while (!done) changed.wait(lock);
  EXPECT_EQ(threads.size(), 2u);
}

TEST(ThreadPool, RefusesWhenAQueueIsFull) {
  Mutex mutex;
  CondVar changed;
  bool started = false;
  bool release = false;
  ThreadPool pool("test", 1, 1);  // ends before what its tasks use
  ASSERT_TRUE(pool.submit(Lane::kIngest, [&] {
    MutexLock lock(mutex);
    started = true;
    changed.notify_all();
    while (!release) changed.wait(lock);
  }));
  {
    MutexLock lock(mutex);
    while (!started) changed.wait(lock);
  }
  EXPECT_TRUE(pool.submit(Lane::kIngest, [] {}));
  EXPECT_FALSE(pool.submit(Lane::kIngest, [] {}));
  MutexLock lock(mutex);
  release = true;
  changed.notify_all();
}

TEST(Gate, CloseWaitsForThoseInside) {
  Gate gate;
  std::atomic<bool> left{false};
  auto pass = std::make_unique<Gate::Pass>(gate);
  ASSERT_TRUE(*pass);
  std::jthread other([&] {
    left = true;
    pass.reset();
  });
  gate.close();
  EXPECT_TRUE(left);
  EXPECT_FALSE(Gate::Pass(gate));
}

TEST(Fs, AppendsSyncsListsAndLocks) {
  TempDir dir;
  auto& fs = real_fs();
  auto file = fs.open_append(dir.file("a"));
  ASSERT_TRUE(file);
  ASSERT_TRUE((*file)->append("hello"));
  ASSERT_TRUE((*file)->sync());
  EXPECT_EQ((*file)->size(), 5u);
  EXPECT_EQ(fs.read_file(dir.file("a")), "hello");
  EXPECT_EQ((*fs.map(dir.file("a")))->bytes(), "hello");
  EXPECT_EQ(fs.list(dir.path())->size(), 1u);
  EXPECT_EQ(fs.read_file(dir.file("none")).error().code, ErrorCode::kNotFound);
  const auto lock = fs.lock(dir.file("lock"));
  ASSERT_TRUE(lock);
  EXPECT_EQ(fs.lock(dir.file("lock")).error().code, ErrorCode::kConflict);
}

TEST(Fs, AnOpenFileGoesOnAtItsEndAfterTruncate) {
  TempDir dir;
  const std::string path = dir.file("log");
  auto file = real_fs().create(path).value();
  ASSERT_TRUE(file->append("whole torn"));
  ASSERT_TRUE(real_fs().truncate(path, 6));
  ASSERT_TRUE(file->append("again"));
  EXPECT_EQ(real_fs().read_file(path).value(), "whole again");
}

TEST(FaultFs, TearsAWriteAndLosesPower) {
  TempDir dir;
  FaultFs fs(real_fs());
  auto file = fs.create(dir.file("a"));
  ASSERT_TRUE(file);
  ASSERT_TRUE((*file)->append("synced"));
  ASSERT_TRUE((*file)->sync());
  fs.fail_after(0);
  EXPECT_FALSE((*file)->append("12345678"));
  EXPECT_EQ(fs.read_file(dir.file("a")), "synced1234");
  ASSERT_TRUE(fs.rename(dir.file("a"), dir.file("b")));
  ASSERT_TRUE(fs.lose_power());
  EXPECT_EQ(fs.read_file(dir.file("b")), "synced");
}

}  // namespace
}  // namespace strata
