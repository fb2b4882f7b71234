// What the command line can do about alerts, silences, incidents and who is on call: it asks a
// running server and prints its answer as a table, or as the JSON that it was.
#pragma once
#include <optional>
#include <string>
#include <vector>

namespace strata::app {

/// `strata alerts|silence|incident|oncall …`: the options of all, and which was given.
struct OncallCommands {
  std::string url = "http://127.0.0.1:9090";
  bool json = false;
  std::string actor;  // by default whoever is logged in to the shell
  std::vector<std::string> words;
  std::string id;
  std::string text;
  std::string status = "active";
  std::string priority = "P0";
  std::string receiver;
  std::string duration = "1h";
  std::string lasting;
  std::string schedule;
  std::string person;
  std::string start;
  std::string end;
  std::string ahead = "2w";

  int list_alerts() const;
  /// Begins a drill and prints what happens until its calls are made.
  int drill() const;
  int add_silence() const;
  int list_silences() const;
  int expire_silence() const;
  int list_incidents() const;
  int show_incident() const;
  /// acknowledge, unacknowledge, resolve, note, escalate, assign.
  int act(const std::string& what) const;
  int who() const;
  /// Who is on call from when to when, a line a slot.
  int show_schedule() const;
  int add_override() const;
  int list_overrides() const;
  int remove_override() const;
  int list_heartbeats() const;
  /// Says that `id` is alive.
  int beat() const;

 private:
  std::optional<std::string> ask(const std::string& method, const std::string& path,
                                 const std::string& body = "") const;
};

/// Runs a phone that rings nobody until SIGINT or SIGTERM, and prints what it is told.
int mock_phone(const std::string& listen);

}  // namespace strata::app
