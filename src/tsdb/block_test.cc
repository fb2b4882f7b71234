#include "tsdb/block.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <map>
#include <set>
#include <thread>

#include "base/fault_fs.h"
#include "base/temp_dir.h"
#include "tsdb/tile_shapes.h"

namespace strata::tsdb {
namespace {

// What a block should hold, the plain way.
struct Model {
  std::vector<Labels> labels;
  std::vector<std::map<TimestampMs, uint64_t>> samples;  // bits of the value
};

Labels series_labels(int target, int i) {
  LabelsBuilder builder;
  builder.set(kMetricName, i % 3 == 0   ? "requests_total"
                           : i % 3 == 1 ? "queue"
                                        : "lag_bucket")
      .set("instance", fmt::format("host-{}:9100", target))
      .set("job", target % 2 == 0 ? "engine" : "node")
      .set("path", fmt::format("/p{}", i / 3));
  if (i % 3 == 2) builder.set("le", fmt::format("{}", i / 3));
  if (i % 5 == 0) builder.set("rare", "yes");
  return builder.build();
}

// Targets of some series each, scraped every 15 s from `start` on, cut into tiles of 32 rows.
Result<BlockMeta> write_block(Fs& fs, const std::string& dir, Model& model, uint64_t seed,
                              TimestampMs start, size_t rows, int targets = 3) {
  Random random(seed);
  auto writer = TRY(BlockWriter::create(fs, dir));
  for (int target = 0; target < targets; ++target) {
    std::vector<uint32_t> ids;
    std::vector<std::vector<double>> values;
    const int width = 5 + 7 * target;
    for (int i = 0; i < width; ++i) {
      const auto labels = series_labels(target, i);
      ids.push_back(writer->add_series(labels));
      values.push_back(shapes()[below(random, shapes().size())].make(rows, random));
      model.labels.push_back(labels);
      model.samples.emplace_back();
    }
    const size_t base = model.labels.size() - ids.size();
    std::vector<TimestampMs> times;
    for (size_t r = 0; r < rows; ++r) {
      times.push_back(start + static_cast<TimestampMs>(r) * 15'000 + target * 100 +
                      static_cast<TimestampMs>(below(random, 90)));
    }
    for (size_t at = 0; at < rows; at += 32) {
      const size_t n = std::min<size_t>(32, rows - at);
      std::vector<ColumnInput> columns;
      std::vector<uint64_t> presence(ids.size());
      std::vector<std::vector<double>> present(ids.size());
      for (size_t i = 0; i < ids.size(); ++i) {
        for (size_t r = 0; r < n; ++r) {
          if (i == 1 && at / 32 % 2 == 1) continue;       // this one is away in odd tiles
          if (i == 2 && below(random, 4) == 0) continue;  // and this one comes and goes
          presence[i] |= uint64_t{1} << r;
          present[i].push_back(values[i][at + r]);
          model.samples[base + i][times[at + r]] = std::bit_cast<uint64_t>(values[i][at + r]);
        }
        columns.push_back({present[i], &presence[i], {}});
      }
      TRY(writer->add_tile(std::span(times).subspan(at, n), ids, columns));
    }
  }
  return writer->finish();
}

std::map<TimestampMs, uint64_t> as_map(const SampleColumns& samples) {
  std::map<TimestampMs, uint64_t> out;
  for (size_t i = 0; i < samples.t.size(); ++i) {
    out[samples.t[i]] = std::bit_cast<uint64_t>(samples.v[i]);
  }
  EXPECT_EQ(out.size(), samples.t.size());
  EXPECT_TRUE(std::ranges::is_sorted(samples.t));
  return out;
}

std::map<TimestampMs, uint64_t> within(const std::map<TimestampMs, uint64_t>& all,
                                       TimeRange range) {
  std::map<TimestampMs, uint64_t> out;
  for (const auto& [t, v] : all) {
    if (range.contains(t)) out[t] = v;
  }
  return out;
}

void expect_model(const BlockReader& block, const Model& model) {
  std::map<std::string, size_t> by_text;
  for (size_t i = 0; i < model.labels.size(); ++i) by_text[model.labels[i].to_string()] = i;
  ASSERT_EQ(block.series_count(), by_text.size());
  Random random(99);
  for (uint32_t s = 0; s < block.series_count(); ++s) {
    const auto labels = block.labels(s);
    ASSERT_TRUE(labels.has_value());
    const auto found = by_text.find(labels->to_string());
    ASSERT_NE(found, by_text.end());
    const auto& expected = model.samples[found->second];
    SampleColumns got;
    ASSERT_TRUE(block.read(s, {}, got).has_value());
    ASSERT_EQ(as_map(got), expected);
    const TimestampMs span = block.meta().max_time - block.meta().min_time + 1;
    for (int k = 0; k < 4; ++k) {
      const TimestampMs from = block.meta().min_time +
                               static_cast<TimestampMs>(below(random, static_cast<uint64_t>(span)));
      const TimeRange range{from, from + static_cast<TimestampMs>(below(random, 900'000))};
      const auto part = within(expected, range);
      got.clear();
      ASSERT_TRUE(block.read(s, range, got).has_value());
      ASSERT_EQ(as_map(got), part);
      Sample last;
      const auto has = block.read_last(s, range, last);
      ASSERT_TRUE(has.has_value());
      ASSERT_EQ(*has, !part.empty());
      if (*has) {
        EXPECT_EQ(last.t, part.rbegin()->first);
        EXPECT_EQ(std::bit_cast<uint64_t>(last.v), part.rbegin()->second);
      }
    }
  }
}

constexpr TimestampMs kStart = 1'700'000'000'000;

TEST(Block, WhatWasWrittenIsRead) {
  TempDir dir;
  Model model;
  const auto meta = write_block(real_fs(), dir.file("01A"), model, 1, kStart, 100);
  ASSERT_TRUE(meta.has_value()) << meta.error().message;
  EXPECT_FALSE(real_fs().exists(dir.file("01A.tmp")));
  const auto block = BlockReader::open(real_fs(), dir.file("01A"), BlockVerify::kFull);
  ASSERT_TRUE(block.has_value()) << block.error().message;
  expect_model(**block, model);
  const auto& read = (*block)->meta();
  uint64_t samples = 0;
  for (const auto& one : model.samples) samples += one.size();
  EXPECT_EQ(read.id, "01A");
  EXPECT_EQ(read.samples, samples);
  EXPECT_EQ(read.series, model.labels.size());
  EXPECT_EQ(read.tiles, 12u);
  EXPECT_EQ(read.min_time, meta->min_time);
  EXPECT_EQ(read.index_bytes, meta->index_bytes);
  EXPECT_TRUE((*block)->damage().empty());
  const auto json = real_fs().read_file(dir.file("01A/meta.json"));
  ASSERT_TRUE(json.has_value());
  EXPECT_TRUE(json->starts_with(R"({"version":1,"id":"01A","level":1,"minTime":17000000000)"))
      << *json;
}

TEST(Block, ABlockOfNothingIsABlock) {
  TempDir dir;
  auto writer = BlockWriter::create(real_fs(), dir.file("b"));
  ASSERT_TRUE(writer.has_value());
  ASSERT_TRUE((*writer)->finish().has_value());
  const auto block = BlockReader::open(real_fs(), dir.file("b"));
  ASSERT_TRUE(block.has_value()) << block.error().message;
  EXPECT_EQ((*block)->series_count(), 0u);
  EXPECT_TRUE((*block)->select({})->empty());
  EXPECT_TRUE((*block)->label_names({})->empty());
}

TEST(Block, MatchersSelectAsOneByOneComparisonDoes) {
  TempDir dir;
  Model model;
  ASSERT_TRUE(write_block(real_fs(), dir.file("b"), model, 2, kStart, 40).has_value());
  const auto block = *BlockReader::open(real_fs(), dir.file("b"));
  const std::string_view names[] = {"__name__", "job", "instance", "le", "rare", "none", "path"};
  const std::string_view values[] = {"",      "engine",  "node|engine", "yes", ".*",   ".+",
                                     "queue", "/p[12]?", "host-1:9100", "x",   "|yes", "host-.*"};
  Random random(3);
  for (int round = 0; round < 2000; ++round) {
    std::vector<Matcher> matchers;
    for (uint64_t n = below(random, 4); n > 0; --n) {
      matchers.push_back(*Matcher::make(static_cast<Matcher::Op>(below(random, 4)),
                                        std::string(names[below(random, std::size(names))]),
                                        std::string(values[below(random, std::size(values))])));
    }
    const auto got = block->select(matchers);
    ASSERT_TRUE(got.has_value());
    std::vector<uint32_t> expected;
    std::set<std::string> expected_names, expected_jobs;
    for (uint32_t s = 0; s < block->series_count(); ++s) {
      const auto labels = *block->labels(s);
      if (!std::ranges::all_of(matchers, [&](const Matcher& m) { return m.matches(labels); }))
        continue;
      expected.push_back(s);
      for (const auto& label : labels) expected_names.emplace(label.name);
      if (labels.has("job")) expected_jobs.emplace(labels.get("job"));
    }
    ASSERT_EQ(*got, expected) << (matchers.empty() ? "" : matchers[0].to_string());
    const auto label_names = *block->label_names(matchers);
    EXPECT_EQ(label_names, std::vector(expected_names.begin(), expected_names.end()));
    const auto jobs = *block->label_values("job", matchers);
    EXPECT_EQ(jobs, std::vector(expected_jobs.begin(), expected_jobs.end()));
  }
}

TEST(Block, MisuseIsRefused) {
  TempDir dir;
  auto writer = *BlockWriter::create(real_fs(), dir.file("b"));
  const uint32_t a = writer->add_series({{"__name__", "a"}});
  const std::vector<double> two = {1, 2};
  const ColumnInput column[] = {{two, nullptr, {}}};
  const auto add = [&](std::vector<TimestampMs> times, std::vector<uint32_t> ids) {
    return writer->add_tile(times, ids, column);
  };
  EXPECT_FALSE(add({5, 5}, {a}).has_value());
  EXPECT_FALSE(add({5, 6}, {a, a}).has_value());
  EXPECT_FALSE(add({5, 6}, {7}).has_value());
  EXPECT_TRUE(add({5, 6}, {a}).has_value());
  EXPECT_FALSE(add({6, 7}, {a}).has_value());
  EXPECT_TRUE(add({7, 8}, {a}).has_value());
  writer.reset();
  EXPECT_FALSE(real_fs().exists(dir.file("b.tmp"))) << "what was not finished is removed";
  ASSERT_TRUE(real_fs().create_directories(dir.file("b")).has_value());
  EXPECT_EQ(BlockWriter::create(real_fs(), dir.file("b")).error().code, ErrorCode::kConflict);
}

// Overwrites the file with `bytes`.
void write_file(const std::string& path, std::string_view bytes) {
  auto file = *real_fs().create(path);
  ASSERT_TRUE(file->append(bytes).has_value());
}

TEST(Block, DamageAnywhereInTheIndexIsNoticedOnOpening) {
  TempDir dir;
  Model model;
  ASSERT_TRUE(write_block(real_fs(), dir.file("b"), model, 4, kStart, 40).has_value());
  const std::string path = dir.file("b/index");
  const std::string good = *real_fs().read_file(path);
  for (size_t at = 0; at < good.size(); at += 1 + at % 7) {
    auto bad = good;
    bad[at] ^= 0x10;
    write_file(path, bad);
    const auto block = BlockReader::open(real_fs(), dir.file("b"));
    if (block) {
      // Only padding between sections may go unnoticed: then nothing is lost.
      expect_model(**block, model);
      continue;
    }
    EXPECT_TRUE(block.error().code == ErrorCode::kCorruption ||
                block.error().code == ErrorCode::kBadData);
    EXPECT_TRUE(block.error().message.contains("index")) << block.error().message;
  }
  for (size_t cut = 0; cut < good.size(); cut += 1 + good.size() / 50) {
    write_file(path, good.substr(0, cut));
    EXPECT_FALSE(BlockReader::open(real_fs(), dir.file("b")).has_value());
  }
  write_file(path, good);
  EXPECT_TRUE(BlockReader::open(real_fs(), dir.file("b")).has_value());
}

TEST(Block, ADamagedTileIsNamedAndTheRestIsRead) {
  TempDir dir;
  Model model;
  ASSERT_TRUE(write_block(real_fs(), dir.file("b"), model, 5, kStart, 200).has_value());
  const std::string path = dir.file("b/data");
  const std::string good = *real_fs().read_file(path);
  const auto tile = *(*BlockReader::open(real_fs(), dir.file("b")))->tile(4);
  auto bad = good;
  bad[tile.offset + 8 + tile.length / 2] ^= 1;
  write_file(path, bad);
  EXPECT_FALSE(BlockReader::open(real_fs(), dir.file("b"), BlockVerify::kFull).has_value());
  const auto block = *BlockReader::open(real_fs(), dir.file("b"));
  const auto damage = block->damage();
  ASSERT_EQ(damage.size(), 1u);
  EXPECT_TRUE(damage[0].message.contains("b: data: a checksum does not match; tile 4 at offset"))
      << damage[0].message;
  EXPECT_EQ(damage[0].range.min, tile.range.min);
  size_t failed = 0;
  for (uint32_t s = 0; s < block->series_count(); ++s) {
    SampleColumns got;
    const auto read = block->read(s, {}, got);
    const auto text = block->labels(s)->to_string();
    const auto at =
        std::ranges::find_if(model.labels, [&](const Labels& l) { return l.to_string() == text; });
    const auto& expected = model.samples[static_cast<size_t>(at - model.labels.begin())];
    if (!read) {
      ++failed;
      EXPECT_EQ(read.error().code, ErrorCode::kCorruption);
      got.clear();
      ASSERT_TRUE(block->read(s, {kMinTime, tile.range.min - 1}, got).has_value());
      EXPECT_EQ(as_map(got), within(expected, {kMinTime, tile.range.min - 1}));
      got.clear();
      ASSERT_TRUE(block->read(s, {tile.range.max + 1, kMaxTime}, got).has_value());
      EXPECT_EQ(as_map(got), within(expected, {tile.range.max + 1, kMaxTime}));
    } else {
      EXPECT_EQ(as_map(got), expected);
    }
  }
  EXPECT_EQ(failed, tile.columns);

  // Merged with what is damaged left out, the rest lives on.
  auto writer = *BlockWriter::create(real_fs(), dir.file("merged"));
  const std::shared_ptr<BlockReader> blocks[] = {block};
  EXPECT_FALSE(merge_blocks(blocks, *writer).has_value());
  writer = nullptr;
  writer = *BlockWriter::create(real_fs(), dir.file("merged"));
  const auto stats = merge_blocks(blocks, *writer, {}, true);
  ASSERT_TRUE(stats.has_value()) << stats.error().message;
  EXPECT_EQ(stats->damage.size(), 1u);
  ASSERT_TRUE(writer->finish().has_value());
  uint64_t lost = 0;
  for (const auto& one : model.samples) lost += one.size();
  lost -= stats->samples;
  EXPECT_GT(lost, 0u);
  EXPECT_LE(lost, stats->damage[0].samples);
}

TEST(Block, ACutDataFileLosesTheTilesBehindTheCut) {
  TempDir dir;
  Model model;
  ASSERT_TRUE(write_block(real_fs(), dir.file("b"), model, 6, kStart, 40).has_value());
  const auto whole = *BlockReader::open(real_fs(), dir.file("b"));
  ASSERT_GE(whole->tile_count(), 2u);
  EXPECT_TRUE(whole->known_damage().empty());
  const uint64_t cut = whole->tile(whole->tile_count() - 1)->offset + 20;
  ASSERT_TRUE(real_fs().truncate(dir.file("b/data"), cut).has_value());
  const auto block = *BlockReader::open(real_fs(), dir.file("b"));
  const auto damage = block->known_damage();
  ASSERT_EQ(damage.size(), 1u);
  EXPECT_TRUE(damage[0].message.contains("it is cut short")) << damage[0].message;
  EXPECT_TRUE(block->open_tile(0));
  EXPECT_EQ(block->open_tile(block->tile_count() - 1).error().code, ErrorCode::kCorruption);
  ASSERT_TRUE(real_fs().remove(dir.file("b/data")).has_value());
  EXPECT_EQ(BlockReader::open(real_fs(), dir.file("b")).error().code, ErrorCode::kNotFound);
}

TEST(Block, AFailureAtAnyOperationLeavesNoBlock) {
  for (uint64_t n = 0;; ++n) {
    TempDir dir;
    FaultFs fs(real_fs());
    fs.fail_after(n);
    Model model;
    const auto written = write_block(fs, dir.file("b"), model, 7, kStart, 64);
    if (written) {
      EXPECT_GT(n, 8u) << "there are more operations than this";
      break;
    }
    EXPECT_TRUE(written.error().message.contains("injected")) << written.error().message;
    EXPECT_FALSE(real_fs().exists(dir.file("b"))) << "after operation " << n;
  }
}

TEST(Block, AnUnsyncedBlockIsNotPublishedBeforePowerIsLost) {
  TempDir dir;
  FaultFs fs(real_fs());
  Model model;
  ASSERT_TRUE(write_block(fs, dir.file("b"), model, 8, kStart, 64).has_value());
  ASSERT_TRUE(fs.lose_power().has_value());
  const auto block = BlockReader::open(real_fs(), dir.file("b"), BlockVerify::kFull);
  ASSERT_TRUE(block.has_value()) << block.error().message;
  expect_model(**block, model);
}

Model joined(std::span<const Model> models) {
  std::map<std::string, std::pair<Labels, std::map<TimestampMs, uint64_t>>> all;
  for (const auto& model : models) {
    for (size_t i = 0; i < model.labels.size(); ++i) {
      auto& entry = all[model.labels[i].to_string()];
      entry.first = model.labels[i];
      entry.second.insert(model.samples[i].begin(), model.samples[i].end());  // the first stays
    }
  }
  Model out;
  for (auto& [text, entry] : all) {
    out.labels.push_back(entry.first);
    out.samples.push_back(entry.second);
  }
  return out;
}

TEST(Block, MergedBlocksHoldWhatTheyHeldAndTheFirstWins) {
  TempDir dir;
  std::vector<Model> models(4);
  // The third overlaps the second with other values at other times, the fourth repeats the first.
  ASSERT_TRUE(write_block(real_fs(), dir.file("b0"), models[0], 10, kStart, 100, 2).has_value());
  ASSERT_TRUE(
      write_block(real_fs(), dir.file("b1"), models[1], 11, kStart + 1'600'000, 150).has_value());
  ASSERT_TRUE(
      write_block(real_fs(), dir.file("b2"), models[2], 12, kStart + 2'000'000, 90).has_value());
  ASSERT_TRUE(write_block(real_fs(), dir.file("b3"), models[3], 10, kStart, 100, 2).has_value());
  std::vector<std::shared_ptr<BlockReader>> blocks;
  for (int i = 0; i < 4; ++i) {
    blocks.push_back(*BlockReader::open(real_fs(), dir.file(fmt::format("b{}", i))));
  }
  auto writer =
      *BlockWriter::create(real_fs(), dir.file("m"), {.level = 2, .sources = {"b0", "b1"}});
  const auto stats = merge_blocks(blocks, *writer);
  ASSERT_TRUE(stats.has_value()) << stats.error().message;
  ASSERT_TRUE(writer->finish().has_value());
  const auto merged = BlockReader::open(real_fs(), dir.file("m"), BlockVerify::kFull);
  ASSERT_TRUE(merged.has_value()) << merged.error().message;
  const auto model = joined(models);
  expect_model(**merged, model);
  EXPECT_EQ((*merged)->tile_count(), 3u) << "one tile a target";
  EXPECT_EQ((*merged)->meta().level, 2u);
  EXPECT_EQ((*merged)->meta().sources, (std::vector<std::string>{"b0", "b1"}));
  uint64_t repeated = 0;
  for (const auto& one : models[3].samples) repeated += one.size();
  EXPECT_GE(stats->duplicates, repeated);
  for (uint32_t s = 1; s < (*merged)->series_count(); ++s) {
    EXPECT_LT(*(*merged)->labels(s - 1), *(*merged)->labels(s));
  }
}

TEST(Block, AMergeOfARangeTakesOnlyThat) {
  TempDir dir;
  Model model;
  ASSERT_TRUE(write_block(real_fs(), dir.file("b"), model, 13, kStart, 120).has_value());
  const std::shared_ptr<BlockReader> blocks[] = {*BlockReader::open(real_fs(), dir.file("b"))};
  const TimeRange range{kStart + 300'000, kStart + 900'000};
  auto writer = *BlockWriter::create(real_fs(), dir.file("m"));
  ASSERT_TRUE(merge_blocks(blocks, *writer, range).has_value());
  ASSERT_TRUE(writer->finish().has_value());
  for (auto& samples : model.samples) samples = within(samples, range);
  expect_model(**BlockReader::open(real_fs(), dir.file("m")), model);
}

TEST(Block, LongTargetsAreMergedIntoTilesOfTheLargestSize) {
  TempDir dir;
  std::vector<std::shared_ptr<BlockReader>> blocks;
  std::vector<Model> models(3);
  for (int i = 0; i < 3; ++i) {
    const auto path = dir.file(fmt::format("b{}", i));
    ASSERT_TRUE(write_block(real_fs(), path, models[static_cast<size_t>(i)],
                            20 + static_cast<uint64_t>(i), kStart + i * 3000LL * 15'000, 3000, 1)
                    .has_value());
    blocks.push_back(*BlockReader::open(real_fs(), path));
  }
  auto writer = *BlockWriter::create(real_fs(), dir.file("m"));
  ASSERT_TRUE(merge_blocks(blocks, *writer).has_value());
  ASSERT_TRUE(writer->finish().has_value());
  const auto merged = *BlockReader::open(real_fs(), dir.file("m"));
  EXPECT_EQ(merged->tile_count(), 2u);
  EXPECT_EQ(merged->tile(0)->rows, 4500u);
  expect_model(*merged, joined(models));
}

// A block of version 1, kept as bytes: what is on a disk somewhere has to stay readable.
TEST(Block, TheGoldenBlockOfVersionOneIsRead) {
  static constexpr std::string_view kData =
      "5354524154414454010000000000000028000000432202390109020280a0abfef962b1ea010701030101"
      "0100b0ea01020201060506020001000312000100142a";
  static constexpr std::string_view kIndex =
      "53545241544149580100000000000000083031474f4c44454e0280a0abfef962e2f4aefef96202050140"
      "0201410142000600000000000000080000000b0000000f0000001d0000001f000000230000005f5f6e61"
      "6d655f5f6a6f626e6f646572657175657374735f746f74616c7570766c6c6d0000000000000000000000"
      "000002000000010000000200000002000000030000000000000004000000020000000200000004000000"
      "0500000006000000000000000800000001000000000001000200000000000000070000000e0000000200"
      "010100000002000001010001000010000000000000000068e5cf8b01000031dde5cf8b01000028000000"
      "0300000002000000000000000000000099032cb910000000000000001f0000000000000001000000c4ff"
      "c02930000000000000004300000000000000020000001c8c617978000000000000001800000000000000"
      "03000000aecabb449000000000000000280000000000000004000000da57b6d6b8000000000000000800"
      "0000000000000500000098b7a65ec0000000000000001e0000000000000006000000a7258f91e0000000"
      "0000000028000000000000000700000075b576525354524154414e44";
  TempDir dir;
  ASSERT_TRUE(real_fs().create_directories(dir.file("01GOLDEN")).has_value());
  for (const auto& [name, hex] : {std::pair("data", kData), std::pair("index", kIndex)}) {
    std::string bytes;
    for (size_t i = 0; i < hex.size(); i += 2) {
      bytes += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
    }
    write_file(dir.file(fmt::format("01GOLDEN/{}", name)), bytes);
  }
  const auto opened = BlockReader::open(real_fs(), dir.file("01GOLDEN"), BlockVerify::kFull);
  ASSERT_TRUE(opened.has_value()) << opened.error().message;
  const auto& block = **opened;
  EXPECT_EQ(block.meta().level, 2u);
  EXPECT_EQ(block.meta().samples, 5u);
  EXPECT_EQ(block.meta().sources, (std::vector<std::string>{"A", "B"}));
  EXPECT_EQ(block.labels(0)->to_string(), R"(up{job="node"})");
  EXPECT_EQ(block.labels(1)->to_string(), R"(requests_total{job="vllm"})");
  SampleColumns got;
  ASSERT_TRUE(block.read(0, {}, got).has_value());
  EXPECT_EQ(got.t, (std::vector<TimestampMs>{kStart, kStart + 15'000, kStart + 30'001}));
  EXPECT_EQ(got.v, (std::vector<double>{1, 1, 0}));
  got.clear();
  ASSERT_TRUE(block.read(1, {}, got).has_value());
  EXPECT_EQ(got.t, (std::vector<TimestampMs>{kStart + 15'000, kStart + 30'001}));
  EXPECT_EQ(got.v, (std::vector<double>{10, 31}));
}

TEST(Block, ManyThreadsReadTheSameBlock) {
  TempDir dir;
  Model model;
  ASSERT_TRUE(write_block(real_fs(), dir.file("b"), model, 30, kStart, 200).has_value());
  const auto block = *BlockReader::open(real_fs(), dir.file("b"));
  std::vector<std::thread> threads;
  for (int n = 0; n < 4; ++n) threads.emplace_back([&] { expect_model(*block, model); });
  for (auto& thread : threads) thread.join();
}

}  // namespace
}  // namespace strata::tsdb
