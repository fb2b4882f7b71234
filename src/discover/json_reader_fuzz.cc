// A text that can be skipped as a whole is read the same when each of its values is read.
#include "base/check.h"
#include "discover/json_reader.h"

namespace strata::discover {
namespace {

/// Reads strings as strings, and the rest in the one way there is.
void walk(JsonReader& reader, std::string_view text) {
  const std::string_view value =
      text.substr(std::min(text.find_first_not_of(" \n\t\r"), text.size()));
  std::string out;
  if (value.starts_with('"')) {
    reader.string(out);
  } else if (value.starts_with('{')) {
    reader.object([&](std::string_view) { reader.skip(); });
  } else if (value.starts_with('[')) {
    reader.array([&] {
      const std::string_view item = reader.skip();
      JsonReader inner(item);
      inner.skip();
      CHECK(!reader.ok() || inner.finish());
    });
  } else {
    reader.skip();
  }
}

}  // namespace
}  // namespace strata::discover

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using strata::discover::JsonReader;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  JsonReader skipped(text);
  skipped.skip();
  const bool is_json = skipped.finish().has_value();
  JsonReader walked(text);
  strata::discover::walk(walked, text);
  const bool walks = walked.finish().has_value();
  // Reading a string checks its escapes and encoding, which skipping does not.
  CHECK(is_json || !walks);
  return 0;
}
