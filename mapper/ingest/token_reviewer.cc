#include "mapper/ingest/token_reviewer.h"

#include <algorithm>
#include <future>
#include <memory>
#include <optional>
#include <utility>

#include "common/log/log.h"

namespace network_mapper {

namespace {

constexpr int kThreads = 4;
constexpr std::string_view kServiceAccountUser = "system:serviceaccount:";

bool IsUserOf(std::string_view user, std::string_view service_account) {
  if (!user.starts_with(kServiceAccountUser)) {
    return false;
  }
  user.remove_prefix(kServiceAccountUser.size());
  const size_t slash = service_account.find('/');
  const size_t colon = user.find(':');
  return slash != std::string_view::npos && colon == slash &&
         user.substr(0, colon) == service_account.substr(0, slash) &&
         user.substr(colon + 1) == service_account.substr(slash + 1);
}

}  // namespace

StatusOr<CollectorIdentity> Judge(const kube::TokenReview& review, const TokenRules& rules,
                                  Role role) {
  if (!review.authenticated) {
    return Unauthenticated("the token is not valid for audience {}{}{}", rules.audience,
                           review.error.empty() ? "" : ": ", review.error);
  }
  const bool reports = role == Role::kCollector;
  const auto is_among = [&](const std::vector<std::string>& accounts) {
    return std::any_of(accounts.begin(), accounts.end(),
                       [&](const std::string& account) { return IsUserOf(review.user, account); });
  };
  if (!is_among(reports ? rules.service_accounts : rules.admin_service_accounts)) {
    for (const auto& [collector, accounts] :
         {std::pair(Collector::kKafka, &rules.kafka_service_accounts),
          std::pair(Collector::kAws, &rules.aws_service_accounts)}) {
      if (reports && is_among(*accounts)) {
        return CollectorIdentity{
            .user = review.user, .node_name = review.node_name, .only = collector};
      }
    }
    return PermissionDenied("{} is not among the mapper's {}-service-accounts", review.user,
                            reports ? "collector" : "admin");
  }
  return CollectorIdentity{.user = review.user, .node_name = review.node_name};
}

TokenReviewer::TokenReviewer(kube::Client& client, TokenRules rules)
    : client_(client), rules_(std::move(rules)) {
  for (int i = 0; i < kThreads; ++i) {
    workers_.emplace_back([this](const std::stop_token& stop) { Work(stop); });
  }
}

TokenReviewer::~TokenReviewer() {
  for (std::jthread& worker : workers_) {
    worker.request_stop();
  }
  waiting_.Change([](std::deque<Request>&) {});
  workers_.clear();
  for (const Request& request :
       waiting_.Change([](auto& waiting) { return std::exchange(waiting, {}); })) {
    request.done(Unavailable("the mapper is shutting down"));
  }
}

void TokenReviewer::Identify(std::string token,
                             std::function<void(StatusOr<CollectorIdentity>)> done, Role role) {
  const bool taken = waiting_.Change([&](std::deque<Request>& waiting) {
    if (waiting.size() >= rules_.queue) {
      return false;
    }
    waiting.push_back({.token = std::move(token), .role = role, .done = std::move(done)});
    return true;
  });
  if (!taken) {
    done(Unavailable("too many tokens wait for their review"));
  }
}

Status TokenReviewer::HasRole(Role role, std::string token) {
  if (token.empty()) {
    return Unauthenticated("no token was shown");
  }
  if (waiting_callers_.fetch_add(1) >= rules_.waiting_callers) {
    --waiting_callers_;
    return Unavailable("too many tokens wait for their review");
  }
  // The answer may come when nobody waits for it any more.
  auto verdict = std::make_shared<std::promise<Status>>();
  std::future<Status> answer = verdict->get_future();
  Identify(
      std::move(token),
      [verdict](const StatusOr<CollectorIdentity>& identity) {
        // Mutations tell of anything.
        verdict->set_value(identity.ok() && identity->only
                               ? PermissionDenied("{} may report {} only, by its report stream",
                                                  identity->user, CollectorName(*identity->only))
                               : identity.status());
      },
      role);
  const bool in_time = answer.wait_for(rules_.patience) == std::future_status::ready;
  --waiting_callers_;
  return in_time ? answer.get() : Unavailable("the token could not be checked in time");
}

Status TokenReviewer::Health() const {
  return last_outcome_.With([](const Status& status) { return status; });
}

void TokenReviewer::Work(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    waiting_.WaitFor(std::chrono::hours(1), [&stop](const std::deque<Request>& waiting) {
      return stop.stop_requested() || !waiting.empty();
    });
    auto request = waiting_.Change([&stop](std::deque<Request>& waiting) -> std::optional<Request> {
      if (stop.stop_requested() || waiting.empty()) {
        return std::nullopt;
      }
      Request first = std::move(waiting.front());
      waiting.pop_front();
      return first;
    });
    if (request) {
      request->done(Review(*request, stop));
    }
  }
}

StatusOr<CollectorIdentity> TokenReviewer::Review(const Request& request,
                                                  const std::stop_token& stop) {
  const StatusOr<kube::TokenReview> review =
      kube::ReviewToken(client_, request.token, rules_.audience, stop);
  if (stop.stop_requested()) {
    return Unavailable("the mapper is shutting down");
  }
  const Status before = last_outcome_.With(
      [&review](Status& outcome) { return std::exchange(outcome, review.status()); });
  if (!review.ok()) {
    if (before.ok()) {
      LogWarn("collectors' tokens cannot be checked",
              {{"error", review.status()},
               {"remedy",
                "the mapper must reach the API server and may create "
                "tokenreviews.authentication.k8s.io"},
               {"effect",
                "new report streams are refused, collectors keep their reports and try again"}});
    }
    return Unavailable("the token cannot be checked: {}", StatusMessage(review.status()));
  }
  if (!before.ok()) {
    LogInfo("collectors' tokens can be checked again", {});
  }
  return Judge(*review, rules_, request.role);
}

}  // namespace network_mapper
