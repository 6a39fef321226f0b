#include "aws-visibility/proxy/address_resolver.h"

#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <utility>

#include "common/time/clock.h"

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
  struct Entry {
    std::optional<Addresses> addresses;
    SteadyTime end;
    std::vector<Answer> waiting;
  };

  explicit Implementation(AddressResolverOptions given) : options(std::move(given)) {
    if (!options.look_up) {
      options.look_up = AskSystem;
    }
    for (size_t i = 0; i < options.threads; ++i) {
      threads.emplace_back([this](const std::stop_token& stop) { Run(stop); });
    }
  }

  void Run(const std::stop_token& stop) {
    while (true) {
      std::string name;
      {
        std::unique_lock lock(mutex);
        if (!wake.wait(lock, stop, [this] { return !queue.empty(); })) {
          return;
        }
        name = std::move(queue.front());
        queue.pop_front();
      }
      const Addresses addresses = LookUp(name);
      std::vector<Answer> waiting;
      {
        const std::lock_guard lock(mutex);
        if (stop.stop_requested()) {
          return;
        }
        Entry& entry = entries[name];
        entry.addresses = addresses;
        entry.end =
            Clock::System().SteadyNow() + (addresses.ok() ? options.keep : options.keep_failure);
        waiting = std::exchange(entry.waiting, {});
      }
      for (const Answer& answer : waiting) {
        answer(addresses);
      }
    }
  }

  Addresses LookUp(const std::string& name) const {
    Addresses addresses = options.look_up(name);
    if (!addresses.ok() || options.own_name.empty()) {
      return addresses;
    }
    // While the own name has no address, no other name leads there.
    if (const Addresses own = options.look_up(options.own_name); own.ok()) {
      std::erase_if(*addresses, [&](const IpAddress& address) {
        return std::find(own->begin(), own->end(), address) != own->end();
      });
    }
    return addresses;
  }

  // With the lock held: room for one more name, or not.
  bool MakeRoom(SteadyTime now) {
    if (entries.size() < options.most_names) {
      return true;
    }
    std::erase_if(entries, [&](const auto& entry) {
      return entry.second.waiting.empty() && entry.second.end <= now;
    });
    if (entries.size() >= options.most_names) {
      std::erase_if(entries, [](const auto& entry) { return entry.second.waiting.empty(); });
    }
    return entries.size() < options.most_names;
  }

  AddressResolverOptions options;
  std::mutex mutex;
  std::condition_variable_any wake;
  std::map<std::string, Entry, std::less<>> entries;
  std::deque<std::string> queue;
  // Last: ends before what it uses.
  std::vector<std::jthread> threads;
};

AddressResolver::AddressResolver(AddressResolverOptions options)
    : implementation_(std::make_unique<Implementation>(std::move(options))) {}

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

void AddressResolver::Resolve(std::string_view name, const Answer& answer) {
  const auto known = [&]() -> std::optional<Addresses> {
    const std::lock_guard lock(implementation_->mutex);
    const SteadyTime now = Clock::System().SteadyNow();
    auto found = implementation_->entries.find(name);
    if (found != implementation_->entries.end() && found->second.waiting.empty() &&
        found->second.addresses && found->second.end > now) {
      return found->second.addresses;
    }
    if (found == implementation_->entries.end() && !implementation_->MakeRoom(now)) {
      return ResourceExhausted("address of {}: too many names are asked for", name);
    }
    auto& entry = implementation_->entries[std::string(name)];
    if (entry.waiting.empty()) {
      implementation_->queue.emplace_back(name);
      implementation_->wake.notify_one();
    }
    entry.waiting.push_back(answer);
    return std::nullopt;
  }();
  if (known) {
    answer(*known);
  }
}

}  // namespace network_mapper::aws
