// Template text to trees. Private to the module.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "templates/node.h"
#include "templates/template.h"

namespace strata::templates {

/// One template, and the text that its positions count in.
struct TemplateSet::Body {
  std::string parse_name;  // of the text that it stood in
  std::shared_ptr<const std::string> source;
  std::vector<Node> nodes;
};

struct ParsedText {
  std::map<std::string, std::vector<Node>, std::less<>> templates;
};

/// The template in `text`, under `name`, and those it defines. Error: kBadData, as
/// TemplateSet::parse() says. `known` are the functions that may be called.
Result<ParsedText> parse_template(std::string_view name, std::string_view text,
                                  const Functions& known);

/// Line and column of a position, as Go counts them: the column in bytes, the first line's from 0,
/// the others' from 0 as well.
std::string place(std::string_view parse_name, std::string_view source, size_t position);

/// Whether Go's own functions have it; they are called by name.
bool is_builtin(std::string_view name);

}  // namespace strata::templates
