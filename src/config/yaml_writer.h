// Prints structs as YAML by walking their fields() (decode.h). What is zero is left out, but for
// fields marked always(); secrets print as <secret>. Private to config/.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/regex.h"
#include "config/http_client_config.h"
#include "config/secret.h"
#include "model/duration.h"
#include "model/labels.h"

namespace strata::config {

struct ByteSize;
struct QueryParam;

/// A scalar as go-yaml would leave it: plain where that reads back as the same text, else quoted.
std::string yaml_scalar(std::string_view text);

class YamlWriter {
 public:
  explicit YamlWriter(size_t indent = 0) : indent_(indent, ' ') {}
  std::string take() { return std::move(out_); }

  template <class T>
  void field(std::string_view key, const T& value) {
    if (!is_zero(value)) write(key, value);
  }
  template <class T>
  void always(std::string_view key, const T& value) {
    write(key, value);
  }
  template <class T>
  void unless_empty(std::string_view key, const T& value) {
    write(key, value);
  }
  void url(std::string_view key, const std::string& value);
  void opaque(std::string_view) {}
  void other_providers() {}
  void comment(std::string_view key, std::string_view value);
  template <class T>
  void named(const std::vector<T>& items) {
    for (const T& item : items) write_struct(yaml_scalar(item.name), item);
  }
  template <class Body>
  void section(std::string_view key, Body body) {
    YamlWriter inner(indent_.size() + 2);
    body(inner);
    if (const std::string text = inner.take(); !text.empty()) line(key, "").append(text);
  }

 private:
  static bool is_zero(bool value) { return !value; }
  static bool is_zero(int64_t value) { return value == 0; }
  static bool is_zero(uint64_t value) { return value == 0; }
  static bool is_zero(double value) { return value == 0; }
  static bool is_zero(Millis value) { return value == Millis{0}; }
  static bool is_zero(const std::string& value) { return value.empty(); }
  static bool is_zero(const Secret& value) { return value.empty(); }
  static bool is_zero(const ByteSize& value);
  static bool is_zero(const Regex& value);
  static bool is_zero(const Labels& value) { return value.empty(); }
  template <class T>
  static bool is_zero(const std::vector<T>& value) {
    return value.empty();
  }
  template <class T>
  static bool is_zero(const std::optional<T>& value) {
    return !value.has_value();
  }
  template <class T>
  static bool is_zero(const T& value);  // an enum without a name, a struct that prints as nothing

  void write(std::string_view key, bool value) { line(key, value ? "true" : "false"); }
  void write(std::string_view key, int64_t value) { line(key, std::to_string(value)); }
  void write(std::string_view key, uint64_t value) { line(key, std::to_string(value)); }
  void write(std::string_view key, double value);
  void write(std::string_view key, Millis value) { line(key, format_duration(value)); }
  void write(std::string_view key, const std::string& value) { line(key, yaml_scalar(value)); }
  void write(std::string_view key, const Secret& value);
  void write(std::string_view key, const ByteSize& value);
  void write(std::string_view key, const Regex& value) { line(key, yaml_scalar(value.pattern())); }
  void write(std::string_view key, const Labels& value);
  void write(std::string_view key, const StringPairs& value);
  void write(std::string_view key, const std::vector<std::string>& value);
  void write(std::string_view key, const std::vector<Secret>& value);
  void write(std::string_view key, const std::vector<ProxyHeader>& value);
  void write(std::string_view key, const std::vector<QueryParam>& value);
  template <class T>
  void write(std::string_view key, const std::optional<T>& value) {
    if (value) write(key, *value);
  }
  template <class T>
  void write(std::string_view key, const std::vector<T>& value);
  template <class T>
  void write(std::string_view key, const T& value);
  template <class T>
  void write_struct(std::string_view key, const T& value);
  /// What the struct's fields() print, indented by `indent`.
  template <class T>
  static std::string body_of(const T& value, size_t indent);

  std::string& line(std::string_view key, std::string_view value);
  std::string& item(std::string_view value);

  const std::string indent_;
  std::string out_;
};

}  // namespace strata::config
