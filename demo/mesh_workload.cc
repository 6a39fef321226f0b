// mesh_workload: an application as it stands behind a proxy of a mesh. It answers HTTP/1.1 at one
// port (200 to all, /missing 404, /failing 500) and gRPC at another, whatever the method: each
// message comes back as it was. As a client it calls such a method again and again, says how many
// calls were answered, and fails when not all were.
#include <httplib.h>

#include <cstdint>
#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <thread>

#include <CLI/CLI.hpp>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

namespace {

constexpr std::chrono::seconds kCallTimeout{10};

struct Options {
  int http_port = 0;
  int grpc_port = 0;
  std::string call;
  std::string authority;
  std::string method;
  int calls = 1;
};

// One call of any method: reads the message and sends it back. Deletes itself, as gRPC's reactors
// do.
class Echo : public grpc::ServerGenericBidiReactor {
 public:
  Echo() { StartRead(&message_); }

  void OnReadDone(bool ok) override {
    if (ok) {
      StartWriteAndFinish(&message_, grpc::WriteOptions(), grpc::Status::OK);
    } else {
      Finish(grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "a call needs a message"));
    }
  }

  void OnDone() override { delete this; }

 private:
  grpc::ByteBuffer message_;
};

class EchoService : public grpc::CallbackGenericService {
 public:
  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext*) override {
    return new Echo;
  }
};

grpc::Status CallOnce(grpc::GenericStub& stub, const Options& options) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kCallTimeout);
  const grpc::Slice slice("hello");
  const grpc::ByteBuffer request(&slice, 1);
  grpc::ByteBuffer response;
  grpc::CompletionQueue queue;
  auto call = stub.PrepareUnaryCall(&context, options.method, request, &queue);
  call->StartCall();
  grpc::Status status;
  call->Finish(&response, &status, nullptr);
  void* tag = nullptr;
  bool ok = false;
  queue.Next(&tag, &ok);
  return status;
}

int CallAll(const Options& options) {
  grpc::ChannelArguments arguments;
  if (!options.authority.empty()) {
    arguments.SetString(GRPC_ARG_DEFAULT_AUTHORITY, options.authority);
  }
  grpc::GenericStub stub(
      grpc::CreateCustomChannel(options.call, grpc::InsecureChannelCredentials(), arguments));
  int answered = 0;
  for (int i = 0; i < options.calls; ++i) {
    const grpc::Status status = CallOnce(stub, options);
    if (status.ok()) {
      ++answered;
    } else {
      std::fprintf(stderr, "mesh_workload: %s\n", status.error_message().c_str());
    }
  }
  std::printf("%d\n", answered);
  return answered == options.calls ? 0 : 1;
}

void ServeHttp(int port) {
  httplib::Server server;
  server.set_pre_routing_handler([](const httplib::Request& request, httplib::Response& response) {
    response.status = request.path == "/missing" ? 404 : request.path == "/failing" ? 500 : 200;
    response.set_content("hello\n", "text/plain");
    return httplib::Server::HandlerResponse::Handled;
  });
  server.listen("0.0.0.0", port);
}

int Serve(const Options& options) {
  EchoService service;
  std::unique_ptr<grpc::Server> server;
  if (options.grpc_port != 0) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("0.0.0.0:" + std::to_string(options.grpc_port),
                             grpc::InsecureServerCredentials());
    builder.RegisterCallbackGenericService(&service);
    server = builder.BuildAndStart();
    if (server == nullptr) {
      return 1;
    }
  }
  if (options.http_port != 0) {
    ServeHttp(options.http_port);
    std::fprintf(stderr, "mesh_workload: port %d cannot be listened on\n", options.http_port);
    return 1;
  }
  server->Wait();
  return 0;
}

int Run(int argc, char** argv) {
  Options options;
  CLI::App app(
      "An application behind a mesh's proxy: answers HTTP/1.1 and gRPC, or calls by gRPC.");
  app.add_option("--http", options.http_port, "Port to answer HTTP/1.1 on");
  app.add_option("--grpc", options.grpc_port, "Port to answer gRPC on");
  app.add_option("--call", options.call, "HOST:PORT to call by gRPC");
  app.add_option("--authority", options.authority, "Whom the calls name instead of HOST:PORT");
  app.add_option("--method", options.method, "/PACKAGE.SERVICE/METHOD to call");
  app.add_option("--calls", options.calls, "Number of calls")->capture_default_str();
  CLI11_PARSE(app, argc, argv);

  if (!options.call.empty()) {
    return CallAll(options);
  }
  if (options.http_port == 0 && options.grpc_port == 0) {
    std::fprintf(stderr, "mesh_workload: --http, --grpc or --call is needed\n");
    return 2;
  }
  return Serve(options);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return Run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "mesh_workload: %s\n", error.what());
    return 1;
  }
}
