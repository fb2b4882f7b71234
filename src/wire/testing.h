// Where wire's tests and benchmarks find bodies that real programs answered with. Test data that is
// not ours stays out of the repository: STRATA_SHARED_DATA names its folder, ../shared/data is the
// default.
#pragma once
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

namespace strata::wire {

inline std::string shared_data_dir() {
  if (const char* dir = std::getenv("STRATA_SHARED_DATA")) return dir;
  // From the repository's root, where CTest runs tests, or from a build folder in it.
  for (const char* dir : {"../shared/data", "../../shared/data", "../../../shared/data"}) {
    if (std::filesystem::is_directory(dir)) return dir;
  }
  return "../shared/data";
}

/// Empty when there is no such file.
inline std::string read_shared_file(const std::string& path) {
  std::ifstream file(shared_data_dir() + "/" + path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Name and text of each exposition there is.
inline std::vector<std::pair<std::string, std::string>> shared_bodies() {
  std::vector<std::pair<std::string, std::string>> bodies;
  for (const char* path :
       {"node_exporter/fixtures/e2e-output.txt", "prometheus/textparse/1histogram.om.txt",
        "prometheus/textparse/alltypes.237mfs.nometa.prom.txt",
        "prometheus/textparse/alltypes.237mfs.prom.txt",
        "prometheus/textparse/alltypes.5mfs.om.txt"}) {
    std::string body = read_shared_file(path);
    if (!body.empty()) bodies.emplace_back(path, std::move(body));
  }
  return bodies;
}

}  // namespace strata::wire
