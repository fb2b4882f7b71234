// What a gateway's ledger says: strata gateway ledger export, strata cost report, strata cost
// import.
#include <fmt/format.h>

#include <cstdio>

#include "api/call.h"
#include "app/gateway_commands.h"
#include "base/fs.h"
#include "base/json.h"
#include "gateway/cost_report.h"
#include "gateway/ledger.h"
#include "gateway/replay.h"

namespace strata::app {
namespace {

using gateway::CostSum;
using gateway::RequestRecord;

struct Range {
  TimestampMs from = INT64_MIN;
  TimestampMs to = INT64_MAX;
};

Result<TimestampMs> time_of(std::string text) {
  if (text.size() == 10 && text[4] == '-') text += "T00:00:00Z";
  return api::parse_time(text);
}

Result<Range> range_of(const LedgerCommand& command) {
  Range range;
  if (!command.from.empty()) range.from = TRY(time_of(command.from));
  if (!command.to.empty()) range.to = TRY(time_of(command.to));
  return range;
}

int failed(const Error& error) {
  fmt::print(stderr, "strata: {}\n", error.message);
  return error.code == ErrorCode::kBadData ? 2 : 1;
}

/// A field of CSV (RFC 4180).
std::string csv(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string out = "\"";
  for (const char c : text) {
    out += c;
    if (c == '"') out += c;
  }
  return out += '"';
}

double seconds(RequestRecord::Nanos time) { return std::chrono::duration<double>(time).count(); }

/// Name and value of each of a row's columns: `text` for words, `number` for the rest, which may be
/// empty.
template <class Text, class Number>
void for_each_column(const RequestRecord& row, Text text, Number number) {
  const auto time = [&](std::string_view name, RequestRecord::Nanos value) {
    number(name, value < RequestRecord::Nanos(0) ? "" : fmt::format("{:.9f}", seconds(value)));
  };
  number("at_ms", fmt::to_string(row.at_ms));
  text("request_id", fmt::format("{:016x}", row.id));
  text("tenant", row.tenant);
  text("model", row.model);
  text("endpoint", row.endpoint);
  text("upstream", row.upstream);
  text("outcome", to_string(row.outcome));
  number("status", fmt::to_string(row.status));
  number("attempts", fmt::to_string(row.attempts));
  number("stream", row.stream ? "true" : "false");
  text("usage_source", to_string(row.usage_source));
  number("input_tokens", fmt::to_string(row.usage.input));
  number("cached_tokens", fmt::to_string(row.usage.cached));
  number("cache_write_tokens", fmt::to_string(row.usage.cache_write));
  number("output_tokens", fmt::to_string(row.usage.output));
  number("reasoning_tokens", fmt::to_string(row.usage.reasoning));
  time("duration_seconds", row.duration);
  time("first_byte_seconds", row.ttfb);
  time("first_token_seconds", row.ttft);
  time("last_token_seconds", row.last);
  number("request_bytes", fmt::to_string(row.request_bytes));
  number("response_bytes", fmt::to_string(row.response_bytes));
  number("cost_usd", row.cost_nano_usd ? gateway::dollars(*row.cost_nano_usd) : "");
  number("price_version", row.price_version == 0 ? "" : fmt::to_string(row.price_version));
}

std::string csv_head() {
  std::string out;
  const auto add = [&](std::string_view name, std::string_view) {
    out.append(out.empty() ? "" : ",").append(name);
  };
  for_each_column(RequestRecord(), add, add);
  return out + "\n";
}

std::string csv_row(const RequestRecord& row) {
  std::string out;
  const auto add = [&](std::string_view, std::string_view value) {
    out.append(csv(value)).append(",");
  };
  for_each_column(row, add, add);
  out.back() = '\n';
  return out;
}

std::string json_row(const RequestRecord& row) {
  std::string out;
  JsonWriter json(out);
  json.begin_object();
  for_each_column(
      row, [&](std::string_view name, std::string_view value) { json.key(name).string(value); },
      [&](std::string_view name, std::string_view value) {
        value.empty() ? json.key(name).null() : json.key(name).raw(value);
      });
  json.end_object();
  return out + "\n";
}

/// The columns of a report behind its keys.
std::vector<std::string> columns_of(const CostSum& sum) {
  return {fmt::to_string(sum.requests),          fmt::to_string(sum.failed),
          fmt::to_string(sum.usage.input),       fmt::to_string(sum.usage.cached),
          fmt::to_string(sum.usage.cache_write), fmt::to_string(sum.usage.output),
          fmt::to_string(sum.unpriced),          gateway::dollars(sum.nano_usd)};
}
const std::vector<std::string> kColumns = {
    "requests",           "failed",        "input_tokens", "cached_tokens",
    "cache_write_tokens", "output_tokens", "unpriced",     "cost_usd"};

void print_table(const std::vector<std::vector<std::string>>& lines, size_t keys) {
  std::vector<size_t> widths(lines.front().size(), 0);
  for (const auto& line : lines) {
    for (size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
  }
  for (const auto& line : lines) {
    for (size_t i = 0; i < line.size(); ++i) {
      if (i > 0) fmt::print("  ");
      i < keys ? fmt::print("{:<{}}", line[i], widths[i])
               : fmt::print("{:>{}}", line[i], widths[i]);
    }
    fmt::print("\n");
  }
}

void print_csv(const std::vector<std::vector<std::string>>& lines) {
  for (const auto& line : lines) {
    std::string out;
    for (const std::string& field : line) out.append(csv(field)).append(",");
    out.back() = '\n';
    fmt::print("{}", out);
  }
}

void print_json(const std::vector<std::vector<std::string>>& lines, size_t keys) {
  for (size_t i = 1; i < lines.size(); ++i) {
    std::string out;
    JsonWriter json(out);
    json.begin_object();
    for (size_t c = 0; c < lines[i].size(); ++c) {
      json.key(lines[0][c]);
      c < keys ? json.string(lines[i][c]) : json.raw(lines[i][c]);
    }
    json.end_object();
    fmt::print("{}\n", out);
  }
}

void print_report(const gateway::CostReport& report, RowFormat format) {
  const size_t keys = report.keys().size();
  std::vector<std::vector<std::string>> lines(1);
  for (const auto key : report.keys()) lines[0].emplace_back(to_string(key));
  lines[0].insert(lines[0].end(), kColumns.begin(), kColumns.end());
  for (const auto& [values, sum] : report.groups()) {
    lines.push_back(values);
    const auto columns = columns_of(sum);
    lines.back().insert(lines.back().end(), columns.begin(), columns.end());
  }
  if (format == RowFormat::kCsv) return print_csv(lines);
  if (format == RowFormat::kJson) return print_json(lines, keys);
  lines.emplace_back(keys, "");
  lines.back()[0] = "total";
  const auto columns = columns_of(report.total());
  lines.back().insert(lines.back().end(), columns.begin(), columns.end());
  print_table(lines, keys);
}

/// "p50 0.120 s, p90 …" of values in order of size.
std::string quantiles(const std::vector<double>& values) {
  std::string out;
  for (const double q : {0.5, 0.9, 0.99}) {
    const double value =
        values.empty() ? 0
                       : values[static_cast<size_t>(q * static_cast<double>(values.size() - 1))];
    fmt::format_to(std::back_inserter(out), "{}p{:.0f} {:.4f} s", out.empty() ? "" : ", ", q * 100,
                   value);
  }
  return out;
}

void print_replay(const gateway::ReplayResult& result) {
  fmt::print("{} requests asked in {:.1f} s, {} ok, {} passed over, {} late\n", result.asked,
             result.seconds, result.ok, result.passed_over, result.late);
  fmt::print("tokens: {} in, {} out, {:.1f} out a second\n", result.input_tokens,
             result.output_tokens, static_cast<double>(result.output_tokens) / result.seconds);
  fmt::print("to the first token: {}\nduration: {}\n", quantiles(result.first_token_seconds),
             quantiles(result.duration_seconds));
}

}  // namespace

int ledger_export(const LedgerCommand& command) {
  const auto range = range_of(command);
  if (!range) return failed(range.error());
  const bool json = command.format == RowFormat::kJson;
  if (!json) fmt::print("{}", csv_head());
  const auto read = gateway::read_ledger(
      real_fs(), command.directory, range->from, range->to,
      [&](const RequestRecord& row) { fmt::print("{}", json ? json_row(row) : csv_row(row)); });
  return read ? 0 : failed(read.error());
}

int ledger_replay(const LedgerReplayCommand& command) {
  const auto range = range_of(command.ledger);
  if (!range) return failed(range.error());
  gateway::ReplayOptions options{.target = command.target,
                                 .speed = command.speed,
                                 .model = command.model,
                                 .api_key = {},
                                 .ignore_eos = command.ignore_eos};
  if (!command.api_key_file.empty()) {
    auto key = real_fs().read_file(command.api_key_file);
    if (!key) return failed(key.error());
    while (key->ends_with('\n') || key->ends_with('\r')) key->pop_back();
    options.api_key = *std::move(key);
  }
  std::vector<RequestRecord> rows;
  const auto read = gateway::read_ledger(real_fs(), command.ledger.directory, range->from,
                                         range->to, [&](const RequestRecord& row) {
                                           if (rows.size() <= gateway::Replay::kMaxRows)
                                             rows.push_back(row);
                                         });
  if (!read) return failed(read.error());
  net::Loop loop("replay");
  loop.start();
  const auto result = gateway::Replay(loop, std::move(options)).run(std::move(rows));
  if (!result) return failed(result.error());
  print_replay(*result);
  return result->ok == result->asked ? 0 : 1;
}

int cost_report(const LedgerCommand& command) {
  const auto range = range_of(command);
  if (!range) return failed(range.error());
  const auto keys = gateway::parse_cost_keys(command.by);
  if (!keys) return failed(keys.error());
  std::shared_ptr<const gateway::PriceTable> prices;
  if (!command.price_files.empty()) {
    auto loaded = gateway::PriceTable::load(command.price_files, real_fs());
    if (!loaded) return failed(loaded.error());
    prices = *std::move(loaded);
  }
  gateway::CostReport report(*keys, prices.get());
  const auto read = gateway::read_ledger(real_fs(), command.directory, range->from, range->to,
                                         [&](const RequestRecord& row) { report.add(row); });
  if (!read) return failed(read.error());
  if (report.full()) {
    return failed({ErrorCode::kLimit, "more than a million groups: choose fewer keys for --by"});
  }
  print_report(report, command.format);
  if (report.total().unpriced > 0) {
    fmt::print(stderr,
               "{} requests with tokens have no price: their models are in no file of prices\n",
               report.total().unpriced);
  }
  return 0;
}

int cost_import(const std::string& file) {
  const auto text = real_fs().read_file(file);
  if (!text) return failed(text.error());
  size_t skipped = 0;
  const auto prices = gateway::prices_from_litellm(*text, skipped);
  if (!prices) return failed(prices.error());
  fmt::print("{}", *prices);
  fmt::print(stderr, "{} entries have no price of input tokens and are left out\n", skipped);
  return 0;
}

}  // namespace strata::app
