#include "promql/promqltest.h"

#include <algorithm>

#include "promql/memory_source.h"
#include "promql/promqltest_eval.h"
#include "promql/promqltest_load.h"
#include "promql/quote.h"

namespace strata::promql {
namespace {

constexpr std::string_view kBlank = " \t\r";

std::string_view trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

// A line that starts with # counts as empty, so it ends a block.
std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = trimmed(text.substr(0, end));
    lines.emplace_back(line.starts_with('#') ? std::string_view() : line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::string_view name_of(TestClass test_class) {
  switch (test_class) {
    case TestClass::kFloat: return "float";
    case TestClass::kHistogram: return "histogram";
    case TestClass::kExperimental: return "experimental";
  }
  return "unknown";
}

class TestRun {
 public:
  TestRun(std::string_view text, const TestOptions& options)
      : options_(options), engine_(options.engine, options.pool), lines_(lines_of(text)) {}

  Result<TestReport> run() {
    while (at_ < lines_.size()) {
      const int line = static_cast<int>(at_) + 1;
      if (auto done = run_command(); !done) {
        return std::unexpected(done.error().within(fmt::format("line {}", line)));
      }
    }
    return std::move(report_);
  }

 private:
  Result<> run_command() {
    const std::string& line = lines_[at_];
    if (line.empty()) {
      ++at_;
      return {};
    }
    if (line == "clear") {
      source_.clear();
      ++at_;
      return {};
    }
    if (line.starts_with("load")) return run_load(line);
    if (line.starts_with("eval")) return run_eval_command();
    return bad_data(fmt::format("unknown command {}", quoted(line)));
  }

  Result<> run_load(std::string_view line) {
    constexpr std::string_view kWithNhcb = "load_with_nhcb ";
    const bool with_nhcb = line.starts_with(kWithNhcb);
    const std::string_view step =
        trimmed(line.substr(with_nhcb ? kWithNhcb.size() : std::string_view("load").size()));
    TestLoad load(TRY(parse_duration(step)), with_nhcb);
    for (++at_; at_ < lines_.size() && !lines_[at_].empty(); ++at_) {
      TRY(load.add_line(lines_[at_]));
    }
    return load.append_to(source_);
  }

  Result<> run_eval_command() {
    size_t used = 0;
    const EvalCommand command = TRY(parse_eval(lines_, at_, used));
    at_ += used;
    TestCount& count = report_.by_class[static_cast<size_t>(class_of(command, source_))];
    ++count.total;
    std::string problem = run_eval(command, engine_, source_, options_.variants, report_.queries);
    if (problem.empty()) {
      ++count.passed;
    } else {
      report_.failures.push_back({command.line, command.query, std::move(problem)});
    }
    return {};
  }

  const TestOptions& options_;
  const Engine engine_;
  const std::vector<std::string> lines_;
  size_t at_ = 0;
  MemorySource source_;
  TestReport report_;
};

}  // namespace

TestOptions TestOptions::conformance() {
  TestOptions options;
  options.engine.syntax = ParserOptions::everything();
  options.engine.delayed_name_removal = true;
  options.engine.use_start_timestamps = true;
  return options;
}

TestCount TestReport::all() const {
  TestCount sum;
  for (const TestCount& count : by_class) {
    sum.passed += count.passed;
    sum.total += count.total;
  }
  return sum;
}

std::string TestReport::classes() const {
  std::string out;
  for (size_t i = 0; i < kTestClasses; ++i) {
    if (by_class[i].total == 0) continue;
    out += fmt::format("{}{} {}/{}", out.empty() ? "" : ", ", name_of(static_cast<TestClass>(i)),
                       by_class[i].passed, by_class[i].total);
  }
  return out;
}

void TestReport::add(const TestReport& other) {
  for (size_t i = 0; i < kTestClasses; ++i) {
    by_class[i].passed += other.by_class[i].passed;
    by_class[i].total += other.by_class[i].total;
  }
  queries += other.queries;
  failures.insert(failures.end(), other.failures.begin(), other.failures.end());
}

Result<TestReport> run_test(std::string_view text, const TestOptions& options) {
  return TestRun(text, options).run();
}

}  // namespace strata::promql
