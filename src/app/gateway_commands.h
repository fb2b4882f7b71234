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

}  // namespace strata::app
