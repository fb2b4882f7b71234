// strata hash-password: from the terminal without echo, or one line of standard input.
#include <termios.h>
#include <unistd.h>

#include <cstdio>
#include <iostream>

#include "api/auth.h"
#include "app/commands.h"

namespace strata::app {
namespace {

// Turns the terminal's echo off as long as it lives.
class NoEcho {
 public:
  NoEcho() {
    terminal_ = ::tcgetattr(STDIN_FILENO, &before_) == 0;
    if (!terminal_) return;
    termios silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
  }
  ~NoEcho() {
    if (terminal_) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
  }
  NoEcho(const NoEcho&) = delete;
  NoEcho& operator=(const NoEcho&) = delete;
  bool terminal() const { return terminal_; }

 private:
  termios before_{};
  bool terminal_ = false;
};

std::string ask(std::string_view prompt) {
  const NoEcho silent;
  if (silent.terminal()) fmt::print(stderr, "{}: ", prompt);
  std::string line;
  std::getline(std::cin, line);
  if (silent.terminal()) fmt::print(stderr, "\n");
  return line;
}

}  // namespace

int hash_password() {
  const std::string password = ask("password");
  if (::isatty(STDIN_FILENO) != 0 && ask("again") != password) {
    fmt::print(stderr, "strata: the two are not the same\n");
    return 1;
  }
  const auto hash = api::hash_password(password);
  if (!hash) {
    fmt::print(stderr, "strata: {}\n", hash.error().message);
    return 1;
  }
  fmt::print("{}\n", *hash);
  return 0;
}

}  // namespace strata::app
