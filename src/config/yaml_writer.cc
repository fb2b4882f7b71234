#include "config/yaml_writer.h"

#include "base/json.h"
#include "base/number.h"
#include "base/utf8.h"
#include "config/config.h"
#include "config/decode.h"
#include "config/url.h"
#include "config/yaml.h"

namespace strata::config {
namespace {

bool is_alnum(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/// Whether the text, unquoted, reads back as itself. Careful: quoting more than needed is fine.
bool is_plain_text(std::string_view text) {
  if (text.empty() || text == "<<" || text == "=") return false;
  if (!is_alnum(text[0]) && !std::string_view("_./<($^;\\").contains(text[0])) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (is_alnum(c) || std::string_view("_./<>($^;\\-+@=~*|?)[]{}%!&").contains(c)) continue;
    if (c == ':' && i + 1 < text.size() && text[i + 1] != ' ') continue;
    if (c == ' ' && i + 1 < text.size() && text[i + 1] != ' ') continue;
    return false;
  }
  YamlNode node;
  node.text = text;
  return !is_null(node) && !as_bool(node) && !as_float(node);
}

/// Characters that YAML 1.1 forbids in a stream or takes for the end of a line, though JSON does
/// not: DEL, C1 controls, U+2028, U+2029, the byte order mark, U+FFFE, U+FFFF.
bool must_be_escaped(std::string_view sequence) {
  if (sequence.size() == 2) return sequence[0] == '\xc2' && sequence[1] < '\xa0';
  return sequence == "\x7f" || sequence == "\u2028" || sequence == "\u2029" ||
         sequence == "\ufeff" || sequence == "\ufffe" || sequence == "\uffff";
}

/// The code point of one to three bytes of UTF-8.
uint32_t code_point(std::string_view sequence) {
  uint32_t code = static_cast<uint8_t>(sequence[0]);
  if (sequence.size() > 1) code &= 0xffU >> (sequence.size() + 1);
  for (const char c : sequence.substr(1)) code = (code << 6) | (static_cast<uint8_t>(c) & 0x3f);
  return code;
}

/// A JSON string, which is a YAML one but for characters that only YAML forbids.
std::string quoted(std::string_view text) {
  std::string json;
  append_json_string(json, text);
  std::string out;
  for (size_t i = 0; i < json.size();) {
    const std::string_view rest = std::string_view(json).substr(i);
    const std::string_view sequence =
        rest.substr(0, std::max<size_t>(utf8_sequence_length(rest), 1));
    i += sequence.size();
    if (must_be_escaped(sequence)) {
      out += fmt::format("\\u{:04x}", code_point(sequence));
    } else {
      out += sequence;
    }
  }
  return out;
}

}  // namespace

std::string yaml_scalar(std::string_view text) {
  return is_plain_text(text) ? std::string(text) : quoted(text);
}

void YamlWriter::url(std::string_view key, const std::string& value) {
  if (!value.empty()) line(key, yaml_scalar(redact_url(value)));
}

void YamlWriter::comment(std::string_view key, std::string_view value) {
  if (value.empty()) return;
  out_.append(indent_).append("# ").append(key).append(": ").append(value).append("\n");
}

bool YamlWriter::is_zero(const ByteSize& value) { return value.bytes == 0; }
bool YamlWriter::is_zero(const Regex& value) { return value.pattern() == match_all().pattern(); }

void YamlWriter::write(std::string_view key, double value) { line(key, format_double(value)); }

void YamlWriter::write(std::string_view key, const Secret& value) {
  line(key, value.empty() ? "\"\"" : Secret::kHidden);
}

void YamlWriter::write(std::string_view key, const ByteSize& value) {
  line(key, format_byte_size(value.bytes));
}

void YamlWriter::write(std::string_view key, const Labels& value) {
  StringPairs pairs;
  for (const Label& label : value) pairs.emplace_back(label.name, label.value);
  write(key, pairs);
}

void YamlWriter::write(std::string_view key, const StringPairs& value) {
  line(key, value.empty() ? "{}" : "");
  for (const auto& [name, text] : value) {
    out_.append("  ");
    line(yaml_scalar(name), yaml_scalar(text));
  }
}

void YamlWriter::write(std::string_view key, const std::vector<std::string>& value) {
  line(key, value.empty() ? "[]" : "");
  for (const std::string& text : value) item(yaml_scalar(text));
}

void YamlWriter::write(std::string_view key, const std::vector<Secret>& value) {
  line(key, value.empty() ? "[]" : "");
  for (const Secret& secret : value) item(secret.empty() ? "\"\"" : Secret::kHidden);
}

void YamlWriter::write(std::string_view key, const std::vector<ProxyHeader>& value) {
  section(key, [&](YamlWriter& inner) {
    for (const ProxyHeader& header : value) inner.write(yaml_scalar(header.name), header.values);
  });
}

void YamlWriter::write(std::string_view key, const std::vector<QueryParam>& value) {
  section(key, [&](YamlWriter& inner) {
    for (const QueryParam& param : value) inner.write(yaml_scalar(param.name), param.values);
  });
}

std::string& YamlWriter::line(std::string_view key, std::string_view value) {
  out_.append(indent_).append(key).append(":");
  if (!value.empty()) out_.append(" ").append(value);
  return out_.append("\n");
}

std::string& YamlWriter::item(std::string_view value) {
  return out_.append(indent_).append("- ").append(value).append("\n");
}

}  // namespace strata::config
