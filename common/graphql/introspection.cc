#include "common/graphql/introspection.h"

#include <array>
#include <string_view>

#include "common/graphql/field_writer.h"

namespace network_mapper::graphql {

namespace {

struct DirectiveDescription {
  std::string_view name;
  std::string_view description;
  InputField condition;
};

std::string_view KindName(TypeKind kind) {
  constexpr std::array<std::string_view, 6> kNames = {"SCALAR",       "OBJECT", "ENUM",
                                                      "INPUT_OBJECT", "LIST",   "NON_NULL"};
  return kNames[static_cast<size_t>(kind)];
}

void WriteText(FieldWriter& writer, std::string_view text) {
  if (text.empty()) {
    writer.Null();
  } else {
    writer.String(text);
  }
}

template <typename Items>
void WriteAll(FieldWriter& writer, const Items& items) {
  writer.BeginList();
  for (const auto& item : items) {
    writer.Object(item);
  }
  writer.EndList();
}

void WriteNothing(FieldWriter& writer) {
  writer.BeginList();
  writer.EndList();
}

struct IntrospectionTypes {
  const Type* type_kind = nullptr;
  const Type* directive_location = nullptr;
  // Types refer to each other before their fields are known.
  ObjectBuilder<Type> type;
  ObjectBuilder<Field> field;
  ObjectBuilder<InputField> input_value;
  ObjectBuilder<EnumValue> enum_value;
  ObjectBuilder<DirectiveDescription> directive;
  ObjectBuilder<Schema> schema;
};

void AddTypeFields(Schema& schema, IntrospectionTypes& types) {
  const Type* list_of_types = schema.ListOf(schema.NonNull(types.type.Get()));
  InputField include_deprecated{.name = "includeDeprecated",
                                .type = schema.Boolean(),
                                .description = "",
                                .default_value = Value(false)};
  types.type
      .Add("kind", schema.NonNull(types.type_kind), "",
           [](const Type& type, FieldWriter& writer) { writer.String(KindName(type.kind)); })
      .Add("name", schema.String(), "",
           [](const Type& type, FieldWriter& writer) { WriteText(writer, type.name); })
      .Add("description", schema.String(), "",
           [](const Type& type, FieldWriter& writer) { WriteText(writer, type.description); })
      .Add("specifiedByURL", schema.String(), "",
           [](const Type&, FieldWriter& writer) { writer.Null(); })
      .AddWithArguments(
          "fields", schema.ListOf(schema.NonNull(types.field.Get())), {include_deprecated}, "",
          [](const Type& type, const Arguments& arguments, FieldWriter& writer) {
            if (type.kind != TypeKind::kObject) {
              writer.Null();
              return OkStatus();
            }
            writer.BeginList();
            for (const Field& field : type.fields) {
              if (field.deprecation_reason.empty() || arguments.Bool("includeDeprecated")) {
                writer.Object(field);
              }
            }
            writer.EndList();
            return OkStatus();
          })
      .Add("interfaces", list_of_types, "",
           [](const Type& type, FieldWriter& writer) {
             type.kind == TypeKind::kObject ? WriteNothing(writer) : writer.Null();
           })
      .Add("possibleTypes", list_of_types, "",
           [](const Type&, FieldWriter& writer) { writer.Null(); })
      .AddWithArguments("enumValues", schema.ListOf(schema.NonNull(types.enum_value.Get())),
                        {include_deprecated}, "",
                        [](const Type& type, const Arguments&, FieldWriter& writer) {
                          type.kind == TypeKind::kEnum ? WriteAll(writer, type.values)
                                                       : writer.Null();
                          return OkStatus();
                        })
      .Add("inputFields", schema.ListOf(schema.NonNull(types.input_value.Get())), "",
           [](const Type& type, FieldWriter& writer) {
             type.kind == TypeKind::kInputObject ? WriteAll(writer, type.input_fields)
                                                 : writer.Null();
           })
      .Add("ofType", types.type.Get(), "", [](const Type& type, FieldWriter& writer) {
        if (type.of_type == nullptr) {
          writer.Null();
        } else {
          writer.Object(*type.of_type);
        }
      });
}

void AddFieldFields(Schema& schema, IntrospectionTypes& types) {
  const Type* arguments = schema.NonNull(schema.ListOf(schema.NonNull(types.input_value.Get())));
  types.field
      .Add("name", schema.NonNull(schema.String()), "",
           [](const Field& field, FieldWriter& writer) { writer.String(field.name); })
      .Add("description", schema.String(), "",
           [](const Field& field, FieldWriter& writer) { WriteText(writer, field.description); })
      .Add("args", arguments, "",
           [](const Field& field, FieldWriter& writer) { WriteAll(writer, field.arguments); })
      .Add("type", schema.NonNull(types.type.Get()), "",
           [](const Field& field, FieldWriter& writer) { writer.Object(*field.type); })
      .Add("isDeprecated", schema.NonNull(schema.Boolean()), "",
           [](const Field& field, FieldWriter& writer) {
             writer.Bool(!field.deprecation_reason.empty());
           })
      .Add("deprecationReason", schema.String(), "", [](const Field& field, FieldWriter& writer) {
        WriteText(writer, field.deprecation_reason);
      });
  types.input_value
      .Add("name", schema.NonNull(schema.String()), "",
           [](const InputField& field, FieldWriter& writer) { writer.String(field.name); })
      .Add("description", schema.String(), "",
           [](const InputField& field, FieldWriter& writer) {
             WriteText(writer, field.description);
           })
      .Add("type", schema.NonNull(types.type.Get()), "",
           [](const InputField& field, FieldWriter& writer) { writer.Object(*field.type); })
      .Add("defaultValue", schema.String(), "", [](const InputField& field, FieldWriter& writer) {
        if (field.default_value) {
          writer.String(PrintValue(*field.default_value));
        } else {
          writer.Null();
        }
      });
  types.enum_value
      .Add("name", schema.NonNull(schema.String()), "",
           [](const EnumValue& value, FieldWriter& writer) { writer.String(value.name); })
      .Add(
          "description", schema.String(), "",
          [](const EnumValue& value, FieldWriter& writer) { WriteText(writer, value.description); })
      .Add("isDeprecated", schema.NonNull(schema.Boolean()), "",
           [](const EnumValue&, FieldWriter& writer) { writer.Bool(false); })
      .Add("deprecationReason", schema.String(), "",
           [](const EnumValue&, FieldWriter& writer) { writer.Null(); });
}

void AddDirectiveFields(Schema& schema, IntrospectionTypes& types) {
  types.directive
      .Add("name", schema.NonNull(schema.String()), "",
           [](const DirectiveDescription& directive, FieldWriter& writer) {
             writer.String(directive.name);
           })
      .Add("description", schema.String(), "",
           [](const DirectiveDescription& directive, FieldWriter& writer) {
             writer.String(directive.description);
           })
      .Add("isRepeatable", schema.NonNull(schema.Boolean()), "",
           [](const DirectiveDescription&, FieldWriter& writer) { writer.Bool(false); })
      .Add("locations", schema.NonNull(schema.ListOf(schema.NonNull(types.directive_location))), "",
           [](const DirectiveDescription&, FieldWriter& writer) {
             writer.BeginList();
             for (std::string_view location : {"FIELD", "FRAGMENT_SPREAD", "INLINE_FRAGMENT"}) {
               writer.String(location);
             }
             writer.EndList();
           })
      .Add("args", schema.NonNull(schema.ListOf(schema.NonNull(types.input_value.Get()))), "",
           [](const DirectiveDescription& directive, FieldWriter& writer) {
             writer.BeginList();
             writer.Object(directive.condition);
             writer.EndList();
           });
}

void AddSchemaFields(Schema& schema, IntrospectionTypes& types) {
  const Type* condition = schema.NonNull(schema.Boolean());
  types.schema
      .Add("description", schema.String(), "",
           [](const Schema&, FieldWriter& writer) { writer.Null(); })
      .Add("types", schema.NonNull(schema.ListOf(schema.NonNull(types.type.Get()))), "",
           [](const Schema& described, FieldWriter& writer) {
             writer.BeginList();
             for (const Type& type : described.Types()) {
               if (type.of_type == nullptr) {
                 writer.Object(type);
               }
             }
             writer.EndList();
           })
      .Add("queryType", schema.NonNull(types.type.Get()), "",
           [](const Schema& described, FieldWriter& writer) { writer.Object(*described.Query()); })
      .Add("mutationType", types.type.Get(), "",
           [](const Schema& described, FieldWriter& writer) {
             if (described.Mutation() == nullptr) {
               writer.Null();
             } else {
               writer.Object(*described.Mutation());
             }
           })
      .Add("subscriptionType", types.type.Get(), "",
           [](const Schema&, FieldWriter& writer) { writer.Null(); })
      .Add("directives", schema.NonNull(schema.ListOf(schema.NonNull(types.directive.Get()))), "",
           [condition](const Schema&, FieldWriter& writer) {
             InputField argument{
                 .name = "if", .type = condition, .description = "", .default_value = std::nullopt};
             writer.BeginList();
             writer.Object(DirectiveDescription{
                 .name = "include",
                 .description = "Leaves the field out unless the argument is true.",
                 .condition = argument});
             writer.Object(DirectiveDescription{
                 .name = "skip",
                 .description = "Leaves the field out when the argument is true.",
                 .condition = argument});
             writer.EndList();
           });
}

}  // namespace

void AddIntrospection(Schema& schema, Type& query) {
  IntrospectionTypes types{
      .type_kind = schema.AddEnum(
          "__TypeKind", "",
          {"SCALAR", "OBJECT", "INTERFACE", "UNION", "ENUM", "INPUT_OBJECT", "LIST", "NON_NULL"}),
      .directive_location =
          schema.AddEnum("__DirectiveLocation", "",
                         {"QUERY", "MUTATION", "SUBSCRIPTION", "FIELD", "FRAGMENT_DEFINITION",
                          "FRAGMENT_SPREAD", "INLINE_FRAGMENT", "VARIABLE_DEFINITION"}),
      .type = schema.AddObject<Type>("__Type", ""),
      .field = schema.AddObject<Field>("__Field", ""),
      .input_value = schema.AddObject<InputField>("__InputValue", ""),
      .enum_value = schema.AddObject<EnumValue>("__EnumValue", ""),
      .directive = schema.AddObject<DirectiveDescription>("__Directive", ""),
      .schema = schema.AddObject<Schema>("__Schema", "")};
  AddTypeFields(schema, types);
  AddFieldFields(schema, types);
  AddDirectiveFields(schema, types);
  AddSchemaFields(schema, types);

  Field schema_field;
  schema_field.name = "__schema";
  schema_field.type = schema.NonNull(types.schema.Get());
  schema_field.resolve = [&schema](const void*, const Arguments&, FieldWriter& writer) {
    writer.Object(schema);
    return OkStatus();
  };
  Field type_field;
  type_field.name = "__type";
  type_field.type = types.type.Get();
  type_field.arguments.push_back({.name = "name",
                                  .type = schema.NonNull(schema.String()),
                                  .description = "",
                                  .default_value = std::nullopt});
  type_field.resolve = [&schema](const void*, const Arguments& arguments, FieldWriter& writer) {
    const Type* found = schema.FindType(arguments.Find("name")->Text().value_or(""));
    if (found == nullptr) {
      writer.Null();
    } else {
      writer.Object(*found);
    }
    return OkStatus();
  };
  query.fields.push_back(std::move(schema_field));
  query.fields.push_back(std::move(type_field));
}

}  // namespace network_mapper::graphql
