// /federate: what another server scrapes from this one (web/federate.go). The newest sample of each
// selected series within the lookback, as text, with the external labels where the series has none
// of that name.
#include <set>

#include "api/api.h"
#include "api/external_labels.h"
#include "api/handlers.h"
#include "wire/exposition_number.h"

namespace strata::api {
namespace {

struct Line {
  Labels labels;
  double value = 0;
  TimestampMs t = 0;
};

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  out += '"';
}

void append_line(std::string& out, const Line& line) {
  const auto name = line.labels.metric_name();
  const bool classic = is_classic_metric_name(name);
  if (classic) out += name;
  out += '{';
  if (!classic) append_quoted(out, name);
  bool first = classic;
  for (const auto& label : line.labels) {
    if (label.name == kMetricName) continue;
    if (!std::exchange(first, false)) out += ',';
    if (is_classic_label_name(label.name)) {
      out += label.name;
    } else {
      append_quoted(out, label.name);
    }
    out += '=';
    append_quoted(out, label.value);
  }
  // A series of no instance says so, or the scraper would give it ours.
  if (!line.labels.has("instance")) out += first ? "instance=\"\"" : ",instance=\"\"";
  out += "} ";
  wire::append_go_float(out, line.value);
  out += fmt::format(" {}\n", line.t);
}

class LinePieces final : public Pieces {
 public:
  explicit LinePieces(std::vector<Line> lines) : lines_(std::move(lines)) {}

  bool next(std::string& out) override {
    constexpr size_t kEnough = size_t{64} << 10;
    for (const size_t begin = out.size(); at_ < lines_.size() && out.size() - begin < kEnough;
         ++at_) {
      const auto name = lines_[at_].labels.metric_name();
      if (at_ == 0 || name != lines_[at_ - 1].labels.metric_name()) {
        out += "# TYPE ";
        if (is_classic_metric_name(name)) {
          out += name;
        } else {
          append_quoted(out, name);
        }
        out += " untyped\n";
      }
      append_line(out, lines_[at_]);
    }
    return at_ < lines_.size();
  }

 private:
  const std::vector<Line> lines_;
  size_t at_ = 0;
};

}  // namespace

Result<Reply> federate(const Services& services, Call& call) {
  const auto selectors = TRY(call.selectors());
  if (selectors.empty()) return bad_data("no match[] parameter provided");
  const auto now = services.clock.now_ms();
  const TimeRange range{now - services.engine.options().lookback.count() + 1, now};
  const Labels external = services.external_labels();
  std::set<Labels> seen;
  std::vector<Line> lines;
  for (const auto& matchers : selectors) {
    const auto set = TRY(services.source.select(matchers, range, 0));
    for (size_t i = 0; i < set->size(); ++i) {
      if (call.stop().stop_requested()) return fail(ErrorCode::kCanceled, "the client left");
      Sample sample;
      HistogramPtr histogram;
      const auto& labels = set->labels(i);
      if (!TRY(set->read_last(i, range, sample, histogram))) continue;
      // Native histograms have no form in the text format.
      if (histogram || is_stale_nan(sample.v) || labels.metric_name().empty()) continue;
      if (selectors.size() > 1 && !seen.insert(labels).second) continue;
      lines.push_back({with_external(labels, external), sample.v, sample.t});
    }
  }
  std::ranges::sort(lines, {}, [](const Line& line) {
    return std::pair(line.labels.metric_name(), std::cref(line.labels.bytes()).get());
  });
  net::HttpResponse response;
  response.headers.set("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
  return Reply(std::move(response), std::make_unique<LinePieces>(std::move(lines)));
}

}  // namespace strata::api
