// The one file that knows CLI11.
#include "app/cli.h"

#include <CLI/CLI.hpp>
#include <cstdio>

#include "app/backup_commands.h"
#include "app/catalog_commands.h"
#include "app/commands.h"
#include "app/dashboard_commands.h"
#include "app/gateway_commands.h"
#include "app/lint_commands.h"
#include "app/oncall_commands.h"
#include "app/rule_commands.h"
#include "app/sim_command.h"
#include "app/tsdb_commands.h"

namespace strata::app {
namespace {

constexpr std::string_view kAbout =
    "Strata watches large-model inference: it scrapes, stores and queries metrics of GPUs, engines "
    "and applications.";

// Adds a table's flags; values end in `values`.
void add_flags(CLI::App& command, std::span<const Flag> flags, FlagValues& values) {
  for (const auto& flag : flags) {
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

// The host collectors' tables give flags as node_exporter spells them.
void add_agent_flags(CLI::App& command, AgentFlags& flags) {
  add_flags(command, agent_flags(), flags.values);
  for (const auto& info : collect::host_collectors()) {
    const std::string name(info.name);
    const auto change = [&flags, name](bool on) {
      return [&flags, name, on](int64_t) { flags.collectors.emplace_back(name, on); };
    };
    const std::string state = info.on_by_default ? " (on)" : " (off)";
    command.add_flag("--collector." + name, change(true), std::string(info.summary) + state)
        ->group("Host collectors");
    command.add_flag("--no-collector." + name, change(false), "")->group("");  // said below
  }
  for (const auto& setting : collect::host_settings()) {
    const std::string name(setting.name);
    command
        .add_option_function<std::string>(
            "--collector." + name,
            [&flags, name](const std::string& value) { flags.settings.emplace_back(name, value); },
            std::string(setting.summary))
        ->option_text(setting.default_value.empty() ? "VALUE"
                                                    : fmt::format("[{}]", setting.default_value))
        ->group("Settings of host collectors");
  }
  command.footer("--no-collector.NAME turns a host collector off.");
}

void add_query_options(CLI::App& command, QueryCommand& query) {
  command.add_option("expr", query.expr, "PromQL expression")->required();
  command.add_option("--url", query.url, "The server to ask")
      ->option_text("URL [" + query.url + "]");
  command.add_option("-o,--output", query.output, "table, json, csv or plot")
      ->transform(CLI::CheckedTransformer(
          std::map<std::string, OutputFormat>{{"table", OutputFormat::kTable},
                                              {"json", OutputFormat::kJson},
                                              {"csv", OutputFormat::kCsv},
                                              {"plot", OutputFormat::kPlot}}))
      ->option_text("FORMAT [table]");
}

// Commands on a store's directory: import, export, tsdb.
struct StoreCommands {
  std::string store = kDefaultStore;
  std::string dir;
  std::vector<std::string> files;
  ExportCommand exported;
  size_t limit = 20;
  CLI::App* import_prometheus = nullptr;
  CLI::App* import_text = nullptr;
  CLI::App* export_prometheus = nullptr;
  CLI::App* list = nullptr;
  CLI::App* analyze = nullptr;
  CLI::App* verify = nullptr;
  CLI::App* repair = nullptr;
  CLI::App* bench = nullptr;
  std::string bench_dir = ".";
  CLI::App* cardinality = nullptr;
  std::string url = "http://127.0.0.1:9090";

  void add_to(CLI::App& app);
  /// The exit code when one of them was given.
  std::optional<int> run() const;
};

void StoreCommands::add_to(CLI::App& app) {
  const auto add_store = [](CLI::App* command, std::string& path) {
    command->add_option("--storage.path,--storage.tsdb.path", path, "Where the store is")
        ->option_text(fmt::format("DIR [{}]", kDefaultStore));
  };
  auto* import = app.add_subcommand("import", "Bring data into a store that no server runs on");
  import->require_subcommand(1);
  import_prometheus = import->add_subcommand("prometheus-blocks", "Blocks of Prometheus");
  import_prometheus->add_option("dir", dir, "A block, or a data directory")->required();
  add_store(import_prometheus, store);
  import_text = import->add_subcommand("text", "OpenMetrics or text format with timestamps");
  import_text->add_option("files", files, "The files to read")->required();
  add_store(import_text, store);

  auto* exporting = app.add_subcommand("export", "Take data out of a store");
  exporting->require_subcommand(1);
  export_prometheus = exporting->add_subcommand("prometheus-blocks",
                                                "As blocks that Prometheus, Thanos and Mimir read");
  export_prometheus->add_option("--out", exported.out, "Where the blocks go")->required();
  export_prometheus->add_option("--min-time", exported.min_time, "Unix seconds or RFC 3339");
  export_prometheus->add_option("--max-time", exported.max_time, "Unix seconds or RFC 3339");
  export_prometheus->add_option("--match", exported.match, "A selector; all series when not given");
  add_store(export_prometheus, exported.store);

  auto* tsdb = app.add_subcommand("tsdb", "Look at a store's directory");
  tsdb->require_subcommand(1);
  list = tsdb->add_subcommand("list", "The blocks, with their times and sizes");
  analyze = tsdb->add_subcommand("analyze", "Which metrics and labels the series are made of");
  analyze->add_option("--limit", limit, "Lines a list")->option_text("N [20]");
  verify = tsdb->add_subcommand("verify", "Check every checksum, decode every tile");
  repair = tsdb->add_subcommand("repair", "Save what can be saved; no server may run on it");
  bench = tsdb->add_subcommand("bench", "How fast a store is on this machine and disk");
  bench->add_option("dir", bench_dir, "Where to write, some hundred MB")->option_text("DIR [.]");
  for (auto* command : {list, analyze, verify, repair}) {
    command->add_option("dir", store, "Where the store is")
        ->option_text(fmt::format("DIR [{}]", kDefaultStore));
  }
  cardinality = tsdb->add_subcommand(
      "cardinality", "Ask a running server what its series are and which labels grow");
  cardinality->add_option("--limit", limit, "Lines a list")->option_text("N [20]");
  cardinality->add_option("--url", url, "The server to ask")->option_text("URL [" + url + "]");
}

std::optional<int> StoreCommands::run() const {
  if (import_prometheus->parsed()) return app::import_prometheus(dir, store);
  if (import_text->parsed()) return app::import_text(files, store);
  if (export_prometheus->parsed()) return app::export_prometheus(exported);
  if (list->parsed()) return tsdb_list(store);
  if (analyze->parsed()) return tsdb_analyze(store, limit);
  if (verify->parsed()) return tsdb_verify(store);
  if (repair->parsed()) return tsdb_repair(store);
  if (bench->parsed()) return tsdb_bench(bench_dir);
  if (cardinality->parsed()) return tsdb_cardinality(url, limit);
  return std::nullopt;
}

// Commands on the catalog of engines' metrics.
struct CatalogCommands {
  std::vector<std::string> names;
  std::vector<std::string> files;
  std::string kind;
  CLI::App* explain = nullptr;
  CLI::App* list = nullptr;
  CLI::App* check = nullptr;
  CLI::App* doc = nullptr;

  void add_to(CLI::App& app);
  /// The exit code when one of them was given.
  std::optional<int> run() const;
};

void CatalogCommands::add_to(CLI::App& app) {
  auto* catalog = app.add_subcommand("catalog", "What engines and exporters call things");
  catalog->require_subcommand(1);
  explain = catalog->add_subcommand("explain", "What is known of a metric's name");
  explain->add_option("names", names, "Raw or canonical names")->required();
  list = catalog->add_subcommand("list", "The engines and exporters, or the metrics of one");
  list->add_option("kind", kind, "vllm, dcgm-exporter, …, or canonical");
  check = catalog->add_subcommand("check", "Check catalog files of one's own");
  check->add_option("files", files, "YAML files; none: what is built in");
  doc = catalog->add_subcommand("doc")->group("");  // for ./dev docs
}

std::optional<int> CatalogCommands::run() const {
  if (explain->parsed()) return catalog_explain(names);
  if (list->parsed()) return catalog_list(kind);
  if (check->parsed()) return catalog_check(files);
  if (doc->parsed()) return catalog_doc();
  return std::nullopt;
}

// Commands on rules: check rules, test rules, rules replay.
struct RuleCommands {
  CheckRulesCommand checked;
  TestRulesCommand tested;
  ReplayCommand replayed;
  CLI::App* check = nullptr;
  CLI::App* test = nullptr;
  CLI::App* replay = nullptr;
  CLI::App* list = nullptr;
  CLI::App* show = nullptr;
  CLI::App* export_to = nullptr;
  std::string shown;
  std::string directory;

  void add_check(CLI::App& parent);
  void add_test(CLI::App& parent);
  void add_rules(CLI::App& app);
  void add_shipped(CLI::App& group);
  /// The exit code when one of them was given.
  std::optional<int> run() const;
};

constexpr auto kFeatures = "Prometheus' experimental features, as strata serve has them";

void RuleCommands::add_check(CLI::App& parent) {
  check = parent.add_subcommand("rules", "Check rule files");
  check->add_option("files", checked.files, "The files to check");
  check->add_flag("--ignore-unknown-fields", checked.ignore_unknown_fields,
                  "Leave out keys that Prometheus does not know");
  check
      ->add_option("--lint", checked.lint,
                   "duplicate-rules, queries, all or none; --lint alone is all")
      ->expected(0, 1)
      ->default_str("all")
      ->option_text("[NAME] [duplicate-rules]");
  check->add_flag("--lint-fatal", checked.lint_fatal, "What lint finds makes the exit code 3");
  check->add_option("--enable-feature", checked.features, kFeatures)->option_text("NAME,...");
}

void RuleCommands::add_test(CLI::App& parent) {
  test = parent.add_subcommand("rules", "Run unit tests of rules, in promtool's format");
  test->add_option("files", tested.files, "The files to run")->required();
  test->add_option("--run", tested.run, "Only tests whose name matches")->option_text("REGEX");
  test->add_flag("--ignore-unknown-fields", tested.ignore_unknown_fields,
                 "Leave out keys of rule files that Prometheus does not know");
  test->add_option("--enable-feature", tested.features, kFeatures)->option_text("NAME,...");
}

void RuleCommands::add_rules(CLI::App& app) {
  auto* group = app.add_subcommand("rules", "Try rules, and see those that come with Strata");
  group->require_subcommand(1);
  add_shipped(*group);
  replayed.store = kDefaultStore;
  replay = group->add_subcommand("replay", "Which alerts would have fired over stored history");
  replay->add_option("file", replayed.file, "A rule file, or a pattern of them")->required();
  replay->add_option("--from", replayed.from, "Unix seconds or RFC 3339; a day before the end");
  replay->add_option("--to", replayed.to, "Unix seconds or RFC 3339; the last sample");
  replay->add_option("--interval", replayed.interval, "Of groups that have none")
      ->option_text("DURATION [1m]");
  replay
      ->add_option("--storage.path,--storage.tsdb.path", replayed.store,
                   "Where the store is; no server runs on it")
      ->option_text(fmt::format("DIR [{}]", kDefaultStore));
  replay->add_option("--enable-feature", replayed.features, kFeatures)->option_text("NAME,...");
  replay->add_flag("--json", replayed.json, "Print JSON");
}

void RuleCommands::add_shipped(CLI::App& group) {
  list = group.add_subcommand("list", "The alerts that come with Strata");
  show = group.add_subcommand("show", "An alert's rules and runbook, or a file of rules");
  show->add_option("name", shown, "As list has it, or a file's name")->required();
  export_to = group.add_subcommand("export", "Write the rules and runbooks that come with Strata");
  export_to->add_option("dir", directory, "Where to; nothing is overwritten")->required();
}

std::optional<int> RuleCommands::run() const {
  if (list->parsed()) return list_shipped_rules();
  if (show->parsed()) return show_shipped_rule(shown);
  if (export_to->parsed()) return export_shipped_rules(directory);
  if (check->parsed()) return check_rules(checked);
  if (test->parsed()) return test_rules(tested);
  if (replay->parsed()) return replay_rules(replayed);
  return std::nullopt;
}

// strata dashboards list|export|push.
struct DashboardCli {
  DashboardCommands command;
  CLI::App* list = nullptr;
  CLI::App* export_to = nullptr;
  CLI::App* push = nullptr;

  void add_to(CLI::App& app);
  /// The exit code when one of them was given.
  std::optional<int> run() const;
};

void DashboardCli::add_to(CLI::App& app) {
  auto* group = app.add_subcommand("dashboards", "Dashboards of this binary, a server, a Grafana");
  group->require_subcommand(1);
  list = group->add_subcommand("list", "Which there are");
  list->add_flag("--json", command.json, "Print the server's JSON");
  export_to = group->add_subcommand("export", "Write them as files of Grafana's JSON");
  export_to->add_option("dir", command.directory, "Where to; nothing is overwritten")->required();
  export_to->add_option("uids", command.uids, "Which; all when none is named");
  for (auto* one : {list, export_to}) {
    one->add_option("--url", command.url, "A Strata's or a Grafana's; without it, the binary's");
  }
  push = group->add_subcommand("push", "Send files of Grafana's JSON to a Grafana or a Strata");
  push->add_option("files", command.files, "A dashboard each, or only its panels")->required();
  push->add_option("--url", command.url, "Where to: http://[user:password@]grafana:3000")
      ->required();
  push->add_option("--folder", command.folder, "Grafana's folder, by its uid");
  push->add_option("--message", command.message, "What changed");
  push->add_option("--datasource", command.data_source,
                   "The data source's uid, for files that ask for one (${DS_…})");
  push->add_flag("--overwrite", command.overwrite, "Also when somebody changed it meanwhile");
  for (auto* one : {list, export_to, push}) {
    one->add_option("--token-file", command.token_file,
                    "A file with a token of Grafana; $GRAFANA_TOKEN when not given");
  }
}

std::optional<int> DashboardCli::run() const {
  if (list->parsed()) return command.list();
  if (export_to->parsed()) return command.export_all();
  if (push->parsed()) return command.push();
  return std::nullopt;
}

// strata lint, strata check dashboard.
struct LintCommands {
  LintCommand command;
  CLI::App* lint = nullptr;
  CLI::App* dashboard = nullptr;
  CLI::App* doc = nullptr;

  void add_to(CLI::App& app, CLI::App& check);
  /// The exit code when one of them was given.
  std::optional<int> run() const;
};

void LintCommands::add_to(CLI::App& app, CLI::App& check) {
  lint = app.add_subcommand("lint", "Find mistakes in the queries of rules and dashboards");
  dashboard = check.add_subcommand("dashboard", "Find mistakes in a Grafana dashboard's queries");
  for (auto* one : {lint, dashboard}) {
    one->add_option("files", command.files, "Rule files, and dashboards as JSON")->required();
    one->add_flag("--notes", command.notes, "Also what is to be known of the metrics in use");
    one->add_option("--scrape-interval", command.scrape_interval, "Of the targets in question")
        ->option_text("DURATION [15s]");
  }
  doc = app.add_subcommand("lint-doc")->group("");  // for ./dev docs
}

std::optional<int> LintCommands::run() const {
  if (lint->parsed() || dashboard->parsed()) return lint_files(command);
  if (doc->parsed()) return lint_doc();
  return std::nullopt;
}

// The gateway and what goes with it: gateway, cost, mock-engine.
struct GatewayCommands {
  GatewayCommand served;
  MockEngineCommand mock;
  LedgerCommand ledger;
  LedgerReplayCommand replay;
  std::string key_file;
  std::string tenant;
  std::string prices;
  CLI::App* serve = nullptr;
  CLI::App* hash_keys = nullptr;
  CLI::App* ledger_export = nullptr;
  CLI::App* ledger_replay = nullptr;
  CLI::App* report = nullptr;
  CLI::App* import = nullptr;
  CLI::App* mock_engine = nullptr;

  void add_to(CLI::App& app);
  void add_cost(CLI::App& app);
  void add_mock_engine(CLI::App& app);
  /// The exit code when one of them was given.
  std::optional<int> run() const;
};

void add_ledger_range(CLI::App& command, LedgerCommand& ledger) {
  command.add_option("--ledger", ledger.directory, "gateway.ledger.path")
      ->option_text("DIR")
      ->required();
  command.add_option("--from", ledger.from, "Unix seconds, RFC 3339 or a day; the beginning");
  command.add_option("--to", ledger.to, "The same, not included; the end");
}

void add_ledger_options(CLI::App& command, LedgerCommand& ledger) {
  add_ledger_range(command, ledger);
  command.add_flag_callback("--csv", [&ledger] { ledger.format = RowFormat::kCsv; }, "Print CSV");
  command.add_flag_callback(
      "--json", [&ledger] { ledger.format = RowFormat::kJson; }, "Print a JSON object a line");
}

void GatewayCommands::add_to(CLI::App& app) {
  serve = app.add_subcommand("gateway",
                             "Stand in front of engines and meter what applications ask of them");
  serve->require_subcommand(0, 1);
  serve->add_option("--config,--strata.config", served.config, "The file with section gateway")
      ->option_text("FILE [strata.yml]");
  serve->add_option("--listen", served.listen, "In place of gateway.listen")
      ->option_text("HOST:PORT");
  serve->add_option("--web.listen-address", served.web_listen, "Where /metrics is")
      ->option_text("HOST:PORT [127.0.0.1:9401]");
  serve->add_option("--drain", served.drain, "How long requests under way may take at the end")
      ->option_text("DURATION [30s]");
  hash_keys = serve->add_subcommand("hash-keys", "API keys on standard input to lines of tenants");
  hash_keys->add_option("--hmac-key-file", key_file, "gateway.tenants.hmac_key_file")->required();
  hash_keys->add_option("--tenant", tenant, "Whose they are")->required();
  auto* book = serve->add_subcommand("ledger", "The rows of requests");
  book->require_subcommand(1);
  ledger_export = book->add_subcommand("export", "Print them");
  add_ledger_options(*ledger_export, ledger);
  ledger_replay = book->add_subcommand("replay", "Ask an engine again for what they were");
  add_ledger_range(*ledger_replay, replay.ledger);
  ledger_replay->add_option("--target", replay.target, "The engine, or a gateway")
      ->option_text("URL")
      ->required();
  ledger_replay->add_option("--speed", replay.speed, "Times as fast as it was; 0: as it goes")
      ->option_text("N [1]");
  ledger_replay->add_option("--model", replay.model, "In place of the rows'")->option_text("NAME");
  ledger_replay->add_option("--api-key-file", replay.api_key_file, "Holds the key to send")
      ->option_text("FILE");
  ledger_replay->add_flag("--ignore-eos", replay.ignore_eos,
                          "Have as many tokens made as there were (vLLM, SGLang, llama.cpp)");
  add_cost(app);
  add_mock_engine(app);
}

void GatewayCommands::add_cost(CLI::App& app) {
  auto* cost = app.add_subcommand("cost", "What requests cost");
  cost->require_subcommand(1);
  report = cost->add_subcommand("report", "Sums of a gateway's ledger");
  add_ledger_options(*report, ledger);
  report->add_option("--by", ledger.by, "Of tenant, model, endpoint, upstream, day, hour")
      ->option_text("KEY,... [tenant,model]");
  report
      ->add_option("--prices", ledger.price_files,
                   "Price the tokens with these files, in place of what was noted")
      ->option_text("FILE ...");
  import = cost->add_subcommand("import", "LiteLLM's price list as a file of prices");
  import->add_option("file", prices, "model_prices_and_context_window.json")->required();
}

void GatewayCommands::add_mock_engine(CLI::App& app) {
  mock_engine = app.add_subcommand(
      "mock-engine", "Play an OpenAI-compatible engine without a model, to try things against");
  mock_engine->add_option("--listen", mock.listen, "Where to listen")
      ->option_text("HOST:PORT [127.0.0.1:8000]");
  mock_engine->add_option("--model", mock.models, "Names of the models; may be repeated")
      ->option_text("NAME [mock]");
  mock_engine->add_option("--ttft", mock.ttft, "Time to the first token")
      ->option_text("DURATION [0s]");
  mock_engine->add_option("--itl", mock.itl, "Time between tokens")->option_text("DURATION [0s]");
  mock_engine->add_option("--tokens", mock.tokens, "Tokens of an answer, if max_tokens is not less")
      ->option_text("N [16]");
}

std::optional<int> GatewayCommands::run() const {
  if (hash_keys->parsed()) return gateway_hash_keys(key_file, tenant);
  if (ledger_export->parsed()) return app::ledger_export(ledger);
  if (ledger_replay->parsed()) return app::ledger_replay(replay);
  if (serve->parsed()) return gateway(served);
  if (report->parsed()) return cost_report(ledger);
  if (import->parsed()) return cost_import(prices);
  if (mock_engine->parsed()) return app::mock_engine(mock);
  return std::nullopt;
}

// strata backup and restore.
struct BackupCommands {
  BackupCommand made;
  RestoreCommand restored;
  CLI::App* backup = nullptr;
  CLI::App* restore = nullptr;

  void add_to(CLI::App& app);
  /// The exit code when one of them was given.
  std::optional<int> run() const;
};

void BackupCommands::add_to(CLI::App& app) {
  backup = app.add_subcommand("backup", "Copy everything: samples, alerts, dashboards, files");
  backup->add_option("dir", made.directory, "The backup: a directory that is made")->required();
  auto* url = backup->add_option("--url", made.url, "The server that runs on the data")
                  ->option_text("URL [http://127.0.0.1:9090]");
  auto* data = backup
                   ->add_option("--storage.path,--storage.tsdb.path", made.data_dir,
                                "The data, when no server runs on it")
                   ->option_text("DIR");
  url->excludes(data);
  auto& files = made.configuration;
  for (const auto& [name, value] : {std::pair{"--config.file", &files.prometheus},
                                    {"--strata.config", &files.strata},
                                    {"--alertmanager.config.file", &files.alertmanager},
                                    {"--web.config.file", &files.web}}) {
    backup->add_option(name, *value, "To be copied too, with what it names")
        ->option_text("FILE")
        ->needs(data);
  }

  restore = app.add_subcommand("restore", "Put a backup back, after comparing its checksums");
  restore->add_option("backup", restored.backup, "The backup's directory")->required();
  restored.data_dir = kDefaultStore;
  restore
      ->add_option("--storage.path,--storage.tsdb.path", restored.data_dir,
                   "Where the data goes: nothing may be there")
      ->option_text(fmt::format("DIR [{}]", kDefaultStore));
  restore
      ->add_option("--config-dir", restored.config_dir,
                   "Where the configuration goes; it stays in the backup when not given")
      ->option_text("DIR");
  restore->add_flag("--check", restored.check, "Only compare checksums");
}

std::optional<int> BackupCommands::run() const {
  if (restore->parsed()) return app::restore(restored);
  if (!backup->parsed()) return std::nullopt;
  BackupCommand command = made;
  if (command.url.empty() && command.data_dir.empty()) command.url = "http://127.0.0.1:9090";
  return app::backup(command);
}

// strata sim.
struct SimCommands {
  SimCommand command;
  CLI::App* sim = nullptr;
  CLI::App* doc = nullptr;

  void add_to(CLI::App& app);
  /// The exit code when one of them was given.
  std::optional<int> run() const;
};

void SimCommands::add_to(CLI::App& app) {
  auto& fleet = command.fleet;
  sim = app.add_subcommand("sim", "Simulate a fleet of GPU nodes and engines, to be scraped");
  sim->add_option("--nodes", fleet.nodes, "Machines")->option_text("N [4]");
  sim->add_option("--gpus", fleet.gpus, "GPUs a machine")->option_text("N [8]");
  sim->add_option("--gpu", fleet.gpu, "h100, h200, a100 or l40s")->option_text("NAME [h100]");
  sim->add_option("--engines", fleet.engines, "Engines of the whole fleet; two a machine")
      ->option_text("N");
  sim->add_option("--engine", fleet.engine, "vllm, vllm-0.7, sglang or mix")
      ->option_text("NAME [mix]");
  sim->add_option("--model", fleet.models, "Models, taken in turn; may be repeated")
      ->option_text("NAME [Llama-3.1-70B-Instruct]");
  sim->add_option("--rate", fleet.requests_per_second, "Requests a second of each engine")
      ->option_text("X [2]");
  sim->add_option("--daily", fleet.daily, "How much the rate swings over a day, 0 to 1")
      ->option_text("X [0]");
  sim->add_flag("--speculative", fleet.speculative, "Engines draft tokens ahead");
  sim->add_option("--listen", command.listen, "Where to listen")
      ->option_text("HOST:PORT [127.0.0.1:9500]");
  sim->add_option("--scenario", command.scenario_file, "What goes wrong when (docs/sim.md)")
      ->option_text("FILE");
  sim->add_option("--speed", command.speed, "Simulated seconds a second")->option_text("X [1]");
  sim->add_option("--seed", fleet.seed, "Of all dice")->option_text("N [1]");
  sim->add_flag("--list", command.list, "Print the faults that a scenario can have");
  sim->add_flag("--print-config", command.print_config, "Print a prometheus.yml for the fleet");
  doc = app.add_subcommand("sim-doc")->group("");  // for ./dev docs
}

std::optional<int> SimCommands::run() const {
  if (sim->parsed()) return simulate(command);
  if (doc->parsed()) return sim_doc();
  return std::nullopt;
}

// strata alerts, silence, incident, oncall.
struct OncallCli {
  OncallCommands command;
  std::vector<std::pair<CLI::App*, std::function<int()>>> actions;

  void add_to(CLI::App& app);
  /// The exit code when one of them was given.
  std::optional<int> run() const;

 private:
  CLI::App* add(CLI::App& parent, const char* name, const char* about, std::function<int()> action);
  void add_alerts(CLI::App& app);
  void add_incidents(CLI::App& app);
  void add_mock_phone(CLI::App& app);

  std::string phone_listen = "127.0.0.1:9600";
};

CLI::App* OncallCli::add(CLI::App& parent, const char* name, const char* about,
                         std::function<int()> action) {
  auto* one = parent.add_subcommand(name, about);
  one->add_option("--url", command.url, "The server to ask")
      ->option_text("URL [" + command.url + "]");
  one->add_option("--actor", command.actor, "Who acts; you, when not given")->option_text("NAME");
  one->add_flag("--json", command.json, "Print the server's JSON");
  actions.emplace_back(one, std::move(action));
  return one;
}

void OncallCli::add_alerts(CLI::App& app) {
  auto* alerts = app.add_subcommand("alerts", "The alerts that fire, and drills");
  alerts->require_subcommand(1);
  add(*alerts, "query", "The alerts that fire", [this] {
    return command.list_alerts();
  })->add_option("matchers", command.words, "name=value, name=~regex, …");
  auto* drill = add(*alerts, "drill", "Try a priority's calls on a receiver, and print each step",
                    [this] { return command.drill(); });
  drill->add_option("priority", command.priority, "P0 to P3")->required();
  drill->add_option("--receiver", command.receiver,
                    "That gets every call; strata.yml's drill_receiver when not given");

  auto* silence = app.add_subcommand("silence", "Silences, as amtool has them");
  silence->require_subcommand(1);
  auto* add_one = add(*silence, "add", "Silence alerts; prints the silence's id",
                      [this] { return command.add_silence(); });
  add_one->add_option("matchers", command.words, "name=value, …; a word alone: an alertname")
      ->required();
  add_one->add_option("-d,--duration", command.duration, "For how long")
      ->option_text("DURATION [1h]");
  add_one->add_option("-c,--comment", command.text, "Why")->required();
  add(*silence, "list", "Silences that are not over", [this] { return command.list_silences(); });
  add(*silence, "expire", "End one now", [this] { return command.expire_silence(); })
      ->add_option("id", command.id, "Its id")
      ->required();
}

void OncallCli::add_incidents(CLI::App& app) {
  auto* incident = app.add_subcommand("incident", "Incidents: who has what");
  incident->require_subcommand(1);
  add(*incident, "list", "Incidents", [this] { return command.list_incidents(); })
      ->add_option("--status", command.status, "active, open, acknowledged or resolved")
      ->option_text("STATUS [active]");
  const auto one = [&](const char* name, const char* about, std::function<int()> action) {
    auto* made = add(*incident, name, about, std::move(action));
    made->add_option("id", command.id, "Its number")->required();
    return made;
  };
  one("show", "One, with all that happened", [this] { return command.show_incident(); });
  one("ack", "You have it: nobody else is called", [this] { return command.act("acknowledge"); })
      ->add_option("--for", command.lasting, "How long; the policy's when not given")
      ->option_text("DURATION");
  one("note", "Write something down", [this] { return command.act("note"); })
      ->add_option("text", command.text, "What")
      ->required();
  one("unack", "You do not have it after all: the calls begin anew",
      [this] { return command.act("unacknowledge"); });
  one("assign", "Give it to somebody", [this] { return command.act("assign"); })
      ->add_option("owner", command.person, "A person of strata.yml, who is told; or any name")
      ->required();
  one("escalate", "Call the next now", [this] { return command.act("escalate"); });
  one("resolve", "It is over", [this] { return command.act("resolve"); });
}

void OncallCli::add_mock_phone(CLI::App& app) {
  auto* phone = app.add_subcommand(
      "mock-phone", "Play the phones and chats of receivers: print who is called for what");
  phone->add_option("--listen", phone_listen, "Where to listen")
      ->option_text("HOST:PORT [" + phone_listen + "]");
  actions.emplace_back(phone, [this] { return mock_phone(phone_listen); });
}

void OncallCli::add_to(CLI::App& app) {
  add_alerts(app);
  add_incidents(app);
  add_mock_phone(app);
  auto* oncall = app.add_subcommand("oncall", "Who is on call");
  oncall->require_subcommand(1);
  add(*oncall, "who", "Now and next, by schedule", [this] { return command.who(); });
  auto* schedule = add(*oncall, "schedule", "Who is on call from when to when",
                       [this] { return command.show_schedule(); });
  schedule->add_option("schedule", command.schedule, "Of strata.yml; all when not given");
  schedule->add_option("--start", command.start, "Unix seconds or RFC 3339; now when not given");
  schedule->add_option("--ahead", command.ahead, "For how long, at most 56d")
      ->option_text("DURATION [2w]");
  add(*oncall, "heartbeats", "Who has to say every now and then that it is alive, and did",
      [this] { return command.list_heartbeats(); });
  add(*oncall, "beat", "Say that one is alive", [this] { return command.beat(); })
      ->add_option("name", command.id, "Of strata.yml's heartbeats")
      ->required();
  add(*oncall, "remove-override", "End an override", [this] { return command.remove_override(); })
      ->add_option("id", command.id, "Its number")
      ->required();
  add(*oncall, "overrides", "Overrides that are not over",
      [this] { return command.list_overrides(); });
  auto* override = add(*oncall, "override", "Put somebody in for a while; prints its id",
                       [this] { return command.add_override(); });
  override->add_option("schedule", command.schedule, "Of strata.yml")->required();
  override->add_option("person", command.person, "Of strata.yml")->required();
  override->add_option("--start", command.start, "Unix seconds or RFC 3339; now when not given");
  override->add_option("--end", command.end, "Likewise")->required();
}

std::optional<int> OncallCli::run() const {
  for (const auto& [app, action] : actions) {
    if (app->parsed()) return action();
  }
  return std::nullopt;
}

}  // namespace

int run(int argc, char** argv) {
  CLI::App app(std::string(kAbout), "strata");
  app.require_subcommand(1);
  app.get_formatter()->column_width(36);
  app.set_version_flag("--version", [] { return print_version(), std::string(); });

  FlagValues flags = default_flag_values();
  auto* serve_command = app.add_subcommand("serve", "Run the server");
  add_flags(*serve_command, serve_flags(), flags);

  AgentFlags agent_values = default_agent_flags();
  auto* agent_command = app.add_subcommand(
      "agent", "Report this machine, its GPUs and what runs on them, to be scraped");
  add_agent_flags(*agent_command, agent_values);
  auto* agent_check_command = agent_command->add_subcommand(
      "check", "Say what an agent would see here, and what stands in the way of the rest");
  agent_check_command->fallthrough();

  auto* check = app.add_subcommand("check", "Check files before they are used");
  check->require_subcommand(1);
  auto* check_config_command = check->add_subcommand("config", "Check a prometheus.yml");
  std::string config_path;
  check_config_command->add_option("file", config_path, "The file to check")->required();
  auto* check_alertmanager_command =
      check->add_subcommand("alertmanager", "Check an alertmanager.yml, or ask where alerts go");
  check_alertmanager_command->add_option("file", config_path, "The file to check")->required();
  std::vector<std::string> alert_labels;
  check_alertmanager_command
      ->add_option("labels", alert_labels, "name=value of an alert: who would be told of it")
      ->option_text("LABEL ...");

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
  auto* analyze_query = query_command->add_subcommand(
      "analyze", "What each part of an expression reads, and how long it takes");
  add_query_options(*analyze_query, query);
  analyze_query->add_option("--time", query.time, "Unix seconds or RFC 3339: at one time");
  analyze_query->add_option("--start", query.start, "The same: over a range from here");
  analyze_query->add_option("--end", query.end, "Now when not given");
  analyze_query->add_option("--step", query.step, "Seconds or a duration");

  RuleCommands rule_commands;
  rule_commands.add_check(*check);
  auto* test = app.add_subcommand("test", "Run tests that people write in text files");
  test->require_subcommand(1);
  auto* test_promql_command =
      test->add_subcommand("promql", "Run .test files: series, queries and their answers");
  std::vector<std::string> test_paths;
  test_promql_command->add_option("files", test_paths, "The files to run")->required();

  rule_commands.add_test(*test);
  rule_commands.add_rules(app);

  StoreCommands store_commands;
  store_commands.add_to(app);
  CatalogCommands catalog_commands;
  catalog_commands.add_to(app);
  DashboardCli dashboard_commands;
  dashboard_commands.add_to(app);
  LintCommands lint_commands;
  lint_commands.add_to(app, *check);
  GatewayCommands gateway_commands;
  gateway_commands.add_to(app);
  OncallCli oncall;
  oncall.add_to(app);
  SimCommands sim_commands;
  sim_commands.add_to(app);
  BackupCommands backup_commands;
  backup_commands.add_to(app);

  auto* hash = app.add_subcommand("hash-password", "Hash a password for web.yml");

  auto* version = app.add_subcommand("version", "Print version and build");
  // For ./dev docs; of no use to a person, so it is not in the help.
  auto* flags_doc = app.add_subcommand("flags-doc")->group("");
  bool agents_flags = false;
  flags_doc->add_flag("--agent", agents_flags);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);  // prints help, or the error and where to find help
    return code == 0 ? 0 : 2;
  }
  if (serve_command->parsed()) return serve(flags);
  if (agent_check_command->parsed()) return agent_check(agent_values);
  if (agent_command->parsed()) return agent(agent_values);
  if (check_config_command->parsed()) return check_config(config_path);
  if (check_alertmanager_command->parsed()) return check_alertmanager(config_path, alert_labels);
  if (instant->parsed()) return query_instant(query);
  if (range->parsed()) return query_range(query);
  if (analyze_query->parsed()) return query_analyze(query);
  if (test_promql_command->parsed()) return test_promql(test_paths);
  if (const auto code = store_commands.run()) return *code;
  if (const auto code = rule_commands.run()) return *code;
  if (const auto code = catalog_commands.run()) return *code;
  if (const auto code = dashboard_commands.run()) return *code;
  if (const auto code = lint_commands.run()) return *code;
  if (const auto code = gateway_commands.run()) return *code;
  if (const auto code = oncall.run()) return *code;
  if (const auto code = sim_commands.run()) return *code;
  if (const auto code = backup_commands.run()) return *code;
  if (hash->parsed()) return hash_password();
  if (version->parsed()) return print_version();
  if (flags_doc->parsed()) {
    return fmt::print("{}", agents_flags ? agent_flags_markdown() : flags_markdown()), 0;
  }
  return 2;
}

}  // namespace strata::app
