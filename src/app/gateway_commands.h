// The gateway and what goes with it. Each returns the process' exit code and prints what a person
// should read.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace strata::app {

struct MockEngineCommand {
  std::string listen = "127.0.0.1:8000";
  std::vector<std::string> models = {"mock"};
  std::string ttft = "0s";
  std::string itl = "0s";
  uint64_t tokens = 16;
};
/// Answers as an engine would until SIGINT or SIGTERM.
int mock_engine(const MockEngineCommand& command);

struct GatewayCommand {
  std::string config = "strata.yml";
  std::string listen;  // in place of gateway.listen
  std::string web_listen = "127.0.0.1:9401";
  std::string drain = "30s";
};
/// Serves until SIGINT or SIGTERM; SIGHUP reads the configuration again.
int gateway(const GatewayCommand& command);

/// Reads API keys, one a line, and prints the lines of a file of tenants.
int gateway_hash_keys(const std::string& hmac_key_file, const std::string& tenant);

enum class RowFormat : uint8_t { kTable, kCsv, kJson };

/// What a ledger is asked for. Times are Unix seconds, RFC 3339 or days (2026-11-01).
struct LedgerCommand {
  std::string directory;
  std::string from;
  std::string to;
  std::string by = "tenant,model";       // cost report
  std::vector<std::string> price_files;  // cost report: these, in place of what the rows say
  RowFormat format = RowFormat::kTable;
};
int ledger_export(const LedgerCommand& command);
struct LedgerReplayCommand {
  LedgerCommand ledger;
  std::string target;
  double speed = 1;
  std::string model;
  std::string api_key_file;
  bool ignore_eos = false;
};
/// Asks `target` again for what the ledger's rows were.
int ledger_replay(const LedgerReplayCommand& command);
int cost_report(const LedgerCommand& command);
/// Prints LiteLLM's price list as a file of prices.
int cost_import(const std::string& file);

}  // namespace strata::app
