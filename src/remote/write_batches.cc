#include "remote/write_batches.h"

#include <algorithm>

#include "discover/relabel.h"
#include "wire/snappy_block.h"

namespace strata::remote {
namespace {

wire::RemoteWriteVersion version_of(const config::RemoteWriteConfig& config) {
  return config.protobuf_message == "io.prometheus.write.v2.Request" ? wire::RemoteWriteVersion::k2
                                                                     : wire::RemoteWriteVersion::k1;
}

template <class Timed>
void sort_by_series(std::vector<Timed>& samples) {
  std::ranges::stable_sort(samples, {}, &Timed::series);
}

}  // namespace

BatchMaker::BatchMaker(const config::RemoteWriteConfig& config, Labels external_labels,
                       std::function<Labels(tsdb::SeriesId)> labels_of)
    : config_(config),
      external_labels_(std::move(external_labels)),
      labels_of_(std::move(labels_of)),
      version_(version_of(config)) {}

void BatchMaker::set_families(std::shared_ptr<const Families> families) {
  if (version_ == wire::RemoteWriteVersion::k1) return;
  prepared_.clear();  // they point into the old ones
  families_ = std::move(families);
}

const Metadata* BatchMaker::about(std::string_view name) const {
  if (!families_) return nullptr;
  if (const auto found = families_->find(name); found != families_->end()) return &found->second;
  for (const std::string_view suffix : {"_total", "_bucket", "_count", "_sum"}) {
    if (!name.ends_with(suffix)) continue;
    const auto found = families_->find(name.substr(0, name.size() - suffix.size()));
    if (found != families_->end()) return &found->second;
  }
  return nullptr;
}

const BatchMaker::Prepared& BatchMaker::prepared(tsdb::SeriesId id) {
  const auto known = prepared_.find(tsdb::index_of(id));
  if (known != prepared_.end()) return known->second;
  if (prepared_.size() >= kMaxRemembered) prepared_.clear();
  Prepared& made = prepared_[tsdb::index_of(id)];
  Labels labels = labels_of_(id);
  if (labels.empty()) return made;
  if (!external_labels_.empty() || !config_.write_relabel_configs.empty()) {
    LabelsBuilder builder(labels);
    for (const auto& label : external_labels_) {
      if (!labels.has(label.name)) builder.set(label.name, label.value);
    }
    if (!discover::relabel(config_.write_relabel_configs, builder)) return made;
    labels = builder.build();
  }
  made.about = about(labels.metric_name());
  made.labels = std::move(labels);
  return made;
}

std::vector<Lane> BatchMaker::make(std::vector<tsdb::TimedSample>& samples,
                                   std::vector<tsdb::TimedHistogram>& histograms,
                                   size_t max_lanes) {
  sort_by_series(samples);
  sort_by_series(histograms);
  const auto most = static_cast<size_t>(config_.queue_config.max_samples_per_send);
  const size_t all = samples.size() + histograms.size();
  const size_t lane_count = std::clamp<size_t>((all + most - 1) / most, 1, max_lanes);
  const size_t lane_size = (all + lane_count - 1) / lane_count;

  std::vector<Lane> lanes;
  Lane lane;
  size_t in_lane = 0;
  WriteBatch batch;
  wire::RemoteWriteWriter writer(version_);
  std::vector<Sample> points;
  std::vector<wire::RemoteHistogram> shapes;
  const auto end_lane = [&] {
    finish(writer, batch, lane);
    if (!lane.empty()) lanes.push_back(std::exchange(lane, {}));
    in_lane = 0;
  };

  auto sample = samples.begin();
  auto histogram = histograms.begin();
  while (sample != samples.end() || histogram != histograms.end()) {
    const auto id = histogram == histograms.end() ||
                            (sample != samples.end() && sample->series <= histogram->series)
                        ? sample->series
                        : histogram->series;
    const Prepared& series = prepared(id);
    const bool sent = !series.labels.empty();
    const auto flush_points = [&] {
      if (points.empty() && shapes.empty()) return;
      writer.add(series.labels, points, shapes, {}, series.about);
      batch.samples += points.size();
      batch.histograms += shapes.size();
      points.clear(), shapes.clear();
      if (batch.samples + batch.histograms >= most) finish(writer, batch, lane);
    };
    const auto takes = [&](TimestampMs t) {
      if (!sent || t < oldest_) return ++dropped_, false;
      batch.newest = std::max(batch.newest, t);
      ++in_lane;
      return true;
    };
    for (; sample != samples.end() && sample->series == id; ++sample) {
      if (!takes(sample->t)) continue;
      points.push_back({sample->t, sample->v});
      if (batch.samples + points.size() >= most) flush_points();
    }
    for (; histogram != histograms.end() && histogram->series == id; ++histogram) {
      if (!config_.send_native_histograms || !takes(histogram->t)) continue;
      shapes.push_back({*histogram->h, histogram->t});
      if (batch.histograms + shapes.size() >= most) flush_points();
    }
    flush_points();
    if (in_lane >= lane_size) end_lane();
  }
  end_lane();
  return lanes;
}

void BatchMaker::finish(wire::RemoteWriteWriter& writer, WriteBatch& batch, Lane& lane) const {
  if (writer.empty()) return;
  std::string message;
  writer.finish(message);
  wire::snappy_compress(message, batch.body);
  lane.push_back(std::exchange(batch, {}));
}

Lane BatchMaker::make_metadata(const Families& families) const {
  Lane lane;
  if (version_ == wire::RemoteWriteVersion::k2) return lane;
  wire::RemoteWriteWriter writer(version_);
  WriteBatch batch;
  size_t count = 0;
  for (const auto& [family, about] : families) {
    writer.add_metadata(family, about);
    if (++count % static_cast<size_t>(
                      std::max<int64_t>(1, config_.metadata_config.max_samples_per_send)) ==
        0) {
      finish(writer, batch, lane);
    }
  }
  finish(writer, batch, lane);
  return lane;
}

}  // namespace strata::remote
