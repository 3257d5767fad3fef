# sightline_library(name SOURCES ... DEPS ...): a static library of our own code with warnings as errors.
function(sightline_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_include_directories(${name} PUBLIC ${CMAKE_SOURCE_DIR})
  target_link_libraries(${name} PUBLIC ${ARG_DEPS} PRIVATE sightline_warnings)
endfunction()

# sightline_binary(name SOURCES ... DEPS ...)
function(sightline_binary name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE ${ARG_DEPS} sightline_warnings)
endfunction()

# sightline_test(name SOURCES ... DEPS ... [LABELS ...]): a GoogleTest binary registered with CTest as one test.
# Tests find golden data under the compile-time constant SIGHTLINE_SOURCE_DIR.
function(sightline_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;DEPS;LABELS" ${ARGN})
  if(NOT SIGHTLINE_TESTS)
    return()
  endif()
  find_package(GTest REQUIRED)
  sightline_binary(${name} SOURCES ${ARG_SOURCES} DEPS ${ARG_DEPS} GTest::gtest GTest::gmock GTest::gtest_main)
  target_compile_definitions(${name} PRIVATE SIGHTLINE_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  if(SIGHTLINE_SANITIZE)  # the checks, and kernels at -O1, are many times slower
    math(EXPR ARG_TIMEOUT "4 * ${ARG_TIMEOUT}")
  endif()
  set_tests_properties(${name} PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS "${ARG_LABELS}")
  sightline_test_environment(${name})
endfunction()

# sightline_test_environment(test...): what sanitizers need; sightline_test does it by itself.
function(sightline_test_environment)
  set_property(TEST ${ARGN} APPEND PROPERTY ENVIRONMENT ${SIGHTLINE_TEST_ENVIRONMENT})
endfunction()

# sightline_fuzz_target(name SOURCES ... DEPS ...): a libFuzzer program where SIGHTLINE_FUZZ asks for them. It must be
# called NAME_fuzz: tools/fuzz.sh runs every bin/*_fuzz over tests/fuzz/corpus/NAME.
function(sightline_fuzz_target name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  if(NOT SIGHTLINE_FUZZ OR TARGET ${name})
    return()
  endif()
  sightline_binary(${name} SOURCES ${ARG_SOURCES} DEPS ${ARG_DEPS})
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
endfunction()
