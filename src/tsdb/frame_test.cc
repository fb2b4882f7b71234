#include "tsdb/frame.h"

#include <gtest/gtest.h>

#include <random>

#include "base/fault_fs.h"
#include "base/temp_dir.h"
#include "tsdb/frame_file.h"

namespace strata::tsdb {
namespace {

std::string framed(std::string_view payload, uint32_t sequence) {
  std::string out;
  const size_t begin = begin_frame(out);
  out += payload;
  end_frame(out, begin, sequence);
  return out;
}

std::vector<std::string> payloads(FrameReader& reader) {
  std::vector<std::string> out;
  Frame frame;
  while (reader.next(frame)) out.emplace_back(frame.payload);
  return out;
}

using Payloads = std::vector<std::string>;

TEST(Frame, ReadsBackWhatWasWritten) {
  const std::string bytes = framed("one", 0) + framed("", 1) + framed("three", 2);
  FrameReader reader(bytes);
  EXPECT_EQ(payloads(reader), (Payloads{"one", "", "three"}));
  EXPECT_TRUE(reader.damage().empty());
}

TEST(Frame, GoesOnBehindADamagedFrameAndCountsIt) {
  std::string bytes = framed("one", 0) + framed("two", 1) + framed("three", 2);
  bytes[framed("one", 0).size() + kFrameHeader] ^= 1;
  FrameReader reader(bytes);
  EXPECT_EQ(payloads(reader), (Payloads{"one", "three"}));
  ASSERT_EQ(reader.damage().size(), 1u);
  EXPECT_EQ(reader.damage()[0].offset, framed("one", 0).size());
  EXPECT_EQ(reader.damage()[0].frames, 1u);
  EXPECT_FALSE(reader.damage()[0].torn);
}

TEST(Frame, AnUnfinishedWriteAtTheEndIsTornAndNotDamaged) {
  const std::string whole = framed("one", 0);
  for (const std::string& tail :
       {framed("two", 1).substr(0, 5), framed("two", 1).substr(0, 18), std::string(100, '\0')}) {
    const std::string bytes = whole + tail;
    FrameReader reader(bytes);
    EXPECT_EQ(payloads(reader), (Payloads{"one"}));
    ASSERT_EQ(reader.damage().size(), 1u);
    EXPECT_TRUE(reader.damage()[0].torn);
    EXPECT_EQ(reader.damage()[0].bytes, tail.size());
  }
}

TEST(Frame, FlippedBitsAtTheEndAreDamage) {
  std::string bytes = framed("one", 0) + framed("two", 1);
  bytes.back() ^= 1;
  FrameReader reader(bytes);
  EXPECT_EQ(payloads(reader), (Payloads{"one"}));
  ASSERT_EQ(reader.damage().size(), 1u);
  EXPECT_FALSE(reader.damage()[0].torn);
}

TEST(Frame, APayloadThatLooksLikeAFrameIsNotTakenForOne) {
  const std::string inner = framed("inner", 7);
  const std::string bytes = framed("<" + inner + ">", 0) + framed("end", 1);
  FrameReader reader(bytes);
  EXPECT_EQ(payloads(reader), (Payloads{"<" + inner + ">", "end"}));
}

TEST(Frame, WhateverIsDamagedTheOthersAreRead) {
  std::mt19937 random(1);
  for (int round = 0; round < 300; ++round) {
    std::string bytes;
    std::vector<size_t> begins;
    for (uint32_t i = 0; i < 20; ++i) {
      begins.push_back(bytes.size());
      bytes += framed(std::string(random() % 40, static_cast<char>(random())), i);
    }
    begins.push_back(bytes.size());
    const size_t hit = random() % bytes.size();
    bytes[hit] = static_cast<char>(bytes[hit] ^ (1 << random() % 8));
    FrameReader reader(bytes);
    EXPECT_EQ(payloads(reader).size(), 19u);
    uint64_t damaged = 0;
    for (const FrameDamage& d : reader.damage()) damaged += d.bytes;
    const auto next = std::ranges::upper_bound(begins, hit);
    EXPECT_EQ(damaged, *next - *(next - 1));
  }
}

TEST(FrameFile, CutsOffWhatAFailedWriteLeft) {
  TempDir dir;
  FaultFs fs(real_fs());
  const std::string path = dir.file("log");
  auto file = FrameFile::create(fs, path).value();
  ASSERT_TRUE(file.append(framed("one", 0)));
  // The write is torn, and so is the first attempt to mend it.
  fs.set_hook([](std::string_view, const std::string&) -> Result<> {
    return fail(ErrorCode::kIo, "no space left on device");
  });
  EXPECT_FALSE(file.append(framed("lost", 1)));
  EXPECT_FALSE(file.append(framed("lost", 1)));
  fs.set_hook(nullptr);
  ASSERT_TRUE(file.append(framed("two", 1)));
  const std::string bytes = real_fs().read_file(path).value();
  FrameReader reader(bytes);
  EXPECT_EQ(payloads(reader), (Payloads{"one", "two"}));
  EXPECT_TRUE(reader.damage().empty());
}

TEST(FrameFile, NumberedNamesSortAsTheirNumbers) {
  EXPECT_EQ(numbered_name(42), "00000042");
  EXPECT_EQ(parse_numbered_name("00000042"), 42u);
  EXPECT_EQ(parse_numbered_name("00000042.damaged"), 0u);
  EXPECT_EQ(parse_numbered_name("series"), 0u);
}

}  // namespace
}  // namespace strata::tsdb
