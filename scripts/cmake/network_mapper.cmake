# Build vocabulary of the project: nm_library, nm_binary, nm_test, nm_fuzz, nm_bench, nm_proto_library.
# Every target gets the same language level, warnings, sanitizers and include root (the repository root).

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

option(NETWORK_MAPPER_BUILD_TESTS "Build tests, fuzz replays and benchmarks" ON)
option(NETWORK_MAPPER_WERROR "Treat warnings as errors" ON)
option(NETWORK_MAPPER_STATIC_DEPS "Link gRPC, Protobuf and Abseil statically: one relocatable binary, smaller resident set" OFF)
set(NETWORK_MAPPER_SANITIZE "" CACHE STRING "Value for -fsanitize=, e.g. address,undefined or thread")
option(NETWORK_MAPPER_FUZZ "Build fuzz targets with libFuzzer (clang only) instead of the replay driver" OFF)
option(NETWORK_MAPPER_COVERAGE "Instrument for gcov" OFF)

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  # Paths relative to the checkout, so that a clone in another folder finds what this one compiled.
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CMAKE_COMMAND};-E;env;CCACHE_BASEDIR=${CMAKE_SOURCE_DIR};CCACHE_NOHASHDIR=1;${CCACHE_PROGRAM}")
endif()
find_program(MOLD_PROGRAM mold)
if(MOLD_PROGRAM)
  add_link_options(-fuse-ld=mold)
endif()

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(GRPC_PC REQUIRED grpc++ protobuf)
add_library(nm_grpc INTERFACE)
if(NETWORK_MAPPER_STATIC_DEPS)
  # Debian ships static archives beside the shared objects; the C library stays shared. So do OpenSSL and zlib: cpp-httplib
  # and others come as shared objects that need them, and two copies of OpenSSL in one process must not meet.
  set(static_only ${GRPC_PC_STATIC_LIBRARIES})
  list(REMOVE_ITEM static_only pthread dl m rt c ssl crypto z)
  list(TRANSFORM static_only PREPEND "-l")
  target_link_libraries(nm_grpc INTERFACE -Wl,--gc-sections -Wl,-Bstatic -Wl,--start-group ${static_only} -Wl,--end-group -Wl,-Bdynamic ssl crypto z)
else()
  target_link_libraries(nm_grpc INTERFACE ${GRPC_PC_LINK_LIBRARIES})
endif()
target_include_directories(nm_grpc SYSTEM INTERFACE ${GRPC_PC_INCLUDE_DIRS})
# absl::Status for rooms that do not speak gRPC; with static gRPC it must come from the same archives.
pkg_check_modules(ABSL_STATUS_PC REQUIRED absl_statusor)
add_library(nm_absl_status INTERFACE)
if(NETWORK_MAPPER_STATIC_DEPS)
  target_link_libraries(nm_absl_status INTERFACE nm_grpc)
else()
  target_link_libraries(nm_absl_status INTERFACE ${ABSL_STATUS_PC_LINK_LIBRARIES})
endif()
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)

# Not among the warnings: -Wnull-dereference, which with optimisation complains about libstdc++'s own stream iterators.
add_library(nm_options INTERFACE)
target_include_directories(nm_options INTERFACE "${CMAKE_SOURCE_DIR}")
target_compile_definitions(nm_options INTERFACE _GLIBCXX_ASSERTIONS)
target_compile_options(nm_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wnon-virtual-dtor -Wold-style-cast
  -Wimplicit-fallthrough
  $<$<CXX_COMPILER_ID:GNU>:-Wduplicated-cond -Wlogical-op>)
if(NETWORK_MAPPER_WERROR)
  target_compile_options(nm_options INTERFACE -Werror)
endif()
# In a unity build every source is an included file, and g++ warns of classes of one source only when an included file has them.
target_compile_options(nm_options INTERFACE
  $<$<AND:$<CXX_COMPILER_ID:GNU>,$<BOOL:$<TARGET_PROPERTY:UNITY_BUILD>>>:-Wno-subobject-linkage>)
if(NETWORK_MAPPER_SANITIZE)
  add_compile_options(-fsanitize=${NETWORK_MAPPER_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${NETWORK_MAPPER_SANITIZE})
  if(NETWORK_MAPPER_SANITIZE MATCHES "undefined")
    add_compile_options(-fno-sanitize-recover=all)
  endif()
endif()
if(NETWORK_MAPPER_FUZZ)
  # In all code, so that the fuzzer sees which inputs lead to new paths.
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
# What the sanitizers find in Debian's libraries, which are not instrumented.
set(sanitizer_environment
  "LSAN_OPTIONS=suppressions=${CMAKE_SOURCE_DIR}/tests/support/leaks.supp:print_suppressions=0"
  "TSAN_OPTIONS=ignore_noninstrumented_modules=1")
if(NETWORK_MAPPER_COVERAGE)
  add_compile_options(--coverage)
  add_link_options(--coverage)
endif()

# nm_library(<name> SRCS ... [DEPS ...] [PRIVATE_DEPS ...])
# One folder, one static library. PRIVATE_DEPS are libraries whose headers appear only in our .cc files.
function(nm_library name)
  cmake_parse_arguments(ARG "" "" "SRCS;DEPS;PRIVATE_DEPS" ${ARGN})
  if(ARG_SRCS)
    add_library(${name} STATIC ${ARG_SRCS})
    target_link_libraries(${name} PUBLIC nm_options ${ARG_DEPS} PRIVATE ${ARG_PRIVATE_DEPS})
  else()
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE nm_options ${ARG_DEPS})
  endif()
endfunction()

# nm_binary(<name> SRCS main.cc [DEPS ...])
function(nm_binary name)
  cmake_parse_arguments(ARG "" "" "SRCS;DEPS" ${ARGN})
  add_executable(${name} ${ARG_SRCS})
  target_link_libraries(${name} PRIVATE nm_options ${ARG_DEPS})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
endfunction()

# Groups to build by: what the sanitizers run, the fuzz targets, what scripts/bench runs.
add_custom_target(unit_tests)
add_custom_target(concurrency_tests)
add_custom_target(fuzz_targets)
add_custom_target(benchmarks)

# nm_test(<name> SRCS ... [DEPS ...] [LABELS unit|integration|concurrency|root ...] [TIMEOUT seconds])
function(nm_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SRCS;DEPS;LABELS" ${ARGN})
  find_package(GTest REQUIRED)
  add_executable(${name} ${ARG_SRCS})
  target_link_libraries(${name} PRIVATE nm_options ${ARG_DEPS} nm_test_support GTest::gmock GTest::gtest_main)
  # GoogleTest's headers take longer than a test's own text: once a program, not once a source.
  set_target_properties(${name} PROPERTIES UNITY_BUILD ON)
  if(NOT ARG_LABELS)
    set(ARG_LABELS unit)
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 60)
  endif()
  add_test(NAME ${name} COMMAND ${name})
  foreach(label unit concurrency)
    if(label IN_LIST ARG_LABELS)
      add_dependencies(${label}_tests ${name})
    endif()
  endforeach()
  set_tests_properties(${name} PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT ${ARG_TIMEOUT}
    ENVIRONMENT "NETWORK_MAPPER_SOURCE_DIR=${CMAKE_SOURCE_DIR};NETWORK_MAPPER_BINARY_DIR=${CMAKE_BINARY_DIR};${sanitizer_environment}")
endfunction()

# nm_fuzz(<name> SRCS <name>.cc [DEPS ...]): LLVMFuzzerTestOneInput over fuzz/corpus/<name>/.
# With NETWORK_MAPPER_FUZZ a libFuzzer binary; otherwise ctest replays the corpus through the same function.
function(nm_fuzz name)
  cmake_parse_arguments(ARG "" "" "SRCS;DEPS" ${ARGN})
  add_executable(fuzz_${name} ${ARG_SRCS})
  target_link_libraries(fuzz_${name} PRIVATE nm_options ${ARG_DEPS})
  set_target_properties(fuzz_${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/fuzz")
  add_dependencies(fuzz_targets fuzz_${name})
  if(NETWORK_MAPPER_FUZZ)
    target_compile_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
    target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
  else()
    target_sources(fuzz_${name} PRIVATE "${CMAKE_SOURCE_DIR}/fuzz/replay_driver.cc")
    add_dependencies(unit_tests fuzz_${name})
    add_test(NAME fuzz_${name} COMMAND fuzz_${name} "${CMAKE_SOURCE_DIR}/fuzz/corpus/${name}")
    set_tests_properties(fuzz_${name} PROPERTIES LABELS "unit;fuzz" TIMEOUT 60)
  endif()
endfunction()

# nm_bench(<name> SRCS ... [DEPS ...]): google-benchmark; ctest runs it for an instant so that it never rots.
function(nm_bench name)
  cmake_parse_arguments(ARG "" "" "SRCS;DEPS" ${ARGN})
  find_package(benchmark REQUIRED)
  add_executable(${name} ${ARG_SRCS})
  target_link_libraries(${name} PRIVATE nm_options ${ARG_DEPS} benchmark::benchmark benchmark::benchmark_main)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bench")
  add_dependencies(benchmarks ${name})
  add_test(NAME ${name} COMMAND ${name} --benchmark_min_time=0.01)
  set_tests_properties(${name} PROPERTIES LABELS "bench" TIMEOUT 120)
endfunction()

# nm_proto_library(<name> PROTOS dir/file.proto ...): generated code is a SYSTEM library without our warnings.
function(nm_proto_library name)
  cmake_parse_arguments(ARG "" "" "PROTOS" ${ARGN})
  find_program(PROTOC protoc REQUIRED)
  find_program(GRPC_CPP_PLUGIN grpc_cpp_plugin REQUIRED)
  set(out "${CMAKE_BINARY_DIR}/generated")
  file(MAKE_DIRECTORY "${out}")
  set(sources)
  foreach(proto ${ARG_PROTOS})
    string(REGEX REPLACE "\\.proto$" "" stem "${proto}")
    set(generated "${out}/${stem}.pb.cc" "${out}/${stem}.grpc.pb.cc")
    add_custom_command(
      OUTPUT ${generated} "${out}/${stem}.pb.h" "${out}/${stem}.grpc.pb.h"
      COMMAND "${PROTOC}" -I "${CMAKE_CURRENT_SOURCE_DIR}" --cpp_out=${out} --grpc_out=${out}
              --plugin=protoc-gen-grpc=${GRPC_CPP_PLUGIN} "${CMAKE_CURRENT_SOURCE_DIR}/${proto}"
      DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/${proto}" VERBATIM)
    list(APPEND sources ${generated})
  endforeach()
  add_library(${name} STATIC ${sources})
  target_include_directories(${name} SYSTEM PUBLIC "${out}")
  target_link_libraries(${name} PUBLIC nm_grpc)
endfunction()
