// Tokens of ServiceAccounts: issued by TokenRequest, told apart by TokenReview.
#pragma once

#include <httplib.h>

#include <string>
#include <string_view>
#include <vector>

#include "tests/support/kube_stand_in/request_path.h"

namespace network_mapper::stand_in {

// The token of `account` ("namespace/name") for an audience, as TokenRequest gives it.
std::string TokenOf(std::string_view account, std::string_view audience);

// POST .../serviceaccounts/<name>/token: 404 for who is not among `accounts`.
void IssueToken(const httplib::Request& request, const RequestPath& path,
                const std::vector<std::string>& accounts, httplib::Response& response);

// POST /apis/authentication.k8s.io/v1/tokenreviews
void ReviewToken(const httplib::Request& request, const std::vector<std::string>& accounts,
                 httplib::Response& response);

}  // namespace network_mapper::stand_in
