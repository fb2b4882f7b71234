// Reads eval commands.
#include "base/number.h"
#include "model/duration.h"
#include "promql/promqltest_eval.h"
#include "promql/quote.h"

namespace strata::promql {
namespace {

constexpr std::string_view kBlank = " \t";

// Cuts the first word off `rest`.
std::string_view take_word(std::string_view& rest) {
  const size_t begin = std::min(rest.find_first_not_of(kBlank), rest.size());
  rest.remove_prefix(begin);
  const size_t end = std::min(rest.find_first_of(kBlank), rest.size());
  const std::string_view word = rest.substr(0, end);
  rest.remove_prefix(end);
  rest.remove_prefix(std::min(rest.find_first_not_of(kBlank), rest.size()));
  return word;
}

bool accept_word(std::string_view& rest, std::string_view word) {
  std::string_view after = rest;
  if (take_word(after) != word) return false;
  rest = after;
  return true;
}

Result<TimestampMs> take_time(std::string_view& rest, std::string_view keyword) {
  if (!accept_word(rest, keyword)) {
    return bad_data(fmt::format("expected {} and a duration", quoted(keyword)));
  }
  return (TRY(parse_duration(take_word(rest)))).count();
}

Result<> take_range(std::string_view& rest, EvalCommand& command) {
  command.start = TRY(take_time(rest, "from"));
  command.end = TRY(take_time(rest, "to"));
  command.step = Millis(TRY(take_time(rest, "step")));
  return {};
}

// eval_fail and the like are the old spelling of expect lines.
Result<> add_old_modifier(std::string_view word, EvalCommand& command) {
  using enum EvalCommand::Expect;
  constexpr std::pair<std::string_view, EvalCommand::Expect> kModifiers[] = {
      {"eval_fail", kFail}, {"eval_warn", kWarn}, {"eval_info", kInfo}, {"eval_ordered", kOrdered}};
  if (word == "eval") return {};
  for (const auto& [name, what] : kModifiers) {
    if (word != name) continue;
    command.expectations[static_cast<size_t>(what)].push_back({});
    return {};
  }
  return bad_data(fmt::format("unknown command {}", quoted(word)));
}

Result<> add_expectation(std::string_view rest, EvalCommand& command) {
  constexpr std::string_view kNames[] = {"ordered", "fail", "warn", "no_warn", "info", "no_info"};
  if (rest.starts_with("range vector")) {
    take_word(rest), take_word(rest);
    TRY(take_range(rest, command));
    command.at = command.end;
    command.is_range_vector = true;
    return {};
  }
  const std::string_view word = take_word(rest);
  if (word == "string") {
    command.text = TRY(unquote(rest));
    return {};
  }
  for (size_t i = 0; i < EvalCommand::kExpectations; ++i) {
    if (word != kNames[i]) continue;
    EvalCommand::Text text;
    text.is_regex = rest.starts_with("regex:");
    if (text.is_regex || rest.starts_with("msg:")) {
      rest.remove_prefix(rest.find(':') + 1);
      rest.remove_prefix(std::min(rest.find_first_not_of(kBlank), rest.size()));
      text.text = rest;
    }
    command.expectations[i].push_back(std::move(text));
    return {};
  }
  return bad_data(fmt::format("unknown expectation {}", quoted(word)));
}

Result<EvalCommand> parse_head(std::string_view line) {
  EvalCommand command;
  std::string_view rest = line;
  TRY(add_old_modifier(take_word(rest), command));
  const std::string_view kind = take_word(rest);
  if (kind == "range") {
    command.is_range = true;
    TRY(take_range(rest, command));
  } else if (kind == "instant") {
    std::string_view after = rest;
    if (take_word(after) == "at") command.at = TRY(take_time(rest, "at"));
    command.start = command.end = command.at;
  } else {
    return bad_data("expected \"eval instant\" or \"eval range\"");
  }
  command.query = rest;
  return command;
}

}  // namespace

Result<EvalCommand> parse_eval(const std::vector<std::string>& lines, size_t at, size_t& used) {
  EvalCommand command = TRY(parse_head(lines[at]));
  command.line = static_cast<int>(at) + 1;
  used = 1;
  size_t position = 0;
  for (; at + used < lines.size() && !lines[at + used].empty(); ++used) {
    std::string_view line = lines[at + used];
    if (accept_word(line, "expect")) {
      TRY(add_expectation(line, command));
    } else if (line.starts_with("expected_fail_message ")) {
      take_word(line);
      command.expectations[static_cast<size_t>(EvalCommand::Expect::kFail)] = {
          {false, std::string(line)}};
    } else if (line.starts_with("expected_fail_regexp ")) {
      take_word(line);
      command.expectations[static_cast<size_t>(EvalCommand::Expect::kFail)] = {
          {true, std::string(line)}};
    } else if (const auto number = parse_double(line)) {
      command.scalar = *number;
    } else {
      SeriesDescription series = TRY(parse_series_description(line));
      command.series[series.labels] = {++position, std::move(series.values)};
    }
  }
  return command;
}

}  // namespace strata::promql
