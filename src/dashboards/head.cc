#include "dashboards/store.h"
#include "discover/json_reader.h"

namespace strata::dashboards {

using discover::JsonReader;

std::string_view to_string(Source source) {
  switch (source) {
    case Source::kBuiltIn: return "built-in";
    case Source::kFile: return "file";
    case Source::kSaved: return "saved";
  }
  return "";
}

Result<Head> read_head(std::string_view json) {
  JsonReader reader(json);
  Head head;
  reader.object([&](std::string_view key) {
    if (key == "uid") {
      reader.string(head.uid);
    } else if (key == "title") {
      reader.string(head.title);
    } else if (key == "version") {
      reader.integer(head.version);
    } else if (key == "tags") {
      reader.array([&] { reader.string(head.tags.emplace_back()); });
    } else {
      reader.skip();
    }
  });
  TRY(reader.finish());
  if (head.title.empty()) return bad_data("a dashboard needs a title");
  return head;
}

Result<Save> read_save(std::string_view body) {
  JsonReader reader(body);
  Save save;
  reader.object([&](std::string_view key) {
    if (key == "dashboard") {
      save.json = reader.skip();
    } else if (key == "message") {
      reader.string(save.message);
    } else if (key == "overwrite") {
      reader.boolean(save.overwrite);
    } else {
      reader.skip();
    }
  });
  TRY(reader.finish());
  if (save.json.empty()) return bad_data("the body has no \"dashboard\"");
  return save;
}

}  // namespace strata::dashboards
