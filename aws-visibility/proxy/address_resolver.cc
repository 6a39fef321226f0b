#include "aws-visibility/proxy/address_resolver.h"

#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <unordered_map>
#include <utility>

#include "aws-visibility/proxy/name_turns.h"
#include "aws-visibility/proxy/own_addresses.h"

namespace network_mapper::aws {

namespace {

AddressResolver::Addresses AskSystem(const std::string& name) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  // With its dot the name is complete: no search domain of the pod is tried before it.
  if (const int error = getaddrinfo((name + ".").c_str(), nullptr, &hints, &found); error != 0) {
    return Unavailable("address of {}: {}", name, gai_strerror(error));
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, freeaddrinfo);
  std::vector<IpAddress> addresses;
  for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
    sockaddr_storage storage{};
    std::memcpy(&storage, entry->ai_addr, entry->ai_addrlen);
    if (const std::optional<IpAddress> address = IpAddress::FromSocketAddress(storage)) {
      addresses.push_back(*address);
    }
  }
  if (addresses.empty()) {
    return Unavailable("address of {}: none", name);
  }
  return addresses;
}

}  // namespace

struct AddressResolver::Implementation {
  struct Waiter {
    uint64_t id = 0;
    IpAddress client;
    Answer answer;
  };

  struct Entry {
    std::optional<Addresses> addresses;
    // From when on they are asked for anew, and are not told any more.
    SteadyTime stale;
    SteadyTime end;
    // Who asked last, and when.
    IpAddress user;
    SteadyTime used;
    bool looked_up = false;
    // In whose turn it is asked for anew, nobody waiting.
    std::optional<IpAddress> renewer;
    std::vector<Waiter> waiting;

    bool Known(SteadyTime now) const { return addresses && now < end; }

    bool Idle() const { return waiting.empty() && !looked_up && !renewer; }
  };

  using Entries = std::map<std::string, Entry, std::less<>>;

  Implementation(AddressResolverOptions given, const Clock& given_clock)
      : options(std::move(given)),
        clock(given_clock),
        look_up(options.look_up ? options.look_up : AskSystem),
        own(options.own_name, look_up, clock),
        turns(options.most_client_names, options.most_client_threads) {
    for (size_t i = 0; i < options.threads; ++i) {
      threads.emplace_back([this](const std::stop_token& stop) { Run(stop); });
    }
  }

  void Run(const std::stop_token& stop) {
    std::unique_lock lock(mutex);
    while (wake.wait(lock, stop, [this] { return turns.AnyDue(); })) {
      const NameTurns::Turn turn = Begin();
      lock.unlock();
      const Addresses addresses = LookUp(turn.name);
      lock.lock();
      if (stop.stop_requested()) {
        return;
      }
      const std::vector<Waiter> waiting = Finish(turn, addresses);
      lock.unlock();
      for (const Waiter& waiter : waiting) {
        waiter.answer(addresses);
      }
      lock.lock();
    }
  }

  // With the lock held.
  NameTurns::Turn Begin() {
    const SteadyTime now = clock.SteadyNow();
    NameTurns::Turn turn = turns.Next(now);
    if (turn.waited > options.most_wait) {
      overloaded_until = now + options.overload_hold;
    }
    Entry& entry = entries.find(turn.name)->second;
    entry.looked_up = true;
    // It is all the others' turn, too.
    for (const Waiter& waiter : entry.waiting) {
      turns.Drop(waiter.client, turn.name);
    }
    if (entry.renewer) {
      turns.Drop(*std::exchange(entry.renewer, std::nullopt), turn.name);
    }
    return turn;
  }

  // With the lock held: who is to be told.
  std::vector<Waiter> Finish(const NameTurns::Turn& turn, const Addresses& addresses) {
    const SteadyTime now = clock.SteadyNow();
    turns.Done(turn.client, now);
    Entry& entry = entries.find(turn.name)->second;
    entry.looked_up = false;
    entry.stale = now + (addresses.ok() ? options.keep : options.keep_failure);
    // An old answer is better than none.
    if (addresses.ok() || !entry.Known(now) || !entry.addresses->ok()) {
      entry.addresses = addresses;
      entry.end = addresses.ok() ? std::max(entry.stale, now + options.keep_old) : entry.stale;
    }
    return std::exchange(entry.waiting, {});
  }

  Addresses LookUp(const std::string& name) {
    Addresses addresses = look_up(name);
    if (addresses.ok()) {
      const std::vector<IpAddress> here = own.Get();
      std::erase_if(*addresses, [&](const IpAddress& address) {
        return std::find(here.begin(), here.end(), address) != here.end();
      });
    }
    return addresses;
  }

  // With the lock held: room for one more name, or not. Those of the client with the most of them
  // go first, so that nobody's made-up names take the room of what others use.
  bool MakeRoom(SteadyTime now) {
    if (entries.size() < options.most_names) {
      return true;
    }
    std::erase_if(
        entries, [&](const auto& entry) { return entry.second.Idle() && entry.second.end <= now; });
    if (entries.size() < options.most_names) {
      return true;
    }
    std::unordered_map<IpAddress, std::vector<Entries::iterator>> idle;
    for (auto entry = entries.begin(); entry != entries.end(); ++entry) {
      if (entry->second.Idle()) {
        idle[entry->second.user].push_back(entry);
      }
    }
    const auto most = std::max_element(idle.begin(), idle.end(), [](const auto& a, const auto& b) {
      return a.second.size() < b.second.size();
    });
    if (most == idle.end()) {
      return false;
    }
    // Half of them at once, since looking for them takes long.
    std::vector<Entries::iterator>& names = most->second;
    const auto half = names.begin() + static_cast<ptrdiff_t>((names.size() - 1) / 2);
    std::nth_element(names.begin(), half, names.end(),
                     [](const auto& a, const auto& b) { return a->second.used < b->second.used; });
    std::for_each(names.begin(), half + 1, [&](const auto& entry) { entries.erase(entry); });
    return true;
  }

  // With the lock held.
  void Renew(Entries::iterator found, SteadyTime now) {
    Entry& entry = found->second;
    if (now >= entry.stale && entry.Idle() && turns.Add(entry.user, found->first, now)) {
      entry.renewer = entry.user;
      wake.notify_one();
    }
  }

  // With the lock held. Absent: the client, or all together, wait for too many.
  std::optional<uint64_t> Await(Entries::iterator found, const IpAddress& client,
                                std::string_view name, const Answer& answer, SteadyTime now) {
    const bool looked_up = found != entries.end() && found->second.looked_up;
    if (!looked_up && !turns.Add(client, name, now)) {
      return std::nullopt;
    }
    if (found == entries.end() && !MakeRoom(now)) {
      turns.Drop(client, name);
      return std::nullopt;
    }
    Entry& entry = entries[std::string(name)];
    entry.user = client;
    entry.used = now;
    entry.waiting.push_back({.id = ++last_id, .client = client, .answer = answer});
    wake.notify_one();
    return last_id;
  }

  void EndWait(const std::string& name, uint64_t id) {
    const std::lock_guard lock(mutex);
    const auto found = entries.find(name);
    if (found == entries.end()) {
      return;
    }
    Entry& entry = found->second;
    const auto is_it = [id](const Waiter& waiter) { return waiter.id == id; };
    const auto waiter = std::find_if(entry.waiting.begin(), entry.waiting.end(), is_it);
    if (waiter == entry.waiting.end()) {
      return;
    }
    const IpAddress client = waiter->client;
    entry.waiting.erase(waiter);
    const bool wants = entry.renewer == client ||
                       std::any_of(entry.waiting.begin(), entry.waiting.end(),
                                   [&](const Waiter& other) { return other.client == client; });
    if (!wants) {
      turns.Drop(client, name);
    }
    if (entry.Idle() && !entry.addresses) {
      entries.erase(found);
    }
  }

  const AddressResolverOptions options;
  const Clock& clock;
  const OwnAddresses::LookUp look_up;
  OwnAddresses own;
  std::mutex mutex;
  std::condition_variable_any wake;
  Entries entries;
  // A name in it has an entry, and is not being looked up.
  NameTurns turns;
  SteadyTime overloaded_until = SteadyTime::min();
  uint64_t last_id = 0;
  // Last: ends before what it uses.
  std::vector<std::jthread> threads;
};

AddressResolver::Wait& AddressResolver::Wait::operator=(Wait&& other) noexcept {
  if (this != &other) {
    End();
    resolver_ = std::exchange(other.resolver_, nullptr);
    name_ = std::move(other.name_);
    id_ = other.id_;
  }
  return *this;
}

void AddressResolver::Wait::End() {
  if (Implementation* const resolver = std::exchange(resolver_, nullptr)) {
    resolver->EndWait(name_, id_);
  }
}

AddressResolver::AddressResolver(AddressResolverOptions options, const Clock& clock)
    : implementation_(std::make_unique<Implementation>(std::move(options), clock)) {}

AddressResolver::~AddressResolver() {
  Stop();
}

void AddressResolver::Stop() {
  // All of them at once, before each is waited for.
  for (std::jthread& thread : implementation_->threads) {
    thread.request_stop();
  }
  implementation_->threads.clear();
}

AddressResolver::Wait AddressResolver::Resolve(const IpAddress& client, std::string_view name,
                                               const Answer& answer) {
  Implementation& it = *implementation_;
  std::optional<Addresses> known;
  {
    const std::lock_guard lock(it.mutex);
    const SteadyTime now = it.clock.SteadyNow();
    const auto found = it.entries.find(name);
    if (found == it.entries.end() || !found->second.Known(now)) {
      if (const std::optional<uint64_t> id = it.Await(found, client, name, answer, now)) {
        return {it, name, *id};
      }
      known = ResourceExhausted("address of {}: too many names are waited for", name);
    } else {
      found->second.user = client;
      found->second.used = now;
      it.Renew(found, now);
      known = found->second.addresses;
    }
  }
  answer(*known);
  return {};
}

Status AddressResolver::Ready() const {
  Implementation& it = *implementation_;
  const std::lock_guard lock(it.mutex);
  const SteadyTime now = it.clock.SteadyNow();
  const std::optional<SteadyTime> since = it.turns.DueSince();
  const bool late = since && now - *since > it.options.most_wait;
  return late || now < it.overloaded_until
             ? Unavailable("names of endpoints wait for more than {} ms to be looked up",
                           it.options.most_wait.count())
             : OkStatus();
}

}  // namespace network_mapper::aws
