// kube_stand_in: a small Kubernetes API server with made-up objects (kube_stand_in.h).
#include <csignal>
#include <cstdio>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "tests/support/kube_stand_in/cluster_generator.h"
#include "tests/support/kube_stand_in/kube_stand_in.h"
#include "tests/support/kube_stand_in/manifests.h"

namespace {

using network_mapper::Status;
using network_mapper::stand_in::KubeStandIn;
using network_mapper::stand_in::KubeStandInOptions;
using network_mapper::stand_in::ObjectStore;

struct Arguments {
  KubeStandInOptions server;
  int bookmark_seconds = 60;
  std::vector<std::string> load;
  std::vector<std::string> proxies;
  std::string generate;
  uint64_t first_version = 0;
};

Status Load(const Arguments& arguments, ObjectStore& objects) {
  objects.StartAfter(arguments.first_version);
  if (!arguments.generate.empty()) {
    ASSIGN_OR_RETURN(const auto size,
                     network_mapper::stand_in::ParseClusterSize(arguments.generate));
    network_mapper::stand_in::GenerateCluster(size, objects);
  }
  for (const std::string& path : arguments.load) {
    ASSIGN_OR_RETURN(const auto documents, network_mapper::stand_in::LoadManifests(path));
    for (const std::string& document : documents) {
      RETURN_IF_ERROR(objects.Apply(document).status());
    }
  }
  if (arguments.first_version > 0) {
    objects.Compact();
  }
  return network_mapper::OkStatus();
}

Status Run(Arguments arguments, const sigset_t& signals) {
  arguments.server.load = [&arguments](ObjectStore& objects) { return Load(arguments, objects); };
  ASSIGN_OR_RETURN(const auto stand_in, KubeStandIn::Start(arguments.server));
  std::printf("serving on %s\n", stand_in->Url().c_str());
  std::fflush(stdout);
  int received = 0;
  sigwait(&signals, &received);
  return network_mapper::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  CLI::App app("A small Kubernetes API server with made-up objects, for tests and demonstrations.");
  app.add_option("--host", arguments.server.host, "address to listen on")->capture_default_str();
  app.add_option("--port", arguments.server.port, "port; 0: any free one")->capture_default_str();
  app.add_option("--threads", arguments.server.threads, "requests and watches at a time")
      ->capture_default_str();
  app.add_option("--token", arguments.server.token, "demand this bearer token");
  app.add_option("--bookmark-seconds", arguments.bookmark_seconds, "seconds between bookmarks")
      ->capture_default_str();
  app.add_option("--load", arguments.load, "manifests: a file or a directory; may be repeated");
  app.add_option("--generate", arguments.generate, "a large cluster: pods=10000,services=2000");
  app.add_option("--first-version", arguments.first_version,
                 "resourceVersions go on from here, and older ones are expired: the server was "
                 "started again");
  app.add_option("--proxy", arguments.proxies,
                 "NAMESPACE/SERVICE:PORT=http://HOST:PORT, for services/proxy; may be repeated");
  CLI11_PARSE(app, argc, argv);
  for (const std::string& proxy : arguments.proxies) {
    const size_t equals = proxy.find('=');
    if (equals == std::string::npos) {
      std::fprintf(stderr, "kube_stand_in: --proxy %s: no '='\n", proxy.c_str());
      return 2;
    }
    arguments.server.proxies[proxy.substr(0, equals)] = proxy.substr(equals + 1);
  }
  arguments.server.bookmark_interval = std::chrono::seconds(arguments.bookmark_seconds);
  // Blocked before the first thread starts, so that only sigwait receives them.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  const Status status = Run(arguments, signals);
  if (!status.ok()) {
    std::fprintf(stderr, "kube_stand_in: %s\n", network_mapper::StatusMessage(status).c_str());
    return 1;
  }
  return 0;
}
