#include "promql/profile.h"

#include <algorithm>
#include <utility>

#include "promql/parser.h"

namespace strata::promql {
namespace {

class WatchedRows final : public VectorSource {
 public:
  WatchedRows(Profile& profile, size_t node, VectorPtr inner)
      : VectorSource(inner->all_series()),
        profile_(profile),
        node_(node),
        inner_(std::move(inner)) {}

  Result<> row(size_t i, RowView out) const override {
    const Profile::Part part(profile_, node_);
    return inner_->row(i, out);
  }
  RowView stored_row(size_t i) const override { return inner_->stored_row(i); }

 private:
  Profile& profile_;
  const size_t node_;
  const VectorPtr inner_;
};

class WatchedMatrix final : public MatrixSource {
 public:
  WatchedMatrix(Profile& profile, size_t node, MatrixPtr inner)
      : MatrixSource(inner->all_series(), inner->spec()),
        profile_(profile),
        node_(node),
        inner_(std::move(inner)) {}

  Result<> read(size_t i, const WindowSpec& part, SampleColumns& out) const override {
    const Profile::Part watched(profile_, node_);
    return inner_->read(i, part, out);
  }

 private:
  Profile& profile_;
  const size_t node_;
  const MatrixPtr inner_;
};

// Whether a node of its own would say something.
bool is_worth_a_node(const Expr& expr) {
  return expr.kind != ExprKind::kNumber && expr.kind != ExprKind::kString &&
         expr.kind != ExprKind::kParen;
}

}  // namespace

Profile::Profile(const Query& query, const Expr& root)
    : query_(query), since_(std::chrono::steady_clock::now()) {
  nodes_.push_back({.expr = "(the answer)"});
  add_nodes(root, 0);
}

void Profile::add_nodes(const Expr& expr, uint32_t depth) {
  if (is_worth_a_node(expr)) {
    numbers_.emplace(&expr, nodes_.size());
    nodes_.push_back({.expr = to_string(expr), .depth = depth++});
  }
  if (expr.kind == ExprKind::kMatrixSelector) return;
  for_each_child(expr, [&](const Expr& child) { add_nodes(child, depth); });
}

size_t Profile::number_of(const Expr& expr) const {
  const auto it = numbers_.find(&expr);
  return it == numbers_.end() ? current_ : it->second;
}

const std::vector<QueryNode>& Profile::nodes() {
  switch_to(current_);
  return nodes_;
}

void Profile::note_reused(const Expr& expr) { nodes_[number_of(expr)].reused = true; }

void Profile::switch_to(size_t node) {
  const auto now = std::chrono::steady_clock::now();
  QueryNode& worked = nodes_[current_];
  worked.seconds += std::chrono::duration<double>(now - since_).count();
  worked.samples += query_.scanned() - scanned_;
  const size_t held = query_.bytes_held();
  if (held > held_) worked.bytes += held - held_;
  since_ = now;
  scanned_ = query_.scanned();
  held_ = held;
  current_ = node;
}

Profile::Part::Part(Profile& profile, size_t node)
    : profile_(profile), node_(node), outer_(profile.current_) {
  profile_.switch_to(node_);
}

Profile::Part::~Part() { profile_.switch_to(outer_); }

VectorPtr Profile::Part::watched(VectorPtr result) {
  QueryNode& node = profile_.nodes_[node_];
  node.series = std::max<uint64_t>(node.series, result->size());
  if (dynamic_cast<Frame*>(result.get()) != nullptr) return result;
  return std::make_unique<WatchedRows>(profile_, node_, std::move(result));
}

MatrixPtr Profile::Part::watched(MatrixPtr result) {
  QueryNode& node = profile_.nodes_[node_];
  node.series = std::max<uint64_t>(node.series, result->size());
  return std::make_unique<WatchedMatrix>(profile_, node_, std::move(result));
}

}  // namespace strata::promql
