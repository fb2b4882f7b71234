#include "gateway/model_list.h"

#include "gateway/json_cursor.h"

namespace strata::gateway {
namespace {

std::string id_of(std::string_view item) {
  JsonCursor json(item);
  if (!json.enter_object()) return {};
  std::string id;
  while (const auto key = json.next_member()) {
    const std::string_view raw = json.skip_value();
    if (*key == "id") id = json_string(raw).value_or("");
  }
  return json.failed() ? std::string() : id;
}

}  // namespace

bool ModelList::add(std::string_view text,
                    const std::function<bool(const std::string& id)>& serves) {
  JsonCursor json(text);
  if (!json.enter_object()) return false;
  bool found = false;
  while (const auto key = json.next_member()) {
    if (*key != "data" || !json.enter_array()) {
      json.skip_value();
      continue;
    }
    found = true;
    while (json.next_item()) {
      const std::string_view item = json.skip_value();
      const std::string id = id_of(item);
      if (id.empty() || ids_.size() >= kMaxModels || !serves(id)) continue;
      if (!ids_.insert(id).second) continue;
      items_.append(items_.empty() ? "" : ",").append(item);
    }
  }
  return found && !json.failed();
}

std::string ModelList::json() const { return R"({"object":"list","data":[)" + items_ + "]}"; }

}  // namespace strata::gateway
