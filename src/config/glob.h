// File name patterns, as Go's filepath.Match and Glob understand them: * ? [a-z] [^a-z] \c within a
// path component.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/fs.h"

namespace strata::config {

/// All of `name` (one path component). A malformed pattern matches nothing.
bool glob_match(std::string_view pattern, std::string_view name);

/// The files that match, sorted within each directory. A directory that cannot be read has none.
std::vector<std::string> glob(Fs& fs, const std::string& pattern);

/// What Prometheus asks of patterns in its files: no / after a *.
bool star_only_in_last_component(std::string_view pattern);

/// `path` as seen from `directory`: unchanged when empty or absolute; "." and ".." resolved.
std::string join_path(std::string_view directory, std::string_view path);
/// Of "a/b.yml" "a"; of "b.yml" ".".
std::string directory_of(std::string_view path);

}  // namespace strata::config
