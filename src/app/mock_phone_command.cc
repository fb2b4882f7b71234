#include <fmt/format.h>
#include <signal.h>

#include <cctype>
#include <cstdio>

#include "alerting/time_zone.h"
#include "app/oncall_commands.h"
#include "oncall/mock_phone.h"

namespace strata::app {
namespace {

// Stands out between the lines that servers log beside it.
void print_call(const oncall::MockCall& call) {
  std::string kind = call.kind;
  for (char& c : kind) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  const auto at = alerting::utc_time(call.at);
  fmt::print("\n{:02}:{:02}:{:02} UTC  {}{}{}: {}\n", at.hour, at.minute, at.second, kind,
             call.to.empty() ? "" : " to ", call.to, call.text);
  if (!call.ack_url.empty()) {
    fmt::print("  to take it:  curl -X POST {}   (or open it in a browser)\n", call.ack_url);
  }
  fmt::print("\n");
  std::fflush(stdout);
}

}  // namespace

int mock_phone(const std::string& listen) {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);

  net::Loop loop("phone");
  auto phone = oncall::MockPhone::start(loop, listen, real_clock(), print_call);
  if (!phone) {
    fmt::print(stderr, "strata mock-phone: {}\n", phone.error().message);
    return 1;
  }
  fmt::print("a phone that rings nobody answers at http://{}\n", (*phone)->address());
  std::fflush(stdout);
  loop.start();
  int signal = 0;
  sigwait(&signals, &signal);
  phone->reset();
  loop.stop();
  return 0;
}

}  // namespace strata::app
