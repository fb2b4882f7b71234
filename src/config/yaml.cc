#include "config/yaml.h"

#include <yaml.h>

#include <map>
#include <utility>

namespace strata::config {
namespace {

constexpr std::string_view kMergeTag = "tag:yaml.org,2002:merge";

/// libyaml's parser; events are freed one by one.
class EventReader {
 public:
  explicit EventReader(std::string_view text) {
    yaml_parser_initialize(&parser_);
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()),
                                 text.size());
  }
  ~EventReader() {
    yaml_event_delete(&event_);
    yaml_parser_delete(&parser_);
  }
  EventReader(const EventReader&) = delete;
  EventReader& operator=(const EventReader&) = delete;

  /// False on a syntax error.
  bool next() {
    yaml_event_delete(&event_);
    return yaml_parser_parse(&parser_, &event_) != 0;
  }
  const yaml_event_t& event() const { return event_; }
  YamlMark mark() const { return to_mark(event_.start_mark); }

  YamlMark problem_mark() const {
    const bool placed = parser_.problem_mark.line != 0 || parser_.problem_mark.column != 0;
    return to_mark(placed ? parser_.problem_mark : parser_.mark);
  }
  std::string problem() const {
    const std::string what = parser_.problem == nullptr ? "not valid YAML" : parser_.problem;
    return parser_.context == nullptr ? what : fmt::format("{}, {}", parser_.context, what);
  }

 private:
  static YamlMark to_mark(const yaml_mark_t& mark) {
    return {static_cast<uint32_t>(mark.line + 1), static_cast<uint32_t>(mark.column + 1)};
  }

  yaml_parser_t parser_{};
  yaml_event_t event_{};
};

std::string text_of(const yaml_char_t* bytes) {
  return bytes == nullptr ? std::string() : std::string(reinterpret_cast<const char*>(bytes));
}

class TreeBuilder {
 public:
  TreeBuilder(std::string_view text, std::string_view file, const YamlLimits& limits,
              std::optional<YamlMark>* second_document)
      : reader_(text), file_(file), limits_(limits), second_document_(second_document) {}

  Result<YamlNode> build() {
    TRY(next());  // stream start
    TRY(next());
    YamlNode root;
    if (reader_.event().type == YAML_STREAM_END_EVENT) return root;
    TRY(next());  // after document start
    TRY(read_node(root, 1));
    TRY(next());  // document end
    TRY(next());
    if (reader_.event().type != YAML_STREAM_END_EVENT) {
      if (second_document_ != nullptr) {
        *second_document_ = reader_.mark();
        return root;
      }
      return bad(reader_.mark(), "a second document starts here; one file holds one document");
    }
    return root;
  }

 private:
  /// What an anchor stands for, and what copying it costs.
  struct Anchor {
    YamlNode node;
    size_t nodes = 0;
    size_t height = 0;
  };

  std::unexpected<Error> bad(YamlMark mark, std::string_view message) const {
    return bad_data(at(file_, mark, message));
  }
  Result<> next() {
    if (!reader_.next()) return bad(reader_.problem_mark(), reader_.problem());
    return {};
  }
  Result<> count(size_t nodes, YamlMark mark) {
    nodes_ += nodes;
    if (nodes_ <= limits_.max_nodes) return {};
    return fail(
        ErrorCode::kLimit,
        at(file_, mark, fmt::format("more than {} values, aliases expanded", limits_.max_nodes)));
  }
  Result<> enter(size_t depth, YamlMark mark) {
    deepest_ = std::max(deepest_, depth);
    if (depth <= limits_.max_depth) return {};
    return fail(ErrorCode::kLimit,
                at(file_, mark, fmt::format("nested more than {} levels deep", limits_.max_depth)));
  }

  /// Reads the node that the current event starts; leaves its last event current.
  Result<> read_node(YamlNode& out, size_t depth) {
    const yaml_event_t& event = reader_.event();
    out.mark = reader_.mark();
    if (event.type == YAML_ALIAS_EVENT) return read_alias(out, depth);

    TRY(count(1, out.mark));
    const size_t nodes_before = nodes_ - 1;
    const size_t outer_deepest = std::exchange(deepest_, depth);
    TRY(enter(depth, out.mark));
    std::string anchor;
    switch (event.type) {
      case YAML_SCALAR_EVENT:
        anchor = text_of(event.data.scalar.anchor);
        out.tag = text_of(event.data.scalar.tag);
        out.plain = event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
        out.text.assign(reinterpret_cast<const char*>(event.data.scalar.value),
                        event.data.scalar.length);
        break;
      case YAML_SEQUENCE_START_EVENT:
        anchor = text_of(event.data.sequence_start.anchor);
        out.tag = text_of(event.data.sequence_start.tag);
        TRY(read_sequence(out, depth));
        break;
      case YAML_MAPPING_START_EVENT:
        anchor = text_of(event.data.mapping_start.anchor);
        out.tag = text_of(event.data.mapping_start.tag);
        TRY(read_mapping(out, depth));
        break;
      default: return bad(out.mark, "a value is expected here");
    }
    if (!anchor.empty()) {
      anchors_[anchor] = {out, nodes_ - nodes_before, deepest_ - depth + 1};
      TRY(count(nodes_ - nodes_before, out.mark));  // the copy that the table keeps
    }
    deepest_ = std::max(deepest_, outer_deepest);
    return {};
  }

  Result<> read_alias(YamlNode& out, size_t depth) {
    const std::string name = text_of(reader_.event().data.alias.anchor);
    const auto found = anchors_.find(name);
    if (found == anchors_.end()) {
      return bad(out.mark,
                 fmt::format("unknown alias *{} (an anchor stands before its aliases, and "
                             "not around them)",
                             name));
    }
    TRY(count(found->second.nodes, out.mark));
    TRY(enter(depth + found->second.height - 1, out.mark));
    out = found->second.node;
    return {};
  }

  Result<> read_sequence(YamlNode& out, size_t depth) {
    out.kind = YamlNode::Kind::kSequence;
    TRY(next());
    while (reader_.event().type != YAML_SEQUENCE_END_EVENT) {
      TRY(read_node(out.items.emplace_back(), depth + 1));
      TRY(next());
    }
    return {};
  }

  Result<> read_mapping(YamlNode& out, size_t depth) {
    out.kind = YamlNode::Kind::kMapping;
    std::map<std::string, YamlMark, std::less<>> seen;
    std::vector<YamlNode> merges;
    TRY(next());
    while (reader_.event().type != YAML_MAPPING_END_EVENT) {
      YamlNode key;
      TRY(read_node(key, depth + 1));
      TRY(next());
      if (is_merge_key(key)) {
        TRY(read_node(merges.emplace_back(), depth + 1));
      } else {
        YamlEntry& entry = out.entries.emplace_back();
        entry.key_mark = key.mark;
        entry.key = TRY(key_text(key));
        const auto [first, fresh] = seen.emplace(entry.key, key.mark);
        if (!fresh) {
          return bad(key.mark, fmt::format("duplicate key \"{}\" (first at line {})", entry.key,
                                           first->second.line));
        }
        TRY(read_node(entry.value, depth + 1));
      }
      TRY(next());
    }
    for (YamlNode& merge : merges) TRY(merge_into(out, seen, merge));
    return {};
  }

  static bool is_merge_key(const YamlNode& key) {
    return key.kind == YamlNode::Kind::kScalar && key.text == "<<" &&
           (key.tag == kMergeTag || (key.plain && key.tag.empty()));
  }

  Result<std::string> key_text(const YamlNode& key) const {
    if (key.kind != YamlNode::Kind::kScalar) return bad(key.mark, "a key must be text");
    std::optional<std::string> text = as_text(key);
    if (!text) return bad(key.mark, "not valid base64 after !!binary");
    return *std::move(text);
  }

  /// https://yaml.org/type/merge.html: keys that are there win over merged ones, and of several
  /// merged mappings the first.
  Result<> merge_into(YamlNode& out, std::map<std::string, YamlMark, std::less<>>& seen,
                      YamlNode& from) {
    if (from.kind == YamlNode::Kind::kSequence) {
      for (YamlNode& item : from.items) {
        if (item.kind != YamlNode::Kind::kMapping) return bad(item.mark, kMergeHint);
        TRY(merge_into(out, seen, item));
      }
      return {};
    }
    if (from.kind != YamlNode::Kind::kMapping) return bad(from.mark, kMergeHint);
    for (YamlEntry& entry : from.entries) {
      if (seen.emplace(entry.key, entry.key_mark).second) out.entries.push_back(std::move(entry));
    }
    return {};
  }

  static constexpr std::string_view kMergeHint =
      "<< merges a mapping or a list of mappings, such as *alias";

  EventReader reader_;
  const std::string_view file_;
  const YamlLimits limits_;
  std::optional<YamlMark>* const second_document_;
  std::map<std::string, Anchor, std::less<>> anchors_;
  size_t nodes_ = 0;
  size_t deepest_ = 0;  // within the node being read
};

}  // namespace

const YamlEntry* YamlNode::find(std::string_view key) const {
  for (const YamlEntry& entry : entries) {
    if (entry.key == key) return &entry;
  }
  return nullptr;
}

std::string at(std::string_view file_name, YamlMark mark, std::string_view message) {
  return fmt::format("{}:{}:{}: {}", file_name, mark.line, mark.column, message);
}

Result<YamlNode> parse_yaml(std::string_view text, std::string_view file_name,
                            const YamlLimits& limits, std::optional<YamlMark>* second_document) {
  if (text.size() > limits.max_bytes) {
    return fail(ErrorCode::kLimit,
                fmt::format("{}: larger than {} bytes", file_name, limits.max_bytes));
  }
  return TreeBuilder(text, file_name, limits, second_document).build();
}

}  // namespace strata::config
