#include "templates/node.h"

namespace strata::templates {

std::string Operand::text() const {
  std::string out;
  switch (kind) {
    case Kind::kDot: out = "."; break;
    case Kind::kNil:
    case Kind::kConstant: out = source; break;
    case Kind::kField: break;
    case Kind::kVariable:
    case Kind::kFunction: out = name; break;
    case Kind::kPipe: out = "(" + pipe->text() + ")"; break;
  }
  for (const std::string& field : fields) {
    if (out != ".") out += '.';
    out += field;
  }
  return out;
}

std::string Command::text() const {
  std::string out;
  for (const Operand& operand : operands) {
    if (!out.empty()) out += ' ';
    out += operand.text();
  }
  return out;
}

std::string Pipe::text() const {
  std::string out;
  for (const std::string& variable : variables) {
    if (!out.empty()) out += ", ";
    out += variable;
  }
  if (!out.empty()) out += assigns ? " = " : " := ";
  for (size_t i = 0; i < commands.size(); ++i) {
    if (i > 0) out += " | ";
    out += commands[i].text();
  }
  return out;
}

}  // namespace strata::templates
