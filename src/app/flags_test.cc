#include "app/flags.h"

#include <gtest/gtest.h>

#include <set>

#include "base/fs.h"

namespace strata::app {
namespace {

FlagValues with(std::string_view name, std::string_view value) {
  FlagValues values = default_flag_values();
  values.find(name)->second = value;
  return values;
}

TEST(Flags, DefaultsAreValid) {
  const auto options = serve_options(default_flag_values());
  ASSERT_TRUE(options) << options.error().message;
  EXPECT_EQ(options->listen_address, "127.0.0.1:9090");
  EXPECT_EQ(options->retention_time, std::chrono::days(15));
  EXPECT_EQ(options->wal_sync, Millis(1000));
  EXPECT_EQ(options->storage_path, "data");
}

TEST(Flags, NamesAreUniqueAndHaveHelp) {
  std::set<std::string_view> names;
  for (const auto& flag : serve_flags()) {
    EXPECT_TRUE(names.insert(flag.name).second) << flag.name;
    EXPECT_TRUE(flag.help.ends_with('.')) << flag.name;
  }
}

TEST(Flags, SizesTakeUnits) {
  const std::pair<std::string_view, uint64_t> cases[] = {
      {"0", 0}, {"1024", 1024}, {"512MB", 512u << 20}, {"3GB", 3ull << 30}, {"7B", 7}};
  for (const auto& [text, bytes] : cases) {
    const auto options = serve_options(with("storage.tsdb.retention.size", text));
    ASSERT_TRUE(options) << text;
    EXPECT_EQ(options->retention_bytes, bytes) << text;
  }
}

TEST(Flags, AWrongValueIsNamedWithWhatIsWanted) {
  const std::tuple<std::string_view, std::string_view, std::string_view> cases[] = {
      {"storage.tsdb.retention.size", "99999999EB", "a size"},
      {"storage.tsdb.retention.time", "soon", "a duration"},
      {"query.max-samples", "-1", "a number"},
      {"log.level", "loud", "debug, info, warn, error"},
  };
  for (const auto& [name, value, wanted] : cases) {
    const auto options = serve_options(with(name, value));
    ASSERT_FALSE(options) << name;
    EXPECT_NE(options.error().message.find(fmt::format("--{}={}", name, value)), std::string::npos);
    EXPECT_NE(options.error().message.find(wanted), std::string::npos) << options.error().message;
  }
}

TEST(Flags, ThePrefixOfPathsIsTheExternalUrlsUnlessGiven) {
  const std::tuple<const char*, const char*, const char*> cases[] = {
      {"", "", ""},
      {"", "http://host:9090", ""},
      {"", "https://host/", ""},
      {"", "https://host/watch/strata/", "/watch/strata"},
      {"/", "https://host/strata", ""},
      {"strata/", "", "/strata"},
      {"/a/b", "https://host/c", "/a/b"},
  };
  for (const auto& [given, url, prefix] : cases) {
    auto values = with("web.route-prefix", given);
    values["web.external-url"] = url;
    const auto options = serve_options(values);
    ASSERT_TRUE(options);
    EXPECT_EQ(options->route_prefix, prefix) << given << " of " << url;
  }
}

TEST(Flags, FeaturesAreAList) {
  const auto options = serve_options(with("enable-feature", "a,,b"));
  ASSERT_TRUE(options);
  EXPECT_EQ(options->features, (std::vector<std::string>{"a", "b"}));
}

TEST(Flags, DocumentationIsFresh) {
  const auto documented = real_fs().read_file("docs/flags.md");
  ASSERT_TRUE(documented) << documented.error().message;
  EXPECT_EQ(*documented, flags_markdown()) << "run ./dev docs";
}

}  // namespace
}  // namespace strata::app
