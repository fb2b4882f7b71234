// to_yaml(): the writer's templates meet the tables of fields.
#include "config/config.h"
#include "config/fields.h"
#include "config/yaml_writer.h"

namespace strata::config {

template <class T>
concept Named = requires { EnumNames<T>::kNames; };

template <class T>
std::string YamlWriter::body_of(const T& value, size_t indent) {
  YamlWriter writer(indent);
  // fields() serves decoding too and so takes what it walks by reference; a writer only reads it.
  fields(writer, const_cast<T&>(value));
  return writer.take();
}

template <class T>
bool YamlWriter::is_zero(const T& value) {
  if constexpr (Named<T>) {
    return name_of(value).empty();
  } else {
    return body_of(value, 0) == body_of(T{}, 0);
  }
}

template <class T>
void YamlWriter::write(std::string_view key, const T& value) {
  if constexpr (Named<T>) {
    line(key, name_of(value));
  } else {
    write_struct(key, value);
  }
}

template <class T>
void YamlWriter::write_struct(std::string_view key, const T& value) {
  const std::string body = body_of(value, indent_.size() + 2);
  line(key, body.empty() ? "{}" : "").append(body);
}

template <class T>
void YamlWriter::write(std::string_view key, const std::vector<T>& value) {
  line(key, value.empty() ? "[]" : "");
  for (const T& one : value) {
    if constexpr (Named<T>) {
      item(name_of(one));
    } else {
      std::string body = body_of(one, indent_.size() + 2);
      if (body.empty()) {
        item("{}");
        continue;
      }
      // The dash stands in the first key's indentation, after any comment lines.
      size_t first_key = 0;
      while (body[first_key + indent_.size() + 2] == '#') {
        first_key = body.find('\n', first_key) + 1;
      }
      body[first_key + indent_.size()] = '-';
      out_ += body;
    }
  }
}

std::string to_yaml(const Config& config) {
  Config own = config;
  own.scrape_configs.resize(std::min(own.own_scrape_configs, own.scrape_configs.size()));
  YamlWriter writer;
  fields(writer, own);
  return writer.take();
}

std::string to_yaml(const ScrapeConfig& config) {
  ScrapeConfig own = config;
  YamlWriter writer;
  fields(writer, own);
  return writer.take();
}

}  // namespace strata::config
