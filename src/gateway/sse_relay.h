// Server-sent events on their way through: what they say is noted, and where the gateway asked for
// usage that the client did not ask for, exactly that is taken out again. Everything else leaves as
// it came, in the same call.
//
// The grammar is the whole one (WHATWG HTML, 9.2.5): lines end with LF, CR or CR LF, cut anywhere;
// comments, several data lines an event, a last event without an empty line.
//
// One object relays one stream. Not thread-safe. Bounds: kMaxEvent bytes of one event are looked
// at; a longer one passes as it is, and is counted in oversized().
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/usage.h"

namespace strata::gateway {

class SseRelay {
 public:
  static constexpr size_t kMaxEvent = size_t{1} << 20;

  struct Options {
    bool strip_frame = false;       // the event that has usage and no choices
    bool strip_members = false;     // `usage` of the others
    bool strip_null_usage = false;  // of those, when it is null
    bool exclusive_usage = false;   // read_usage()
  };
  explicit SseRelay(Options options) : options_(options) {}

  /// What to send on: all of `bytes` when nothing is stripped; else what is decided, and the rest
  /// later. Valid until the next call, and while `bytes` is.
  std::string_view feed(std::string_view bytes);
  /// The stream ended: what is left of it.
  std::string_view finish();

  bool done() const { return done_; }    // [DONE] came
  bool error() const { return error_; }  // an event said so
  uint64_t content_events() const { return content_events_; }
  uint64_t oversized() const { return oversized_; }
  const Usage& usage() const { return usage_; }
  /// The usage came as the last word, not as a running count.
  bool final_usage() const { return final_usage_; }

 private:
  bool strips() const {
    return options_.strip_frame || options_.strip_members || options_.strip_null_usage;
  }
  const char* event_end(const char* p, const char* end, bool& ended);
  void take_event(std::string_view raw);
  void note(std::string_view raw, std::string_view data, bool one_line);
  void keep(std::string_view raw, std::string_view without);
  void hold(std::string_view bytes);

  const Options options_;
  std::string held_;  // of an event that is not whole
  std::string out_;
  std::string joined_;  // data lines of an event that has several
  bool at_line_start_ = true;
  bool after_cr_ = false;      // an LF to come belongs to the line before
  bool drop_next_lf_ = false;  // and goes where its event went
  bool too_long_ = false;      // the event under way passes unread
  bool done_ = false;
  bool error_ = false;
  bool final_usage_ = false;
  uint64_t content_events_ = 0;
  uint64_t oversized_ = 0;
  Usage usage_;
};

}  // namespace strata::gateway
