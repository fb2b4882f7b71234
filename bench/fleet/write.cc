#include "base/fs.h"
#include "base/number.h"
#include "fleet/recording.h"

namespace strata::bench {
namespace {

// One file, in pieces of a megabyte.
class TextFile {
 public:
  static Result<TextFile> create(const std::string& path) {
    return TextFile(TRY(real_fs().create(path)));
  }
  std::string& text() { return text_; }
  Result<> flush(size_t at_least) {
    if (text_.size() < at_least) return {};
    TRY(file_->append(text_));
    text_.clear();
    return {};
  }

 private:
  explicit TextFile(std::unique_ptr<AppendFile> file) : file_(std::move(file)) {}
  std::unique_ptr<AppendFile> file_;
  std::string text_;
};

Result<> write_steps(Recording& recording, int64_t from, int64_t to, const std::string& base) {
  auto open_metrics = TRY(TextFile::create(base + ".om"));
  auto text = TRY(TextFile::create(base + ".prom"));
  std::string number;
  for (int64_t step = from; step <= to; ++step) {
    recording.advance(step);
    const TimestampMs t = recording.time_of(step);
    const auto in_seconds = fmt::format(" {}.{:03}\n", t / 1000, t % 1000);
    const auto in_millis = fmt::format(" {}\n", t);
    for (auto& target : recording.targets()) {
      const auto values = target.values();
      for (size_t i = 0; i < values.size(); ++i) {
        number.assign(" ");
        append_double(number, values[i]);
        open_metrics.text().append(target.series()[i]).append(number).append(in_seconds);
        text.text().append(target.series()[i]).append(number).append(in_millis);
      }
      TRY(open_metrics.flush(1 << 20));
      TRY(text.flush(1 << 20));
    }
  }
  open_metrics.text().append("# EOF\n");
  TRY(open_metrics.flush(0));
  return text.flush(0);
}

}  // namespace

Result<> write(const WriteOptions& options) {
  Recording recording(options.recording);
  const double step = options.recording.fleet.step_seconds;
  const auto steps_a_file = std::max<int64_t>(1, std::llround(options.hours_a_file * 3600 / step));
  TRY(real_fs().create_directories(options.directory));
  int file = 0;
  for (int64_t from = 1; from <= recording.steps(); from += steps_a_file) {
    const int64_t to = std::min(recording.steps(), from + steps_a_file - 1);
    TRY(write_steps(recording, from, to, fmt::format("{}/{:03}", options.directory, file++)));
  }
  fmt::print("{{\"series\": {}, \"samples\": {}}}\n", recording.series(),
             recording.series() * static_cast<uint64_t>(recording.steps()));
  return {};
}

}  // namespace strata::bench
