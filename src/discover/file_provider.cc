#include <algorithm>

#include "config/glob.h"
#include "config/load.h"
#include "discover/discovery.h"

namespace strata::discover {
namespace {

/// Target files are small, and people expect an edit to count at once: reading them costs less than
/// a watch that must survive renames, mounts and network file systems.
constexpr Millis kPollInterval{5'000};

class FileProvider final : public Provider {
 public:
  FileProvider(const config::FileSdConfig& config, Fs& fs, Metrics& metrics)
      : patterns_(config.files),
        interval_(config.refresh_interval == Millis{0}
                      ? kPollInterval
                      : std::min(config.refresh_interval, kPollInterval)),
        fs_(fs),
        metrics_(metrics) {}

  Groups refresh(std::vector<std::string>& errors) override {
    std::map<std::string, File> files;
    for (const std::string& pattern : patterns_) {
      for (const std::string& path : config::glob(fs_, pattern)) {
        if (files.contains(path)) continue;
        File& file = files[path];
        if (const auto before = files_.find(path); before != files_.end()) {
          file = std::move(before->second);
        }
        if (const Result<> read = read_file(path, file); !read) {
          metrics_.file_read_errors.inc();
          errors.push_back(read.error().message);
        }
      }
    }
    files_ = std::move(files);

    std::vector<TargetGroup> groups;
    for (const auto& [path, file] : files_) {
      groups.insert(groups.end(), file.groups.begin(), file.groups.end());
    }
    return groups;
  }
  Millis refresh_interval() const override { return interval_; }

 private:
  struct File {
    std::string text;  // what groups or the error were made from
    Result<> parsed;
    std::vector<TargetGroup> groups;
  };

  Result<> read_file(const std::string& path, File& file) const {
    std::string text = TRY(fs_.read_file(path));
    if (text == file.text) return file.parsed;
    file.text = std::move(text);
    const Result<std::vector<config::StaticConfig>> configs =
        config::parse_target_file(file.text, path);
    if (!configs) {
      file.parsed = std::unexpected(configs.error());
      return file.parsed;
    }
    file.parsed = {};
    file.groups.clear();
    for (size_t i = 0; i < configs->size(); ++i) {
      TargetGroup group = group_from((*configs)[i], fmt::format("{}:{}", path, i));
      LabelsBuilder labels(group.labels);
      group.labels = labels.set("__meta_filepath", path).build();
      file.groups.push_back(std::move(group));
    }
    return {};
  }

  const std::vector<std::string> patterns_;
  const Millis interval_;
  Fs& fs_;
  Metrics& metrics_;
  std::map<std::string, File> files_;
};

}  // namespace

std::unique_ptr<Provider> make_file_provider(const config::FileSdConfig& config, Fs& fs,
                                             Metrics& metrics) {
  return std::make_unique<FileProvider>(config, fs, metrics);
}

}  // namespace strata::discover
