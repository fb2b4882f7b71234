#include "fleet/fleet.h"

namespace strata::bench {
namespace {

std::unique_ptr<Target> make_target(TargetKind kind, uint64_t seed, std::string_view host,
                                    bool narrow) {
  switch (kind) {
    case TargetKind::kEngine: return make_engine(seed, narrow);
    case TargetKind::kGpu: return make_gpus(seed, host);
    case TargetKind::kHost: break;
  }
  return make_host(seed, host);
}

int port_of(TargetKind kind) {
  return kind == TargetKind::kEngine ? 8000 : kind == TargetKind::kGpu ? 9400 : 9100;
}

}  // namespace

std::string_view job_of(TargetKind kind) {
  return kind == TargetKind::kEngine ? "vllm" : kind == TargetKind::kGpu ? "dcgm" : "node";
}

Fleet::Fleet(const FleetOptions& options) : options_(options) {
  for (size_t node = 0; node < options.nodes; ++node) {
    const std::string host = fmt::format("gpu-{:04}", node);
    const uint64_t node_seed = Random(options.seed * 1'000'003 + node).bits();
    for (const TargetKind kind : options.kinds) {
      const uint64_t seed = node_seed + static_cast<uint64_t>(kind) + 1;
      Member member{.kind = kind,
                    .instance = fmt::format("{}:{}", host, port_of(kind)),
                    .target = make_target(kind, seed, host, options.narrow),
                    .load = Load(node_seed)};  // all three see the same load
      members_.push_back(std::move(member));
    }
  }
}

size_t Fleet::lines() const {
  size_t n = 0;
  for (const Member& member : members_) n += member.target->page().size();
  return n;
}

Page& Fleet::at_step(size_t i, int64_t step) {
  Member& member = members_[i];
  if (step > member.step) {
    const int64_t gap = step - member.step;
    const int64_t pieces = std::min(gap, kMaxSteps);
    const double seconds =
        options_.step_seconds * static_cast<double>(gap) / static_cast<double>(pieces);
    double now = options_.start + options_.step_seconds * static_cast<double>(member.step);
    for (int64_t piece = 0; piece < pieces; ++piece) {
      now += seconds;
      member.target->advance(now, seconds, member.load.advance(seconds));
    }
    member.step = step;
    member.body.clear();
  }
  return member.target->page();
}

const std::string& Fleet::body_at_step(size_t i, int64_t step) {
  Page& page = at_step(i, step);
  if (members_[i].body.empty()) page.render(members_[i].body);
  return members_[i].body;
}

}  // namespace strata::bench
