#include "templates/value.h"

#include "base/json.h"

namespace strata::templates {

std::string Object::json() const {
  std::string out;
  append_json_string(out, text());
  return out;
}

const List* Value::list() const {
  if (const auto* list = as<ListPtr>()) return list->get();
  if (const auto* object = as<ObjectPtr>()) return (*object)->elements();
  return nullptr;
}

const Map* Value::map() const {
  if (const auto* map = as<MapPtr>()) return map->get();
  if (const auto* object = as<ObjectPtr>()) return (*object)->mapping();
  return nullptr;
}

bool Value::truth() const {
  struct Truth {
    bool operator()(std::monostate) const { return false; }
    bool operator()(bool v) const { return v; }
    bool operator()(int64_t v) const { return v != 0; }
    bool operator()(double v) const { return v != 0; }
    bool operator()(const std::string& v) const { return !v.empty(); }
    bool operator()(const ListPtr& v) const { return !v->empty(); }
    bool operator()(const MapPtr& v) const { return !v->entries.empty(); }
    bool operator()(const ObjectPtr& v) const {
      if (const List* list = v->elements()) return !list->empty();
      return v->mapping() == nullptr || !v->mapping()->entries.empty();
    }
    bool operator()(Time) const { return true; }
    bool operator()(Duration v) const { return v.nanoseconds != 0; }
  };
  return std::visit(Truth{}, data_);
}

std::string Value::type_name() const {
  struct Name {
    std::string operator()(std::monostate) const { return "<nil>"; }
    std::string operator()(bool) const { return "bool"; }
    std::string operator()(int64_t) const { return "int"; }
    std::string operator()(double) const { return "float64"; }
    std::string operator()(const std::string&) const { return "string"; }
    std::string operator()(const ListPtr& v) const {
      for (const Value& item : *v) {
        if (item.as<std::string>() == nullptr) return "[]interface {}";
      }
      return "[]string";
    }
    std::string operator()(const MapPtr& v) const {
      return v->absent.is_nil() ? "map[string]interface {}" : "map[string]string";
    }
    std::string operator()(const ObjectPtr& v) const { return std::string(v->type_name()); }
    std::string operator()(Time) const { return "time.Time"; }
    std::string operator()(Duration) const { return "time.Duration"; }
  };
  return std::visit(Name{}, data_);
}

}  // namespace strata::templates
