#include "common/http/request_parser.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <exception>
#include <utility>

#include "common/log/log.h"

namespace network_mapper {

namespace {

// The routes of cpp-httplib are regular expressions, whose cost and stack depth grow with the path.
constexpr size_t kMaxPathBytes = 2048;
constexpr const char* kEveryPath = R"([\s\S]*)";

std::string LowerCase(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

bool IsMultipart(const httplib::Request& request) {
  return LowerCase(request.get_header_value("Content-Type")).starts_with("multipart/");
}

bool TakesBody(const httplib::Request& request) {
  return request.method == "POST" || request.method == "PUT" || request.method == "PATCH";
}

bool AnnouncesBody(const httplib::Request& request) {
  return request.has_header("Transfer-Encoding") ||
         (request.has_header("Content-Length") &&
          request.get_header_value("Content-Length") != "0");
}

HttpRequest ToRequest(const httplib::Request& request, std::string body) {
  HttpRequest converted;
  converted.method = request.method;
  converted.path = request.path;
  converted.peer = IpAddress::Parse(request.remote_addr).value_or(IpAddress());
  for (const auto& [name, value] : request.headers) {
    converted.headers.emplace(LowerCase(name), value);
  }
  for (const auto& [name, value] : request.params) {
    converted.parameters.emplace(name, value);
  }
  converted.body = std::move(body);
  return converted;
}

}  // namespace

RequestParser::RequestParser(const HttpServerOptions& options, HttpHandler handler)
    : options_(options), handler_(std::move(handler)) {
  auto without_body = [this](const httplib::Request& request, httplib::Response& response) {
    Answer(request, {}, response);
  };
  auto with_body = [this](const httplib::Request& request, httplib::Response& response,
                          const httplib::ContentReader& read_content) {
    AnswerWithBody(request, response, read_content);
  };
  Get(kEveryPath, without_body);
  Options(kEveryPath, without_body);
  Post(kEveryPath, with_body);
  Put(kEveryPath, with_body);
  Patch(kEveryPath, with_body);
  set_pre_routing_handler([this](const httplib::Request& request, httplib::Response& response) {
    if (int status = Refusal(request); status != 0) {
      response.status = status;
      return HandlerResponse::Handled;
    }
    constexpr std::array<std::string_view, 6> kRouted = {"GET", "HEAD",  "OPTIONS",
                                                         "PUT", "PATCH", "POST"};
    if (std::find(kRouted.begin(), kRouted.end(), request.method) == kRouted.end()) {
      Answer(request, {}, response);
      return HandlerResponse::Handled;
    }
    return HandlerResponse::Unhandled;
  });
}

bool RequestParser::ServeOne(RequestStream& stream) {
  // Until a whole head has been understood: what follows cannot be told from it.
  bool close_connection = true;
  auto on_head = [&](httplib::Request& request) {
    stream.EndHead();
    // Answers are whole and plain: no ranges, no compression on the serving threads.
    request.ranges.clear();
    for (const char* name : {"Range", "Accept-Encoding"}) {
      request.headers.erase(name);
    }
    // A body that stays unread would be taken for the next request.
    close_connection = Refusal(request) != 0 || request.has_header("Transfer-Encoding") ||
                       (AnnouncesBody(request) && (!TakesBody(request) || IsMultipart(request)));
    if (close_connection) {
      request.headers.erase("Connection");
      request.headers.emplace("Connection", "close");
    }
  };
  bool peer_closes = false;
  bool served = process_request(stream, false, peer_closes, on_head);
  return served && !peer_closes && !close_connection;
}

int RequestParser::Refusal(const httplib::Request& request) const {
  if (request.path.size() > kMaxPathBytes) {
    return 414;
  }
  std::string length = request.get_header_value("Content-Length");
  bool digits = std::all_of(length.begin(), length.end(),
                            [](unsigned char c) { return std::isdigit(c) != 0; });
  bool has_length = request.has_header("Content-Length");
  if ((has_length && (length.empty() || !digits)) ||
      request.get_header_value_count("Content-Length") > 1 ||
      (has_length && request.has_header("Transfer-Encoding"))) {
    return 400;
  }
  if (length.size() > 18 || (has_length && std::stoull(length) > options_.max_body_bytes)) {
    return 413;
  }
  // cpp-httplib would inflate it without a bound.
  if (request.has_header("Content-Encoding") &&
      LowerCase(request.get_header_value("Content-Encoding")) != "identity") {
    return 415;
  }
  return 0;
}

void RequestParser::Answer(const httplib::Request& request, std::string body,
                           httplib::Response& response) {
  HttpResponse answer;
  try {
    answer = handler_(ToRequest(request, std::move(body)));
  } catch (const std::exception& exception) {
    LogError("HTTP handler failed", {{"path", request.path}, {"error", exception.what()}});
    answer = HttpResponse{
        .status = 500,
        .content_type = "application/json; charset=UTF-8",
        .body = "{\"message\":\"Internal Server Error\"}\n",
        .headers = {},
    };
  }
  response.status = answer.status;
  for (const auto& [name, value] : answer.headers) {
    response.set_header(name, value);
  }
  if (!answer.content_type.empty()) {
    response.set_header("Content-Type", answer.content_type);
  }
  response.body = std::move(answer.body);
}

void RequestParser::AnswerWithBody(const httplib::Request& request, httplib::Response& response,
                                   const httplib::ContentReader& read_content) {
  std::string body;
  bool too_large = false;
  if (AnnouncesBody(request) && !IsMultipart(request)) {
    bool complete = read_content([&](const char* data, size_t size) {
      too_large = body.size() + size > options_.max_body_bytes;
      if (!too_large) {
        body.append(data, size);
      }
      return !too_large;
    });
    if (!complete) {
      response.status = too_large ? 413 : 400;
      return;
    }
  }
  Answer(request, std::move(body), response);
}

}  // namespace network_mapper
