// Go's text/template, as rule files and notification templates use it: actions with pipelines,
// variables, if/else, range, with, define, template, block, break and continue, comparisons, printf
// with Go's verbs, trimming. What an author sees is what Go would print, errors included.
//
//   auto set = TemplateSet(functions());
//   TRY(set.parse("page", "{{ .Labels.instance }} is down"));
//   std::string text = TRY(set.execute("page", data));
//
// A set is filled by one thread; afterwards any number may execute it. Execution is bounded
// (ExecuteLimits): a template that runs away ends in an error, never in a stuck rule. It has no way
// out but the functions that it is given.
#pragma once
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "templates/value.h"

namespace strata::templates {

/// Error: its message is what Go puts behind "error calling NAME: ".
using Function = std::function<Result<Value>(std::span<const Value> arguments)>;

struct FunctionEntry {
  Function call;
  /// How many arguments: at least `least`, at most `most`. Another number is an error in Go's
  /// words.
  size_t least = 0;
  size_t most = SIZE_MAX;
};
using Functions = std::map<std::string, FunctionEntry, std::less<>>;

struct ExecuteLimits {
  size_t max_output = 1 << 20;   // bytes of output, and of any text a function makes
  size_t max_steps = 1'000'000;  // nodes and function calls
  int max_depth = 100;           // templates within templates
};

/// What the text may be nested.
inline constexpr int kMaxParseDepth = 100;

struct Node;

class TemplateSet {
 public:
  /// Functions on top of Go's own (and, or, not, len, index, slice, print, printf, println, eq, ne,
  /// lt, le, gt, ge, html, js, urlquery, call).
  explicit TemplateSet(std::shared_ptr<const Functions> functions);
  /// On top of `base`, which outlives this and is not changed meanwhile: has its templates too, and
  /// hides those that it defines itself.
  explicit TemplateSet(const TemplateSet& base);
  ~TemplateSet();
  TemplateSet(TemplateSet&&) noexcept;
  TemplateSet& operator=(TemplateSet&&) noexcept;

  /// Adds template `name`, and those that `text` defines; a later one of a name replaces the
  /// earlier, unless it is empty. Error: kBadData, "template: NAME:LINE: …" in Go's words; then the
  /// set is as it was.
  Result<> parse(std::string_view name, std::string_view text);

  /// Error: kExecution, "template: NAME:LINE:COLUMN: executing "NAME" at <…>: …" in Go's words;
  /// kLimit when a limit was reached.
  Result<std::string> execute(std::string_view name, const Value& data,
                              const ExecuteLimits& limits = {}) const;
  /// As execute(), with functions that hide those of the set: what belongs to one execution, as the
  /// time at which `query` asks. The set must have them too, for parsing.
  Result<std::string> execute(std::string_view name, const Value& data, const Functions& own,
                              const ExecuteLimits& limits = {}) const;

  /// As execute(), as HTML: values are written as their place needs it (html_context.h).
  Result<std::string> execute_html(std::string_view name, const Value& data, const Functions& own,
                                   const ExecuteLimits& limits = {}) const;

  bool has(std::string_view name) const;
  /// The text when the template is nothing but text, so that it need not be executed; else null.
  const std::string* constant(std::string_view name) const;

  struct Body;  // one template; private to the module
  const Body* find(std::string_view name) const;
  const Functions& functions() const { return *functions_; }

 private:
  std::shared_ptr<const Functions> functions_;
  const TemplateSet* base_ = nullptr;
  std::map<std::string, std::unique_ptr<Body>, std::less<>> bodies_;
};

}  // namespace strata::templates
