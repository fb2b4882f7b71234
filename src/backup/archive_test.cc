#include "backup/archive.h"

#include <gtest/gtest.h>

#include "base/fault_fs.h"
#include "base/temp_dir.h"

namespace strata::backup {
namespace {

constexpr TimestampMs kNow = 1'700'000'000'000;

class ArchiveTest : public testing::Test {
 protected:
  void SetUp() override {
    put("staged/data/blocks/a/index", std::string(9u << 20, 'i'));  // more than a piece
    put("staged/data/wal/00000001", "log");
    put("staged/data/empty", "");
    put("staged/config/prometheus.yml", "global: {}\n");
  }
  void put(const std::string& name, std::string_view bytes) {
    const std::string path = dir_.file(name);
    ASSERT_TRUE(real_fs().create_directories(path.substr(0, path.rfind('/'))));
    const auto file = real_fs().create(path);
    ASSERT_TRUE(file && (*file)->append(bytes));
  }
  std::string text(const std::string& name) {
    return real_fs().read_file(dir_.file(name)).value_or("(missing)");
  }
  Result<Manifest> write(Fs& fs = real_fs()) {
    return backup::write(fs, dir_.file("staged"), dir_.file("backup"), kNow, {});
  }
  Result<Manifest> restore(Fs& fs = real_fs()) {
    return backup::restore(fs,
                           {.backup = dir_.file("backup"),
                            .data_dir = dir_.file("data"),
                            .config_dir = dir_.file("config")},
                           {});
  }
  bool exists(const std::string& name) { return real_fs().exists(dir_.file(name)); }

  TempDir dir_;
};

TEST_F(ArchiveTest, WhatIsRestoredIsWhatWasThere) {
  uint64_t done = 0;
  const auto written = backup::write(real_fs(), dir_.file("staged"), dir_.file("backup"), kNow,
                                     [&](const Progress& p) {
                                       EXPECT_GT(p.done, done);
                                       done = p.done;
                                     });
  ASSERT_TRUE(written) << written.error().message;
  EXPECT_EQ(done, written->bytes());
  EXPECT_EQ(written->files.size(), 4u);
  EXPECT_EQ(written->made_at, kNow);
  const auto checked = check(real_fs(), dir_.file("backup"), {});
  ASSERT_TRUE(checked) << checked.error().message;
  EXPECT_EQ(*checked, *written);
  ASSERT_TRUE(restore());
  EXPECT_EQ(text("data/blocks/a/index"), std::string(9u << 20, 'i'));
  EXPECT_EQ(text("data/wal/00000001"), "log");
  EXPECT_EQ(text("data/empty"), "");
  EXPECT_EQ(text("config/prometheus.yml"), "global: {}\n");
  EXPECT_FALSE(exists("data.partial") || exists("config.partial") || exists("backup.partial"));
}

TEST_F(ArchiveTest, WithoutADirectoryForItTheConfigurationStaysInTheBackup) {
  ASSERT_TRUE(write());
  ASSERT_TRUE(backup::restore(
      real_fs(), {.backup = dir_.file("backup"), .data_dir = dir_.file("data"), .config_dir = ""},
      {}));
  EXPECT_EQ(text("data/wal/00000001"), "log");
  EXPECT_FALSE(exists("config"));
}

TEST_F(ArchiveTest, NothingIsOverwritten) {
  ASSERT_TRUE(write());
  const auto again = write();
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::kConflict);
  put("data/mine", "mine");
  const auto restored = restore();
  ASSERT_FALSE(restored);
  EXPECT_EQ(restored.error().code, ErrorCode::kConflict);
  EXPECT_EQ(text("data/mine"), "mine");
  EXPECT_FALSE(exists("config"));
}

TEST_F(ArchiveTest, AnEmptyDirectoryIsTaken) {
  ASSERT_TRUE(real_fs().create_directories(dir_.file("data")));
  ASSERT_TRUE(real_fs().create_directories(dir_.file("backup")));
  ASSERT_TRUE(write());
  EXPECT_TRUE(restore());
}

TEST_F(ArchiveTest, DamageIsNamedAndNothingIsRestored) {
  ASSERT_TRUE(write());
  put("backup/data/wal/00000001", "lug");
  ASSERT_TRUE(real_fs().remove(dir_.file("backup/config/prometheus.yml")));
  for (const auto& result : {check(real_fs(), dir_.file("backup"), {}), restore()}) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::kCorruption);
    EXPECT_TRUE(result.error().message.contains("data/wal/00000001")) << result.error().message;
    EXPECT_TRUE(result.error().message.contains("config/prometheus.yml"));
  }
  EXPECT_FALSE(exists("data") || exists("data.partial") || exists("config.partial"));
}

TEST_F(ArchiveTest, WithoutAManifestItIsNoBackup) {
  put("backup/data/wal/00000001", "log");
  EXPECT_EQ(check(real_fs(), dir_.file("backup"), {}).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(restore().error().code, ErrorCode::kNotFound);
}

// Whatever step a backup or a restore ends at, as a kill would end it: what is there under its name
// is whole, and the next run succeeds.
TEST_F(ArchiveTest, ARunThatEndsAnywhereLeavesNothingHalf) {
  FaultFs counting(real_fs());
  ASSERT_TRUE(write(counting));
  const uint64_t writes = counting.operations();
  ASSERT_TRUE(restore(counting));
  const uint64_t restores = counting.operations() - writes;
  for (const char* name : {"backup", "data", "config"}) {
    ASSERT_TRUE(real_fs().remove_all(dir_.file(name)));
  }

  for (uint64_t n = 0; n < writes; ++n) {
    FaultFs failing(real_fs());
    failing.fail_after(n);
    const auto written = write(failing);
    if (exists("backup")) {
      EXPECT_TRUE(check(real_fs(), dir_.file("backup"), {})) << "after operation " << n;
      ASSERT_TRUE(real_fs().remove_all(dir_.file("backup")));
    } else {
      EXPECT_FALSE(written) << "after operation " << n;
    }
  }
  ASSERT_TRUE(write());
  for (uint64_t n = 0; n < restores; ++n) {
    FaultFs failing(real_fs());
    failing.fail_after(n);
    const auto restored = restore(failing);
    if (exists("data")) {
      EXPECT_EQ(text("data/wal/00000001"), "log") << "after operation " << n;
      EXPECT_EQ(text("config/prometheus.yml"), "global: {}\n") << "after operation " << n;
    }
    for (const char* name : {"data", "config"}) {
      ASSERT_TRUE(real_fs().remove_all(dir_.file(name)));
    }
  }
  EXPECT_TRUE(restore());
}

TEST(Manifest, IsReadAsItWasWritten) {
  const Manifest manifest{.made_at = kNow,
                          .made_by = "0.1.0",
                          .files = {{"data/a b", 3, 0xfedcba98}, {"config/x", 0, 0}}};
  const auto read = parse_manifest(to_text(manifest));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(*read, manifest);
}

TEST(Manifest, OfANewerVersionSaysWhatToDo) {
  const auto read = parse_manifest("strata-backup 2\nanything\n");
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, ErrorCode::kConflict);
  EXPECT_TRUE(read.error().message.contains("newer")) << read.error().message;
}

TEST(Manifest, CutOrChangedAnywhereIsRefused) {
  const std::string text =
      to_text({.made_at = kNow, .made_by = "0.1.0", .files = {{"data/a", 3, 7}}});
  for (size_t cut = 0; cut < text.size(); ++cut) {
    EXPECT_FALSE(parse_manifest(text.substr(0, cut))) << cut;
  }
  for (size_t at = 0; at < text.size(); ++at) {
    std::string changed = text;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    EXPECT_FALSE(parse_manifest(changed)) << changed;
  }
}

TEST(Manifest, PathsOutsideTheBackupAreRefused) {
  for (const char* path : {"/etc/passwd", "data/../../x", "..", "data//x", "data/", "./x", ""}) {
    const std::string text = to_text({.made_at = kNow, .made_by = "x", .files = {{path, 0, 0}}});
    EXPECT_FALSE(parse_manifest(text)) << path;
  }
}

}  // namespace
}  // namespace strata::backup
