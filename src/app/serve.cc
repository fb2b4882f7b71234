// strata serve: starts the server and waits for signals.
#include <signal.h>

#include <cstdio>

#include "app/commands.h"
#include "app/file_limit.h"
#include "app/server.h"
#include "base/build_info.h"

namespace strata::app {
namespace {

// The longest the main thread sleeps: a reload takes effect within this.
constexpr std::chrono::nanoseconds kMaxSleep = std::chrono::milliseconds(200);

// SIGTERM and SIGINT stop, SIGHUP reloads; all are taken by sigtimedwait on the main thread.
sigset_t block_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  return signals;
}

}  // namespace

int serve(const FlagValues& flags) {
  auto options = serve_options(flags);
  if (!options) {
    fmt::print(stderr, "strata: {}\n", options.error().message);
    return 2;
  }
  configure_logging(options->log_level, options->log_format);
  const sigset_t signals = block_signals();
  raise_file_limit();

  auto server = Server::start(std::move(*options), flags);
  if (!server) {
    log_error("strata cannot start", {{"error", server.error().message}});
    return 1;
  }
  log_info("strata is ready", {{"url", "http://" + (*server)->address()},
                               {"version", build_info().version},
                               {"revision", build_info().revision}});
  while (true) {
    (*server)->poll_web_config();
    const auto next =
        std::clamp((*server)->poll_discovery(), std::chrono::nanoseconds(1), kMaxSleep);
    const timespec timeout{0, static_cast<long>(next.count())};
    const int signal = sigtimedwait(&signals, nullptr, &timeout);
    if (signal == SIGHUP) {
      // The error was logged; a reload that fails changes nothing.
      static_cast<void>((*server)->reload());
    } else if (signal == SIGINT || signal == SIGTERM) {
      log_info("stopping", {{"signal", signal == SIGINT ? "SIGINT" : "SIGTERM"}});
      (*server)->stop();
      return 0;
    }
  }
}

}  // namespace strata::app
