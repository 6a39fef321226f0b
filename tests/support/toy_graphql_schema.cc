#include "tests/support/toy_graphql_schema.h"

namespace network_mapper::graphql {

namespace {

InputField Argument(std::string name, const Type* type,
                    std::optional<Value> default_value = std::nullopt) {
  return {.name = std::move(name),
          .type = type,
          .description = "",
          .default_value = std::move(default_value)};
}

void AddAnimal(Schema& schema, ObjectBuilder<Animal>& animal) {
  animal
      .Add("name", schema.NonNull(schema.String()), "What it is called.",
           [](const Animal& source, FieldWriter& writer) { writer.String(source.name); })
      .Add("legs", schema.Int(), "",
           [](const Animal& source, FieldWriter& writer) { writer.Int(source.legs); })
      .Add("foods", schema.ListOf(schema.NonNull(schema.String())), "",
           [](const Animal& source, FieldWriter& writer) {
             writer.BeginList();
             for (const std::string& food : source.foods) {
               writer.String(food);
             }
             writer.EndList();
           })
      .Add("young", schema.NonNull(schema.ListOf(schema.NonNull(animal.Get()))), "",
           [](const Animal& source, FieldWriter& writer) {
             writer.BeginList();
             for (const Animal& young : source.young) {
               writer.Object(young);
             }
             writer.EndList();
           })
      .AddWithArguments("health", schema.String(), {}, "",
                        [](const Animal& source, const Arguments&, FieldWriter& writer) -> Status {
                          if (source.ill) {
                            return Unavailable("{} is at the vet", source.name);
                          }
                          writer.String("well");
                          return OkStatus();
                        })
      .AddWithArguments("weight", schema.NonNull(schema.Float()), {}, "",
                        [](const Animal& source, const Arguments&, FieldWriter& writer) -> Status {
                          if (source.ill) {
                            return Unavailable("{} was not weighed", source.name);
                          }
                          writer.Float(1.5);
                          return OkStatus();
                        });
}

}  // namespace

ToySchema::ToySchema() {
  const Type* diet = schema.AddEnum("Diet", "What it eats.", {"MEAT", "PLANTS"});
  const Type* filter =
      schema.AddInput("Filter", "",
                      {Argument("minLegs", schema.NonNull(schema.Int())), Argument("diet", diet),
                       Argument("names", schema.ListOf(schema.NonNull(schema.String()))),
                       Argument("limit", schema.Int(), Value(int64_t{10}))});
  const Type* moment = schema.AddScalar("Moment", "A time.");
  ObjectBuilder<Animal> animal = schema.AddObject<Animal>("Animal", "");
  AddAnimal(schema, animal);
  auto query = schema.AddObject<Zoo>("Query", "");
  query
      .AddWithArguments("animals", schema.NonNull(schema.ListOf(schema.NonNull(animal.Get()))),
                        {Argument("filter", filter),
                         Argument("names", schema.ListOf(schema.NonNull(schema.String())))},
                        "",
                        [](const Zoo& zoo, const Arguments& arguments, FieldWriter& writer) {
                          const Value* given = arguments.Find("filter");
                          const Value* least = given == nullptr ? nullptr : given->Field("minLegs");
                          writer.BeginList();
                          for (const Animal& one : zoo.animals) {
                            if (least == nullptr || one.legs >= *least->As<int64_t>()) {
                              writer.Object(one);
                            }
                          }
                          writer.EndList();
                          return OkStatus();
                        })
      .AddWithArguments("first", animal.Get(), {}, "",
                        [](const Zoo& zoo, const Arguments&, FieldWriter& writer) {
                          if (zoo.animals.empty()) {
                            writer.Null();
                          } else {
                            writer.Object(zoo.animals.front());
                          }
                          return OkStatus();
                        })
      .AddWithArguments(
          "echo", schema.String(),
          {Argument("text", schema.NonNull(schema.String())), Argument("at", moment),
           Argument("diet", diet), Argument("times", schema.Int(), Value(int64_t{1}))},
          "", [](const Zoo&, const Arguments& arguments, FieldWriter& writer) {
            writer.String(arguments.Find("text")->Text().value_or("") +
                          PrintValue(*arguments.Find("times")));
            return OkStatus();
          });
  schema.SetQuery(query.Get());
  auto mutation = schema.AddObject<Zoo>("Mutation", "");
  mutation.Add("feed", schema.NonNull(schema.Boolean()), "",
               [](const Zoo&, FieldWriter& writer) { writer.Bool(true); });
  schema.SetMutation(mutation.Get());
}

}  // namespace network_mapper::graphql
