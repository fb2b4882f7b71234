// strata tsdb cardinality: prints what a running server says of its series.
#include <cstdio>

#include "app/tsdb_commands.h"
#include "discover/json_reader.h"
#include "net/http_client.h"

namespace strata::app {
namespace {

using discover::JsonReader;

// An entry of one of the answer's lists: its texts and numbers by name.
struct Entry {
  std::map<std::string, std::string, std::less<>> text;
  std::map<std::string, int64_t, std::less<>> number;
  std::vector<std::string> examples;
  std::vector<Entry> targets;

  std::string_view word(std::string_view name) const {
    const auto found = text.find(name);
    return found == text.end() ? std::string_view() : found->second;
  }
  int64_t count(std::string_view name) const {
    const auto found = number.find(name);
    return found == number.end() ? 0 : found->second;
  }
};

struct Answer {
  Entry totals;
  std::map<std::string, std::vector<Entry>, std::less<>> lists;
};

void read_entry(JsonReader& json, Entry& entry);

std::vector<Entry> read_list(JsonReader& json) {
  std::vector<Entry> list;
  json.array([&] { read_entry(json, list.emplace_back()); });
  return list;
}

bool is_number(std::string_view value) {
  return !value.empty() && value.find_first_not_of("-0123456789") == std::string_view::npos;
}

void read_member(JsonReader& json, std::string_view name, Entry& entry) {
  const auto value = json.skip();
  JsonReader again(value);
  if (value.starts_with('"')) {
    again.string(entry.text[std::string(name)]);
  } else if (is_number(value)) {
    again.integer(entry.number[std::string(name)]);
  } else if (value == "true" || value == "false") {
    entry.text[std::string(name)] = value;
  }
}

void read_entry(JsonReader& json, Entry& entry) {
  json.object([&](std::string_view name) {
    if (name == "targets") {
      entry.targets = read_list(json);
    } else if (name == "examples") {
      json.array([&] { json.string(entry.examples.emplace_back()); });
    } else {
      read_member(json, name, entry);
    }
  });
}

Result<Answer> read_answer(std::string_view body) {
  Answer answer;
  JsonReader json(body);
  json.object([&](std::string_view name) {
    if (name != "data") return void(json.skip());
    json.object([&](std::string_view member) {
      const auto value = json.skip();
      JsonReader again(value);
      if (value.starts_with('[')) {
        answer.lists[std::string(member)] = read_list(again);
      } else if (is_number(value)) {
        again.integer(answer.totals.number[std::string(member)]);
      }
    });
  });
  TRY(json.finish());
  return answer;
}

void print_growth(const std::vector<Entry>& labels) {
  fmt::print("\nlabels that grow\n");
  if (labels.empty()) fmt::print("  none\n");
  for (const auto& label : labels) {
    fmt::print(
        "  {}{{{}}} of job {}: {} values, {} of them new{}\n", label.word("metric"),
        label.word("label"), label.word("job"), label.count("values"), label.count("newValues"),
        label.word("withoutEnd") == "true"
            ? fmt::format("; WITHOUT END since {} ({})", label.word("since"), label.word("mode"))
            : "");
    for (const auto& target : label.targets) {
      fmt::print("    {} brought {}\n", target.word("target"), target.count("newValues"));
    }
    for (const auto& example : label.examples) fmt::print("    such as {}\n", example);
    if (label.count("refusedSeries") > 0) {
      fmt::print("    {} series refused\n", label.count("refusedSeries"));
    }
  }
}

void print_churn(const char* title, const char* key, const std::vector<Entry>& list) {
  fmt::print("\n{:<52} {:>10} {:>10} {:>10}\n", title, "series", "created", "ended");
  for (const auto& entry : list) {
    fmt::print("  {:<50} {:>10} {:>10} {:>10}\n", entry.word(key), entry.count("series"),
               entry.count("created"), entry.count("ended"));
  }
}

void print_counts(const char* title, const char* counted, const std::vector<Entry>& list) {
  fmt::print("\n{}\n", title);
  for (const auto& entry : list) {
    fmt::print("{:>12}  {}\n", entry.count(counted), entry.word("name"));
  }
}

void print(Answer& answer) {
  fmt::print("{} series in the head, {} from targets{}\n", answer.totals.count("headSeries"),
             answer.totals.count("scrapedSeries"),
             answer.totals.count("maxTotalSeries") > 0
                 ? fmt::format(" of at most {}", answer.totals.count("maxTotalSeries"))
                 : "");
  print_growth(answer.lists["growth"]);
  print_churn("jobs", "job", answer.lists["jobs"]);
  print_churn("targets", "target", answer.lists["targets"]);
  print_counts("series by metric", "series", answer.lists["metrics"]);
  print_counts("values by label", "values", answer.lists["labels"]);
  print_counts("series by label pair", "series", answer.lists["labelValues"]);
}

}  // namespace

int tsdb_cardinality(std::string url, size_t limit) {
  net::Loop loop("client");
  loop.start();
  net::HttpClient client(loop);
  if (url.ends_with('/')) url.pop_back();
  const auto response =
      client.fetch_sync({.url = fmt::format("{}/api/v1/status/cardinality?limit={}", url, limit)});
  if (!response || response->status != 200) {
    fmt::print(
        stderr, "strata: cannot ask {}: {}\n", url,
        response ? fmt::format("HTTP status {}", response->status) : response.error().message);
    return 1;
  }
  auto answer = read_answer(response->body);
  if (!answer) {
    fmt::print(stderr, "strata: {} gave no such answer: {}\n", url, answer.error().message);
    return 1;
  }
  print(*answer);
  return 0;
}

}  // namespace strata::app
