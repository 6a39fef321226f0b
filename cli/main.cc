// network-mapper (also kubectl-network_mapper): shows the map on the command line.
#include <unistd.h>

#include <iostream>

#include "cli/command_line.h"
#include "cli/commands.h"
#include "cli/mapper_connection.h"

int main(int argc, char** argv) {
  using network_mapper::StatusMessage;
  namespace cli = network_mapper::cli;
  cli::CommandLineResult line = cli::ParseCommandLine(argc, argv, environ);
  if (line.error) {
    std::cerr << "Error: " << line.error->message << '\n' << line.error->usage;
    return 1;
  }
  const cli::CliOptions& options = line.invocation->options;
  std::cout << line.invocation->text;
  std::string program = cli::ProgramName(argv[0]);
  cli::CommandContext context{.connect = [&options] { return cli::ConnectToMapper(options); },
                              .out = std::cout,
                              .err = std::cerr,
                              .program = program};
  network_mapper::Status status = cli::RunCommand(options, context);
  std::cout.flush();
  if (!status.ok()) {
    std::cerr << "Error: " << StatusMessage(status) << '\n'
              << cli::UsageText(options.command, program);
    return 1;
  }
  return std::cout ? 0 : 1;
}
