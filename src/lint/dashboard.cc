// The queries of a Grafana dashboard. JSON is YAML but for surrogate pairs, and config's YAML
// reader has the limits and the positions already.
#include <algorithm>
#include <set>

#include "config/yaml.h"
#include "lint/lint.h"
#include "promql/parser.h"

namespace strata::lint {
namespace {

using config::YamlNode;

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

std::optional<uint32_t> hex4(std::string_view text) {
  if (text.size() < 4) return std::nullopt;
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) {
    const char c = text[i];
    uint32_t digit = 0;
    if (c >= '0' && c <= '9') {
      digit = static_cast<uint32_t>(c - '0');
    } else if (c >= 'a' && c <= 'f') {
      digit = static_cast<uint32_t>(c - 'a' + 10);
    } else if (c >= 'A' && c <= 'F') {
      digit = static_cast<uint32_t>(c - 'A' + 10);
    } else {
      return std::nullopt;
    }
    value = value * 16 + digit;
  }
  return value;
}

// \ud83d\ude00 as \U0001F600: the one escape of JSON that YAML does not have.
std::string with_long_escapes(std::string_view json) {
  std::string out;
  out.reserve(json.size());
  for (size_t i = 0; i < json.size(); ++i) {
    if (json[i] != '\\' || i + 1 >= json.size()) {
      out += json[i];
      continue;
    }
    const auto high = json[i + 1] == 'u' ? hex4(json.substr(i + 2)) : std::nullopt;
    const bool is_pair = high && *high >= 0xd800 && *high < 0xdc00 &&
                         json.substr(std::min(i + 6, json.size())).starts_with("\\u");
    const auto low = is_pair ? hex4(json.substr(i + 8)) : std::nullopt;
    if (low && *low >= 0xdc00 && *low < 0xe000) {
      out += fmt::format("\\U{:08X}", 0x10000 + ((*high - 0xd800) << 10) + (*low - 0xdc00));
      i += 11;
      continue;
    }
    out += json[i];
    out += json[++i];
  }
  return out;
}

std::string_view text_of(const YamlNode& node, std::string_view key) {
  const auto* entry = node.find(key);
  if (entry == nullptr || entry->value.kind != YamlNode::Kind::kScalar) return {};
  return entry->value.text;
}

// The variable at `at` ('$'): its name and where it ends. [[name]] is the older spelling.
struct Variable {
  std::string name;
  size_t end = 0;
};
std::optional<Variable> variable_at(std::string_view text, size_t at) {
  Variable variable;
  if (text.substr(at).starts_with("${") || text.substr(at).starts_with("[[")) {
    const bool old = text[at] == '[';
    const size_t close = text.find(old ? "]]" : "}", at);
    if (close == text.npos) return std::nullopt;
    variable.name = text.substr(at + 2, close - at - 2);
    variable.name = variable.name.substr(0, variable.name.find_first_of(":."));
    variable.end = close + (old ? 2 : 1);
  } else if (text[at] == '$') {
    size_t end = at + 1;
    while (end < text.size() && is_word(text[end])) ++end;
    variable.name = text.substr(at + 1, end - at - 1);
    variable.end = end;
  }
  const bool is_name = !variable.name.empty() && std::ranges::all_of(variable.name, is_word);
  return is_name ? std::optional(variable) : std::nullopt;
}

// With variables as PromQL can read them: inside of quotes as they are (a value that nobody knows),
// a duration inside of brackets, elsewhere `plain`.
std::string with_variables(std::string_view expr, std::string_view plain) {
  std::string out;
  char quote = 0;
  bool in_brackets = false;
  for (size_t i = 0; i < expr.size(); ++i) {
    const char c = expr[i];
    if (quote != 0) {
      out += c;
      if (c == '\\' && i + 1 < expr.size()) out += expr[++i];
      if (c == quote) quote = 0;
      continue;
    }
    const auto variable = variable_at(expr, i);
    if (variable) {
      const bool is_time = variable->name.starts_with("__");
      const bool after_offset = out.ends_with("offset ");
      if (in_brackets || after_offset) {
        out += "5m";
      } else if (is_time) {
        out += "300";  // $__range_s, $__interval_ms
      } else {
        out += plain;
      }
      i = variable->end - 1;
      // [$__interval:$step] and ${window}m: what follows belongs to the duration.
      if (in_brackets && i + 1 < expr.size() && (expr[i + 1] == 's' || expr[i + 1] == 'm')) ++i;
      continue;
    }
    if (c == '"' || c == '\'' || c == '`') quote = c;
    if (c == '[') in_brackets = true;
    if (c == ']') in_brackets = false;
    out += c;
  }
  return out;
}

std::string readable(std::string_view expr) {
  // A variable outside of quotes is a number (a threshold), or a name.
  for (const std::string_view plain : {"1", "grafana_variable", "sum"}) {
    auto text = with_variables(expr, plain);
    if (promql::parse(text, promql::ParserOptions::everything())) return text;
  }
  return with_variables(expr, "1");
}

class Queries {
 public:
  explicit Queries(std::string_view file) : file_(file) {}

  void panels(const YamlNode& list, int depth) {
    constexpr int kMaxDepth = 8;
    if (list.kind != YamlNode::Kind::kSequence || depth > kMaxDepth) return;
    for (const auto& panel : list.items) {
      if (panel.kind != YamlNode::Kind::kMapping) continue;
      const auto title = text_of(panel, "title");
      if (const auto* targets = panel.find("targets")) target_list(targets->value, title);
      if (const auto* inner = panel.find("panels")) panels(inner->value, depth + 1);
    }
  }

  // Dashboards of before Grafana 5 have rows of panels.
  void rows(const YamlNode& list) {
    if (list.kind != YamlNode::Kind::kSequence) return;
    for (const auto& row : list.items) {
      if (const auto* inner = row.find("panels")) panels(inner->value, 0);
    }
  }

  // label_values(METRIC, label) and query_result(EXPR) of variables.
  void variables(const YamlNode& templating) {
    const auto* list = templating.find("list");
    if (list == nullptr || list->value.kind != YamlNode::Kind::kSequence) return;
    for (const auto& variable : list->value.items) {
      const auto* query = variable.find("query");
      if (query == nullptr) continue;
      auto text = query->value.kind == YamlNode::Kind::kMapping ? text_of(query->value, "query")
                                                                : query->value.text;
      add(argument_of(text), query->value, fmt::format("variable {}", text_of(variable, "name")));
    }
  }

  std::vector<Subject> take() { return std::move(subjects_); }

 private:
  void target_list(const YamlNode& targets, std::string_view title) {
    if (targets.kind != YamlNode::Kind::kSequence) return;
    for (const auto& target : targets.items) {
      const auto* expr = target.find("expr");
      if (expr == nullptr || expr->value.kind != YamlNode::Kind::kScalar) continue;
      add(expr->value.text, expr->value, fmt::format("panel \"{}\"", title));
    }
  }

  static std::string_view argument_of(std::string_view query) {
    for (const std::string_view function : {"label_values(", "query_result("}) {
      if (!query.starts_with(function) || !query.ends_with(')')) continue;
      auto inside = query.substr(function.size(), query.size() - function.size() - 1);
      if (function == "query_result(") return inside;
      const auto comma = inside.rfind(',');
      return comma == inside.npos ? std::string_view() : inside.substr(0, comma);
    }
    return {};
  }

  void add(std::string_view expr, const YamlNode& at, std::string where) {
    constexpr size_t kMaxQueries = 10'000;
    if (expr.empty() || subjects_.size() >= kMaxQueries) return;
    Subject subject;
    subject.where = fmt::format("{}:{}: {}", file_, at.mark.line, where);
    subject.expr = readable(expr);
    subjects_.push_back(std::move(subject));
  }

  const std::string file_;
  std::vector<Subject> subjects_;
};

}  // namespace

Result<std::vector<Subject>> dashboard_queries(std::string_view json, std::string_view file_name) {
  const auto text = with_long_escapes(json);
  const auto root = TRY(config::parse_yaml(text, file_name));
  if (root.kind != YamlNode::Kind::kMapping) {
    return bad_data(fmt::format("{}: a dashboard is a JSON object", file_name));
  }
  // As Grafana's API takes it, {"dashboard": {…}}, or as it is exported.
  const auto* wrapped = root.find("dashboard");
  const auto& dashboard = wrapped == nullptr ? root : wrapped->value;
  Queries queries(file_name);
  const auto* panels = dashboard.find("panels");
  const auto* rows = dashboard.find("rows");
  if (panels == nullptr && rows == nullptr) {
    return bad_data(fmt::format("{}: no \"panels\": this is no dashboard", file_name));
  }
  if (panels != nullptr) queries.panels(panels->value, 0);
  if (rows != nullptr) queries.rows(rows->value);
  if (const auto* templating = dashboard.find("templating")) queries.variables(templating->value);
  return queries.take();
}

}  // namespace strata::lint
