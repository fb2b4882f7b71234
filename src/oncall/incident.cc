#include "oncall/incident.h"

#include <algorithm>
#include <array>

namespace strata::oncall {
namespace {

constexpr std::array<std::string_view, 4> kPriorities = {"P0", "P1", "P2", "P3"};
constexpr std::array<std::string_view, 3> kStatuses = {"open", "acknowledged", "resolved"};
constexpr std::array<std::string_view, 5> kPageStates = {"waiting", "sent", "delivered", "failed",
                                                         "withdrawn"};

template <class E, size_t N>
std::optional<E> find(const std::array<std::string_view, N>& names, std::string_view text) {
  const auto at = std::ranges::find(names, text);
  if (at == names.end()) return std::nullopt;
  return static_cast<E>(at - names.begin());
}

}  // namespace

std::string_view to_string(Priority priority) { return kPriorities[static_cast<size_t>(priority)]; }
std::optional<Priority> parse_priority(std::string_view text) {
  return find<Priority>(kPriorities, text);
}
std::string_view to_string(Status status) { return kStatuses[static_cast<size_t>(status)]; }
std::optional<Status> parse_status(std::string_view text) { return find<Status>(kStatuses, text); }
std::string_view to_string(Page::State state) { return kPageStates[static_cast<size_t>(state)]; }

std::string incident_key(std::string_view alertname, std::string_view place_label,
                         std::string_view place_value) {
  // The length keeps names with separators in them apart.
  return fmt::format("{}:{} {} {}", alertname.size(), alertname, place_label, place_value);
}

std::string Incident::key() const {
  return incident_key(alertname, place_label, place_value) +
         (drill_receiver.empty() ? "" : " drill");
}

std::string Incident::title() const {
  const std::string name = alertname.empty() ? "alert without a name" : alertname;
  return place_value.empty() ? name : fmt::format("{} on {}", name, place_value);
}

}  // namespace strata::oncall
