// IAM policies that allow what workloads did in AWS, and nothing else. Pure. Source of the format
// and its limits: the IAM user guide, "Grammar of the IAM JSON policy language" and "IAM and AWS
// STS quotas".
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "cli/client_intents.h"

namespace network_mapper::cli {

// Characters of a managed policy at most, white space not counted; and managed policies of a role,
// unless the quota was raised.
inline constexpr size_t kMostPolicyCharacters = 6'144;
inline constexpr size_t kMostRolePolicies = 10;

// One policy document as indented JSON.
using PolicyDocument = std::string;

// What the names of resources hold stands for itself, but for the wildcards with which the map
// writes what it does not know; what is no name of an action is left out. As few documents as the
// size allows; none for a client that did nothing in AWS. Actions on the same resources share a
// statement, and resources that take the same actions. A resource that another one's wildcard
// covers, with all its actions, is left out.
std::vector<PolicyDocument> PoliciesOf(const ClientIntents& client);

// A JSON array, one object a workload that did something in AWS: its name, namespace, kind, the
// roles that it had, and its policies. Indented by two spaces, without a newline at the end.
std::string PolicyDocuments(const std::vector<ClientIntents>& clients);

}  // namespace network_mapper::cli
