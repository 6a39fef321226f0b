// Certificate authorities of our own: how one is made, when the next takes over, and how they are
// written down. An authority may speak for few domains only (X.509 name constraints, critical), so
// that its key is of no use elsewhere. Pure but for the keys, which are random.
//
// The next authority is made when 60 % of the newest one's life have passed, and published beside
// it. It signs when a fifth of its own life has passed, which is 80 % of the older one's: until
// then every process that trusts the older one has been started anew, or so we hope.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "common/status/status.h"
#include "common/time/clock.h"

namespace network_mapper::aws {

struct AuthorityPlan {
  // Stands in the certificate, for people: "AWS visibility".
  std::string title;
  // What it may speak for, with all that is below; in lower case.
  std::vector<std::string> domains;
  std::chrono::seconds lifetime = std::chrono::hours(24) * 365 * 5;
  std::chrono::seconds leaf_lifetime = std::chrono::hours(24) * 7;
};

// PEM each. The key is never logged.
struct Authority {
  std::string certificate;
  std::string key;
  Time not_before;
  Time not_after;
};

// From the oldest to the newest.
using Authorities = std::vector<Authority>;

// More than ever are needed at a time.
inline constexpr size_t kMostAuthorities = 8;
// Clocks of pods may be late by so much.
inline constexpr std::chrono::hours kBackdate{1};

StatusOr<Authority> MakeAuthority(const AuthorityPlan& plan, Time now);

// Takes out what has ended or is no longer needed, and adds what is needed next; says whether
// anything changed.
StatusOr<bool> BringUpToDate(const AuthorityPlan& plan, Time now, Authorities& authorities);

// Which of them signs now. There must be one.
const Authority& SigningAuthority(const Authorities& authorities, Time now);

// PEM of all certificates, the one that signs among them.
std::string PublicCertificates(const Authorities& authorities);

// {"version":1,"authorities":[{"certificate":"<PEM>","key":"<PEM>"}]}
std::string EncodeAuthorities(const Authorities& authorities);
// DataLoss for what is not that: says what is wrong, and has no text of a key.
StatusOr<Authorities> DecodeAuthorities(std::string_view text);

}  // namespace network_mapper::aws
