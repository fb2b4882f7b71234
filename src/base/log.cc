#include "base/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>

#include "base/json.h"
#include "base/number.h"

namespace strata {
namespace {

std::atomic<LogFormat> g_format{LogFormat::kLogfmt};
std::atomic<LogLevel> g_level{LogLevel::kInfo};

spdlog::logger& logger() {
  static spdlog::logger* instance = [] {
    auto* made = new spdlog::logger("strata", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("%v");
    made->set_level(spdlog::level::trace);  // filtered by g_level, before formatting
    return made;
  }();
  return *instance;
}

std::string_view level_name(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug: return "debug";
    case LogLevel::kInfo: return "info";
    case LogLevel::kWarn: return "warn";
    case LogLevel::kError: return "error";
  }
  return "info";
}

std::string timestamp() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
  const time_t seconds = static_cast<time_t>(millis / 1000);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char text[40];
  const size_t n = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
  return fmt::format("{}.{:03}Z", std::string_view(text, n), millis % 1000);
}

bool needs_quotes(std::string_view value) {
  return value.empty() || std::ranges::any_of(value, [](char c) {
           return c <= ' ' || c == '"' || c == '=' || c == '\\' || c == 0x7f;
         });
}

void append_logfmt(std::string& out, std::string_view key, std::string_view value) {
  if (!out.empty()) out += ' ';
  out.append(key) += '=';
  if (needs_quotes(value)) {
    append_json_string(out, value);
  } else {
    out.append(value);
  }
}

}  // namespace

LogField::LogField(std::string_view k, double v) : key(k) { append_double(value, v); }

void log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) {
  if (level < g_level.load(std::memory_order_relaxed)) return;
  std::string line;
  if (g_format.load(std::memory_order_relaxed) == LogFormat::kJson) {
    JsonWriter json(line);
    json.begin_object();
    json.key("ts").string(timestamp());
    json.key("level").string(level_name(level));
    json.key("msg").string(message);
    for (const auto& field : fields) json.key(field.key).string(field.value);
    json.end_object();
  } else {
    append_logfmt(line, "ts", timestamp());
    append_logfmt(line, "level", level_name(level));
    append_logfmt(line, "msg", message);
    for (const auto& field : fields) append_logfmt(line, field.key, field.value);
  }
  logger().log(spdlog::level::info, std::string_view(line));
}

void configure_logging(LogLevel level, LogFormat format) {
  g_level = level;
  g_format = format;
}

}  // namespace strata
