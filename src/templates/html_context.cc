#include "templates/html_context.h"

#include <algorithm>
#include <array>

#include "templates/builtins.h"
#include "templates/go_format.h"

namespace strata::templates {
namespace {

// What stands for a value that must not stand where it is, as in Go.
constexpr std::string_view kRefused = "ZgotmplZ";

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f'; }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 0x20) : c; }
bool is_alphanumeric(char c) {
  return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9');
}

// Also '+', which old browsers took for a blank or a charset's shift.
std::string entities(std::string_view text, bool unquoted) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '\0': out += "\xef\xbf\xbd"; break;
      case '"': out += "&#34;"; break;
      case '&': out += "&amp;"; break;
      case '\'': out += "&#39;"; break;
      case '+': out += "&#43;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      default:
        if (unquoted && (is_blank(c) || c == '=' || c == '`')) {
          out += fmt::format("&#{};", static_cast<int>(c));
        } else {
          out += c;
        }
    }
  }
  return out;
}

// A scheme that may do harm is refused: only http, https, mailto, and what has no scheme.
bool harmless_url(std::string_view url) {
  const size_t colon = url.find(':');
  if (colon == std::string_view::npos || url.substr(0, colon).contains('/')) return true;
  std::string scheme(url.substr(0, colon));
  std::ranges::transform(scheme, scheme.begin(), lower);
  return scheme == "http" || scheme == "https" || scheme == "mailto";
}

// Percent-encodes what may not stand in a URL; within a query, also what has a meaning there.
std::string url_encoded(std::string_view text, bool component) {
  constexpr std::string_view kAlways = "-._~";
  constexpr std::string_view kUrl = "!#$&*+,/:;=?@[]%";
  std::string out;
  for (const char c : text) {
    if (is_alphanumeric(c) || kAlways.contains(c) || (!component && kUrl.contains(c))) {
      out += c;
    } else {
      out += fmt::format("%{:02x}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

}  // namespace

Result<Value> SafeText::member(std::string_view, std::span<const Value>) const {
  return fail(ErrorCode::kNotFound, "");
}

std::string_view SafeText::type_name() const {
  return kind_ == Kind::kHtml ? "template.HTML" : "template.URL";
}

std::string HtmlContext::text(std::string_view html) {
  constexpr std::string_view kOpen = "<!--";
  constexpr std::string_view kClose = "-->";
  std::string out;
  while (!html.empty()) {
    if (state_ == State::kText && html.starts_with(kOpen)) {
      state_ = State::kComment;
      html.remove_prefix(kOpen.size());
    }
    if (state_ == State::kComment) {
      const size_t end = html.find(kClose);
      if (end == std::string_view::npos) break;
      html.remove_prefix(end + kClose.size());
      state_ = State::kText;
      continue;
    }
    const size_t length = step(html);
    out += html.substr(0, length);
    html.remove_prefix(length);
  }
  return out;
}

void HtmlContext::end_tag() {
  const bool raw = tag_ == "script" || tag_ == "style";
  state_ = raw ? State::kRaw : State::kText;
}

void HtmlContext::begin_value(State state) {
  static constexpr std::array kUrls = {
      std::string_view("action"), std::string_view("background"), std::string_view("cite"),
      std::string_view("data"),   std::string_view("formaction"), std::string_view("href"),
      std::string_view("icon"),   std::string_view("longdesc"),   std::string_view("manifest"),
      std::string_view("poster"), std::string_view("profile"),    std::string_view("src"),
      std::string_view("usemap"), std::string_view("xmlns")};
  state_ = state;
  url_part_ = UrlPart::kBegin;
  const std::string_view local = std::string_view(name_).substr(name_.find(':') + 1);
  if (std::ranges::find(kUrls, local) != kUrls.end() || name_.starts_with("xmlns")) {
    attribute_ = Attribute::kUrl;
  } else if (name_ == "style") {
    attribute_ = Attribute::kStyle;
  } else {
    const bool script = name_.starts_with("on") || name_ == "srcdoc";
    attribute_ = script ? Attribute::kScript : Attribute::kPlain;
  }
}

void HtmlContext::note_value(std::string_view written) {
  if (written.empty()) return;
  if (written.contains('?') || written.contains('#')) {
    url_part_ = UrlPart::kQuery;
  } else if (url_part_ == UrlPart::kBegin) {
    url_part_ = UrlPart::kPath;
  }
}

// One step through the author's HTML; how many bytes it took, at least one.
size_t HtmlContext::step(std::string_view rest) {
  const char c = rest[0];
  switch (state_) {
    case State::kText:
      if (c == '<' && rest.size() > 1 && (is_alphanumeric(rest[1]) || rest[1] == '/')) {
        tag_.clear();
        state_ = State::kTagName;
      }
      return 1;
    case State::kComment: return 1;  // text() leaves it out
    case State::kTagName:
      if (c == '>') return end_tag(), 1;
      if (is_blank(c))
        state_ = State::kTag;
      else
        tag_ += lower(c);
      return 1;
    case State::kTag:
      if (c == '>') return end_tag(), 1;
      if (!is_blank(c) && c != '/') {
        name_.assign(1, lower(c));
        state_ = State::kAttributeName;
      }
      return 1;
    case State::kAttributeName:
      if (c == '>') return end_tag(), 1;
      if (c == '=')
        state_ = State::kBeforeValue;
      else if (is_blank(c))
        state_ = State::kTag;
      else
        name_ += lower(c);
      return 1;
    case State::kBeforeValue:
      if (c == '>') return end_tag(), 1;
      if (c == '"' || c == '\'') {
        begin_value(c == '"' ? State::kDoubleQuoted : State::kSingleQuoted);
      } else if (!is_blank(c)) {
        begin_value(State::kUnquoted);
        note_value(rest.substr(0, 1));
      }
      return 1;
    case State::kDoubleQuoted:
    case State::kSingleQuoted:
      if (c == (state_ == State::kDoubleQuoted ? '"' : '\''))
        state_ = State::kTag;
      else
        note_value(rest.substr(0, 1));
      return 1;
    case State::kUnquoted:
      if (c == '>') return end_tag(), 1;
      if (is_blank(c))
        state_ = State::kTag;
      else
        note_value(rest.substr(0, 1));
      return 1;
    case State::kRaw: {
      const std::string close = "</" + tag_;
      const bool ends = rest.size() >= close.size() &&
                        std::ranges::equal(rest.substr(0, close.size()), close, {}, lower);
      if (ends) {
        tag_.insert(0, 1, '/');
        state_ = State::kTag;
        return close.size();
      }
      return 1;
    }
  }
  return 1;
}

std::string HtmlContext::in_url(std::string text, bool encoded) const {
  if (url_part_ == UrlPart::kQuery) return encoded ? text : url_encoded(text, true);
  if (url_part_ == UrlPart::kBegin && !harmless_url(text)) return '#' + std::string(kRefused);
  return url_encoded(text, false);
}

Result<std::string> HtmlContext::value(const Value& value, std::string_view last_function) {
  std::string text = value.is_nil() ? std::string() : text_of(value);
  const auto* object = value.as<Value::ObjectPtr>();
  const auto* safe = object == nullptr ? nullptr : dynamic_cast<const SafeText*>(object->get());
  const bool html = safe != nullptr && safe->kind() == SafeText::Kind::kHtml;
  switch (state_) {
    case State::kText:
      // What `html` made is as safe as what is made here, and would be made twice.
      return html || last_function == "html" ? std::move(text) : entities(text, false);
    case State::kComment: return std::string();
    case State::kTagName:
    case State::kTag:
    case State::kAttributeName: {
      const bool word = !text.empty() && std::ranges::all_of(text, is_alphanumeric);
      return word ? text : std::string(kRefused);
    }
    case State::kBeforeValue: begin_value(State::kUnquoted); break;
    case State::kDoubleQuoted:
    case State::kSingleQuoted:
    case State::kUnquoted: break;
    case State::kRaw:
      return fail(ErrorCode::kExecution,
                  fmt::format("a value cannot stand within <{}>: no escaping makes it safe", tag_));
  }
  if (attribute_ == Attribute::kScript) {
    return fail(ErrorCode::kExecution,
                fmt::format("a value cannot stand in the attribute {}: it is a script", name_));
  }
  if (attribute_ == Attribute::kUrl) {
    const bool url = safe != nullptr && safe->kind() == SafeText::Kind::kUrl;
    if (!url) text = in_url(std::move(text), last_function == "urlquery");
    note_value(text);
  } else if (attribute_ == Attribute::kStyle) {
    const bool plain = std::ranges::all_of(
        text, [](char c) { return is_alphanumeric(c) || std::string_view("#%., -_").contains(c); });
    if (!plain) text = kRefused;
  }
  return entities(text, state_ == State::kUnquoted);
}

}  // namespace strata::templates
