// fleet: a made-up fleet of model-serving nodes, to be scraped, written to files or stored.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "fleet/commands.h"

namespace strata::bench {
namespace {

void add_fleet_flags(CLI::App& command, FleetOptions& fleet) {
  static const std::map<std::string, TargetKind> kKinds = {
      {"vllm", TargetKind::kEngine}, {"dcgm", TargetKind::kGpu}, {"node", TargetKind::kHost}};
  command.add_option("--nodes", fleet.nodes, "Nodes; each has three targets, about 2,000 series.");
  command.add_option("--seed", fleet.seed, "The same seed gives the same values.");
  command.add_option("--step", fleet.step_seconds, "Seconds from one scrape to the next.");
  command.add_option("--start", fleet.start, "When the first step begins (Unix seconds).");
  command.add_flag("--narrow", fleet.narrow, "Requests are much alike.");
  command.add_option("--jobs", fleet.kinds, "vllm, dcgm, node: those to have.")
      ->transform(CLI::CheckedTransformer(kKinds))
      ->delimiter(',');
}

struct RecordingFlags {
  RecordingOptions options;
  std::string keep;
};

void add_recording_flags(CLI::App& command, RecordingFlags& flags) {
  add_fleet_flags(command, flags.options.fleet);
  command.add_option("--hours", flags.options.hours, "How long it lasts.");
  command.add_option("--keep", flags.keep, "A regular expression: only series that it matches.");
}

Result<RecordingOptions> finish(RecordingFlags& flags) {
  if (!flags.keep.empty()) flags.options.keep = TRY(Regex::compile(flags.keep));
  return flags.options;
}

Result<> run_write(RecordingFlags& recording, WriteOptions& options) {
  options.recording = TRY(finish(recording));
  return write(options);
}

Result<> run_store(RecordingFlags& recording, StoreOptions& options) {
  options.recording = TRY(finish(recording));
  return store(options);
}

int run(int argc, char** argv) {
  CLI::App app("A made-up fleet of model-serving nodes.");
  app.require_subcommand(1);

  ServeOptions serve_options;
  auto* serve_command = app.add_subcommand("serve", "Serve it to be scraped.");
  add_fleet_flags(*serve_command, serve_options.fleet);
  serve_command->add_option("--port", serve_options.port, "0: a free one.");
  serve_command->add_option("--interval", serve_options.interval_seconds,
                            "Real seconds in which a step passes.");
  serve_command->add_option("--gzip-level", serve_options.gzip_level, "1 to 9.");

  RecordingFlags recording;
  WriteOptions write_options;
  auto* write_command = app.add_subcommand("write", "Write files that peers import.");
  add_recording_flags(*write_command, recording);
  write_command->add_option("directory", write_options.directory)->required();
  write_command->add_option("--hours-a-file", write_options.hours_a_file);

  StoreOptions store_options;
  auto* store_command = app.add_subcommand("store", "Put it into a data directory of Strata's.");
  add_recording_flags(*store_command, recording);
  store_command->add_option("path", store_options.path)->required();

  CLI11_PARSE(app, argc, argv);
  const Result<> done = *serve_command   ? serve(serve_options)
                        : *write_command ? run_write(recording, write_options)
                                         : run_store(recording, store_options);
  if (done) return 0;
  fmt::print(stderr, "fleet: {}\n", done.error().message);
  return 1;
}

}  // namespace
}  // namespace strata::bench

int main(int argc, char** argv) { return strata::bench::run(argc, argv); }
