// Alertmanagers, remote endpoints, storage, tracing, OTLP: one part of validate.h.
#include <algorithm>
#include <array>
#include <set>

#include "config/validate.h"

namespace strata::config {
namespace {

void require_url(Decoder& d, const YamlNode& node, std::string_view section,
                 const std::string& url) {
  if (url.empty()) d.fail(mark_of(node, "url"), fmt::format("{} needs a url", section));
}

void check_queue(Decoder& d, const YamlNode& node, const QueueConfig& c) {
  const YamlEntry* entry = node.find("queue_config");
  if (entry == nullptr) return;
  const auto require_positive = [&](std::string_view key, int64_t value) {
    if (value > 0) return;
    d.fail(mark_of(entry->value, key), fmt::format("queue_config: {} must be above 0", key));
  };
  require_positive("max_shards", c.max_shards);
  require_positive("min_shards", c.min_shards);
  require_positive("max_samples_per_send", c.max_samples_per_send);
  require_positive("capacity", c.capacity);
  if (c.max_shards > 0 && c.min_shards > c.max_shards) {
    d.fail(mark_of(entry->value, "min_shards"), "queue_config: min_shards is above max_shards");
  }
  if (c.max_backoff < c.min_backoff) {
    d.fail(mark_of(entry->value, "max_backoff"), "queue_config: max_backoff is below min_backoff");
  }
}

void check_attributes(Decoder& d, const YamlNode& node, std::string_view key,
                      std::vector<std::string>& attributes) {
  std::set<std::string> seen;
  for (size_t i = 0; i < attributes.size(); ++i) {
    std::string& name = attributes[i];
    name.erase(0, name.find_first_not_of(" \t\n"));
    name.erase(name.find_last_not_of(" \t\n") + 1);
    const YamlMark mark = node.find(key)->value.items[i].mark;
    if (name.empty()) d.fail(mark, fmt::format("{}: an attribute's name is empty", key));
    if (!seen.insert(name).second) d.fail(mark, fmt::format("{} names {} twice", key, name));
  }
}

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::ranges::find(words, text) != words.end();
}

/// Of the ways to authenticate that are given, at most one; `others` are beside the client's own.
void check_one_auth(Decoder& d, const YamlNode& node,
                    std::initializer_list<std::string_view> others) {
  std::vector<std::string_view> given;
  for (const std::string_view key : {"basic_auth", "authorization", "oauth2"}) {
    if (is_given(node, key)) given.push_back(key);
  }
  for (const std::string_view key : others) {
    if (is_given(node, key)) given.push_back(key);
  }
  if (given.size() < 2) return;
  d.fail(mark_of(node, given[1]), fmt::format("{} exclude each other", joined(given, " and ")));
}

}  // namespace

void check(Decoder& d, const YamlNode& node, AlertmanagerConfig& c) {
  check_http_client(d, node, c.http);
  check_one_auth(d, node, {"sigv4"});
  check_static_targets(d, node, !c.relabel_configs.empty());
  if (c.api_version != "v2") {
    d.fail(mark_of(node, "api_version"),
           fmt::format("api_version is v2, not \"{}\"", c.api_version));
  }
}

void check(Decoder& d, const YamlNode& node, RemoteWriteConfig& c) {
  require_url(d, node, "remote_write", c.url);
  check_request_headers(d, node);
  if (!is_one_of(c.protobuf_message,
                 {"prometheus.WriteRequest", "io.prometheus.write.v2.Request"})) {
    d.fail(mark_of(node, "protobuf_message"),
           fmt::format("protobuf_message is prometheus.WriteRequest or "
                       "io.prometheus.write.v2.Request, not \"{}\"",
                       c.protobuf_message));
  }
  check_http_client(d, node, c.http);
  check_one_auth(d, node, {"sigv4", "azuread", "google_iam"});
  check_queue(d, node, c.queue_config);
}

void check(Decoder& d, const YamlNode& node, RemoteReadConfig& c) {
  require_url(d, node, "remote_read", c.url);
  check_request_headers(d, node);
  check_http_client(d, node, c.http);
}

void check(Decoder& d, const YamlNode& node, RetentionConfig& c) {
  if (c.size.bytes < 0) d.fail(mark_of(node, "size"), "retention: size is not negative");
  if (!(c.percentage >= 0 && c.percentage <= 100)) {
    d.fail(mark_of(node, "percentage"), "retention: percentage is between 0 and 100");
  }
}

void check(Decoder& d, const YamlNode& node, StorageConfig& c) {
  if (is_one_of(c.float_chunk_encoding, {"", "xor", "xor2"})) return;
  d.fail(mark_of(node, "tsdb"),
         fmt::format("chunk_encoding: floats is xor or xor2, not \"{}\"", c.float_chunk_encoding));
}

void check(Decoder& d, const YamlNode& node, TracingConfig& c) {
  if (c.endpoint.empty()) d.fail(node.mark, "tracing needs an endpoint");
  if (!is_one_of(c.client_type, {"http", "grpc", ""})) {
    d.fail(mark_of(node, "client_type"), "tracing: client_type is http or grpc");
  }
  if (!is_one_of(c.compression, {"", "gzip"})) {
    d.fail(mark_of(node, "compression"),
           fmt::format("tracing: compression is gzip, not \"{}\"", c.compression));
  }
  check_request_headers(d, node);
}

void check(Decoder& d, const YamlNode& node, OtlpConfig& c) {
  if (c.promote_all_resource_attributes && !c.promote_resource_attributes.empty()) {
    return d.fail(mark_of(node, "promote_resource_attributes"),
                  "promote_all_resource_attributes and promote_resource_attributes exclude each "
                  "other");
  }
  if (!c.promote_all_resource_attributes && !c.ignore_resource_attributes.empty()) {
    return d.fail(mark_of(node, "ignore_resource_attributes"),
                  "ignore_resource_attributes needs promote_all_resource_attributes: true");
  }
  check_attributes(d, node, "promote_resource_attributes", c.promote_resource_attributes);
  check_attributes(d, node, "ignore_resource_attributes", c.ignore_resource_attributes);
  if (!is_one_of(c.translation_strategy,
                 {"", "UnderscoreEscapingWithSuffixes", "UnderscoreEscapingWithoutSuffixes",
                  "NoUTF8EscapingWithSuffixes", "NoTranslation"})) {
    d.fail(mark_of(node, "translation_strategy"),
           fmt::format("translation_strategy \"{}\" is unknown", c.translation_strategy));
  }
}

}  // namespace strata::config
