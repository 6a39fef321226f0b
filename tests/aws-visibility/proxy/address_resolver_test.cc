// Who waits for whose names, and for how long answers are good.
#include "aws-visibility/proxy/address_resolver.h"

#include <atomic>
#include <chrono>
#include <future>
#include <map>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "aws-visibility/proxy/name_turns.h"
#include "aws-visibility/proxy/own_addresses.h"
#include "common/concurrency/guarded.h"
#include "tests/aws-visibility/proxy/proxy_fixture.h"
#include "tests/support/fake_clock.h"

namespace network_mapper::aws {
namespace {

using namespace std::chrono_literals;

const IpAddress kGreedy = *IpAddress::Parse("10.0.0.1");
const IpAddress kPod = *IpAddress::Parse("10.0.0.2");
const IpAddress kAws = *IpAddress::Parse("192.0.2.1");

// A DNS that counts its questions, and answers none of those about made-up names before it may.
class FakeDns {
 public:
  std::function<AddressResolver::Addresses(const std::string&)> LookUp() {
    return [this](const std::string& name) -> AddressResolver::Addresses {
      asked_.With([&](std::map<std::string, int>& asked) { ++asked[name]; });
      if (name.starts_with("made-up")) {
        gone_on_.wait_for(30s);
      }
      if (name == "missing" || fails) {
        return Unavailable("no such name");
      }
      return std::vector{kAws};
    };
  }

  void GoOn() { go_on_.set_value(); }

  int Asked(const std::string& name) {
    return asked_.With([&](std::map<std::string, int>& asked) { return asked[name]; });
  }

  size_t Names() {
    return asked_.With([](std::map<std::string, int>& asked) { return asked.size(); });
  }

  std::atomic<bool> fails{false};

 private:
  std::promise<void> go_on_;
  std::shared_future<void> gone_on_ = go_on_.get_future().share();
  Guarded<std::map<std::string, int>> asked_;
};

AddressResolver::Addresses Ask(AddressResolver& resolver, const std::string& name,
                               const IpAddress& client = kPod) {
  std::promise<AddressResolver::Addresses> answer;
  const AddressResolver::Wait wait = resolver.Resolve(
      client, name,
      [&](const AddressResolver::Addresses& addresses) { answer.set_value(addresses); });
  std::future<AddressResolver::Addresses> answered = answer.get_future();
  if (answered.wait_for(20s) != std::future_status::ready) {
    return DeadlineExceeded("no answer about {}", name);
  }
  return answered.get();
}

std::string MadeUp(size_t number) {
  return "made-up-" + std::to_string(number);
}

TEST(AddressResolver, AsksOnceWhileAnAnswerIsFresh) {
  FakeDns dns;
  AddressResolver resolver({.keep = 1h, .keep_failure = 0ms, .look_up = dns.LookUp()});
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(Ask(resolver, "a").value(), std::vector{kAws});
  }
  EXPECT_EQ(dns.Asked("a"), 1);
  EXPECT_FALSE(Ask(resolver, "missing").ok());
  EXPECT_FALSE(Ask(resolver, "missing").ok());
  EXPECT_EQ(dns.Asked("missing"), 2);
}

TEST(AddressResolver, TellsAnOldAnswerWhileItAsksAnew) {
  FakeClock clock;
  FakeDns dns;
  AddressResolver resolver({.look_up = dns.LookUp()}, clock);
  EXPECT_TRUE(Ask(resolver, "a").ok());
  clock.Advance(11s);
  dns.fails = true;
  EXPECT_TRUE(Ask(resolver, "a").ok());
  ASSERT_TRUE(Eventually([&] { return dns.Asked("a") == 2; }));
  // Again soon, since that was not answered, but not for ever.
  ASSERT_TRUE(Eventually([&] {
    clock.Advance(100ms);
    EXPECT_TRUE(Ask(resolver, "a").ok());
    return dns.Asked("a") == 3;
  }));
  clock.Advance(5min);
  EXPECT_FALSE(Ask(resolver, "a").ok());
}

TEST(AddressResolver, LeavesOutItsOwnAddresses) {
  AddressResolver resolver(
      {.own_name = "own", .look_up = [](const std::string& name) -> AddressResolver::Addresses {
         std::vector<IpAddress> addresses = {*IpAddress::Parse("10.96.0.7"),
                                             *IpAddress::Parse("fd00::7")};
         if (name == "both") {
           addresses.push_back(kAws);
         }
         return addresses;
       }});
  EXPECT_TRUE(Ask(resolver, "leads-here").value().empty());
  EXPECT_EQ(Ask(resolver, "both").value(), std::vector{kAws});
}

TEST(OwnAddresses, AreAskedForOnceAMinute) {
  FakeClock clock;
  FakeDns dns;
  OwnAddresses own("own", dns.LookUp(), clock);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(own.Get(), std::vector{kAws});
  }
  EXPECT_EQ(dns.Asked("own"), 1);
  clock.Advance(1min);
  dns.fails = true;
  EXPECT_EQ(own.Get(), std::vector{kAws});
  EXPECT_EQ(own.Get(), std::vector{kAws});
  EXPECT_EQ(dns.Asked("own"), 2);
}

TEST(AddressResolver, AnswersAllThatWaitForOneLookup) {
  FakeDns dns;
  std::atomic<int> answered{0};
  AddressResolver resolver({.most_names = 1, .look_up = dns.LookUp()});
  std::vector<AddressResolver::Wait> waits;
  for (int i = 0; i < 10; ++i) {
    waits.push_back(resolver.Resolve(i % 2 == 0 ? kPod : kGreedy, MadeUp(1),
                                     [&](const AddressResolver::Addresses&) { ++answered; }));
  }
  // No room for a second name while the first is asked for.
  EXPECT_EQ(Ask(resolver, "b").status().code(), StatusCode::kResourceExhausted);
  dns.GoOn();
  EXPECT_TRUE(Eventually([&] { return answered == 10; }));
  EXPECT_EQ(dns.Asked(MadeUp(1)), 1);
  EXPECT_TRUE(Ask(resolver, "b").ok());
}

TEST(AddressResolver, NobodyWaitsForAnotherOnesNames) {
  FakeDns dns;
  const AddressResolverOptions options{.look_up = dns.LookUp()};
  AddressResolver resolver(options);
  std::atomic<size_t> refused{0};
  const size_t may = options.most_client_names + options.most_client_threads;
  std::vector<AddressResolver::Wait> waits;
  const auto wait_for = [&](size_t number) {
    waits.push_back(
        resolver.Resolve(kGreedy, MadeUp(number), [&](const AddressResolver::Addresses& addresses) {
          refused += addresses.status().code() == StatusCode::kResourceExhausted ? 1 : 0;
        }));
  };
  for (size_t i = 0; i < options.most_client_threads; ++i) {
    wait_for(i);
  }
  ASSERT_TRUE(Eventually([&] { return dns.Names() == options.most_client_threads; }));
  for (size_t i = options.most_client_threads; i < may + 100; ++i) {
    wait_for(i);
  }
  EXPECT_EQ(refused, 100);
  EXPECT_TRUE(Ask(resolver, "a").ok());
  EXPECT_TRUE(resolver.Ready().ok());
  EXPECT_EQ(dns.Names(), options.most_client_threads + 1);
  // What nobody waits for any more is not looked up.
  waits.clear();
  dns.GoOn();
  EXPECT_TRUE(Ask(resolver, "b", kGreedy).ok());
  EXPECT_EQ(dns.Names(), options.most_client_threads + 2);
}

TEST(AddressResolver, ANameIsLookedUpInTheTurnOfWhoeverComesFirst) {
  FakeDns dns;
  AddressResolver resolver({.threads = 2, .most_client_threads = 1, .look_up = dns.LookUp()});
  const auto ignore = [](const AddressResolver::Addresses&) {};
  std::vector<AddressResolver::Wait> waits;
  waits.push_back(resolver.Resolve(kGreedy, MadeUp(1), ignore));
  std::atomic<bool> told{false};
  waits.push_back(resolver.Resolve(
      kGreedy, "a", [&](const AddressResolver::Addresses& addresses) { told = addresses.ok(); }));
  EXPECT_TRUE(Ask(resolver, "a", kPod).ok());
  EXPECT_TRUE(Eventually([&] { return told.load(); }));
  EXPECT_EQ(dns.Asked("a"), 1);
  dns.GoOn();
}

TEST(AddressResolver, MadeUpNamesTakeNoRoomFromOthers) {
  FakeClock clock;
  FakeDns dns;
  dns.GoOn();
  AddressResolver resolver({.most_names = 40, .look_up = dns.LookUp()}, clock);
  for (const std::string name : {"a", "b", "c"}) {
    EXPECT_TRUE(Ask(resolver, name).ok());
  }
  for (size_t i = 0; i < 200; ++i) {
    clock.Advance(1ms);
    EXPECT_TRUE(Ask(resolver, MadeUp(i), kGreedy).ok());
  }
  EXPECT_TRUE(Ask(resolver, "d").ok());
  for (const std::string name : {"a", "b", "c", "d"}) {
    EXPECT_TRUE(Ask(resolver, name).ok());
    EXPECT_EQ(dns.Asked(name), 1) << name;
  }
  // The oldest of its own went.
  EXPECT_TRUE(Ask(resolver, MadeUp(199), kGreedy).ok());
  EXPECT_EQ(dns.Asked(MadeUp(199)), 1);
  EXPECT_TRUE(Ask(resolver, MadeUp(0), kGreedy).ok());
  EXPECT_EQ(dns.Asked(MadeUp(0)), 2);
}

TEST(AddressResolver, IsNotReadyWhileNobodyHasTimeForAClient) {
  FakeClock clock;
  FakeDns dns;
  AddressResolver resolver({.threads = 1, .most_client_threads = 1, .look_up = dns.LookUp()},
                           clock);
  const auto ignore = [](const AddressResolver::Addresses&) {};
  std::vector<AddressResolver::Wait> waits;
  waits.push_back(resolver.Resolve(kGreedy, MadeUp(1), ignore));
  waits.push_back(resolver.Resolve(kGreedy, MadeUp(2), ignore));
  ASSERT_TRUE(Eventually([&] { return dns.Names() == 1; }));
  clock.Advance(1h);
  // It waits for itself.
  EXPECT_TRUE(resolver.Ready().ok());
  std::atomic<bool> told{false};
  waits.push_back(
      resolver.Resolve(kPod, "a", [&](const AddressResolver::Addresses&) { told = true; }));
  clock.Advance(3s);
  EXPECT_TRUE(resolver.Ready().ok());
  clock.Advance(1s);
  EXPECT_EQ(resolver.Ready().code(), StatusCode::kUnavailable);
  dns.GoOn();
  ASSERT_TRUE(Eventually([&] { return told && dns.Names() == 3; }));
  // Not at once, or it would come and go between two questions.
  EXPECT_FALSE(resolver.Ready().ok());
  clock.Advance(31s);
  EXPECT_TRUE(resolver.Ready().ok());
}

TEST(NameTurns, ClientsTakeTurns) {
  NameTurns turns(2, 1);
  const SteadyTime now{};
  EXPECT_TRUE(turns.Add(kGreedy, "a", now));
  EXPECT_TRUE(turns.Add(kGreedy, "b", now));
  EXPECT_TRUE(turns.Add(kGreedy, "b", now));
  EXPECT_FALSE(turns.Add(kGreedy, "c", now));
  EXPECT_TRUE(turns.Add(kPod, "d", now + 1s));
  EXPECT_EQ(turns.Next(now + 2s).name, "a");
  // The first one has its part of the lookups.
  EXPECT_EQ(turns.DueSince(), now + 1s);
  const NameTurns::Turn second = turns.Next(now + 3s);
  EXPECT_EQ(second.name, "d");
  EXPECT_EQ(second.waited, 2s);
  EXPECT_FALSE(turns.AnyDue());
  turns.Done(kPod, now + 4s);
  EXPECT_FALSE(turns.AnyDue());
  turns.Done(kGreedy, now + 5s);
  EXPECT_EQ(turns.DueSince(), now + 5s);
  turns.Drop(kGreedy, "b");
  EXPECT_FALSE(turns.AnyDue());
  EXPECT_TRUE(turns.Add(kGreedy, "c", now));
  EXPECT_EQ(turns.Next(now).name, "c");
}

class ProxyNames : public ProxyFixture {
 protected:
  std::promise<void> go_on_;
  std::shared_future<void> gone_on_ = go_on_.get_future().share();
  std::atomic<int> asked_{0};
};

TEST_F(ProxyNames, OneClientsMadeUpNamesDoNotKeepOthersFromTheirs) {
  Serve(Echo);
  AwsProxyOptions options = Options();
  options.upstream_override.reset();
  options.connect_timeout = 500ms;
  options.look_up = [this](const std::string& name) -> StatusOr<std::vector<IpAddress>> {
    ++asked_;
    if (name.starts_with("made-up")) {
      gone_on_.wait_for(30s);
    }
    // Which is refused as soon as it is known.
    return std::vector{*IpAddress::Parse("127.0.0.1")};
  };
  Start(options);
  std::vector<std::unique_ptr<RawConnection>> greedy;
  for (size_t i = 0; i < 100; ++i) {
    greedy.push_back(std::make_unique<RawConnection>(proxy_->HttpPort()));
    greedy.back()->Send("GET / HTTP/1.1\r\nHost: " + MadeUp(i) + ".amazonaws.com\r\n\r\n");
  }
  ASSERT_TRUE(Eventually([&] { return Refused("name_limit") > 0; }));
  EXPECT_EQ(Connect({.from = "127.0.0.2"}).failure, "reset");
  EXPECT_EQ(Refused("loop"), 1);
  // When they have given up, nothing is left to do for them.
  ASSERT_TRUE(Eventually([&] { return Open() == 0; }));
  EXPECT_EQ(Failed("upstream_address") + Refused("name_limit"), 100);
  go_on_.set_value();
  EXPECT_EQ(Connect({.server_name = "sns.eu-west-1.amazonaws.com"}).failure, "reset");
  EXPECT_EQ(asked_, 4 + 2);
}

}  // namespace
}  // namespace network_mapper::aws
