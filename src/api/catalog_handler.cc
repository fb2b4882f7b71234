// /api/v1/catalog: what is known of every metric's name, for whoever has to choose one.
#include <cmath>

#include "api/api.h"
#include "api/handlers.h"
#include "base/json.h"
#include "catalog/catalog.h"

namespace strata::api {
namespace {

using catalog::Catalog;

void text_of(JsonWriter& json, std::string_view key, std::string_view text) {
  if (!text.empty()) json.key(key).string(text);
}

void names_of(JsonWriter& json, std::string_view key, const std::vector<std::string>& names) {
  if (names.empty()) return;
  json.key(key).begin_array();
  for (const auto& name : names) json.string(name);
  json.end_array();
}

template <class Metric>
void write_common(JsonWriter& json, const Metric& one) {
  json.key("name").string(one.name).key("type").string(to_string(one.type));
  text_of(json, "unit", one.unit);
  if (std::isfinite(one.min)) json.key("min").number(one.min);
  if (std::isfinite(one.max)) json.key("max").number(one.max);
  names_of(json, "labels", one.labels);
}

std::string canonical_json(const catalog::CanonicalMetric& one) {
  std::string out;
  JsonWriter json(out);
  json.begin_object();
  write_common(json, one);
  text_of(json, "help", one.help);
  json.end_object();
  return out;
}

std::string raw_json(const catalog::Source& source, const catalog::Metric& one) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().key("source").string(source.title);
  write_common(json, one);
  text_of(json, "help", one.note);
  text_of(json, "beware", one.beware);
  text_of(json, "enable", one.enable);
  text_of(json, "until", one.until);
  text_of(json, "replacedBy", one.replaced_by);
  std::vector<std::string> becomes;
  for (const auto& mapping : one.to) becomes.push_back(mapping.name);
  names_of(json, "becomes", becomes);
  json.end_object();
  return out;
}

// All entries as JSON, made once: the catalog is part of the binary.
const std::vector<std::string>& entries() {
  static const std::vector<std::string> all = [] {
    std::vector<std::string> list;
    const auto& known = Catalog::builtin();
    for (const auto& one : known.canonical()) list.push_back(canonical_json(one));
    for (const auto& source : known.sources()) {
      for (const auto& one : source.metrics) list.push_back(raw_json(source, one));
    }
    return list;
  }();
  return all;
}

}  // namespace

Result<Reply> catalog_entries(const Services&, Call& call) {
  return array_reply(call, entries().size(),
                     [](size_t i, std::string& out) { out += entries()[i]; });
}

}  // namespace strata::api
