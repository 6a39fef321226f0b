// Whatever the moments of writes, broken streams, rotations, restarts of containers, harvests and
// crashes of the watcher: every line is read just once.
#include <random>
#include <set>

#include "tests/kafka-watcher/log/kube_log_test.h"

namespace network_mapper::kafka {
namespace {

class PodLogPropertyTest : public KubeLogTest, public ::testing::WithParamInterface<int> {
 protected:
  static constexpr int kPods = 3;

  struct Broker {
    std::string name;
    size_t written = 0;
    // Lines before it must be read before more of the log can vanish.
    size_t needed = 0;
    int restarts = 0;
    // Lines are out of order within a file only.
    Time file_begun{};
  };

  size_t Random(size_t below) { return random_() % below; }

  void WriteSome(Broker& broker) {
    Time at = Stamp();
    for (size_t i = Random(30); i > 0; --i) {
      // Some of the same time, some a little out of order.
      at = Random(3) == 0 ? at : Stamp();
      const auto back = std::chrono::milliseconds(Random(4) == 0 ? Random(300) : 0);
      Logs().Write(Key(broker.name), std::max(at - back, broker.file_begun),
                   AuditLine(fmt::format("{}-{}", broker.name, broker.written++)));
    }
  }

  bool AllRead(const Broker& broker, size_t count) const {
    return ledger_.Wrong(broker.name + "-", count).empty();
  }

  void ApplyState(const Broker& broker) {
    PodShape shape;
    shape.restarts = broker.restarts;
    Apply(broker.name, shape);
  }

  void Restart(Broker& broker) {
    if (!AllRead(broker, broker.needed)) {
      return;
    }
    broker.needed = broker.written;
    if (Random(2) == 0) {
      // The status may tell before the new container writes, or after, or only at the next time.
      Logs().End(Key(broker.name));
    }
    Logs().Start(Key(broker.name));
    broker.file_begun = Stamp();
    ++broker.restarts;
    if (Random(3) > 0) {
      ApplyState(broker);
    }
  }

  void Rotate(Broker& broker) {
    if (AllRead(broker, broker.written)) {
      broker.file_begun = Stamp();
      Logs().Rotate(Key(broker.name));
    }
  }

  void Crash() {
    source_.reset();
    Start();
  }

  std::mt19937 random_{static_cast<unsigned>(GetParam())};
};

TEST_P(PodLogPropertyTest, LosesAndDoublesNothing) {
  std::vector<Broker> brokers;
  for (int i = 0; i < kPods; ++i) {
    brokers.push_back({.name = fmt::format("b{}", i)});
    ApplyState(brokers.back());
  }
  StartAndWait(kPods);
  for (Broker& broker : brokers) {
    broker.file_begun = Stamp();
  }
  ledger_.Take(*source_);
  std::mt19937 breaks(static_cast<unsigned>(GetParam()));
  Logs().BreakAfter([&breaks]() -> std::optional<size_t> {
    return breaks() % 2 == 0 ? std::optional<size_t>(1000 + breaks() % 30'000) : std::nullopt;
  });
  for (int step = 0; step < 600; ++step) {
    Broker& broker = brokers[Random(kPods)];
    const size_t choice = Random(100);
    if (choice < 60) {
      WriteSome(broker);
    } else if (choice < 75) {
      ledger_.Take(*source_);
    } else if (choice < 82) {
      Logs().BreakStreams();
    } else if (choice < 90) {
      Restart(broker);
    } else if (choice < 94) {
      Rotate(broker);
    } else if (choice < 96) {
      Crash();
    } else {
      std::this_thread::sleep_for(std::chrono::milliseconds(Random(20)));
    }
  }
  Logs().BreakAfter(nullptr);
  for (Broker& broker : brokers) {
    ApplyState(broker);
    // Also the last container says something, by which it is told from the one before.
    WriteSome(broker);
    Write(broker.name, fmt::format("{}-{}", broker.name, broker.written++));
  }
  ledger_.TakeUntil(*source_, [&] {
    return std::all_of(brokers.begin(), brokers.end(), [&](const Broker& broker) {
      return ledger_.read.contains(fmt::format("{}-{}", broker.name, broker.written - 1));
    });
  });
  int restarts = 0;
  for (const Broker& broker : brokers) {
    EXPECT_EQ(ledger_.Wrong(broker.name + "-", broker.written), "");
    restarts += broker.restarts;
  }
  EXPECT_GT(restarts, 3);
}

INSTANTIATE_TEST_SUITE_P(Seeds, PodLogPropertyTest, ::testing::Range(1, 6));

}  // namespace
}  // namespace network_mapper::kafka
