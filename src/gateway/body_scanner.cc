#include "gateway/body_scanner.h"

#include <algorithm>

#include "gateway/json_bytes.h"

namespace strata::gateway {
namespace {

bool is_space(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

}  // namespace

void BodyScanner::reset() {
  const auto wanted = wanted_;
  *this = BodyScanner(wanted);
}

void BodyScanner::feed(std::string_view bytes) {
  chunk_ = bytes.data();
  keep_from_ = chunk_;
  const char* p = bytes.data();
  const char* const end = p + bytes.size();
  while (p != end && state_ != State::kDone) p = step(p, end);
  if (capturing_ != kNone) keep(end);
  base_ += bytes.size();
}

const char* BodyScanner::step(const char* p, const char* end) {
  switch (state_) {
    case State::kInKey:
    case State::kString: return in_string(p, end);
    case State::kNested: return nested(p, end);
    case State::kScalar:
      while (p != end && *p != ',' && *p != '}' && *p != ']' && !is_space(*p)) ++p;
      if (p != end) end_value(p);
      return p;
    default: break;
  }
  if (is_space(*p)) return p + 1;
  switch (state_) {
    case State::kStart:
      state_ = *p == '{' ? State::kKey : State::kDone;
      if (*p == '{') inside_ = offset(p) + 1;
      return p + 1;
    case State::kColon: state_ = *p == ':' ? State::kValue : State::kDone; return p + 1;
    case State::kValue: return begin_value(p);
    case State::kKey:
      if (*p == '"') {
        any_key_ = any_key_ || !in_parent_;
        key_.clear();
        state_ = State::kInKey;
        return p + 1;
      }
      [[fallthrough]];
    case State::kComma:
      if (*p == ',') {
        state_ = State::kKey;
      } else if (*p == '}' && in_parent_) {
        in_parent_ = false;
        end_value(p + 1);
      } else {
        whole_ = *p == '}';
        state_ = State::kDone;
      }
      return p + 1;
    default: return end;
  }
}

const char* BodyScanner::in_string(const char* p, const char* end) {
  const auto note = [this](const char* from, const char* to) {
    if (state_ != State::kInKey || key_.size() > kMaxKey) return;
    key_.append(from, std::min(static_cast<size_t>(to - from), kMaxKey + 1));
  };
  if (escaped_) {
    escaped_ = false;
    note(p, p + 1);
    return p + 1;
  }
  const char* const special = find_string_special(p, end);
  note(p, special);
  if (special == end) return end;
  if (*special == '\\') {
    escaped_ = true;
    note(special, special + 1);
  } else if (state_ == State::kInKey) {
    key_ended();
  } else {
    end_value(special + 1);
  }
  return special + 1;
}

void BodyScanner::key_ended() {
  state_ = State::kColon;
  capturing_ = kNone;
  descends_ = false;
  for (size_t i = 0; i < wanted_.size(); ++i) {
    const WantedMember& wanted = wanted_[i];
    if (in_parent_ ? wanted.parent == parent_ && wanted.key == key_
                   : wanted.parent.empty() && wanted.key == key_) {
      capturing_ = i;
    }
    descends_ = descends_ || (!in_parent_ && !wanted.parent.empty() && wanted.parent == key_);
  }
}

const char* BodyScanner::begin_value(const char* p) {
  if (capturing_ != kNone) {
    FoundMember& found = found_[capturing_];
    ++found.times;
    found.begin = offset(p);
    found.value.clear();
    found.cut = false;
    keep_from_ = p;
  }
  if (*p == '{' && descends_) {
    in_parent_ = true;
    parent_ = key_;
    capturing_ = kNone;
    state_ = State::kKey;
  } else if (*p == '"') {
    state_ = State::kString;
  } else if (*p == '{' || *p == '[') {
    state_ = State::kNested;
    depth_ = 1;
  } else {
    state_ = State::kScalar;
    return p;
  }
  return p + 1;
}

const char* BodyScanner::nested(const char* p, const char* end) {
  while (p != end) {
    if (in_string_) {
      if (escaped_) {
        escaped_ = false;
        ++p;
        continue;
      }
      p = find_string_special(p, end);
      if (p == end) return end;
      escaped_ = *p == '\\';
      in_string_ = escaped_;
      ++p;
      continue;
    }
    p = find_structure(p, end);
    if (p == end) return end;
    const char c = *p++;
    if (c == '"') {
      in_string_ = true;
    } else if (c == '{' || c == '[') {
      ++depth_;
    } else if (--depth_ == 0) {
      end_value(p);
      return p;
    }
  }
  return p;
}

void BodyScanner::end_value(const char* p) {
  state_ = State::kComma;
  if (capturing_ == kNone) return;
  keep(p);
  found_[capturing_].end = offset(p);
  capturing_ = kNone;
}

void BodyScanner::keep(const char* end) {
  FoundMember& found = found_[capturing_];
  const auto size = static_cast<size_t>(end - keep_from_);
  const size_t room = kMaxValue - found.value.size();
  found.value.append(keep_from_, std::min(size, room));
  found.cut = found.cut || size > room;
}

}  // namespace strata::gateway
