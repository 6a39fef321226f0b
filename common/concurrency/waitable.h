// Guarded data that threads can wait on. Every change wakes the waiters; every wait has a deadline.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <utility>

namespace network_mapper {

// The callables must not keep a reference to the value, nor call back into the same object.
template <typename T>
class Waitable {
 public:
  template <typename F>
  decltype(auto) Read(F&& use) const {
    std::lock_guard lock(mutex_);
    return std::invoke(std::forward<F>(use), std::as_const(value_));
  }

  template <typename F>
  decltype(auto) Change(F&& change) {
    std::lock_guard lock(mutex_);
    const WakeAtEnd wake{changed_};
    return std::invoke(std::forward<F>(change), value_);
  }

  // True when `ready` held before `limit` had passed.
  template <typename Ready>
  bool WaitFor(std::chrono::nanoseconds limit, Ready&& ready) const {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, limit, [&] { return ready(std::as_const(value_)); });
  }

 private:
  struct WakeAtEnd {
    std::condition_variable& changed;

    ~WakeAtEnd() { changed.notify_all(); }
  };

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  T value_{};
};

}  // namespace network_mapper
