// YAML as a tree that remembers where each value stood, over libyaml's events. Aliases are expanded
// and merge keys applied, so what comes out is plain data. Values; a tree is built by one call and
// read by anyone. YamlLimits bounds size, depth and what aliases may expand to.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace strata::config {

/// Both count from 1; a column is a character.
struct YamlMark {
  uint32_t line = 1;
  uint32_t column = 1;
  friend auto operator<=>(const YamlMark&, const YamlMark&) = default;
};

struct YamlEntry;

struct YamlNode {
  enum class Kind : uint8_t { kScalar, kSequence, kMapping };

  Kind kind = Kind::kScalar;
  /// A scalar without quotes: it may mean a number, a boolean or null.
  bool plain = true;
  YamlMark mark;
  std::string tag;   // as written and resolved ("tag:yaml.org,2002:binary"); empty when absent
  std::string text;  // of a scalar, quotes and escapes gone
  std::vector<YamlNode> items;
  std::vector<YamlEntry> entries;  // in the file's order, keys unique; merged ones last

  const YamlEntry* find(std::string_view key) const;
};

struct YamlEntry {
  std::string key;
  YamlMark key_mark;
  YamlNode value;
};

struct YamlLimits {
  size_t max_bytes = 16 << 20;
  size_t max_nodes = 500'000;  // after alias expansion
  size_t max_depth = 64;
};

/// The one document in `text`; an empty one is a null scalar. Errors: kBadData as
/// "file:line:column: what", also for a duplicate key, an unknown alias and a second document;
/// kLimit when a limit is passed. With `second_document` a second document is no error: it is not
/// read, and where it starts is put there (rule files, of which Prometheus reads the first only).
Result<YamlNode> parse_yaml(std::string_view text, std::string_view file_name,
                            const YamlLimits& limits = {},
                            std::optional<YamlMark>* second_document = nullptr);

/// "file:line:column: message".
std::string at(std::string_view file_name, YamlMark mark, std::string_view message);

// What a scalar means, by the rules of go-yaml v2, which Prometheus reads its files with: YAML 1.1
// words for booleans, Go's integer literals, and a string wherever a string is wanted.

/// "", ~, null: unquoted.
bool is_null(const YamlNode& node);
/// true, yes, on, y and their opposites in the usual capitals: unquoted.
std::optional<bool> as_bool(const YamlNode& node);
/// Decimal, 0x, 0o or 0, 0b, underscores between; a float without a fraction too.
std::optional<int64_t> as_int(const YamlNode& node);
std::optional<uint64_t> as_uint(const YamlNode& node);
std::optional<double> as_float(const YamlNode& node);
/// The text, whatever else it could mean; !!binary is decoded. Empty for bad base64 and when the
/// node is not a scalar.
std::optional<std::string> as_text(const YamlNode& node);

}  // namespace strata::config
