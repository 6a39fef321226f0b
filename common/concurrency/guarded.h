// Data that can be reached only while its lock is held.
#pragma once

#include <functional>
#include <mutex>
#include <shared_mutex>
#include <utility>

namespace network_mapper {

// Guarded<State> state_;  state_.With([](State& state) { ... });
// The callable must not keep a reference to the state, nor call With on the same object.
template <typename T>
class Guarded {
 public:
  Guarded() = default;

  explicit Guarded(T value) : value_(std::move(value)) {}

  template <typename F>
  decltype(auto) With(F&& use) {
    std::lock_guard lock(mutex_);
    return std::invoke(std::forward<F>(use), value_);
  }

  template <typename F>
  decltype(auto) With(F&& use) const {
    std::lock_guard lock(mutex_);
    return std::invoke(std::forward<F>(use), value_);
  }

  // False: another thread has it, and nothing was done.
  template <typename F>
  bool TryWith(F&& use) {
    std::unique_lock lock(mutex_, std::try_to_lock);
    if (lock.owns_lock()) {
      std::invoke(std::forward<F>(use), value_);
    }
    return lock.owns_lock();
  }

 private:
  mutable std::mutex mutex_;
  T value_{};
};

// Many readers or one writer.
template <typename T>
class SharedGuarded {
 public:
  SharedGuarded() = default;

  explicit SharedGuarded(T value) : value_(std::move(value)) {}

  template <typename F>
  decltype(auto) Read(F&& use) const {
    std::shared_lock lock(mutex_);
    return std::invoke(std::forward<F>(use), std::as_const(value_));
  }

  template <typename F>
  decltype(auto) Write(F&& use) {
    std::unique_lock lock(mutex_);
    return std::invoke(std::forward<F>(use), value_);
  }

 private:
  mutable std::shared_mutex mutex_;
  T value_{};
};

}  // namespace network_mapper
