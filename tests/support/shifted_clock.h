// The wall clock of a child process, which a test sets: by libfaketime, from Debian's package
// faketime. The monotonic clock, and with it all waiting, stays as it is.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "tests/support/test_paths.h"

namespace network_mapper {

class ShiftedClock {
 public:
  static constexpr const char* kLibrary = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";

  ShiftedClock() { Set(std::chrono::seconds(0)); }

  // How far it is ahead of the system's; seen within a second.
  void Set(std::chrono::seconds ahead) {
    // Put in place whole: it is read at any moment.
    const std::filesystem::path file =
        directory_.WriteFile("clock.new", fmt::format("{:+d}s\n", ahead.count()));
    std::filesystem::rename(file, File());
  }

  // For the process.
  std::vector<std::string> Environment() const {
    return {std::string("LD_PRELOAD=") + kLibrary, "FAKETIME_TIMESTAMP_FILE=" + File().string(),
            "FAKETIME_CACHE_DURATION=1", "FAKETIME_DONT_FAKE_MONOTONIC=1"};
  }

 private:
  std::filesystem::path File() const { return directory_.Path() / "clock"; }

  TemporaryDirectory directory_;
};

}  // namespace network_mapper
