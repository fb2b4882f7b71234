// strata query: asks a server and prints what it says.
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>

#include "app/commands.h"
#include "app/plot.h"
#include "base/number.h"
#include "net/http_client.h"
#include "net/url.h"
#include "wire/query_json.h"

namespace strata::app {
namespace {

std::string seconds(TimestampMs t) { return format_double(static_cast<double>(t) / 1000); }

std::string value_text(const Point& point) {
  if (!point.h) return format_double(point.v);
  std::string out;
  wire::append_histogram_json(out, *point.h);
  return out;
}

// A field of RFC 4180.
std::string csv_field(std::string_view text) {
  if (text.find_first_of(",\"\n") == std::string_view::npos) return std::string(text);
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + "\"";
}

// One line of the output: which series, when, what.
struct Row {
  std::string series;
  TimestampMs t = 0;
  std::string value;
};

std::vector<Row> rows_of(const QueryValue& value) {
  std::vector<Row> rows;
  if (const auto* scalar = std::get_if<Scalar>(&value)) {
    rows.push_back({"scalar", scalar->t, format_double(scalar->v)});
  } else if (const auto* text = std::get_if<StringValue>(&value)) {
    rows.push_back({"string", text->t, text->v});
  } else if (const auto* vector = std::get_if<Vector>(&value)) {
    for (const auto& sample : *vector) {
      rows.push_back({sample.metric.to_string(), sample.point.t, value_text(sample.point)});
    }
  } else {
    for (const auto& series : std::get<Matrix>(value)) {
      for (const auto& point : series.points) {
        rows.push_back({series.metric.to_string(), point.t, value_text(point)});
      }
    }
  }
  return rows;
}

void print_table(const std::vector<Row>& rows, bool with_time) {
  size_t width = 0;
  for (const auto& row : rows) width = std::max(width, row.series.size());
  std::string_view last;
  for (const auto& row : rows) {
    // In a range each series is named once, its points below it.
    if (with_time) {
      if (row.series != last) fmt::print("{}\n", row.series);
      fmt::print("  {:>14}  {}\n", seconds(row.t), row.value);
      last = row.series;
    } else {
      fmt::print("{:<{}}  {}\n", row.series, width, row.value);
    }
  }
  if (rows.empty()) fmt::print("no series\n");
}

// Columns of the terminal, for a plot.
size_t terminal_width() {
  winsize size{};
  const bool known = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 40;
  return known ? size.ws_col : 100;
}

int print(const QueryCommand& command, const std::string& body, bool with_time) {
  const auto result = wire::parse_query_response(body);
  if (!result) {
    fmt::print(stderr, "strata: {}\n", result.error().message);
    return 1;
  }
  for (const auto& warning : result->warnings) fmt::print(stderr, "warning: {}\n", warning);
  for (const auto& info : result->infos) fmt::print(stderr, "info: {}\n", info);
  const auto rows = rows_of(result->value);
  switch (command.output) {
    case OutputFormat::kJson: fmt::print("{}\n", body); break;
    case OutputFormat::kCsv:
      fmt::print("series,time,value\n");
      for (const auto& row : rows) {
        fmt::print("{},{},{}\n", csv_field(row.series), seconds(row.t), csv_field(row.value));
      }
      break;
    case OutputFormat::kPlot:
      if (const auto* matrix = std::get_if<Matrix>(&result->value)) {
        fmt::print("{}", plot(*matrix, terminal_width()));
        break;
      }
      [[fallthrough]];
    case OutputFormat::kTable: print_table(rows, with_time); break;
  }
  return 0;
}

using Print = int (*)(const QueryCommand&, const std::string& body, bool with_time);

int ask(const QueryCommand& command, std::string_view path, const net::FormValues& parameters,
        bool with_time, Print print_answer = print) {
  net::Loop loop("client");
  loop.start();
  net::HttpClient client(loop);
  net::ClientRequest request;
  request.method = "POST";
  request.url = command.url;
  if (request.url.ends_with('/')) request.url.pop_back();
  request.url += path;
  request.headers.set("Content-Type", "application/x-www-form-urlencoded");
  request.body = parameters.encode();
  request.timeout = std::chrono::minutes(5);
  request.max_body_bytes = size_t{4} << 30;
  const auto response = client.fetch_sync(std::move(request));
  if (!response) {
    fmt::print(stderr, "strata: cannot ask {}: {}\n", command.url, response.error().message);
    if (response.error().code == ErrorCode::kUnavailable) {
      fmt::print(stderr,
                 "Is a server running there? Start one with `strata serve`, or name "
                 "another with --url.\n");
    }
    return 1;
  }
  return print_answer(command, response->body, with_time);
}

double now_seconds() { return static_cast<double>(real_clock().now_ms()) / 1000; }

}  // namespace

int query_instant(const QueryCommand& command) {
  net::FormValues parameters;
  parameters.add("query", command.expr);
  if (!command.time.empty()) parameters.add("time", command.time);
  return ask(command, "/api/v1/query", parameters, false);
}

namespace {

// Start, end and step, with defaults for what is not given.
void add_range(const QueryCommand& command, net::FormValues& parameters) {
  constexpr double kDefaultSpan = 3600;
  constexpr double kDefaultPoints = 250;
  const std::string end = command.end.empty() ? format_double(now_seconds()) : command.end;
  const double end_seconds = parse_double(end).value_or(now_seconds());
  const std::string start =
      command.start.empty() ? format_double(end_seconds - kDefaultSpan) : command.start;
  std::string step = command.step;
  if (step.empty()) {
    const double span = end_seconds - parse_double(start).value_or(end_seconds - kDefaultSpan);
    step = format_double(std::max(1.0, std::floor(span / kDefaultPoints)));
  }
  parameters.add("start", start);
  parameters.add("end", end);
  parameters.add("step", step);
}

// A part's expression, indented by its place in the tree and cut to fit a line.
std::string part_text(const QueryNode& node, size_t width) {
  std::string text(size_t{2} * std::min<uint32_t>(node.depth, 12), ' ');
  text += node.expr;
  if (text.size() > width) text = text.substr(0, width - 3) + "...";
  return text;
}

int print_analysis(const QueryCommand& command, const std::string& body, bool with_time) {
  const auto nodes = wire::parse_query_nodes(body);
  if (!nodes || command.output == OutputFormat::kJson) return print(command, body, with_time);
  constexpr size_t kWidth = 60;
  double total = 0;
  for (const auto& node : *nodes) total += node.seconds;
  fmt::print("{:<{}} {:>9} {:>12} {:>11} {:>10} {:>6}\n", "part", kWidth, "series", "samples",
             "KiB held", "ms", "share");
  for (const auto& node : *nodes) {
    fmt::print("{:<{}} {:>9} {:>12} {:>11} {:>10.3f} {:>5.1f}%{}\n", part_text(node, kWidth),
               kWidth, node.series, node.samples, node.bytes >> 10, node.seconds * 1e3,
               total > 0 ? node.seconds / total * 100 : 0, node.reused ? "  (had already)" : "");
  }
  fmt::print("Times are each part's own, on one thread and without the cache of results.\n");
  return 0;
}

}  // namespace

int query_range(const QueryCommand& command) {
  net::FormValues parameters;
  parameters.add("query", command.expr);
  add_range(command, parameters);
  return ask(command, "/api/v1/query_range", parameters, true);
}

int query_analyze(const QueryCommand& command) {
  const bool range = !command.start.empty() || !command.step.empty();
  net::FormValues parameters;
  parameters.add("query", command.expr);
  parameters.add("stats", "analyze");
  if (range) {
    add_range(command, parameters);
  } else if (!command.time.empty()) {
    parameters.add("time", command.time);
  }
  return ask(command, range ? "/api/v1/query_range" : "/api/v1/query", parameters, range,
             print_analysis);
}

}  // namespace strata::app
