// One scrape body, read entry by entry: the text format 0.0.4 and OpenMetrics 1.0.
//
// A pull parser over bytes that the caller owns. A sample costs no allocation: next() checks the
// syntax of its labels and reads its number, series() is the name and labels as they stand in the
// body (a key for a cache), and only labels() decodes them. A scrape that expects the same series
// in the same order as last time passes them to next(), which then compares bytes instead.
//
// What is accepted is what Prometheus accepts, less what it takes by accident (a number glued to a
// metric's name, a blank as part of one, NUL as the end of the body). Rules about families (order,
// types, buckets, clashing names) are not checked here: OpenMetricsValidator does that.
//
// One thread at a time. Memory is bounded by the longest series; a line by the body.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/exemplar.h"
#include "model/labels.h"
#include "model/metadata.h"
#include "model/sample.h"

namespace strata::wire {

enum class ExpositionFormat : uint8_t {
  kText,         // Prometheus' text format, 0.0.4 (and 1.0.0, which adds quoted UTF-8 names)
  kOpenMetrics,  // OpenMetrics text, 1.0.0 and 0.0.1
};

/// The format that an HTTP Content-Type names; parameters other than the media type do not matter,
/// as in Prometheus. Error: kBadData for anything else, an empty one too: the caller may then have
/// a fallback (fallback_scrape_protocol).
Result<ExpositionFormat> format_of_content_type(std::string_view content_type);

/// The Content-Type that announces a body in `format`.
std::string_view content_type_of(ExpositionFormat format);

/// Longest sum of an exemplar's label names and values, in UTF-8 characters (OpenMetrics 1.0,
/// "Exemplars").
inline constexpr size_t kMaxExemplarChars = 128;

enum class Entry : uint8_t {
  kSample,
  kType,     // # TYPE: family(), type()
  kHelp,     // # HELP: family(), text()
  kUnit,     // # UNIT: family(), text(); OpenMetrics only
  kComment,  // any other comment, kText only (OpenMetrics has none)
  kEnd,      // the body is over, in OpenMetrics after # EOF
};

class ExpositionParser {
 public:
  enum class Strictness : uint8_t {
    kScrape,       // as lax as Prometheus
    kConformance,  // kOpenMetrics: no comma after the last label, and le and quantile as they are
  };

  /// `body` must outlive the parser.
  ExpositionParser(std::string_view body, ExpositionFormat format,
                   Strictness strictness = Strictness::kScrape);

  /// Reads one entry. After kEnd: kEnd again. Error: kBadData with line, column and an excerpt; it
  /// stays, the parser is of no use after it.
  ///
  /// `expected` is a hint: a series() that a parser of the same format gave earlier. Where the next
  /// line starts with it, its labels are not read again.
  Result<Entry> next(std::string_view expected = {});

  /// REQUIRES for these: the last entry was kSample. Views point into the body.
  std::string_view series() const { return series_; }
  /// Whether the series is the one that next() was told to expect.
  bool as_expected() const { return as_expected_; }
  /// A NaN has the bits kNormalNanBits.
  double value() const { return value_; }
  /// Milliseconds; a fraction of one is cut off. Out of range: the nearest representable.
  std::optional<TimestampMs> timestamp() const { return timestamp_; }
  bool has_exemplar() const { return !exemplar_.empty(); }

  /// Replaces `out` by the decoded labels of the sample, __name__ among them, sorted by name, none
  /// empty: what Labels::from_sorted() wants. The views live until the next call of labels(),
  /// exemplar(), text() or next(). `le` of a histogram and `quantile` of a summary are spelt as
  /// OpenMetrics spells floats ("1" becomes "1.0"), as Prometheus 3 does in both formats. Error:
  /// kBadData for a name that occurs twice.
  Result<> labels(std::vector<Label>& out);
  Result<> labels(LabelsBuilder& out);

  /// REQUIRES has_exemplar(). Errors: kLimit above kMaxExemplarChars, kBadData for a name that
  /// occurs twice. The sample is good all the same.
  Result<> exemplar(Exemplar& out);

  /// REQUIRES for these: the last entry was kType, kHelp or kUnit (text(): or kComment).
  /// family() and text() are unescaped; they live until the next call of a non-const function.
  std::string_view family();
  std::string_view text();
  MetricType type() const { return type_; }

  /// The line on which the last entry begins, from 1. Counts newlines: for messages, not for loops.
  size_t line() const;

 private:
  bool read_entry(std::string_view expected);
  bool read_text_comment();
  bool read_open_metrics_comment();
  bool read_metadata(Entry entry);
  bool read_text_sample(std::string_view expected);
  bool read_open_metrics_sample(std::string_view expected);
  bool read_expected(std::string_view expected);
  bool read_value();
  bool read_text_timestamp();
  bool read_open_metrics_tail();
  bool read_exemplar();
  bool read_open_metrics_timestamp(std::optional<TimestampMs>* timestamp);
  bool set_type(std::string_view word);
  bool fail_at(const char* at, const char* what);
  Error error() const;
  bool decode(std::string_view raw, bool is_exemplar, std::vector<Label>& out);
  std::string_view unescape(std::string_view raw);

  const char* const begin_;
  const char* const end_;
  const char* at_;     // next byte to read
  const char* entry_;  // where the last entry began
  const ExpositionFormat format_;
  const Strictness strictness_;
  Entry kind_ = Entry::kComment;
  MetricType type_ = MetricType::kUnknown;
  bool as_expected_ = false;
  bool ended_ = false;
  double value_ = 0;
  std::optional<TimestampMs> timestamp_;
  std::string_view series_;
  std::string_view exemplar_;  // its braces and what is in them
  double exemplar_value_ = 0;
  std::optional<TimestampMs> exemplar_timestamp_;
  std::string_view family_;  // as in the body, without quotes
  std::string_view text_;    // as in the body
  const char* fault_at_ = nullptr;
  const char* fault_ = nullptr;
  std::string decoded_;  // what labels() and text() unescaped
  std::vector<Label> exemplar_labels_;
};

}  // namespace strata::wire
