#include "model/matcher.h"

#include "base/json.h"

namespace strata {

Result<Matcher> Matcher::make(Op op, std::string name, std::string value) {
  Matcher matcher;
  matcher.op_ = op;
  matcher.name_ = std::move(name);
  matcher.value_ = std::move(value);
  if (op == Op::kRegex || op == Op::kNotRegex) {
    matcher.regex_ = TRY(Regex::compile(matcher.value_));
  }
  matcher.matches_empty_ = matcher.matches(std::string_view());
  return matcher;
}

Matcher Matcher::equal(std::string name, std::string value) {
  return *make(Op::kEqual, std::move(name), std::move(value));
}

bool Matcher::matches(std::string_view value) const {
  switch (op_) {
    case Op::kEqual: return value == value_;
    case Op::kNotEqual: return value != value_;
    case Op::kRegex: return regex_->full_match(value);
    case Op::kNotRegex: return !regex_->full_match(value);
  }
  return false;
}

std::string Matcher::to_string() const {
  static constexpr std::string_view kOps[] = {"=", "!=", "=~", "!~"};
  std::string out;
  if (is_classic_label_name(name_)) {
    out = name_;
  } else {
    append_json_string(out, name_);
  }
  out.append(kOps[static_cast<size_t>(op_)]);
  append_json_string(out, value_);
  return out;
}

}  // namespace strata
