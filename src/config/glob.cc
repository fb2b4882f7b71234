#include "config/glob.h"

namespace strata::config {
namespace {

bool has_meta(std::string_view text) { return text.find_first_of("*?[\\") != text.npos; }

/// Matches `c` against the class after '[' and drops it from `pattern`; false also when malformed.
bool match_class(std::string_view& pattern, char c) {
  const bool negated = pattern.starts_with('^');
  if (negated) pattern.remove_prefix(1);
  bool matched = false;
  bool first = true;
  const auto take = [&](char& out) {
    if (pattern.starts_with('\\')) pattern.remove_prefix(1);
    if (pattern.empty()) return false;
    out = pattern[0];
    pattern.remove_prefix(1);
    return true;
  };
  while (!pattern.empty() && (first || pattern[0] != ']')) {
    first = false;
    char low = 0;
    if (!take(low)) return false;
    char high = low;
    if (pattern.starts_with('-')) {
      pattern.remove_prefix(1);
      if (!take(high)) return false;
    }
    matched = matched || (low <= c && c <= high);
  }
  if (pattern.empty()) return false;
  pattern.remove_prefix(1);
  return matched != negated;
}

}  // namespace

bool glob_match(std::string_view pattern, std::string_view name) {
  // Where to go on after the last * when what follows it does not match: one star is enough to
  // remember, since an earlier one cannot help any more.
  std::string_view star_pattern;
  std::string_view star_name;
  bool has_star = false;
  while (true) {
    if (pattern.starts_with('*')) {
      pattern.remove_prefix(1);
      has_star = true;
      star_pattern = pattern;
      star_name = name;
      continue;
    }
    bool matched = false;
    if (!pattern.empty() && !name.empty()) {
      const char kind = pattern[0];
      pattern.remove_prefix(1);
      if (kind == '?') {
        matched = true;
      } else if (kind == '[') {
        matched = match_class(pattern, name[0]);
      } else if (kind == '\\' && !pattern.empty()) {
        matched = pattern[0] == name[0];
        pattern.remove_prefix(1);
      } else {
        matched = kind == name[0];
      }
      if (matched) name.remove_prefix(1);
    } else if (pattern.empty() && name.empty()) {
      return true;
    }
    if (matched) continue;
    if (!has_star || star_name.empty()) return false;
    star_name.remove_prefix(1);
    pattern = star_pattern;
    name = star_name;
  }
}

std::vector<std::string> glob(Fs& fs, const std::string& pattern) {
  if (!has_meta(pattern)) {
    return fs.exists(pattern) ? std::vector{pattern} : std::vector<std::string>{};
  }
  const size_t slash = pattern.rfind('/');
  const std::string name = slash == std::string::npos ? pattern : pattern.substr(slash + 1);
  std::vector<std::string> directories = {""};
  if (slash == 0) directories = {"/"};
  if (slash != std::string::npos && slash > 0) {
    directories.clear();
    for (const std::string& found : glob(fs, pattern.substr(0, slash))) {
      directories.push_back(found + "/");
    }
  }
  std::vector<std::string> out;
  for (const std::string& directory : directories) {
    const Result<std::vector<DirEntry>> entries = fs.list(directory.empty() ? "." : directory);
    if (!entries) continue;
    for (const DirEntry& entry : *entries) {
      if (glob_match(name, entry.name)) out.push_back(directory + entry.name);
    }
  }
  return out;
}

bool star_only_in_last_component(std::string_view pattern) {
  const size_t star = pattern.find('*');
  return star == std::string_view::npos || pattern.find('/', star) == std::string_view::npos;
}

std::string join_path(std::string_view directory, std::string_view path) {
  if (path.empty() || path.starts_with('/')) return std::string(path);
  const bool absolute = directory.starts_with('/');
  std::string joined = std::string(directory) + "/" + std::string(path);
  std::vector<std::string_view> parts;
  std::string_view rest = joined;
  while (!rest.empty()) {
    const size_t slash = rest.find('/');
    const std::string_view part = rest.substr(0, slash);
    rest = slash == std::string_view::npos ? std::string_view() : rest.substr(slash + 1);
    if (part.empty() || part == ".") continue;
    if (part == ".." && !parts.empty() && parts.back() != "..") {
      parts.pop_back();
    } else if (part != ".." || !absolute) {
      parts.push_back(part);
    }
  }
  std::string out = absolute ? "/" : "";
  for (size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) out += '/';
    out += parts[i];
  }
  return out.empty() ? "." : out;
}

std::string directory_of(std::string_view path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  return slash == 0 ? "/" : std::string(path.substr(0, slash));
}

}  // namespace strata::config
