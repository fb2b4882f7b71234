#include "config/decode.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/edit_distance.h"
#include "base/number.h"
#include "base/utf8.h"
#include "config/config.h"
#include "config/fields.h"

namespace strata::config {
namespace {

std::string shortened(std::string_view text) {
  constexpr size_t kMax = 60;
  std::string out;
  for (const char c : text.substr(0, kMax)) {
    out.append(static_cast<unsigned char>(c) < 0x20 ? "?" : std::string(1, c));
  }
  return text.size() > kMax ? out + "…" : out;
}

bool is_mapping_of_text(Decoder& d, std::string_view key, const YamlNode& node) {
  if (node.kind == YamlNode::Kind::kMapping) return true;
  d.mismatch(key, node, "a mapping of names to text");
  return false;
}

/// Reads "12", "1.5", "-3" at the start of `text` and drops it; false when there is none.
bool take_number(std::string_view& text, double& out) {
  size_t end = 0;
  while (end < text.size() && (text[end] == '.' || (text[end] >= '0' && text[end] <= '9'))) ++end;
  const std::optional<double> number = parse_double(text.substr(0, end));
  if (!number) return false;
  out = *number;
  text.remove_prefix(end);
  return true;
}

constexpr std::string_view kUnitLetters = "KMGTPE";

/// "MB" or "MiB" or "B" at the start of `text`: bytes in one of it, or nothing.
std::optional<double> take_unit(std::string_view& text) {
  double size = 1;
  size_t used = 0;
  if (!text.empty()) {
    const size_t power = kUnitLetters.find(text[0]);
    if (power != std::string_view::npos) {
      size = std::ldexp(1.0, static_cast<int>(10 * (power + 1)));
      used = text.substr(1).starts_with('i') ? 2 : 1;
    }
  }
  if (!text.substr(used).starts_with('B')) return std::nullopt;
  text.remove_prefix(used + 1);
  return size;
}

}  // namespace

void Decoder::fail(YamlMark mark, std::string_view message) {
  if (!error_ || mark < error_->mark) error_ = {mark, std::string(message)};
}

void Decoder::warn(YamlMark mark, std::string_view message) {
  warnings_.push_back({mark, std::string(message)});
}

std::vector<std::string> Decoder::warnings() const {
  std::vector<Note> sorted = warnings_;
  std::ranges::stable_sort(sorted, {}, &Note::mark);
  std::vector<std::string> out;
  for (const Note& note : sorted) out.push_back(at(file_, note.mark, note.message));
  return out;
}

Result<> Decoder::result() const {
  if (!error_) return {};
  return bad_data(at(file_, error_->mark, error_->message));
}

void Decoder::mismatch(std::string_view key, const YamlNode& node, std::string_view expected) {
  std::string found = "a list";
  if (node.kind == YamlNode::Kind::kMapping) found = "a mapping";
  if (node.kind == YamlNode::Kind::kScalar) found = '"' + shortened(node.text) + '"';
  const std::string where = key.empty() ? std::string() : std::string(key) + ": ";
  fail(node.mark, fmt::format("{}expected {}, found {}", where, expected, found));
}

void Decoder::empty_entry(std::string_view key, const YamlNode& node) {
  const std::string where = key.empty() ? std::string() : std::string(key) + ": ";
  fail(node.mark, where + "an entry of the list is empty");
}

std::string joined(std::span<const std::string_view> words, std::string_view separator) {
  std::string out;
  for (const std::string_view word : words) {
    if (!out.empty()) out += separator;
    out += word;
  }
  return out;
}

std::string one_of(std::span<const std::string_view> words) {
  return "one of " + joined(words, ", ");
}

std::string_view nearest_word(std::string_view text, std::span<const std::string_view> words) {
  std::string_view nearest;
  size_t least = text.size() / 4 + 2;  // further off it is another word
  for (const std::string_view word : words) {
    const size_t distance = edit_distance(text, word, least);
    if (distance >= least) continue;
    least = distance;
    nearest = word;
  }
  return nearest;
}

std::string unknown_key(std::string_view key, std::span<const std::string_view> known) {
  const std::string_view meant = nearest_word(key, known);
  if (meant.empty()) return fmt::format("unknown key \"{}\"", shortened(key));
  return fmt::format("unknown key \"{}\" (did you mean {}?)", shortened(key), meant);
}

void decode(Decoder& d, std::string_view key, const YamlNode& node, bool& out) {
  const std::optional<bool> value = as_bool(node);
  if (!value) return d.mismatch(key, node, "true or false");
  out = *value;
}

void decode(Decoder& d, std::string_view key, const YamlNode& node, int64_t& out) {
  const std::optional<int64_t> value = as_int(node);
  if (!value) return d.mismatch(key, node, "a whole number");
  out = *value;
}

void decode(Decoder& d, std::string_view key, const YamlNode& node, uint64_t& out) {
  const std::optional<uint64_t> value = as_uint(node);
  if (!value) return d.mismatch(key, node, "a whole number that is not negative");
  out = *value;
}

void decode(Decoder& d, std::string_view key, const YamlNode& node, double& out) {
  const std::optional<double> value = as_float(node);
  if (!value) return d.mismatch(key, node, "a number");
  out = *value;
}

void decode(Decoder& d, std::string_view key, const YamlNode& node, std::string& out) {
  std::optional<std::string> value = as_text(node);
  if (value) {
    out = *std::move(value);
  } else if (node.kind == YamlNode::Kind::kScalar) {
    d.fail(node.mark, fmt::format("{}: not valid base64 after !!binary", key));
  } else {
    d.mismatch(key, node, "text");
  }
}

void decode(Decoder& d, std::string_view key, const YamlNode& node, Secret& out) {
  if (node.kind != YamlNode::Kind::kScalar) return d.mismatch(key, node, "text");
  std::optional<std::string> value = as_text(node);
  if (!value) return d.fail(node.mark, fmt::format("{}: not valid base64 after !!binary", key));
  out = Secret(*std::move(value));
}

void decode(Decoder& d, std::string_view key, const YamlNode& node, Millis& out) {
  const std::optional<std::string> text = as_text(node);
  const Result<Millis> value = text ? parse_duration(*text) : bad_data("");
  if (!value) return d.mismatch(key, node, "a duration such as 30s or 1h30m");
  out = *value;
}

void decode(Decoder& d, std::string_view key, const YamlNode& node, ByteSize& out) {
  const std::optional<std::string> text = as_text(node);
  const Result<int64_t> value = text ? parse_byte_size(*text) : bad_data("");
  if (!value) return d.mismatch(key, node, "a size with its unit, such as 10MB");
  out.bytes = *value;
}

void decode(Decoder& d, std::string_view key, const YamlNode& node, Regex& out) {
  const std::optional<std::string> text = as_text(node);
  if (!text) return d.mismatch(key, node, "a regular expression");
  Result<Regex> compiled = Regex::compile(*text);
  if (!compiled) {
    return d.fail(node.mark, fmt::format("{}: {}", key, compiled.error().message));
  }
  out = *std::move(compiled);
}

void decode(Decoder& d, std::string_view key, const YamlNode& node, std::vector<std::string>& out) {
  if (node.kind != YamlNode::Kind::kSequence) return d.mismatch(key, node, "a list");
  out.clear();
  for (const YamlNode& item : node.items) {
    std::string& text = out.emplace_back();
    if (!is_null(item)) decode(d, key, item, text);
  }
}

void decode(Decoder& d, std::string_view key, const YamlNode& node, std::vector<uint64_t>& out) {
  if (node.kind != YamlNode::Kind::kSequence) return d.mismatch(key, node, "a list");
  out.clear();
  for (const YamlNode& item : node.items) decode(d, key, item, out.emplace_back());
}

void decode(Decoder& d, std::string_view key, const YamlNode& node, std::vector<Regex>& out) {
  if (node.kind != YamlNode::Kind::kSequence) return d.mismatch(key, node, "a list");
  out.clear();
  for (const YamlNode& item : node.items) decode(d, key, item, out.emplace_back(match_all()));
}

void decode(Decoder& d, std::string_view key, const YamlNode& node, std::vector<Secret>& out) {
  if (node.kind != YamlNode::Kind::kSequence) return d.mismatch(key, node, "a list");
  out.clear();
  for (const YamlNode& item : node.items) {
    Secret& secret = out.emplace_back();
    if (!is_null(item)) decode(d, key, item, secret);
  }
}

void decode(Decoder& d, std::string_view key, const YamlNode& node, StringPairs& out) {
  if (!is_mapping_of_text(d, key, node)) return;
  out.clear();
  for (const YamlEntry& entry : node.entries) {
    auto& [name, value] = out.emplace_back(entry.key, "");
    if (!is_null(entry.value)) decode(d, entry.key, entry.value, value);
  }
}

namespace {

/// `name: [value, …]` for each entry.
template <class T>
void decode_lists(Decoder& d, std::string_view key, const YamlNode& node, std::vector<T>& out) {
  if (node.kind != YamlNode::Kind::kMapping) return d.mismatch(key, node, "a mapping of lists");
  out.clear();
  for (const YamlEntry& entry : node.entries) {
    T& item = out.emplace_back();
    item.name = entry.key;
    if (!is_null(entry.value)) decode(d, entry.key, entry.value, item.values);
  }
}

std::string with_case(std::string text, char first, char last) {
  for (char& c : text) {
    if (c >= first && c <= last) c = static_cast<char>(c ^ 0x20);
  }
  return text;
}

}  // namespace

void decode(Decoder& d, std::string_view key, const YamlNode& node, std::vector<ProxyHeader>& out) {
  decode_lists(d, key, node, out);
}

void decode(Decoder& d, std::string_view key, const YamlNode& node, std::vector<QueryParam>& out) {
  decode_lists(d, key, node, out);
}

void decode(Decoder& d, std::string_view key, const YamlNode& node, RelabelAction& out) {
  decode_name(d, key, node, with_case(as_text(node).value_or(""), 'A', 'Z'), out);
}

void decode(Decoder& d, std::string_view key, const YamlNode& node, DnsRecordType& out) {
  decode_name(d, key, node, with_case(as_text(node).value_or(""), 'a', 'z'), out);
}

void decode(Decoder& d, std::string_view key, const YamlNode& node, Labels& out) {
  if (!is_mapping_of_text(d, key, node)) return;
  LabelsBuilder labels;
  for (const YamlEntry& entry : node.entries) {
    std::string value;
    if (!is_null(entry.value)) decode(d, entry.key, entry.value, value);
    if (!is_label_name(NameValidation::kUtf8, entry.key)) {
      d.fail(entry.key_mark, fmt::format("{}: a label name is not empty and is UTF-8", key));
    } else if (!is_utf8(value)) {
      d.fail(entry.value.mark, fmt::format("{}: the value of {} is not UTF-8", key, entry.key));
    } else {
      labels.set(entry.key, value);
    }
  }
  out = labels.build();
}

Result<int64_t> parse_byte_size(std::string_view text) {
  const auto bad = [&] { return bad_data(fmt::format("\"{}\" is not a size", text)); };
  std::string_view rest = text;
  const bool negative = rest.starts_with('-');
  if (negative || rest.starts_with('+')) rest.remove_prefix(1);
  if (rest == "0") return 0;
  if (rest.empty()) return bad();
  double total = 0;
  while (!rest.empty()) {
    double number = 0;
    if (!take_number(rest, number)) return bad();
    const std::optional<double> unit = take_unit(rest);
    if (!unit) return bad();
    total += number * *unit;
  }
  if (total >= 9.2e18) return bad();
  const auto bytes = static_cast<int64_t>(total);
  return negative ? -bytes : bytes;
}

std::string format_byte_size(int64_t bytes) {
  if (bytes == 0) return "0B";
  std::string out = bytes < 0 ? "-" : "";
  uint64_t rest = bytes < 0 ? 0 - static_cast<uint64_t>(bytes) : static_cast<uint64_t>(bytes);
  for (int power = 6; power >= 0; --power) {
    const uint64_t whole = rest >> (10 * power);
    if (whole == 0) continue;
    rest -= whole << (10 * power);
    out += std::to_string(whole);
    if (power > 0) out.append(1, kUnitLetters[static_cast<size_t>(power - 1)]).append("i");
    out += "B";
  }
  return out;
}

void set_zero(Regex& out) {
  // The empty pattern always compiles.
  if (Result<Regex> empty = Regex::compile("")) out = *std::move(empty);
}

void FieldReader::other_providers() {
  static constexpr std::string_view kOthers[] = {
      "aws",       "azure",       "consul",   "digitalocean", "docker",  "dockerswarm", "ec2",
      "ecs",       "elasticache", "eureka",   "gce",          "hetzner", "ionos",       "kuma",
      "lightsail", "linode",      "marathon", "msk",          "nerve",   "nomad",       "oci",
      "openstack", "outscale",    "ovhcloud", "puppetdb",     "rds",     "scaleway",    "serverset",
      "stackit",   "triton",      "uyuni",    "vultr"};
  for (const std::string_view name : kOthers) {
    const YamlEntry* entry = node_.find(fmt::format("{}_sd_configs", name));
    if (entry == nullptr) continue;
    known_.push_back(entry->key);
    decoder_.fail(entry->key_mark,
                  fmt::format("{} is not supported; there are static_configs, file_sd_configs, "
                              "http_sd_configs, dns_sd_configs and kubernetes_sd_configs",
                              entry->key));
  }
}

const YamlEntry* FieldReader::take(std::string_view key) {
  known_.push_back(key);
  return node_.find(key);
}

void FieldReader::finish() {
  for (const YamlEntry& entry : node_.entries) {
    if (std::ranges::find(known_, entry.key) != known_.end()) continue;
    decoder_.fail(entry.key_mark, unknown_key(entry.key, known_));
  }
}

}  // namespace strata::config
