#include "app/rule_commands.h"

#include <algorithm>
#include <cstdio>
#include <thread>
#include <utility>

#include "api/call.h"
#include "base/rfc3339.h"
#include "app/flags.h"
#include "base/json.h"
#include "base/log.h"
#include "config/load.h"
#include "lint/lint.h"
#include "rules/replay.h"
#include "rules/unit_test_file.h"
#include "tsdb/db.h"

namespace strata::app {
namespace {

int failed(const Error& error) {
  fmt::print(stderr, "strata: {}\n", error.message);
  return 1;
}

Result<promql::EngineOptions> engine_of(const std::string& features) {
  FlagValues values = default_flag_values();
  values["enable-feature"] = features;
  return engine_options(TRY(serve_options(values)));
}

std::string indented(std::string_view text) {
  std::string out = "    ";
  for (const char c : text) {
    out += c;
    if (c == '\n') out += "    ";
  }
  return out;
}

size_t count_rules(const rules::RuleFile& file) {
  size_t count = 0;
  for (const auto& group : file.groups) count += group.rules.size();
  return count;
}

// `--lint rules.yml` means all of lint for that file, not a lint of that name.
CheckRulesCommand with_lint_named(CheckRulesCommand command) {
  constexpr std::string_view kLints[] = {"duplicate-rules", "queries", "all", "none"};
  if (std::ranges::find(kLints, command.lint) != std::end(kLints)) return command;
  command.files.insert(command.files.begin(), std::exchange(command.lint, "all"));
  return command;
}

}  // namespace

int check_rules(const CheckRulesCommand& asked) {
  const auto command = with_lint_named(asked);
  if (command.files.empty()) {
    fmt::print(stderr, "files is required\n");
    return 2;
  }
  const auto engine = engine_of(command.features);
  if (!engine) return failed(engine.error());
  const rules::RuleFileOptions options{.names = config::NameValidation::kUtf8,
                                       .syntax = engine->syntax,
                                       .ignore_unknown_fields = command.ignore_unknown_fields};
  bool good = true;
  bool linted = false;
  for (const std::string& path : command.files) {
    fmt::print("Checking {}\n", path);
    const auto text = real_fs().read_file(path);
    if (!text) {
      fmt::print(stderr, "  FAILED: {}\n", text.error().message);
      good = false;
      continue;
    }
    const auto problems = rules::problems_of(*text, path, options);
    for (const std::string& problem : problems) fmt::print(stderr, "  FAILED: {}\n", problem);
    if (!problems.empty()) {
      good = false;
      continue;
    }
    auto file = rules::parse_rule_file(*text, path, options);
    if (!file) return failed(file.error());
    for (const std::string& warning : file->warnings) fmt::print("  warning: {}\n", warning);
    fmt::print("  SUCCESS: {} rules found\n", count_rules(*file));
    if (command.lint == "none") continue;
    if (command.lint == "all" || command.lint == "queries") {
      const auto found = lint::lint_rules(*text, path, catalog::Catalog::builtin());
      if (!found) return failed(found.error());
      for (const auto& finding : *found) fmt::print("  {}\n", finding.to_string());
      linted = linted || !found->empty();
      if (command.lint == "queries") continue;
    }
    const auto duplicates = rules::duplicate_rules({std::move(*file)});
    if (duplicates.empty()) continue;
    linted = true;
    fmt::print("  {} rules stand there twice, with the same labels:\n", duplicates.size());
    for (const std::string& rule : duplicates) fmt::print("    {}\n", rule);
  }
  if (!good) return 1;
  return linted && command.lint_fatal ? 3 : 0;
}

int test_rules(const TestRulesCommand& command) {
  configure_logging(LogLevel::kError, LogFormat::kLogfmt);
  auto engine = engine_of(command.features);
  if (!engine) return failed(engine.error());
  rules::UnitTestOptions options;
  options.engine = *engine;
  options.ignore_unknown_fields = command.ignore_unknown_fields;
  for (const std::string& pattern : command.run) {
    auto regex = Regex::compile(pattern);
    if (!regex) return failed(regex.error());
    options.names.push_back(std::move(*regex));
  }
  bool good = true;
  for (const std::string& path : command.files) {
    fmt::print("Unit testing {}\n", path);
    const auto report = rules::run_unit_tests(path, real_fs(), options);
    if (!report) {
      fmt::print("  FAILED:\n{}\n", indented(report.error().message));
      good = false;
      continue;
    }
    for (const std::string& warning : report->warnings) fmt::print("  warning: {}\n", warning);
    if (report->failures.empty()) {
      fmt::print("  SUCCESS: {} tests\n", report->tests);
      continue;
    }
    good = false;
    fmt::print("  FAILED:\n");
    for (const std::string& failure : report->failures) fmt::print("{}\n\n", indented(failure));
  }
  return good ? 0 : 1;
}

namespace {

void print_json(const rules::ReplayReport& report) {
  std::string out;
  JsonWriter json(out);
  json.begin_array();
  for (const rules::Episode& episode : report.episodes) {
    json.begin_object();
    json.key("alert").string(episode.alert);
    json.key("labels").begin_object();
    for (const Label& label : episode.labels) json.key(label.name).string(label.value);
    json.end_object().key("annotations").begin_object();
    for (const auto& [name, value] : episode.annotations) json.key(name).string(value);
    json.end_object();
    json.key("activeAt").string(rfc3339(episode.active_at));
    json.key("firedAt").string(rfc3339(episode.fired_at));
    if (episode.ended_at != 0) json.key("endedAt").string(rfc3339(episode.ended_at));
    if (episode.without_data) json.key("endedWithoutData").boolean(true);
    json.end_object();
  }
  json.end_array();
  fmt::print("{}\n", out);
}

void print_table(const rules::ReplayReport& report) {
  for (const rules::Episode& episode : report.episodes) {
    const std::string end =
        episode.ended_at == 0
            ? "still fired"
            : fmt::format("for {}{}", format_duration(Millis(episode.ended_at - episode.fired_at)),
                          episode.without_data ? ", until its series was gone" : "");
    fmt::print("{}  {}  {}\n", rfc3339(episode.fired_at), episode.labels.to_string(), end);
    for (const auto& [name, value] : episode.annotations) fmt::print("    {}: {}\n", name, value);
  }
  fmt::print("{} alerts fired, {} waited and did not fire; {} iterations\n", report.episodes.size(),
             report.pending_only, report.iterations);
}

Result<int> run_replay(const ReplayCommand& command) {
  const auto engine_options = TRY(engine_of(command.features));
  auto files =
      TRY(rules::load_rule_files({command.file}, real_fs(),
                                 rules::RuleFileOptions{.names = config::NameValidation::kUtf8,
                                                        .syntax = engine_options.syntax,
                                                        .ignore_unknown_fields = false}));
  if (files.empty()) {
    return fail(ErrorCode::kNotFound, fmt::format("no file matches {}", command.file));
  }
  if (!real_fs().exists(command.store + "/blocks")) {
    return fail(ErrorCode::kNotFound, fmt::format("{} is no store of Strata", command.store));
  }
  tsdb::Options options;
  options.path = command.store;
  options.retention_time = Millis(0);
  const auto db = TRY(tsdb::Db::open(options, real_fs(), real_clock()));
  const auto stats = db->stats();
  TimeRange range{0, stats.head_max_time};
  for (const auto& block : stats.blocks) range.max = std::max(range.max, block.max_time);
  if (!command.to.empty()) range.max = TRY(api::parse_time(command.to));
  range.min = command.from.empty() ? range.max - 86'400'000 : TRY(api::parse_time(command.from));
  rules::RuleSettings settings;
  settings.evaluation_interval = TRY(parse_duration(command.interval));
  if (settings.evaluation_interval.count() == 0) return bad_data("--interval must be positive");
  ThreadPool pool("work", std::max(1u, std::thread::hardware_concurrency()));
  const promql::Engine engine(engine_options, &pool);
  const auto report = TRY(rules::replay(files, settings, *db, engine, range));
  if (command.json)
    print_json(report);
  else
    print_table(report);
  if (report.failures > 0) {
    fmt::print(stderr, "warning: {} evaluations failed; the first: {}\n", report.failures,
               report.first_failure);
  }
  return 0;
}

}  // namespace

int replay_rules(const ReplayCommand& command) {
  configure_logging(LogLevel::kError, LogFormat::kLogfmt);
  const auto code = run_replay(command);
  return code ? *code : failed(code.error());
}

}  // namespace strata::app
