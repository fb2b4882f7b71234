#include <algorithm>
#include <charconv>

#include "base/json.h"
#include "tsdb/block_format.h"
#include "tsdb/byte_reader.h"

namespace strata::tsdb {
namespace {

constexpr size_t kMaxSources = 1u << 20;

void append_text(std::string& out, std::string_view text) {
  append_varint(out, text.size());
  out.append(text);
}

}  // namespace

std::string encode_meta(const BlockMeta& meta) {
  std::string out;
  append_text(out, meta.id);
  append_varint(out, meta.level);
  append_zigzag(out, meta.min_time);
  append_zigzag(out, meta.max_time);
  append_varint(out, meta.series);
  append_varint(out, meta.samples);
  append_varint(out, meta.tiles);
  append_varint(out, meta.data_bytes);
  append_varint(out, meta.sources.size());
  for (const auto& source : meta.sources) append_text(out, source);
  if (meta.histogram_bytes > 0) append_varint(out, meta.histogram_bytes);
  return out;
}

Result<BlockMeta> decode_meta(std::string_view bytes) {
  ByteReader in(bytes);
  BlockMeta meta;
  const auto text = [&] { return std::string(in.take(in.varint())); };
  meta.id = text();
  meta.level = static_cast<uint32_t>(in.varint_up_to(UINT32_MAX));
  meta.min_time = in.zigzag();
  meta.max_time = in.zigzag();
  meta.series = in.varint();
  meta.samples = in.varint();
  meta.tiles = in.varint();
  meta.data_bytes = in.varint();
  const uint64_t sources = in.varint_up_to(kMaxSources);
  for (uint64_t i = 0; i < sources && in.ok(); ++i) meta.sources.push_back(text());
  if (in.ok() && !in.done()) meta.histogram_bytes = in.varint();
  if (!in.ok() || !in.done()) return fail(ErrorCode::kCorruption, "its meta section is damaged");
  return meta;
}

std::string meta_json(const BlockMeta& meta) {
  std::string out;
  JsonWriter json(out);
  const auto number = [&](std::string_view key, uint64_t value) {
    json.key(key).integer(static_cast<int64_t>(value));
  };
  json.begin_object();
  number("version", meta.version);
  json.key("id").string(meta.id);
  number("level", meta.level);
  json.key("minTime").integer(meta.min_time);
  json.key("maxTime").integer(meta.max_time);
  number("series", meta.series);
  number("samples", meta.samples);
  number("tiles", meta.tiles);
  number("dataBytes", meta.data_bytes);
  number("indexBytes", meta.index_bytes);
  if (meta.histogram_bytes > 0) number("histogramBytes", meta.histogram_bytes);
  json.key("sources").begin_array();
  for (const auto& source : meta.sources) json.string(source);
  json.end_array();
  json.end_object();
  out += '\n';
  return out;
}

BlockMeta peek_meta_json(std::string_view text) {
  const auto number = [&](std::string_view key) -> int64_t {
    const std::string quoted = fmt::format("\"{}\":", key);
    const size_t at = text.find(quoted);
    if (at == std::string_view::npos) return 0;
    int64_t value = 0;
    const std::string_view rest = text.substr(at + quoted.size());
    (void)std::from_chars(rest.data(), rest.data() + rest.size(), value);
    return value;
  };
  BlockMeta meta;
  meta.min_time = number("minTime");
  meta.max_time = number("maxTime");
  meta.samples = static_cast<uint64_t>(std::max<int64_t>(0, number("samples")));
  return meta;
}

}  // namespace strata::tsdb
