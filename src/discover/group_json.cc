#include "discover/group_json.h"

#include <optional>

#include "discover/json_reader.h"
#include "net/headers.h"

namespace strata::discover {
namespace {

/// One group; the first trouble that is not one of JSON goes to `error`.
TargetGroup read_group(JsonReader& reader, std::optional<Error>& error) {
  TargetGroup group;
  const auto refuse = [&](std::string message) {
    if (!error) error = Error{ErrorCode::kBadData, std::move(message)};
  };
  reader.object([&](std::string_view key) {
    // Go's decoder matches names in any case.
    if (net::equals_ignoring_case(key, "targets")) {
      reader.array([&] {
        std::string address;
        reader.string(address);
        group.targets.push_back(Labels{{"__address__", address}});
      });
    } else if (net::equals_ignoring_case(key, "labels")) {
      LabelsBuilder labels;
      reader.object([&](std::string_view name) {
        std::string value;
        reader.string(value);
        if (name.empty()) refuse("a label has no name");
        labels.set(name, value);
      });
      group.labels = labels.build();
    } else {
      refuse(fmt::format("a target group has targets and labels, not \"{}\"", key));
      reader.skip();
    }
  });
  return group;
}

}  // namespace

Result<std::vector<TargetGroup>> parse_groups(std::string_view json) {
  std::vector<TargetGroup> groups;
  std::optional<Error> error;
  JsonReader reader(json);
  reader.array([&] {
    const bool is_null = reader.null();
    if (is_null && !error) error = Error{ErrorCode::kBadData, "a target group is null"};
    if (!is_null) groups.push_back(read_group(reader, error));
  });
  TRY(reader.finish());
  if (error) return std::unexpected(*std::move(error));
  return groups;
}

}  // namespace strata::discover
