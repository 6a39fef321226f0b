// network-mapper (also kubectl-network_mapper): shows the map on the command line.
#include <unistd.h>

#include <iostream>

#include "cli/command_line.h"
#include "cli/commands.h"
#include "cli/mapper_connection.h"
#include "cli/screen_text.h"

int main(int argc, char** argv) {
  using network_mapper::StatusMessage;
  namespace cli = network_mapper::cli;
  cli::CommandLineResult line = cli::ParseCommandLine(argc, argv, environ);
  if (line.error) {
    std::cerr << "Error: " << line.error->message << '\n' << line.error->usage;
    return line.error->exit_code;
  }
  const cli::CliOptions& options = line.invocation->options;
  std::cout << line.invocation->text;
  std::string program = cli::ProgramName(argv[0]);
  cli::CommandContext context{.connect = [&options] { return cli::ConnectToMapper(options); },
                              .out = std::cout,
                              .err = std::cerr,
                              .program = program};
  network_mapper::StatusOr<int> exit_code = cli::RunCommand(options, context);
  std::cout.flush();
  if (!exit_code.ok()) {
    std::cerr << "Error: " << cli::LinesOnScreen(StatusMessage(exit_code.status())) << '\n'
              << cli::UsageText(options.command, program);
    return cli::ErrorExitCode(options.command);
  }
  return std::cout ? *exit_code : cli::ErrorExitCode(options.command);
}
