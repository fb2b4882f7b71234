#include "templates/parser.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/number.h"
#include "base/quote.h"
#include "templates/lexer.h"

namespace strata::templates {
namespace {

constexpr std::string_view kKeywords[] = {"block", "break", "continue", "define",   "else", "end",
                                          "if",    "nil",   "range",    "template", "with"};

bool is_keyword(const Token& token) {
  return token.kind == TokenKind::kIdentifier &&
         std::ranges::find(kKeywords, token.text) != std::end(kKeywords);
}

Node text_node(const Token& token) {
  Node node;
  node.position = token.position;
  node.text = std::string(token.text);
  return node;
}

class Parser {
 public:
  Parser(std::string_view name, std::string_view text, const Functions& known)
      : name_(name), text_(text), known_(known), lexer_(text) {}

  Result<ParsedText> run();

 private:
  enum class Ends : uint8_t { kEnd, kElse };
  struct Else {
    Ends how = Ends::kEnd;
    std::string_view chained;  // "if" or "with" behind else
    uint32_t position = 0;
  };

  std::unexpected<Error> error(std::string message) const;
  std::unexpected<Error> unexpected(const Token& token, std::string_view context) const;
  Result<Token> next();
  Result<Token> next_non_space();
  void back(Token token) { pending_.push_back(token); }
  Result<Token> peek_non_space();

  Result<> define();
  Result<> list_until_end(std::vector<Node>& out, Else& end);
  Result<bool> action(std::vector<Node>& out, Else& end);
  Result<Node> control(Node::Kind kind, uint32_t position, std::string_view context);
  Result<Node> call_template();
  Result<Node> block();
  Result<Else> else_clause(uint32_t position);
  Result<> expect_close(std::string_view context);
  Result<std::string> template_name(std::string_view context);

  Result<Pipe> pipeline(std::string_view context, bool in_parentheses);
  Result<> declarations(Pipe& pipe, std::string_view context);
  Result<Command> command();
  Result<Operand> term(const Token& token);
  Result<Value> constant(const Token& token) const;
  Result<> add_template(std::string name, std::vector<Node> nodes);
  bool is_declared(std::string_view variable) const {
    return std::ranges::find(variables_, variable) != variables_.end();
  }

  const std::string name_;
  const std::string_view text_;
  const Functions& known_;
  Lexer lexer_;
  std::vector<Token> pending_;  // given back, the last first
  std::vector<std::string> variables_;
  ParsedText parsed_;
  size_t position_ = 0;  // of the last token, for errors
  int depth_ = 0;
  int range_depth_ = 0;
};

std::unexpected<Error> Parser::error(std::string message) const {
  const auto line = 1 + std::ranges::count(text_.substr(0, position_), '\n');
  return bad_data(fmt::format("template: {}:{}: {}", name_, line, message));
}

std::unexpected<Error> Parser::unexpected(const Token& token, std::string_view context) const {
  if (token.kind == TokenKind::kEnd) return error("unexpected EOF");
  std::string what = quoted(token.text.substr(0, 10));
  if (token.text.size() > 10) what += "...";
  if (is_keyword(token)) what = fmt::format("<{}>", token.text);
  return error(fmt::format("unexpected {} in {}", what, context));
}

Result<Token> Parser::next() {
  if (!pending_.empty()) {
    const Token token = pending_.back();
    pending_.pop_back();
    position_ = token.position;
    return token;
  }
  auto token = lexer_.next();
  if (!token) return error(token.error().message);
  position_ = token->position;
  return *token;
}

Result<Token> Parser::next_non_space() {
  Token token = TRY(next());
  while (token.kind == TokenKind::kSpace) token = TRY(next());
  return token;
}

Result<Token> Parser::peek_non_space() {
  const Token token = TRY(next_non_space());
  back(token);
  return token;
}

Result<ParsedText> Parser::run() {
  std::vector<Node> top;
  variables_.assign(1, "$");
  while (true) {
    const Token token = TRY(next());
    if (token.kind == TokenKind::kEnd) break;
    if (token.kind == TokenKind::kText) {
      top.push_back(text_node(token));
      continue;
    }
    const Token word = TRY(next_non_space());
    if (word.kind == TokenKind::kIdentifier && word.text == "define") {
      TRY(define());
      continue;
    }
    back(word);
    Else end;
    if (TRY(action(top, end))) {
      return error(fmt::format("unexpected {{{{{}}}}}", end.how == Ends::kEnd ? "end" : "else"));
    }
  }
  TRY(add_template(name_, std::move(top)));
  return std::move(parsed_);
}

// A definition that is empty does not replace one that is not.
Result<> Parser::add_template(std::string name, std::vector<Node> nodes) {
  const bool empty = std::ranges::all_of(nodes, [](const Node& node) {
    return node.kind == Node::Kind::kText &&
           node.text.find_first_not_of(" \t\r\n") == std::string::npos;
  });
  const auto found = parsed_.templates.find(name);
  if (found == parsed_.templates.end()) {
    parsed_.templates.emplace(std::move(name), std::move(nodes));
    return {};
  }
  if (empty) return {};
  if (!found->second.empty()) {
    return error(fmt::format("template: multiple definition of template {:?}", name));
  }
  found->second = std::move(nodes);
  return {};
}

Result<std::string> Parser::template_name(std::string_view context) {
  const Token token = TRY(next_non_space());
  if (token.kind != TokenKind::kString) return unexpected(token, context);
  auto name = unquote(token.text);
  if (!name) return error(name.error().message);
  return *name;
}

Result<> Parser::expect_close(std::string_view context) {
  const Token token = TRY(next_non_space());
  if (token.kind != TokenKind::kClose) return unexpected(token, context);
  return {};
}

Result<> Parser::define() {
  const std::string name = TRY(template_name("define clause"));
  TRY(expect_close("define clause"));
  auto outer = std::exchange(variables_, {"$"});
  const int ranges = std::exchange(range_depth_, 0);
  std::vector<Node> nodes;
  Else end;
  TRY(list_until_end(nodes, end));
  variables_ = std::move(outer);
  range_depth_ = ranges;
  if (end.how != Ends::kEnd) return error("unexpected {{else}} in define clause");
  return add_template(name, std::move(nodes));
}

Result<> Parser::list_until_end(std::vector<Node>& out, Else& end) {
  if (++depth_ > kMaxParseDepth) return error("nested too deeply");
  while (true) {
    const Token token = TRY(next());
    if (token.kind == TokenKind::kEnd) return error("unexpected EOF");
    if (token.kind == TokenKind::kText) {
      out.push_back(text_node(token));
      continue;
    }
    if (TRY(action(out, end))) break;
  }
  --depth_;
  return {};
}

// One {{…}}, its {{ is read; true when it was an end or an else.
Result<bool> Parser::action(std::vector<Node>& out, Else& end) {
  const Token token = TRY(next_non_space());
  if (token.kind == TokenKind::kIdentifier) {
    const std::string_view word = token.text;
    if (word == "end") {
      TRY(expect_close("end"));
      end = {};
      return true;
    }
    if (word == "else") {
      end = TRY(else_clause(token.position));
      return true;
    }
    if (word == "if" || word == "range" || word == "with") {
      const auto kind = word == "if"      ? Node::Kind::kIf
                        : word == "range" ? Node::Kind::kRange
                                          : Node::Kind::kWith;
      out.push_back(TRY(control(kind, token.position, word)));
      return false;
    }
    if (word == "template") {
      out.push_back(TRY(call_template()));
      return false;
    }
    if (word == "block") {
      out.push_back(TRY(block()));
      return false;
    }
    if (word == "define") return unexpected(token, "command");
    if (word == "break" || word == "continue") {
      const Token close = TRY(next_non_space());
      if (close.kind != TokenKind::kClose)
        return unexpected(close, fmt::format("{{{{{}}}}}", word));
      if (range_depth_ == 0) return error(fmt::format("{{{{{}}}}} outside {{{{range}}}}", word));
      Node node;
      node.kind = word == "break" ? Node::Kind::kBreak : Node::Kind::kContinue;
      node.position = token.position;
      out.push_back(std::move(node));
      return false;
    }
  }
  back(token);
  Node node;
  node.kind = Node::Kind::kAction;
  node.position = token.position;
  node.pipe = TRY(pipeline("command", false));
  out.push_back(std::move(node));
  return false;
}

Result<Parser::Else> Parser::else_clause(uint32_t position) {
  const Token token = TRY(next_non_space());
  if (token.kind == TokenKind::kIdentifier && (token.text == "if" || token.text == "with")) {
    return Else{Ends::kElse, token.text, token.position};
  }
  if (token.kind != TokenKind::kClose) return unexpected(token, "else");
  return Else{Ends::kElse, {}, position};
}

Result<Node> Parser::control(Node::Kind kind, uint32_t position, std::string_view context) {
  if (++depth_ > kMaxParseDepth) return error("nested too deeply");
  Node node;
  node.kind = kind;
  node.position = position;
  const size_t scope = variables_.size();
  node.pipe = TRY(pipeline(context, false));
  if (kind == Node::Kind::kRange) ++range_depth_;
  Else end;
  TRY(list_until_end(node.body, end));
  if (kind == Node::Kind::kRange) --range_depth_;
  if (end.how == Ends::kElse && !end.chained.empty()) {
    if (end.chained != context) {
      return error(fmt::format("unexpected <{}> in else", end.chained));
    }
    node.otherwise.push_back(TRY(control(kind, end.position, context)));
  } else if (end.how == Ends::kElse) {
    TRY(list_until_end(node.otherwise, end));
    if (end.how != Ends::kEnd) return error("expected end; found {{else}}");
  }
  variables_.resize(scope);
  --depth_;
  return node;
}

Result<Node> Parser::call_template() {
  Node node;
  node.kind = Node::Kind::kTemplate;
  node.text = TRY(template_name("template clause"));
  node.position = static_cast<uint32_t>(position_);  // of the name, as in Go
  const Token token = TRY(next_non_space());
  if (token.kind == TokenKind::kClose) return node;
  back(token);
  node.pipe = TRY(pipeline("template clause", false));
  return node;
}

Result<Node> Parser::block() {
  Node node = TRY(call_template());
  auto outer = std::exchange(variables_, {"$"});
  std::vector<Node> nodes;
  Else end;
  TRY(list_until_end(nodes, end));
  variables_ = std::move(outer);
  if (end.how != Ends::kEnd) return error("unexpected {{else}} in block clause");
  TRY(add_template(node.text, std::move(nodes)));
  return node;
}

// `$x :=`, `$x =`, `$i, $x :=`; anything else is left to be read again.
Result<> Parser::declarations(Pipe& pipe, std::string_view context) {
  const Token variable = TRY(next_non_space());
  if (variable.kind != TokenKind::kVariable) {
    back(variable);
    return {};
  }
  const Token after = TRY(next());
  const Token sign = after.kind == TokenKind::kSpace ? TRY(next_non_space()) : after;
  if (sign.kind == TokenKind::kOther && (sign.text == ":=" || sign.text == "=")) {
    pipe.variables.emplace_back(variable.text);
    pipe.assigns = sign.text == "=";
    if (pipe.assigns) {
      if (!is_declared(variable.text)) {
        return error(fmt::format("undefined variable {:?}", variable.text));
      }
    } else {
      variables_.emplace_back(variable.text);
    }
    return {};
  }
  if (sign.kind == TokenKind::kOther && sign.text == "," && context == "range" &&
      pipe.variables.empty()) {
    const Token second = TRY(peek_non_space());
    if (second.kind != TokenKind::kVariable) return unexpected(second, "range");
    pipe.variables.emplace_back(variable.text);
    variables_.emplace_back(variable.text);
    TRY(declarations(pipe, "second of range"));
    if (pipe.variables.size() != 2) return error("range can only initialize variables");
    return {};
  }
  back(sign);
  if (after.kind == TokenKind::kSpace) back(after);
  back(variable);
  return {};
}

Result<Pipe> Parser::pipeline(std::string_view context, bool in_parentheses) {
  if (++depth_ > kMaxParseDepth) return error("nested too deeply");
  Pipe pipe;
  pipe.position = TRY(peek_non_space())
  .position;
  if (!in_parentheses) TRY(declarations(pipe, context));
  while (true) {
    const Token token = TRY(next_non_space());
    const bool closes = in_parentheses ? token.kind == TokenKind::kOther && token.text == ")"
                                       : token.kind == TokenKind::kClose;
    if (closes) {
      if (pipe.commands.empty()) return error(fmt::format("missing value for {}", context));
      break;
    }
    if (token.kind == TokenKind::kOther && token.text == "|" && !pipe.commands.empty()) {
      const Token following = TRY(peek_non_space());
      const bool ends = following.kind == TokenKind::kClose || following.kind == TokenKind::kOther;
      if (ends && following.text != "(") return error(fmt::format("missing value for {}", context));
      continue;
    }
    back(token);
    pipe.commands.push_back(TRY(command()));
  }
  for (size_t i = 1; i < pipe.commands.size(); ++i) {
    const Operand& first = pipe.commands[i].operands[0];
    const bool callable = first.kind == Operand::Kind::kFunction ||
                          first.kind == Operand::Kind::kField ||
                          first.kind == Operand::Kind::kVariable || !first.fields.empty();
    if (!callable && first.kind != Operand::Kind::kPipe) {
      return error(fmt::format("non executable command in pipeline stage {}", i + 1));
    }
  }
  --depth_;
  return pipe;
}

// Operands up to a |, a ) or the end; those are left to be read again.
Result<Command> Parser::command() {
  Command command;
  command.position = TRY(peek_non_space())
  .position;
  while (true) {
    const Token token = TRY(next_non_space());
    const bool ends = token.kind == TokenKind::kClose ||
                      (token.kind == TokenKind::kOther && (token.text == "|" || token.text == ")"));
    if (ends) {
      back(token);
      break;
    }
    Operand operand = TRY(term(token));
    // Fields right behind it: (pipe).Field, $x.Field.
    bool chained = false;
    while (true) {
      const Token field = TRY(next());
      if (field.kind != TokenKind::kField) {
        back(field);
        break;
      }
      if (operand.kind == Operand::Kind::kConstant || operand.kind == Operand::Kind::kNil) {
        return error(fmt::format("unexpected . after term {:?}", operand.source));
      }
      // Go places a chain where its fields begin.
      if (!chained) operand.position = field.position;
      chained = true;
      operand.fields.emplace_back(field.text.substr(1));
    }
    command.operands.push_back(std::move(operand));
    const Token after = TRY(next());
    const bool separated =
        after.kind == TokenKind::kSpace || after.kind == TokenKind::kClose ||
        (after.kind == TokenKind::kOther && (after.text == "|" || after.text == ")"));
    if (!separated) return unexpected(after, "operand");
    back(after);
  }
  if (command.operands.empty()) return error("empty command");
  return command;
}

Result<Operand> Parser::term(const Token& token) {
  Operand operand;
  operand.position = token.position;
  switch (token.kind) {
    case TokenKind::kIdentifier:
      if (token.text == "true" || token.text == "false") {
        operand.kind = Operand::Kind::kConstant;
        operand.constant = token.text == "true";
        operand.source = std::string(token.text);
        return operand;
      }
      if (token.text == "nil") {
        operand.kind = Operand::Kind::kNil;
        operand.source = "nil";
        return operand;
      }
      if (is_keyword(token)) return unexpected(token, "operand");
      if (!is_builtin(token.text) && !known_.contains(token.text)) {
        return error(fmt::format("function {:?} not defined", token.text));
      }
      operand.kind = Operand::Kind::kFunction;
      operand.name = std::string(token.text);
      return operand;
    case TokenKind::kDot: operand.kind = Operand::Kind::kDot; return operand;
    case TokenKind::kField:
      operand.kind = Operand::Kind::kField;
      operand.fields.emplace_back(token.text.substr(1));
      return operand;
    case TokenKind::kVariable:
      if (!is_declared(token.text)) {
        return error(fmt::format("undefined variable {:?}", token.text));
      }
      operand.kind = Operand::Kind::kVariable;
      operand.name = std::string(token.text);
      return operand;
    case TokenKind::kString:
    case TokenKind::kChar:
    case TokenKind::kNumber:
      operand.kind = Operand::Kind::kConstant;
      operand.constant = TRY(constant(token));
      operand.source = std::string(token.text);
      return operand;
    case TokenKind::kOther:
      if (token.text == "(") {
        operand.kind = Operand::Kind::kPipe;
        operand.pipe = std::make_shared<const Pipe>(TRY(pipeline("parenthesized pipeline", true)));
        return operand;
      }
      return unexpected(token, "operand");
    case TokenKind::kEnd:
    case TokenKind::kText:
    case TokenKind::kOpen:
    case TokenKind::kClose:
    case TokenKind::kSpace: break;
  }
  return unexpected(token, "operand");
}

// The code point that a character constant's text is.
int64_t code_point(std::string_view utf8) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(utf8[i]); };
  if (utf8.empty()) return 0;
  if (utf8.size() == 1) return byte(0);
  int64_t rune = byte(0) & (0xff >> (utf8.size() + 1));
  for (size_t i = 1; i < utf8.size(); ++i) rune = rune << 6 | (byte(i) & 0x3f);
  return rune;
}

Result<Value> Parser::constant(const Token& token) const {
  if (token.kind != TokenKind::kNumber) {
    auto text = unquote(token.text);
    if (!text) return error(text.error().message);
    if (token.kind == TokenKind::kString) return Value(std::move(*text));
    return Value(code_point(*text));
  }
  std::string digits;
  std::ranges::copy_if(token.text, std::back_inserter(digits), [](char c) { return c != '_'; });
  std::string_view rest = digits;
  const bool negative = rest.starts_with('-');
  if (negative || rest.starts_with('+')) rest.remove_prefix(1);
  int base = 10;
  if (rest.size() > 1 && rest[0] == '0') {
    const char mark = static_cast<char>(rest[1] | 0x20);
    base = mark == 'x' ? 16 : mark == 'b' ? 2 : 8;
    if (base != 8 || mark == 'o') rest.remove_prefix(2);
  }
  uint64_t magnitude = 0;
  const auto [end, code] = std::from_chars(rest.data(), rest.data() + rest.size(), magnitude, base);
  if (!rest.empty() && code == std::errc{} && end == rest.data() + rest.size() &&
      magnitude <= static_cast<uint64_t>(INT64_MAX)) {
    const auto value = static_cast<int64_t>(magnitude);
    return Value(negative ? -value : value);
  }
  const auto value = parse_double(digits);
  const char first = rest.empty() ? '\0' : rest[0];
  const bool numeric = (first >= '0' && first <= '9') || first == '.';
  if (!value || !numeric || std::isinf(*value)) {
    return error(fmt::format("bad number syntax: {:?}", token.text));
  }
  // A float that is an integer may stand where one is wanted; in Go as here it prints as a float.
  return Value(*value);
}

}  // namespace

Result<ParsedText> parse_template(std::string_view name, std::string_view text,
                                  const Functions& known) {
  return Parser(name, text, known).run();
}

std::string place(std::string_view parse_name, std::string_view source, size_t position) {
  const std::string_view before = source.substr(0, position);
  const size_t newline = before.rfind('\n');
  const size_t column = newline == std::string_view::npos ? position : position - newline - 1;
  return fmt::format("{}:{}:{}", parse_name, 1 + std::ranges::count(before, '\n'), column);
}

}  // namespace strata::templates
