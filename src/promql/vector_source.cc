#include "promql/vector_source.h"

#include <algorithm>
#include <unordered_map>

namespace strata::promql {
namespace {

// Values in flight between the makers of rows and their consumer.
constexpr size_t kBlockValues = 1 << 16;

class EditedRows final : public VectorSource {
 public:
  EditedRows(VectorPtr inner, std::vector<SeriesRef> series, RowEdit edit, Edit kind)
      : VectorSource(std::move(series)),
        inner_(std::move(inner)),
        edit_(std::move(edit)),
        has_slices_(kind == Edit::kEachAlike && inner_->has_slices()) {}

  Result<> row(size_t i, RowView out) const override {
    TRY(inner_->row(i, out));
    return edit_(inner_->series(i), out);
  }
  bool has_slices() const override { return has_slices_; }
  Result<> slice(size_t i, size_t first, RowView out) const override {
    TRY(inner_->slice(i, first, out));
    return edit_(inner_->series(i), out);
  }

 private:
  const VectorPtr inner_;
  const RowEdit edit_;
  const bool has_slices_;
};

class Broadcast final : public VectorSource {
 public:
  explicit Broadcast(VectorPtr inner)
      : VectorSource(inner->all_series()), inner_(std::move(inner)) {}

  Result<> row(size_t i, RowView out) const override {
    RowBuffer one(1);
    TRY(inner_->row(i, one.view()));
    std::ranges::fill(out.v, one.v[0]);
    if (one.h.empty() || !one.h[0]) {
      out.h->clear();
    } else {
      out.h->assign(out.size(), one.h[0]);
    }
    return {};
  }

 private:
  const VectorPtr inner_;
};

class SharedRows final : public VectorSource {
 public:
  explicit SharedRows(std::shared_ptr<const Frame> frame)
      : VectorSource(frame->all_series()), frame_(std::move(frame)) {}

  Result<> row(size_t i, RowView out) const override { return frame_->row(i, out); }
  RowView stored_row(size_t i) const override { return frame_->view(i); }

 private:
  const std::shared_ptr<const Frame> frame_;
};

}  // namespace

Result<FramePtr> Frame::make(Query& query, std::vector<SeriesRef> series, size_t steps) {
  FramePtr frame(new Frame(query, std::move(series), steps));
  const size_t values = frame->size() * steps;
  TRY(frame->charge_.add(held_rows(frame->size(), values)));
  frame->values_ = std::make_unique_for_overwrite<double[]>(values);
  frame->histograms_.resize(frame->size());
  return frame;
}

Result<FramePtr> Frame::of(Query& query, VectorPtr source, size_t steps) {
  if (dynamic_cast<Frame*>(source.get()) != nullptr) {
    return FramePtr(static_cast<Frame*>(source.release()));
  }
  FramePtr frame = TRY(make(query, source->all_series(), steps));
  const size_t block = std::max<size_t>(1, kBlockValues / 4 / steps);
  const size_t blocks = (frame->size() + block - 1) / block;
  TRY(query.parallel(blocks, [&](size_t b) -> Result<> {
    TRY(query.check());
    const size_t end = std::min(frame->size(), (b + 1) * block);
    for (size_t i = b * block; i < end; ++i) {
      TRY(source->row(i, frame->view(i)));
      TRY(frame->charge_histograms(i));
    }
    return {};
  }));
  return frame;
}

Result<> Frame::charge_histograms(size_t i) {
  if (histograms_[i].empty()) return {};
  return charge_.add({0, memory_of(histograms_[i])});
}

Result<> for_each_row(Query& query, const VectorSource& source, size_t steps,
                      const std::function<Result<>(size_t, RowView)>& consume) {
  if (source.size() == 0) return {};
  const bool stored = !source.stored_row(0).v.empty();
  const size_t wanted = stored || !query.is_parallel() ? 1 : kBlockValues / steps;
  const size_t block = std::clamp<size_t>(wanted, 1, source.size());
  std::vector<RowBuffer> rows;
  Charge charge(query);
  if (!stored) TRY(charge.add({0, block * steps * sizeof(double)}));
  if (!stored) rows.assign(block, RowBuffer(steps));
  constexpr size_t kCheckEvery = 64;
  for (size_t begin = 0; begin < source.size(); begin += block) {
    if (block > 1 || begin % kCheckEvery == 0) TRY(query.check());
    const size_t n = std::min(block, source.size() - begin);
    if (stored) {
      TRY(consume(begin, source.stored_row(begin)));
      continue;
    }
    TRY(query.parallel(n, [&](size_t i) { return source.row(begin + i, rows[i].view()); }));
    for (size_t i = 0; i < n; ++i) TRY(consume(begin + i, rows[i].view()));
  }
  return {};
}

Result<> VectorSource::slice(size_t, size_t, RowView) const {
  return fail(ErrorCode::kInternal, "a row that has no slices was asked for one");
}

VectorPtr edit_rows(VectorPtr inner, std::vector<SeriesRef> series, RowEdit edit, Edit kind) {
  return std::make_unique<EditedRows>(std::move(inner), std::move(series), std::move(edit), kind);
}

VectorPtr shared_rows(std::shared_ptr<const Frame> frame) {
  return std::make_unique<SharedRows>(std::move(frame));
}

VectorPtr broadcast(VectorPtr one_step) { return std::make_unique<Broadcast>(std::move(one_step)); }

Result<VectorPtr> merge_same_labels(Query& query, VectorPtr source, size_t steps) {
  if (source->size() < 2) return source;
  std::unordered_map<std::string_view, size_t> first_of;
  first_of.reserve(source->size());
  std::vector<SeriesRef> distinct;
  std::vector<size_t> target(source->size());
  for (size_t i = 0; i < source->size(); ++i) {
    const SeriesRef& series = source->series(i);
    const auto [it, added] = first_of.try_emplace(series.labels->bytes(), distinct.size());
    if (added) distinct.push_back(series);
    target[i] = it->second;
  }
  if (distinct.size() == source->size()) return source;

  FramePtr merged = TRY(Frame::make(query, distinct, steps));
  for (size_t i = 0; i < merged->size(); ++i) merged->view(i).clear();
  TRY(for_each_row(query, *source, steps, [&](size_t i, RowView row) -> Result<> {
    const RowView out = merged->view(target[i]);
    for (size_t s = 0; s < steps; ++s) {
      if (!row.has(s)) continue;
      if (out.has(s)) return same_labelset_error();
      row.is_histogram(s) ? out.set(s, row.histogram(s)) : out.set(s, row.v[s]);
    }
    return {};
  }));
  return merged;
}

bool have_one_name(const std::vector<SeriesRef>& series) {
  if (series.empty()) return true;
  const std::string_view name = series[0].labels->metric_name();
  return std::ranges::all_of(series, [&](const SeriesRef& s) {
    return !s.drop_name && s.labels->metric_name() == name && !s.labels->has("__type__") &&
           !s.labels->has("__unit__");
  });
}

namespace {

// For range functions: two series that would be one must not both have values, at any steps.
Result<VectorPtr> forbid_same_labels(Query& query, VectorPtr source, size_t steps) {
  FramePtr frame = TRY(Frame::of(query, std::move(source), steps));
  std::unordered_map<std::string_view, bool> used;
  for (size_t i = 0; i < frame->size(); ++i) {
    if (frame->view(i).empty()) continue;
    bool& seen = used[frame->series(i).labels->bytes()];
    if (seen) return same_labelset_error();
    seen = true;
  }
  return frame;
}

bool has_same_labels(const std::vector<SeriesRef>& series) {
  std::unordered_map<std::string_view, bool> seen;
  seen.reserve(series.size());
  return !std::ranges::all_of(
      series, [&](const SeriesRef& s) { return seen.try_emplace(s.labels->bytes(), true).second; });
}

}  // namespace

Result<VectorPtr> drop_names(Query& query, VectorPtr source, size_t steps, bool strict) {
  if (source->size() == 0) return source;
  const bool stay_distinct =
      query.options.delayed_name_removal || have_one_name(source->all_series());
  std::vector<SeriesRef> series;
  series.reserve(source->size());
  for (const SeriesRef& s : source->all_series()) series.push_back(query.drop_name(s));
  const bool collide = !stay_distinct && has_same_labels(series);
  VectorPtr renamed = edit_rows(
      std::move(source), std::move(series),
      [](const SeriesRef&, RowView) -> Result<> { return {}; }, Edit::kEachAlike);
  if (!collide) return renamed;
  return strict ? forbid_same_labels(query, std::move(renamed), steps)
                : merge_same_labels(query, std::move(renamed), steps);
}

}  // namespace strata::promql
