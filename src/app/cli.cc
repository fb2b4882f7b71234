// The one file that knows CLI11.
#include "app/cli.h"

#include <CLI/CLI.hpp>
#include <cstdio>

#include "app/commands.h"

namespace strata::app {
namespace {

constexpr std::string_view kAbout =
    "Strata watches large-model inference: it scrapes, stores and queries metrics of GPUs, engines "
    "and applications.";

// Adds the table's flags; values end in `values`.
void add_serve_flags(CLI::App& command, FlagValues& values) {
  for (const auto& flag : serve_flags()) {
    auto& value = values.find(flag.name)->second;
    std::string names = "--" + std::string(flag.name);
    if (!flag.alias.empty()) names += ",--" + std::string(flag.alias);
    CLI::Option* option = nullptr;
    if (flag.value_name.empty()) {
      option = command.add_flag(names, value, std::string(flag.help));
    } else {
      option = command.add_option(names, value, std::string(flag.help));
      option->option_text(flag.default_value.empty()
                              ? std::string(flag.value_name)
                              : fmt::format("{} [{}]", flag.value_name, flag.default_value));
    }
    option->take_last();
  }
}

void add_query_options(CLI::App& command, QueryCommand& query) {
  command.add_option("expr", query.expr, "PromQL expression")->required();
  command.add_option("--url", query.url, "The server to ask")
      ->option_text("URL [" + query.url + "]");
  command.add_option("-o,--output", query.output, "table, json or csv")
      ->transform(CLI::CheckedTransformer(
          std::map<std::string, OutputFormat>{{"table", OutputFormat::kTable},
                                              {"json", OutputFormat::kJson},
                                              {"csv", OutputFormat::kCsv}}))
      ->option_text("FORMAT [table]");
}

}  // namespace

int run(int argc, char** argv) {
  CLI::App app(std::string(kAbout), "strata");
  app.require_subcommand(1);
  app.get_formatter()->column_width(36);
  app.set_version_flag("--version", [] { return print_version(), std::string(); });

  FlagValues flags = default_flag_values();
  auto* serve_command = app.add_subcommand("serve", "Run the server");
  add_serve_flags(*serve_command, flags);

  auto* check = app.add_subcommand("check", "Check files before they are used");
  check->require_subcommand(1);
  auto* check_config_command = check->add_subcommand("config", "Check a prometheus.yml");
  std::string config_path;
  check_config_command->add_option("file", config_path, "The file to check")->required();

  QueryCommand query;
  auto* query_command = app.add_subcommand("query", "Ask a running server");
  query_command->require_subcommand(1);
  auto* instant = query_command->add_subcommand("instant", "A value at one time");
  add_query_options(*instant, query);
  instant->add_option("--time", query.time, "Unix seconds or RFC 3339; now when not given");
  auto* range = query_command->add_subcommand("range", "Values over a range of time");
  add_query_options(*range, query);
  range->add_option("--start", query.start, "Unix seconds or RFC 3339; an hour before the end");
  range->add_option("--end", query.end, "Unix seconds or RFC 3339; now when not given");
  range->add_option("--step", query.step, "Seconds or a duration; 250 points when not given");

  auto* test = app.add_subcommand("test", "Run tests that people write in text files");
  test->require_subcommand(1);
  auto* test_promql_command =
      test->add_subcommand("promql", "Run .test files: series, queries and their answers");
  std::vector<std::string> test_paths;
  test_promql_command->add_option("files", test_paths, "The files to run")->required();

  auto* hash = app.add_subcommand("hash-password", "Hash a password for web.yml");

  auto* version = app.add_subcommand("version", "Print version and build");
  // For ./dev docs; of no use to a person, so it is not in the help.
  auto* flags_doc = app.add_subcommand("flags-doc")->group("");

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);  // prints help, or the error and where to find help
    return code == 0 ? 0 : 2;
  }
  if (serve_command->parsed()) return serve(flags);
  if (check_config_command->parsed()) return check_config(config_path);
  if (instant->parsed()) return query_instant(query);
  if (range->parsed()) return query_range(query);
  if (test_promql_command->parsed()) return test_promql(test_paths);
  if (hash->parsed()) return hash_password();
  if (version->parsed()) return print_version();
  if (flags_doc->parsed()) return fmt::print("{}", flags_markdown()), 0;
  return 2;
}

}  // namespace strata::app
