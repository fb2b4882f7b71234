// Folds over windows that slide: each sample is folded in twice, however many windows hold it.
//
// A window is two parts. Of the front part, every suffix is folded beforehand; the back part grows
// by one sample after the other. When the front part is used up, the back part becomes the new
// front. Nothing is ever taken out of a fold, so NaN, infinities and rounding do not linger.
#pragma once
#include <cstdint>
#include <vector>

namespace strata::promql {

/// Fold: State (default: empty); push(State&, i) folds sample i in, in any order; merge(State&,
/// const State&).
template <class Fold>
class SlidingFold {
 public:
  using State = typename Fold::State;
  explicit SlidingFold(Fold fold) : fold_(fold) {}

  /// Of samples [begin, end), not empty; neither may be less than in the call before.
  State at(uint32_t begin, uint32_t end) {
    if (begin >= middle_) {
      refill(begin, end);
    } else {
      for (; end_ < end; ++end_) fold_.push(back_, end_);
    }
    State state = suffixes_[begin - first_];
    fold_.merge(state, back_);
    return state;
  }

 private:
  void refill(uint32_t begin, uint32_t end) {
    first_ = begin;
    middle_ = end_ = end;
    back_ = State();
    suffixes_.resize(end - begin);
    State state;
    for (uint32_t i = end; i-- > begin;) {
      fold_.push(state, i);
      suffixes_[i - begin] = state;
    }
  }

  Fold fold_;
  uint32_t first_ = 0;
  uint32_t middle_ = 0;
  uint32_t end_ = 0;
  std::vector<State> suffixes_;
  State back_;
};

}  // namespace strata::promql
