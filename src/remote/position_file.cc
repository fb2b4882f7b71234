#include "remote/position_file.h"

#include "tsdb/frame.h"
#include "tsdb/record.h"

namespace strata::remote {
Result<PositionFile> PositionFile::open(Fs& fs, std::string path) {
  PositionFile file(fs, std::move(path));
  auto bytes = fs.read_file(file.path_);
  if (!bytes && bytes.error().code != ErrorCode::kNotFound) return std::unexpected(bytes.error());
  if (!bytes) return file;
  tsdb::FrameReader reader(*bytes);
  tsdb::Frame frame;
  while (reader.next(frame)) {
    tsdb::record::Reader read(frame.payload);
    const tsdb::LogPosition position{read.varint(), read.varint()};
    const tsdb::LogPosition end{read.varint(), read.varint()};
    if (!read.ok()) continue;
    file.position_ = position;
    file.round_end_.reset();
    if (end > position) file.round_end_ = end;
  }
  return file;
}

Result<> PositionFile::begin_round(tsdb::LogPosition end) {
  round_end_ = end;
  return write();
}

Result<> PositionFile::save(tsdb::LogPosition position) {
  position_ = position;
  round_end_.reset();
  return write();
}

std::string PositionFile::frame() {
  std::string frame;
  const tsdb::LogPosition end = round_end_.value_or(*position_);
  const size_t begin = tsdb::begin_frame(frame);
  for (const uint64_t part : {position_->segment, position_->offset, end.segment, end.offset}) {
    tsdb::record::put_varint(frame, part);
  }
  tsdb::end_frame(frame, begin, ++sequence_);
  return frame;
}

Result<> PositionFile::write() {
  if (file_ && file_->size() < kRewriteBytes) {
    TRY(file_->append(frame()));
    return {};
  }
  // Beside, then in its place: there is always one that is whole.
  file_.reset();
  const std::string beside = path_ + ".new";
  auto fresh = TRY(tsdb::FrameFile::create(*fs_, beside));
  TRY(fresh.append(frame()));
  TRY(tsdb::sync_file(*fs_, beside));
  TRY(fs_->rename(beside, path_));
  file_ = TRY(tsdb::FrameFile::resume(*fs_, path_, fresh.size()));
  return {};
}

}  // namespace strata::remote
