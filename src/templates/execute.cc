#include <algorithm>

#include "templates/builtins.h"
#include "templates/go_format.h"
#include "templates/html_context.h"
#include "templates/parser.h"
#include "templates/template.h"
#include "templates/time_text.h"

namespace strata::templates {
namespace {

constexpr size_t kBytesAStep = 64;

/// How a list of nodes ended.
enum class Flow : uint8_t { kOn, kBreak, kContinue };

class Executor {
 public:
  Executor(const TemplateSet& set, const Functions* own, const ExecuteLimits& limits)
      : set_(set), own_(own), limits_(limits) {}
  void escape_html() { html_.emplace(); }

  Result<std::string> run(std::string_view name, const Value& data);

 private:
  struct At {
    uint32_t position = 0;
    std::string context;
  };
  std::unexpected<Error> error(const At& at, std::string_view message) const;
  template <class NodeType>
  std::unexpected<Error> error(const NodeType& node, std::string_view message) const {
    return error(At{node.position, node.text()}, message);
  }
  Result<> count(const At& at);
  Result<> write(std::string_view text);
  Result<> write_value(const Node& action, const Value& value);

  Result<Flow> walk(const std::vector<Node>& nodes, const Value& dot);
  Result<Flow> walk(const Node& node, const Value& dot);
  Result<Flow> range(const Node& node, const Value& dot);
  Result<bool> iterate(const Node& node, const Value& key, const Value& item, Flow& flow);
  Result<Flow> call_template(const Node& node, const Value& dot);

  Result<Value> pipeline(const Pipe& pipe, const Value& dot);
  Result<Value> command(const Command& command, const Value& dot, const Value* piped);
  Result<Value> call(const Command& command, const Value& dot, const Value* piped);
  Result<Value> logic(const Command& command, const Value& dot, const Value* piped);
  Result<Value> operand(const Operand& operand, const Value& dot);
  Result<Value> base_of(const Operand& operand, const Value& dot);
  Result<Value> chain(const Command& command, const Value& dot, const Value* piped);
  Result<Value> member(const Operand& operand, const Value& of, const std::string& name,
                       std::span<const Value> arguments);
  Value* variable(const std::string& name);

  const TemplateSet& set_;
  const Functions* own_;
  const ExecuteLimits& limits_;
  const TemplateSet::Body* body_ = nullptr;
  std::string_view name_;  // of the template that runs
  std::vector<std::pair<std::string, Value>> variables_;
  std::string out_;
  std::optional<HtmlContext> html_;  // when values are to be escaped
  size_t steps_ = 0;
  int depth_ = 0;
};

std::unexpected<Error> Executor::error(const At& at, std::string_view message) const {
  return fail(ErrorCode::kExecution,
              fmt::format("template: {}: executing \"{}\" at <{}>: {}",
                          place(body_->parse_name, *body_->source, at.position), name_, at.context,
                          message));
}

Result<> Executor::count(const At& at) {
  if (++steps_ > limits_.max_steps) {
    auto limit = error(at, "the template takes too many steps").error();
    limit.code = ErrorCode::kLimit;
    return std::unexpected(std::move(limit));
  }
  return {};
}

Result<> Executor::write(std::string_view text) {
  if (out_.size() + text.size() > limits_.max_output) {
    return fail(ErrorCode::kLimit, fmt::format("template: {}: the output is longer than {} bytes",
                                               name_, limits_.max_output));
  }
  out_ += text;
  return {};
}

Result<> Executor::write_value(const Node& action, const Value& value) {
  if (!html_) return write(value.is_nil() ? "<no value>" : text_of(value));
  const Operand& last = action.pipe.commands.back().operands[0];
  const bool function = last.kind == Operand::Kind::kFunction;
  const auto text = html_->value(value, function ? last.name : std::string());
  if (!text) return error(action.pipe, text.error().message);
  return write(*text);
}

Result<std::string> Executor::run(std::string_view name, const Value& data) {
  body_ = set_.find(name);
  if (body_ == nullptr) {
    return fail(ErrorCode::kExecution, fmt::format("template: no template \"{}\"", name));
  }
  name_ = name;
  variables_.emplace_back("$", data);
  TRY(walk(body_->nodes, data));
  return std::move(out_);
}

Result<Flow> Executor::walk(const std::vector<Node>& nodes, const Value& dot) {
  for (const Node& node : nodes) {
    const Flow flow = TRY(walk(node, dot));
    if (flow != Flow::kOn) return flow;
  }
  return Flow::kOn;
}

Result<Flow> Executor::walk(const Node& node, const Value& dot) {
  TRY(count({node.position, ""}));
  switch (node.kind) {
    case Node::Kind::kText:
      TRY(html_ ? write(html_->text(node.text)) : write(node.text));
      return Flow::kOn;
    case Node::Kind::kAction: {
      const Value value = TRY(pipeline(node.pipe, dot));
      if (!node.pipe.variables.empty()) return Flow::kOn;
      TRY(write_value(node, value));
      return Flow::kOn;
    }
    case Node::Kind::kIf:
    case Node::Kind::kWith: {
      const size_t scope = variables_.size();
      const Value value = TRY(pipeline(node.pipe, dot));
      const bool taken = value.truth();
      const bool with = node.kind == Node::Kind::kWith;
      const Flow flow = TRY(walk(taken ? node.body : node.otherwise, taken && with ? value : dot));
      variables_.resize(scope);
      return flow;
    }
    case Node::Kind::kRange: return range(node, dot);
    case Node::Kind::kTemplate: return call_template(node, dot);
    case Node::Kind::kBreak: return Flow::kBreak;
    case Node::Kind::kContinue: return Flow::kContinue;
  }
  return Flow::kOn;
}

// One turn of a range: false when it is to end.
Result<bool> Executor::iterate(const Node& node, const Value& key, const Value& item, Flow& flow) {
  TRY(count({node.position, "range"}));
  const auto& names = node.pipe.variables;
  const size_t scope = variables_.size();
  const auto set = [&](const std::string& name, const Value& value) {
    if (Value* known = node.pipe.assigns ? variable(name) : nullptr) {
      *known = value;
    } else {
      variables_.emplace_back(name, value);
    }
  };
  if (names.size() == 1) set(names[0], item);
  if (names.size() == 2) set(names[0], key), set(names[1], item);
  flow = TRY(walk(node.body, item));
  variables_.resize(scope);
  return flow != Flow::kBreak;
}

Result<Flow> Executor::range(const Node& node, const Value& dot) {
  const size_t scope = variables_.size();
  const Value over = TRY(pipeline(node.pipe, dot));
  Flow flow = Flow::kOn;
  size_t turns = 0;
  if (const List* list = over.list()) {
    for (const Value& item : *list) {
      const auto index = static_cast<int64_t>(turns++);
      if (!TRY(iterate(node, Value(index), item, flow))) break;
    }
  } else if (const Map* map = over.map()) {
    for (const auto& [key, item] : map->entries) {
      ++turns;
      if (!TRY(iterate(node, Value(key), item, flow))) break;
    }
  } else if (const auto* n = over.as<int64_t>()) {
    for (int64_t i = 0; i < *n; ++i) {
      ++turns;
      if (!TRY(iterate(node, Value(i), Value(i), flow))) break;
    }
  } else if (!over.is_nil()) {
    return error(node.pipe, fmt::format("range can't iterate over {}", text_of(over)));
  }
  variables_.resize(scope);
  if (turns > 0) return Flow::kOn;
  return walk(node.otherwise, dot);
}

Result<Flow> Executor::call_template(const Node& node, const Value& dot) {
  const At at{node.position, fmt::format("{{{{template \"{}\"}}}}", node.text)};
  const TemplateSet::Body* body = set_.find(node.text);
  if (body == nullptr) return error(at, fmt::format("template \"{}\" not defined", node.text));
  if (++depth_ > limits_.max_depth) return error(at, "exceeded maximum template depth");
  Value data;
  if (!node.pipe.commands.empty()) data = TRY(pipeline(node.pipe, dot));
  const auto* outer_body = std::exchange(body_, body);
  const auto outer_name = std::exchange(name_, node.text);
  std::vector<std::pair<std::string, Value>> outer;
  outer.swap(variables_);
  variables_.emplace_back("$", data);
  TRY(walk(body->nodes, data));
  variables_.swap(outer);
  body_ = outer_body;
  name_ = outer_name;
  --depth_;
  return Flow::kOn;
}

Value* Executor::variable(const std::string& name) {
  const auto found = std::ranges::find(variables_.rbegin(), variables_.rend(), name,
                                       &std::pair<std::string, Value>::first);
  return found == variables_.rend() ? nullptr : &found->second;
}

Result<Value> Executor::pipeline(const Pipe& pipe, const Value& dot) {
  Value value;
  for (size_t i = 0; i < pipe.commands.size(); ++i) {
    value = TRY(command(pipe.commands[i], dot, i == 0 ? nullptr : &value));
  }
  // A range's variables are set in every turn.
  if (pipe.variables.size() == 1) {
    Value* known = pipe.assigns ? variable(pipe.variables[0]) : nullptr;
    if (known != nullptr)
      *known = value;
    else
      variables_.emplace_back(pipe.variables[0], value);
  }
  return value;
}

Result<Value> Executor::command(const Command& command, const Value& dot, const Value* piped) {
  TRY(count({command.position, ""}));
  const Operand& first = command.operands[0];
  if (first.kind == Operand::Kind::kFunction && first.fields.empty()) {
    return call(command, dot, piped);
  }
  if (!first.fields.empty()) return chain(command, dot, piped);
  if (command.operands.size() > 1 || piped != nullptr) {
    if (first.kind == Operand::Kind::kNil) return error(first, "nil is not a command");
    return error(first, fmt::format("can't give argument to non-function {}", first.text()));
  }
  if (first.kind == Operand::Kind::kNil) return error(first, "nil is not a command");
  return operand(first, dot);
}

// and, or: the first argument that decides.
Result<Value> Executor::logic(const Command& command, const Value& dot, const Value* piped) {
  const bool is_or = command.operands[0].name == "or";
  Value value;
  for (size_t i = 1; i < command.operands.size(); ++i) {
    value = TRY(operand(command.operands[i], dot));
    if (value.truth() == is_or) return value;
  }
  return piped != nullptr ? *piped : value;
}

Result<Value> Executor::call(const Command& command, const Value& dot, const Value* piped) {
  const std::string& name = command.operands[0].name;
  const size_t given = command.operands.size() - 1 + (piped != nullptr ? 1 : 0);
  const bool is_logic = name == "and" || name == "or";
  const FunctionEntry* function = nullptr;
  const auto look = [&](const Functions& in) {
    if (function != nullptr) return;
    if (const auto found = in.find(name); found != in.end()) function = &found->second;
  };
  if (own_ != nullptr) look(*own_);
  look(set_.functions());
  look(builtin_functions());
  if (function == nullptr && !is_logic) {
    return error(command, fmt::format("\"{}\" is not a defined function", name));
  }
  const size_t least = is_logic ? 1 : function->least;
  const size_t most = is_logic ? SIZE_MAX : function->most;
  if (given < least || given > most) {
    const std::string wanted =
        most == SIZE_MAX ? fmt::format("at least {}", least) : fmt::format("{}", most);
    return error(command.operands[0],
                 fmt::format("wrong number of args for {}: want {} got {}", name, wanted, given));
  }
  if (is_logic) return logic(command, dot, piped);
  std::vector<Value> arguments;
  for (const Operand& argument : std::span(command.operands).subspan(1)) {
    arguments.push_back(TRY(operand(argument, dot)));
  }
  if (piped != nullptr) arguments.push_back(*piped);
  auto value = function->call(arguments);
  if (value) {
    // Making much text is work too.
    if (const auto* text = value->as<std::string>()) steps_ += text->size() / kBytesAStep;
    return value;
  }
  // An argument's wrong type is the template's fault, not an error of the function (wrong_type).
  if (value.error().code == ErrorCode::kBadData) return error(command, value.error().message);
  return error(command, fmt::format("error calling {}: {}", name, value.error().message));
}

Result<Value> Executor::base_of(const Operand& operand, const Value& dot) {
  switch (operand.kind) {
    case Operand::Kind::kDot:
    case Operand::Kind::kField: return dot;
    case Operand::Kind::kNil: return Value();
    case Operand::Kind::kConstant: return operand.constant;
    case Operand::Kind::kVariable: {
      const Value* value = variable(operand.name);
      if (value == nullptr) return error(operand, "undefined variable: " + operand.name);
      return *value;
    }
    case Operand::Kind::kPipe: return pipeline(*operand.pipe, dot);
    case Operand::Kind::kFunction: {
      Command alone;
      alone.position = operand.position;
      alone.operands.push_back(operand);
      alone.operands[0].fields.clear();
      return call(alone, dot, nullptr);
    }
  }
  return Value();
}

Result<Value> Executor::operand(const Operand& operand, const Value& dot) {
  TRY(count({operand.position, ""}));
  Value value = TRY(base_of(operand, dot));
  for (const std::string& name : operand.fields) {
    value = TRY(member(operand, value, name, {}));
  }
  return value;
}

// Fields; the last may be a method that takes the command's other operands.
Result<Value> Executor::chain(const Command& command, const Value& dot, const Value* piped) {
  const Operand& first = command.operands[0];
  Value value = TRY(base_of(first, dot));
  for (size_t i = 0; i + 1 < first.fields.size(); ++i) {
    value = TRY(member(first, value, first.fields[i], {}));
  }
  std::vector<Value> arguments;
  for (const Operand& argument : std::span(command.operands).subspan(1)) {
    arguments.push_back(TRY(operand(argument, dot)));
  }
  if (piped != nullptr) arguments.push_back(*piped);
  return member(first, value, first.fields.back(), arguments);
}

Result<Value> Executor::member(const Operand& operand, const Value& of, const std::string& name,
                               std::span<const Value> arguments) {
  if (of.is_nil()) {
    return error(operand, fmt::format("nil data; no entry for key \"{}\"", name));
  }
  const auto* object = of.as<Value::ObjectPtr>();
  if (const Map* map = of.map(); map != nullptr && object == nullptr) {
    if (!arguments.empty()) {
      return error(operand, fmt::format("{} is not a method but has arguments", name));
    }
    const auto found = map->entries.find(name);
    return found == map->entries.end() ? map->absent : found->second;
  }
  Result<Value> value = fail(ErrorCode::kNotFound, "");
  if (object != nullptr) {
    value = (*object)->member(name, arguments);
    const Map* map = (*object)->mapping();
    if (!value && value.error().code == ErrorCode::kNotFound && map != nullptr) {
      const auto found = map->entries.find(name);
      return found == map->entries.end() ? map->absent : found->second;
    }
  } else if (const auto* time = of.as<Time>()) {
    value = time_member(*time, name, arguments);
  } else if (const auto* duration = of.as<Duration>()) {
    value = duration_member(*duration, name);
  }
  if (value) return value;
  if (value.error().code == ErrorCode::kNotFound) {
    return error(operand, fmt::format("can't evaluate field {} in type {}", name, of.type_name()));
  }
  return error(operand, fmt::format("error calling {}: {}", name, value.error().message));
}

}  // namespace

TemplateSet::TemplateSet(std::shared_ptr<const Functions> functions)
    : functions_(std::move(functions)) {}
TemplateSet::TemplateSet(const TemplateSet& base) : functions_(base.functions_), base_(&base) {}
TemplateSet::~TemplateSet() = default;
TemplateSet::TemplateSet(TemplateSet&&) noexcept = default;
TemplateSet& TemplateSet::operator=(TemplateSet&&) noexcept = default;

Result<> TemplateSet::parse(std::string_view name, std::string_view text) {
  auto parsed = TRY(parse_template(name, text, *functions_));
  const auto source = std::make_shared<const std::string>(text);
  for (auto& [defined, nodes] : parsed.templates) {
    const bool empty = std::ranges::all_of(nodes, [](const Node& node) {
      return node.kind == Node::Kind::kText &&
             node.text.find_first_not_of(" \t\r\n") == std::string::npos;
    });
    if (empty && defined != name && has(defined)) continue;
    auto body = std::make_unique<Body>();
    body->parse_name = std::string(name);
    body->source = source;
    body->nodes = std::move(nodes);
    bodies_.insert_or_assign(defined, std::move(body));
  }
  return {};
}

const TemplateSet::Body* TemplateSet::find(std::string_view name) const {
  const auto found = bodies_.find(name);
  if (found != bodies_.end()) return found->second.get();
  return base_ == nullptr ? nullptr : base_->find(name);
}

bool TemplateSet::has(std::string_view name) const { return find(name) != nullptr; }

const std::string* TemplateSet::constant(std::string_view name) const {
  static const std::string kEmpty;
  const Body* body = find(name);
  if (body == nullptr) return nullptr;
  if (body->nodes.empty()) return &kEmpty;
  const bool text = body->nodes.size() == 1 && body->nodes[0].kind == Node::Kind::kText;
  return text ? &body->nodes[0].text : nullptr;
}

Result<std::string> TemplateSet::execute(std::string_view name, const Value& data,
                                         const ExecuteLimits& limits) const {
  return Executor(*this, nullptr, limits).run(name, data);
}

Result<std::string> TemplateSet::execute(std::string_view name, const Value& data,
                                         const Functions& own, const ExecuteLimits& limits) const {
  return Executor(*this, &own, limits).run(name, data);
}

Result<std::string> TemplateSet::execute_html(std::string_view name, const Value& data,
                                              const Functions& own,
                                              const ExecuteLimits& limits) const {
  Executor executor(*this, &own, limits);
  executor.escape_html();
  return executor.run(name, data);
}

}  // namespace strata::templates
