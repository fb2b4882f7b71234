// Where in an HTML document the output stands, so that a value is written as its place needs it:
// in text and attributes as entities, in a link as a URL without script. What Go's html/template
// finds out before it runs is followed here while the output grows.
//
// One per execution; not thread-safe.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "templates/value.h"

namespace strata::templates {

/// Text that an author called HTML (safeHtml) or a URL (safeUrl): is not made safe once more.
class SafeText final : public Object {
 public:
  enum class Kind : uint8_t { kHtml, kUrl };
  SafeText(Kind kind, std::string text) : kind_(kind), text_(std::move(text)) {}
  Result<Value> member(std::string_view name, std::span<const Value> arguments) const override;
  std::string text() const override { return text_; }
  std::string_view type_name() const override;
  Kind kind() const { return kind_; }

 private:
  const Kind kind_;
  const std::string text_;
};

class HtmlContext {
 public:
  /// The author's own HTML: what of it is output (comments are not), and where it leads.
  std::string text(std::string_view html);
  /// A value at this place. `last_function`: the one that made it; what urlquery made is encoded
  /// already. Error: kExecution within a script, where no escaping is safe enough.
  Result<std::string> value(const Value& value, std::string_view last_function);

 private:
  enum class State : uint8_t {
    kText,
    kComment,
    kTagName,
    kTag,
    kAttributeName,
    kBeforeValue,
    kDoubleQuoted,
    kSingleQuoted,
    kUnquoted,
    kRaw,  // in an element whose content is no HTML
  };
  enum class Attribute : uint8_t { kPlain, kUrl, kStyle, kScript };
  enum class UrlPart : uint8_t { kBegin, kPath, kQuery };

  size_t step(std::string_view rest);
  void end_tag();
  void begin_value(State state);
  void note_value(std::string_view written);
  std::string in_url(std::string text, bool encoded) const;

  State state_ = State::kText;
  Attribute attribute_ = Attribute::kPlain;
  UrlPart url_part_ = UrlPart::kBegin;
  std::string tag_;   // lower case; begins with '/' at an end tag
  std::string name_;  // of the attribute, lower case
};

}  // namespace strata::templates
