#include "discover/discovery.h"

namespace strata::discover {
namespace {

class StaticProvider final : public Provider {
 public:
  explicit StaticProvider(std::vector<config::StaticConfig> configs)
      : configs_(std::move(configs)) {}

  Groups refresh(std::vector<std::string>&) override {
    std::vector<TargetGroup> groups;
    for (const config::StaticConfig& config : configs_) {
      groups.push_back(group_from(config, std::to_string(groups.size())));
    }
    return groups;
  }
  Millis refresh_interval() const override { return Millis{0}; }

 private:
  const std::vector<config::StaticConfig> configs_;
};

}  // namespace

std::unique_ptr<Provider> make_static_provider(std::vector<config::StaticConfig> groups) {
  return std::make_unique<StaticProvider>(std::move(groups));
}

}  // namespace strata::discover
