#include "collect/textfile.h"

#include <fmt/format.h>
#include <glob.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>

#include "base/log.h"
#include "base/number.h"
#include "collect/collectors.h"
#include "collect/fields.h"

namespace strata::collect {
namespace {

constexpr size_t kMaxSamples = 500'000;
constexpr size_t kMaxFiles = 10'000;

std::optional<MetricType> parse_type(std::string_view text) {
  if (text == "counter") return MetricType::kCounter;
  if (text == "gauge") return MetricType::kGauge;
  if (text == "histogram") return MetricType::kHistogram;
  if (text == "summary") return MetricType::kSummary;
  if (text == "untyped") return MetricType::kUnknown;
  return std::nullopt;
}

// The text format escapes a backslash and a line end, and in label values the quote.
std::string unescape(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) {
      const char next = text[++i];
      if (next != '\\' && next != 'n' && next != '"') out += '\\';
      out += next == 'n' ? '\n' : next;
    } else {
      out += text[i];
    }
  }
  return out;
}

class Parser {
 public:
  Result<std::vector<MetricFamily>> parse(std::string_view text) {
    for (Lines lines(text); lines.next();) {
      ++line_;
      const std::string_view line = trim(lines.line());
      if (line.empty()) continue;
      TRY(line[0] == '#' ? parse_comment(line.substr(1)) : parse_sample(line));
    }
    return std::move(families_);
  }

 private:
  std::unexpected<Error> wrong(std::string_view what) const {
    return bad_data(fmt::format("line {}: {}", line_, what));
  }

  MetricFamily& family(std::string_view name) {
    const auto [entry, added] = by_name_.emplace(name, families_.size());
    if (added) families_.push_back({std::string(name), MetricType::kUnknown, {}, {}});
    return families_[entry->second];
  }

  // "HELP name text", "TYPE name type"; all else is a comment.
  Result<> parse_comment(std::string_view rest) {
    const std::string_view keyword = next_field(rest);
    if (keyword != "HELP" && keyword != "TYPE") return {};
    const std::string_view name = next_field(rest);
    if (!is_classic_metric_name(name)) return wrong("not a metric name");
    if (!said_.emplace(keyword, name).second) return wrong("said twice of the same metric");
    MetricFamily& of = family(name);
    if (keyword == "HELP") {
      of.help = unescape(trim(rest));
      return {};
    }
    const auto type = parse_type(trim(rest));
    if (!type) return wrong("not a metric type");
    if (!of.samples.empty()) return wrong("a type after samples");
    of.type = *type;
    return {};
  }

  Result<> parse_sample(std::string_view line) {
    const size_t end = std::min(line.find_first_of("{ \t"), line.size());
    const std::string_view name = line.substr(0, end);
    if (!is_classic_metric_name(name)) return wrong("not a metric name");
    std::string_view rest = line.substr(end);
    LabelsBuilder labels;
    const std::string_view before = trim(rest);
    if (before.starts_with("{")) {
      rest = before.substr(1);
      TRY(parse_labels(rest, labels));
    }
    const auto value = parse_double(next_field(rest));
    if (!value) return wrong("a sample without a value");
    if (!next_field(rest).empty()) return wrong("timestamps are not supported here");
    return add(name, labels.build(), *value);
  }

  // From behind the '{' to behind the '}'.
  Result<> parse_labels(std::string_view& rest, LabelsBuilder& labels) {
    while (true) {
      rest = trim(rest);
      if (rest.starts_with("}")) {
        rest.remove_prefix(1);
        return {};
      }
      const size_t equals = rest.find('=');
      if (equals == std::string_view::npos) return wrong("a label without '='");
      const std::string_view name = trim(rest.substr(0, equals));
      if (!is_classic_label_name(name) || name == kMetricName) return wrong("not a label name");
      if (!labels.get(name).empty()) return wrong("the same label twice");
      rest = trim(rest.substr(equals + 1));
      if (!rest.starts_with("\"")) return wrong("a label value without quotes");
      size_t close = 1;
      while (close < rest.size() && rest[close] != '"') close += rest[close] == '\\' ? 2 : 1;
      if (close >= rest.size()) return wrong("a label value that does not end");
      std::string value = unescape(rest.substr(1, close - 1));
      if (name == "le" || name == "quantile") normalise_bound(value);
      labels.set(name, value);
      rest = trim(rest.substr(close + 1));
      if (rest.starts_with(",")) {
        rest.remove_prefix(1);
      } else if (!rest.starts_with("}")) {
        return wrong("neither ',' nor '}' after a label");
      }
    }
  }

  // le="10.0" and le="10" are one series, whoever wrote them.
  static void normalise_bound(std::string& text) {
    const auto value = parse_double(text);
    if (!value) return;
    text.clear();
    append_double_g(text, *value);
  }

  Result<> add(std::string_view name, Labels labels, double value) {
    if (++samples_ > kMaxSamples) return wrong("more samples than a text file may have");
    if (!seen_.emplace(name, labels.bytes()).second) return wrong("the same sample twice");
    std::string_view suffix;
    for (const std::string_view candidate : {"_bucket", "_sum", "_count"}) {
      if (!name.ends_with(candidate)) continue;
      const auto base = by_name_.find(name.substr(0, name.size() - candidate.size()));
      if (base == by_name_.end()) continue;
      const MetricType type = families_[base->second].type;
      if (type == MetricType::kHistogram || (type == MetricType::kSummary && candidate[1] != 'b')) {
        suffix = candidate;
      }
    }
    family(name.substr(0, name.size() - suffix.size()))
        .samples.push_back({std::string(suffix), std::move(labels), value});
    return {};
  }

  size_t line_ = 0;
  size_t samples_ = 0;
  std::vector<MetricFamily> families_;
  std::map<std::string, size_t, std::less<>> by_name_;
  std::set<std::pair<std::string, std::string>> said_;  // HELP or TYPE, of what
  std::set<std::pair<std::string, std::string>> seen_;  // name and labels
};

}  // namespace

Result<std::vector<MetricFamily>> parse_textfile(std::string_view text) {
  return Parser().parse(text);
}

namespace {

/// A family of one file, and which file.
struct Found {
  MetricFamily family;
  std::string file;
};

class TextfileCollector {
 public:
  explicit TextfileCollector(const Settings& settings)
      : directories_(settings.text("textfile.directory")) {}

  Result<> operator()(Host& host) {
    failed_ = false;
    files_ = 0;
    std::vector<Found> found;
    std::map<std::string, double> modified;
    std::string_view rest = directories_;
    while (!rest.empty()) {
      const auto [pattern, others] = cut(rest, ',');
      rest = others;
      for (std::string& directory : expand(std::string(trim(pattern)))) {
        while (directory.size() > 1 && directory.ends_with('/')) directory.pop_back();
        read_directory(directory, found, modified);
      }
    }
    add_families(host.out, found);
    const auto mtime = host.out.gauge("node_textfile_mtime_seconds",
                                      "Unixtime mtime of textfiles successfully read.");
    for (const auto& [file, seconds] : modified) mtime.add(seconds, {{"file", file}});
    host.out
        .gauge("node_textfile_scrape_error",
               "1 if there was an error opening or reading a file, 0 otherwise")
        .add(failed_ ? 1 : 0);
    return {};
  }

 private:
  // What a shell would make of it; a name that matches nothing stays, to fail as a directory.
  static std::vector<std::string> expand(const std::string& pattern) {
    if (pattern.empty()) return {};
    glob_t matches{};
    std::vector<std::string> paths;
    if (::glob(pattern.c_str(), 0, nullptr, &matches) == 0) {
      paths.assign(matches.gl_pathv, matches.gl_pathv + matches.gl_pathc);
    }
    ::globfree(&matches);
    if (paths.empty()) paths.push_back(pattern);
    return paths;
  }

  void fail_with(std::string_view file, std::string_view why) {
    failed_ = true;
    log_debug("text file not collected", {{"file", file}, {"error", why}});
  }

  void read_directory(const std::string& directory, std::vector<Found>& found,
                      std::map<std::string, double>& modified) {
    Tree tree(directory);
    const auto names = tree.list("");
    if (!names) return fail_with(directory, names.error().message);
    for (const std::string& name : *names) {
      if (!name.ends_with(".prom")) continue;
      const std::string file = join(directory, name);
      if (++files_ > kMaxFiles) return fail_with(file, "too many text files");
      const auto text = tree.read(name);
      if (!text) {
        fail_with(file, text.error().message);
        continue;
      }
      auto families = parse_textfile(*text);
      if (!families) {
        fail_with(file, families.error().message);
        continue;
      }
      for (MetricFamily& family : *families) found.push_back({std::move(family), file});
      modified[file] = std::trunc(tree.modified(name).value_or(0));
    }
  }

  // Of a metric in several files the first help text and type count; a family that disagrees, or a
  // sample that is there already, is an error and left out.
  void add_families(Families& out, std::vector<Found>& found) {
    std::map<std::string, std::pair<const Found*, std::string>> first;  // and the files it is in
    for (const Found& item : found) {
      auto& [owner, files] = first[item.family.name];
      if (owner == nullptr || (owner->family.help.empty() && !item.family.help.empty())) {
        owner = &item;
      }
      if (!files.empty()) files += ", ";
      files += item.file;
    }
    std::set<std::pair<std::string, std::string>> seen;
    for (const Found& item : found) {
      const auto& [owner, files] = first[item.family.name];
      const MetricFamily& family = item.family;
      const bool other_help = !family.help.empty() && family.help != owner->family.help;
      if (other_help || family.type != owner->family.type) {
        fail_with(item.file, "help or type of " + family.name + " is not as in " + owner->file);
        continue;
      }
      const std::string help =
          owner->family.help.empty() ? "Metric read from " + files : owner->family.help;
      const auto to = out.family(family.name, family.type, help);
      for (const auto& sample : family.samples) {
        if (!seen.emplace(family.name + sample.suffix, sample.labels.bytes()).second) {
          fail_with(item.file, family.name + " has a sample that another file has too");
          continue;
        }
        out.add_with_suffix(to, sample.suffix, sample.value,
                            std::vector<Label>(sample.labels.begin(), sample.labels.end()));
      }
    }
  }

  std::string directories_;
  size_t files_ = 0;
  bool failed_ = false;
};

}  // namespace

Collector make_textfile(const Settings& settings) { return TextfileCollector(settings); }

}  // namespace strata::collect
