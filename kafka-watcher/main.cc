// network-mapper-kafka-watcher: reads the authorizer's lines of Kafka's logs and reports accesses
// to topics to the mapper.
#include <unistd.h>

#include <string>

#include "common/program/program.h"
#include "kafka-watcher/app/watcher_app.h"
#include "kafka-watcher/app/watcher_config.h"

int main(int argc, char** argv) {
  using namespace network_mapper;  // NOLINT(google-build-using-namespace): the whole file is this
                                   // function
  kafka::WatcherConfig config;
  OptionTable options("network-mapper-kafka-watcher", kafka::kWatcherDescription);
  kafka::DeclareWatcherOptions(options, config);
  Program program{.component = "kafka-watcher",
                  .options = options,
                  .check = [&config] { return kafka::CheckWatcherConfig(config); },
                  .debug = [&config] { return config.debug; },
                  .run = [&config](const std::stop_token& stop) -> Status {
                    ASSIGN_OR_RETURN(auto app, kafka::WatcherApp::Create(config, stop));
                    return app->Run(stop);
                  }};
  return RunProgram(program, argc, argv, environ);
}
