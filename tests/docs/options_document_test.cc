// docs/options.md is made from the option tables of the binaries: UPDATE_DOCS=1 writes it,
// otherwise it must be as it is.
#include <cstdlib>
#include <fstream>
#include <string>

#include <gtest/gtest.h>

#include "aws-visibility/app/proxy_config.h"
#include "aws-visibility/app/webhook_config.h"
#include "cli/command_line.h"
#include "kafka-watcher/app/watcher_config.h"
#include "mapper/app/mapper_config.h"
#include "sniffer/app/sniffer_config.h"
#include "tests/support/test_paths.h"

namespace network_mapper {
namespace {

std::string OptionsDocument() {
  MapperConfig mapper_config;
  OptionTable mapper_options("network-mapper-mapper", "The mapper, one per cluster.");
  DeclareMapperOptions(mapper_options, mapper_config);
  sniffer::SnifferConfig sniffer_config;
  OptionTable sniffer_options("network-mapper-sniffer", "The sniffer, one per node.");
  sniffer::DeclareSnifferOptions(sniffer_options, sniffer_config);
  kafka::WatcherConfig watcher_config;
  OptionTable watcher_options("network-mapper-kafka-watcher",
                              "The Kafka watcher, one for any number of clusters of Kafka.");
  kafka::DeclareWatcherOptions(watcher_options, watcher_config);
  aws::ProxyConfig proxy_config;
  OptionTable proxy_options("network-mapper-aws-proxy", "The proxy of AWS visibility.");
  aws::DeclareProxyOptions(proxy_options, proxy_config);
  aws::WebhookConfig webhook_config;
  OptionTable webhook_options("network-mapper-aws-webhook", "The webhook of AWS visibility.");
  aws::DeclareWebhookOptions(webhook_options, webhook_config);
  return "# Options\n\n"
         "Every option is a flag, an environment variable and a key of the YAML file that "
         "`--config` names (the flag's name\n"
         "without the dashes). A flag wins over the environment, the environment over the file. An "
         "unknown flag or key, or a\n"
         "bad value, is an error that names it; exit code 2 for the daemons and for `diff`, 1 for "
         "the other commands. A variable\n"
         "that looks mistyped is named in a daemon's log at start.\n\n"
         "Made from the option tables; `UPDATE_DOCS=1 scripts/test -R docs_options` writes it "
         "anew.\n\n" +
         mapper_options.Markdown() + "\n" + sniffer_options.Markdown() + "\n" +
         watcher_options.Markdown() + "\n" + proxy_options.Markdown() + "\n" +
         webhook_options.Markdown() + "\n" + cli::OptionsMarkdown();
}

TEST(OptionsDocument, IsWhatTheBinariesSay) {
  std::filesystem::path path = TestDataPath("../../docs/options.md");
  if (std::getenv("UPDATE_DOCS") != nullptr) {
    std::ofstream(path) << OptionsDocument();
  }
  EXPECT_EQ(ReadFileOrDie(path), OptionsDocument())
      << "write it anew: UPDATE_DOCS=1 scripts/test -R docs_options";
}

}  // namespace
}  // namespace network_mapper
