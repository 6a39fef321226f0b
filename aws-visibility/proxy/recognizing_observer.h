// From exchanges to calls: asks the recogniser, and hands its answers to a sink.
#pragma once

#include "aws-visibility/iam/answer_memory.h"
#include "aws-visibility/proxy/call_sink.h"
#include "aws-visibility/proxy/exchange_observer.h"

namespace network_mapper::aws {

class RecognizingObserver final : public ExchangeObserver {
 public:
  // Both must outlive this.
  RecognizingObserver(AnswerMemory& memory, CallSink& sink) : memory_(memory), sink_(sink) {}

  BodyNeeds NeedsOf(const RequestHead& head) override { return Recognizer::NeedsOf(head); }

  void OnExchange(const ObservedExchange& exchange) override {
    sink_.OnCall(
        {.client = exchange.client,
         .time = exchange.time,
         .recognition = Recognizer::Recognize(exchange.head, exchange.body, exchange.response,
                                              exchange.response_body, memory_)});
  }

 private:
  AnswerMemory& memory_;
  CallSink& sink_;
};

}  // namespace network_mapper::aws
