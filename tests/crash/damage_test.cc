// Bits that flip, files that are cut short or gone, in every kind of file. After each: the store
// opens, what it serves is right, what it lost is counted, and it takes new samples.
#include <filesystem>
#include <random>

#include "crash/store_for_test.h"
#include "tsdb/frame.h"

namespace strata::tsdb {
namespace {

namespace stdfs = std::filesystem;

constexpr int kRows = 130;
// Damages a file. All bytes of small ones are tried, a seeded sample of the others.
constexpr size_t kPlacesPerFile = 60;

class Damage : public CrashTest {
 protected:
  Damage() {
    fill(kRows);
    db_.reset();
    for (const auto& entry : stdfs::recursive_directory_iterator(options_.path)) {
      if (entry.is_regular_file()) {
        files_.push_back(stdfs::relative(entry.path(), options_.path).string());
      }
    }
    std::ranges::sort(files_);
    stdfs::rename(options_.path, whole_);
  }

  /// The store as it was, with one file's bytes changed.
  void restore(const std::string& file, const std::string& bytes) {
    db_.reset();
    stdfs::remove_all(options_.path);
    stdfs::copy(whole_, options_.path, stdfs::copy_options::recursive);
    ASSERT_TRUE(real_fs().create(path(file)).value()->append(bytes));
  }
  std::string path(const std::string& file) const { return options_.path + "/" + file; }
  std::string bytes_of(const std::string& file) const {
    return real_fs().read_file(whole_ + "/" + file).value();
  }

  /// Opens the damaged store and checks what the head of this file says. Returns what is missing.
  size_t open_and_check(const std::string& what) {
    const auto opened = open();
    EXPECT_TRUE(opened) << what << ": " << (opened ? "" : opened.error().message);
    if (!opened) return 0;
    const size_t found = count();
    const size_t missing = kRows * kSeries - found;
    const Stats stats = db_->stats();
    // Tiles of blocks are checked when they are read.
    size_t known = stats.damaged_records;
    if (known == 0 && missing > 0) {
      const auto report = db_->repair();
      EXPECT_TRUE(report) << what;
      if (report) known = report->blocks.size();
      EXPECT_EQ(count(), found) << what;
    }
    if (missing > 0 && !may_lose_silently_) EXPECT_GT(known, 0u) << what << ": lost " << missing;
    for (int row = kRows; row < kRows + 3; ++row) {
      EXPECT_TRUE(scrape(row)) << what;
      db_->maintain();
    }
    EXPECT_EQ(count(), found + 3 * kSeries) << what;
    return missing;
  }

  /// Whether the byte is in the length of the last frame.
  static bool in_last_length(const std::string& bytes, size_t at) {
    FrameReader reader(bytes);
    Frame frame;
    while (reader.next(frame)) {
    }
    return at >= frame.offset + 4 && at < frame.offset + 8;
  }

  bool may_lose_silently_ = false;
  const std::string whole_ = dir_.file("whole");
  std::vector<std::string> files_;
};

TEST_F(Damage, EveryKindOfFileIsThere) {
  size_t blocks = 0, tiles = 0, logs = 0;
  for (const auto& file : files_) {
    blocks += file.starts_with("blocks/") && file.ends_with("/data");
    tiles += file.starts_with("tiles/");
    logs += file.starts_with("wal/");
  }
  EXPECT_GE(blocks, 2u);
  EXPECT_GE(tiles, 1u);
  EXPECT_GE(logs, 1u);
  EXPECT_TRUE(std::ranges::find(files_, "series") != files_.end());
  EXPECT_TRUE(std::ranges::find(files_, "tombstones") != files_.end());
}

TEST_F(Damage, AFlippedBitAnywhere) {
  std::mt19937 random(7);
  size_t most = 0;
  for (const auto& file : files_) {
    const std::string whole = bytes_of(file);
    for (size_t k = 0; k < std::min(kPlacesPerFile, whole.size()); ++k) {
      const size_t at = whole.size() <= kPlacesPerFile ? k : random() % whole.size();
      const unsigned bit = random() % 8;
      std::string bytes = whole;
      bytes[at] = static_cast<char>(static_cast<unsigned char>(bytes[at]) ^ 1u << bit);
      restore(file, bytes);
      // A frame that seems longer than the file reads like a write that never finished.
      may_lose_silently_ = !file.starts_with("blocks/") && in_last_length(whole, at);
      most = std::max(most, open_and_check(fmt::format("{}, byte {}, bit {}", file, at, bit)));
      if (HasFailure()) return;
    }
  }
  // At most a block of them all.
  EXPECT_LT(most, kRows * kSeries / 2);
}

TEST_F(Damage, AFileCutShortAnywhere) {
  // A log or a tile file that just ends early is a write that never finished.
  may_lose_silently_ = true;
  std::mt19937 random(8);
  for (const auto& file : files_) {
    const std::string whole = bytes_of(file);
    for (size_t k = 0; k < std::min(kPlacesPerFile / 3, whole.size()); ++k) {
      const size_t length = whole.size() <= kPlacesPerFile / 3 ? k : random() % whole.size();
      restore(file, whole.substr(0, length));
      open_and_check(fmt::format("{}, cut at {}", file, length));
      if (HasFailure()) return;
    }
  }
}

TEST_F(Damage, AFileOrDirectoryThatIsGone) {
  may_lose_silently_ = true;
  std::vector<std::string> gone = files_;
  gone.insert(gone.end(), {"wal", "tiles", "blocks", "lock"});
  for (const auto& file : gone) {
    db_.reset();
    stdfs::remove_all(options_.path);
    stdfs::copy(whole_, options_.path, stdfs::copy_options::recursive);
    stdfs::remove_all(path(file));
    open_and_check(file);
    if (HasFailure()) return;
  }
}

TEST_F(Damage, RepairSavesWhatCanBeSaved) {
  std::string data;
  for (const auto& file : files_) {
    if (file.starts_with("blocks/") && file.ends_with("/index")) data = file;
  }
  ASSERT_FALSE(data.empty());
  const std::string block = data.substr(0, data.rfind('/'));
  std::mt19937 random(3);
  size_t saved = 0;
  const std::string whole = bytes_of(data);
  for (size_t at = 0; at < whole.size(); at += 1 + random() % 7) {
    std::string bytes = whole;
    bytes[at] = static_cast<char>(bytes[at] ^ 4);
    restore(data, bytes);
    ASSERT_TRUE(open());
    if (db_->stats().damaged_records == 0) continue;  // a byte between the sections
    EXPECT_TRUE(real_fs().exists(path(block) + ".damaged"));
    const size_t before = count();
    ASSERT_LT(before, kRows * kSeries);
    const auto report = db_->repair();
    ASSERT_TRUE(report) << report.error().message;
    ASSERT_EQ(report->blocks.size(), 1u);
    const auto& repaired = report->blocks[0];
    EXPECT_EQ(repaired.error.empty(), !repaired.into.empty());
    EXPECT_EQ(count(), repaired.into.empty() ? before : kRows * kSeries);
    EXPECT_TRUE(real_fs().exists(path(block) + ".damaged"));
    saved += !repaired.into.empty();
    // A second repair has nothing to do for it.
    if (!repaired.into.empty()) EXPECT_TRUE(db_->repair().value().blocks.empty());
  }
  EXPECT_GT(saved, 0u);
}

TEST_F(Damage, WhatIsKeptAsideExpires) {
  restore(files_.at(0), bytes_of(files_.at(0)));
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(real_fs().create(path(fmt::format("wal/{:08}.damaged", i + 1))));
  }
  ASSERT_TRUE(real_fs().create_directories(path("blocks/x.damaged")));
  const auto left = [&] {
    size_t n = 0;
    for (const char* part : {"wal", "blocks"}) {
      for (const auto& entry : real_fs().list(path(part)).value()) {
        n += entry.name.find(".damaged") != std::string::npos;
      }
    }
    return n;
  };
  options_.max_damaged = 4;
  ASSERT_TRUE(open());
  EXPECT_EQ(left(), 4u);
  clock_.jump_to(real_clock().now_ms() + options_.keep_damaged.count() + 60'000);
  clock_.advance(std::chrono::hours(2));
  db_->maintain();
  EXPECT_EQ(left(), 0u);
}

}  // namespace
}  // namespace strata::tsdb
