#include "tsdb/frame_file.h"

#include "base/log.h"

namespace strata::tsdb {

Result<FrameFile> FrameFile::create(Fs& fs, std::string path) {
  auto file = TRY(fs.create(path));
  return FrameFile(fs, std::move(path), std::move(file));
}

Result<FrameFile> FrameFile::resume(Fs& fs, std::string path, uint64_t size) {
  auto file = TRY(fs.open_append(path));
  if (file->size() > size) {
    file.reset();
    TRY(fs.truncate(path, size));
    file = TRY(fs.open_append(path));
  }
  FrameFile out(fs, std::move(path), std::move(file));
  out.size_ = size;
  return out;
}

Result<> FrameFile::mend() {
  TRY(fs_->truncate(path_, size_));
  tail_is_broken_ = false;
  return {};
}

Result<uint64_t> FrameFile::append(std::string_view frames) {
  if (tail_is_broken_) TRY(mend());
  if (auto written = file_->append(frames); !written) {
    tail_is_broken_ = true;
    (void)mend();  // else the next append tries again
    return std::unexpected(std::move(written).error());
  }
  const uint64_t offset = size_;
  size_ += frames.size();
  return offset;
}

Result<> sync_file(Fs& fs, const std::string& path) {
  auto file = TRY(fs.open_append(path));
  return file->sync();
}

std::string numbered_name(uint64_t number) { return fmt::format("{:08}", number); }

uint64_t parse_numbered_name(std::string_view name) {
  if (name.size() < 8 || name.size() > 18) return 0;
  uint64_t number = 0;
  for (const char c : name) {
    if (c < '0' || c > '9') return 0;
    number = number * 10 + static_cast<uint64_t>(c - '0');
  }
  return number;
}

void keep_aside(Fs& fs, const std::string& path) {
  std::string to = path + ".damaged";
  for (int i = 2; i <= 9 && fs.exists(to); ++i) to = fmt::format("{}.damaged.{}", path, i);
  if (auto renamed = fs.rename(path, to); !renamed) {
    log_warn("a damaged file could not be kept aside",
             {{"file", path}, {"error", renamed.error().message}});
  }
}

}  // namespace strata::tsdb
