// Strict decoding of a YAML tree into plain structs. Each struct has one list of its keys, a
// function template fields(visitor, struct): FieldReader walks it to decode, YamlWriter
// (yaml_writer.h) walks the same list to print. Private to config/ and to formats that are read the
// same way.
//
// Rules, as Prometheus has them: an unknown key is an error; null sets a value to zero, not to its
// default; a scalar of any type is welcome where text is wanted. After a struct's keys its
// check(decoder, node, struct) runs, if there is one and nothing has failed so far. Errors do not
// stop the walk: of several the one that stands first in the file is reported.
#pragma once
#include <concepts>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/regex.h"
#include "base/result.h"
#include "config/http_client_config.h"
#include "config/secret.h"
#include "config/yaml.h"
#include "model/duration.h"
#include "model/labels.h"

namespace strata::config {

struct ByteSize;
struct QueryParam;
enum class DnsRecordType : uint8_t;
enum class RelabelAction : uint8_t;

/// Names of an enum's values: specialised beside the enum's fields().
template <class E>
struct EnumNames;  // static constexpr std::array<std::pair<std::string_view, E>, N> kNames

/// Collects errors and warnings of one file. One thread.
class Decoder {
 public:
  explicit Decoder(std::string file_name) : file_(std::move(file_name)) {}

  void fail(YamlMark mark, std::string_view message);
  void warn(YamlMark mark, std::string_view message);
  bool failed() const { return error_.has_value(); }
  /// The first error in the file's order.
  Result<> result() const;
  /// In the file's order.
  std::vector<std::string> warnings() const;
  const std::string& file_name() const { return file_; }

  /// `key: expected <what>, found <what is there>`.
  void mismatch(std::string_view key, const YamlNode& node, std::string_view expected);
  /// A list of mappings has an entry with nothing in it.
  void empty_entry(std::string_view key, const YamlNode& node);

 private:
  struct Note {
    YamlMark mark;
    std::string message;
  };
  const std::string file_;
  std::optional<Note> error_;
  std::vector<Note> warnings_;
};

/// The word of `words` that `text` is probably a misspelling of; empty when none is near.
std::string_view nearest_word(std::string_view text, std::span<const std::string_view> words);
/// "a, b, c" for ", ".
std::string joined(std::span<const std::string_view> words, std::string_view separator);
/// "one of a, b, c".
std::string one_of(std::span<const std::string_view> words);
/// "unknown key …", with nearest_word's suggestion.
std::string unknown_key(std::string_view key, std::span<const std::string_view> known);

// Scalars and their like. `key` is for messages.
void decode(Decoder& d, std::string_view key, const YamlNode& node, bool& out);
void decode(Decoder& d, std::string_view key, const YamlNode& node, int64_t& out);
void decode(Decoder& d, std::string_view key, const YamlNode& node, uint64_t& out);
void decode(Decoder& d, std::string_view key, const YamlNode& node, double& out);
void decode(Decoder& d, std::string_view key, const YamlNode& node, std::string& out);
void decode(Decoder& d, std::string_view key, const YamlNode& node, Secret& out);
void decode(Decoder& d, std::string_view key, const YamlNode& node, Millis& out);
void decode(Decoder& d, std::string_view key, const YamlNode& node, ByteSize& out);
void decode(Decoder& d, std::string_view key, const YamlNode& node, Regex& out);
void decode(Decoder& d, std::string_view key, const YamlNode& node, std::vector<std::string>& out);
void decode(Decoder& d, std::string_view key, const YamlNode& node, std::vector<Secret>& out);
void decode(Decoder& d, std::string_view key, const YamlNode& node, std::vector<uint64_t>& out);
void decode(Decoder& d, std::string_view key, const YamlNode& node, std::vector<Regex>& out);
void decode(Decoder& d, std::string_view key, const YamlNode& node, StringPairs& out);
void decode(Decoder& d, std::string_view key, const YamlNode& node, std::vector<ProxyHeader>& out);
void decode(Decoder& d, std::string_view key, const YamlNode& node, std::vector<QueryParam>& out);
/// These two in any case: Prometheus takes "Replace" and "srv" as well.
void decode(Decoder& d, std::string_view key, const YamlNode& node, RelabelAction& out);
void decode(Decoder& d, std::string_view key, const YamlNode& node, DnsRecordType& out);
/// Names are checked as UTF-8 label names, values as UTF-8.
void decode(Decoder& d, std::string_view key, const YamlNode& node, Labels& out);

/// 10MB, 1.5GiB, 1GB512MB: units are powers of 1024 with and without the i, and a bare 0. Error:
/// kBadData.
Result<int64_t> parse_byte_size(std::string_view text);
/// The shortest such text, in whole KiB, MiB, …: "1MiB512KiB"; "0B" for none.
std::string format_byte_size(int64_t bytes);

class FieldReader {
 public:
  FieldReader(Decoder& decoder, const YamlNode& node) : decoder_(decoder), node_(node) {}

  template <class T>
  void field(std::string_view key, T& out);
  /// The two differ only when printing: a field is left out when it is zero.
  template <class T>
  void always(std::string_view key, T& out) {
    field(key, out);
  }
  /// Null and empty text, too, leave `out` as it is.
  template <class T>
  void unless_empty(std::string_view key, T& out);
  /// As always(), for text with a password that printing must hide.
  void url(std::string_view key, std::string& out) { field(key, out); }
  /// For printing only.
  void comment(std::string_view, std::string_view) {}
  /// Prometheus' service discovery that is not there: an error that says what is.
  void other_providers();
  /// Known, and accepted without looking inside.
  void opaque(std::string_view key) { take(key); }
  /// Any key of the mapping whose value is a struct with its name in T::name.
  template <class T>
  void named(std::vector<T>& out);
  /// `key: {…}` whose keys are listed by `body(visitor)`.
  template <class Body>
  void section(std::string_view key, Body body);

  const YamlNode& node() const { return node_; }
  Decoder& decoder() { return decoder_; }
  /// The mapping's keys that no one asked for are errors.
  void finish();

 private:
  const YamlEntry* take(std::string_view key);

  Decoder& decoder_;
  const YamlNode& node_;
  std::vector<std::string_view> known_;
};

template <class T>
concept HasFields = requires(FieldReader& reader, T& value) { fields(reader, value); };
template <class T>
concept HasCheck = requires(Decoder& d, const YamlNode& node, T& value) { check(d, node, value); };
template <class T>
concept HasNames = requires { EnumNames<T>::kNames; };

template <HasFields T>
void decode(Decoder& d, std::string_view key, const YamlNode& node, T& out) {
  if (node.kind != YamlNode::Kind::kMapping) return d.mismatch(key, node, "a mapping");
  FieldReader reader(d, node);
  fields(reader, out);
  reader.finish();
  if constexpr (HasCheck<T>) {
    if (!d.failed()) check(d, node, out);
  }
}

/// `text` is what `node` says, perhaps in another case.
template <HasNames T>
void decode_name(Decoder& d, std::string_view key, const YamlNode& node, std::string_view text,
                 T& out) {
  std::vector<std::string_view> names;
  for (const auto& [name, value] : EnumNames<T>::kNames) {
    if (text == name) {
      out = value;
      return;
    }
    names.push_back(name);
  }
  d.mismatch(key, node, one_of(names));
}

template <HasNames T>
void decode(Decoder& d, std::string_view key, const YamlNode& node, T& out) {
  decode_name(d, key, node, as_text(node).value_or(""), out);
}

template <class T>
  requires HasFields<T> || HasNames<T>
void decode(Decoder& d, std::string_view key, const YamlNode& node, std::vector<T>& out) {
  if (node.kind != YamlNode::Kind::kSequence) return d.mismatch(key, node, "a list");
  out.clear();
  for (const YamlNode& item : node.items) {
    if (is_null(item)) {
      d.empty_entry(key, item);
      continue;
    }
    decode(d, key, item, out.emplace_back());
  }
}

template <class T>
void decode(Decoder& d, std::string_view key, const YamlNode& node, std::optional<T>& out) {
  decode(d, key, node, out.emplace());
}

/// What null makes of a value: Go's zero value.
template <class T>
void set_zero(T& out) {
  out = T{};
}
void set_zero(Regex& out);

template <class T>
void FieldReader::field(std::string_view key, T& out) {
  const YamlEntry* entry = take(key);
  if (entry == nullptr) return;
  if (is_null(entry->value)) {
    set_zero(out);
  } else {
    decode(decoder_, key, entry->value, out);
  }
}

template <class T>
void FieldReader::unless_empty(std::string_view key, T& out) {
  const YamlEntry* entry = take(key);
  if (entry == nullptr || is_null(entry->value)) return;
  const bool is_list_or_mapping = entry->value.kind != YamlNode::Kind::kScalar;
  if (is_list_or_mapping || !entry->value.text.empty()) decode(decoder_, key, entry->value, out);
}

template <class T>
void FieldReader::named(std::vector<T>& out) {
  out.clear();
  for (const YamlEntry& entry : node_.entries) {
    known_.push_back(entry.key);
    T& item = out.emplace_back();
    item.name = entry.key;
    if (!is_null(entry.value)) decode(decoder_, entry.key, entry.value, item);
  }
}

template <class Body>
void FieldReader::section(std::string_view key, Body body) {
  const YamlEntry* entry = take(key);
  if (entry == nullptr || is_null(entry->value)) return;
  if (entry->value.kind != YamlNode::Kind::kMapping) {
    return decoder_.mismatch(key, entry->value, "a mapping");
  }
  FieldReader inner(decoder_, entry->value);
  body(inner);
  inner.finish();
}

}  // namespace strata::config
