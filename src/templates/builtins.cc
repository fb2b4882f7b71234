#include "templates/builtins.h"

#include <algorithm>
#include <cmath>

#include "templates/go_format.h"
#include "templates/parser.h"

namespace strata::templates {
namespace {

using Arguments = std::span<const Value>;

std::unexpected<Error> failed(std::string message) {
  return fail(ErrorCode::kExecution, std::move(message));
}

enum class BasicKind : uint8_t { kNone, kBool, kInt, kFloat, kString };

BasicKind basic_kind(const Value& v) {
  if (v.as<bool>() != nullptr) return BasicKind::kBool;
  if (v.as<int64_t>() != nullptr || v.as<Duration>() != nullptr) return BasicKind::kInt;
  if (v.as<double>() != nullptr) return BasicKind::kFloat;
  if (v.as<std::string>() != nullptr) return BasicKind::kString;
  return BasicKind::kNone;
}

int64_t as_integer(const Value& v) {
  if (const auto* duration = v.as<Duration>()) return duration->nanoseconds;
  return *v.as<int64_t>();
}

Result<bool> equal(const Value& a, const Value& b) {
  const BasicKind kind = basic_kind(a);
  if (a.is_nil() || b.is_nil()) return a.is_nil() == b.is_nil();
  if (kind != basic_kind(b)) return failed("incompatible types for comparison");
  switch (kind) {
    case BasicKind::kBool: return *a.as<bool>() == *b.as<bool>();
    case BasicKind::kInt: return as_integer(a) == as_integer(b);
    case BasicKind::kFloat: return *a.as<double>() == *b.as<double>();
    case BasicKind::kString: return *a.as<std::string>() == *b.as<std::string>();
    case BasicKind::kNone: break;
  }
  if (const auto* time = a.as<Time>(); time != nullptr && b.as<Time>() != nullptr) {
    return *time == *b.as<Time>();
  }
  return failed("non-comparable type " + text_of(a) + ": " + a.type_name());
}

Result<bool> less(const Value& a, const Value& b) {
  const BasicKind kind = basic_kind(a);
  if (kind == BasicKind::kNone || basic_kind(b) == BasicKind::kNone) {
    return failed("invalid type for comparison");
  }
  if (kind != basic_kind(b)) return failed("incompatible types for comparison");
  switch (kind) {
    case BasicKind::kInt: return as_integer(a) < as_integer(b);
    case BasicKind::kFloat: return *a.as<double>() < *b.as<double>();
    case BasicKind::kString: return *a.as<std::string>() < *b.as<std::string>();
    case BasicKind::kBool:
    case BasicKind::kNone: break;
  }
  return failed("invalid type for comparison");
}

Result<Value> call_eq(Arguments arguments) {
  if (arguments.size() < 2) return failed("missing argument for comparison");
  for (const Value& other : arguments.subspan(1)) {
    if (TRY(equal(arguments[0], other))) return Value(true);
  }
  return Value(false);
}
Result<Value> call_ne(Arguments a) { return Value(!TRY(equal(a[0], a[1]))); }
Result<Value> call_lt(Arguments a) { return Value(TRY(less(a[0], a[1]))); }
Result<Value> call_le(Arguments a) {
  const bool lower = TRY(less(a[0], a[1]));
  return Value(lower || TRY(equal(a[0], a[1])));
}
Result<Value> call_gt(Arguments a) { return Value(!*TRY(call_le(a)).as<bool>()); }
Result<Value> call_ge(Arguments a) { return Value(!TRY(less(a[0], a[1]))); }
Result<Value> call_not(Arguments a) { return Value(!a[0].truth()); }

Result<Value> call_len(Arguments a) {
  const auto size = [](size_t n) { return Value(static_cast<int64_t>(n)); };
  if (const auto* text = a[0].as<std::string>()) return size(text->size());
  if (const List* list = a[0].list()) return size(list->size());
  if (const Map* map = a[0].map()) return size(map->entries.size());
  if (a[0].is_nil()) return failed("len of nil pointer");
  return failed("len of type " + a[0].type_name());
}

// A list's or text's index, checked.
Result<size_t> position_in(const Value& index, size_t size) {
  const auto* i = index.as<int64_t>();
  if (i == nullptr) return failed("cannot index slice/array with type " + index.type_name());
  if (*i < 0 || static_cast<size_t>(*i) > size) {
    return failed(fmt::format("index out of range: {}", *i));
  }
  return static_cast<size_t>(*i);
}

Result<Value> call_index(Arguments a) {
  Value at = a[0];
  if (at.is_nil()) return failed("index of untyped nil");
  for (const Value& index : a.subspan(1)) {
    Value item;
    if (const Map* map = at.map()) {
      const auto* key = index.as<std::string>();
      if (key == nullptr)
        return failed("value has type " + index.type_name() + "; should be string");
      const auto found = map->entries.find(*key);
      item = found == map->entries.end() ? map->absent : found->second;
    } else if (const List* list = at.list()) {
      const size_t i = TRY(position_in(index, list->size()));
      if (i == list->size()) return failed(fmt::format("index out of range: {}", i));
      item = (*list)[i];
    } else if (const auto* text = at.as<std::string>()) {
      const size_t i = TRY(position_in(index, text->size()));
      if (i == text->size()) return failed(fmt::format("index out of range: {}", i));
      item = Value(static_cast<int64_t>(static_cast<unsigned char>((*text)[i])));
    } else if (at.is_nil()) {
      return failed("index of nil pointer");
    } else {
      return failed("can't index item of type " + at.type_name());
    }
    at = std::move(item);
  }
  return at;
}

Result<Value> call_slice(Arguments a) {
  const List* list = a[0].list();
  const auto* text = a[0].as<std::string>();
  if (list == nullptr && text == nullptr) {
    return failed("can't slice item of type " + a[0].type_name());
  }
  const size_t size = list != nullptr ? list->size() : text->size();
  const size_t from = a.size() > 1 ? TRY(position_in(a[1], size)) : 0;
  const size_t to = a.size() > 2   ? TRY(position_in(a[2], size)) : size;
  if (from > to) return failed(fmt::format("invalid slice index: {} > {}", from, to));
  if (text != nullptr) return Value(text->substr(from, to - from));
  return Value(List(list->begin() + static_cast<std::ptrdiff_t>(from),
                    list->begin() + static_cast<std::ptrdiff_t>(to)));
}

// What html, js and urlquery take: one text, or anything printed.
std::string evaluated(Arguments a) {
  if (a.size() == 1) return text_of(a[0]);
  return sprint(a);
}

Functions make_builtins() {
  Functions f;
  f["eq"] = {call_eq, 1};
  f["ne"] = {call_ne, 2, 2};
  f["lt"] = {call_lt, 2, 2};
  f["le"] = {call_le, 2, 2};
  f["gt"] = {call_gt, 2, 2};
  f["ge"] = {call_ge, 2, 2};
  f["not"] = {call_not, 1, 1};
  f["len"] = {call_len, 1, 1};
  f["index"] = {call_index, 1};
  f["slice"] = {call_slice, 1, 4};
  f["print"] = {[](Arguments a) -> Result<Value> { return Value(sprint(a)); }};
  f["println"] = {[](Arguments a) -> Result<Value> { return Value(sprintln(a)); }};
  f["printf"] = {[](Arguments a) -> Result<Value> {
                   const auto* format = a[0].as<std::string>();
                   if (format == nullptr) return wrong_type("string", a[0]);
                   return Value(sprintf(*format, a.subspan(1)));
                 },
                 1};
  f["html"] = {[](Arguments a) -> Result<Value> { return Value(html_escaped(evaluated(a))); }};
  f["js"] = {[](Arguments a) -> Result<Value> { return Value(js_escaped(evaluated(a))); }};
  f["urlquery"] = {[](Arguments a) -> Result<Value> { return Value(query_escaped(evaluated(a))); }};
  return f;
}

}  // namespace

const Functions& builtin_functions() {
  static const Functions functions = make_builtins();
  return functions;
}

bool is_builtin(std::string_view name) {
  return name == "and" || name == "or" || builtin_functions().contains(name);
}

std::unexpected<Error> wrong_type(std::string_view expected, const Value& got) {
  if (got.is_nil()) return bad_data(fmt::format("invalid value; expected {}", expected));
  return bad_data(
      fmt::format("wrong type for value; expected {}; got {}", expected, got.type_name()));
}

std::string html_escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '"': out += "&#34;"; break;
      case '\'': out += "&#39;"; break;
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '\0': out += "\xef\xbf\xbd"; break;
      default: out += c;
    }
  }
  return out;
}

std::string js_escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '\'' || c == '"') {
      (out += '\\') += c;
    } else if (std::string_view("<>&=").contains(c) || static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04X}", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out;
}

std::string query_escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("-_.~").contains(c);
    if (plain) {
      out += c;
    } else if (c == ' ') {
      out += '+';
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

}  // namespace strata::templates
