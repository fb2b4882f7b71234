#include "sim/engine.h"

#include <algorithm>
#include <cmath>

namespace strata::sim {
namespace {

constexpr double kJitter = 0.04;      // sigma of a step's time
constexpr double kAcceptance = 0.72;  // of a drafted token, given those before it
constexpr double kSloTtft = 1.0;      // seconds
constexpr double kSloPerToken = 0.05;
constexpr double kCpuPerStep = 0.0004;  // seconds of the engine's process
constexpr double kCpuPerToken = 0.0001;
constexpr double kUsualTransfer = 0.02;  // seconds

// Takes the whole part of `amount` into `counter`; the rest is kept for the next time.
void count_whole(uint64_t& counter, double& fraction, double amount) {
  fraction += amount;
  const double whole = std::floor(fraction);
  counter += static_cast<uint64_t>(whole);
  fraction -= whole;
}

// Tokens that a step gives when `acceptance` is the chance of each drafted one.
double tokens_a_step(double acceptance) {
  double sum = 1;
  double chance = 1;
  for (uint32_t i = 0; i < Engine::kDraftTokens; ++i) sum += chance *= acceptance;
  return sum;
}

// Of a request that got all of its tokens.
Outcome whole_outcome(const Request& r) {
  return r.fails ? Outcome::kError : r.reaches_limit ? Outcome::kLength : Outcome::kStop;
}

}  // namespace

Engine::Engine(EngineOptions options)
    : options_(std::move(options)),
      capacity_(options_.placement.kv_capacity_tokens()),
      arrivals_(options_.workload, options_.seed),
      jitter_(Random::of(options_.seed, 3)),
      process_start_(options_.start_unix) {}

double Engine::kv_usage() const {
  const double capacity = kv_capacity_tokens();
  return capacity <= 0 ? 0 : std::min(1.0, context_ / capacity);
}

uint32_t Engine::max_seqs() const {
  return std::max(1U, static_cast<uint32_t>(options_.max_num_seqs * conditions_.max_seqs));
}

void Engine::advance(double until, const EngineConditions& conditions) {
  const bool was_up = up_;
  conditions_ = conditions;
  load_ = {};
  const double began = now_;
  for (Request& request : submitted_)
    arriving_.push_back(request), arriving_.back().arrived = began;
  submitted_.clear();
  arrivals_.between(began, until, options_.start_unix + began, conditions_, kv_usage(), arriving_);
  const double acceptance = kAcceptance * conditions_.acceptance;
  spec_tokens_ = options_.speculative ? tokens_a_step(acceptance) : 1;
  up_ = !conditions_.down;
  if (!up_) {
    if (was_up) fail_everything();
    for (; next_ < arriving_.size(); ++next_) ++gateway_.tenants[arriving_[next_].tenant].failed;
    now_ = until;
  } else if (!was_up || conditions_.restarts > seen_restarts_) {
    restart(began);
  }
  seen_restarts_ = conditions_.restarts;
  if (conditions_.asleep) put_to_sleep();
  const bool idle = !up_ || conditions_.loading || conditions_.asleep;
  drop_impatient();
  while (now_ < until) {
    take_arrivals();
    if (idle || conditions_.hung) {
      now_ = until;
      take_arrivals();
      break;
    }
    admit();
    if (running_.empty()) {
      now_ = next_ < arriving_.size() ? arriving_[next_].arrived : until;
    } else if (unfilled_ > 0) {
      mixed_step();
    } else {
      decode_run(until);
    }
  }
  take_arrivals();
  arriving_.erase(arriving_.begin(), arriving_.begin() + static_cast<std::ptrdiff_t>(next_));
  next_ = 0;
  const double span = std::max(now_ - began, 1e-9);
  const double busy = load_.prefill_share + load_.decode_share;
  load_.running = busy > 0 ? load_.running / busy : 0;
  load_.prefill_share /= span;
  load_.decode_share /= span;
  load_.stalled_share /= span;
  load_.communicating_share /= span;
  load_.tokens_per_second /= span;
  load_.spinning = up_ && conditions_.hung && !running_.empty();
}

void Engine::take_arrivals() {
  for (; next_ < arriving_.size() && arriving_[next_].arrived <= now_; ++next_) {
    const Request& request = arriving_[next_];
    auto& tenant = gateway_.tenants[request.tenant];
    if (request.refused) {
      ++counters_.http_refused;
      ++tenant.refused;
    } else if (waiting_.size() >= kMaxWaiting) {
      ++counters_.http_failed;
      ++tenant.overloaded;
    } else {
      waiting_.push_back(request);
    }
  }
}

void Engine::drop_impatient() {
  std::erase_if(waiting_, [this](const Request& r) {
    const bool leaves = now_ - r.arrived > r.patience;
    if (leaves) finish(r, Outcome::kAbort);
    return leaves;
  });
}

void Engine::admit() {
  while (!waiting_.empty() && running_.size() < max_seqs()) {
    Request& next = waiting_.front();
    const auto generated = static_cast<uint32_t>(next.generated);
    const bool again = next.preemptions > 0;
    const uint32_t prompt = next.prompt + generated - (again ? 0 : next.cached);
    // A prompt that would not fit into the empty cache is taken when nothing else runs.
    const double room = kv_capacity_tokens() - context_;
    if (next.prompt + generated > room && !running_.empty()) return;
    next.to_prefill = prompt;
    next.prefilled = 0;
    next.scheduled = now_;
    context_ += next.prompt + generated;
    unfilled_ += prompt;
    counters_.prefix_queries += next.prompt + generated;
    if (!again) counters_.prefix_hits += next.cached;
    running_.push_back(next);
    waiting_.pop_front();
  }
}

double Engine::step(double prefill, double decoding, double context) {
  const double seconds =
      options_.placement.step_seconds(prefill, decoding * spec_tokens_, context, conditions_.clock);
  return seconds + conditions_.stall + conditions_.communication;
}

void Engine::mixed_step() {
  size_t decoding = 0;
  for (const Request& r : running_) decoding += r.prefilled == r.to_prefill ? 1 : 0;
  make_room(static_cast<double>(decoding) * spec_tokens_);
  const auto chunk = static_cast<double>(options_.placement.gpu->prefill_chunk);
  auto budget = static_cast<uint32_t>(std::max(1.0, chunk - static_cast<double>(decoding)));
  uint32_t prefill = 0;
  finished_.assign(running_.size(), 0);
  decoding = 0;
  for (size_t i = 0; i < running_.size(); ++i) {
    Request& r = running_[i];
    if (r.prefilled == r.to_prefill) {
      finished_[i] = 2;  // decodes in this step
      ++decoding;
      continue;
    }
    const uint32_t take = std::min(budget, r.to_prefill - r.prefilled);
    r.prefilled += take;
    budget -= take;
    prefill += take;
  }
  unfilled_ -= prefill;
  const double jitter = std::exp(jitter_.normal(0, kJitter));
  const double seconds =
      jitter * step(prefill, static_cast<double>(decoding), context_ - unfilled_ - prefill);
  now_ += seconds;
  count_step(seconds, prefill, decoding, 1);
  for (size_t i = 0; i < running_.size(); ++i) {
    Request& r = running_[i];
    if (finished_[i] == 2) {
      finished_[i] = give_tokens(r, 1) ? 1 : 0;
    } else if (r.prefilled == r.to_prefill) {
      if (r.first_token < 0) first_token(r);
      finished_[i] = r.generated >= r.output ? 1 : 0;
      if (finished_[i] != 0) finish(r, whole_outcome(r));
    }
  }
  remove_finished();
}

// Steps until a request ends, one arrives, the cache is full or the time is over, in one go: the
// context grows by the batch's tokens each step, so their time is an arithmetic series.
void Engine::decode_run(double until) {
  const auto batch = static_cast<double>(running_.size());
  const double grows = batch * spec_tokens_;
  make_room(grows);
  if (running_.size() != static_cast<size_t>(batch)) return;  // someone was thrown out: plan again
  double steps = 1e9;
  for (const Request& r : running_) {
    const double left = std::min<double>(r.output, r.leaves_at) - r.generated;
    steps = std::min(steps, std::ceil(left / spec_tokens_));
  }
  steps = std::min(steps, std::floor((kv_capacity_tokens() - context_) / grows));
  const double limit = next_ < arriving_.size() ? arriving_[next_].arrived : until;
  const double jitter = std::exp(jitter_.normal(0, kJitter));
  const double first = jitter * step(0, batch, context_);
  steps = std::clamp(std::ceil((std::min(limit, until) - now_) / first), 1.0, std::max(1.0, steps));
  const double last = jitter * step(0, batch, context_ + grows * (steps - 1));
  const double mean = (first + last) / 2;
  now_ += steps * mean;
  count_step(mean, 0, running_.size(), steps);
  finished_.assign(running_.size(), 0);
  for (size_t i = 0; i < running_.size(); ++i) {
    finished_[i] = give_tokens(running_[i], steps) ? 1 : 0;
  }
  remove_finished();
}

void Engine::count_step(double seconds, double prefill, size_t decoding, double steps) {
  const double batch = static_cast<double>(decoding);
  const double tokens = batch * steps * spec_tokens_;
  if (decoding > 0) {
    const auto gaps = static_cast<uint64_t>(std::llround(tokens));
    counters_.inter_token.observe(seconds / spec_tokens_, gaps);
    if (gap_) gap_(seconds / spec_tokens_, tokens);
  }
  const auto times = static_cast<uint64_t>(steps);
  counters_.iteration.observe(prefill + batch * spec_tokens_, times);
  counters_.step_count += steps;
  counters_.cpu_seconds += kCpuPerStep * steps + kCpuPerToken * tokens;
  const double parameters = options_.placement.model->parameters / options_.placement.tp;
  const double drafted = options_.speculative ? 1.0 + kDraftTokens : 1.0;
  counters_.flops += 2 * parameters * (prefill + batch * steps * drafted);
  if (options_.speculative && decoding > 0) {
    counters_.drafts += static_cast<uint64_t>(batch * steps);
    counters_.draft_tokens += static_cast<uint64_t>(batch * steps) * kDraftTokens;
    count_whole(counters_.accepted_tokens, accepted_fraction_, batch * steps * (spec_tokens_ - 1));
  }
  load_.stalled_share += conditions_.stall * steps;
  load_.communicating_share += conditions_.communication * steps;
  (prefill > 0 ? load_.prefill_share : load_.decode_share) += seconds * steps;
  load_.running += seconds * steps * (batch + (prefill > 0 ? 1 : 0));
  load_.tokens_per_second += prefill + tokens;
}

bool Engine::give_tokens(Request& r, double steps) {
  const double end = std::min<double>(r.output, r.leaves_at);
  const double tokens = std::min(steps * spec_tokens_, std::max(0.0, end - r.generated));
  r.generated += tokens;
  context_ += tokens;
  count_whole(counters_.generated_tokens, generated_fraction_, tokens);
  if (r.generated + 1e-6 < end) return false;
  finish(r, r.generated + 1e-6 < r.output ? Outcome::kAbort : whole_outcome(r));
  return true;
}

void Engine::first_token(Request& r) {
  r.first_token = now_;
  r.generated = 1;
  context_ += 1;
  ++counters_.generated_tokens;
  counters_.prompt_tokens += r.prompt;
  counters_.cached_tokens += r.cached;
  const double seconds = now_ - r.arrived + r.frontend + conditions_.kv_transfer;
  counters_.kv_transfer.observe(kUsualTransfer + conditions_.kv_transfer);
  counters_.ttft.observe(seconds);
  gateway_.tenants[r.tenant].ttft.observe(seconds + r.proxy);
  if (first_token_) first_token_(seconds);
}

void Engine::remove_finished() {
  size_t kept = 0;
  for (size_t i = 0; i < running_.size(); ++i) {
    if (finished_[i] == 1) {
      context_ -= running_[i].prompt + running_[i].generated;
      continue;
    }
    if (kept != i) running_[kept] = running_[i];
    ++kept;
  }
  running_.resize(kept);
  if (running_.empty()) context_ = unfilled_ = 0;  // no drift of sums
}

void Engine::make_room(double tokens) {
  while (context_ + tokens > kv_capacity_tokens() && running_.size() > 1) preempt_newest();
}

void Engine::preempt_newest() {
  Request r = running_.back();
  running_.pop_back();
  context_ -= r.prompt + r.generated;
  unfilled_ -= r.to_prefill - r.prefilled;
  ++r.preemptions;
  ++counters_.preemptions;
  waiting_.push_front(r);
}

void Engine::finish(const Request& r, Outcome outcome) {
  auto& c = counters_;
  auto& tenant = gateway_.tenants[r.tenant];
  ++c.finished[static_cast<size_t>(outcome)];
  const double before = r.frontend + conditions_.kv_transfer;
  const double total = now_ - r.arrived + before;
  tenant.duration.observe(total + r.proxy);
  if (outcome == Outcome::kAbort) {
    ++tenant.cancelled;
  } else if (outcome == Outcome::kError) {
    ++tenant.failed;
    ++c.http_failed;
  } else {
    ++tenant.ok;
    ++c.http_ok;
  }
  ++tenant.slo_total;
  tenant.output_tokens += static_cast<uint64_t>(r.generated);
  c.e2e.observe(total);
  if (r.first_token < 0) return;  // never scheduled to the end of its prompt
  tenant.input_tokens += r.prompt;
  tenant.cached_tokens += r.cached;
  const double scheduled = std::min(r.scheduled, r.first_token);
  const double decode = now_ - r.first_token;
  c.queue.observe(std::max(0.0, scheduled - r.arrived));
  c.prefill.observe(r.first_token - scheduled);
  c.decode.observe(decode);
  c.inference.observe(now_ - scheduled);
  c.prompt_length.observe(r.prompt);
  c.output_length.observe(std::floor(r.generated));
  c.max_tokens.observe(r.reaches_limit ? r.output : options_.workload.max_tokens);
  c.computed_length.observe(r.prompt - r.cached);
  c.params_n.observe(1);
  c.request_preemptions.observe(r.preemptions);
  const double per_token = r.generated > 1 ? decode / (r.generated - 1) : 0;
  if (r.generated > 1) c.per_output_token.observe(per_token);
  if (r.generated > 1) tenant.per_token.observe(per_token);
  const double ttft = r.first_token - r.arrived + before + r.proxy;
  if (ttft <= kSloTtft && per_token <= kSloPerToken) ++tenant.slo_good;
}

void Engine::fail_everything() {
  for (const Request& r : running_) finish(r, Outcome::kError);
  for (const Request& r : waiting_) finish(r, Outcome::kError);
  running_.clear();
  waiting_.clear();
  context_ = unfilled_ = 0;
}

// Weights go only when nothing runs: what does is ended.
void Engine::put_to_sleep() {
  for (const Request& r : running_) finish(r, Outcome::kAbort);
  running_.clear();
  context_ = unfilled_ = 0;
}

void Engine::restart(double at) {
  fail_everything();
  counters_ = EngineCounters();
  process_start_ = options_.start_unix + at;
}

bool Engine::submit(const Request& request) {
  if (submitted_.size() + waiting_.size() >= kMaxWaiting) return false;
  submitted_.push_back(request);
  submitted_.back().tenant = kDirect;
  return true;
}

double Engine::expected_ttft(double prompt) const {
  const double own = options_.placement.step_seconds(prompt, static_cast<double>(running_.size()),
                                                     context_, conditions_.clock);
  const double queue = static_cast<double>(waiting_.size()) * own;
  return 0.03 + conditions_.frontend + own + queue;
}

double Engine::expected_itl() const {
  return options_.placement.step_seconds(0, static_cast<double>(running_.size()) + 1, context_,
                                         conditions_.clock) /
         spec_tokens_;
}

}  // namespace strata::sim
