#include "tsdb/series_table.h"

#include <gtest/gtest.h>

#include <random>

namespace strata::tsdb {
namespace {

const SeriesTable::OnCreate kNoLog = [](SeriesId, const Labels&) {};

SeriesId create(SeriesTable& table, const Labels& labels) {
  return table.get_or_create(labels, {}, kNoLog).value();
}

std::vector<std::string> selected(const SeriesTable& table, std::vector<Matcher> matchers) {
  std::vector<std::string> out;
  for (const SelectedSeries& series : table.select(matchers, 0).value().series) {
    out.push_back(series.labels.to_string());
  }
  std::ranges::sort(out);
  return out;
}

TEST(SeriesTable, GivesOneIdForOneSetOfLabels) {
  SeriesTable table;
  int created = 0;
  const SeriesTable::OnCreate count = [&](SeriesId, const Labels&) { ++created; };
  const Labels a{{"__name__", "up"}, {"job", "x"}};
  const SeriesId id = table.get_or_create(a, {}, count).value();
  EXPECT_EQ(table.get_or_create(Labels{{"job", "x"}, {"__name__", "up"}}, {}, count).value(), id);
  EXPECT_NE(table.get_or_create(Labels{{"__name__", "up"}}, {}, count).value(), id);
  EXPECT_EQ(created, 2);
  EXPECT_EQ(table.labels(id), a);
}

TEST(SeriesTable, RefusesSeriesBeyondTheLimit) {
  SeriesTable table;
  ASSERT_TRUE(table.get_or_create({{"a", "1"}}, {.series = 1}, kNoLog));
  const auto refused = table.get_or_create({{"a", "2"}}, {.series = 1}, kNoLog);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kLimit);
  EXPECT_TRUE(table.get_or_create({{"a", "1"}}, {.series = 1}, kNoLog));
  EXPECT_EQ(table.stats().refused, 1u);
}

TEST(SeriesTable, MatchersAgreeWithBruteForce) {
  std::mt19937 random(7);
  SeriesTable table;
  std::vector<Labels> all;
  for (int i = 0; i < 400; ++i) {
    std::vector<Label> labels;
    const auto maybe = [&](std::string_view name, std::vector<std::string_view> values) {
      if (random() % 3 != 0) labels.push_back({name, values[random() % values.size()]});
    };
    maybe("a", {"1", "2", "3", "x"});
    maybe("b", {"foo", "bar", "foobar", ""});
    maybe("c", {"1", "2", "3", "4", "5", "6", "7", "8"});
    const std::string unique = std::to_string(i % 300);
    labels.push_back({"i", unique});
    const Labels made = Labels::from(labels);
    create(table, made);
    if (std::ranges::find(all, made) == all.end()) all.push_back(made);
  }
  const std::vector<std::string> values{"",     "1",       "foo", ".*",  ".+", "foo|bar",
                                        "[12]", "nothing", "1?",  "f.*", "x"};
  for (int round = 0; round < 3000; ++round) {
    std::vector<Matcher> matchers;
    std::string shown;
    for (size_t n = 1 + random() % 3; n > 0; --n) {
      const auto op = static_cast<Matcher::Op>(random() % 4);
      const std::string name(1, "abcz"[random() % 4]);
      matchers.push_back(Matcher::make(op, name, values[random() % values.size()]).value());
      shown += matchers.back().to_string() + " ";
    }
    std::vector<std::string> expected;
    for (const Labels& labels : all) {
      const bool matches = std::ranges::all_of(
          matchers, [&](const Matcher& matcher) { return matcher.matches(labels); });
      if (matches) expected.push_back(labels.to_string());
    }
    std::ranges::sort(expected);
    ASSERT_EQ(selected(table, matchers), expected) << shown;
  }
}

TEST(SeriesTable, ListsNamesAndValues) {
  SeriesTable table;
  create(table, {{"__name__", "up"}, {"job", "a"}});
  create(table, {{"__name__", "up"}, {"job", "b"}, {"zone", "z"}});
  create(table, {{"__name__", "load"}, {"host", "h"}});
  using Strings = std::vector<std::string>;
  const std::vector up{Matcher::equal("__name__", "up")};
  EXPECT_EQ(table.label_names({}), (Strings{"__name__", "host", "job", "zone"}));
  EXPECT_EQ(table.label_names(up), (Strings{"__name__", "job", "zone"}));
  EXPECT_EQ(table.label_values("job", {}), (Strings{"a", "b"}));
  EXPECT_EQ(table.label_values("host", up), Strings{});
  EXPECT_EQ(table.cardinality(1).series_by_metric[0].name, "up");
  EXPECT_EQ(table.cardinality(1).series_by_metric[0].value, 2u);
}

TEST(SeriesTable, RetiredSeriesLeaveTheIndexAndComeBackWithTheirId) {
  SeriesTable table;
  const Labels labels{{"__name__", "gone"}, {"x", "1"}};
  const SeriesId id = create(table, labels);
  const SeriesId other = create(table, {{"__name__", "stays"}, {"x", "1"}});
  table.begin_generation();
  std::vector<bool> live(table.id_bound());
  live[index_of(other)] = true;
  EXPECT_EQ(table.retire(live).retired, 1u);
  EXPECT_TRUE(selected(table, {Matcher::equal("__name__", "gone")}).empty());
  EXPECT_EQ(selected(table, {Matcher::equal("x", "1")}).size(), 1u);
  EXPECT_EQ(table.label_values("__name__", {}), (std::vector<std::string>{"stays"}));

  ASSERT_TRUE(table.adopt({&id, 1}, TargetId{0}));
  EXPECT_EQ(selected(table, {Matcher::equal("x", "1")}).size(), 2u);
  EXPECT_EQ(create(table, labels), id);
}

TEST(SeriesTable, ASeriesAdoptedWhileACutRunsIsNotRetired) {
  SeriesTable table;
  const SeriesId id = create(table, {{"a", "1"}});
  table.begin_generation();
  ASSERT_TRUE(table.adopt({&id, 1}, std::nullopt));
  EXPECT_EQ(table.retire({}).retired, 0u);
}

TEST(SeriesTable, PurgedSeriesGetANewId) {
  SeriesTable table;
  const Labels labels{{"a", "1"}};
  const SeriesId id = create(table, labels);
  size_t purged = 0;
  for (uint32_t i = 0; i <= SeriesTable::kGenerationsKept + 1; ++i) {
    table.begin_generation();
    purged += table.retire({}).purged;
  }
  EXPECT_EQ(purged, 1u);
  const auto adopted = table.adopt({&id, 1}, std::nullopt);
  ASSERT_FALSE(adopted);
  EXPECT_EQ(adopted.error().code, ErrorCode::kNotFound);
  EXPECT_NE(create(table, labels), id);
  EXPECT_EQ(selected(table, {Matcher::equal("a", "1")}).size(), 1u);
}

TEST(SeriesTable, NamesTheLabelThatExplodesWhenItsMemoryIsUsedUp) {
  SeriesTable table;
  for (int i = 0; i < 50; ++i) {
    create(table, {{"__name__", "requests_total"},
                   {"pod", std::to_string(i / 10)},
                   {"id", std::to_string(i)}});
  }
  const SeriesLimits limits{.bytes = table.memory() + 5'000};
  Result<SeriesId> refused = bad_data("none");
  int made = 50;
  for (; made < 1000; ++made) {
    refused = table.get_or_create({{"__name__", "requests_total"},
                                   {"pod", std::to_string(made / 10)},
                                   {"id", std::to_string(made)}},
                                  limits, kNoLog);
    if (!refused) break;
  }
  EXPECT_LT(made, 300);
  EXPECT_EQ(refused.error().code, ErrorCode::kLimit);
  EXPECT_NE(refused.error().message.find("the label id;"), std::string::npos)
      << refused.error().message;
  const size_t before = table.memory();
  for (int i = 0; i < 1000; ++i) {
    const std::string text = std::to_string(1'000'000 + i);
    EXPECT_FALSE(table.get_or_create({{"__name__", "new"}, {"id", text}, {"l" + text, text}},
                                     limits, kNoLog));
  }
  EXPECT_EQ(table.memory(), before);
  const auto by_label = table.stats().refused_by_label;
  EXPECT_EQ(by_label.at(0), (std::pair<std::string, uint64_t>("id", 1001)));
  // A series that is there is found.
  EXPECT_TRUE(table.get_or_create({{"__name__", "requests_total"}, {"pod", "0"}, {"id", "3"}},
                                  limits, kNoLog));
}

TEST(SeriesTable, CountsTheMemoryOfItsParts) {
  SeriesTable table;
  const size_t last = table.memory();
  for (int i = 0; i < 3000; ++i) create(table, {{"__name__", "m"}, {"i", std::to_string(i)}});
  size_t parts = 0;
  for (const auto& [part, bytes] : table.stats().memory) parts += bytes;
  EXPECT_GT(table.memory(), last + 3000 * 40);
  EXPECT_NEAR(static_cast<double>(parts), static_cast<double>(table.memory()),
              0.02 * static_cast<double>(parts));
}

TEST(SeriesTable, OfTwoDefinitionsOfTheSameLabelsTheLastCounts) {
  // A series that was purged and came back: the log has it under both ids.
  SeriesTable table;
  const Labels labels{{"__name__", "up"}, {"job", "x"}};
  const Labels of_one{{"__name__", "up"}, {"job", "y"}};
  const Labels other{{"other", "labels"}};
  table.restore(std::array{SeriesTable::Definition{SeriesId{0}, labels.bytes()},
                           SeriesTable::Definition{SeriesId{1}, of_one.bytes()}});
  table.restore(
      std::array{SeriesTable::Definition{SeriesId{5}, labels.bytes()},
                 SeriesTable::Definition{SeriesId{5}, other.bytes()}});  // the first stays
  EXPECT_TRUE(table.labels(SeriesId{0}).empty());
  EXPECT_EQ(table.labels(SeriesId{5}), labels);
  EXPECT_FALSE(table.adopt({{SeriesId{0}}}, std::nullopt));
  const Matcher matcher = Matcher::equal("job", "x");
  const auto selected = table.select({&matcher, 1}, 0).value();
  ASSERT_EQ(selected.series.size(), 1u);
  EXPECT_EQ(selected.series[0].id, SeriesId{5});
  EXPECT_EQ(table.get_or_create(labels, {}, [](SeriesId, const Labels&) {}).value(), SeriesId{5});
}

TEST(IdTable, FindsWhatIsInItThroughInsertsAndErases) {
  std::mt19937 random(3);
  // A poor hash on purpose: long runs of neighbours.
  const auto hash = [](uint32_t id) -> uint64_t { return id % 32; };
  IdTable<decltype(hash)> table(hash);
  std::vector<uint32_t> inside;
  for (int round = 0; round < 5000; ++round) {
    if (inside.empty() || random() % 2 == 0) {
      const auto id = static_cast<uint32_t>(random() % 1000);
      const auto equal = [id](uint32_t other) { return other == id; };
      const bool there = std::ranges::find(inside, id) != inside.end();
      ASSERT_EQ(table.find(hash(id), equal) != table.kNone, there);
      if (there) continue;
      table.insert(hash(id), id);
      inside.push_back(id);
    } else {
      const size_t at = random() % inside.size();
      table.erase(hash(inside[at]), inside[at]);
      inside.erase(inside.begin() + static_cast<ptrdiff_t>(at));
    }
    ASSERT_EQ(table.size(), inside.size());
    for (const uint32_t id : inside) {
      ASSERT_EQ(table.find(hash(id), [id](uint32_t other) { return other == id; }), id);
    }
  }
}

}  // namespace
}  // namespace strata::tsdb
