#include "app/oncall_commands.h"

#include <unistd.h>

#include <cstdio>
#include <map>
#include <set>
#include <thread>

#include "alerting/matchers.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/rfc3339.h"
#include "discover/json_reader.h"
#include "model/duration.h"
#include "net/http_client.h"
#include "net/url.h"

namespace strata::app {
namespace {

using discover::JsonReader;

// Members of an object by name, those of objects in it as "place.value"; lists are left as JSON.
using Fields = std::map<std::string, std::string, std::less<>>;

void flatten(std::string_view json, const std::string& prefix, Fields& out) {
  JsonReader reader(json);
  reader.object([&](std::string_view name) {
    const std::string key = prefix + std::string(name);
    const auto value = reader.skip();
    if (value.starts_with('{')) {
      out[key] = value;
      flatten(value, key + ".", out);
    } else if (value.starts_with('"')) {
      JsonReader(value).string(out[key]);
    } else {
      out[key] = value == "null" ? "" : value;
    }
  });
}

Fields fields_of(std::string_view json) {
  Fields out;
  flatten(json, "", out);
  return out;
}

std::vector<Fields> list_of(std::string_view json) {
  std::vector<Fields> out;
  JsonReader reader(json);
  reader.array([&] { out.push_back(fields_of(reader.skip())); });
  return out;
}

std::string_view at(const Fields& fields, std::string_view name) {
  const auto found = fields.find(name);
  return found == fields.end() ? std::string_view() : std::string_view(found->second);
}

// "2026-11-24T08:00:00.123Z" as "2026-11-24 08:00:00"; times are UTC.
std::string short_time(std::string_view text) {
  std::string out(text.substr(0, 19));
  if (out.size() > 10) out[10] = ' ';
  return out;
}

void print_table(const std::vector<std::string>& head, std::vector<std::vector<std::string>> rows) {
  rows.insert(rows.begin(), head);
  std::vector<size_t> width(head.size());
  for (const auto& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) width[i] = std::max(width[i], row[i].size());
  }
  for (const auto& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) line += fmt::format("{:<{}}  ", row[i], width[i]);
    line.resize(line.find_last_not_of(' ') + 1);
    fmt::print("{}\n", line);
  }
}

std::string labels_text(std::string_view json) {
  std::string out;
  for (const auto& [name, value] : fields_of(json)) {
    out += fmt::format("{}{}=\"{}\"", out.empty() ? "" : ", ", name, value);
  }
  return out;
}

int wrong(std::string_view message) {
  fmt::print(stderr, "strata: {}\n", message);
  return 2;
}

std::string data_of(const std::string& body) { return std::string(at(fields_of(body), "data")); }

}  // namespace

std::optional<std::string> OncallCommands::ask(const std::string& method, const std::string& path,
                                               const std::string& body) const {
  net::Loop loop("client");
  loop.start();
  net::HttpClient client(loop);
  net::ClientRequest request;
  request.method = method;
  request.url = url;
  while (request.url.ends_with('/')) request.url.pop_back();
  request.url += path;
  if (!body.empty()) {
    request.headers.set("Content-Type", body.starts_with('{')
                                            ? "application/json"
                                            : "application/x-www-form-urlencoded");
    request.body = body;
  }
  const char* user = ::getlogin();
  request.headers.set("X-Strata-Actor", !actor.empty() ? actor : user != nullptr ? user : "cli");
  request.timeout = std::chrono::seconds(30);
  const auto response = client.fetch_sync(std::move(request));
  if (!response) {
    fmt::print(stderr, "strata: cannot ask {}: {}\n", url, response.error().message);
    return std::nullopt;
  }
  if (response->status / 100 == 2) return response->body;
  auto reason = response->body;
  if (reason.starts_with('{')) reason = at(fields_of(reason), "error");
  if (reason.starts_with('"')) JsonReader(response->body).string(reason);
  fmt::print(stderr, "strata: {} answered {}: {}\n", url, response->status, reason);
  return std::nullopt;
}

int OncallCommands::list_alerts() const {
  net::FormValues filter;
  for (const auto& word : words) filter.add("filter", word);
  const auto body = ask("GET", "/api/v2/alerts?" + filter.encode());
  if (!body) return 1;
  if (json) return fmt::print("{}\n", *body), 0;
  std::vector<std::vector<std::string>> rows;
  for (const auto& alert : list_of(*body)) {
    rows.push_back({std::string(at(alert, "labels.alertname")),
                    std::string(at(alert, "labels.severity")), short_time(at(alert, "startsAt")),
                    std::string(at(alert, "status.state")), labels_text(at(alert, "labels"))});
  }
  print_table({"ALERT", "SEVERITY", "SINCE (UTC)", "STATE", "LABELS"}, std::move(rows));
  return 0;
}

int OncallCommands::drill() const {
  net::FormValues form;
  form.add("priority", priority);
  if (!receiver.empty()) form.add("receiver", receiver);
  const auto begun = ask("POST", "/api/v1/alerts/drill", form.encode());
  if (!begun) return 1;
  const std::string incident_id(at(fields_of(data_of(*begun)), "id"));
  fmt::print("incident {}\n", incident_id);
  constexpr int kPolls = 60;
  std::set<std::string> shown;
  for (int i = 0; i < kPolls; ++i) {
    const auto body = ask("GET", "/api/v1/incidents/" + incident_id);
    if (!body) return 1;
    const Fields incident = fields_of(data_of(*body));
    for (const auto& event : list_of(at(incident, "timeline"))) {
      if (!shown.emplace(at(event, "id")).second) continue;
      fmt::print("{}  {:<16} {}\n", short_time(at(event, "at")), at(event, "action"),
                 at(event, "detail"));
    }
    size_t under_way = 0;
    bool failed = false;
    const auto pages = list_of(at(incident, "pages"));
    for (const auto& page : pages) {
      const auto state = at(page, "status");
      under_way += state == "waiting" || state == "sent";
      failed |= state == "failed";
    }
    if (!pages.empty() && under_way == 0) {
      fmt::print("{}\n",
                 failed ? "A call did not arrive." : "Every call of the first step arrived.");
      const auto resolved =
          ask("POST", "/api/v1/incidents/" + incident_id + "/resolve", "actor=drill");
      return resolved && !failed ? 0 : 1;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
  }
  fmt::print(stderr, "strata: the calls were not made within 30 s\n");
  return 1;
}

int OncallCommands::add_silence() const {
  const auto lasts = parse_duration(duration);
  if (!lasts || *lasts <= Millis(0)) return wrong("--duration: not a duration such as 2h");
  if (words.empty()) return wrong("which alerts: name=value …");
  const TimestampMs now = real_clock().now_ms();
  std::string body;
  JsonWriter out(body);
  out.begin_object().key("matchers").begin_array();
  for (const auto& word : words) {
    const bool named = word.find_first_of("=~!") != std::string::npos;
    const auto parsed = alerting::parse_matchers(named ? word : "alertname=" + word);
    if (!parsed) return wrong(parsed.error().message);
    for (const Matcher& m : parsed->matchers) {
      const bool regex = m.op() == Matcher::Op::kRegex || m.op() == Matcher::Op::kNotRegex;
      const bool equal = m.op() == Matcher::Op::kEqual || m.op() == Matcher::Op::kRegex;
      out.begin_object().key("name").string(m.name()).key("value").string(m.value());
      out.key("isRegex").boolean(regex).key("isEqual").boolean(equal).end_object();
    }
  }
  const char* user = ::getlogin();
  out.end_array().key("startsAt").string(rfc3339(now));
  out.key("endsAt").string(rfc3339(now + lasts->count()));
  out.key("createdBy").string(!actor.empty() ? actor : user != nullptr ? user : "cli");
  out.key("comment").string(text).end_object();
  const auto answer = ask("POST", "/api/v2/silences", body);
  if (!answer) return 1;
  fmt::print("{}\n", json ? *answer : std::string(at(fields_of(*answer), "silenceID")));
  return 0;
}

int OncallCommands::list_silences() const {
  const auto body = ask("GET", "/api/v2/silences?expired=false");
  if (!body) return 1;
  if (json) return fmt::print("{}\n", *body), 0;
  std::vector<std::vector<std::string>> rows;
  for (const auto& silence : list_of(*body)) {
    std::string matchers;
    for (const auto& m : list_of(at(silence, "matchers"))) {
      const bool regex = at(m, "isRegex") == "true";
      const bool equal = at(m, "isEqual") == "true";
      matchers += fmt::format("{}{}{}\"{}\"", matchers.empty() ? "" : ", ", at(m, "name"),
                              regex ? (equal ? "=~" : "!~") : (equal ? "=" : "!="), at(m, "value"));
    }
    rows.push_back({std::string(at(silence, "id")), matchers, short_time(at(silence, "endsAt")),
                    std::string(at(silence, "createdBy")), std::string(at(silence, "comment"))});
  }
  print_table({"ID", "MATCHERS", "UNTIL (UTC)", "BY", "COMMENT"}, std::move(rows));
  return 0;
}

int OncallCommands::expire_silence() const {
  return ask("DELETE", "/api/v2/silence/" + net::percent_encode(id)) ? 0 : 1;
}

int OncallCommands::list_incidents() const {
  const auto body = ask("GET", "/api/v1/incidents?status=" + net::percent_encode(status));
  if (!body) return 1;
  if (json) return fmt::print("{}\n", *body), 0;
  std::vector<std::vector<std::string>> rows;
  for (const auto& one : list_of(at(fields_of(data_of(*body)), "incidents"))) {
    rows.push_back({std::string(at(one, "id")), std::string(at(one, "priority")),
                    std::string(at(one, "status")), short_time(at(one, "openedAt")),
                    std::string(at(one, "owner")), std::string(at(one, "title")),
                    std::string(at(one, "nextStep.text"))});
  }
  print_table({"ID", "PRIORITY", "STATUS", "SINCE (UTC)", "OWNER", "WHAT", "NEXT"},
              std::move(rows));
  return 0;
}

int OncallCommands::show_incident() const {
  const auto body = ask("GET", "/api/v1/incidents/" + net::percent_encode(id));
  if (!body) return 1;
  if (json) return fmt::print("{}\n", *body), 0;
  const Fields one = fields_of(data_of(*body));
  fmt::print("{} {} {}, {} of {} alerts firing, owner: {}\n", at(one, "priority"), at(one, "title"),
             at(one, "status"), at(one, "firingCount"), at(one, "alertCount"),
             at(one, "owner").empty() ? "nobody" : at(one, "owner"));
  for (const auto& event : list_of(at(one, "timeline"))) {
    fmt::print("{}  {:<10} {:<16} {}\n", short_time(at(event, "at")), at(event, "actor"),
               at(event, "action"), at(event, "detail"));
  }
  return 0;
}

int OncallCommands::act(const std::string& what) const {
  net::FormValues form;
  if (!text.empty()) form.add("text", text);
  if (!lasting.empty()) form.add("for", lasting);
  if (!person.empty()) form.add("owner", person);
  const auto body = ask(
      "POST", fmt::format("/api/v1/incidents/{}/{}", net::percent_encode(id), what), form.encode());
  if (!body) return 1;
  if (json) return fmt::print("{}\n", *body), 0;
  const Fields one = fields_of(data_of(*body));
  fmt::print("{} {}: {}\n", at(one, "priority"), at(one, "title"), at(one, "status"));
  return 0;
}

int OncallCommands::who() const {
  const auto body = ask("GET", "/api/v1/oncall");
  if (!body) return 1;
  if (json) return fmt::print("{}\n", *body), 0;
  std::vector<std::vector<std::string>> rows;
  for (const auto& one : list_of(at(fields_of(data_of(*body)), "schedules"))) {
    rows.push_back({std::string(at(one, "name")), std::string(at(one, "now.person")),
                    std::string(at(one, "now.from")), short_time(at(one, "now.until")),
                    std::string(at(one, "next.person"))});
  }
  print_table({"SCHEDULE", "NOW", "FROM", "UNTIL (UTC)", "NEXT"}, std::move(rows));
  return 0;
}

int OncallCommands::show_schedule() const {
  net::FormValues form;
  if (!start.empty()) form.add("time", start);
  form.add("ahead", ahead);
  const auto body = ask("GET", "/api/v1/oncall?" + form.encode());
  if (!body) return 1;
  if (json) return fmt::print("{}\n", *body), 0;
  std::vector<std::vector<std::string>> rows;
  for (const auto& one : list_of(at(fields_of(data_of(*body)), "schedules"))) {
    if (!schedule.empty() && at(one, "name") != schedule) continue;
    for (const auto& slot : list_of(at(one, "slots"))) {
      const auto who = at(slot, "person");
      rows.push_back({std::string(at(one, "name")), short_time(at(slot, "since")),
                      short_time(at(slot, "until")), std::string(who.empty() ? "nobody" : who),
                      std::string(at(slot, "from"))});
    }
  }
  if (!schedule.empty() && rows.empty()) {
    return fmt::print(stderr, "strata: there is no schedule \"{}\"\n", schedule), 1;
  }
  print_table({"SCHEDULE", "FROM (UTC)", "UNTIL (UTC)", "PERSON", "BY"}, std::move(rows));
  return 0;
}

int OncallCommands::remove_override() const {
  return ask("DELETE", "/api/v1/oncall/overrides/" + net::percent_encode(id)) ? 0 : 1;
}

int OncallCommands::list_heartbeats() const {
  const auto body = ask("GET", "/api/v1/heartbeats");
  if (!body) return 1;
  if (json) return fmt::print("{}\n", *body), 0;
  std::vector<std::vector<std::string>> rows;
  for (const auto& one : list_of(data_of(*body))) {
    const auto last = at(one, "last");
    rows.push_back({std::string(at(one, "name")), last.empty() ? "never" : short_time(last),
                    std::string(at(one, "timeout")),
                    at(one, "missing") == "true" ? "missing"
                    : last.empty()               ? ""
                                                 : "well"});
  }
  print_table({"HEARTBEAT", "LAST (UTC)", "TIMEOUT", "STATE"}, std::move(rows));
  return 0;
}

int OncallCommands::beat() const {
  return ask("POST", "/api/v1/heartbeats/" + net::percent_encode(id)) ? 0 : 1;
}

int OncallCommands::add_override() const {
  net::FormValues form;
  form.add("schedule", schedule);
  form.add("person", person);
  if (!start.empty()) form.add("start", start);
  form.add("end", end);
  const auto body = ask("POST", "/api/v1/oncall/overrides", form.encode());
  if (!body) return 1;
  fmt::print("{}\n", json ? *body : std::string(at(fields_of(data_of(*body)), "id")));
  return 0;
}

int OncallCommands::list_overrides() const {
  const auto body = ask("GET", "/api/v1/oncall/overrides");
  if (!body) return 1;
  if (json) return fmt::print("{}\n", *body), 0;
  std::vector<std::vector<std::string>> rows;
  for (const auto& one : list_of(data_of(*body))) {
    rows.push_back({std::string(at(one, "id")), std::string(at(one, "schedule")),
                    std::string(at(one, "person")), short_time(at(one, "start")),
                    short_time(at(one, "end")), std::string(at(one, "by"))});
  }
  print_table({"ID", "SCHEDULE", "PERSON", "FROM (UTC)", "UNTIL (UTC)", "BY"}, std::move(rows));
  return 0;
}

}  // namespace strata::app
