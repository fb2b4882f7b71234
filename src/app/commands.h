// What the command line can be told to do. Each returns the process' exit code and prints what a
// person should read.
#pragma once
#include <string>

#include "app/flags.h"

namespace strata::app {

/// Runs until SIGINT or SIGTERM.
int serve(const FlagValues& flags);

/// Says whether Strata would load the file, and what it would ignore.
int check_config(const std::string& path);

/// How an answer is printed.
enum class OutputFormat : uint8_t { kTable, kJson, kCsv, kPlot };

struct QueryCommand {
  std::string url = "http://127.0.0.1:9090";
  std::string expr;
  std::string time;   // instant; empty: now
  std::string start;  // range; empty: an hour before end
  std::string end;    // empty: now
  std::string step;   // empty: 250 points
  OutputFormat output = OutputFormat::kTable;
};
int query_instant(const QueryCommand& command);
int query_range(const QueryCommand& command);
/// What each part of the expression costs: over a range when it has a start or a step, else at one
/// time.
int query_analyze(const QueryCommand& command);

/// Runs PromQL test files; 0 when every evaluation answers as its file says.
int test_promql(const std::vector<std::string>& paths);

/// Reads a password and prints its hash for web.yml.
int hash_password();

int print_version();

}  // namespace strata::app
