// What Alertmanager's templates may call (template.DefaultFuncs of 0.34).
#include <algorithm>

#include "base/base64.h"
#include "base/json.h"
#include "templates/builtins.h"
#include "templates/functions.h"
#include "templates/html_context.h"
#include "templates/time_text.h"

namespace strata::templates {
namespace {

using Arguments = std::span<const Value>;

std::unexpected<Error> failed(std::string message) {
  return fail(ErrorCode::kExecution, std::move(message));
}

FunctionEntry only_in_execution(std::string name, size_t arguments) {
  return {[name = std::move(name)](Arguments) -> Result<Value> {
            return failed(name + " is not available here");
          },
          arguments, arguments};
}

FunctionEntry safe(SafeText::Kind kind) {
  return {[kind](Arguments a) -> Result<Value> {
            return Value(std::make_shared<const SafeText>(kind, TRY(text_argument(a[0]))));
          },
          1, 1};
}

// Capitals begin words, small letters go on, as x/text's title caser has it.
Result<Value> call_title(Arguments a) {
  const auto& functions = *rule_functions();
  const Value lower = TRY(functions.at("toLower").call(a));
  return functions.at("title").call(std::span(&lower, 1));
}

Result<Value> call_url_unescape(Arguments a) {
  const std::string text = TRY(text_argument(a[0]));
  std::string out;
  const auto digit = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
  };
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i] == '+' ? ' ' : text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? digit(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? digit(text[i + 2]) : -1;
    if (high < 0 || low < 0) {
      return failed(fmt::format("invalid URL escape \"{}\"", text.substr(i, 3)));
    }
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return Value(std::move(out));
}

Result<Value> call_date(Arguments a) {
  const std::string layout = TRY(text_argument(a[0]));
  const auto* time = a[1].as<Time>();
  if (time == nullptr) return wrong_type("time.Time", a[1]);
  return Value(format_time(*time, layout));
}

Result<Value> call_to_json(Arguments a) {
  std::string out;
  append_json(out, a[0]);
  return Value(std::move(out));
}

Result<Value> call_base64_decode(Arguments a) {
  const auto bytes = base64_decode(TRY(text_argument(a[0])), Base64::kUrl);
  if (!bytes) return failed("illegal base64 data");
  return Value(*bytes);
}

Result<Value> call_append(Arguments a) {
  const List* list = a[0].list();
  if (list == nullptr) return wrong_type("[]interface {}", a[0]);
  List out = *list;
  out.insert(out.end(), a.begin() + 1, a.end());
  return Value(std::move(out));
}

Result<Value> call_dict(Arguments a) {
  if (a.size() % 2 != 0) return failed("dict requires an even number of arguments");
  Map map;
  for (size_t i = 0; i < a.size(); i += 2) {
    const auto* key = a[i].as<std::string>();
    if (key == nullptr) return failed("dict keys must be strings");
    map.entries.insert_or_assign(*key, a[i + 1]);
  }
  return Value(std::move(map));
}

std::shared_ptr<const Functions> make_functions() {
  const auto& rules = *rule_functions();
  Functions f;
  for (const auto name : {"toUpper", "toLower", "trimSpace", "join", "match", "reReplaceAll",
                          "stringSlice", "humanizeDuration"}) {
    f[name] = rules.at(name);
  }
  f["title"] = {call_title, 1, 1};
  f["safeHtml"] = safe(SafeText::Kind::kHtml);
  f["safeUrl"] = safe(SafeText::Kind::kUrl);
  f["urlUnescape"] = {call_url_unescape, 1, 1};
  f["date"] = {call_date, 2, 2};
  f["toJson"] = {call_to_json, 1, 1};
  f["base64encode"] = {[](Arguments a) -> Result<Value> {
                         return Value(base64_encode(TRY(text_argument(a[0])), Base64::kUrl));
                       },
                       1, 1};
  f["base64decode"] = {call_base64_decode, 1, 1};
  f["list"] = {[](Arguments a) -> Result<Value> { return Value(List(a.begin(), a.end())); }};
  f["append"] = {call_append, 1};
  f["dict"] = {call_dict};
  f["now"] = only_in_execution("now", 0);
  f["since"] = only_in_execution("since", 1);
  f["tz"] = only_in_execution("tz", 2);
  f["routeLabels"] = only_in_execution("routeLabels", 1);
  return std::make_shared<const Functions>(std::move(f));
}

struct JsonOf {
  JsonWriter& json;
  void operator()(std::monostate) const { json.null(); }
  void operator()(bool v) const { json.boolean(v); }
  void operator()(int64_t v) const { json.integer(v); }
  void operator()(double v) const { json.number(v); }
  void operator()(const std::string& v) const { json.string(v); }
  void operator()(const Value::ListPtr& v) const {
    json.begin_array();
    for (const Value& item : *v) std::visit(*this, item.data());
    json.end_array();
  }
  void operator()(const Value::MapPtr& v) const {
    json.begin_object();
    for (const auto& [key, item] : v->entries) {
      json.key(key);
      std::visit(*this, item.data());
    }
    json.end_object();
  }
  void operator()(const Value::ObjectPtr& v) const { json.raw(v->json()); }
  void operator()(Time v) const {
    json.string(format_time(v, "2006-01-02T15:04:05.999999999Z07:00"));
  }
  void operator()(Duration v) const { json.integer(v.nanoseconds); }
};

}  // namespace

void append_json(std::string& out, const Value& value) {
  JsonWriter json(out);
  std::visit(JsonOf{json}, value.data());
}

std::shared_ptr<const Functions> notification_functions() {
  static const auto functions = make_functions();
  return functions;
}

}  // namespace strata::templates
