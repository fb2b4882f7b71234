#include "fleet/rule_scenarios.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <ostream>

#include "base/fs.h"
#include "base/number.h"
#include "model/duration.h"

namespace strata {
namespace {

constexpr std::string_view kPage = "docs/rule-scenarios.md";
constexpr double kLong = 45 * 60;  // histories that are longer than that
constexpr double kLongStep = 15;   // are scraped at this interval
constexpr std::string_view kTick = "`";

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

std::vector<std::string_view> split(std::string_view text, std::string_view at) {
  std::vector<std::string_view> parts;
  while (true) {
    const size_t end = text.find(at);
    parts.push_back(trimmed(text.substr(0, end)));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + at.size());
  }
}

// The parts of a list that may be empty, without the quotes of code.
std::vector<std::string> words(std::string_view cell) {
  std::vector<std::string> out;
  for (std::string_view part : split(cell, ",")) {
    std::string word(part);
    std::erase(word, '`');
    if (!word.empty() && word != "-") out.push_back(std::move(word));
  }
  return out;
}

double seconds(std::string_view text) {
  const auto duration = parse_duration(text);
  return duration ? static_cast<double>(duration->count()) / 1000 : -1;
}

// What a scripted series does from a moment on: "5", "+3/m" (grows), "now+10d" (a time).
struct Motion {
  double level = 0;
  double per_second = 0;
  bool is_level = false;

  static std::optional<Motion> parse(std::string_view text) {
    if (text.starts_with("now+")) {
      return Motion{FleetHistory::kStart / 1000.0 + seconds(text.substr(4)), 0, true};
    }
    if (text.starts_with('+') && text.ends_with("/m")) {
      const auto rate = parse_uint(text.substr(1, text.size() - 3));
      if (!rate) return std::nullopt;
      return Motion{0, static_cast<double>(*rate) / 60, false};
    }
    const auto level = parse_uint(text);
    if (!level) return std::nullopt;
    return Motion{static_cast<double>(*level), 0, true};
  }
};

// "SERIES: BEFORE then AFTER".
std::optional<ScriptedSeries> scripted(std::string_view text, double onset) {
  const size_t colon = text.rfind(": ");
  if (colon == std::string_view::npos) return std::nullopt;
  const auto steps = split(text.substr(colon + 2), " then ");
  const auto before = Motion::parse(steps.front());
  const auto after = Motion::parse(steps.back());
  if (!before || !after || steps.size() > 2) return std::nullopt;
  return ScriptedSeries{std::string(text.substr(0, colon)), [=](double now) {
                          if (now < onset) return before->level + before->per_second * now;
                          if (after->is_level) return after->level;
                          return before->level + before->per_second * onset +
                                 after->per_second * (now - onset);
                        }};
}

class PageReader {
 public:
  RuleScenarios read(std::string_view page) {
    while (!page.empty()) {
      const size_t end = std::min(page.find('\n'), page.size() - 1);
      line(trimmed(page.substr(0, end)));
      page.remove_prefix(end + 1);
    }
    return std::move(found_);
  }

 private:
  void line(std::string_view text) {
    ++number_;
    if (!text.starts_with('|') || text.starts_with("|-")) return;
    auto cells = split(text.substr(1, text.size() - 2), "|");
    if (cells.front() == "scenario" || cells.front() == "rule") {
      is_rules_ = cells.front() == "rule";
    } else if (cells.size() != 5) {
      mistake("five columns are expected");
    } else if (is_rules_) {
      rule(cells);
    } else {
      scenario(cells);
    }
  }

  // scenario | what happens | from | until | may fire too
  void scenario(const std::vector<std::string_view>& cells) {
    RuleScenario out;
    out.name = words(cells[0]).front();
    out.onset = seconds(cells[2]);
    out.history.end = seconds(cells[3]);
    if (out.onset < 0 || out.history.end <= out.onset) mistake("from and until are durations");
    if (out.history.end > kLong) out.history.step = kLongStep;
    std::string faults;
    for (std::string_view part : split(cells[1], "<br>")) {
      while (part.starts_with(kTick)) part.remove_prefix(1);
      while (part.ends_with(kTick)) part.remove_suffix(1);
      if (part.starts_with("fault: ")) {
        faults += fmt::format("  - {{{}, at: {}s, for: {}s}}\n", part, out.onset,
                              out.history.end - out.onset);
      } else if (part == "engines speculate") {
        out.history.fleet.speculative = true;
      } else if (auto series = scripted(part, out.onset)) {
        out.history.scripted.push_back(std::move(*series));
      } else if (part != "nothing") {
        mistake(fmt::format("{:?} is no fault and no series", part));
      }
    }
    if (!faults.empty()) out.history.scenario = "faults:\n" + faults;
    for (std::string& alert : words(cells[4])) out.may_fire.insert(std::move(alert));
    found_.scenarios.push_back(std::move(out));
  }

  // rule | severity | fires in | within | quiet in
  void rule(const std::vector<std::string_view>& cells) {
    RulePair out;
    const auto name = words(cells[0]);
    const size_t bracket = name.front().find('[');
    std::string alert = name.front();
    if (bracket != std::string::npos) {  // a link to the alert's page
      alert = alert.substr(bracket + 1, alert.find(']') - bracket - 1);
    }
    out.rule = fmt::format("{} {}", alert, cells[1]);
    const auto fires = words(cells[2]);
    out.fires_in = fires.empty() ? "" : fires.front();
    out.within = seconds(cells[3]);
    if (out.within < 0) mistake("within is a duration");
    out.quiet_in = words(cells[4]);
    found_.rules.push_back(std::move(out));
  }

  void mistake(std::string what) {
    found_.mistakes.push_back(fmt::format("{}:{}: {}", kPage, number_, what));
  }

  RuleScenarios found_;
  size_t number_ = 0;
  bool is_rules_ = false;
};

}  // namespace

void PrintTo(const RuleScenario& scenario, std::ostream* out) { *out << scenario.name; }

const RuleScenario* RuleScenarios::find(std::string_view name) const {
  const auto found = std::ranges::find(scenarios, name, &RuleScenario::name);
  return found == scenarios.end() ? nullptr : &*found;
}

const RuleScenarios& rule_scenarios() {
  static const RuleScenarios read = [] {
    const auto page = real_fs().read_file(std::string(kPage));
    if (page) return PageReader().read(*page);
    RuleScenarios none;
    none.mistakes.push_back(page.error().message);
    return none;
  }();
  return read;
}

}  // namespace strata
