// What each part of an expression costs: `strata query analyze`. Parts are watched while they are
// made and whenever they give a row; what happens meanwhile counts for the innermost of them.
//
// Belongs to one query, which is then evaluated on one thread.
#pragma once
#include <chrono>
#include <unordered_map>
#include <vector>

#include "model/query_value.h"
#include "promql/ast.h"
#include "promql/matrix_source.h"
#include "promql/query.h"
#include "promql/vector_source.h"

namespace strata::promql {

class Profile {
 public:
  /// Makes a node of each part of `root`, which outlives the profile.
  Profile(const Query& query, const Expr& root);

  /// What was done so far; node 0 is what belongs to no part.
  const std::vector<QueryNode>& nodes();
  void note_reused(const Expr& expr);

  /// While it lives, what is done counts for `expr`, unless another one is made meanwhile.
  class Part {
   public:
    Part(Profile& profile, const Expr& expr) : Part(profile, profile.number_of(expr)) {}
    Part(Profile& profile, size_t node);
    ~Part();
    Part(const Part&) = delete;
    Part& operator=(const Part&) = delete;

    /// Notes the series of the result, whose rows count for this part too.
    VectorPtr watched(VectorPtr result);
    MatrixPtr watched(MatrixPtr result);

   private:
    Profile& profile_;
    const size_t node_;
    const size_t outer_;
  };

 private:
  void add_nodes(const Expr& expr, uint32_t depth);
  size_t number_of(const Expr& expr) const;
  /// Gives what was done since the last switch to the node that was current.
  void switch_to(size_t node);

  const Query& query_;
  std::vector<QueryNode> nodes_;
  std::unordered_map<const Expr*, size_t> numbers_;
  size_t current_ = 0;
  std::chrono::steady_clock::time_point since_;
  uint64_t scanned_ = 0;
  size_t held_ = 0;
};

}  // namespace strata::promql
