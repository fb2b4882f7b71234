#include "gateway/sse_relay.h"

#include "gateway/json_bytes.h"

namespace strata::gateway {
namespace {

constexpr std::string_view kDone = "[DONE]";

/// The line at the start of `text`, taken off it with its end.
std::string_view take_line(std::string_view& text) {
  const char* const begin = text.data();
  const char* const end = begin + text.size();
  const char* const line_end = find_line_end(begin, end);
  const std::string_view line(begin, static_cast<size_t>(line_end - begin));
  const char* next = line_end;
  if (next != end && *next++ == '\r' && next != end && *next == '\n') ++next;
  text.remove_prefix(static_cast<size_t>(next - begin));
  return line;
}

/// Whether the line is of the field `data`; then it becomes the field's value.
bool take_data(std::string_view& line) {
  if (!line.starts_with("data")) return false;
  line.remove_prefix(4);
  if (line.empty()) return true;
  if (line[0] != ':') return false;
  line.remove_prefix(line.starts_with(": ") ? 2 : 1);
  return true;
}

/// llama.cpp's messages API says errors by the event's name alone.
bool names_an_error(std::string_view line) {
  return line == "event: error" || line == "event:error";
}

/// Whole lines that are comments, all of them.
bool only_comments(std::string_view text) {
  while (!text.empty()) {
    if (!take_line(text).starts_with(':')) return false;
  }
  return true;
}

/// `member` of an object with the comma that parts it from the next or the one before.
std::string_view with_comma(std::string_view object, std::string_view member) {
  const auto is_space = [](char c) { return c == ' ' || c == '\t'; };
  const char* begin = member.data();
  const char* end = begin + member.size();
  const char* before = begin;
  while (before != object.data() && is_space(before[-1])) --before;
  if (before != object.data() && before[-1] == ',') {
    begin = before - 1;
  } else {
    const char* after = end;
    const char* const limit = object.data() + object.size();
    while (after != limit && is_space(*after)) ++after;
    if (after != limit && *after == ',') end = after + 1;
  }
  return {begin, static_cast<size_t>(end - begin)};
}

}  // namespace

std::string_view SseRelay::feed(std::string_view bytes) {
  out_.clear();
  const char* p = bytes.data();
  const char* const end = p + bytes.size();
  if (after_cr_ && p != end) {
    after_cr_ = false;
    if (*p == '\n') {
      if (!held_.empty()) {
        held_ += '\n';
      } else if (strips() && !drop_next_lf_) {
        out_ += '\n';
      }
      ++p;
    }
  }
  while (p != end) {
    bool ended = false;
    const char* const next = event_end(p, end, ended);
    const std::string_view piece(p, static_cast<size_t>(next - p));
    p = next;
    if (!ended) {
      hold(piece);
    } else if (too_long_) {
      if (strips()) out_ += piece;
      too_long_ = false;
    } else if (held_.empty()) {
      take_event(piece);
    } else {
      held_ += piece;
      take_event(held_);
      held_.clear();
    }
  }
  if (strips() && at_line_start_ && !held_.empty() && only_comments(held_)) {
    out_ += held_;  // a keep-alive must not wait for the next event
    held_.clear();
    drop_next_lf_ = false;
  }
  return strips() ? std::string_view(out_) : bytes;
}

std::string_view SseRelay::finish() {
  out_.clear();
  if (!held_.empty()) take_event(held_);
  held_.clear();
  return out_;
}

void SseRelay::hold(std::string_view bytes) {
  if (!too_long_ && held_.size() + bytes.size() > kMaxEvent) {
    too_long_ = true;
    drop_next_lf_ = false;
    ++oversized_;
    if (strips()) out_ += held_;
    held_.clear();
  }
  if (!too_long_) {
    held_ += bytes;
  } else if (strips()) {
    out_ += bytes;
  }
}

/// Up to and with the empty line that ends the event, when it comes.
const char* SseRelay::event_end(const char* p, const char* end, bool& ended) {
  while (p != end) {
    const char* const line_end = find_line_end(p, end);
    const bool empty = at_line_start_ && line_end == p;
    at_line_start_ = line_end == p && at_line_start_;
    if (line_end == end) return end;
    p = line_end + 1;
    if (*line_end == '\r') {
      if (p == end) {
        after_cr_ = true;
      } else if (*p == '\n') {
        ++p;
      }
    }
    at_line_start_ = true;
    if (empty) {
      ended = true;
      return p;
    }
  }
  return p;
}

void SseRelay::take_event(std::string_view raw) {
  std::string_view lines = raw;
  std::string_view data;
  size_t count = 0;
  while (!lines.empty()) {
    std::string_view line = take_line(lines);
    if (names_an_error(line)) error_ = true;
    if (!take_data(line)) continue;
    if (++count == 1) {
      data = line;
    } else {
      if (count == 2) joined_ = data;
      joined_.append("\n").append(line);
    }
  }
  drop_next_lf_ = false;
  note(raw, count > 1 ? std::string_view(joined_) : data, count == 1);
}

/// Notes what the event says and sends on what is to be sent of it.
void SseRelay::note(std::string_view raw, std::string_view data, bool one_line) {
  if (data == kDone) done_ = true;
  const EventFacts facts = data.starts_with('{') ? read_event(data) : EventFacts();
  if (!facts.is_object) return keep(raw, {});
  error_ = error_ || facts.is_error;
  if (facts.has_content) ++content_events_;
  if (facts.has_usage) {
    read_usage(facts.usage, options_.exclusive_usage, usage_);
    final_usage_ = !facts.has_choices;
  }
  if (facts.usage_member.empty() || facts.is_error) return keep(raw, {});
  if (facts.has_usage && !facts.has_choices && options_.strip_frame) {
    drop_next_lf_ = true;
    return;
  }
  const bool cut =
      facts.has_usage ? options_.strip_members && facts.has_choices : options_.strip_null_usage;
  keep(raw, cut && one_line ? with_comma(data, facts.usage_member) : std::string_view());
}

void SseRelay::keep(std::string_view raw, std::string_view without) {
  if (!strips()) return;
  if (without.empty()) {
    out_ += raw;
    return;
  }
  const auto at = static_cast<size_t>(without.data() - raw.data());
  out_.append(raw.substr(0, at)).append(raw.substr(at + without.size()));
}

}  // namespace strata::gateway
