// The tree of a parsed template, as Go's text/template has it. Plain data; read-only after parsing,
// so any number of threads may execute it. Private to the module.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "templates/value.h"

namespace strata::templates {

struct Pipe;

/// One operand of a command.
struct Operand {
  enum class Kind : uint8_t { kDot, kNil, kConstant, kField, kVariable, kFunction, kPipe };
  Kind kind = Kind::kDot;
  uint32_t position = 0;  // in the template's text
  std::string name;       // of a variable ("$" included) or a function
  /// Names after the operand: `.a.b`, `$x.a`, `(pipe).a`.
  std::vector<std::string> fields;
  Value constant;
  std::string source;  // of a constant: as it was written
  std::shared_ptr<const Pipe> pipe;

  /// As Go prints the node in error messages.
  std::string text() const;
};

struct Command {
  uint32_t position = 0;
  std::vector<Operand> operands;  // at least one
  std::string text() const;
};

struct Pipe {
  uint32_t position = 0;
  std::vector<std::string> variables;  // declared or assigned, one or two
  bool assigns = false;                // = and not :=
  std::vector<Command> commands;       // none for a bare `break` and the like
  std::string text() const;
};

struct Node {
  enum class Kind : uint8_t {
    kText,
    kAction,
    kIf,
    kRange,
    kWith,
    kTemplate,
    kBreak,
    kContinue,
  };
  Kind kind = Kind::kText;
  uint32_t position = 0;
  std::string text;  // of kText; the name of kTemplate
  Pipe pipe;         // no commands: kTemplate without an argument
  std::vector<Node> body;
  std::vector<Node> otherwise;  // after else
};

}  // namespace strata::templates
